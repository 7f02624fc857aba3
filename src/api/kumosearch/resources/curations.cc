#include "api/kumosearch/resources/curations.h"

#include "api/kumosearch/query/filter_parser.h"
#include "api/kumosearch/resources/derive.h"
#include "search/analysis/analyzer.h"
#include "search/query/query_text.h"

#include <algorithm>
#include <map>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using node::ResourceKind;
using wire::JsonValue;
using Words = std::vector<std::string>;

/// A query with more words is not searched for values of fields: each run of words is looked up.
constexpr std::size_t kPlaceholderQueryWordsMax = 10;

/// Documents that all rules of one search together put in, or take out.
constexpr std::size_t kCuratedTotalMax = 10 * kCuratedIdsMax;

template <typename T>
void add_up_to(std::size_t max, const std::vector<T>& from, std::vector<T>& to) {
    const std::size_t room = max - std::min(max, to.size());
    const auto count = static_cast<std::ptrdiff_t>(std::min(room, from.size()));
    to.insert(to.end(), from.begin(), from.begin() + count);
}

search::Analyzer analyzer_of(const search::Schema& schema) {
    return {schema.token_separators, schema.symbols_to_index};
}

Words words_of(std::string_view text, const search::Analyzer& analyzer) {
    if (trim(text) == "*") {
        return {"*"};
    }
    search::TokenBuffer buffer;
    analyzer.analyze(text, buffer);
    Words words;
    for (const search::AnalyzedToken& token : buffer.tokens) {
        words.emplace_back(buffer.term(token));
    }
    return words;
}

/// "{field}" is a place for a value, all else are words.
std::vector<Curation::RuleWord>
read_rule_query(std::string_view text, const search::Analyzer& analyzer) {
    std::vector<Curation::RuleWord> out;
    const auto add_words = [&](std::string_view part) {
        for (std::string& word : words_of(part, analyzer)) {
            out.push_back({std::move(word), false});
        }
    };
    while (!text.empty()) {
        const std::size_t open = text.find('{');
        const std::size_t close = text.find('}', open);
        if (open == std::string_view::npos || close == std::string_view::npos) {
            add_words(text);
            break;
        }
        add_words(text.substr(0, open));
        out.push_back({std::string(trim(text.substr(open + 1, close - open - 1))), true});
        text.remove_prefix(close + 1);
    }
    return out;
}

std::optional<std::int64_t> time_of(JsonValue value) {
    const bool is_time = value && value.type() == wire::JsonType::kInt64 && value.as_int64() != -1;
    return is_time ? std::optional(value.as_int64()) : std::nullopt;
}

bool flag_of(JsonValue value, bool absent) {
    return value && value.is_bool() ? value.as_bool() : absent;
}

void read_places(JsonValue stored, Curation& out) {
    for (const JsonValue include : elements_of(stored.find("includes"))) {
        const JsonValue position = include.find("position");
        const std::int64_t at =
            position && position.type() == wire::JsonType::kInt64 ? position.as_int64() : 1;
        out.includes.emplace_back(text_of(include.find("id")), static_cast<std::uint32_t>(at));
    }
    for (const JsonValue exclude : elements_of(stored.find("excludes"))) {
        out.excludes.emplace_back(text_of(exclude.find("id")));
    }
}

Curation make_curation(JsonValue stored, const search::Analyzer& analyzer) {
    Curation out;
    out.id = text_of(stored.find("id"));
    const JsonValue rule = stored.find("rule");
    if (rule && rule.is_object()) {
        out.query = read_rule_query(text_of(rule.find("query")), analyzer);
        const std::string_view match = text_of(rule.find("match"));
        out.match = match == "exact"      ? Curation::Match::kExact
                    : match == "contains" ? Curation::Match::kContains
                                          : Curation::Match::kNone;
        out.rule_filter = trim(text_of(rule.find("filter_by")));
        for (const JsonValue tag : elements_of(rule.find("tags"))) {
            out.tags.emplace(text_of(tag));
        }
    }
    read_places(stored, out);
    out.filter_by = text_of(stored.find("filter_by"));
    out.sort_by = text_of(stored.find("sort_by"));
    out.replace_query = text_of(stored.find("replace_query"));
    const JsonValue metadata = stored.find("metadata");
    out.metadata = metadata ? std::string(metadata.raw()) : std::string();
    out.effective_from = time_of(stored.find("effective_from_ts"));
    out.effective_to = time_of(stored.find("effective_to_ts"));
    out.remove_matched_tokens = flag_of(stored.find("remove_matched_tokens"), false);
    out.filter_curated_hits = flag_of(stored.find("filter_curated_hits"), false);
    out.stop_processing = flag_of(stored.find("stop_processing"), true);
    return out;
}

