#include "search/schema/document.h"

#include "search/column/codes.h"
#include "search/geo/geo_polygon.h"
#include "search/schema/json_path.h"
#include "wire/json_writer.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace kumo::search {

namespace {

using wire::JsonType;
using wire::JsonValue;

Error wrong_type(const Field& field) {
    return invalid_argument("Field `" + field.name + "` must be " + type_with_article(field) + ".");
}

Error out_of_range(const Field& field) {
    return invalid_argument(
        "Field `" + field.name + "` exceeds maximum value of " + type_name(field.type, false) + "."
    );
}

std::optional<double> number_in(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
        return std::nullopt;
    }
    return value;
}

/// A value as a number, where a lenient reading has one: numbers, booleans, numeric strings.
std::optional<double> lenient_number(JsonValue value) {
    if (value.is_number()) {
        return value.as_double();
    }
    if (value.is_bool()) {
        return value.as_bool() ? 1.0 : 0.0;
    }
    return value.is_string() ? number_in(value.as_string()) : std::nullopt;
}

std::optional<bool> lenient_bool(JsonValue value) {
    if (value.is_string()) {
        const auto text = value.as_string();
        if (text == "true" || text == "1") {
            return true;
        }
        if (text == "false" || text == "0") {
            return false;
        }
    }
    if (value.is_integer() && (value.as_double() == 0 || value.as_double() == 1)) {
        return value.as_double() == 1;
    }
    return std::nullopt;
}

/// Reads one value of one field. The three outcomes of reading are a value, "not of this type"
/// (which may be coerced or dropped), and an error that no setting forgives.
class ValueReader {
public:
    ValueReader(const Field& field, bool coerce, TypedDocument& out, FieldValues& values)
        : field_(field), coerce_(coerce), out_(out), values_(values) {}

    /// kInvalidArgument if the value does not fit, even coerced where that is wanted.
    Status read(JsonValue value) {
        switch (field_.type) {
            case ValueType::kString: return read_string(value);
            case ValueType::kInt32:
                return read_integer(
                    value,
                    std::numeric_limits<std::int32_t>::min(),
                    std::numeric_limits<std::int32_t>::max()
                );
            case ValueType::kInt64:
                return read_integer(
                    value,
                    std::numeric_limits<std::int64_t>::min(),
                    std::numeric_limits<std::int64_t>::max()
                );
            case ValueType::kFloat: return read_float(value);
            case ValueType::kBool: return read_bool(value);
            case ValueType::kAuto:
            case ValueType::kAnyString: break;
            case ValueType::kObject: return value.is_object() ? Status() : wrong_type(field_);
            case ValueType::kGeoPoint: return read_point(value);
            case ValueType::kGeoPolygon: return read_polygon(value);
        }
        return wrong_type(field_);
    }

    bool coerced() const { return coerced_; }

private:
    Status read_string(JsonValue value) {
        if (value.is_string()) {
            values_.strings.push_back(value.as_string());
            return {};
        }
        if (coerce_ && (value.is_number() || value.is_bool())) {
            out_.coerced.emplace_back(value.raw());
            values_.strings.push_back(out_.coerced.back());
            coerced_ = true;
            return {};
        }
        return wrong_type(field_);
    }

    Status read_integer(JsonValue value, std::int64_t low, std::int64_t high) {
        if (value.type() == JsonType::kInt64) {
            if (value.as_int64() < low || value.as_int64() > high) {
                return out_of_range(field_);
            }
            values_.codes.push_back(value.as_int64());
            return {};
        }
        if (value.type() == JsonType::kUint64) {
            return out_of_range(field_);
        }
        const auto number = coerce_ ? lenient_number(value) : std::nullopt;
        if (!number) {
            return wrong_type(field_);
        }
        const double whole = std::trunc(*number);
        if (whole < static_cast<double>(low) || whole >= std::ldexp(1.0, 63)
            || whole > static_cast<double>(high)) {
            return out_of_range(field_);
        }
        values_.codes.push_back(static_cast<std::int64_t>(whole));
        coerced_ = true;
        return {};
    }

