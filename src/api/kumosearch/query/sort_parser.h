#pragma once

#include "api/kumosearch/query/filter_parser.h"
#include "base/result.h"
#include "search/query/request.h"
#include "search/schema/schema.h"

#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_kumosearch {

/// Translates sort_by: `_eval(filter):desc`, `_eval([(filter):3,(filter):2]):desc`,
/// `_rand(seed):asc`, `field(origin: 5, func: gauss, scale: 2, offset: 0, decay: 0.5):desc`,
/// `point(lat, lng, exclude_radius: 2 km, precision: 1 km):asc`, `field:asc`,
/// `field(missing_values: first):desc`, `_text_match:desc`,
/// `_text_match(buckets: 10):desc`, `_vector_distance:asc`, `_group_found:desc`,
/// `$Coll(field:asc)`, `$Coll($Other(_eval(filter):desc))`. Stateless.
/// kInvalidArgument; kNotFound for a field that is not there or does not sort; kLimitExceeded above
/// kSortKeysMax keys; kUnsupported for forms that are documented and not here.
Result<std::vector<search::SortKey>>
parse_sort(std::string_view text, const search::Schema& schema, const FilterLimits& limits = {});

/// The parts of `text` between commas that stand outside brackets, parentheses and backticks;
/// trimmed. kInvalidArgument if those do not pair, or above `parts_max` parts.
Result<std::vector<std::string_view>>
split_outside_brackets(std::string_view text, std::size_t parts_max);

/// `name(inside)` taken apart; without parentheses all is name.
struct NameAndOptions {
    std::string_view name;
    std::string_view inside;
    bool has_options = false;
};

Result<NameAndOptions> split_options(std::string_view text);

}  // namespace kumo::api_kumosearch
