#pragma once

#include "api/elastic/json.h"
#include "base/result.h"
#include "search/geo/geo_point.h"

namespace kumo::api_elastic {

/// A point in any of its forms: {"lat": 1, "lon": 2}, [lon, lat], "lat,lon", "POINT (lon lat)", a
/// geohash. parse_exception.
Result<search::GeoPoint> geo_point(const Json& value);

/// The middle of a geohash's cell.
Result<search::GeoPoint> geohash_point(std::string_view hash);

/// The same cell's edges.
struct GeohashCell {
    double south = -90;
    double north = 90;
    double west = -180;
    double east = 180;
};

Result<GeohashCell> geohash_cell(std::string_view hash);

}  // namespace kumo::api_elastic
