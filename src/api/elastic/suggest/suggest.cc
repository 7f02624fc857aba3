#include "api/elastic/suggest/suggest.h"

#include "api/elastic/fault.h"
#include "api/elastic/query/internal/field_queries.h"
#include "search/index/mapped_write.h"
#include "search/tree/pattern.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

std::int64_t number(const Json& options, std::string_view name, std::int64_t otherwise) {
    const Json* value = options.find(name);
    return value != nullptr ? value->to_int64().value_or(otherwise) : otherwise;
}

std::string text_of(const Json& options, std::string_view name, std::string otherwise = {}) {
    const Json* value = options.find(name);
    return value != nullptr ? value->text() : otherwise;
}

/// Offsets of answers count UTF-16 code units.
std::size_t code_units(std::string_view text) {
    std::size_t out = 0;
    for (const char32_t point : search::tree::code_points_of(text)) {
        out += point > 0xFFFF ? 2 : 1;
    }
    return out;
}

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

struct Request {
    std::string name;
    std::string type;
    std::string text;
    bool regex = false;
    const Json* options = nullptr;
};

struct Word {
    std::string text;
    std::size_t offset = 0;
    std::size_t length = 0;
};

/// A word that is there, and how near it is to the one that was written.
struct Near {
    std::string text;
    double score = 0;
    std::uint64_t frequency = 0;
};

class Suggester {
public:
    explicit Suggester(const std::vector<SuggestIndex>& indices) : indices_(indices) {}

    Result<Json> run(const Request& request) {
        const Json* field = request.options->find("field");
        if (field == nullptr) {
            return illegal_argument("the required field option [field] is missing");
        }
        field_ = field->text();
        if (request.type == "completion") {
            return complete(request);
        }
        return request.type == "term" ? terms(request) : phrase(request);
    }

private:
    bool is_mapped() const {
        return std::any_of(indices_.begin(), indices_.end(), [this](const SuggestIndex& index) {
            return resolve(*index.context, field_).field != nullptr;
        });
    }

    Result<std::vector<Word>> words(const Request& request) const {
        std::vector<Word> out;
        for (const SuggestIndex& index : indices_) {
            const Target target = resolve(*index.context, field_);
            if (target.field == nullptr) {
                continue;
            }
            if (!target.field->is_text()) {
                out.push_back({request.text, 0, code_units(request.text)});
                return out;
            }
            KUMO_TRY_ASSIGN(
                const search::TokenBuffer tokens,
                analyze_query(
                    *index.context,
                    *target.field,
                    request.text,
                    text_of(*request.options, "analyzer")
                )
            );
            for (const search::AnalyzedToken& token : tokens.tokens) {
                const std::string_view whole = request.text;
                const std::size_t begin = std::min<std::size_t>(token.source_begin, whole.size());
                const std::size_t end = std::min<std::size_t>(token.source_end, whole.size());
                out.push_back(
                    {std::string(tokens.term(token)),
                     code_units(whole.substr(0, begin)),
                     code_units(whole.substr(begin, end - begin))}
                );
            }
            return out;
        }
        return illegal_argument("no mapping found for field [" + field_ + "]");
    }

    std::uint64_t frequency(const std::string& word) const {
        std::uint64_t out = 0;
        for_each_text([&](const search::TextReader& text) {
            const auto handle = text.find(word);
            out += handle ? text.info(*handle).df : 0;
        });
        return out;
    }

    template <typename Visit>
    void for_each_text(Visit visit) const {
        for (const SuggestIndex& index : indices_) {
            const Target target = resolve(*index.context, field_);
            for (const search::Snapshot::Part& part : index.snapshot->parts) {
                const auto& texts = part.segment->texts;
                if (target.engine && *target.engine < texts.size()
                    && texts[*target.engine] != nullptr) {
                    visit(*texts[*target.engine]);
                }
            }
        }
    }

