#include "search/geo/geo_region.h"

#include <algorithm>
#include <utility>

namespace kumo::search {

namespace {

/// Splitting cells ends here: they are about 2 m wide.
constexpr unsigned kLevelMax = 24;

/// What rounding may add to an angle, and half a cell's width to a point.
constexpr double kSlackRadians = 4e-9;

}  // namespace

/// One of the 4^level equal rectangles of the map (of longitude by latitude).
struct GeoRegion::Cell {
    std::uint64_t prefix = 0;  ///< The first 2 * level bits of its codes.
    unsigned level = 0;

    std::int64_t first() const {
        const std::uint64_t bits = level == 0 ? 0 : prefix << (64 - 2 * level);
        return static_cast<std::int64_t>(bits ^ std::uint64_t{1} << 63U);
    }

    std::int64_t last() const {
        const std::uint64_t rest = level == 0 ? ~std::uint64_t{0} : ~std::uint64_t{0} >> 2 * level;
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(first()) | rest);
    }

    GeoPoint middle() const {
        const GeoPoint low = point_of_code(first());
        const GeoPoint high = point_of_code(last());
        return {(low.lat + high.lat) / 2, (low.lng + high.lng) / 2};
    }

    /// No point of it is farther from its middle: along the meridian, then along the parallel.
    double radius() const {
        const GeoPoint low = point_of_code(first());
        const GeoPoint high = point_of_code(last());
        const bool has_equator = low.lat <= 0 && high.lat >= 0;
        const double nearest =
            has_equator ? 0 : std::min(std::abs(low.lat), std::abs(high.lat)) * kRadiansPerDegree;
        const double height = (high.lat - low.lat) / 2 * kRadiansPerDegree;
        const double width = (high.lng - low.lng) / 2 * kRadiansPerDegree;
        return height + width * std::cos(nearest) + kSlackRadians;
    }
};

std::shared_ptr<const GeoRegion> GeoRegion::circle(GeoPoint center, double meters) {
    const std::shared_ptr<GeoRegion> out(new GeoRegion);
    out->center_ = vector_of(center);
    out->radius_ = std::min(meters / kEarthRadiusMeters, kPi);
    const double chord = 2 * std::sin(out->radius_ / 2);
    // All of the sphere, whatever rounding makes of the antipode.
    out->chord_squared_ = out->radius_ == kPi ? 5 : chord * chord;
    out->cover();
    return out;
}

Result<std::shared_ptr<const GeoRegion>> GeoRegion::polygon(std::span<const GeoPoint> vertices) {
    const std::shared_ptr<GeoRegion> out(new GeoRegion);
    KUMO_TRY_ASSIGN(out->polygon_, GeoPolygon::make(vertices));
    out->cover();
    return std::shared_ptr<const GeoRegion>(out);
}

bool GeoRegion::contains(const Vector3& point) const {
    if (polygon_) {
        return polygon_->contains(point);
    }
    const Vector3 chord = point - center_;
    return dot(chord, chord) <= chord_squared_;
}

/// At most how far the border is, and exactly so where it is near.
double GeoRegion::distance_to_border(const Vector3& point) const {
    if (!polygon_) {
        return std::abs(angle_between(point, center_) - radius_);
    }
    // Far outside, the vertices need not be looked at.
    const double outside = angle_between(point, polygon_->center()) - polygon_->radius();
    return outside > polygon_->radius() ? outside : polygon_->distance_to_edges(point);
}

/// Sorts the quarters of a cell into the covering, into `partial`, or out.
void GeoRegion::split(const Cell& cell, std::vector<Cell>& partial) {
    for (std::uint64_t quarter = 0; quarter < 4; ++quarter) {
        const Cell part{cell.prefix << 2U | quarter, cell.level + 1};
        const Vector3 middle = vector_of(part.middle());
        if (distance_to_border(middle) <= part.radius()) {
            partial.push_back(part);
        } else if (contains(middle)) {
            covering_.push_back({part.first(), part.last(), true});
        }
    }
}

/// Splits the cells that the border goes through, the largest first, while there may be more.
void GeoRegion::cover() {
    std::vector<Cell> partial = {Cell{}};
    std::size_t next = 0;
    // Splitting one takes it away and brings up to four.
    while (next < partial.size() && partial[next].level < kLevelMax
           && covering_.size() + (partial.size() - next) + 3 <= kCoveringCellsMax) {
        const Cell cell = partial[next++];
        split(cell, partial);
    }
    for (; next < partial.size(); ++next) {
        covering_.push_back({partial[next].first(), partial[next].last(), false});
    }
    std::sort(covering_.begin(), covering_.end(), [](const CodeRange& a, const CodeRange& b) {
        return a.first < b.first;
    });
    std::vector<CodeRange> joined;
    for (const CodeRange& range : covering_) {
        if (!joined.empty() && joined.back().last == range.first - 1
            && joined.back().inside == range.inside) {
            joined.back().last = range.last;
        } else {
            joined.push_back(range);
        }
    }
    covering_ = std::move(joined);
}

}  // namespace kumo::search
