#include "api/elastic/mapping/document_mapper.h"

#include "api/elastic/fault.h"
#include "api/elastic/mapping/dynamic_fields.h"
#include "api/elastic/mapping/geo_values.h"
#include "search/analysis/chain.h"
#include "search/column/codes.h"
#include "search/geo/geo_point.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr wire::JsonLimits kSourceLimits{.bytes_max = std::size_t{100} << 20, .depth_max = 100};

/// The values of one document, by engine field.
class DocumentMapper {
public:
    DocumentMapper(const Mapping& mapping, std::string_view id) : mapping_(mapping), id_(id) {}

    Status read_object(const Json& object, const std::string& prefix);
    Result<MappedSource> finish();

private:
    Status read_member(const std::string& path, const Json& value);
    Status read_field(const MappedField& field, const Json& value);
    Status read_value(const MappedField& field, const Json& value);
    Status take(const MappedField& field, const Json& value);
    Status read_unknown(const std::string& path, const Json& value);
    Status read_range(const MappedField& field, const Json& value);
    Status read_ip_range(const MappedField& field, const Json& value);
    Status read_vector(const MappedField& field, const Json& value);
    Status read_flat(const MappedField& field, const Json& value, const std::string& prefix);
    Status add_string(const MappedField& field, const Json& value);
    Status count_nested(const MappedField& field, const Json& value);
    search::MappedValues& values_of(const std::string& engine_field, const MappedField& field);
    Error failed(const MappedField& field, const Json& value, const Error& why) const;
    void index_multi_fields();

    const Mapping& mapping_;
    std::string_view id_;
    std::map<std::string, search::MappedValues, std::less<>> values_;
    std::map<std::string, std::vector<const MappedField*>, std::less<>> multi_fields_;
    bool multi_fields_known_ = false;
    std::map<std::string, const MappedField*, std::less<>> used_;
    std::vector<std::string> ignored_;
    Json update_;
    std::size_t count_ = 0;
    std::size_t nested_count_ = 0;
};

void DocumentMapper::index_multi_fields() {
    for (const auto& [path, field] : mapping_.fields()) {
        if (!field.parent.empty()) {
            multi_fields_[field.parent].push_back(&field);
        }
    }
    multi_fields_known_ = true;
}

Status DocumentMapper::read_object(const Json& object, const std::string& prefix) {
    for (const auto& [name, value] : object.members()) {
        if (name.empty() || name.find_first_not_of(' ') == std::string::npos) {
            return fault(
                "mapper_parsing_exception",
                "failed to parse: field name cannot be an empty string"
            );
        }
        KUMO_TRY(read_member(prefix + name, value));
    }
    return {};
}

Status DocumentMapper::count_nested(const MappedField& field, const Json& value) {
    if (field.kind == FieldKind::kNested) {
        nested_count_ += value.is_array() ? value.size() : 1;
    }
    const std::int64_t limit = mapping_.limits().nested_objects;
    if (static_cast<std::int64_t>(nested_count_) > limit) {
        return fault(
            "mapper_parsing_exception",
            "The number of nested documents has exceeded the allowed limit of [" + std::to_string(limit)
                + "]. This limit can be set by changing the [index.mapping.nested_objects.limit] index level setting."
        );
    }
    return {};
}

Status DocumentMapper::read_member(const std::string& path, const Json& value) {
    const MappedField* const field = mapping_.find_declared(path);
    if (field == nullptr) {
        return read_unknown(path, value);
    }
    if (!field->is_object()) {
        return read_field(*field, value);
    }
    if (!field->index) {
        return {};  // "enabled": false
    }
    KUMO_TRY(count_nested(*field, value));
    for (const Json& item : value.is_array() ? value.items() : Json::Array{value}) {
        if (item.is_object()) {
            KUMO_TRY(read_object(item, path + "."));
        } else if (!item.is_null()) {
            return fault(
                "mapper_parsing_exception",
                "object mapping for [" + path + "] tried to parse field [" + path
                    + "] as object, but found a concrete value"
            );
        }
    }
    return {};
}