    std::vector<Near> near(const std::string& word, const Json& options) const {
        const std::int64_t edits = std::clamp<std::int64_t>(number(options, "max_edits", 2), 1, 2);
        const auto prefix =
            static_cast<std::size_t>(std::max<std::int64_t>(0, number(options, "prefix_length", 1))
            );
        const std::u32string points = search::tree::code_points_of(word);
        std::map<std::string, Near> found;
        search::FuzzyOptions fuzzy;
        fuzzy.max_cost = static_cast<std::uint32_t>(edits);
        for_each_text([&](const search::TextReader& text) {
            text.fuzzy(word, fuzzy, [&](const search::FuzzyMatch& match) {
                const std::u32string other = search::tree::code_points_of(match.term);
                const bool same_start = other.substr(0, prefix) == points.substr(0, prefix);
                if (match.cost == 0 || !same_start) {
                    return true;
                }
                Near& one = found[std::string(match.term)];
                one.text = std::string(match.term);
                const auto shorter = static_cast<double>(
                    std::max<std::size_t>(1, std::min(points.size(), other.size()))
                );
                one.score = 1 - static_cast<double>(match.cost) / shorter;
                one.frequency += match.info.df;
                return true;
            });
        });
        std::vector<Near> out;
        for (auto& [text, one] : found) {
            out.push_back(std::move(one));
        }
        const bool by_frequency = text_of(options, "sort", "score") == "frequency";
        std::stable_sort(out.begin(), out.end(), [by_frequency](const Near& a, const Near& b) {
            if (by_frequency && a.frequency != b.frequency) {
                return a.frequency > b.frequency;
            }
            return a.score != b.score ? a.score > b.score : a.frequency > b.frequency;
        });
        return out;
    }

    Result<Json> terms(const Request& request) const {
        const Json& options = *request.options;
        KUMO_TRY_ASSIGN(const std::vector<Word> all, words(request));
        const std::string mode = text_of(options, "suggest_mode", "missing");
        const auto size =
            static_cast<std::size_t>(std::max<std::int64_t>(1, number(options, "size", 5)));
        const auto least = static_cast<std::size_t>(
            std::max<std::int64_t>(0, number(options, "min_word_length", 4))
        );
        Json out = Json::array();
        for (const Word& word : all) {
            const std::uint64_t own = frequency(word.text);
            Json list = Json::array();
            const bool wanted = mode != "missing" || own == 0;
            if (wanted && search::tree::code_points_of(word.text).size() >= least) {
                for (const Near& one : near(word.text, options)) {
                    if (mode == "popular" && one.frequency <= own) {
                        continue;
                    }
                    if (list.size() == size) {
                        break;
                    }
                    list.push(Json::object(
                        {{"text", one.text},
                         {"score", Json::number_float(static_cast<float>(one.score))},
                         {"freq", one.frequency}}
                    ));
                }
            }
            out.push(Json::object(
                {{"text", word.text},
                 {"offset", word.offset},
                 {"length", word.length},
                 {"options", std::move(list)}}
            ));
        }
        return out;
    }

    /// The text with each word that is not there replaced by the nearest that is.
    Result<Json> phrase(const Request& request) const {
        KUMO_TRY_ASSIGN(const std::vector<Word> all, words(request));
        std::string corrected;
        std::string marked;
        const Json* highlight = request.options->find("highlight");
        const std::string before = highlight != nullptr ? text_of(*highlight, "pre_tag") : "";
        const std::string after = highlight != nullptr ? text_of(*highlight, "post_tag") : "";
        double score = 1;
        bool changed = false;
        for (const Word& word : all) {
            std::string text = word.text;
            bool other = false;
            if (frequency(text) == 0) {
                const std::vector<Near> found = near(text, *request.options);
                if (!found.empty()) {
                    text = found.front().text;
                    score *= found.front().score;
                    other = true;
                }
            }
            changed = changed || other;
            corrected += corrected.empty() ? text : " " + text;
            marked += marked.empty() ? "" : " ";
            marked += other ? before + text + after : text;
        }
        Json list = Json::array();
        if (changed) {
            Json one = Json::object({{"text", corrected}});
            if (highlight != nullptr) {
                one["highlighted"] = marked;
            }
            one["score"] = Json::number_float(static_cast<float>(score));
            list.push(std::move(one));
        }
        return Json::array({Json::object(
            {{"text", request.text},
             {"offset", 0},
             {"length", code_units(request.text)},
             {"options", std::move(list)}}
        )});
    }

    struct Completion {
        std::string text;
        double weight = 1;
        const SuggestIndex* index = nullptr;
        search::StoredDocument document;
        Json contexts;
    };

    Result<Json> complete(const Request& request) const {
        if (!is_mapped()) {
            return illegal_argument("no mapping found for field [" + field_ + "]");
        }
        std::vector<Completion> found;
        for (const SuggestIndex& index : indices_) {
            const Target target = resolve(*index.context, field_);
            if (target.field == nullptr) {
                continue;
            }
            if (target.field->kind != FieldKind::kCompletion) {
                return illegal_argument("Field [" + field_ + "] is not a completion suggest field");
            }
            KUMO_TRY_ASSIGN(const search::tree::PatternPtr pattern, pattern_of(request));
            for (const search::Snapshot::Part& part : index.snapshot->parts) {
                if (target.engine) {
                    KUMO_TRY(complete_part(request, index, part, *target.engine, *pattern, found));
                }
            }
        }
        std::stable_sort(found.begin(), found.end(), [](const Completion& a, const Completion& b) {
            return a.weight != b.weight ? a.weight > b.weight : a.text < b.text;
        });
        return completions_json(request, found);
    }

