#include "api/kumosearch/call.h"

#include "api/kumosearch/errors.h"
#include "api/kumosearch/request_log.h"

#include <utility>

namespace kumo::api_kumosearch {

http::Headers answer_headers(const Call& call, ByteView content_type) {
    http::Headers headers{{"Content-Type", std::string(content_type)}};
    if (!call.allow_origin.empty()) {
        headers.push_back({"Access-Control-Allow-Origin", call.allow_origin});
        if (call.allow_origin != "*") {
            headers.push_back({"Vary", "Origin"});
        }
    }
    return headers;
}

void count_answer(const Call& call, int status) {
    const MonotonicTime now = call.context.clock.monotonic_now();
    call.context.stats.record(call.route, status, now, now - call.started);
    log_answer(call, status, now - call.started);
}

void answer(const Call& call, int status, std::string json) {
    count_answer(call, status);
    call.response->respond(status, answer_headers(call, http::kJsonContentType), std::move(json));
}

void answer_message(const Call& call, int status, ByteView message) {
    answer(call, status, http::message_body(message));
}

void answer_error(const Call& call, const Error& error) {
    answer_message(call, http_status(error.code), error.message);
}

}  // namespace kumo::api_kumosearch
