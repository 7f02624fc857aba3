#include "search/schema/schema.h"

#include "search/analysis/stemmer.h"
#include "search/schema/field_finder.h"

#include <algorithm>
#include <array>
#include <set>

namespace kumo::search {

namespace {

struct TypeEntry {
    std::string_view name;
    ValueType type;
};

constexpr std::array<TypeEntry, 10> kTypes = {{
    {"string", ValueType::kString},
    {"int32", ValueType::kInt32},
    {"int64", ValueType::kInt64},
    {"float", ValueType::kFloat},
    {"bool", ValueType::kBool},
    {"geopoint", ValueType::kGeoPoint},
    {"geopolygon", ValueType::kGeoPolygon},
    {"auto", ValueType::kAuto},
    {"string*", ValueType::kAnyString},
    {"object", ValueType::kObject},
}};

constexpr std::array<std::string_view, 3> kLaterTypes = {"geopolygon[]", "image", "nested"};

Status validate_vector(const Field& field) {
    const VectorOptions& vector = field.vector;
    if (field.type != ValueType::kFloat || !field.array) {
        return invalid_argument("Property `num_dim` is only allowed on a float array field.");
    }
    if (vector.dimensions > kDimensionsMax) {
        return invalid_argument(
            "Property `num_dim` must be at most " + std::to_string(kDimensionsMax) + "."
        );
    }
    if (field.facet) {
        return invalid_argument("Field `" + field.name + "` cannot be a facet: it is a vector.");
    }
    if (vector.m < 2 || vector.m > kHnswMMax || vector.ef_construction < 1
        || vector.ef_construction > kHnswEfConstructionMax) {
        return invalid_argument(
            "Property `hnsw_params` must have an `M` from 2 to " + std::to_string(kHnswMMax)
            + " and an `ef_construction` from 1 to " + std::to_string(kHnswEfConstructionMax) + "."
        );
    }
    return {};
}

Status validate_stem(const Field& field) {
    if (!field.stem) {
        return {};
    }
    if (!field.is_string() && !field.is_pattern() && !field.is_object()) {
        return invalid_argument(
            "The `stem` property is only allowed for string and string[] fields."
        );
    }
    if (field.stem_dictionary.name.empty() && !has_stemmer(field.locale)) {
        return invalid_argument(
            "The `locale` value of the field `" + field.name + "` is not supported for stem."
        );
    }
    return {};
}

Status validate_reference(const Field& field) {
    const std::size_t dot = field.reference.find('.');
    if (dot == std::string::npos || dot == 0 || dot + 1 == field.reference.size()
        || field.reference.size() > kReferenceBytesMax) {
        return invalid_argument("Invalid reference `" + field.reference + "`.");
    }
    if (field.name == ".*") {
        return invalid_argument("Field `.*` cannot be a reference field.");
    }
    if (field.is_expression()) {
        return invalid_argument("Wildcard field cannot have a reference.");
    }
    if (std::count(field.name.begin(), field.name.end(), '.') > 1) {
        return invalid_argument(
            "`" + field.name
            + "` field cannot have a reference. Only the top-level field of an object is allowed."
        );
    }
    const bool fits = field.index
                      && (field.type == ValueType::kString || field.type == ValueType::kInt32
                          || field.type == ValueType::kInt64);
    if (!fits) {
        return invalid_argument(
            "Field `" + field.name
            + "` cannot have a reference: it must be an indexed string, int32 or int64, or an "
              "array of those."
        );
    }
    return {};
}

Status validate_field(const Field& field) {
    if (field.name.empty()) {
        return invalid_argument("Parameter `name` of a field must not be empty.");
    }
    if (field.name.size() > kFieldNameBytesMax) {
        return invalid_argument("Field name is longer than 512 bytes.");
    }
    if (!field.index && (field.facet || field.sort)) {
        return invalid_argument(
            "Field `" + field.name + "` cannot be facet or sort when `index` is set to false."
        );
    }
    if (!field.index && !field.optional) {
        return invalid_argument(
            "Field `" + field.name + "` must be optional when `index` is set to false."
        );
    }
    KUMO_TRY(check_pattern(field));
    if (field.infix && !field.is_string() && !field.is_pattern()) {
        return invalid_argument(
            "Infix search is only supported for string fields: `" + field.name + "`."
        );
    }
    KUMO_TRY(validate_stem(field));
    if (field.is_vector()) {
        KUMO_TRY(validate_vector(field));
    }
    if (field.is_reference()) {
        KUMO_TRY(validate_reference(field));
    }
    if (field.facet && field.is_geo()) {
        return invalid_argument(
            "Field `" + field.name + "` cannot be a facet: it is a " + type_name(field.type, false)
            + "."
        );
    }
    if (field.sort && field.type == ValueType::kGeoPolygon) {
        return invalid_argument("Field `" + field.name + "` cannot be sorted by.");
    }
    if (field.sort && field.array && field.type != ValueType::kGeoPoint) {
        return invalid_argument(
            "The `sort` property of field `" + field.name + "` cannot be set on an array field."
        );
    }
    return {};
}

Status validate_default_sorting_field(const Schema& schema) {
    const std::string& name = schema.default_sorting_field;
    if (name.empty()) {
        return {};
    }
    const auto at = schema.find(name);
    if (!at) {
        return invalid_argument(
            "Default sorting field is defined as `" + name + "` but is not found in the schema."
        );
    }
    const Field& field = schema.fields[*at];
    if (field.optional) {
        return invalid_argument(
            "Default sorting field `" + name + "` cannot be an optional field."
        );
    }
    if (!field.sort || field.array || (!field.is_number() && !field.is_string())) {
        return invalid_argument("Default sorting field `" + name + "` is not a sortable type.");
    }
    return {};
}

Status validate_symbols(const std::vector<std::string>& symbols, std::string_view parameter) {
    for (const std::string& symbol : symbols) {
        if (symbol.size() != 1 || static_cast<unsigned char>(symbol[0]) >= 0x80) {
            return invalid_argument(
                "`" + std::string(parameter)
                + "` must be an array of single character ASCII strings."
            );
        }
    }
    return {};
}

/// Dictionaries of fields, each once.
Status validate_dictionaries(const Schema& schema) {
    std::set<const StemDictionary::Roots*> seen;
    std::size_t bytes = 0;
    for (const Field& field : schema.fields) {
        if (seen.insert(field.stem_dictionary.roots.get()).second) {
            bytes += field.stem_dictionary.bytes();
        }
    }
    if (bytes > kStemDictionariesBytesMax) {
        return Error{
            ErrorCode::kLimitExceeded,
            "The stemming dictionaries of a collection's fields may have up to 4 MiB of words."};
    }
    return {};
}

}  // namespace

std::optional<std::size_t> Schema::find(std::string_view name) const {
    const auto at = find_declared(name);
    return at && !fields[*at].is_pattern() ? at : std::nullopt;
}

std::optional<std::size_t> Schema::find_declared(std::string_view name) const {
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (fields[i].name == name) {
            return i;
        }
    }
    return std::nullopt;
}

