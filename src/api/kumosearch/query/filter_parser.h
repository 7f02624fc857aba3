#pragma once

#include "base/result.h"
#include "search/query/filter.h"
#include "search/schema/schema.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kumo::api_kumosearch {

struct FilterLimits {
    std::uint32_t operators_max = 100;  ///< "&&" and "||".
    /// A clause about a field that is not in the schema is an error; else it matches nothing.
    bool validate_field_names = true;
    std::size_t vertices_max = 1000;  ///< Of all polygons; a circle counts as one.
};

inline constexpr std::uint32_t kFilterParenthesesMax = 32;
inline constexpr std::size_t kFilterListMax = 10000;

/// Translates filter_by into the engine's filter.
///
///     filter     = clause { ( "&&" | "||" ) clause }
///     clause     = "(" filter ")" | field ":" [ operator ] ( value | "[" value { "," value } "]" )
///
/// "&&" and "||" bind alike and from the left. Values may be quoted with backticks; those of
/// geography are said in geo_clause.h. A blank text is every document. Stateless. Errors are
/// kInvalidArgument in the words clients know, kUnsupported for forms that are documented and not
/// here (joins, objects).
Result<search::Filter>
parse_filter(std::string_view text, const search::Schema& schema, const FilterLimits& limits = {});

}  // namespace kumo::api_kumosearch
