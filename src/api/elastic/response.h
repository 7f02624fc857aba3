#pragma once

#include "api/elastic/fault.h"
#include "api/elastic/request.h"
#include "http/handler.h"

#include <string>
#include <string_view>

/// From a handler's answer to HTTP: filter_path, pretty, formats, media types, headers.
namespace kumo::api_elastic {

struct HttpAnswer {
    int status = 200;
    http::Headers headers;
    std::string body;
};

HttpAnswer http_answer(const Request& request, const Result<Answer>& answer);

/// What `filter_path` leaves of an answer: "a.b,-c.*,**.d". Stateless.
Json filter_paths(const Json& answer, std::string_view patterns);

}  // namespace kumo::api_elastic
