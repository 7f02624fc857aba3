#pragma once

#include "api/elastic/request.h"

#include <cstddef>
#include <functional>

namespace kumo::api_elastic {

/// How many a request may have, and what they are called.
struct SearchesLimit {
    std::size_t most = 0;
    const char* what = "";
};

/// Carries out a request of several searches: pairs of lines, a header and a body. `run` answers
/// one, of `request` as its header changes it; its error is that search's answer. Errors of the
/// whole: lines that are no JSON, headers that are not known, too many, none.
Result<Answer> several_searches(
    const Request& request,
    const SearchesLimit& limit,
    const std::function<Result<Json>(const Request& one, const Json& body)>& run
);

}  // namespace kumo::api_elastic
