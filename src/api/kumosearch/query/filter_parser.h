#pragma once

#include "api/kumosearch/query/join_planner.h"
#include "base/result.h"
#include "search/query/filter.h"
#include "search/schema/schema.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kumo::api_kumosearch {

struct FilterLimits {
    std::uint32_t operators_max = 100;  ///< "&&" and "||".
    /// A clause about a field that is not in the schema is an error; else it matches nothing.
    bool validate_field_names = true;
    std::size_t vertices_max = 1000;  ///< Of all polygons; a circle counts as one.
    /// What may be joined; null: nothing. The schema is that of the collection there, or (nothing)
    /// of the one that is searched.
    JoinPlanner* joins = nullptr;
    std::optional<std::size_t> collection{};
};

inline constexpr std::uint32_t kFilterParenthesesMax = 32;
inline constexpr std::size_t kFilterListMax = 10000;

/// Translates filter_by into the engine's filter.
///
///     filter     = clause { ( "&&" | "||" ) clause }
///     clause     = "(" filter ")" | [ "!" ] "$" collection "(" filter ")"
///                | field ":" [ operator ] ( value | "[" value { "," value } "]" )
///
/// "&&" and "||" bind alike and from the left. Values may be quoted with backticks; those of
/// geography are said in geo_clause.h. A blank text is every document. Stateless. Errors are
/// kInvalidArgument in the words clients know, kUnsupported for forms that are documented and not
/// here.
Result<search::Filter>
parse_filter(std::string_view text, const search::Schema& schema, const FilterLimits& limits = {});

}  // namespace kumo::api_kumosearch
