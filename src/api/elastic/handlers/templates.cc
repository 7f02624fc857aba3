#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/index_admin.h"
#include "api/elastic/mapping/analysis.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

namespace {

bool fits_any(const std::string& patterns, const std::string& name) {
    const std::vector<std::string> list = split_list(patterns);
    return list.empty()
           || std::any_of(list.begin(), list.end(), [&name](const std::string& pattern) {
                  return matches_wildcard(pattern, name);
              });
}

/// Checks the parts of a template that an index would be made of.
Status check_parts(const Json& parts) {
    Json settings = Json::object();
    if (const Json* const given = parts.find("settings")) {
        settings = normalized_settings(*given);
        KUMO_TRY(check_settings(settings, false, false));
    }
    if (const Json* const mappings = parts.find("mappings")) {
        auto mapping = Mapping::make(*mappings, settings);
        if (!mapping.ok()) {
            return mapping.error();
        }
    }
    if (const Json* const aliases = parts.find("aliases")) {
        auto checked = normalized_aliases(*aliases);
        if (!checked.ok()) {
            return checked.error();
        }
    }
    return {};
}

/// With settings in their flat form.
Json kept_parts(Json parts) {
    if (const Json* const settings = std::as_const(parts).find("settings")) {
        Json flat = normalized_settings(*settings);
        parts["settings"] = std::move(flat);
    }
    if (const Json* const aliases = std::as_const(parts).find("aliases")) {
        auto made = normalized_aliases(*aliases);
        if (made.ok()) {
            parts["aliases"] = std::move(made).value();
        }
    }
    return parts;
}

Json shown_parts(const Request& request, Json parts) {
    if (const Json* const settings = std::as_const(parts).find("settings")) {
        Json shown = shown_settings(request, *settings);
        parts["settings"] = std::move(shown);
    }
    return parts;
}

Json as_list(const Json& value) {
    return value.is_array() ? value : Json::array({value});
}

Status check_patterns(const Json& body) {
    const Json* const patterns = body.find("index_patterns");
    if (patterns == nullptr || (patterns->is_array() && patterns->empty())) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: index patterns are missing;"
        );
    }
    for (const Json& one : as_list(*patterns).items()) {
        if (!one.is_string() || one.as_string().empty()) {
            return illegal_argument("index_patterns are names");
        }
    }
    return {};
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) {
        out += (out.empty() ? "" : ", ") + name;
    }
    return out;
}

std::vector<std::string> patterns_of(const Json& value) {
    std::vector<std::string> out;
    const Json* const patterns = value.find("index_patterns");
    for (const Json& one : patterns == nullptr ? Json::Array() : as_list(*patterns).items()) {
        out.push_back(one.text());
    }
    return out;
}

/// Whether two patterns may stand for one name.
bool overlap(std::string_view a, std::string_view b) {
    if (a.empty() || b.empty()) {
        return (a.empty() || a == "*") && (b.empty() || b == "*");
    }
    if (a[0] == '*') {
        return overlap(a.substr(1), b) || overlap(a, b.substr(1));
    }
    if (b[0] == '*') {
        return overlap(a, b.substr(1)) || overlap(a.substr(1), b);
    }
    return a[0] == b[0] && overlap(a.substr(1), b.substr(1));
}

bool overlaps(const Json& a, const Json& b) {
    constexpr std::size_t kPatternMax = 64;  // The comparison branches at each wildcard.
    for (const std::string& one : patterns_of(a)) {
        for (const std::string& other : patterns_of(b)) {
            if (one.size() <= kPatternMax && other.size() <= kPatternMax && overlap(one, other)) {
                return true;
            }
        }
    }
    return false;
}

std::int64_t priority_of(const Json& value) {
    const Json* const priority = value.find("priority");
    return priority == nullptr ? 0 : priority->to_int64().value_or(0);
}

Json overlapping(const Context& context, const std::string& name, const Json& value) {
    Json out = Json::array();
    for (const std::string_view kind : {"template/", "index_template/"}) {
        for (const auto& [other, stored] : context.cluster.list(kind)) {
            if (other != name && overlaps(value, stored)) {
                Json patterns = Json::array();
                for (const std::string& one : patterns_of(stored)) {
                    patterns.push(one);
                }
                out.push(Json::object({{"name", other}, {"index_patterns", std::move(patterns)}}));
            }
        }
    }
    return out;
}

Result<Answer>
remove_named(const Request& request, const std::string& kind, const std::string& missing) {
    const std::string pattern = request.part("name");
    std::vector<std::string> names;
    for (const auto& [name, value] : request.context.cluster.list(kind)) {
        if (fits_any(pattern, name)) {
            names.push_back(name);
        }
    }
    if (names.empty() && pattern != "*") {
        return fault("index_template_missing_exception", missing + " [" + pattern + "] missing");
    }
    for (const std::string& name : names) {
        KUMO_TRY_ASSIGN(const bool removed, request.context.cluster.remove(kind + name));
        (void)removed;
    }
    return Answer(acknowledged());
}

