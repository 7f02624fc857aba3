#include "api/elastic/query/internal/field_queries.h"

#include "api/elastic/fault.h"
#include "api/elastic/query/internal/common.h"
#include "search/index/mapped_write.h"
#include "search/tree/tree.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// The document as it was sent, or nothing.
Result<std::optional<Json>> source_of(const tree::DocRef& doc) {
    std::string stored;
    KUMO_TRY(doc.snapshot.parts[doc.part].segment->stored->append(doc.doc, stored));
    KUMO_TRY_ASSIGN(const search::StoredDocument document, search::parse_stored(stored));
    KUMO_TRY_ASSIGN(Json json, Json::parse(document.source));
    return std::optional<Json>(std::move(json));
}

bool holds_value(const Json* value) {
    if (value == nullptr || value->is_null()) {
        return false;
    }
    if (!value->is_array()) {
        return true;
    }
    const auto& items = value->items();
    return std::any_of(items.begin(), items.end(), [](const Json& item) {
        return holds_value(&item);
    });
}

std::string escaped_for_regexp(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = static_cast<unsigned char>(c) >= 0x80
                           || std::isalnum(static_cast<unsigned char>(c)) != 0;
        out += plain ? "" : "\\";
        out += c;
    }
    return out;
}

}  // namespace

Target resolve(const QueryContext& context, const std::string& path) {
    Target out;
    out.path = path;
    out.field = context.mapping.find(path);
    std::string engine = path;
    if (out.field != nullptr) {
        engine = out.field->path;
        out.path = engine;
    }
    for (std::size_t dot = path.rfind('.');
         out.field == nullptr && dot != std::string::npos && dot > 0;
         dot = path.rfind('.', dot - 1)) {
        const MappedField* above = context.mapping.find(path.substr(0, dot));
        if (above != nullptr && above->kind == FieldKind::kFlatObject) {
            out.field = above;
            out.leaf = path.substr(dot + 1);
            engine = above->path;
        }
    }
    if (out.field != nullptr) {
        out.engine = context.schema.find(engine);
    } else if (context.mapping.fields().empty()) {
        // A collection of another dialect: its own fields.
        out.engine = context.schema.find(path);
    }
    return out;
}

Result<Fuzziness> Fuzziness::parse(const Json& value) {
    const std::string text = value.text();
    Fuzziness out;
    if (text.size() >= 4 && lower_case(text.substr(0, 4)) == "auto") {
        out.automatic = true;
        if (text.size() == 4) {
            return out;
        }
        const std::size_t comma = text.find(',');
        if (text[4] != ':' || comma == std::string::npos) {
            return illegal_argument("failed to find low and high distance values");
        }
        const auto low = Json(text.substr(5, comma - 5)).to_int64();
        const auto high = Json(text.substr(comma + 1)).to_int64();
        if (!low || !high || *low < 0 || *high < *low) {
            return illegal_argument(
                "fuzziness wrongly configured, must be: lowDistance >= 0, highDistance >= "
                "lowDistance"
            );
        }
        out.low = static_cast<std::uint32_t>(*low);
        out.high = static_cast<std::uint32_t>(*high);
        return out;
    }
    const auto edits = value.to_double();
    if (!edits || *edits < 0) {
        return illegal_argument("Invalid fuzziness value: " + text);
    }
    if (*edits > 2) {
        return illegal_argument("Valid edit distances are [0, 1, 2] but was [" + text + "]");
    }
    out.edits = static_cast<std::uint32_t>(*edits);
    return out;
}

std::uint32_t Fuzziness::edits_of(std::string_view term) const {
    if (!automatic) {
        return edits;
    }
    const std::size_t points = tree::code_points_of(term).size();
    if (points < low) {
        return 0;
    }
    return points < high ? 1 : 2;
}

std::optional<std::size_t> FieldQueries::engine_of(const std::string& name) const {
    return context_.schema.find(name);
}

