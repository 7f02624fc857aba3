#include "api/elastic/mapping/mapping.h"

#include <string>
#include <string_view>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr std::string_view kRangeLow = "#gte";
constexpr std::string_view kRangeHigh = "#lte";

search::Field engine_field(const std::string& name, search::ValueType type) {
    search::Field field;
    field.name = name;
    field.type = type;
    field.array = true;
    field.optional = true;
    field.found = true;
    return field;
}

search::Field vector_field(const MappedField& field) {
    search::Field out = engine_field(field.path, search::ValueType::kFloat);
    const Json* size = field.definition.find(field.type == "knn_vector" ? "dimension" : "dims");
    out.vector.dimensions = static_cast<std::uint32_t>(size->to_int64().value_or(1));
    const Json* const space = field.definition.find("space_type");
    if (space != nullptr && space->text() == "innerproduct") {
        out.vector.metric = search::VectorMetric::kInnerProduct;
    }
    return out;
}

}  // namespace

std::vector<search::Field> engine_fields(const MappedField& field) {
    if (field.is_text()) {
        search::Field out = engine_field(field.path, search::ValueType::kString);
        out.analysis = field.analyzer;
        return {out};
    }
    if (field.is_exact()) {
        search::Field out = engine_field(field.path, search::ValueType::kString);
        out.exact = true;
        out.facet = true;
        return {out};
    }
    if (field.is_int() || field.is_real()) {
        search::Field out = engine_field(
            field.path,
            field.is_real()                     ? search::ValueType::kFloat
            : field.kind == FieldKind::kBoolean ? search::ValueType::kBool
                                                : search::ValueType::kInt64
        );
        out.facet = true;
        return {out};
    }
    if (field.kind == FieldKind::kGeoPoint) {
        return {engine_field(field.path, search::ValueType::kGeoPoint)};
    }
    if (field.kind == FieldKind::kVector) {
        return {vector_field(field)};
    }
    if (field.kind == FieldKind::kRange) {
        const bool real = field.type == "float_range" || field.type == "double_range";
        const auto type = field.type == "ip_range" ? search::ValueType::kString
                          : real                   ? search::ValueType::kFloat
                                                   : search::ValueType::kInt64;
        std::vector<search::Field> out;
        for (const std::string_view end : {kRangeLow, kRangeHigh}) {
            out.push_back(engine_field(field.path + std::string(end), type));
            out.back().exact = field.type == "ip_range";
        }
        return out;
    }
    return {};
}

}  // namespace kumo::api_elastic
