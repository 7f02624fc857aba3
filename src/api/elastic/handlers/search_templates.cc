#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/handlers/several_searches.h"
#include "api/elastic/script/mustache.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr std::size_t kTemplatesPerRequestMax = 1000;

/// The template's text: the request's own, or a stored one's.
Result<std::string> source_of(const Request& request, const Json& body) {
    std::string id = request.part("id");
    if (const Json* const given = body.find("id")) {
        id = given->text();
    }
    if (const Json* const source = body.find("source")) {
        return source->is_string() ? source->as_string() : source->dump();
    }
    if (id.empty()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: template is missing;"
        );
    }
    const Json stored = request.context.cluster.find("script/" + id);
    const Json* const lang = stored.find("lang");
    const Json* const source = stored.find("source");
    if (source == nullptr || lang == nullptr || lang->text() != "mustache") {
        return fault(
            "resource_not_found_exception",
            "unable to find script [" + id + "] in cluster state"
        );
    }
    return source->text();
}

Result<Json> rendered(const Request& request, const Json& body) {
    KUMO_TRY_ASSIGN(const std::string source, source_of(request, body));
    const Json* const params = body.find("params");
    KUMO_TRY_ASSIGN(
        const std::string text,
        render_mustache(source, params == nullptr ? Json::object() : *params)
    );
    return Json::parse(text);
}

Result<Json> run_one(const Request& request, const Json& body) {
    KUMO_TRY_ASSIGN(Json search, rendered(request, body));
    const Json* const simulate = body.find("simulate");
    if (simulate != nullptr && simulate->as_bool()) {
        return Json::object({{"template_output", std::move(search)}});
    }
    for (const std::string_view flag : {"explain", "profile"}) {
        if (const Json* const given = body.find(flag)) {
            search[flag] = *given;
        }
    }
    return run_search(request, search);
}

}  // namespace

Result<Answer> render_template(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    KUMO_TRY_ASSIGN(Json out, rendered(request, body));
    return Answer(Json::object({{"template_output", std::move(out)}}));
}

Result<Answer> search_template(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.required_json());
    KUMO_TRY_ASSIGN(Json out, run_one(request, body));
    return Answer(std::move(out));
}

Result<Answer> multi_search_template(const Request& request) {
    return several_searches(request, {kTemplatesPerRequestMax, "templates"}, run_one);
}

}  // namespace kumo::api_elastic