/// What a rule with places for values has found in a query.
struct Captured {
    search::WordSet words;                                   ///< All that are parts of values.
    std::map<std::string, std::string, std::less<>> values;  ///< By field.
};

/// Fits a rule with places for values onto a query.
class PlaceholderMatch {
public:
    PlaceholderMatch(const Curation& rule, const Words& query, const CurationContext& context)
        : rule_(rule), query_(query), context_(context) {}

    std::optional<Captured> run() {
        std::size_t used = 0;  // Words of the rule itself.
        std::size_t j = 0;
        for (std::size_t i = 0; i < rule_.query.size();) {
            if (!rule_.query[i].is_field) {
                const std::size_t found = find_word(rule_.query[i].text, j);
                if (found == query_.size() || (is_exact() && found != j)) {
                    return std::nullopt;
                }
                j = found + 1;
                ++used;
                ++i;
                continue;
            }
            const std::size_t first = i;
            while (i < rule_.query.size() && rule_.query[i].is_field) {
                ++i;
            }
            const std::size_t end =
                i == rule_.query.size() ? query_.size() : find_word(rule_.query[i].text, j);
            Words between(
                query_.begin() + static_cast<std::ptrdiff_t>(j),
                query_.begin() + static_cast<std::ptrdiff_t>(end)
            );
            for (std::size_t field = first; field < i; ++field) {
                if (!take_value(rule_.query[field].text, field == first, between)) {
                    return std::nullopt;
                }
            }
            j = end;
        }
        if (is_exact() && query_.size() != used + absorbed_) {
            return std::nullopt;
        }
        return std::move(captured_);
    }

private:
    bool is_exact() const { return rule_.match == Curation::Match::kExact; }

    std::size_t find_word(const std::string& word, std::size_t from) const {
        const auto at =
            std::find(query_.begin() + static_cast<std::ptrdiff_t>(from), query_.end(), word);
        return static_cast<std::size_t>(at - query_.begin());
    }

    /// Takes the longest run of words that is a value of the field; `anywhere`, else at the front.
    bool take_value(const std::string& name, bool anywhere, Words& words) {
        const auto field = context_.schema.find(name);
        const bool has_words = field && context_.schema.fields[*field].is_string()
                               && context_.schema.fields[*field].index;
        for (std::size_t length = has_words ? words.size() : 0; length > 0; --length) {
            const std::size_t starts = anywhere ? words.size() - length + 1 : 1;
            for (std::size_t start = 0; start < starts; ++start) {
                const auto begin = words.begin() + static_cast<std::ptrdiff_t>(start);
                const Words run(begin, begin + static_cast<std::ptrdiff_t>(length));
                std::string value = join(run);
                if (!context_.has_value(*field, value)) {
                    continue;
                }
                captured_.words.insert(run.begin(), run.end());
                captured_.values[name] = std::move(value);
                absorbed_ += length;
                words.erase(words.begin(), begin + static_cast<std::ptrdiff_t>(length));
                return true;
            }
        }
        return false;
    }

    static std::string join(const Words& words) {
        std::string out;
        for (const std::string& word : words) {
            out.append(out.empty() ? "" : " ").append(word);
        }
        return out;
    }

    const Curation& rule_;
    const Words& query_;
    const CurationContext& context_;
    Captured captured_;
    std::size_t absorbed_ = 0;
};

/// "{field}" replaced by what was found for the field.
std::string fill_in(std::string text, const Captured& captured) {
    for (const auto& [name, value] : captured.values) {
        const std::string place = "{" + name + "}";
        for (std::size_t at = text.find(place); at != std::string::npos;
             at = text.find(place, at + value.size())) {
            text.replace(at, place.size(), value);
        }
    }
    return text;
}