bool Schema::has_patterns() const {
    return std::any_of(fields.begin(), fields.end(), [](const Field& field) {
        return field.is_pattern();
    });
}

bool Schema::has_references() const {
    return std::any_of(fields.begin(), fields.end(), [](const Field& field) {
        return field.is_reference();
    });
}

std::string type_name(ValueType type, bool array) {
    std::string name;
    for (const TypeEntry& entry : kTypes) {
        if (entry.type == type) {
            name = entry.name;
        }
    }
    return array ? name + "[]" : name;
}

Result<TypeSpec> parse_type(std::string_view field, std::string_view name) {
    const bool array = name.ends_with("[]");
    const std::string_view base = array ? name.substr(0, name.size() - 2) : name;
    for (const TypeEntry& entry : kTypes) {
        const bool single = entry.type == ValueType::kAuto || entry.type == ValueType::kAnyString
                            || entry.type == ValueType::kGeoPolygon;
        if (entry.name == base && !(array && single)) {
            return TypeSpec{entry.type, array};
        }
    }
    if (std::find(kLaterTypes.begin(), kLaterTypes.end(), name) != kLaterTypes.end()) {
        return Error{
            ErrorCode::kUnsupported,
            "Field `" + std::string(field) + "`: the data type `" + std::string(name)
                + "` is not supported yet."};
    }
    return invalid_argument(
        "Field `" + std::string(field) + "` has an invalid data type `" + std::string(name)
        + "`, see docs for supported data types."
    );
}

Status validate(const Schema& schema) {
    if (schema.fields.size() > kFieldsMax) {
        return invalid_argument("A collection can have at most 1024 fields.");
    }
    std::set<std::string_view> names;
    for (const Field& field : schema.fields) {
        KUMO_TRY(validate_field(field));
        if (field.is_object() && !schema.enable_nested_fields) {
            return invalid_argument(
                "Type `object` or `object[]` can be used only when nested fields are enabled by "
                "setting `enable_nested_fields` to true."
            );
        }
        if (!names.insert(field.name).second) {
            return invalid_argument(
                "There are duplicate field names in the schema: `" + field.name + "`."
            );
        }
    }
    KUMO_TRY(validate_dictionaries(schema));
    KUMO_TRY(validate_default_sorting_field(schema));
    KUMO_TRY(validate_symbols(schema.token_separators, "token_separators"));
    return validate_symbols(schema.symbols_to_index, "symbols_to_index");
}

}  // namespace kumo::search
