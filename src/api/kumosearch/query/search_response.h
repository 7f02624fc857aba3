#pragma once

#include "api/kumosearch/query/search_plan.h"
#include "base/clock.h"
#include "base/result.h"
#include "node/node.h"
#include "search/query/request.h"
#include "search/query/union_search.h"
#include "search/schema/schema.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

/// How the hits of one search of a union are shown.
struct UnionShape {
    ResultShape shape;
    std::shared_ptr<const node::CollectionSpec> collection;
};

/// The same for a union; the page is the first search's. Each hit has its `collection` and the
/// `search_index` of its search. Requires a shape for each search.
Result<std::string> write_union_result(
    const search::UnionResult& result,
    const std::vector<UnionShape>& shapes,
    Duration took
);

}  // namespace kumo::api_kumosearch