Status put_new(
    const Request& request,
    const std::string& key,
    const Json& value,
    const std::string& exists
) {
    KUMO_TRY_ASSIGN(const bool create, request.parameters.flag("create", false));
    if (create && !request.context.cluster.find(key).is_null()) {
        return illegal_argument(exists);
    }
    return request.context.cluster.put(key, value);
}

}  // namespace

Result<Answer> put_template(const Request& request) {
    KUMO_TRY_ASSIGN(Json body, request.required_json());
    const std::string name = request.part("name");
    for (const auto& [member, value] : body.members()) {
        if (member == "template") {
            return illegal_argument("unknown key [template] in the template ");
        }
        if (member != "index_patterns" && member != "order" && member != "settings"
            && member != "mappings" && member != "aliases" && member != "version") {
            return illegal_argument("unknown key [" + member + "] in the template ");
        }
    }
    KUMO_TRY(check_patterns(body));
    KUMO_TRY(check_parts(body));
    Json kept = kept_parts(std::move(body));
    const Json patterns = as_list(kept["index_patterns"]);
    kept["index_patterns"] = patterns;
    if (request.parameters.has("order")) {
        KUMO_TRY_ASSIGN(const std::int64_t order, request.parameters.integer("order", 0));
        kept["order"] = order;
    }
    KUMO_TRY(
        put_new(request, "template/" + name, kept, "index_template [" + name + "] already exists")
    );
    return Answer(acknowledged());
}

Result<Answer> get_template(const Request& request) {
    const std::string pattern = request.part("name");
    Json out = Json::object();
    for (const auto& [name, value] : request.context.cluster.list("template/")) {
        if (!fits_any(pattern, name)) {
            continue;
        }
        Json shown = Json::object();
        const Json* const order = value.find("order");
        shown["order"] = order == nullptr ? Json(0) : *order;
        if (const Json* const version = value.find("version")) {
            shown["version"] = *version;
        }
        shown["index_patterns"] = *value.find("index_patterns");
        for (const std::string_view part : {"settings", "mappings", "aliases"}) {
            const Json* const of = value.find(part);
            shown[part] = of == nullptr ? Json::object() : *of;
        }
        out[name] = shown_parts(request, std::move(shown));
    }
    const bool missing = out.empty() && !pattern.empty() && pattern.find('*') == std::string::npos;
    return Answer(missing ? 404 : 200, std::move(out));
}

Result<Answer> delete_template(const Request& request) {
    return remove_named(request, "template/", "index_template");
}

Result<Answer> put_component_template(const Request& request) {
    KUMO_TRY_ASSIGN(Json body, request.required_json());
    const std::string name = request.part("name");
    Json* const inside = body.find("template");
    if (inside == nullptr) {
        return fault("x_content_parse_exception", "Required [template]");
    }
    KUMO_TRY(check_parts(*inside));
    *inside = kept_parts(*inside);
    KUMO_TRY(put_new(
        request,
        "component_template/" + name,
        body,
        "component template [" + name + "] already exists"
    ));
    return Answer(acknowledged());
}

Result<Answer> get_component_template(const Request& request) {
    const std::string pattern = request.part("name");
    Json list = Json::array();
    for (const auto& [name, value] : request.context.cluster.list("component_template/")) {
        if (fits_any(pattern, name)) {
            Json shown = value;
            shown["template"] = shown_parts(request, shown["template"]);
            list.push(Json::object({{"name", name}, {"component_template", std::move(shown)}}));
        }
    }
    if (list.empty() && !pattern.empty() && pattern.find('*') == std::string::npos) {
        return fault(
            "resource_not_found_exception",
            "component template matching [" + pattern + "] not found"
        );
    }
    return Answer(Json::object({{"component_templates", std::move(list)}}));
}

Result<Answer> delete_component_template(const Request& request) {
    const std::string pattern = request.part("name");
    for (const auto& [name, value] : request.context.cluster.list("index_template/")) {
        const Json* const components = value.find("composed_of");
        for (const Json& one : components == nullptr ? Json::Array() : components->items()) {
            if (fits_any(pattern, one.text()) && pattern != "*") {
                return illegal_argument(
                    "component templates [" + one.text()
                    + "] cannot be removed as they are still in use by index templates [" + name
                    + "]"
                );
            }
        }
    }
    return remove_named(request, "component_template/", "component_template");
}

