#include "api/elastic/script/run_script.h"

#include "api/elastic/fault.h"

#include <utility>

namespace kumo::api_elastic {

Result<NamedScript> NamedScript::of(const ClusterStore& cluster, const Json& json) {
    std::string source = json.is_string() ? json.as_string() : "";
    NamedScript out;
    std::string id;
    std::string lang = "painless";
    for (const auto& [name, value] : json.is_object() ? json.members() : Json::Object()) {
        if (name == "source" || name == "inline") {
            source = value.text();
        } else if (name == "id" || name == "stored") {
            id = value.text();
        } else if (name == "lang") {
            lang = value.text();
        } else if (name == "params") {
            out.params = value;
        } else if (name != "options") {
            return fault("x_content_parse_exception", "[script] unknown field [" + name + "]");
        }
    }
    if (!id.empty()) {
        const Json stored = cluster.find("script/" + id);
        const Json* const text = stored.find("source");
        const Json* const of_lang = stored.find("lang");
        if (text == nullptr || of_lang == nullptr) {
            return fault(
                "resource_not_found_exception",
                "unable to find script [" + id + "] in cluster state"
            );
        }
        source = text->text();
        lang = of_lang->text();
    }
    if (lang != "painless" && lang != "expression") {
        return illegal_argument("script_lang not supported [" + lang + "]");
    }
    if (source.empty()) {
        return illegal_argument(
            "must specify either [source] for an inline script or [id] for a "
            "stored script"
        );
    }
    KUMO_TRY_ASSIGN(out.script, Script::compile(source));
    return out;
}

ScriptScope NamedScript::scope() const {
    ScriptScope scope;
    scope.params = params.is_null() ? nullptr : &params;
    return scope;
}

Status NamedScript::change(Json& ctx) const {
    ScriptScope with = scope();
    with.ctx = &ctx;
    KUMO_TRY_ASSIGN(const Json result, script->run(with));
    (void)result;
    return {};
}

}  // namespace kumo::api_elastic
