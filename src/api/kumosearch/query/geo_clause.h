#pragma once

#include "api/kumosearch/query/filter_lexer.h"
#include "base/result.h"
#include "search/geo/geo_point.h"
#include "search/query/filter.h"
#include "search/schema/schema.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

/// Geography in filter_by and sort_by. Stateless. Errors are kInvalidArgument in the words clients
/// know.
namespace kumo::api_kumosearch {

/// A field and its position in the schema.
struct GeoField {
    const search::Field& field;
    std::size_t position;
};

/// What stands behind the name of a geopoint:
///
///     shapes = shape | "[" shape { "," shape } "]"
///     shape  = "(" lat "," lng "," distance ")" | "(" lat "," lng "," lat "," lng "," ... ")"
///            | "(" "[" lat "," lng "]" "," "radius" ":" distance { option } ")"
///            | "(" "[" lat "," lng "," lat "," lng "," ... "]" { option } ")"
///     option = "," [ "exact_filter_radius" ":" distance ]
///
/// or of a geopolygon, the points it has to have one of in it:
///
///     points = point | "[" point { "," point } "]"        point = "(" lat "," lng ")"
///
/// A distance is a number and `km` or `mi`. Filters are exact at any distance, so
/// exact_filter_radius changes nothing. Requires an indexed field of one of these types. Takes the
/// polygons' vertices, and one for a circle or a point, from `vertices_left`.
Result<search::Filter> make_geo_clause(
    const GeoField& field,
    FilterOperator op,
    std::string_view text,
    std::size_t& vertices_left
);

/// "5.1 km" or "2mi" in meters; at least 0.
std::optional<double> parse_distance(std::string_view text);

/// A coordinate; finite.
std::optional<double> parse_coordinate(std::string_view text);

}  // namespace kumo::api_kumosearch
