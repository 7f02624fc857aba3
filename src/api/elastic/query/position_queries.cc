#include "api/elastic/query/internal/query_parser.h"
#include "search/tree/intervals.h"

#include <algorithm>
#include <map>
#include <utility>

/// Queries about where words stand: intervals, and the older spans, which are the same.
namespace kumo::api_elastic {

namespace {

using Source = tree::IntervalSource;
using Kind = Source::Kind;
using SourceResult = Result<tree::IntervalPtr>;

constexpr std::uint32_t kSourceDepthMax = 30;

tree::IntervalPtr made(Source source) {
    return std::make_shared<const Source>(std::move(source));
}

tree::IntervalPtr none() {
    return made({});
}

class IntervalsReader {
public:
    IntervalsReader(const QueryContext& context, const MappedField& field)
        : context_(context), field_(field) {}

    /// {"match": {...}}
    SourceResult read(const Json& json) {
        if (!json.is_object() || json.size() != 1) {
            return parsing_error("Only one interval rule can be specified");
        }
        const auto& [name, body] = json.members().front();
        return read(name, body);
    }

    SourceResult read(const std::string& name, const Json& body) {
        if (!body.is_object()) {
            return parsing_error("Expected [START_OBJECT] in interval rule [" + name + "]");
        }
        if (++depth_ > kSourceDepthMax) {
            return illegal_argument("intervals are nested too deeply");
        }
        SourceResult out = read_kind(name, body);
        --depth_;
        if (!out.ok()) {
            return out;
        }
        if (const Json* filter = body.find("filter")) {
            return filtered(std::move(out).value(), *filter);
        }
        return out;
    }

private:
    SourceResult read_kind(const std::string& name, const Json& body) {
        if (name == "match") {
            return read_match(body);
        }
        if (name == "all_of") {
            return read_all(body);
        }
        if (name == "any_of") {
            Source out;
            out.kind = Kind::kAny;
            KUMO_TRY_ASSIGN(out.children, read_list(body));
            return out.children.empty() ? none() : made(std::move(out));
        }
        if (name == "prefix") {
            const Json* prefix = body.find("prefix");
            if (prefix == nullptr) {
                return parsing_error("Required [prefix]");
            }
            Source out;
            out.kind = Kind::kPattern;
            out.pattern = tree::prefix_pattern(normalized(prefix->text(), body));
            return made(std::move(out));
        }
        if (name == "wildcard" || name == "regexp") {
            const Json* pattern = body.find("pattern");
            if (pattern == nullptr) {
                return parsing_error("Required [pattern]");
            }
            Source out;
            out.kind = Kind::kPattern;
            const Json* ignore = body.find("case_insensitive");
            const bool any_case = ignore != nullptr && ignore->to_bool().value_or(false);
            auto read = name == "wildcard" ? tree::wildcard_pattern(pattern->text(), any_case)
                                           : tree::regexp_pattern(pattern->text(), {}, any_case);
            if (!read.ok()) {
                return illegal_argument(read.error().message);
            }
            out.pattern = std::move(read).value();
            return made(std::move(out));
        }
        if (name == "fuzzy") {
            return read_fuzzy(body);
        }
        return parsing_error(
            "Unknown interval type [" + name
            + "], expecting one of [match, any_of, all_of, prefix, wildcard, regexp]"
        );
    }

    SourceResult read_fuzzy(const Json& body) {
        const Json* term = body.find("term");
        if (term == nullptr) {
            return parsing_error("Required [term]");
        }
        Fuzziness fuzziness{true};
        if (const Json* given = body.find("fuzziness")) {
            KUMO_TRY_ASSIGN(fuzziness, Fuzziness::parse(*given));
        }
        Source out;
        out.kind = Kind::kFuzzy;
        out.text = normalized(term->text(), body);
        out.edits = fuzziness.edits_of(out.text);
        if (const Json* prefix = body.find("prefix_length")) {
            out.prefix_points = static_cast<std::uint32_t>(
                std::clamp<std::int64_t>(prefix->to_int64().value_or(0), 0, INT32_MAX)
            );
        }
        if (const Json* swaps = body.find("transpositions")) {
            out.swaps = swaps->to_bool().value_or(true);
        }
        return made(std::move(out));
    }

    std::string analyzer(const Json& body) const {
        const Json* name = body.find("analyzer");
        return name != nullptr ? name->text() : "";
    }