Status DocumentMapper::read_unknown(const std::string& path, const Json& value) {
    const std::size_t dot = path.rfind('.');
    const std::string parent = dot == std::string::npos ? "" : path.substr(0, dot);
    const MappedField* const above = parent.empty() ? nullptr : mapping_.find_declared(parent);
    if (above != nullptr && !above->is_object()) {
        return fault(
            "mapper_parsing_exception",
            "Could not dynamically add mapping for field [" + path + "]. Existing mapping for ["
                + parent + "] must be of type object but found [" + above->type + "]."
        );
    }
    const auto refused = [&](const char* mode) {
        return fault(
            "strict_dynamic_mapping_exception",
            std::string("mapping set to ") + mode + ", dynamic introduction of ["
                + path.substr(dot == std::string::npos ? 0 : dot + 1) + "] within ["
                + (parent.empty() ? "_doc" : parent) + "] is not allowed"
        );
    };
    switch (mapping_.dynamic_at(parent)) {
        case Dynamic::kFalse: return {};
        case Dynamic::kStrict: return refused("strict");
        case Dynamic::kStrictTemplates:
            if (!has_template(mapping_, path, value)) {
                return refused("strict_allow_templates");
            }
            break;
        case Dynamic::kFalseTemplates:
            if (!has_template(mapping_, path, value)) {
                return {};
            }
            break;
        case Dynamic::kTrue: break;
    }
    return add_dynamic_field(mapping_, path, value, update_);
}

Error DocumentMapper::failed(const MappedField& field, const Json& value, const Error& why) const {
    const Fault cause = fault_of(why);
    std::string preview = value.is_object() ? value.dump() : value.text();
    return fault(
        "mapper_parsing_exception",
        "failed to parse field [" + field.path + "] of type [" + field.type
            + "] in document with id '" + std::string(id_) + "'. Preview of field's value: '"
            + preview + "'" + kFaultSeparator + cause.type + kFaultSeparator + cause.reason
    );
}

Status DocumentMapper::read_field(const MappedField& field, const Json& value) {
    if (field.kind == FieldKind::kVector) {
        return read_vector(field, value);
    }
    const bool point = field.kind == FieldKind::kGeoPoint && value.is_array() && !value.empty()
                       && value.items().front().is_number();
    if (!value.is_array() || point) {
        return read_value(field, value);
    }
    for (const Json& item : value.items()) {
        KUMO_TRY(read_field(field, item));
    }
    return {};
}

Status DocumentMapper::read_value(const MappedField& field, const Json& given) {
    if (!multi_fields_known_) {
        index_multi_fields();
    }
    if (++count_ > kDocumentValuesMax) {
        return fault("mapper_parsing_exception", "a document has at most 1000000 values");
    }
    const auto taken = [&](const MappedField& one) -> Status {
        const Json& value = given.is_null() && one.null_value ? *one.null_value : given;
        if (value.is_null()) {
            return {};
        }
        const Status status = take(one, value);
        if (status.ok() || !one.ignore_malformed) {
            return status.ok() ? Status() : Status(failed(one, value, status.error()));
        }
        ignored_.push_back(one.path);
        return {};
    };
    KUMO_TRY(taken(field));
    if (const auto found = multi_fields_.find(field.path); found != multi_fields_.end()) {
        for (const MappedField* const one : found->second) {
            KUMO_TRY(taken(*one));
        }
    }
    for (const std::string& to : field.copy_to) {
        if (given.is_null()) {
            continue;
        }
        KUMO_TRY(read_member(to, given));
    }
    return {};
}

search::MappedValues&
DocumentMapper::values_of(const std::string& engine_field, const MappedField& field) {
    used_.emplace(field.path, &field);
    search::MappedValues& out = values_[engine_field];
    out.field = engine_field;
    return out;
}

Status DocumentMapper::add_string(const MappedField& field, const Json& value) {
    if (value.is_object()) {
        return illegal_argument("Can't get text on a START_OBJECT");
    }
    KUMO_TRY_ASSIGN(std::string text, json_to_string(field, value));
    const auto is_start = [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    };
    const auto points =
        static_cast<std::uint64_t>(std::count_if(text.begin(), text.end(), is_start));
    if (points > field.ignore_above) {
        ignored_.push_back(field.path);
        return {};
    }
    constexpr std::size_t kTermMax = 32766;
    if (field.kind == FieldKind::kKeyword && field.index && text.size() > kTermMax) {
        return illegal_argument(
            "Document contains at least one immense term in field=\"" + field.path
            + "\" (whose UTF8 encoding is longer than the max length 32766)"
        );
    }
    values_of(field.path, field).strings.push_back(std::move(text));
    return {};
}

