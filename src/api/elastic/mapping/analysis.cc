#include "api/elastic/mapping/analysis.h"

#include "api/elastic/fault.h"
#include "search/analysis/chain.h"
#include "search/analysis/stemmer.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace kumo::api_elastic {

namespace {

Json part(std::string_view type) {
    return Json::object({{"type", type}});
}

Json chain(Json tokenizer, Json::Array filters) {
    return Json::object({{"tokenizer", std::move(tokenizer)}, {"filter", Json(std::move(filters))}}
    );
}

Json stop_words(const Json& options, std::string_view otherwise) {
    Json out = part("stop");
    const Json* const words = options.find("stopwords");
    out["stopwords"] = words == nullptr ? Json::array({otherwise}) : *words;
    return out;
}

Json with_option(Json part, const Json& options, std::string_view name) {
    if (const Json* const value = options.find(name)) {
        part[name] = *value;
    }
    return part;
}

/// A built-in analyzer with these options; null if there is none of that type.
Json built_in(std::string_view type, const Json& options) {
    if (type == "standard") {
        return chain(
            with_option(part("standard"), options, "max_token_length"),
            {part("lowercase"), stop_words(options, "_none_")}
        );
    }
    if (type == "simple") {
        return chain(part("lowercase"), {});
    }
    if (type == "whitespace") {
        return chain(part("whitespace"), {});
    }
    if (type == "keyword") {
        return chain(part("keyword"), {});
    }
    if (type == "stop") {
        return chain(part("lowercase"), {stop_words(options, "_english_")});
    }
    if (type == "pattern") {
        Json tokenizer = with_option(part("pattern"), options, "pattern");
        tokenizer = with_option(std::move(tokenizer), options, "flags");
        const Json* const lower = options.find("lowercase");
        Json::Array filters;
        if (lower == nullptr || lower->to_bool().value_or(true)) {
            filters.push_back(part("lowercase"));
        }
        filters.push_back(stop_words(options, "_none_"));
        return chain(std::move(tokenizer), std::move(filters));
    }
    if (type == "english" || type == "snowball") {
        Json possessive = part("stemmer");
        possessive["language"] = "possessive_english";
        return chain(
            part("standard"),
            {possessive, part("lowercase"), stop_words(options, "_english_"), part("porter_stem")}
        );
    }
    if (search::has_stemmer(type) && type.size() > 3) {
        Json stemmer = part("stemmer");
        stemmer["language"] = type;
        return chain(
            part("standard"),
            {part("lowercase"), stop_words(options, "_none_"), std::move(stemmer)}
        );
    }
    return {};
}

const Json* defined(const Json& analysis, std::string_view kind, std::string_view name) {
    const Json* const all = analysis.find(kind);
    return all == nullptr ? nullptr : all->find(name);
}

Json as_list(const Json* value) {
    if (value == nullptr) {
        return Json::array();
    }
    if (value->is_array()) {
        return *value;
    }
    Json out = Json::array();
    const std::string text = value->text();
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        std::string name = text.substr(at, end - at);
        name.erase(0, name.find_first_not_of(' '));
        if (!name.empty()) {
            out.push(std::move(name));
        }
        at = end + 1;
    }
    return out;
}

Result<Json> parts_of(const Json& analysis, std::string_view kind, const Json* names) {
    Json out = Json::array();
    for (const Json& name : as_list(names).items()) {
        KUMO_TRY_ASSIGN(Json one, analysis_part(analysis, kind, name));
        out.push(std::move(one));
    }
    return out;
}

Result<Json> custom_chain(const Json& analysis, std::string_view name, const Json& options) {
    const Json* const tokenizer = options.find("tokenizer");
    if (tokenizer == nullptr) {
        return illegal_argument(
            "analyzer [" + std::string(name)
            + "] must specify either an analyzer type, or a tokenizer"
        );
    }
    Json out = Json::object();
    KUMO_TRY_ASSIGN(
        out["char_filter"],
        parts_of(analysis, "char_filter", options.find("char_filter"))
    );
    KUMO_TRY_ASSIGN(out["tokenizer"], analysis_part(analysis, "tokenizer", *tokenizer));
    KUMO_TRY_ASSIGN(out["filter"], parts_of(analysis, "filter", options.find("filter")));
    return out;
}

std::string type_of(const Json& options, std::string_view otherwise) {
    const Json* const type = options.find("type");
    return type == nullptr ? std::string(otherwise) : type->text();
}

