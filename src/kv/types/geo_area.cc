// A code's leading bits name a cell of a grid, so a cell's points lie in one range of codes. The
// grid is the finest whose cells are as large as the area reaches from its centre: then the area
// lies in the centre's cell and the eight around it, of which those it does not touch are left out.
// How far it reaches in degrees of longitude is reckoned exactly (a circle's easternmost point is
// nearer to the pole than its centre), so that nothing is missed at high latitudes or behind a
// pole.
#include "kv/types/geo_area.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace kumo::kv {

namespace {

constexpr double kHalfTurn = 180;
constexpr double kQuarterTurn = 90;
/// Points are the middles of cells of the finest grid, and distances are rounded.
constexpr double kSlack = 1e-6;

double radians(double degrees) {
    return degrees * (std::numbers::pi / kHalfTurn);
}

double degrees(double angle) {
    return angle * (kHalfTurn / std::numbers::pi);
}

struct Step {
    int east;
    int north;
};

constexpr std::array<Step, 9> kAround = {
    {{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}}};

/// A way over the grid's edge: whether that neighbour is wanted.
bool reaches(double at, double reach, double low, double high, int step) {
    return step == 0 || (step > 0 ? at + reach >= high : at - reach <= low);
}

}  // namespace

GeoArea GeoArea::circle(const GeoPoint& center, double radius) {
    return {center, true, 2 * radius, 2 * radius};
}

GeoArea GeoArea::box(const GeoPoint& center, double width, double height) {
    return {center, false, width, height};
}

std::optional<double> GeoArea::distance_inside(const GeoPoint& point) const {
    if (!round_) {
        const double north = geo_distance(point, {point.longitude, center_.latitude});
        const double east = geo_distance(point, {center_.longitude, point.latitude});
        if (north > height_ / 2 || east > width_ / 2) {
            return std::nullopt;
        }
    }
    const double distance = geo_distance(center_, point);
    return round_ && distance > width_ / 2 ? std::nullopt : std::optional(distance);
}

/// Degrees of latitude from the centre to the area's edge.
double GeoArea::reach_north() const {
    return std::min(degrees(height_ / 2 / kEarthRadiusMetres), kHalfTurn) + kSlack;
}

/// Degrees of longitude; a half turn if it goes around.
double GeoArea::reach_east() const {
    const double furthest = std::abs(center_.latitude) + reach_north();
    double sine = 0;
    if (round_) {
        if (furthest >= kQuarterTurn) {
            return kHalfTurn;
        }
        sine = std::sin(width_ / 2 / kEarthRadiusMetres) / std::cos(radians(center_.latitude));
        return sine >= 1 ? kHalfTurn : std::min(degrees(std::asin(sine)) + kSlack, kHalfTurn);
    }
    const double half_arc = width_ / 4 / kEarthRadiusMetres;
    if (half_arc >= std::numbers::pi / 2) {
        return kHalfTurn;
    }
    sine = std::sin(half_arc) / std::cos(radians(std::min(furthest, kGeoLatitudeMax)));
    return sine >= 1 ? kHalfTurn : std::min(2 * degrees(std::asin(sine)) + kSlack, kHalfTurn);
}

std::vector<GeoArea::CodeRange> GeoArea::cells() const {
    const double north = reach_north();
    const double east = reach_east();
    unsigned bits = kGeoCodeBits / 2;
    double width = 2 * kGeoLongitudeMax / static_cast<double>(std::uint64_t{1} << bits);
    double height = 2 * kGeoLatitudeMax / static_cast<double>(std::uint64_t{1} << bits);
    while (bits > 0 && (width < east || height < north)) {
        --bits;
        width *= 2;
        height *= 2;
    }
    const auto count = static_cast<std::int64_t>(std::uint64_t{1} << bits);
    const auto column = std::min(
        static_cast<std::int64_t>((center_.longitude + kGeoLongitudeMax) / width),
        count - 1
    );
    const auto row = std::min(
        static_cast<std::int64_t>((center_.latitude + kGeoLatitudeMax) / height),
        count - 1
    );
    const double west_edge = static_cast<double>(column) * width - kGeoLongitudeMax;
    const double south_edge = static_cast<double>(row) * height - kGeoLatitudeMax;
    std::vector<CodeRange> out;
    for (const Step& step : kAround) {
        const std::int64_t y = row + step.north;
        if (y < 0 || y >= count
            || !reaches(center_.longitude, east, west_edge, west_edge + width, step.east)
            || !reaches(center_.latitude, north, south_edge, south_edge + height, step.north)) {
            continue;
        }
        const std::int64_t x = (column + step.east + count) % count;
        const std::uint64_t cell =
            geo_interleave(static_cast<std::uint64_t>(x), static_cast<std::uint64_t>(y));
        const unsigned below = kGeoCodeBits - 2 * bits;
        const CodeRange range{cell << below, (cell + 1) << below};
        const bool known = std::any_of(out.begin(), out.end(), [&range](const CodeRange& other) {
            return other.first == range.first;
        });
        if (!known) {
            out.push_back(range);
        }
    }
    return out;
}

}  // namespace kumo::kv