Status DocumentMapper::take(const MappedField& field, const Json& value) {
    switch (field.kind) {
        case FieldKind::kRange: return read_range(field, value);
        case FieldKind::kFlatObject: return read_flat(field, value, "");
        case FieldKind::kGeoPoint: {
            KUMO_TRY_ASSIGN(const search::GeoPoint point, parse_geo_point(value));
            values_of(field.path, field).codes.push_back(search::code_of_point(point));
            return {};
        }
        case FieldKind::kTokenCount: {
            const auto tokens = search::AnalysisChain::of(field.analyzer)->tokens(value.text());
            values_of(field.path, field).codes.push_back(static_cast<std::int64_t>(tokens.size()));
            return {};
        }
        case FieldKind::kConstantKeyword:
        case FieldKind::kBinary:
        case FieldKind::kGeoShape:
        case FieldKind::kPercolator: return {};
        case FieldKind::kAlias:
            return illegal_argument("Cannot write to a field alias [" + field.path + "].");
        case FieldKind::kCompletion:
            if (value.is_object()) {
                const Json* const input = value.find("input");
                return input == nullptr ? Status() : read_field(field, *input);
            }
            return add_string(field, value);
        case FieldKind::kJoin: {
            const Json* const name = value.find("name");
            return add_string(field, name == nullptr ? value : *name);
        }
        default: break;
    }
    if (field.is_text() || field.is_exact()) {
        return add_string(field, value);
    }
    if (value.is_object()) {
        return illegal_argument("Cannot parse object as number");
    }
    if (!field.coerce && value.is_string() && !field.is_date()
        && field.kind != FieldKind::kBoolean) {
        return illegal_argument(field.type + " value passed as String");
    }
    if (value.is_string() && value.as_string().empty() && field.coerce
        && (field.is_int() || field.is_real()) && !field.is_date()
        && field.kind != FieldKind::kBoolean) {
        return {};
    }
    KUMO_TRY_ASSIGN(const std::int64_t code, json_to_code(field, value));
    values_of(field.path, field).codes.push_back(code);
    return {};
}

Status DocumentMapper::read_range(const MappedField& field, const Json& value) {
    MappedField ends = field;
    const bool real = field.type == "float_range" || field.type == "double_range";
    ends.kind = field.type == "date_range"      ? FieldKind::kDate
                : field.type == "ip_range"      ? FieldKind::kIp
                : field.type == "float_range"   ? FieldKind::kFloat
                : real                          ? FieldKind::kDouble
                : field.type == "integer_range" ? FieldKind::kInteger
                                                : FieldKind::kLong;
    if (ends.kind == FieldKind::kIp) {
        return read_ip_range(field, value);
    }
    if (!value.is_object()) {
        return illegal_argument(
            "error parsing field [" + field.path + "], expected an object but got " + field.path
        );
    }
    std::int64_t low = real ? search::code_of_double(-INFINITY) : INT64_MIN;
    std::int64_t high = real ? search::code_of_double(INFINITY) : INT64_MAX;
    for (const auto& [name, end] : value.members()) {
        if (end.is_null()) {
            continue;
        }
        KUMO_TRY_ASSIGN(const std::int64_t code, json_to_code(ends, end));
        if (name == "gte" || name == "from") {
            low = code;
        } else if (name == "gt") {
            low = code + 1;
        } else if (name == "lte" || name == "to") {
            high = code;
        } else if (name == "lt") {
            high = code - 1;
        } else {
            return illegal_argument(
                "error parsing field [" + field.path + "], with unknown parameter [" + name + "]"
            );
        }
    }
    if (low > high) {
        return illegal_argument("min value is greater than max value");
    }
    values_of(field.path + "#gte", field).codes.push_back(low);
    values_of(field.path + "#lte", field).codes.push_back(high);
    return {};
}

namespace {

/// The address after it, or before it; the last one has none after it.
std::string next_address(std::string digits, bool up) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (std::size_t i = digits.size(); i-- > 0;) {
        const std::size_t digit = kDigits.find(digits[i]);
        const bool carries = digit == (up ? 15U : 0U);
        digits[i] = carries ? kDigits[up ? 0 : 15] : kDigits[up ? digit + 1 : digit - 1];
        if (!carries) {
            break;
        }
    }
    return digits;
}

struct AddressRange {
    std::string low = std::string(32, '0');
    std::string high = std::string(32, 'f');
};

/// "10.0.0.0/8"
Result<AddressRange> address_block(const std::string& text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string::npos) {
        return illegal_argument("Expected [ip/prefix] but was [" + text + "]");
    }
    const std::string address = text.substr(0, slash);
    const auto given = Json(text.substr(slash + 1)).to_int64();
    const bool short_form = address.find(':') == std::string::npos;
    if (!given || *given < 0 || *given > (short_form ? 32 : 128)) {
        return illegal_argument("Invalid prefix length in [" + text + "]");
    }
    AddressRange out;
    KUMO_TRY_ASSIGN(out.low, ip_digits(address));
    out.high = out.low;
    const auto bits = static_cast<std::size_t>(*given + (short_form ? 96 : 0));
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (std::size_t i = 0; i < out.low.size(); ++i) {
        const std::size_t kept = std::min<std::size_t>(bits > 4 * i ? bits - 4 * i : 0, 4);
        const std::size_t mask = 15U >> kept;
        const std::size_t digit = kDigits.find(out.low[i]);
        out.low[i] = kDigits[digit & ~mask & 15U];
        out.high[i] = kDigits[digit | mask];
    }
    return out;
}

}  // namespace