tree::TermScoring FieldQueries::scoring() const {
    tree::TermScoring out;
    if (target_.field == nullptr) {
        return out;
    }
    out.norms = target_.field->norms && target_.field->is_text();
    if (target_.field->type == "match_only_text") {
        out.bm25 = false;
    }
    if (const Json* options = target_.field->definition.find("index_options")) {
        out.frequencies = options->text() != "docs";
    }
    if (const Json* similarity = target_.field->definition.find("similarity")) {
        out.bm25 = similarity->text() != "boolean";
    }
    return out;
}

tree::NodePtr FieldQueries::text_term(std::vector<std::string> forms) const {
    if (!target_.engine) {
        return tree::match_none();
    }
    return tree::synonyms(*target_.engine, std::move(forms), scoring());
}

NodeResult FieldQueries::metadata_term(const Json& value) const {
    const std::string text = value.text();
    if (target_.path == "_id") {
        return tree::constant(tree::ids({text}));
    }
    if (target_.path == "_index") {
        const bool same = text == context_.index
                          || std::find(context_.aliases.begin(), context_.aliases.end(), text)
                                 != context_.aliases.end();
        bool fits = same;
        if (text.find('*') != std::string::npos) {
            KUMO_TRY_ASSIGN(const tree::PatternPtr pattern, tree::wildcard_pattern(text, false));
            fits = pattern->matches(context_.index);
        }
        return fits ? tree::match_all() : tree::match_none();
    }
    if (target_.path == "_type") {
        return text == "_doc" ? tree::match_all() : tree::match_none();
    }
    if (target_.path == "_routing") {
        return tree::computed(
            nullptr,
            [text](const tree::DocRef& doc) -> Result<std::optional<float>> {
                std::string stored;
                KUMO_TRY(doc.snapshot.parts[doc.part].segment->stored->append(doc.doc, stored));
                KUMO_TRY_ASSIGN(
                    const search::StoredDocument document,
                    search::parse_stored(stored)
                );
                return document.meta.routing == text ? std::optional<float>(1) : std::nullopt;
            }
        );
    }
    return tree::match_none();
}

NodeResult FieldQueries::ip_term(const std::string& text) const {
    const std::size_t slash = text.find('/');
    if (slash == std::string::npos) {
        KUMO_TRY_ASSIGN(const std::string digits, ip_digits(text));
        return tree::terms(*target_.engine, {digits});
    }
    KUMO_TRY_ASSIGN(std::string low, ip_digits(text.substr(0, slash)));
    const auto bits = Json(text.substr(slash + 1)).to_int64();
    const bool v4 = text.find(':') == std::string::npos;
    const std::int64_t most = v4 ? 32 : 128;
    if (!bits || *bits < 0 || *bits > most) {
        return illegal_argument(
            "IPv" + std::string(v4 ? "4" : "6") + " mask length out of range: " + text
        );
    }
    std::string high = low;
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (std::int64_t bit = *bits + (v4 ? 96 : 0); bit < 128; ++bit) {
        const auto at = static_cast<std::size_t>(bit / 4);
        const std::size_t mask = std::size_t{8} >> (bit % 4);
        high[at] = kDigits[kDigits.find(high[at]) | mask];
        low[at] = kDigits[kDigits.find(low[at]) & ~mask];
    }
    return tree::term_range(*target_.engine, {low, high, true, true});
}

NodeResult FieldQueries::term(const Json& value, bool ignore_case) const {
    if (target_.path.starts_with('_') && target_.field == nullptr) {
        return metadata_term(value);
    }
    if (target_.field == nullptr && target_.engine) {
        return tree::term(*target_.engine, value.text());
    }
    if (target_.field == nullptr) {
        return tree::match_none();
    }
    if (ignore_case && (target_.field->is_text() || target_.field->kind == FieldKind::kKeyword)) {
        return pattern("term", tree::regexp_pattern(escaped_for_regexp(value.text()), {}, true));
    }
    return term_of_kind(value);
}