    Result<search::tree::PatternPtr> pattern_of(const Request& request) const {
        if (request.regex) {
            auto made = search::tree::regexp_pattern(request.text + ".*", {}, true);
            if (!made.ok()) {
                return illegal_argument(made.error().message);
            }
            return made;
        }
        return search::tree::prefix_pattern(lowered(request.text));
    }

    /// Whether an input begins as it was asked for, by so many edits if it may be fuzzy.
    static bool begins(
        const Request& request,
        const search::tree::TermPattern& pattern,
        std::string_view input
    ) {
        const std::string own = lowered(input);
        if (pattern.matches(own)) {
            return true;
        }
        const Json* fuzzy = request.options->find("fuzzy");
        if (fuzzy == nullptr || request.regex) {
            return false;
        }
        const std::u32string wanted = search::tree::code_points_of(lowered(request.text));
        const std::u32string points = search::tree::code_points_of(own);
        Fuzziness fuzziness{true};
        if (const Json* given = fuzzy->find("fuzziness")) {
            auto parsed = Fuzziness::parse(*given);
            fuzziness = parsed.ok() ? parsed.value() : fuzziness;
        }
        const std::uint32_t edits = fuzziness.edits_of(request.text);
        const std::size_t least = wanted.size() > edits ? wanted.size() - edits : 0;
        for (std::size_t size = least; size <= wanted.size() + edits && size <= points.size();
             ++size) {
            const std::u32string start = points.substr(0, size);
            if (search::tree::edit_distance(wanted, start, edits, true) <= edits) {
                return true;
            }
        }
        return false;
    }