void flatten(const Json& value, const std::string& prefix, Json& out) {
    for (const auto& [name, member] : value.members()) {
        const std::string path = prefix.empty() ? name : prefix + "." + name;
        if (member.is_object()) {
            flatten(member, path, out);
        } else {
            out[path] = member;
        }
    }
}

/// Names of parts that need no settings.
bool is_built_in_part(std::string_view kind, std::string_view name) {
    const std::string options = R"({"type":")" + std::string(name) + R"("})";
    const auto parsed = wire::JsonDocument::parse(options);
    if (!parsed.ok()) {
        return false;
    }
    if (kind == "tokenizer") {
        return search::make_tokenizer(parsed.value().root()).ok();
    }
    return kind == "filter" ? search::make_token_filter(parsed.value().root()).ok()
                            : search::make_char_filter(parsed.value().root()).ok();
}

}  // namespace

Json nested_settings(const Json& flat) {
    Json out = Json::object();
    for (const auto& [name, value] : flat.members()) {
        Json* at = &out;
        std::size_t begin = 0;
        for (std::size_t dot = name.find('.'); dot != std::string::npos;
             dot = name.find('.', begin)) {
            at = &(*at)[std::string_view(name).substr(begin, dot - begin)];
            begin = dot + 1;
        }
        Json& leaf = (*at)[std::string_view(name).substr(begin)];
        if (leaf.is_object() && !value.is_object()) {
            continue;
        }
        leaf = value;
    }
    return out;
}

Json flat_settings(const Json& nested) {
    Json out = Json::object();
    if (nested.is_object()) {
        flatten(nested, "", out);
    }
    return out;
}

Result<Json> analysis_part(const Json& analysis, std::string_view kind, const Json& given) {
    if (given.is_object()) {
        return given;
    }
    const std::string name = given.text();
    if (const Json* const options = defined(analysis, kind, name)) {
        Json out = *options;
        if (out.find("type") == nullptr) {
            out["type"] = name;
        }
        return out;
    }
    if (!is_built_in_part(kind, name)) {
        return illegal_argument(
            "failed to find global " + std::string(kind) + " under [" + name + "]"
        );
    }
    return part(name);
}

Result<Json> analyzer_chain(const Json& analysis, std::string_view name) {
    const Json* const options = defined(analysis, "analyzer", name);
    if (options != nullptr) {
        const std::string type = type_of(*options, "custom");
        if (type == "custom") {
            return custom_chain(analysis, name, *options);
        }
        Json made = built_in(type, *options);
        if (made.is_null()) {
            return illegal_argument(
                "Unknown analyzer type [" + type + "] for [" + std::string(name) + "]"
            );
        }
        return made;
    }
    const std::string_view type = name == "default" ? "standard" : name;
    Json made = built_in(type, Json::object());
    if (made.is_null()) {
        return illegal_argument("failed to find analyzer [" + std::string(name) + "]");
    }
    return made;
}

Result<Json> normalizer_chain(const Json& analysis, std::string_view name) {
    const Json* const options = defined(analysis, "normalizer", name);
    Json out = Json::object({{"tokenizer", part("keyword")}});
    if (options == nullptr && name == "lowercase") {
        out["filter"] = Json::array({part("lowercase")});
        return out;
    }
    if (options == nullptr) {
        return illegal_argument("normalizer [" + std::string(name) + "] not found");
    }
    KUMO_TRY_ASSIGN(
        out["char_filter"],
        parts_of(analysis, "char_filter", options->find("char_filter"))
    );
    KUMO_TRY_ASSIGN(out["filter"], parts_of(analysis, "filter", options->find("filter")));
    return out;
}

Status check_analysis(const Json& analysis) {
    for (const std::string_view kind : {"analyzer", "normalizer"}) {
        const Json* const all = analysis.find(kind);
        if (all == nullptr || !all->is_object()) {
            continue;
        }
        for (const auto& [name, options] : all->members()) {
            auto made = kind == "analyzer" ? analyzer_chain(analysis, name)
                                           : normalizer_chain(analysis, name);
            if (!made.ok()) {
                return made.error();
            }
            const auto checked = search::AnalysisChain::make(made.value().dump());
            if (!checked.ok()) {
                return illegal_argument(checked.error().message);
            }
        }
    }
    return {};
}

}  // namespace kumo::api_elastic
