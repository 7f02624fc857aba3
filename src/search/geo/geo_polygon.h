#pragma once

#include "base/result.h"
#include "search/geo/geo_point.h"
#include "search/geo/vector3.h"

#include <cstddef>
#include <span>
#include <vector>

namespace kumo::search {

inline constexpr std::size_t kPolygonVerticesMax = 1000;

/// A polygon on the sphere: its edges are great circles' shorter ways between neighbouring
/// vertices, so that poles and the antimeridian are places as any other. The direction of its
/// vertices means nothing; its inside is the part that fits in a hemisphere. Immutable.
///
/// Seen from the Earth's center and put on a plane that touches the sphere in the middle of that
/// hemisphere (gnomonic projection), great circles are straight lines: what is to be known of the
/// polygon is what is to be known of a flat one.
class GeoPolygon {
public:
    /// A first vertex that stands at the end again, and vertices that repeat the one before, are
    /// left out. kInvalidArgument if less than three are left, above kPolygonVerticesMax, if edges
    /// cross or touch, or if no hemisphere holds it. Requires valid points.
    static Result<GeoPolygon> make(std::span<const GeoPoint> vertices);

    /// The same of vertices that make() has taken before, without looking at their edges again.
    static Result<GeoPolygon> of_checked(std::span<const GeoPoint> vertices);

    bool contains(const Vector3& point) const;

    /// The angle between `point` and the nearest edge, in radians.
    double distance_to_edges(const Vector3& point) const;

    /// All of it is within `radius` (radians) of `center`.
    const Vector3& center() const { return center_; }

    double radius() const { return radius_; }

    std::size_t size() const { return vertices_.size(); }

private:
    struct Flat {
        double u;
        double v;
    };

    GeoPolygon() = default;

    bool find_center();
    Flat project(const Vector3& point) const;
    Status check_edges() const;
    bool edges_meet(std::size_t i, std::size_t j) const;

    std::vector<Vector3> vertices_;
    std::vector<Vector3> normals_;  ///< Of the plane of the edge from each vertex to the next.
    std::vector<Flat> flat_;
    Vector3 center_;
    Vector3 u_axis_;
    Vector3 v_axis_;
    double radius_ = 0;
};

}  // namespace kumo::search