    Status complete_part(
        const Request& request,
        const SuggestIndex& index,
        const search::Snapshot::Part& part,
        std::size_t field,
        const search::tree::TermPattern& pattern,
        std::vector<Completion>& out
    ) const {
        const auto& columns = part.segment->columns;
        const search::ColumnReader* column =
            field < columns.size() ? columns[field].get() : nullptr;
        if (column == nullptr) {
            return {};
        }
        std::vector<bool> fits(column->string_count());
        for (std::uint32_t i = 0; i < fits.size(); ++i) {
            fits[i] = begins(request, pattern, column->string(i));
        }
        for (std::uint32_t doc = 0; doc < column->doc_count(); ++doc) {
            const auto range = column->values_of(doc);
            std::string best;
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                const auto ordinal = static_cast<std::uint32_t>(column->value(i));
                if (fits[ordinal] && best.empty()) {
                    best = std::string(column->string(ordinal));
                }
            }
            if (best.empty() || part.deleted.test(doc)) {
                continue;
            }
            std::string stored;
            KUMO_TRY(part.segment->stored->append(doc, stored));
            Completion one;
            one.text = best;
            one.index = &index;
            KUMO_TRY_ASSIGN(one.document, search::parse_stored(stored));
            KUMO_TRY_ASSIGN(const Json source, Json::parse(one.document.source));
            if (take_weight(request, source, best, one)) {
                out.push_back(std::move(one));
            }
        }
        return {};
    }

    /// The weight of the input in the document; false if its contexts are not those asked for.
    bool take_weight(
        const Request& request,
        const Json& source,
        const std::string& input,
        Completion& out
    ) const {
        const MappedField* field = resolve(*out.index->context, field_).field;
        const Json* value = source.at_path(field->parent.empty() ? field_ : field->parent);
        const Json::Array items = value == nullptr    ? Json::Array()
                                  : value->is_array() ? value->items()
                                                      : Json::Array{*value};
        for (const Json& item : items) {
            if (!item.is_object()) {
                continue;
            }
            const Json* inputs = item.find("input");
            const Json::Array list = inputs == nullptr    ? Json::Array()
                                     : inputs->is_array() ? inputs->items()
                                                          : Json::Array{*inputs};
            const bool here = std::any_of(list.begin(), list.end(), [&input](const Json& one) {
                return one.text() == input;
            });
            if (!here) {
                continue;
            }
            if (const Json* weight = item.find("weight")) {
                out.weight = weight->to_double().value_or(1);
            }
            if (const Json* contexts = item.find("contexts")) {
                out.contexts = *contexts;
            }
        }
        const Json* wanted = request.options->find("contexts");
        if (wanted == nullptr) {
            wanted = request.options->find("context");
        }
        return wanted == nullptr || fits_contexts(*wanted, source, out);
    }

    static void gather(const Json& value, std::set<std::string>& out) {
        if (value.is_array()) {
            for (const Json& item : value.items()) {
                gather(item, out);
            }
        } else if (!value.is_object() && !value.is_null()) {
            out.insert(value.text());
        }
    }

    bool fits_contexts(const Json& wanted, const Json& source, Completion& out) const {
        const MappedField* field = resolve(*out.index->context, field_).field;
        for (const auto& [name, list] : wanted.members()) {
            std::set<std::string> own;
            if (const Json* given = out.contexts.find(name)) {
                gather(*given, own);
            }
            // A context may be another field's value.
            const Json* declared = field->definition.find("contexts");
            const Json::Array contexts = declared == nullptr    ? Json::Array()
                                         : declared->is_array() ? declared->items()
                                                                : Json::Array{*declared};
            for (const Json& context : contexts) {
                const Json* path = context.find("path");
                if (text_of(context, "name") == name && path != nullptr) {
                    if (const Json* value = source.at_path(path->text())) {
                        gather(*value, own);
                    }
                }
            }
            double boost = 0;
            for (const Json& one : list.is_array() ? list.items() : Json::Array{list}) {
                const std::string text = one.is_object() ? text_of(one, "context") : one.text();
                const Json* prefix = one.find("prefix");
                const bool begins = prefix != nullptr && prefix->to_bool().value_or(false);
                const bool any = std::any_of(own.begin(), own.end(), [&](const std::string& value) {
                    return begins ? value.starts_with(text) : value == text;
                });
                const Json* given = one.find("boost");
                const double factor = given != nullptr ? given->to_double().value_or(1) : 1;
                boost = any ? std::max(boost, factor) : boost;
            }
            if (boost == 0) {
                return false;
            }
            out.weight *= boost;
        }
        return true;
    }

    Result<Json> completions_json(const Request& request, const std::vector<Completion>& found)
        const {
        const auto size =
            static_cast<std::size_t>(std::max<std::int64_t>(1, number(*request.options, "size", 5))
            );
        const Json* unique = request.options->find("skip_duplicates");
        const bool skip = unique != nullptr && unique->to_bool().value_or(false);
        std::set<std::string> seen;
        Json list = Json::array();
        for (const Completion& one : found) {
            if (list.size() == size) {
                break;
            }
            if (skip && !seen.insert(one.text).second) {
                continue;
            }
            KUMO_TRY_ASSIGN(Json source, Json::parse(one.document.source));
            Json option = Json::object(
                {{"text", one.text},
                 {"_index", one.index->context->index},
                 {"_id", one.document.id},
                 {"_score", Json::number_float(static_cast<float>(one.weight))},
                 {"_source", std::move(source)}}
            );
            if (!one.contexts.is_null()) {
                Json shown = Json::object();
                for (const auto& [name, value] : one.contexts.members()) {
                    shown[name] = value.is_array() ? value : Json::array({value});
                }
                option["contexts"] = std::move(shown);
            }
            list.push(std::move(option));
        }
        return Json::array({Json::object(
            {{"text", request.text},
             {"offset", 0},
             {"length", code_units(request.text)},
             {"options", std::move(list)}}
        )});
    }

    const std::vector<SuggestIndex>& indices_;
    std::string field_;
};

Result<Request>
read_request(const std::string& name, const Json& body, const std::string& global_text) {
    Request out;
    out.name = name;
    out.text = global_text;
    for (const auto& [key, value] : body.members()) {
        if (key == "text" || key == "prefix" || key == "regex") {
            out.text = value.text();
            out.regex = key == "regex";
        } else if (key == "term" || key == "phrase" || key == "completion") {
            out.type = key;
            out.options = &value;
        } else {
            return illegal_argument("suggestion context not supported [" + key + "]");
        }
    }
    if (out.options == nullptr || !out.options->is_object()) {
        return illegal_argument("missing suggestion object");
    }
    return out;
}

}  // namespace

Result<Json>
suggest_json(const Json& suggest, const std::vector<SuggestIndex>& indices, bool typed_keys) {
    const std::string text = text_of(suggest, "text");
    Json out = Json::object();
    for (const auto& [name, body] : suggest.members()) {
        if (name == "text") {
            continue;
        }
        KUMO_TRY_ASSIGN(const Request request, read_request(name, body, text));
        KUMO_TRY_ASSIGN(Json answer, Suggester(indices).run(request));
        out[typed_keys ? request.type + "#" + name : name] = std::move(answer);
    }
    return out;
}

}  // namespace kumo::api_elastic
