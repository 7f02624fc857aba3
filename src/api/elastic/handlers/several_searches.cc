#include "api/elastic/handlers/several_searches.h"

#include "api/elastic/handlers/common.h"

#include <chrono>
#include <string>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// As parameters of the search.
Status read_search_header(const Json& header, Request& into) {
    for (const auto& [name, value] : header.is_object() ? header.members() : Json::Object()) {
        std::string text;
        if (value.is_array()) {
            for (const Json& one : value.items()) {
                text += (text.empty() ? "" : ",") + one.text();
            }
        } else {
            text = value.text();
        }
        if (name == "index" || name == "indices") {
            into.parts["index"] = text;
        } else if (name == "search_type" || name == "preference" || name == "routing" || name == "ignore_unavailable"
                   || name == "allow_no_indices" || name == "expand_wildcards" || name == "request_cache"
                   || name == "allow_partial_search_results" || name == "ccs_minimize_roundtrips" || name == "ignore_throttled"
                   || name == "type" || name == "types") {
            into.parameters.set(name, text);
        } else {
            return illegal_argument("key [" + name + "] is not supported in the metadata section");
        }
    }
    return {};
}

Json failed_search(const Error& error) {
    const Fault why = fault_of(error);
    return Json::object({{"error", error_json(why)}, {"status", why.status}});
}

}  // namespace

Result<Answer> several_searches(
    const Request& request,
    const SearchesLimit& limit,
    const std::function<Result<Json>(const Request& one, const Json& body)>& run
) {
    const MonotonicTime begin = request.context.clock.monotonic_now();
    std::string_view rest = request.body;
    Json responses = Json::array();
    while (rest.find_first_not_of("\r\n \t") != std::string_view::npos) {
        if (responses.size() >= limit.most) {
            return illegal_argument(
                "a request has at most " + std::to_string(limit.most) + " " + limit.what
            );
        }
        const std::string_view line = next_line(rest);
        Json header = Json::object();
        if (line.find_first_not_of("\r \t") != std::string_view::npos) {
            KUMO_TRY_ASSIGN(header, Json::parse(line));
        }
        KUMO_TRY_ASSIGN(const Json body, Json::parse(next_line(rest)));
        Request one = request;
        KUMO_TRY(read_search_header(header, one));
        auto answer = run(one, body);
        if (answer.ok()) {
            Json found = std::move(answer).value();
            found["status"] = 200;
            responses.push(std::move(found));
        } else {
            responses.push(failed_search(answer.error()));
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
