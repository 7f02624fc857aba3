#pragma once

#include "api/kumosearch/query/filter_parser.h"
#include "base/result.h"
#include "search/query/request.h"
#include "search/schema/schema.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace kumo::api_kumosearch {

/// The forms of a sort_by key that have a grammar of their own; each reads what stands between the
/// parentheses into the key. Stateless. Errors are kInvalidArgument.

inline constexpr std::size_t kEvalExpressionsMax = 50;

/// `_eval(filter)` or `_eval([(filter):score, ...])`
Status read_eval(
    std::string_view inside,
    const search::Schema& schema,
    const FilterLimits& limits,
    search::SortKey& key
);

/// `_rand(seed)`; without a seed the key has none.
Status read_random(std::string_view inside, search::SortKey& key);

/// Whether this is meant as a decay function.
bool is_decay(std::string_view inside);

/// `field(origin: 5, func: gauss, scale: 2, offset: 0, decay: 0.5)`
Status read_decay(std::string_view inside, const search::Field& field, search::SortKey& key);

/// `point(lat, lng, exclude_radius: 2 km, precision: 0.5 mi)`
Status read_distance_key(std::string_view inside, const search::Field& field, search::SortKey& key);

/// `name: value`, both in lower case.
struct SortOption {
    std::string name;
    std::string value;
};

Result<SortOption> read_sort_option(std::string_view text);

std::string lower(std::string_view text);

}  // namespace kumo::api_kumosearch