    /// One word as the analyzer writes it, if it leaves one.
    std::string normalized(const std::string& text, const Json& body) const {
        auto tokens = analyze_query(context_, field_, text, analyzer(body));
        if (tokens.ok() && tokens.value().tokens.size() == 1) {
            return std::string(tokens.value().term(tokens.value().tokens.front()));
        }
        return text;
    }

    static void read_gaps(const Json& body, Source& out) {
        const Json* gaps = body.find("max_gaps");
        const auto number = gaps != nullptr ? gaps->to_int64() : std::nullopt;
        if (number && *number >= 0) {
            out.max_gaps = static_cast<std::uint32_t>(std::min<std::int64_t>(*number, INT32_MAX));
        }
    }

    static Result<bool> read_ordered(const Json& body) {
        const Json* ordered = body.find("ordered");
        bool out = ordered != nullptr && ordered->to_bool().value_or(false);
        if (const Json* mode = body.find("mode")) {
            const std::string name = mode->text();
            if (name != "ordered" && name != "unordered" && name != "unordered_no_overlap") {
                return parsing_error("Unknown mode [" + name + "]");
            }
            out = name == "ordered";
        }
        return out;
    }

    SourceResult read_match(const Json& body) {
        const Json* query = body.find("query");
        if (query == nullptr) {
            return parsing_error("Required [query]");
        }
        KUMO_TRY_ASSIGN(
            const search::TokenBuffer tokens,
            analyze_query(context_, field_, query->text(), analyzer(body))
        );
        Source out;
        KUMO_TRY_ASSIGN(const bool ordered, read_ordered(body));
        out.kind = ordered ? Kind::kOrdered : Kind::kUnordered;
        const Json* mode = body.find("mode");
        out.overlaps = mode == nullptr || mode->text() != "unordered_no_overlap";
        read_gaps(body, out);
        std::map<std::uint32_t, Source> places;
        for (const search::AnalyzedToken& token : tokens.tokens) {
            places[token.position].terms.emplace_back(tokens.term(token));
        }
        for (auto& [position, source] : places) {
            out.children.push_back(made(std::move(source)));
        }
        if (out.children.empty()) {
            return none();
        }
        return out.children.size() == 1 ? out.children.front() : made(std::move(out));
    }

    Result<std::vector<tree::IntervalPtr>> read_list(const Json& body) {
        const Json* list = body.find("intervals");
        if (list == nullptr || !list->is_array()) {
            return parsing_error("Required [intervals]");
        }
        std::vector<tree::IntervalPtr> out;
        for (const Json& item : list->items()) {
            KUMO_TRY_ASSIGN(tree::IntervalPtr one, read(item));
            out.push_back(std::move(one));
        }
        return out;
    }

    SourceResult read_all(const Json& body) {
        Source out;
        KUMO_TRY_ASSIGN(const bool ordered, read_ordered(body));
        out.kind = ordered ? Kind::kOrdered : Kind::kUnordered;
        const Json* mode = body.find("mode");
        out.overlaps = mode == nullptr || mode->text() != "unordered_no_overlap";
        read_gaps(body, out);
        KUMO_TRY_ASSIGN(out.children, read_list(body));
        if (out.children.empty()) {
            return none();
        }
        return out.children.size() == 1 ? out.children.front() : made(std::move(out));
    }

    SourceResult filtered(tree::IntervalPtr source, const Json& filter) {
        static const std::map<std::string_view, tree::IntervalFilter> kFilters{
            {"after", tree::IntervalFilter::kAfter},
            {"before", tree::IntervalFilter::kBefore},
            {"contained_by", tree::IntervalFilter::kContainedBy},
            {"containing", tree::IntervalFilter::kContaining},
            {"not_contained_by", tree::IntervalFilter::kNotContainedBy},
            {"not_containing", tree::IntervalFilter::kNotContaining},
            {"not_overlapping", tree::IntervalFilter::kNotOverlapping},
            {"overlapping", tree::IntervalFilter::kOverlapping},
        };
        for (const auto& [name, inner] : filter.members()) {
            if (name == "script") {
                return not_supported("scripts are not supported in intervals");
            }
            const auto kind = kFilters.find(name);
            if (kind == kFilters.end()) {
                return parsing_error("Unknown filter type [" + name + "]");
            }
            Source out;
            out.kind = Kind::kFiltered;
            out.filter = kind->second;
            KUMO_TRY_ASSIGN(tree::IntervalPtr other, read(inner));
            out.children = {std::move(source), std::move(other)};
            source = made(std::move(out));
        }
        return source;
    }

