#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
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

std::string_view next_line(std::string_view& rest) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
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
    const MonotonicTime begin = request.context.clock.monotonic_now();
    std::string_view rest = request.body;
    Json responses = Json::array();
    while (rest.find_first_not_of("\r\n \t") != std::string_view::npos) {
        if (responses.size() >= kTemplatesPerRequestMax) {
            return illegal_argument("a request has at most 1000 templates");
        }
        const std::string_view line = next_line(rest);
        Json header = Json::object();
        if (line.find_first_not_of("\r \t") != std::string_view::npos) {
            KUMO_TRY_ASSIGN(header, Json::parse(line));
        }
        KUMO_TRY_ASSIGN(const Json body, Json::parse(next_line(rest)));
        Request one = request;
        KUMO_TRY(read_search_header(header, one));
        auto answer = run_one(one, body);
        if (answer.ok()) {
            Json found = std::move(answer).value();
            found["status"] = 200;
            responses.push(std::move(found));
        } else {
            const Fault why = fault_of(answer.error());
            responses.push(Json::object({{"error", error_json(why)}, {"status", why.status}}));
        }
    }
    if (responses.empty()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: no requests added;"
        );
    }
    const auto took = request.context.clock.monotonic_now() - begin;
    return Answer(Json::object(
        {{"took", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()},
         {"responses", std::move(responses)}}
    ));
}

}  // namespace kumo::api_elastic
