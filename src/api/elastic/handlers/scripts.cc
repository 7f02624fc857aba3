#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"

#include <utility>

namespace kumo::api_elastic {

namespace {

/// `script.max_size_in_bytes`
constexpr std::size_t kScriptBytesMax = 65'535;

Json method(const char* name, const char* type) {
    return Json::object({{"name", name}, {"return_type", type}, {"params", Json::array()}});
}

}  // namespace

Result<Answer> put_script(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.required_json());
    const Json* const script = body.find("script");
    const Json* const lang = script == nullptr ? nullptr : script->find("lang");
    const Json* const source = script == nullptr ? nullptr : script->find("source");
    if (script == nullptr) {
        return illegal_argument("must specify [script] for stored script");
    }
    if (lang == nullptr || lang->text().empty()) {
        return illegal_argument("must specify lang for stored script");
    }
    if (lang->text() != "mustache" && lang->text() != "painless") {
        return illegal_argument("script_lang not supported [" + lang->text() + "]");
    }
    if (source == nullptr || source->size() == 0) {
        return illegal_argument("must specify source for stored script");
    }
    std::string text = source->is_string() ? source->as_string() : source->dump();
    if (text.size() > kScriptBytesMax) {
        return illegal_argument(
            "exceeded max allowed stored script size in bytes [65535] with size ["
            + std::to_string(text.size()) + "] for script [" + request.part("id") + "]"
        );
    }
    Json kept = Json::object({{"lang", lang->text()}, {"source", std::move(text)}});
    if (const Json* const options = script->find("options")) {
        kept["options"] = *options;
    }
    KUMO_TRY(request.context.cluster.put("script/" + request.part("id"), kept));
    return Answer(acknowledged());
}

Result<Answer> get_script(const Request& request) {
    const std::string id = request.part("id");
    Json script = request.context.cluster.find("script/" + id);
    if (script.is_null()) {
        return Answer(404, Json::object({{"_id", id}, {"found", false}}));
    }
    return Answer(Json::object({{"_id", id}, {"found", true}, {"script", std::move(script)}}));
}

Result<Answer> delete_script(const Request& request) {
    const std::string id = request.part("id");
    KUMO_TRY_ASSIGN(const bool removed, request.context.cluster.remove("script/" + id));
    if (!removed) {
        return fault(
            "resource_not_found_exception",
            "stored script [" + id + "] does not exist and cannot be deleted"
        );
    }
    return Answer(acknowledged());
}

Result<Answer> script_languages(const Request& /*request*/) {
    Json contexts = Json::array();
    for (const char* const context :
         {"aggs", "field", "filter", "number_sort", "score", "update"}) {
        contexts.push(context);
    }
    return Answer(Json::object(
        {{"types_allowed", Json::array({"inline", "stored"})},
         {"language_contexts",
          Json::array(
              {Json::object({{"language", "mustache"}, {"contexts", Json::array({"template"})}}),
               Json::object({{"language", "painless"}, {"contexts", std::move(contexts)}})}
          )}}
    ));
}

Result<Answer> script_contexts(const Request& /*request*/) {
    struct Known {
        const char* name;
        const char* type;
    };

    Json contexts = Json::array();
    for (const Known& one :
         {Known{"aggs", "java.lang.Object"},
          Known{"field", "java.lang.Object"},
          Known{"filter", "boolean"},
          Known{"number_sort", "double"},
          Known{"score", "double"},
          Known{"template", "java.lang.String"},
          Known{"update", "void"}}) {
        contexts.push(Json::object(
            {{"name", one.name},
             {"methods",
              Json::array({method("execute", one.type), method("getParams", "java.util.Map")})}}
        ));
    }
    return Answer(Json::object({{"contexts", std::move(contexts)}}));
}

Result<Answer> execute_script(const Request& /*request*/) {
    return not_supported("running a script by itself is not supported");
}

}  // namespace kumo::api_elastic
