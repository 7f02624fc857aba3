#pragma once

#include "api/kumosearch/query/search_plan.h"
#include "base/clock.h"
#include "base/result.h"
#include "search/query/request.h"
#include "search/schema/schema.h"

#include <string>
#include <string_view>

namespace kumo::api_kumosearch {

/// Writes a result as clients expect it. `took` is the time of the search. kTimeout for a search
/// that was cut off before it found anything; kCorruption for a stored document that is no JSON.
Result<std::string> write_result(
    const search::SearchResult& result,
    const ResultShape& shape,
    const search::Schema& schema,
    std::string_view collection,
    Duration took
);

}  // namespace kumo::api_kumosearch