Result<Answer> put_index_template(const Request& request) {
    KUMO_TRY_ASSIGN(Json body, request.required_json());
    const std::string name = request.part("name");
    KUMO_TRY(check_patterns(body));
    for (const auto& [member, value] : body.members()) {
        if (member != "index_patterns" && member != "template" && member != "composed_of"
            && member != "priority" && member != "version" && member != "_meta"
            && member != "data_stream") {
            return fault(
                "x_content_parse_exception",
                "[1:2] [index_template] unknown field [" + member + "]"
            );
        }
    }
    const Json* const components = std::as_const(body).find("composed_of");
    std::vector<std::string> missing;
    for (const Json& one : components == nullptr ? Json::Array() : components->items()) {
        if (request.context.cluster.find("component_template/" + one.text()).is_null()) {
            missing.push_back(one.text());
        }
    }
    if (!missing.empty()) {
        return fault(
            "invalid_index_template_exception",
            "index_template [" + name + "] invalid, cause [index template [" + name
                + "] specifies component templates [" + joined(missing) + "] that do not exist]"
        );
    }
    for (const auto& [other, stored] : request.context.cluster.list("index_template/")) {
        if (other != name && priority_of(stored) == priority_of(body) && overlaps(body, stored)) {
            return illegal_argument(
                "index template [" + name + "] has index patterns [" + joined(patterns_of(body))
                + "] matching patterns from existing templates [" + other + "] with patterns (" + other
                + " => [" + joined(patterns_of(stored)) + "]) that have the same priority ["
                + std::to_string(priority_of(body))
                + "], multiple index templates may not match during index creation, please use a different priority"
            );
        }
    }
    if (Json* const inside = body.find("template")) {
        KUMO_TRY(check_parts(*inside));
        *inside = kept_parts(*inside);
    }
    const Json patterns = as_list(body["index_patterns"]);
    body["index_patterns"] = patterns;
    KUMO_TRY(put_new(
        request,
        "index_template/" + name,
        body,
        "index template [" + name + "] already exists"
    ));
    return Answer(acknowledged());
}

Result<Answer> get_index_template(const Request& request) {
    const std::string pattern = request.part("name");
    Json list = Json::array();
    for (const auto& [name, value] : request.context.cluster.list("index_template/")) {
        if (!fits_any(pattern, name)) {
            continue;
        }
        Json shown = Json::object({{"index_patterns", *value.find("index_patterns")}});
        if (const Json* const inside = value.find("template")) {
            shown["template"] = shown_parts(request, *inside);
        }
        const Json* const components = value.find("composed_of");
        shown["composed_of"] = components == nullptr ? Json::array() : *components;
        for (const std::string_view part : {"priority", "version", "_meta", "data_stream"}) {
            if (const Json* const of = value.find(part)) {
                shown[part] = *of;
            }
        }
        list.push(Json::object({{"name", name}, {"index_template", std::move(shown)}}));
    }
    if (list.empty() && !pattern.empty() && pattern.find('*') == std::string::npos) {
        return fault(
            "resource_not_found_exception",
            "index template matching [" + pattern + "] not found"
        );
    }
    return Answer(Json::object({{"index_templates", std::move(list)}}));
}

Result<Answer> delete_index_template(const Request& request) {
    return remove_named(request, "index_template/", "index_template");
}

Result<Answer> simulate_index(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    const std::string name = request.part("name");
    std::string chosen;
    KUMO_TRY_ASSIGN(Json parts, template_for(request.context, name, &chosen));
    Json value;
    if (!body.is_null() && body.find("index_patterns") != nullptr) {
        value = body;
        chosen.clear();
        parts = Json::object(
            {{"settings", Json::object()},
             {"mappings", Json::object()},
             {"aliases", Json::object()}}
        );
        if (const Json* const components = body.find("composed_of")) {
            for (const Json& component : components->items()) {
                const Json part =
                    request.context.cluster.find("component_template/" + component.text());
                if (const Json* const inside = part.find("template")) {
                    parts.merge(kept_parts(*inside));
                }
            }
        }
        if (const Json* const inside = body.find("template")) {
            parts.merge(kept_parts(*inside));
        }
    } else {
        value = request.context.cluster.find("index_template/" + chosen);
        if (value.is_null()) {
            return Answer(Json::object());
        }
    }
    return Answer(Json::object(
        {{"template", shown_parts(request, std::move(parts))},
         {"overlapping", overlapping(request.context, chosen, value)}}
    ));
}

Result<Answer> simulate_template(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    const std::string name = request.part("name");
    Json value = body;
    if (value.is_null()) {
        value = request.context.cluster.find("index_template/" + name);
        if (value.is_null()) {
            return illegal_argument(
                "unable to simulate template [" + name + "] that does not exist"
            );
        }
    }
    Json parts = Json::object(
        {{"settings", Json::object()}, {"mappings", Json::object()}, {"aliases", Json::object()}}
    );
    if (const Json* const components = std::as_const(value).find("composed_of")) {
        for (const Json& component : components->items()) {
            const Json part =
                request.context.cluster.find("component_template/" + component.text());
            if (const Json* const inside = part.find("template")) {
                parts.merge(kept_parts(*inside));
            }
        }
    }
    if (const Json* const inside = std::as_const(value).find("template")) {
        parts.merge(kept_parts(*inside));
    }
    return Answer(Json::object(
        {{"template", shown_parts(request, std::move(parts))},
         {"overlapping", overlapping(request.context, name, value)}}
    ));
}

}  // namespace kumo::api_elastic