    Status read_float(JsonValue value) {
        auto number = value.is_number() ? std::optional(value.as_double()) : std::nullopt;
        if (!number && coerce_) {
            number = lenient_number(value);
            coerced_ = number.has_value();
        }
        if (!number) {
            return wrong_type(field_);
        }
        values_.codes.push_back(code_of_double(*number));
        return {};
    }

    Status read_bool(JsonValue value) {
        auto flag = value.is_bool() ? std::optional(value.as_bool()) : std::nullopt;
        if (!flag && coerce_) {
            flag = lenient_bool(value);
            coerced_ = flag.has_value();
        }
        if (!flag) {
            return wrong_type(field_);
        }
        values_.codes.push_back(*flag ? 1 : 0);
        return {};
    }

    /// A coordinate; a numeric string if that is wanted.
    std::optional<double> coordinate(JsonValue value) {
        if (value.is_number()) {
            return value.as_double();
        }
        const auto number =
            coerce_ && value.is_string() ? number_in(value.as_string()) : std::nullopt;
        coerced_ = coerced_ || number.has_value();
        return number;
    }

    Result<GeoPoint> point_of(JsonValue lat_json, JsonValue lng_json) {
        const auto lat = coordinate(lat_json);
        const auto lng = coordinate(lng_json);
        if (!lat || !lng) {
            return wrong_type(field_);
        }
        const GeoPoint point{*lat, *lng};
        if (!is_valid(point)) {
            return invalid_argument(
                "Field `" + field_.name
                + "` must have a latitude between -90 and 90 and a longitude between -180 and 180."
            );
        }
        return point;
    }

    void add_point(GeoPoint point) {
        values_.codes.push_back(code_of_point(point));
        values_.points.push_back(point);
    }

    /// [lat, lng]
    Status read_point(JsonValue value) {
        if (!value.is_array() || value.as_array().size() != 2) {
            return invalid_argument(
                field_.array ? "Field `" + field_.name
                                   + "` must contain 2 element arrays: [ [lat, lng],... ]."
                             : "Field `" + field_.name + "` must be a 2 element array: [lat, lng]."
            );
        }
        auto second = value.as_array().begin();
        KUMO_TRY_ASSIGN(const GeoPoint point, point_of(*value.as_array().begin(), *++second));
        add_point(point);
        return {};
    }

    /// [lat, lng, lat, lng, ...]
    Status read_polygon(JsonValue value) {
        if (!value.is_array() || value.as_array().size() % 2 != 0
            || value.as_array().size() > 2 * (kPolygonVerticesMax + 1)) {
            return wrong_type(field_);
        }
        std::vector<GeoPoint> vertices;
        for (auto at = value.as_array().begin(); at != value.as_array().end(); ++at) {
            const JsonValue lat = *at;
            ++at;
            KUMO_TRY_ASSIGN(vertices.emplace_back(), point_of(lat, *at));
        }
        const auto polygon = GeoPolygon::make(vertices);
        if (!polygon.ok()) {
            return invalid_argument("Field `" + field_.name + "`: " + polygon.error().message);
        }
        for (const GeoPoint& vertex : vertices) {
            add_point(vertex);
        }
        return {};
    }

    const Field& field_;
    bool coerce_;
    TypedDocument& out_;
    FieldValues& values_;
    bool coerced_ = false;
};

bool coerces(DirtyValues dirty) {
    return dirty == DirtyValues::kCoerceOrReject || dirty == DirtyValues::kCoerceOrDrop;
}

bool drops(DirtyValues dirty) {
    return dirty == DirtyValues::kDrop || dirty == DirtyValues::kCoerceOrDrop;
}

void write_value(
    const Field& field,
    const FieldValues& values,
    std::size_t i,
    wire::JsonWriter& out
) {
    switch (field.type) {
        case ValueType::kString: out.string(values.strings[i]); break;
        case ValueType::kInt32:
        case ValueType::kInt64: out.integer(values.codes[i]); break;
        case ValueType::kFloat: out.number(double_of_code(values.codes[i])); break;
        case ValueType::kBool: out.boolean(values.codes[i] != 0); break;
        case ValueType::kGeoPoint:
            out.begin_array().number(values.points[i].lat).number(values.points[i].lng).end_array();
            break;
        case ValueType::kGeoPolygon:
            out.begin_array();
            for (const GeoPoint& point : values.points) {
                out.number(point.lat).number(point.lng);
            }
            out.end_array();
            break;
        case ValueType::kAuto:
        case ValueType::kAnyString:
        case ValueType::kObject: break;  // They have no values.
    }
}

