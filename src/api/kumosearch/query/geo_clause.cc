#include "api/kumosearch/query/geo_clause.h"

#include "api/kumosearch/parameters.h"
#include "api/kumosearch/query/sort_parser.h"

#include <charconv>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using search::Field;
using search::Filter;
using search::GeoPoint;
using search::GeoRegion;

constexpr std::size_t kPartsMax = 2 * search::kPolygonVerticesMax + 4;
constexpr double kMetersPerKilometer = 1000;
constexpr double kMetersPerMile = 1609.34;

Error bad_format(const Field& field) {
    const bool polygons = field.type == search::ValueType::kGeoPolygon;
    return invalid_argument(
        "Value of filter field `" + field.name + "`: must be in the "
        + (polygons ? "`(-44.50, 170.29)` format."
                    : "`(-44.50, 170.29, 0.75 km)`, `([-44.50, 170.29], radius: 0.75 km)` or "
                      "`(56.33, -65.97, 23.82, -127.82, 15.61, -81.05)` format.")
    );
}

Error value_error(const Field& field, std::string_view what) {
    return invalid_argument("Value of filter field `" + field.name + "`: " + std::string(what));
}

bool is_negative(FilterOperator op) {
    return op == FilterOperator::kNotEquals || op == FilterOperator::kNotMatches;
}

/// What stands between the first and the last character, if they are these.
std::optional<std::string_view> inside_of(std::string_view text, char open, char close) {
    text = trim(text);
    if (text.size() < 2 || text.front() != open || text.back() != close) {
        return std::nullopt;
    }
    return trim(text.substr(1, text.size() - 2));
}

/// Reads one clause.
class GeoClause {
public:
    GeoClause(const GeoField& field, std::size_t& vertices_left)
        : field_(field.field), position_(field.position), vertices_left_(vertices_left) {}

    Result<Filter> read(std::string_view text) {
        const auto list = inside_of(text, '[', ']');
        if (!list) {
            return read_value(text);
        }
        const auto parts = split_outside_brackets(*list, kPartsMax);
        if (!parts.ok()) {
            return bad_format(field_);
        }
        Filter any;
        any.kind = Filter::Kind::kOr;
        for (const std::string_view part : parts.value()) {
            KUMO_TRY_ASSIGN(Filter one, read_value(part));
            any.children.push_back(std::move(one));
        }
        return any.children.size() == 1 ? std::move(any.children.front()) : std::move(any);
    }

private:
    Result<Filter> read_value(std::string_view text) {
        const auto inside = inside_of(text, '(', ')');
        const auto parts = inside ? split_outside_brackets(*inside, kPartsMax)
                                  : Result<std::vector<std::string_view>>(bad_format(field_));
        if (!parts.ok()) {
            return bad_format(field_);
        }
        Filter out;
        out.field = position_;
        if (field_.type == search::ValueType::kGeoPolygon) {
            out.kind = Filter::Kind::kHasPoint;
            KUMO_TRY_ASSIGN(const std::vector<GeoPoint> points, read_points(parts.value()));
            if (points.size() != 1) {
                return bad_format(field_);
            }
            KUMO_TRY(count_vertices(1));
            out.point = points.front();
            return out;
        }
        out.kind = Filter::Kind::kInRegion;
        const auto points = inside_of(parts.value().front(), '[', ']');
        KUMO_TRY_ASSIGN(
            out.region,
            points ? read_with_options(*points, parts.value()) : read_plain(parts.value())
        );
        return out;
    }

    /// lat, lng, distance; or all vertices of a polygon
    Result<std::shared_ptr<const GeoRegion>> read_plain(const std::vector<std::string_view>& parts
    ) {
        if (parts.size() == 3) {
            KUMO_TRY_ASSIGN(const auto points, read_points({parts[0], parts[1]}));
            KUMO_TRY_ASSIGN(const double meters, read_distance(parts[2]));
            return circle(points.front(), meters);
        }
        KUMO_TRY_ASSIGN(const auto points, read_points(parts));
        return polygon(points);
    }

