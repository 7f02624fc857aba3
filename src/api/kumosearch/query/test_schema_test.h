#pragma once

#include "search/schema/schema.h"

#include <string>

/// Test code.
namespace kumo::api_kumosearch {

inline search::Field test_field(std::string name, search::ValueType type, bool array = false) {
    search::Field field;
    field.name = std::move(name);
    field.type = type;
    field.array = array;
    field.facet = true;
    field.sort = !field.is_string() && !array;
    return field;
}

/// A field of each kind.
inline search::Schema test_schema() {
    using search::ValueType;
    search::Schema schema;
    schema.fields = {
        test_field("title", ValueType::kString),
        test_field("tags", ValueType::kString, true),
        test_field("year", ValueType::kInt32),
        test_field("big", ValueType::kInt64),
        test_field("price", ValueType::kFloat),
        test_field("open", ValueType::kBool),
        test_field("years", ValueType::kInt32, true),
        test_field("name", ValueType::kString),
    };
    schema.fields[7].sort = true;
    search::Field hidden = test_field("hidden", ValueType::kString);
    hidden.index = false;
    hidden.facet = false;
    schema.fields.push_back(hidden);
    schema.fields.push_back(test_field("place", ValueType::kGeoPoint));
    schema.fields.push_back(test_field("area", ValueType::kGeoPolygon));
    schema.fields[9].facet = false;
    schema.fields[10].facet = false;
    schema.fields[10].sort = false;
    return schema;
}

}  // namespace kumo::api_kumosearch
