#include "search/geo/geo_point.h"

#include "search/geo/vector3.h"

#include <cmath>

namespace kumo::search {

namespace {

constexpr double kSteps = 4294967296.0;  // 2^32
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63U;

/// Which of 2^32 steps of [low, low + width] this is in.
std::uint64_t step_of(double value, double low, double width) {
    const double step = std::floor((value - low) / width * kSteps);
    return static_cast<std::uint64_t>(std::min(std::max(step, 0.0), kSteps - 1));
}

/// Puts the low 32 bits at the even places.
std::uint64_t spread(std::uint64_t x) {
    x = (x | x << 16U) & 0x0000FFFF0000FFFFU;
    x = (x | x << 8U) & 0x00FF00FF00FF00FFU;
    x = (x | x << 4U) & 0x0F0F0F0F0F0F0F0FU;
    x = (x | x << 2U) & 0x3333333333333333U;
    return (x | x << 1U) & 0x5555555555555555U;
}

/// The inverse of spread(); ignores the odd places.
std::uint64_t gather(std::uint64_t x) {
    x &= 0x5555555555555555U;
    x = (x | x >> 1U) & 0x3333333333333333U;
    x = (x | x >> 2U) & 0x0F0F0F0F0F0F0F0FU;
    x = (x | x >> 4U) & 0x00FF00FF00FF00FFU;
    x = (x | x >> 8U) & 0x0000FFFF0000FFFFU;
    return (x | x >> 16U) & 0x00000000FFFFFFFFU;
}

}  // namespace

bool is_valid(GeoPoint point) {
    return std::abs(point.lat) <= 90 && std::abs(point.lng) <= 180;
}

std::int64_t code_of_point(GeoPoint point) {
    const std::uint64_t cell =
        spread(step_of(point.lat, -90, 180)) << 1U | spread(step_of(point.lng, -180, 360));
    return static_cast<std::int64_t>(cell ^ kSignBit);
}

GeoPoint point_of_code(std::int64_t code) {
    const std::uint64_t cell = static_cast<std::uint64_t>(code) ^ kSignBit;
    const double lat = static_cast<double>(gather(cell >> 1U)) + 0.5;
    const double lng = static_cast<double>(gather(cell)) + 0.5;
    return {lat / kSteps * 180 - 90, lng / kSteps * 360 - 180};
}

double distance_meters(GeoPoint a, GeoPoint b) {
    return kEarthRadiusMeters * angle_between(vector_of(a), vector_of(b));
}

}  // namespace kumo::search
