#pragma once

#include "kv/types/geohash.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace kumo::kv {

/// What a search looks through: a circle, or a box whose sides run along meridians and parallels.
/// Pure; any thread.
class GeoArea {
public:
    /// REQUIRES geo_valid(center); metres, not negative, infinity allowed.
    static GeoArea circle(const GeoPoint& center, double radius);
    static GeoArea box(const GeoPoint& center, double width, double height);

    /// How far the point is from the centre, in metres; nothing: it lies outside.
    std::optional<double> distance_inside(const GeoPoint& point) const;

    /// Codes in [first, last).
    struct CodeRange {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
    };

    /// At most nine cells that have all points of the area, and others; disjoint. The cell of the
    /// centre comes first, then those north, south, east and west of it, then the corners: the
    /// order in which a search that is not sorted answers.
    std::vector<CodeRange> cells() const;

private:
    GeoArea(const GeoPoint& center, bool round, double width, double height)
        : center_(center), round_(round), width_(width), height_(height) {}

    double reach_north() const;
    double reach_east() const;

    GeoPoint center_;
    bool round_;
    double width_;   ///< Metres; of a circle, the diameter.
    double height_;  ///< Metres.
};

}  // namespace kumo::kv
