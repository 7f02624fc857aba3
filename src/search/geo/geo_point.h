#pragma once

#include <cstdint>

namespace kumo::search {

/// A place on Earth, in degrees. The Earth is a sphere here.
struct GeoPoint {
    double lat = 0;
    double lng = 0;
};

/// The mean radius.
inline constexpr double kEarthRadiusMeters = 6'371'010;

/// Both are finite, a latitude of -90 to 90, a longitude of -180 to 180.
bool is_valid(GeoPoint point);

/// The point's cell as a column code (search/column/codes.h): 32 bits of latitude and 32 of
/// longitude, their bits in turn (Z-order), so that near points mostly have near codes, and the
/// points of every quarter, sixteenth, ... of the map are one range of codes. A cell is less than
/// 1 cm wide. Requires is_valid().
std::int64_t code_of_point(GeoPoint point);

/// The middle of that cell. Any code will do.
GeoPoint point_of_code(std::int64_t code);

/// Along a great circle.
double distance_meters(GeoPoint a, GeoPoint b);

}  // namespace kumo::search