    const QueryContext& context_;
    const MappedField& field_;
    std::uint32_t depth_ = 0;
};

}  // namespace

NodeResult read_intervals(QueryParser& parser, const Json& body) {
    std::string path;
    const Json* rules = nullptr;
    Json options = Json::object();
    for (const auto& [key, value] : body.members()) {
        if (key == "boost" || key == "_name") {
            options[key] = value;
        } else {
            path = key;
            rules = &value;
        }
    }
    if (rules == nullptr || !rules->is_object()) {
        return parsing_error("Expected [FIELD_NAME] but got [END_OBJECT]");
    }
    const Target target = resolve(parser.context(), path);
    if (target.field == nullptr) {
        return parser.finish(tree::match_none(), options);
    }
    if (!target.field->is_text()) {
        return illegal_argument(
            "Can only use interval queries on text fields - not on [" + path
            + "] which is of type [" + target.field->type + "]"
        );
    }
    tree::IntervalPtr source;
    for (const auto& [key, value] : rules->members()) {
        if (key == "boost" || key == "_name") {
            options[key] = value;
            continue;
        }
        KUMO_TRY_ASSIGN(source, IntervalsReader(parser.context(), *target.field).read(key, value));
    }
    if (source == nullptr || !target.engine) {
        return parser.finish(tree::match_none(), options);
    }
    return parser.finish(tree::intervals(*target.engine, std::move(source)), options);
}

namespace {

/// A span query: a source, and the field that all of it is in.
struct Span {
    std::string field;
    tree::IntervalPtr source;
};

class SpanReader {
public:
    Result<Span> read(const Json& json) {
        if (!json.is_object() || json.size() != 1) {
            return parsing_error("span query malformed, a span query was expected");
        }
        return read(json.members().front().first, json.members().front().second);
    }

    Result<Span> read(const std::string& name, const Json& body) {
        if (++depth_ > kSourceDepthMax) {
            return illegal_argument("span queries are nested too deeply");
        }
        Result<Span> out = read_kind(name, body);
        --depth_;
        return out;
    }

private:
    Result<Span> read_kind(const std::string& name, const Json& body) {
        if (name == "span_term") {
            KUMO_TRY_ASSIGN(const FieldBody field, field_body(name, body, {"value", "term"}));
            Source out;
            out.terms = {field.value.text()};
            return Span{field.field, made(std::move(out))};
        }
        if (name == "span_multi") {
            return read_multi(body);
        }
        if (name == "span_near" || name == "span_or") {
            return read_several(name, body);
        }
        if (name == "span_first") {
            const Json* match = body.find("match");
            const Json* end = body.find("end");
            const auto most = end != nullptr ? end->to_int64() : std::nullopt;
            if (match == nullptr || !most || *most < 0) {
                return parsing_error("span_first must have [match] span query clause and [end] set"
                );
            }
            KUMO_TRY_ASSIGN(Span inner, read(*match));
            Source out;
            out.kind = Kind::kFirst;
            out.max_gaps = static_cast<std::uint32_t>(std::min<std::int64_t>(*most, INT32_MAX));
            out.children = {inner.source};
            return Span{inner.field, made(std::move(out))};
        }
        if (name == "span_not") {
            return read_two(body, "include", "exclude", tree::IntervalFilter::kNotOverlapping);
        }
        if (name == "span_containing") {
            return read_two(body, "big", "little", tree::IntervalFilter::kContaining);
        }
        if (name == "span_within") {
            return read_two(body, "little", "big", tree::IntervalFilter::kContainedBy);
        }
        return parsing_error("span query malformed, [" + name + "] is no span query");
    }

    Result<Span> read_several(const std::string& name, const Json& body) {
        const Json* clauses = body.find("clauses");
        if (clauses == nullptr || !clauses->is_array() || clauses->empty()) {
            return parsing_error("[" + name + "] must include [clauses]");
        }
        Source out;
        Span span;
        for (const Json& clause : clauses->items()) {
            KUMO_TRY_ASSIGN(Span inner, read(clause));
            span.field = inner.field;
            out.children.push_back(std::move(inner.source));
        }
        out.kind = Kind::kAny;
        if (name == "span_near") {
            const Json* ordered = body.find("in_order");
            const Json* slop = body.find("slop");
            const bool in_order = ordered == nullptr || ordered->to_bool().value_or(true);
            out.kind = in_order ? Kind::kOrdered : Kind::kUnordered;
            out.max_gaps = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
                slop != nullptr ? slop->to_int64().value_or(0) : 0,
                0,
                INT32_MAX
            ));
        }
        span.source = out.children.size() == 1 ? out.children.front() : made(std::move(out));
        return span;
    }