NodeResult FieldQueries::term_of_kind(const Json& value) const {
    const MappedField& field = *target_.field;
    if (field.kind == FieldKind::kConstantKeyword) {
        const Json* constant = field.definition.find("value");
        return constant != nullptr && constant->text() == value.text() ? tree::match_all()
                                                                       : tree::match_none();
    }
    if (field.kind == FieldKind::kRange || field.is_date()) {
        return range({value, value});
    }
    if (field.kind == FieldKind::kGeoPoint || field.kind == FieldKind::kGeoShape) {
        return illegal_argument(
            "Geometry fields do not support exact searching, use dedicated geometry queries "
            "instead: ["
            + field.path + "]"
        );
    }
    if (field.kind == FieldKind::kBinary) {
        return illegal_argument("Binary fields do not support searching");
    }
    if (field.is_object()) {
        return tree::match_none();
    }
    if (!target_.engine) {
        return tree::match_none();
    }
    if (field.is_text()) {
        return tree::term(*target_.engine, value.text(), scoring());
    }
    if (field.kind == FieldKind::kFlatObject) {
        const std::string text =
            target_.leaf.empty() ? value.text() : target_.leaf + "=" + value.text();
        if (target_.leaf.empty()) {
            return pattern(
                "term",
                tree::regexp_pattern(".*=" + escaped_for_regexp(text), {}, false)
            );
        }
        return tree::terms(*target_.engine, {text});
    }
    if (field.kind == FieldKind::kIp) {
        return ip_term(value.text());
    }
    if (field.is_exact()) {
        KUMO_TRY_ASSIGN(const std::string text, json_to_string(field, value));
        if (field.kind == FieldKind::kWildcard) {
            return tree::terms(*target_.engine, {text});
        }
        return tree::term(*target_.engine, text, scoring());
    }
    if (field.kind == FieldKind::kBoolean) {
        KUMO_TRY_ASSIGN(const std::int64_t code, json_to_code(field, value));
        return tree::code_term(*target_.engine, code);
    }
    KUMO_TRY_ASSIGN(const Codes codes, codes_of({value, value}));
    return tree::code_range(*target_.engine, codes.low, codes.high);
}

NodeResult FieldQueries::terms(const Json::Array& values) const {
    if (target_.path == "_id" && target_.field == nullptr) {
        std::vector<std::string> ids;
        for (const Json& value : values) {
            ids.push_back(value.text());
        }
        return tree::ids(std::move(ids));
    }
    const MappedField* field = target_.field;
    const bool strings = field != nullptr && target_.engine
                         && (field->is_text()
                             || (field->is_exact() && field->kind != FieldKind::kIp
                                 && field->kind != FieldKind::kFlatObject));
    if (strings) {
        std::vector<std::string> texts;
        for (const Json& value : values) {
            if (field->is_text()) {
                texts.push_back(value.text());
            } else {
                KUMO_TRY_ASSIGN(std::string text, json_to_string(*field, value));
                texts.push_back(std::move(text));
            }
        }
        return tree::terms(*target_.engine, std::move(texts));
    }
    if (field != nullptr && target_.engine && field->is_int() && !field->is_date()) {
        std::vector<std::int64_t> all;
        for (const Json& value : values) {
            KUMO_TRY_ASSIGN(const Codes codes, codes_of({value, value}));
            if (codes.low == codes.high) {
                all.push_back(codes.low);
            }
        }
        return tree::codes(*target_.engine, std::move(all));
    }
    tree::Boolean any;
    for (const Json& value : values) {
        KUMO_TRY_ASSIGN(tree::NodePtr one, term(value));
        any.should.push_back(std::move(one));
    }
    return any.should.empty() ? tree::match_none() : tree::constant(tree::boolean(std::move(any)));
}

