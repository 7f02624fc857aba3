#pragma once

#include <cstdint>
#include <string>

namespace kumo::kv {

/// A place on the earth, in degrees.
struct GeoPoint {
    double longitude = 0;
    double latitude = 0;
};

inline constexpr double kGeoLongitudeMax = 180;
inline constexpr double kGeoLatitudeMax = 85.05112878;
inline constexpr double kEarthRadiusMetres = 6372797.560856;
inline constexpr unsigned kGeoCodeBits = 52;

/// Whether it lies where codes exist (Web Mercator's limits).
bool geo_valid(const GeoPoint& point);
/// 52 bits, latitude and longitude in turns: a sorted set's score. REQUIRES geo_valid(point).
std::uint64_t geo_encode(const GeoPoint& point);
/// The bits of both in turns, the column's above the row's. REQUIRES both < 2^26.
std::uint64_t geo_interleave(std::uint64_t column, std::uint64_t row);
/// The middle of the code's cell.
GeoPoint geo_decode(std::uint64_t code);
/// The standard text of 11 characters, as GEOHASH answers it.
std::string geo_text(std::uint64_t code);
/// Metres over a sphere (haversine, radius 6372797.560856 m).
double geo_distance(const GeoPoint& a, const GeoPoint& b);

}  // namespace kumo::kv
