#pragma once

#include "api/kumosearch/query/filter_parser.h"
#include "base/result.h"
#include "search/query/request.h"
#include "search/schema/schema.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_kumosearch {

inline constexpr std::size_t kFacetsMax = 100;
inline constexpr std::size_t kFacetRangesMax = 250;

/// Translates facet_by: `field`, `prefix*`, `field(sort_by: _alpha:asc)`,
/// `field(label:[from, to], ...)`, where `from` is inside and `to` outside of the range and a blank
/// is open; `$Coll(field, ...)` for facets of joined documents. Stateless. kNotFound for a field
/// that is not there or not a facet; kInvalidArgument; kUnsupported for forms that are documented
/// and not here.
Result<std::vector<search::FacetRequest>>
parse_facets(std::string_view text, const search::Schema& schema, const FilterLimits& limits = {});

/// As it is shown: `field`, `Coll(field)`.
std::string name_of_facet(
    const search::FacetRequest& facet,
    const search::Schema& schema,
    const JoinPlanner* joins
);

/// Applies facet_query (`field: words`) to the facet it names.
Status apply_facet_query(
    std::string_view facet_query,
    std::uint32_t num_typos,
    const search::Schema& schema,
    const FilterLimits& limits,
    std::vector<search::FacetRequest>& facets
);

}  // namespace kumo::api_kumosearch
