#include "api/elastic/mapping/geo_values.h"
#include "api/elastic/query/internal/query_parser.h"
#include "api/elastic/query/internal/units.h"

#include <cmath>

namespace kumo::api_elastic {

namespace {

/// The field of points, or nothing if the query matches nothing then.
Result<std::optional<std::size_t>>
points_of(QueryParser& parser, const std::string& path, const Json& body) {
    const Target target = resolve(parser.context(), path);
    if (target.field == nullptr) {
        const Json* ignore = body.find("ignore_unmapped");
        if (ignore != nullptr && ignore->to_bool().value_or(false)) {
            return std::optional<std::size_t>();
        }
        return fault("query_shard_exception", "failed to find geo field [" + path + "]");
    }
    if (target.field->kind != FieldKind::kGeoPoint) {
        return fault("query_shard_exception", "field [" + path + "] is not a geo_point field");
    }
    return target.engine;
}

bool is_option(const std::string& key) {
    return key == "boost" || key == "_name" || key == "ignore_unmapped"
           || key == "validation_method" || key == "type" || key == "distance_type" || key == "unit"
           || key == "distance" || key == "ignore_malformed";
}

struct GeoField {
    std::string path;
    const Json* value = nullptr;
};

Result<GeoField> geo_field(std::string_view query, const Json& body) {
    GeoField out;
    for (const auto& [key, value] : body.members()) {
        if (is_option(key)) {
            continue;
        }
        if (!value.is_object() && !value.is_array() && !value.is_string()) {
            return QueryParser::unknown_option(query, key);
        }
        if (out.value != nullptr) {
            return parsing_error(
                "[" + std::string(query) + "] query doesn't support multiple fields, found ["
                + out.path + "] and [" + key + "]"
            );
        }
        out.path = key;
        out.value = &value;
    }
    if (out.value == nullptr) {
        return parsing_error("failed to parse [" + std::string(query) + "] query. no field");
    }
    return out;
}

}  // namespace

NodeResult read_geo_distance(QueryParser& parser, const Json& body) {
    KUMO_TRY_ASSIGN(const GeoField field, geo_field("geo_distance", body));
    const Json* distance = body.find("distance");
    if (distance == nullptr) {
        return parsing_error("geo_distance requires 'distance' to be specified");
    }
    std::string text = distance->text();
    if (const Json* unit = body.find("unit"); unit != nullptr && Json(text).to_double()) {
        text += unit->text();
    }
    KUMO_TRY_ASSIGN(const double meters, distance_meters(text));
    if (meters <= 0) {
        return illegal_argument("distance must be greater than zero");
    }
    KUMO_TRY_ASSIGN(const search::GeoPoint center, parse_geo_point(*field.value));
    KUMO_TRY_ASSIGN(const auto engine, points_of(parser, field.path, body));
    if (!engine) {
        return parser.finish(tree::match_none(), body);
    }
    return parser.finish(tree::in_region(*engine, search::GeoRegion::circle(center, meters)), body);
}

NodeResult read_geo_bounding_box(QueryParser& parser, const Json& body) {
    KUMO_TRY_ASSIGN(const GeoField field, geo_field("geo_bounding_box", body));
    tree::GeoBox box;
    for (const auto& [key, value] : field.value->members()) {
        const auto number = value.to_double();
        if (key == "top" && number) {
            box.top = *number;
        } else if (key == "left" && number) {
            box.left = *number;
        } else if (key == "bottom" && number) {
            box.bottom = *number;
        } else if (key == "right" && number) {
            box.right = *number;
        } else if (key == "wkt") {
            // BBOX (left, right, top, bottom)
            std::string numbers = value.text();
            double* const edges[] = {&box.left, &box.right, &box.top, &box.bottom};
            std::size_t at = numbers.find('(');
            for (double* edge : edges) {
                if (at == std::string::npos) {
                    return fault("parse_exception", "failed to parse WKT bounding box");
                }
                const std::size_t end = numbers.find_first_of(",)", at + 1);
                const std::string one = numbers.substr(at + 1, end - at - 1);
                const std::size_t start = one.find_first_not_of(' ');
                *edge = start == std::string::npos
                            ? 0
                            : Json(one.substr(start)).to_double().value_or(0);
                at = end;
            }
        } else {
            const bool top = key == "top_left" || key == "topLeft" || key == "top_right";
            const bool bottom =
                key == "bottom_right" || key == "bottomRight" || key == "bottom_left";
            if (!top && !bottom) {
                return fault(
                    "parse_exception",
                    "failed to parse bounding box. unexpected field [" + key + "]"
                );
            }
            KUMO_TRY_ASSIGN(const search::GeoPoint corner, parse_geo_point(value));
            (top ? box.top : box.bottom) = corner.lat;
            const bool left = key == "top_left" || key == "topLeft" || key == "bottom_left";
            (left ? box.left : box.right) = corner.lng;
        }
    }
    if (box.top < box.bottom) {
        return illegal_argument(
            "top is below bottom corner: " + Json(box.top).text() + " vs. "
            + Json(box.bottom).text()
        );
    }
    KUMO_TRY_ASSIGN(const auto engine, points_of(parser, field.path, body));
    return parser.finish(engine ? tree::in_box(*engine, box) : tree::match_none(), body);
}

NodeResult read_geo_polygon(QueryParser& parser, const Json& body) {
    KUMO_TRY_ASSIGN(const GeoField field, geo_field("geo_polygon", body));
    const Json* points = field.value->find("points");
    if (points == nullptr || !points->is_array() || points->empty()) {
        return parsing_error("no points defined for geo_polygon query");
    }
    std::vector<search::GeoPoint> vertices;
    for (const Json& point : points->items()) {
        KUMO_TRY_ASSIGN(const search::GeoPoint vertex, parse_geo_point(point));
        vertices.push_back(vertex);
    }
    if (vertices.size() < 3) {
        return illegal_argument("too few points defined for geo_polygon query");
    }
    KUMO_TRY_ASSIGN(const auto engine, points_of(parser, field.path, body));
    auto region = search::GeoRegion::polygon(vertices);
    if (!region.ok()) {
        return illegal_argument(region.error().message);
    }
    return parser.finish(
        engine ? tree::in_region(*engine, std::move(region).value()) : tree::match_none(),
        body
    );
}

namespace {

Result<std::vector<search::GeoPoint>> ring(const Json& coordinates) {
    std::vector<search::GeoPoint> out;
    for (const Json& one : coordinates.is_array() ? coordinates.items() : Json::Array()) {
        KUMO_TRY_ASSIGN(const search::GeoPoint point, parse_geo_point(one));
        out.push_back(point);
    }
    return out;
}

/// What points of a field have to be in. A shape's holes are not looked at.
NodeResult in_shape(std::size_t field, const Json& shape) {
    const Json* type_name = shape.find("type");
    const Json* coordinates = shape.find("coordinates");
    std::string type = type_name != nullptr ? type_name->text() : "";
    for (char& c : type) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    if (coordinates == nullptr || !coordinates->is_array() || coordinates->empty()) {
        return fault("parse_exception", "shape [" + type + "] has no coordinates");
    }
    if (type == "envelope") {
        KUMO_TRY_ASSIGN(const auto corners, ring(*coordinates));
        if (corners.size() != 2) {
            return fault("parse_exception", "an envelope has two corners");
        }
        tree::GeoBox box{corners[0].lat, corners[0].lng, corners[1].lat, corners[1].lng};
        if (box.top < box.bottom) {
            std::swap(box.top, box.bottom);
        }
        return tree::in_box(field, box);
    }
    if (type == "point") {
        KUMO_TRY_ASSIGN(const search::GeoPoint point, parse_geo_point(*coordinates));
        return tree::in_box(field, {point.lat, point.lng, point.lat, point.lng});
    }
    if (type == "circle") {
        const Json* radius = shape.find("radius");
        KUMO_TRY_ASSIGN(const search::GeoPoint center, parse_geo_point(*coordinates));
        KUMO_TRY_ASSIGN(
            const double meters,
            distance_meters(radius != nullptr ? radius->text() : "")
        );
        return tree::in_region(field, search::GeoRegion::circle(center, std::max(0.0, meters)));
    }
    if (type == "polygon") {
        KUMO_TRY_ASSIGN(const auto vertices, ring(coordinates->items().front()));
        auto region = search::GeoRegion::polygon(vertices);
        if (!region.ok()) {
            return illegal_argument(region.error().message);
        }
        return tree::in_region(field, std::move(region).value());
    }
    return not_supported("shapes of type [" + type + "] are not supported in [geo_shape]");
}

}  // namespace

NodeResult read_geo_shape(QueryParser& parser, const Json& body) {
    KUMO_TRY_ASSIGN(const GeoField field, geo_field("geo_shape", body));
    const Json* shape = field.value->find("shape");
    if (shape == nullptr || !shape->is_object()) {
        return not_supported("[geo_shape] needs its shape in the query");
    }
    KUMO_TRY_ASSIGN(const auto engine, points_of(parser, field.path, body));
    if (!engine) {
        return parser.finish(tree::match_none(), body);
    }
    KUMO_TRY_ASSIGN(tree::NodePtr node, in_shape(*engine, *shape));
    const Json* relation = field.value->find("relation");
    if (relation != nullptr && relation->text() == "disjoint") {
        tree::Boolean apart;
        apart.filter = {tree::exists(*engine)};
        apart.must_not = {std::move(node)};
        node = tree::boolean(std::move(apart));
    }
    return parser.finish(tree::constant(std::move(node)), body);
}

/// {"field": {"vector": [...], "k": 10, "filter": {...}}}, or {"field": "f", "query_vector":
/// [...]}.
NodeResult read_knn(QueryParser& parser, const Json& body) {
    std::string path;
    const Json* options = &body;
    if (const Json* field = body.find("field"); field != nullptr && field->is_string()) {
        path = field->as_string();
    } else {
        for (const auto& [key, value] : body.members()) {
            if (value.is_object() && key != "filter") {
                path = key;
                options = &value;
            }
        }
    }
    const Json* vector = options->find("vector");
    vector = vector != nullptr ? vector : options->find("query_vector");
    if (path.empty() || vector == nullptr || !vector->is_array()) {
        return parsing_error("[knn] requires a field and a query vector");
    }
    tree::Nearest nearest;
    for (const Json& item : vector->items()) {
        const auto number = item.to_double();
        if (!number) {
            return parsing_error("[knn] vectors are of numbers");
        }
        nearest.vector.push_back(static_cast<float>(*number));
    }
    for (const auto& [key, value] : options->members()) {
        if (key == "k" || key == "num_candidates") {
            const auto count = value.to_int64();
            constexpr std::int64_t kMost = 10000;
            if (!count || *count < 1 || *count > kMost) {
                return illegal_argument("[knn] " + key + " must be between 1 and 10000");
            }
            (key == "k" ? nearest.k : nearest.candidates) = static_cast<std::uint32_t>(*count);
        } else if (key == "filter") {
            if (value.is_array()) {
                tree::Boolean all;
                for (const Json& item : value.items()) {
                    KUMO_TRY_ASSIGN(tree::NodePtr one, parser.parse(item));
                    all.filter.push_back(std::move(one));
                }
                nearest.filter = tree::boolean(std::move(all));
            } else {
                KUMO_TRY_ASSIGN(nearest.filter, parser.parse(value));
            }
        } else if (key == "min_score" || key == "similarity") {
            nearest.score_min = static_cast<float>(value.to_double().value_or(0));
            nearest.k = 10000;
        }
    }
    const Target target = resolve(parser.context(), path);
    if (target.field == nullptr) {
        return parser.finish(tree::match_none(), body);
    }
    if (target.field->kind != FieldKind::kVector) {
        return illegal_argument("Field '" + path + "' is not knn_vector type.");
    }
    if (!target.engine) {
        return parser.finish(tree::match_none(), body);
    }
    const search::VectorOptions& kind = parser.context().schema.fields[*target.engine].vector;
    if (kind.dimensions != nearest.vector.size()) {
        return illegal_argument(
            "Query vector has invalid dimension: " + std::to_string(nearest.vector.size())
            + ". Dimension should be: " + std::to_string(kind.dimensions)
        );
    }
    nearest.field = *target.engine;
    nearest.vector = search::as_stored(kind, nearest.vector);
    nearest.score = [](float distance) {
        return std::max(0.0F, (2 - distance) / 2);
    };
    return parser.finish(tree::nearest(std::move(nearest)), body);
}

}  // namespace kumo::api_elastic
