#pragma once

#include "api/elastic/request.h"
#include "wire/http1_fields.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_elastic {

struct Route {
    wire::HttpMethod method;
    std::string_view pattern;  ///< "/{index}/_doc/{id}"
    Handler handler;
};

/// Every route there is.
std::span<const Route> routes();

struct RouteMatch {
    const Route* route = nullptr;
    std::map<std::string, std::string, std::less<>> parts;
    /// Methods that the path has, if it has not this one.
    std::vector<wire::HttpMethod> others;
};

/// HEAD is answered by what answers GET. kInvalidArgument for escapes that are none.
Result<RouteMatch> find_route(wire::HttpMethod method, std::string_view path);

}  // namespace kumo::api_elastic
