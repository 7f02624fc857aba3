#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/ingest.h"
#include "api/elastic/mapping/dates.h"
#include "api/elastic/wildcard.h"

#include <utility>

namespace kumo::api_elastic {

namespace {

Json simulated(const Request& request, const Json& pipeline, const Json& document) {
    const Json* const source = document.find("_source");
    const auto text = [&document](std::string_view name, const char* otherwise) {
        const Json* const value = document.find(name);
        return value == nullptr ? std::string(otherwise) : value->text();
    };
    Json given = Json::object(
        {{"_index", text("_index", "_index")},
         {"_id", text("_id", "_id")},
         {"_source", source == nullptr ? Json::object() : *source}}
    );
    auto after = run_pipeline(request.context, pipeline, given);
    if (!after.ok()) {
        return Json::object({{"error", error_json(fault_of(after.error()))}});
    }
    Json out = std::move(after).value();
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        request.context.clock.wall_now().time_since_epoch()
    );
    out["_ingest"] = Json::object({{"timestamp", default_date_format().format({now.count(), 0})}});
    return Json::object({{"doc", std::move(out)}});
}

}  // namespace

Result<Answer> put_pipeline(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.required_json());
    KUMO_TRY(check_pipeline(body));
    KUMO_TRY(request.context.cluster.put("pipeline/" + request.part("id"), body));
    return Answer(acknowledged());
}

Result<Answer> get_pipeline(const Request& request) {
    const std::string id = request.part("id");
    Json out = Json::object();
    for (auto& [name, value] : request.context.cluster.list("pipeline/")) {
        const std::vector<std::string> patterns = split_list(id);
        bool wanted = patterns.empty();
        for (const std::string& pattern : patterns) {
            wanted = wanted || matches_wildcard(pattern, name);
        }
        if (wanted) {
            out[name] = std::move(value);
        }
    }
    const bool missing = out.empty() && !id.empty() && id.find('*') == std::string::npos;
    return Answer(missing ? 404 : 200, std::move(out));
}

Result<Answer> delete_pipeline(const Request& request) {
    const std::string id = request.part("id");
    bool any = false;
    for (const auto& [name, value] : request.context.cluster.list("pipeline/")) {
        if (matches_wildcard(id, name)) {
            KUMO_TRY_ASSIGN(const bool removed, request.context.cluster.remove("pipeline/" + name));
            any = any || removed;
        }
    }
    if (!any && id.find('*') == std::string::npos) {
        return fault("resource_not_found_exception", "pipeline [" + id + "] is missing");
    }
    return Answer(acknowledged());
}

Result<Answer> simulate_pipeline(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.required_json());
    Json pipeline;
    if (!request.part("id").empty()) {
        pipeline = request.context.cluster.find("pipeline/" + request.part("id"));
        if (pipeline.is_null()) {
            return illegal_argument("pipeline [" + request.part("id") + "] does not exist");
        }
    } else {
        const Json* const given = body.find("pipeline");
        if (given == nullptr) {
            return fault("parse_exception", "[pipeline] required property is missing");
        }
        pipeline = *given;
        KUMO_TRY(check_pipeline(pipeline));
    }
    const Json* const docs = body.find("docs");
    if (docs == nullptr || !docs->is_array()) {
        return fault("parse_exception", "[docs] required property is missing");
    }
    if (docs->empty()) {
        return illegal_argument("must specify at least one document in [docs]");
    }
    Json out = Json::array();
    for (const Json& document : docs->items()) {
        out.push(simulated(request, pipeline, document));
    }
    return Answer(Json::object({{"docs", std::move(out)}}));
}

}  // namespace kumo::api_elastic