    /// [lat, lng, ...], name: value, ...
    Result<std::shared_ptr<const GeoRegion>>
    read_with_options(std::string_view inside, const std::vector<std::string_view>& parts) {
        const auto numbers = split_outside_brackets(inside, kPartsMax);
        if (!numbers.ok()) {
            return bad_format(field_);
        }
        KUMO_TRY_ASSIGN(const auto points, read_points(numbers.value()));
        std::optional<double> radius;
        for (std::size_t i = 1; i < parts.size(); ++i) {
            const std::size_t colon = parts[i].find(':');
            if (parts[i].empty()) {
                continue;
            }
            if (colon == std::string_view::npos) {
                return bad_format(field_);
            }
            const std::string_view name = trim(parts[i].substr(0, colon));
            KUMO_TRY_ASSIGN(const double meters, read_distance(parts[i].substr(colon + 1)));
            if (name == "radius") {
                radius = meters;
            } else if (name != "exact_filter_radius") {
                return bad_format(field_);
            }
        }
        if (points.size() == 1) {
            return radius ? circle(points.front(), *radius)
                          : Result<std::shared_ptr<const GeoRegion>>(bad_format(field_));
        }
        return polygon(points);
    }

    Result<std::vector<GeoPoint>> read_points(const std::vector<std::string_view>& numbers) const {
        if (numbers.size() < 2 || numbers.size() % 2 != 0) {
            return bad_format(field_);
        }
        std::vector<GeoPoint> points;
        for (std::size_t i = 0; i < numbers.size(); i += 2) {
            const auto lat = parse_coordinate(numbers[i]);
            const auto lng = parse_coordinate(numbers[i + 1]);
            if (!lat || !lng) {
                return bad_format(field_);
            }
            points.push_back({*lat, *lng});
            if (!is_valid(points.back())) {
                return value_error(
                    field_,
                    "a latitude must be between -90 and 90 and a longitude between -180 and 180."
                );
            }
        }
        return points;
    }

    Result<double> read_distance(std::string_view text) const {
        text = trim(text);
        if (!text.ends_with("km") && !text.ends_with("mi")) {
            return value_error(field_, "Unit must be either `km` or `mi`.");
        }
        const auto meters = parse_distance(text);
        return meters ? Result<double>(*meters) : Result<double>(bad_format(field_));
    }

    /// Bounds what all shapes together cost.
    Status count_vertices(std::size_t vertices) {
        if (vertices > vertices_left_) {
            return value_error(field_, "a filter has at most 1000 circles and vertices.");
        }
        vertices_left_ -= vertices;
        return {};
    }

    Result<std::shared_ptr<const GeoRegion>> circle(GeoPoint center, double meters) {
        KUMO_TRY(count_vertices(1));
        return GeoRegion::circle(center, meters);
    }

    Result<std::shared_ptr<const GeoRegion>> polygon(const std::vector<GeoPoint>& points) {
        KUMO_TRY(count_vertices(points.size()));
        auto region = GeoRegion::polygon(points);
        return region.ok() ? std::move(region)
                           : Result<std::shared_ptr<const GeoRegion>>(
                               value_error(field_, region.error().message)
                           );
    }

    const Field& field_;
    std::size_t position_;
    std::size_t& vertices_left_;
};

}  // namespace

std::optional<double> parse_coordinate(std::string_view text) {
    text = trim(text);
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && at == end && std::isfinite(value) ? std::optional(value)
                                                                     : std::nullopt;
}

std::optional<double> parse_distance(std::string_view text) {
    text = trim(text);
    const bool miles = text.ends_with("mi");
    if (!miles && !text.ends_with("km")) {
        return std::nullopt;
    }
    const auto number = parse_coordinate(text.substr(0, text.size() - 2));
    if (!number || *number < 0) {
        return std::nullopt;
    }
    return *number * (miles ? kMetersPerMile : kMetersPerKilometer);
}

Result<Filter> make_geo_clause(
    const GeoField& field,
    FilterOperator op,
    std::string_view text,
    std::size_t& vertices_left
) {
    KUMO_TRY_ASSIGN(Filter out, GeoClause(field, vertices_left).read(text));
    if (!is_negative(op)) {
        return out;
    }
    Filter negated;
    negated.kind = Filter::Kind::kNot;
    negated.children.push_back(std::move(out));
    return negated;
}

}  // namespace kumo::api_kumosearch
