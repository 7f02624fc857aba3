#include "api/kumosearch/resources/values.h"

#include "api/kumosearch/resources/derive.h"
#include "search/analysis/analyzer.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

using node::ResourceKind;
using wire::JsonValue;

constexpr std::size_t kNameBytesMax = 512;
constexpr std::size_t kLocaleBytesMax = 16;

struct Alias : node::Resource::Derived {
    std::string collection;
};

struct Stopwords : node::Resource::Derived {
    std::shared_ptr<const search::WordSet> words;
};

Error required(std::string_view parameter) {
    return invalid_argument("Parameter `" + std::string(parameter) + "` is required.");
}

std::shared_ptr<const Alias> make_alias(JsonValue value) {
    auto alias = std::make_shared<Alias>();
    alias->collection = text_of(value.find("collection_name"));
    return alias;
}

std::shared_ptr<const Preset> make_preset(JsonValue stored) {
    auto preset = std::make_shared<Preset>();
    const JsonValue value = stored.find("value");
    if (!value || !value.is_object()) {
        return preset;
    }
    if (value.find("searches")) {
        preset->searches = value.raw();
    } else if (auto parameters = Parameters::from_json(value); parameters.ok()) {
        preset->parameters = std::move(parameters).value();
    }
    return preset;
}

std::shared_ptr<const Stopwords> make_stopwords(JsonValue stored, const search::Schema& schema) {
    const search::Analyzer analyzer(search::AnalysisOptions{
        schema.token_separators,
        schema.symbols_to_index,
        std::string(text_of(stored.find("locale")))});
    auto words = std::make_shared<search::WordSet>();
    search::TokenBuffer buffer;
    for (const JsonValue word : elements_of(stored.find("stopwords"))) {
        buffer.clear();
        analyzer.analyze(text_of(word), buffer);
        for (const search::AnalyzedToken& token : buffer.tokens) {
            words->emplace(buffer.term(token));
        }
    }
    auto stopwords = std::make_shared<Stopwords>();
    stopwords->words = std::move(words);
    return stopwords;
}

}  // namespace

Result<std::string> read_alias(const std::string& name, JsonValue body) {
    const JsonValue target = body.find("collection_name");
    if (!target) {
        return required("collection_name");
    }
    if (!target.is_string() || target.as_string().empty()
        || target.as_string().size() > kNameBytesMax) {
        return invalid_argument("Parameter `collection_name` must be a string of 1 to 512 bytes.");
    }
    std::string json;
    wire::JsonWriter(json)
        .begin_object()
        .key("collection_name")
        .string(target.as_string())
        .key("name")
        .string(name)
        .end_object();
    return json;
}

Result<std::string> read_preset(const std::string& name, JsonValue body) {
    const JsonValue value = body.find("value");
    if (!value) {
        return required("value");
    }
    if (!value.is_object()) {
        return invalid_argument("Parameter `value` must be an object.");
    }
    const JsonValue searches = value.find("searches");
    if (searches && !searches.is_array()) {
        return invalid_argument("The `searches` of a preset must be an array.");
    }
    if (!searches) {
        KUMO_TRY(Parameters::from_json(value));
    }
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_object().key("name").string(name);
    writer.key("value").value(value).end_object();
    return json;
}

Result<std::string> read_stopwords(const std::string& name, JsonValue body) {
    const JsonValue words = body.find("stopwords");
    if (!words) {
        return invalid_argument("Parameter `stopwords` is required");
    }
    const Error wrong = invalid_argument("Parameter `stopwords` is required as string array value");
    if (!words.is_array()) {
        return wrong;
    }
    if (words.as_array().size() == 0) {
        return invalid_argument("Parameter `stopwords` is empty");
    }
    for (const JsonValue word : words.as_array()) {
        if (!word.is_string()) {
            return wrong;
        }
    }
    const JsonValue locale = body.find("locale");
    if (locale && (!locale.is_string() || locale.as_string().size() > kLocaleBytesMax)) {
        return invalid_argument("Parameter `locale` is required as string value");
    }
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_object().key("id").string(name);
    if (locale && !locale.as_string().empty()) {
        writer.key("locale").string(locale.as_string());
    }
    writer.key("stopwords").value(words).end_object();
    return json;
}

std::string resolve_collection(const node::Node& node, std::string name) {
    const node::ResourcePtr alias = node.resource(ResourceKind::kAlias, name);
    if (alias == nullptr || node.collection(name).ok()) {
        return name;
    }
    return derive<Alias>(*alias, "", [](JsonValue value) { return make_alias(value); })->collection;
}

std::shared_ptr<const Preset> find_preset(const node::Node& node, const Parameters& parameters) {
    const std::string& name = parameters.text("preset");
    const node::ResourcePtr found =
        name.empty() ? nullptr : node.resource(ResourceKind::kPreset, name);
    if (found == nullptr) {
        return nullptr;
    }
    return derive<Preset>(*found, "", [](JsonValue value) { return make_preset(value); });
}

void apply_preset(const node::Node& node, Parameters& parameters) {
    const auto preset = find_preset(node, parameters);
    if (preset != nullptr) {
        parameters.complete_with(preset->parameters);
    }
}

bool names_unknown_resource(const node::Node& node, const Parameters& parameters) {
    const auto is_unknown = [&](ResourceKind kind, const std::string& name) {
        return !name.empty() && node.resource(kind, name) == nullptr;
    };
    const std::vector<std::string> synonyms = parameters.list("synonym_sets");
    return is_unknown(ResourceKind::kPreset, parameters.text("preset"))
           || is_unknown(ResourceKind::kStopwords, parameters.text("stopwords"))
           || std::any_of(synonyms.begin(), synonyms.end(), [&](const std::string& name) {
                  return is_unknown(ResourceKind::kSynonymSet, name);
              });
}

Result<std::shared_ptr<const search::WordSet>>
find_stopwords(const node::Node& node, const Parameters& parameters, const search::Schema& schema) {
    const std::string& name = parameters.text("stopwords");
    if (name.empty()) {
        return std::shared_ptr<const search::WordSet>();
    }
    const node::ResourcePtr found = node.resource(ResourceKind::kStopwords, name);
    if (found == nullptr) {
        return not_found("Could not find the stopword set named `" + name + "`.");
    }
    return derive<Stopwords>(
               *found,
               analysis_variant(schema),
               [&](JsonValue value) { return make_stopwords(value, schema); }
    )->words;
}

}  // namespace kumo::api_kumosearch