tree::NodePtr FieldQueries::exists_in_source() const {
    const std::string path = target_.field != nullptr ? target_.field->path : target_.path;
    return tree::computed(nullptr, [path](const tree::DocRef& doc) -> Result<std::optional<float>> {
        KUMO_TRY_ASSIGN(const std::optional<Json> source, source_of(doc));
        const Json* value = source ? source->at_path(path) : nullptr;
        return holds_value(value) ? std::optional<float>(1) : std::nullopt;
    });
}

tree::NodePtr FieldQueries::exists_below() const {
    tree::Boolean any;
    const std::string prefix = target_.path + ".";
    for (const auto& [path, field] : context_.mapping.fields()) {
        if (!path.starts_with(prefix) || field.is_object()) {
            continue;
        }
        if (field.kind == FieldKind::kRange) {
            if (const auto engine = engine_of(path + "#gte")) {
                any.should.push_back(tree::exists(*engine));
            }
        } else if (const auto engine = engine_of(path)) {
            any.should.push_back(tree::exists(*engine));
        }
    }
    return any.should.empty() ? tree::match_none() : tree::constant(tree::boolean(std::move(any)));
}

NodeResult FieldQueries::range_exists() const {
    const auto low = engine_of(target_.field->path + "#gte");
    const auto high = engine_of(target_.field->path + "#lte");
    tree::Boolean any;
    for (const auto& end : {low, high}) {
        if (end) {
            any.should.push_back(tree::exists(*end));
        }
    }
    return any.should.empty() ? tree::match_none() : tree::constant(tree::boolean(std::move(any)));
}

NodeResult FieldQueries::exists() const {
    const std::string& path = target_.path;
    if (path == "_id" || path == "_index" || path == "_type" || path == "_seq_no"
        || path == "_version") {
        return tree::match_all();
    }
    if (path == "_source") {
        return fault("query_shard_exception", "The _source field is not searchable");
    }
    if (path == "_routing") {
        return tree::computed(nullptr, [](const tree::DocRef& doc) -> Result<std::optional<float>> {
            std::string stored;
            KUMO_TRY(doc.snapshot.parts[doc.part].segment->stored->append(doc.doc, stored));
            KUMO_TRY_ASSIGN(const search::StoredDocument document, search::parse_stored(stored));
            return document.meta.routing.empty() ? std::nullopt : std::optional<float>(1);
        });
    }
    if (target_.field == nullptr) {
        return target_.engine ? tree::exists(*target_.engine) : tree::match_none();
    }
    const MappedField& field = *target_.field;
    if (field.is_object()) {
        return exists_below();
    }
    switch (field.kind) {
        case FieldKind::kConstantKeyword: return tree::match_all();
        case FieldKind::kRange: return range_exists();
        case FieldKind::kBinary: return exists_in_source();
        case FieldKind::kGeoShape:
        case FieldKind::kPercolator: return exists_in_source();
        case FieldKind::kFlatObject:
            if (!target_.leaf.empty()) {
                return pattern("exists", tree::prefix_pattern(target_.leaf));
            }
            break;
        default: break;
    }
    return target_.engine ? tree::exists(*target_.engine) : tree::match_none();
}

Status FieldQueries::check_pattern(std::string_view query) const {
    if (!context_.expensive_allowed && query != "term" && query != "exists") {
        Error error = too_expensive("[" + std::string(query) + "] queries");
        if (query == "prefix") {
            return fault(
                "exception",
                fault_of(error).reason
                    + " For optimised prefix queries on text fields please enable "
                      "[index_prefixes]."
            );
        }
        return error;
    }
    const bool fits = target_.field == nullptr || target_.field->is_text()
                      || target_.field->is_exact() || target_.field->is_object()
                      || target_.field->kind == FieldKind::kConstantKeyword;
    if (!fits) {
        return fault(
            "query_shard_exception",
            "Can only use " + std::string(query)
                + " queries on keyword, text and wildcard fields - not on [" + target_.path
                + "] which is of type [" + target_.field->type + "]"
        );
    }
    return {};
}

