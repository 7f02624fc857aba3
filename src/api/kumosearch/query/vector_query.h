#pragma once

#include "base/result.h"
#include "search/query/request.h"
#include "search/schema/schema.h"

#include <cstdint>
#include <string_view>

namespace kumo::api_kumosearch {

/// What a vector query does not say.
struct VectorDefaults {
    std::uint32_t k = 10;
};

/// Translates vector_query:
///
///     query  = field ":" "(" "[" [ number { "," number } ] "]" { "," option } ")"
///     option = "id" | "k" | "ef" | "flat_search_cutoff" | "distance_threshold" | "alpha" ":" value
///
/// There are as many numbers as the field has dimensions, or there is an `id`. Stateless.
/// kInvalidArgument in the words clients know; kUnsupported for `queries`; kLimitExceeded for a `k`
/// or an `ef` above search::kVectorHitsMax.
Result<search::VectorRequest> parse_vector_query(
    std::string_view text,
    const search::Schema& schema,
    const VectorDefaults& defaults
);

}  // namespace kumo::api_kumosearch