/// The rules of a search, tried in their order.
class Curator {
public:
    Curator(const CurationSets& sets, Parameters& parameters, const CurationContext& context)
        : sets_(sets),
          parameters_(parameters),
          context_(context),
          analyzer_(analyzer_of(context.schema)),
          words_(words_of(parameters.text("q"), analyzer_)),
          filter_(trim(parameters.text("filter_by"))) {
        for (std::string& tag : split_list(parameters.text("curation_tags", "override_tags"))) {
            tags_.insert(std::move(tag));
        }
    }

    Curated run() {
        if (tags_.empty()) {
            try_rules([](const Curation& rule) { return rule.tags.empty() || is_wildcard(rule); });
            return std::move(out_);
        }
        // Of several tags, rules that have just these come first, and may be enough.
        const bool enough = tags_.size() > 1 && try_rules([this](const Curation& rule) {
                                return rule.tags == tags_;
                            });
        if (!enough) {
            try_rules([this](const Curation& rule) {
                return std::any_of(tags_.begin(), tags_.end(), [&](const std::string& tag) {
                    return rule.tags.contains(tag);
                });
            });
        }
        return std::move(out_);
    }

    /// Whether a rule with places for values may be among those that fit.
    bool may_need_index() const {
        return std::any_of(sets_.begin(), sets_.end(), [this](const auto& set) {
            return std::any_of(set->rules.begin(), set->rules.end(), [this](const Curation& rule) {
                return rule.is_dynamic() && has_words_of(rule);
            });
        });
    }

private:
    static bool is_wildcard(const Curation& rule) {
        return rule.tags.size() == 1 && *rule.tags.begin() == "*";
    }

    /// Whether any of those rules fits.
    bool try_rules(const std::function<bool(const Curation&)>& is_meant) {
        bool any = false;
        for (const auto& set : sets_) {
            for (const Curation& rule : set->rules) {
                if (!is_meant(rule) || !try_rule(rule)) {
                    continue;
                }
                any = true;
                if (rule.stop_processing) {
                    return true;
                }
            }
        }
        return any;
    }

    bool try_rule(const Curation& rule) {
        if ((rule.effective_from && context_.now < *rule.effective_from)
            || (rule.effective_to && context_.now > *rule.effective_to)) {
            return false;
        }
        if (rule.query.empty() && rule.rule_filter.empty()) {
            if (rule.tags.empty()) {
                return false;
            }
            apply(rule, {});
            return true;
        }
        if (!rule.rule_filter.empty() && rule.rule_filter != filter_) {
            return false;
        }
        std::optional<Captured> captured = rule.query.empty() ? Captured() : match_query(rule);
        if (!captured) {
            return false;
        }
        apply(rule, *captured);
        return true;
    }

    bool has_words_of(const Curation& rule) const {
        return words_.size() <= kPlaceholderQueryWordsMax
               && std::all_of(rule.query.begin(), rule.query.end(), [&](const auto& word) {
                      return word.is_field
                             || std::find(words_.begin(), words_.end(), word.text) != words_.end();
                  });
    }

    std::optional<Captured> match_query(const Curation& rule) const {
        if (rule.match == Curation::Match::kNone) {
            return std::nullopt;
        }
        if (rule.is_dynamic()) {
            return has_words_of(rule) ? PlaceholderMatch(rule, words_, context_).run()
                                      : std::nullopt;
        }
        const auto same = [](const std::string& word, const Curation::RuleWord& wanted) {
            return word == wanted.text;
        };
        const auto& wanted = rule.query;
        const bool fits =
            rule.match == Curation::Match::kExact
                ? std::equal(words_.begin(), words_.end(), wanted.begin(), wanted.end(), same)
                : std::search(words_.begin(), words_.end(), wanted.begin(), wanted.end(), same)
                      != words_.end();
        if (!fits) {
            return std::nullopt;
        }
        Captured captured;
        for (const Curation::RuleWord& word : wanted) {
            captured.words.insert(word.text);
        }
        return captured;
    }

