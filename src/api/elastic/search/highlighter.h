#pragma once

#include "api/elastic/json.h"
#include "api/elastic/query/query.h"
#include "base/result.h"

#include <string_view>

namespace kumo::api_elastic {

/// The "highlight" of a hit: fragments of its source with the query's words marked, by field.
/// `options`: "highlight" of the body. illegal_argument_exception.
Result<Json> highlight(
    const Json& options,
    const Json& query,
    const QueryContext& context,
    std::string_view source
);

}  // namespace kumo::api_elastic
