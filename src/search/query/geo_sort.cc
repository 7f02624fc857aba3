#include "search/query/geo_sort.h"

#include <algorithm>

namespace kumo::search {

std::optional<std::int64_t>
distance_of(const GeoDistance& by, const ColumnReader& column, DocId doc) {
    const auto range = column.values_of(doc);
    if (range.size() == 0) {
        return std::nullopt;
    }
    double nearest = distance_meters(by.origin, point_of_code(column.value(range.begin)));
    for (std::uint64_t i = range.begin + 1; i < range.end; ++i) {
        nearest = std::min(nearest, distance_meters(by.origin, point_of_code(column.value(i))));
    }
    const auto meters = static_cast<std::int64_t>(nearest);
    if (meters < by.exclude_radius_meters) {
        return 0;
    }
    const std::int64_t step = by.precision_meters;
    return step > 0 ? (meters + step - 1) / step * step : meters;
}

}  // namespace kumo::search
