#include "api/elastic/fault.h"
#include "api/elastic/mapping/internal/properties.h"
#include "api/elastic/mapping/mapping.h"

#include <map>
#include <set>
#include <utility>

namespace kumo::api_elastic {

Json expanded_properties(const Json& properties) {
    Json out = Json::object();
    for (const auto& [name, given] : properties.members()) {
        Json definition = given;
        if (const Json* const inside = given.find("properties");
            inside != nullptr && inside->is_object()) {
            definition["properties"] = expanded_properties(*inside);
        }
        const std::size_t dot = name.find('.');
        if (dot == std::string::npos || dot == 0 || dot + 1 == name.size()) {
            out[name].is_null() ? void(out[name] = std::move(definition))
                                : out[name].merge(definition);
            continue;
        }
        const Json inner = Json::object({{name.substr(dot + 1), std::move(definition)}});
        out[name.substr(0, dot)].is_null() ? void(out[name.substr(0, dot)] = Json::object())
                                           : void();
        out[name.substr(0, dot)]["properties"].is_null()
            ? void(out[name.substr(0, dot)]["properties"] = expanded_properties(inner))
            : out[name.substr(0, dot)]["properties"].merge(expanded_properties(inner));
    }
    return out;
}

namespace {

std::string text(const Json& options, std::string_view name) {
    const Json* const value = options.find(name);
    return value == nullptr || value->is_null() ? std::string() : value->text();
}

Error mapper_error(std::string reason) {
    return fault("mapper_parsing_exception", std::move(reason));
}

/// What of a field may be changed.
bool may_change(std::string_view parameter) {
    static const std::set<std::string_view> kChangeable = {
        "ignore_above",
        "ignore_malformed",
        "coerce",
        "boost",
        "fielddata",
        "meta",
        "null_value",
        "search_analyzer",
        "search_quote_analyzer",
        "copy_to",
        "fields",
        "eager_global_ordinals",
        "dynamic",
        "split_queries_on_whitespace",
        "max_input_length",
        "format"};
    return kChangeable.find(parameter) != kChangeable.end();
}

Error cannot_change(
    const std::string& path,
    const std::string& parameter,
    const Json* from,
    const Json& to
) {
    return illegal_argument(
        "Mapper for [" + path + "] conflicts with existing mapper:\n\tCannot update parameter ["
        + parameter + "] from [" + (from == nullptr ? "null" : from->text()) + "] to [" + to.text()
        + "]"
    );
}

std::string type_of(const Json& definition) {
    const std::string type = text(definition, "type");
    return type.empty() ? "object" : type;
}

/// What a parameter is when nobody says.
bool is_usual(std::string_view parameter, const Json& value) {
    static const std::map<std::string_view, std::string_view> kUsual = {
        {"index", "true"},
        {"doc_values", "true"},
        {"store", "false"},
        {"norms", "true"},
        {"analyzer", "default"},
        {"enabled", "true"}};
    const auto usual = kUsual.find(parameter);
    return usual != kUsual.end() && value.text() == usual->second;
}

Status merge_properties(Json& into, const Json& update, const std::string& prefix);

Status merge_leaf(Json& into, const Json& update, const std::string& path) {
    for (const auto& [parameter, value] : update.members()) {
        if (parameter == "type") {
            continue;
        }
        const Json* const before = into.find(parameter);
        if (parameter == "fields" && before != nullptr && value.is_object()) {
            KUMO_TRY(merge_properties(into["fields"], value, path + "."));
            continue;
        }
        const bool same = before != nullptr ? *before == value || before->text() == value.text()
                                            : is_usual(parameter, value);
        if (!same && !may_change(parameter)) {
            return cannot_change(path, parameter, before, value);
        }
        if (!same) {
            into[parameter] = value;
        }
    }
    return {};
}

Status merge_field(Json& into, const Json& update, const std::string& path) {
    const std::string before = type_of(into);
    const std::string after = type_of(update);
    const auto is_object = [](const std::string& type) {
        return type == "object" || type == "nested";
    };
    if (before != after) {
        if (is_object(before) && is_object(after)) {
            return illegal_argument(
                "cannot change object mapping from "
                + std::string(before == "nested" ? "nested" : "non-nested") + " to "
                + (after == "nested" ? "nested" : "non-nested")
            );
        }
        if (is_object(before) || is_object(after)) {
            return illegal_argument(
                "can't merge a non object mapping [" + path + "] with an object mapping"
            );
        }
        return illegal_argument(
            "mapper [" + path + "] cannot be changed from type [" + before + "] to [" + after + "]"
        );
    }
    if (!is_object(before)) {
        return merge_leaf(into, update, path);
    }
    for (const auto& [parameter, value] : update.members()) {
        if (parameter == "properties") {
            KUMO_TRY(merge_properties(into["properties"], value, path + "."));
        } else {
            into[parameter] = value;
        }
    }
    return {};
}

Status merge_properties(Json& into, const Json& update, const std::string& prefix) {
    if (!update.is_object()) {
        return mapper_error("Expected map for property [properties]");
    }
    for (const auto& [name, definition] : update.members()) {
        Json* const before = into.find(name);
        if (before == nullptr) {
            into[name] = definition;
        } else if (before->is_object() && definition.is_object()) {
            KUMO_TRY(merge_field(*before, definition, prefix + name));
        } else {
            return mapper_error("Expected map for property [" + name + "]");
        }
    }
    return {};
}

}  // namespace

Result<Json> Mapping::merged(const Json& update) const {
    Json out = json_;
    for (const auto& [name, value] : update.members()) {
        if (name == "properties") {
            KUMO_TRY(merge_properties(out["properties"], expanded_properties(value), ""));
        } else {
            out[name] = value;
        }
    }
    return out;
}

}  // namespace kumo::api_elastic