void write_values(const Field& field, const FieldValues& values, wire::JsonWriter& out) {
    if (field.is_vector()) {
        out.begin_array();
        for (const float number : values.vector) {
            out.number_float(number);
        }
        out.end_array();
        return;
    }
    if (!field.array) {
        write_value(field, values, 0, out);
        return;
    }
    const std::size_t count = std::max(values.codes.size(), values.strings.size());
    out.begin_array();
    for (std::size_t i = 0; i < count; ++i) {
        write_value(field, values, i, out);
    }
    out.end_array();
}

enum class Outcome : std::uint8_t {
    kAbsent,    ///< Nothing to index, and nothing to store.
    kVerbatim,  ///< Indexed; stored as it was sent.
    kCoerced,   ///< Indexed; stored as the typed values.
};

/// A vector has all of its numbers, or there is none.
Result<Outcome>
read_vector(const Field& field, JsonValue value, DirtyValues dirty, FieldValues& values) {
    const std::uint32_t dimensions = field.vector.dimensions;
    Outcome outcome = Outcome::kVerbatim;
    std::string error;
    std::vector<float> vector;
    if (!value.is_array()) {
        error = "must be an array of float.";
    } else if (value.as_array().size() != dimensions) {
        error = "must have " + std::to_string(dimensions) + " dimensions.";
    } else {
        for (const JsonValue element : value.as_array()) {
            const auto number =
                coerces(dirty)
                    ? lenient_number(element)
                    : (element.is_number() ? std::optional(element.as_double()) : std::nullopt);
            const float narrow = static_cast<float>(number.value_or(NAN));
            if (!std::isfinite(narrow)) {
                error = number ? "must have values that a 32-bit float can hold."
                               : "must be an array of float.";
                break;
            }
            outcome = element.is_number() ? outcome : Outcome::kCoerced;
            vector.push_back(narrow);
        }
    }
    if (!error.empty() && drops(dirty) && field.optional) {
        return Outcome::kAbsent;
    }
    if (!error.empty()) {
        return invalid_argument("Field `" + field.name + "` " + error);
    }
    values.vector = std::move(vector);
    return outcome;
}

Result<Outcome> read_field(
    const Field& field,
    JsonValue value,
    DirtyValues dirty,
    TypedDocument& out,
    FieldValues& values
) {
    if (value.is_null() && field.optional) {
        return Outcome::kAbsent;
    }
    if (field.is_vector()) {
        return read_vector(field, value, dirty, values);
    }
    ValueReader reader(field, coerces(dirty), out, values);
    Outcome outcome = Outcome::kVerbatim;
    Status status;
    if (field.array && value.is_array()) {
        for (const JsonValue element : value.as_array()) {
            Status one = reader.read(element);
            if (!one.ok() && drops(dirty)) {
                outcome = Outcome::kCoerced;
            } else if (!one.ok()) {
                return std::move(one).error();
            }
        }
    } else if (field.array && !coerces(dirty)) {
        status = wrong_type(field);
    } else {
        status = reader.read(value);
        outcome = field.array ? Outcome::kCoerced : outcome;
    }
    if (!status.ok()) {
        if (drops(dirty) && field.optional) {
            return Outcome::kAbsent;
        }
        return std::move(status).error();
    }
    return reader.coerced() ? Outcome::kCoerced : outcome;
}

/// The values of a field inside an array of objects: those of all elements.
Status read_elements(
    const Field& field,
    const std::vector<JsonValue>& elements,
    DirtyValues dirty,
    TypedDocument& out,
    FieldValues& values
) {
    if (!field.array) {
        if (drops(dirty) && field.optional) {
            return {};
        }
        return invalid_argument(
            "Field `" + field.name
            + "` has an incorrect type. Hint: field inside an array of objects must be an array "
              "type as well."
        );
    }
    ValueReader reader(field, coerces(dirty), out, values);
    const auto read = [&](JsonValue value) -> Status {
        Status one = value.is_null() ? Status() : reader.read(value);
        return !one.ok() && drops(dirty) ? Status() : std::move(one);
    };
    for (const JsonValue element : elements) {
        if (!element.is_array()) {
            KUMO_TRY(read(element));
            continue;
        }
        for (const JsonValue inner : element.as_array()) {
            KUMO_TRY(read(inner));
        }
    }
    return {};
}

