#pragma once

#include "base/result.h"
#include "search/geo/geo_point.h"
#include "search/geo/geo_polygon.h"
#include "search/geo/vector3.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace kumo::search {

/// Codes of points (geo_point.h), both ends inclusive.
struct CodeRange {
    std::int64_t first = 0;
    std::int64_t last = 0;
    bool inside = false;  ///< All of its points are in the region; else some may be.
};

inline constexpr std::size_t kCoveringCellsMax = 128;

/// A part of the Earth that points are looked for in: a circle or a polygon. It comes with a
/// covering, ranges of codes that hold all of it, so that most points are told by their codes
/// alone. Immutable; any thread.
class GeoRegion {
public:
    /// What is at most `meters` from `center`. Requires a valid point and meters of at least 0.
    static std::shared_ptr<const GeoRegion> circle(GeoPoint center, double meters);

    /// kInvalidArgument as GeoPolygon::make.
    static Result<std::shared_ptr<const GeoRegion>> polygon(std::span<const GeoPoint> vertices);

    bool contains(GeoPoint point) const { return contains(vector_of(point)); }

    /// Of the polygon; 1 for a circle.
    std::size_t vertex_count() const { return polygon_ ? polygon_->size() : 1; }

    /// Ascending, apart from each other; at most kCoveringCellsMax.
    const std::vector<CodeRange>& covering() const { return covering_; }

private:
    struct Cell;

    GeoRegion() = default;

    bool contains(const Vector3& point) const;
    double distance_to_border(const Vector3& point) const;
    void cover();
    void split(const Cell& cell, std::vector<Cell>& partial);

    Vector3 center_;
    double radius_ = 0;         ///< Of the circle, in radians.
    double chord_squared_ = 0;  ///< Of the circle's points, to the center.
    std::optional<GeoPolygon> polygon_;
    std::vector<CodeRange> covering_;
};

}  // namespace kumo::search
