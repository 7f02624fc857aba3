#include "api/kumosearch/resources/synonyms.h"

#include "api/kumosearch/resources/derive.h"
#include "search/analysis/analyzer.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using node::ResourceKind;
using search::SynonymRule;
using wire::JsonValue;

constexpr std::size_t kLocaleBytesMax = 16;

struct Synonyms : node::Resource::Derived {
    std::shared_ptr<const search::SynonymSet> set;
};

/// A text, or (an old form) its words as an array. Empty: it is neither.
std::string read_words(JsonValue value) {
    if (value.is_string()) {
        return std::string(value.as_string());
    }
    std::string joined;
    if (value.is_array()) {
        for (const JsonValue word : value.as_array()) {
            if (!word.is_string() || word.as_string().empty()) {
                return {};
            }
            joined.append(joined.empty() ? "" : " ").append(word.as_string());
        }
    }
    return joined;
}

Status check_symbols(JsonValue symbols) {
    const Error wrong =
        invalid_argument("Synonym `symbols_to_index` should be an array of strings.");
    if (!symbols.is_array()) {
        return wrong;
    }
    for (const JsonValue symbol : symbols.as_array()) {
        if (!symbol.is_string()) {
            return wrong;
        }
        if (symbol.as_string().size() != 1) {
            return invalid_argument(
                "Synonym `symbols_to_index` should be an array of single character symbols."
            );
        }
    }
    return {};
}

std::vector<std::string> strings_of(JsonValue array) {
    std::vector<std::string> out;
    for (const JsonValue element : elements_of(array)) {
        out.emplace_back(text_of(element));
    }
    return out;
}

SynonymRule::Words analyze(const search::Analyzer& analyzer, std::string_view text) {
    search::TokenBuffer buffer;
    analyzer.analyze(text, buffer);
    SynonymRule::Words words;
    for (const search::AnalyzedToken& token : buffer.tokens) {
        words.emplace_back(buffer.term(token));
    }
    return words;
}

SynonymRule make_rule(JsonValue stored, const std::vector<std::string>& separators) {
    const std::string locale(text_of(stored.find("locale")));
    const search::Analyzer analyzer(
        search::AnalysisOptions{separators, strings_of(stored.find("symbols_to_index")), locale}
    );
    SynonymRule rule;
    rule.root = analyze(analyzer, text_of(stored.find("root")));
    for (const JsonValue synonym : elements_of(stored.find("synonyms"))) {
        rule.synonyms.push_back(analyze(analyzer, text_of(synonym)));
    }
    rule.locale = locale;
    return rule;
}

}  // namespace

Result<std::string> read_synonym(const std::string& id, JsonValue body) {
    const JsonValue synonyms = body.find("synonyms");
    if (!synonyms || !synonyms.is_array() || synonyms.as_array().size() == 0) {
        return invalid_argument("Could not find an array of `synonyms`");
    }
    const JsonValue locale = body.find("locale");
    if (locale && (!locale.is_string() || locale.as_string().size() > kLocaleBytesMax)) {
        return invalid_argument("Synonym `locale` should be a string.");
    }
    const JsonValue symbols = body.find("symbols_to_index");
    if (symbols) {
        KUMO_TRY(check_symbols(symbols));
    }
    const JsonValue root = body.find("root");
    if (root && !root.is_string() && read_words(root).empty()) {
        return invalid_argument("Key `root` should be a string.");
    }
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_object().key("id").string(id);
    if (locale && !locale.as_string().empty()) {
        writer.key("locale").string(locale.as_string());
    }
    writer.key("root").string(root ? read_words(root) : std::string());
    if (symbols && symbols.as_array().size() > 0) {
        writer.key("symbols_to_index").value(symbols);
    }
    writer.key("synonyms").begin_array();
    for (const JsonValue synonym : synonyms.as_array()) {
        const std::string words = read_words(synonym);
        if (words.empty()) {
            return invalid_argument("Could not find a valid string array of `synonyms`");
        }
        writer.string(words);
    }
    writer.end_array().end_object();
    return json;
}

std::shared_ptr<const search::SynonymSet>
synonyms_of(const node::Resource& set, const search::Schema& schema) {
    std::string variant;
    for (const std::string& separator : schema.token_separators) {
        variant.append(separator);
    }
    return derive_all<Synonyms>(
               set,
               variant,
               [&](const std::vector<JsonValue>& items) {
                   std::vector<SynonymRule> rules;
                   rules.reserve(items.size());
                   for (const JsonValue item : items) {
                       rules.push_back(make_rule(item, schema.token_separators));
                   }
                   auto synonyms = std::make_shared<Synonyms>();
                   synonyms->set = std::make_shared<const search::SynonymSet>(std::move(rules));
                   return synonyms;
               }
    )->set;
}

Result<std::vector<std::shared_ptr<const search::SynonymSet>>> find_synonyms(
    const node::Node& node,
    const Parameters& parameters,
    const node::CollectionSpec& collection
) {
    std::vector<std::shared_ptr<const search::SynonymSet>> out;
    if (!parameters.flag("enable_synonyms", true)) {
        return out;
    }
    std::vector<node::ResourcePtr> resources;
    const auto add = [&](ResourceKind kind, const std::string& name) {
        node::ResourcePtr found = node.resource(kind, name);
        const bool fresh = std::find(resources.begin(), resources.end(), found) == resources.end();
        if (found != nullptr && fresh) {
            resources.push_back(found);
        }
        return found != nullptr;
    };
    (void)add(ResourceKind::kCollectionSynonyms, collection.name);
    for (const std::string& name : collection.synonym_sets) {
        (void)add(ResourceKind::kSynonymSet, name);
    }
    const std::vector<std::string> named = parameters.list("synonym_sets");
    if (named.size() > node::kSetsPerCollectionMax) {
        return Error{ErrorCode::kLimitExceeded, "Only upto 100 synonym sets can be used."};
    }
    for (const std::string& name : named) {
        if (!add(ResourceKind::kSynonymSet, name)) {
            return not_found("Synonym index not found");
        }
    }
    for (const node::ResourcePtr& resource : resources) {
        auto set = synonyms_of(*resource, collection.schema);
        if (!set->empty()) {
            out.push_back(std::move(set));
        }
    }
    return out;
}

}  // namespace kumo::api_kumosearch
