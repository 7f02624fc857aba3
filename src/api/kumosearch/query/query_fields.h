#pragma once

#include "api/kumosearch/parameters.h"
#include "base/result.h"
#include "search/query/request.h"
#include "search/schema/schema.h"

#include <vector>

namespace kumo::api_kumosearch {

inline constexpr std::size_t kQueryFieldsMax = 256;

/// query_by, query_by_weights, prefix, num_typos and infix: the fields a query looks at and how.
/// Stateless.
Result<std::vector<search::QueryField>>
plan_query_fields(const Parameters& parameters, const search::Schema& schema);

}  // namespace kumo::api_kumosearch
