#pragma once

#include "api/elastic/json.h"
#include "base/result.h"
#include "search/geo/geo_point.h"

namespace kumo::api_elastic {

/// A place in any of its forms: {"lat": 1, "lon": 2}, "1,2" (latitude first), "POINT (2 1)", a
/// geohash, [2, 1] (longitude first), GeoJSON. parse_exception in the API's words. Stateless.
Result<search::GeoPoint> parse_geo_point(const Json& value);

/// The middle of a geohash's cell.
Result<search::GeoPoint> point_of_geohash(std::string_view hash);

}  // namespace kumo::api_elastic
