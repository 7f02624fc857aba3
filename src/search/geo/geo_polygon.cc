#include "search/geo/geo_polygon.h"

#include <algorithm>
#include <string>

namespace kumo::search {

namespace {

/// How far from the rim of a hemisphere (as a cosine) vertices have to be: about 30 km.
constexpr double kRim = 0.005;
constexpr int kCenterRoundsMax = 1000;

/// Above 0 if c is to the left of the line from a to b.
template <typename Flat>
double side(const Flat& a, const Flat& b, const Flat& c) {
    return (b.u - a.u) * (c.v - a.v) - (b.v - a.v) * (c.u - a.u);
}

template <typename Flat>
bool in_box(const Flat& a, const Flat& b, const Flat& c) {
    return std::min(a.u, b.u) <= c.u && c.u <= std::max(a.u, b.u) && std::min(a.v, b.v) <= c.v
           && c.v <= std::max(a.v, b.v);
}

/// Whether the segments have a point in common.
template <typename Flat>
bool segments_meet(const Flat& a, const Flat& b, const Flat& c, const Flat& d) {
    const double abc = side(a, b, c);
    const double abd = side(a, b, d);
    const double cda = side(c, d, a);
    const double cdb = side(c, d, b);
    if (((abc > 0 && abd < 0) || (abc < 0 && abd > 0))
        && ((cda > 0 && cdb < 0) || (cda < 0 && cdb > 0))) {
        return true;
    }
    return (abc == 0 && in_box(a, b, c)) || (abd == 0 && in_box(a, b, d))
           || (cda == 0 && in_box(c, d, a)) || (cdb == 0 && in_box(c, d, b));
}

bool same(const Vector3& a, const Vector3& b) {
    return dot(a - b, a - b) < 1e-24;
}

}  // namespace

Result<GeoPolygon> GeoPolygon::make(std::span<const GeoPoint> vertices) {
    KUMO_TRY_ASSIGN(GeoPolygon out, of_checked(vertices));
    KUMO_TRY(out.check_edges());
    return out;
}

Result<GeoPolygon> GeoPolygon::of_checked(std::span<const GeoPoint> vertices) {
    GeoPolygon out;
    for (const GeoPoint& point : vertices) {
        const Vector3 vertex = vector_of(point);
        if (out.vertices_.empty() || !same(out.vertices_.back(), vertex)) {
            out.vertices_.push_back(vertex);
        }
    }
    while (out.vertices_.size() > 1 && same(out.vertices_.front(), out.vertices_.back())) {
        out.vertices_.pop_back();
    }
    if (out.vertices_.size() < 3) {
        return invalid_argument("Polygon is invalid: it has less than 3 different vertices.");
    }
    if (out.vertices_.size() > kPolygonVerticesMax) {
        return invalid_argument("Polygon is invalid: it has more than 1000 vertices.");
    }
    if (!out.find_center()) {
        return invalid_argument("Polygon is invalid: it does not fit in a hemisphere.");
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        const Vector3& next = out.vertices_[(i + 1) % out.size()];
        const Vector3 normal = cross(out.vertices_[i], next);
        out.normals_.push_back(normal * (1 / length(normal)));
        out.flat_.push_back(out.project(out.vertices_[i]));
        out.radius_ = std::max(out.radius_, angle_between(out.vertices_[i], out.center_));
    }
    return out;
}

/// Looks for the middle of a hemisphere that holds all vertices: from their mean towards whatever
/// vertex is too far away, as a perceptron learns. Finds one if there is one with some room.
bool GeoPolygon::find_center() {
    Vector3 sum;
    for (const Vector3& vertex : vertices_) {
        sum = sum + vertex;
    }
    const double mean = length(sum);
    center_ = mean > 1e-9 ? sum * (1 / mean) : vertices_[0];
    for (int round = 0; round < kCenterRoundsMax; ++round) {
        const auto farthest = std::min_element(
            vertices_.begin(),
            vertices_.end(),
            [&](const Vector3& a, const Vector3& b) { return dot(a, center_) < dot(b, center_); }
        );
        if (dot(*farthest, center_) > kRim) {
            const bool polar = std::abs(center_.z) > 0.5;
            const Vector3 across = cross(center_, polar ? Vector3{1, 0, 0} : Vector3{0, 0, 1});
            u_axis_ = across * (1 / length(across));
            v_axis_ = cross(center_, u_axis_);
            return true;
        }
        const Vector3 nearer = center_ + *farthest * (0.1 - dot(*farthest, center_));
        center_ = nearer * (1 / length(nearer));
    }
    return false;
}

GeoPolygon::Flat GeoPolygon::project(const Vector3& point) const {
    const double height = dot(point, center_);
    return {dot(point, u_axis_) / height, dot(point, v_axis_) / height};
}

/// Edges i and j, i below j.
bool GeoPolygon::edges_meet(std::size_t i, std::size_t j) const {
    const auto at = [&](std::size_t k) {
        return flat_[k % flat_.size()];
    };
    if (j != i + 1 && (j + 1) % size() != i) {
        return segments_meet(at(i), at(i + 1), at(j), at(j + 1));
    }
    // Neighbours share a vertex; they must not lie on each other.
    const Flat shared = j == i + 1 ? at(j) : at(i);
    const Flat before = j == i + 1 ? at(i) : at(j);
    const Flat after = j == i + 1 ? at(j + 1) : at(i + 1);
    const double ahead =
        (before.u - shared.u) * (after.u - shared.u) + (before.v - shared.v) * (after.v - shared.v);
    return side(before, shared, after) == 0 && ahead > 0;
}

Status GeoPolygon::check_edges() const {
    for (std::size_t i = 0; i < size(); ++i) {
        for (std::size_t j = i + 1; j < size(); ++j) {
            if (edges_meet(i, j)) {
                return invalid_argument(
                    "Polygon is invalid: edge " + std::to_string(i) + " crosses edge "
                    + std::to_string(j) + "."
                );
            }
        }
    }
    return {};
}

bool GeoPolygon::contains(const Vector3& point) const {
    if (dot(point, center_) <= 0) {
        return false;
    }
    const Flat at = project(point);
    bool inside = false;
    for (std::size_t i = 0; i < size(); ++i) {
        const Flat& a = flat_[i];
        const Flat& b = flat_[i + 1 == size() ? 0 : i + 1];
        if ((a.v > at.v) != (b.v > at.v)) {
            const double crossing = a.u + (at.v - a.v) / (b.v - a.v) * (b.u - a.u);
            inside = (at.u < crossing) != inside;
        }
    }
    return inside;
}

double GeoPolygon::distance_to_edges(const Vector3& point) const {
    double least = kPi;
    for (std::size_t i = 0; i < size(); ++i) {
        const Vector3& a = vertices_[i];
        const Vector3& b = vertices_[i + 1 == size() ? 0 : i + 1];
        const Vector3& normal = normals_[i];
        const bool beside = dot(cross(normal, a), point) > 0 && dot(cross(b, normal), point) > 0;
        const double distance = beside ? std::asin(std::min(1.0, std::abs(dot(normal, point))))
                                       : std::min(angle_between(point, a), angle_between(point, b));
        least = std::min(least, distance);
    }
    return least;
}

}  // namespace kumo::search
