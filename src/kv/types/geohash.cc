#include "kv/types/geohash.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kumo::kv {

namespace {

constexpr unsigned kSteps = kGeoCodeBits / 2;

std::uint64_t encode_within(const GeoPoint& point, double latitude_max) {
    constexpr auto kCells = static_cast<double>(std::uint64_t{1} << kSteps);
    const auto cell = [](double value, double most) {
        const auto at = static_cast<std::uint64_t>((value + most) / (2 * most) * kCells);
        return std::min(at, (std::uint64_t{1} << kSteps) - 1);
    };
    return geo_interleave(
        cell(point.longitude, kGeoLongitudeMax),
        cell(point.latitude, latitude_max)
    );
}

double radians(double degrees) {
    return degrees * (std::numbers::pi / 180);
}

}  // namespace

bool geo_valid(const GeoPoint& point) {
    return point.longitude >= -kGeoLongitudeMax && point.longitude <= kGeoLongitudeMax
           && point.latitude >= -kGeoLatitudeMax && point.latitude <= kGeoLatitudeMax;
}

std::uint64_t geo_interleave(std::uint64_t column, std::uint64_t row) {
    std::uint64_t code = 0;
    for (unsigned i = 0; i < kSteps; ++i) {
        code |= ((row >> i) & 1U) << (2 * i);
        code |= ((column >> i) & 1U) << (2 * i + 1);
    }
    return code;
}

std::uint64_t geo_encode(const GeoPoint& point) {
    return encode_within(point, kGeoLatitudeMax);
}

GeoPoint geo_decode(std::uint64_t code) {
    constexpr auto kCells = static_cast<double>(std::uint64_t{1} << kSteps);
    std::uint64_t latitude = 0;
    std::uint64_t longitude = 0;
    for (unsigned i = 0; i < kSteps; ++i) {
        latitude |= ((code >> (2 * i)) & 1U) << i;
        longitude |= ((code >> (2 * i + 1)) & 1U) << i;
    }
    const auto middle = [](std::uint64_t cell, double most) {
        const double low = -most + static_cast<double>(cell) / kCells * (2 * most);
        const double high = -most + static_cast<double>(cell + 1) / kCells * (2 * most);
        return std::clamp((low + high) / 2, -most, most);
    };
    return {middle(longitude, kGeoLongitudeMax), middle(latitude, kGeoLatitudeMax)};
}

std::string geo_text(std::uint64_t code) {
    constexpr char kAlphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    constexpr unsigned kWhole = 10;  // The eleventh would need bits that there are not: 0.
    const std::uint64_t bits = encode_within(geo_decode(code), 90);
    std::string text;
    for (unsigned i = 0; i < kWhole; ++i) {
        text.push_back(kAlphabet[(bits >> (2 * kSteps - (i + 1) * 5)) & 31U]);
    }
    text.push_back('0');
    return text;
}

double geo_distance(const GeoPoint& a, const GeoPoint& b) {
    const double u = std::sin((radians(b.latitude) - radians(a.latitude)) / 2);
    const double v = std::sin((radians(b.longitude) - radians(a.longitude)) / 2);
    if (v == 0) {
        return kEarthRadiusMetres * std::abs(radians(b.latitude) - radians(a.latitude));
    }
    const double h = u * u + std::cos(radians(a.latitude)) * std::cos(radians(b.latitude)) * v * v;
    return 2.0 * kEarthRadiusMetres * std::asin(std::sqrt(h));
}

}  // namespace kumo::kv
