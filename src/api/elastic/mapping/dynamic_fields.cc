#include "api/elastic/mapping/dynamic_fields.h"

#include "api/elastic/fault.h"
#include "api/elastic/wildcard.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// The place of a path in "properties": its objects are made on the way.
Json& place_of(Json& properties, const Mapping& mapping, std::string_view path) {
    Json* at = &properties;
    std::string above;
    for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
        const std::string_view name = path.substr(0, dot);
        above += (above.empty() ? "" : ".") + std::string(name);
        Json& object = (*at)[name];
        const MappedField* const known = mapping.find_declared(above);
        if (known != nullptr && known->kind == FieldKind::kNested) {
            object["type"] = "nested";
        }
        at = &object["properties"];
        path.remove_prefix(dot + 1);
    }
    return (*at)[path];
}

bool is_date(const Mapping& mapping, const std::string& text, std::string& format) {
    if (!mapping.date_detection() || text.empty() || text[0] < '0' || text[0] > '9') {
        return false;
    }
    for (const DateFormat& one : mapping.dynamic_date_formats()) {
        if (one.parse(text).ok()
            && (one.name().find("optional_time") == std::string::npos || text.size() > 4)) {
            format = one.name();
            return true;
        }
    }
    return false;
}

/// "string", "long", ...: what templates call the form of a value.
std::string_view form_of(const Mapping& mapping, const Json& value, std::string& format) {
    if (value.is_object()) {
        return "object";
    }
    if (value.is_bool()) {
        return "boolean";
    }
    if (value.is_integer()) {
        return "long";
    }
    if (value.is_double()) {
        return "double";
    }
    const std::string& text = value.as_string();
    if (is_date(mapping, text, format)) {
        return "date";
    }
    if (mapping.numeric_detection() && value.to_int64()) {
        return "long";
    }
    return mapping.numeric_detection() && value.to_double() ? "double" : "string";
}

Json usual_mapping(std::string_view form, const std::string& format) {
    if (form == "string") {
        return Json::object(
            {{"type", "text"},
             {"fields",
              Json::object({{"keyword", Json::object({{"type", "keyword"}, {"ignore_above", 256}})}}
              )}}
        );
    }
    if (form == "double") {
        return Json::object({{"type", "float"}});
    }
    Json out = Json::object({{"type", form}});
    if (form == "date" && format != "strict_date_optional_time") {
        out["format"] = format;
    }
    return out;
}

bool fits(const Json* patterns, std::string_view text, bool regex) {
    const Json::Array list = patterns->is_array() ? patterns->items() : Json::Array{*patterns};
    return std::any_of(list.begin(), list.end(), [&](const Json& pattern) {
        return regex ? RE2::FullMatch(std::string(text), pattern.text())
                     : matches_wildcard(pattern.text(), text);
    });
}

bool template_fits(const Json& rule, const std::string& path, std::string_view form) {
    const std::string_view name = std::string_view(path).substr(path.rfind('.') + 1);
    const Json* const mode = rule.find("match_pattern");
    const bool regex = mode != nullptr && mode->text() == "regex";
    const Json* const type = rule.find("match_mapping_type");
    if (type != nullptr && type->text() != "*" && type->text() != form) {
        return false;
    }
    const Json* const match = rule.find("match");
    const Json* const unmatch = rule.find("unmatch");
    const Json* const path_match = rule.find("path_match");
    const Json* const path_unmatch = rule.find("path_unmatch");
    return (match == nullptr || fits(match, name, regex))
           && (unmatch == nullptr || !fits(unmatch, name, regex))
           && (path_match == nullptr || fits(path_match, path, regex))
           && (path_unmatch == nullptr || !fits(path_unmatch, path, regex));
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (std::size_t at = text.find(what); at != std::string::npos;
         at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
}

Json filled(const Json& mapping, std::string_view name, std::string_view type) {
    std::string text = mapping.dump();
    replace_all(text, "{name}", name);
    replace_all(text, "{dynamic_type}", type);
    auto out = Json::parse(text);
    return out.ok() ? std::move(out).value() : Json::object();
}

std::optional<Json>
from_template(const Mapping& mapping, const std::string& path, std::string_view form) {
    const Json* const templates = mapping.json().find("dynamic_templates");
    if (templates == nullptr || !templates->is_array()) {
        return std::nullopt;
    }
    for (const Json& entry : templates->items()) {
        if (!entry.is_object() || entry.empty()) {
            continue;
        }
        const Json& rule = entry.members().front().second;
        const Json* const made = rule.find("mapping");
        if (made == nullptr || !template_fits(rule, path, form)) {
            continue;
        }
        const std::string_view type = form == "string" ? "text" : form;
        Json out = filled(*made, std::string_view(path).substr(path.rfind('.') + 1), type);
        if (out.find("type") == nullptr && form != "object") {
            out["type"] = type;
        }
        return out;
    }
    return std::nullopt;
}

}  // namespace

bool has_template(const Mapping& mapping, const std::string& path, const Json& value) {
    if (value.is_array()) {
        return value.empty() || has_template(mapping, path, value.items().front());
    }
    std::string format;
    return value.is_null() || from_template(mapping, path, form_of(mapping, value, format));
}

Status add_dynamic_field(
    const Mapping& mapping,
    const std::string& path,
    const Json& value,
    Json& update
) {
    if (value.is_array()) {
        for (const Json& item : value.items()) {
            KUMO_TRY(add_dynamic_field(mapping, path, item, update));
        }
        return {};
    }
    if (value.is_null()) {
        return {};
    }
    std::string format;
    const std::string_view form = form_of(mapping, value, format);
    const auto given = from_template(mapping, path, form);
    if (form != "object") {
        Json& place = place_of(update, mapping, path);
        const bool first = place.is_null();
        // Of several values the first one decides; a fraction makes a number real.
        const Json* const type = place.find("type");
        if (first || (form == "double" && type != nullptr && type->text() == "long")) {
            place = given ? *given : usual_mapping(form, format);
        }
        return {};
    }
    {
        Json& place = place_of(update, mapping, path);
        if (given && place.is_null()) {
            place = *given;
        } else if (place.is_null() || place.find("properties") == nullptr) {
            place["type"] = "object";
        }
        const Json* const type = place.find("type");
        if (type != nullptr && type->text() != "object" && type->text() != "nested") {
            return {};
        }
    }
    for (const auto& [name, member] : value.members()) {
        if (name.empty()) {
            return fault("mapper_parsing_exception", "field name cannot be an empty string");
        }
        KUMO_TRY(add_dynamic_field(mapping, path + "." + name, member, update));
    }
    // An object with members needs no type to be one.
    Json& place = place_of(update, mapping, path);
    const Json* const type = place.find("type");
    if (place.find("properties") != nullptr && type != nullptr && type->text() == "object") {
        place.erase("type");
    }
    return {};
}

}  // namespace kumo::api_elastic