    void apply(const Curation& rule, const Captured& captured) {
        add_up_to(kCuratedTotalMax, rule.excludes, out_.excludes);
        add_up_to(kCuratedTotalMax, rule.includes, out_.includes);
        add_filter(fill_in(rule.filter_by, captured));
        if (!rule.sort_by.empty()) {
            parameters_.set("sort_by", fill_in(rule.sort_by, captured));
        }
        if (!rule.replace_query.empty()) {
            parameters_.set("q", rule.replace_query);
        } else if (rule.remove_matched_tokens && !captured.words.empty()) {
            parameters_.set(
                "q",
                search::without_words(parameters_.text("q"), analyzer_, captured.words)
            );
            std::erase_if(words_, [&](const std::string& word) {
                return captured.words.contains(word);
            });
        }
        out_.filter_curated_hits = out_.filter_curated_hits || rule.filter_curated_hits;
        if (out_.metadata.empty()) {
            out_.metadata = rule.metadata;
        }
    }

    /// A filter that does not suit the collection is left out: the set may be made for several.
    void add_filter(const std::string& filter) {
        if (!filter.empty() && context_.fits(filter)) {
            parameters_.and_filter(filter);
        }
    }

    const CurationSets& sets_;
    Parameters& parameters_;
    const CurationContext& context_;
    search::Analyzer analyzer_;
    Words words_;
    std::string filter_;
    std::set<std::string> tags_;
    Curated out_;
};

}  // namespace

bool Curation::is_dynamic() const {
    return std::any_of(query.begin(), query.end(), [](const RuleWord& word) {
        return word.is_field;
    });
}

std::shared_ptr<const CurationRules>
rules_of(const node::Resource& set, const search::Schema& schema) {
    return derive_all<CurationRules>(
        set,
        analysis_variant(schema),
        [&](const std::vector<JsonValue>& items) {
            const search::Analyzer analyzer = analyzer_of(schema);
            auto out = std::make_shared<CurationRules>();
            for (const JsonValue item : items) {
                out->rules.push_back(make_curation(item, analyzer));
            }
            std::sort(out->rules.begin(), out->rules.end(), [](const auto& a, const auto& b) {
                return a.id < b.id;
            });
            return out;
        }
    );
}

CurationSets find_curations(
    const node::Node& node,
    const Parameters& parameters,
    const node::CollectionSpec& collection
) {
    CurationSets out;
    if (!parameters.flag("enable_curations", true) || !parameters.flag("enable_overrides", true)) {
        return out;
    }
    const auto add = [&](ResourceKind kind, const std::string& name) {
        const node::ResourcePtr found = node.resource(kind, name);
        if (found != nullptr && !found->items().empty()) {
            out.push_back(rules_of(*found, collection.schema));
        }
    };
    add(ResourceKind::kCollectionCurations, collection.name);
    for (const std::string& name : collection.curation_sets) {
        add(ResourceKind::kCurationSet, name);
    }
    return out;
}

bool needs_index(
    const CurationSets& sets,
    const Parameters& parameters,
    const CurationContext& context
) {
    Parameters copy = parameters;
    return Curator(sets, copy, context).may_need_index();
}

Curated curate(const CurationSets& sets, Parameters& parameters, const CurationContext& context) {
    return Curator(sets, parameters, context).run();
}

void add_curated(const Curated& curated, search::SearchRequest& request) {
    std::set<std::string, std::less<>> hidden(request.hidden_ids.begin(), request.hidden_ids.end());
    hidden.insert(curated.excludes.begin(), curated.excludes.end());
    std::set<std::string, std::less<>> placed;
    for (auto& [position, ids] : request.pinned_ids) {
        std::erase_if(ids, [&](const std::string& id) { return hidden.contains(id); });
        placed.insert(ids.begin(), ids.end());
    }
    for (const auto& [id, position] : curated.includes) {
        if (placed.size() < kCuratedIdsMax && !hidden.contains(id) && placed.insert(id).second) {
            request.pinned_ids[position].push_back(id);
        }
    }
    request.hidden_ids.assign(hidden.begin(), hidden.end());
    request.filter_pinned = request.filter_pinned || curated.filter_curated_hits;
}

}  // namespace kumo::api_kumosearch