Status DocumentMapper::read_ip_range(const MappedField& field, const Json& value) {
    AddressRange range;
    if (value.is_string()) {
        KUMO_TRY_ASSIGN(range, address_block(value.as_string()));
    } else if (!value.is_object()) {
        return illegal_argument(
            "error parsing field [" + field.path + "], expected an object but got " + field.path
        );
    }
    for (const auto& [name, end] : value.is_object() ? value.members() : Json::Object()) {
        if (end.is_null()) {
            continue;
        }
        KUMO_TRY_ASSIGN(std::string digits, ip_digits(end.text()));
        if (name == "gte" || name == "from") {
            range.low = std::move(digits);
        } else if (name == "gt") {
            range.low = next_address(std::move(digits), true);
        } else if (name == "lte" || name == "to") {
            range.high = std::move(digits);
        } else if (name == "lt") {
            range.high = next_address(std::move(digits), false);
        } else {
            return illegal_argument(
                "error parsing field [" + field.path + "], with unknown parameter [" + name + "]"
            );
        }
    }
    if (range.low > range.high) {
        return illegal_argument("min value is greater than max value");
    }
    values_of(field.path + "#gte", field).strings.push_back(std::move(range.low));
    values_of(field.path + "#lte", field).strings.push_back(std::move(range.high));
    return {};
}

Status DocumentMapper::read_vector(const MappedField& field, const Json& value) {
    const std::uint32_t dimensions = engine_fields(field).front().vector.dimensions;
    if (value.is_null()) {
        return {};
    }
    if (!value.is_array() || value.size() != dimensions) {
        return failed(
            field,
            value,
            illegal_argument("Vector dimension mismatch. Expected: " + std::to_string(dimensions))
        );
    }
    std::vector<float> vector;
    for (const Json& item : value.items()) {
        const auto number = item.to_double();
        if (!number) {
            return failed(field, value, not_supported("a vector is made of numbers"));
        }
        vector.push_back(static_cast<float>(*number));
    }
    values_of(field.path, field).vector = std::move(vector);
    return {};
}

Status
DocumentMapper::read_flat(const MappedField& field, const Json& value, const std::string& prefix) {
    if (value.is_object()) {
        for (const auto& [name, member] : value.members()) {
            KUMO_TRY(read_flat(field, member, prefix.empty() ? name : prefix + "." + name));
        }
    } else if (value.is_array()) {
        for (const Json& item : value.items()) {
            KUMO_TRY(read_flat(field, item, prefix));
        }
    } else if (!value.is_null()) {
        values_of(field.path, field).strings.push_back(prefix + "=" + value.text());
    }
    return {};
}

Result<MappedSource> DocumentMapper::finish() {
    MappedSource out;
    if (!update_.is_null()) {
        out.update = Json::object({{"properties", std::move(update_)}});
        return out;
    }
    for (auto& [name, values] : values_) {
        out.values.push_back(std::move(values));
    }
    for (const auto& [path, field] : used_) {
        for (search::Field& made : engine_fields(*field)) {
            out.fields.push_back(std::move(made));
        }
    }
    std::sort(ignored_.begin(), ignored_.end());
    ignored_.erase(std::unique(ignored_.begin(), ignored_.end()), ignored_.end());
    if (!ignored_.empty()) {
        out.values.push_back({std::string(kIgnoredField), {}, ignored_, {}});
        for (search::Field& made : engine_fields(*mapping_.find(kIgnoredField))) {
            out.fields.push_back(std::move(made));
        }
    }
    out.ignored = std::move(ignored_);
    return out;
}

}  // namespace

Result<MappedSource> map_document(const Mapping& mapping, std::string_view id, ByteView source) {
    const auto parsed = Json::parse(source, kSourceLimits);
    if (!parsed.ok()) {
        return fault("mapper_parsing_exception", "failed to parse");
    }
    if (!parsed.value().is_object()) {
        return fault(
            "mapper_parsing_exception",
            "failed to parse: Malformed content, must start with an object"
        );
    }
    DocumentMapper mapper(mapping, id);
    KUMO_TRY(mapper.read_object(parsed.value(), ""));
    return mapper.finish();
}

}  // namespace kumo::api_elastic