float rank_of(const Schema& schema, const TypedDocument& document) {
    if (schema.default_sorting_field.empty()) {
        return 0;
    }
    const auto at = schema.find(schema.default_sorting_field);
    if (!at || document.fields[*at].codes.empty()) {
        return 0;
    }
    const std::int64_t code = document.fields[*at].codes.front();
    return schema.fields[*at].type == ValueType::kFloat ? static_cast<float>(double_of_code(code))
                                                        : static_cast<float>(code);
}

/// Types the declared fields; notes per field how it is to be stored.
Result<std::vector<Outcome>>
read_fields(const Schema& schema, JsonValue root, DirtyValues dirty, TypedDocument& out) {
    std::vector<Outcome> outcomes(schema.fields.size(), Outcome::kAbsent);
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
        const Field& field = schema.fields[i];
        if (!field.index || field.name == "id" || field.is_pattern()) {
            outcomes[i] = Outcome::kVerbatim;
            continue;
        }
        const PathValues found = values_at(root, field.name, schema.enable_nested_fields);
        if (!found.present()) {
            if (!field.optional) {
                return invalid_argument(
                    "Field `" + field.name
                    + "` has been declared in the schema, but is not found in the document."
                );
            }
            continue;
        }
        if (found.through_array) {
            KUMO_TRY(read_elements(field, found.values, dirty, out, out.fields[i]));
            outcomes[i] = Outcome::kVerbatim;
            continue;
        }
        const JsonValue value = found.values.front();
        KUMO_TRY_ASSIGN(outcomes[i], read_field(field, value, dirty, out, out.fields[i]));
    }
    return outcomes;
}

}  // namespace

std::string type_with_article(const Field& field) {
    if (field.array) {
        return "an array of " + type_name(field.type, false) + (field.is_object() ? "s" : "");
    }
    switch (field.type) {
        case ValueType::kString: return "a string";
        case ValueType::kInt32: return "an int32";
        case ValueType::kInt64: return "an int64";
        case ValueType::kFloat: return "a float";
        case ValueType::kBool: return "a bool";
        case ValueType::kGeoPoint: return "a geopoint";
        case ValueType::kGeoPolygon: return "a geopolygon";
        case ValueType::kAuto:
        case ValueType::kAnyString: break;
        case ValueType::kObject: return "an object";
    }
    return "a value";
}

Result<TypedDocument>
type_document(const Schema& schema, JsonValue root, std::string_view id, DirtyValues dirty) {
    if (dirty == DirtyValues::kBySchema) {
        dirty = schema.has_patterns() ? DirtyValues::kCoerceOrReject : DirtyValues::kReject;
    }
    TypedDocument out;
    out.fields.resize(schema.fields.size());
    KUMO_TRY_ASSIGN(const std::vector<Outcome> outcomes, read_fields(schema, root, dirty, out));
    out.rank = rank_of(schema, out);
    out.source.reserve(root.raw().size() + id.size() + 8);
    wire::JsonWriter writer(out.source);
    writer.begin_object();
    bool id_written = false;
    for (const wire::JsonMember member : root.as_object()) {
        if (member.key == "id") {
            if (!id_written) {
                writer.key("id").string(id);
                id_written = true;
            }
            continue;
        }
        const auto at = schema.find(member.key);
        if (at && (!schema.fields[*at].store || outcomes[*at] == Outcome::kAbsent)) {
            continue;
        }
        writer.key(member.key);
        if (at && outcomes[*at] == Outcome::kCoerced) {
            write_values(schema.fields[*at], out.fields[*at], writer);
        } else {
            writer.value(member.value);
        }
    }
    if (!id_written) {
        writer.key("id").string(id);
    }
    writer.end_object();
    return out;
}

}  // namespace kumo::search