NodeResult FieldQueries::pattern(std::string_view query, Result<tree::PatternPtr> made) const {
    KUMO_TRY(check_pattern(query));
    if (!made.ok()) {
        const Error& error = made.error();
        if (error.code == ErrorCode::kLimitExceeded) {
            return fault("too_complex_to_determinize_exception", error.message);
        }
        if (error.code == ErrorCode::kUnsupported) {
            return not_supported(error.message);
        }
        return illegal_argument(error.message);
    }
    if (target_.field != nullptr && target_.field->kind == FieldKind::kConstantKeyword) {
        const Json* constant = target_.field->definition.find("value");
        return constant != nullptr && made.value()->matches(constant->text()) ? tree::match_all()
                                                                              : tree::match_none();
    }
    if (!target_.engine) {
        return tree::match_none();
    }
    return tree::pattern(*target_.engine, std::move(made).value());
}

NodeResult FieldQueries::prefix(const std::string& value, bool ignore_case) const {
    std::string text = value;
    if (target_.path == "_index") {
        return context_.index.starts_with(text) ? tree::match_all() : tree::match_none();
    }
    if (target_.field != nullptr && target_.field->kind == FieldKind::kKeyword
        && !target_.field->normalizer.empty()) {
        KUMO_TRY_ASSIGN(text, json_to_string(*target_.field, Json(value)));
    }
    if (!target_.leaf.empty()) {
        text = target_.leaf + "=" + text;
    }
    if (ignore_case) {
        return pattern("prefix", tree::regexp_pattern(escaped_for_regexp(text) + ".*", {}, true));
    }
    return pattern("prefix", tree::prefix_pattern(text));
}

NodeResult FieldQueries::wildcard(const std::string& value, bool ignore_case) const {
    std::string text = value;
    if (target_.path == "_index") {
        return metadata_term(Json(value));
    }
    if (target_.field != nullptr && target_.field->kind == FieldKind::kKeyword
        && !target_.field->normalizer.empty()) {
        KUMO_TRY_ASSIGN(text, json_to_string(*target_.field, Json(value)));
    }
    if (!target_.leaf.empty()) {
        text = target_.leaf + "=" + text;
    }
    return pattern("wildcard", tree::wildcard_pattern(text, ignore_case));
}

NodeResult FieldQueries::regexp(
    const std::string& value,
    const tree::RegexpSyntax& syntax,
    bool ignore_case
) const {
    if (value.size() > context_.regex_length_max) {
        return illegal_argument(
            "The length of regex [" + std::to_string(value.size())
            + "] used in the Regexp Query request has exceeded the allowed maximum of ["
            + std::to_string(context_.regex_length_max)
            + "]. This maximum can be set by changing the [index.max_regex_length] index level "
              "setting."
        );
    }
    std::string text = value;
    if (!target_.leaf.empty()) {
        text = escaped_for_regexp(target_.leaf + "=") + "(" + text + ")";
    }
    return pattern("regexp", tree::regexp_pattern(text, syntax, ignore_case));
}

NodeResult FieldQueries::fuzzy(const std::string& value, const FuzzyOptions& options) const {
    if (!context_.expensive_allowed) {
        return too_expensive("[fuzzy] queries");
    }
    if (target_.field == nullptr && !target_.engine) {
        return tree::match_none();
    }
    if (target_.field != nullptr && !target_.field->is_text() && !target_.field->is_exact()) {
        return illegal_argument(
            "Can only use fuzzy queries on keyword and text fields - not on [" + target_.path
            + "] which is of type [" + target_.field->type + "]"
        );
    }
    if (!target_.engine) {
        return tree::match_none();
    }
    tree::FuzzyTerm term;
    term.text = value;
    term.edits = options.fuzziness.edits_of(value);
    term.prefix_points = options.prefix_length;
    term.expansions_max = options.expansions_max;
    term.swaps = options.transpositions;
    term.constant = options.constant;
    return tree::fuzzy(*target_.engine, std::move(term), scoring());
}

}  // namespace kumo::api_elastic