    Result<Span>
    read_two(const Json& body, const char* first, const char* second, tree::IntervalFilter filter) {
        const Json* a = body.find(first);
        const Json* b = body.find(second);
        if (a == nullptr || b == nullptr) {
            return parsing_error(
                std::string("span query must have [") + first + "] and [" + second + "]"
            );
        }
        KUMO_TRY_ASSIGN(Span left, read(*a));
        KUMO_TRY_ASSIGN(Span right, read(*b));
        Source out;
        out.kind = Kind::kFiltered;
        out.filter = filter;
        out.children = {left.source, right.source};
        const auto distance = [&body](const char* name) {
            const Json* value = body.find(name);
            return static_cast<std::uint32_t>(std::clamp<std::int64_t>(
                value != nullptr ? value->to_int64().value_or(0) : 0,
                0,
                INT32_MAX
            ));
        };
        const std::uint32_t both = distance("dist");
        out.before = std::max(both, distance("post"));
        out.after = std::max(both, distance("pre"));
        return Span{left.field, made(std::move(out))};
    }

    Result<Span> read_multi(const Json& body) {
        const Json* match = body.find("match");
        if (match == nullptr || !match->is_object() || match->size() != 1) {
            return parsing_error("[span_multi] must have [match] multi term query clause");
        }
        const auto& [type, query] = match->members().front();
        Source out;
        out.kind = Kind::kPattern;
        KUMO_TRY_ASSIGN(const FieldBody field, field_body(type, query, {"value", type, "term"}));
        const std::string text = field.value.text();
        Result<tree::PatternPtr> pattern = tree::prefix_pattern(text);
        if (type == "wildcard") {
            pattern = tree::wildcard_pattern(text, false);
        } else if (type == "regexp") {
            pattern = tree::regexp_pattern(text, {}, false);
        } else if (type == "fuzzy") {
            Fuzziness fuzziness{true};
            if (const Json* given = field.options.find("fuzziness")) {
                KUMO_TRY_ASSIGN(fuzziness, Fuzziness::parse(*given));
            }
            out.kind = Kind::kFuzzy;
            out.text = text;
            out.edits = fuzziness.edits_of(text);
        } else if (type != "prefix") {
            return parsing_error("[span_multi] [match] must be of type multi term query");
        }
        if (!pattern.ok()) {
            return illegal_argument(pattern.error().message);
        }
        out.pattern = std::move(pattern).value();
        return Span{field.field, made(std::move(out))};
    }

    std::uint32_t depth_ = 0;
};

NodeResult read_span(QueryParser& parser, const std::string& name, const Json& body) {
    KUMO_TRY_ASSIGN(const Span span, SpanReader().read(name, body));
    const Target target = resolve(parser.context(), span.field);
    if (target.field == nullptr || !target.engine || !target.field->is_text()) {
        return parser.finish(tree::match_none(), body);
    }
    return parser.finish(tree::intervals(*target.engine, span.source, true), body);
}

}  // namespace

NodeResult read_span_term(QueryParser& parser, const Json& body) {
    return read_span(parser, "span_term", body);
}

NodeResult read_span_near(QueryParser& parser, const Json& body) {
    return read_span(parser, "span_near", body);
}

NodeResult read_span_or(QueryParser& parser, const Json& body) {
    return read_span(parser, "span_or", body);
}

NodeResult read_span_not(QueryParser& parser, const Json& body) {
    return read_span(parser, "span_not", body);
}

NodeResult read_span_first(QueryParser& parser, const Json& body) {
    return read_span(parser, "span_first", body);
}

NodeResult read_span_multi(QueryParser& parser, const Json& body) {
    return read_span(parser, "span_multi", body);
}

NodeResult read_span_containing(QueryParser& parser, const Json& body) {
    return read_span(parser, "span_containing", body);
}

NodeResult read_span_within(QueryParser& parser, const Json& body) {
    return read_span(parser, "span_within", body);
}

}  // namespace kumo::api_elastic
