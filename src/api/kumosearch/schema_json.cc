#include "api/kumosearch/schema_json.h"

#include "wire/json.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using wire::JsonValue;

constexpr std::size_t kCollectionNameBytesMax = 512;
constexpr std::size_t kLocaleBytesMax = 16;

Error wrong_fields() {
    return invalid_argument(
        "The `fields` value should be an array of objects containing `name`, `type` and optionally,"
        " `facet` properties."
    );
}

Error not_supported(std::string_view field, std::string_view property) {
    return Error{
        ErrorCode::kUnsupported,
        "Field `" + std::string(field) + "`: the property `" + std::string(property)
            + "` is not supported yet."};
}

/// A boolean property of a field; `absent` if it is not there.
Result<bool> read_flag(JsonValue field, std::string_view property, bool absent) {
    const JsonValue value = field.find(property);
    if (!value || value.is_null()) {
        return absent;
    }
    if (!value.is_bool()) {
        return invalid_argument(
            "The `" + std::string(property) + "` property of the field `"
            + std::string(field.find("name").as_string()) + "` should be a boolean."
        );
    }
    return value.as_bool();
}

/// Whether a property asks for something: an empty one, null or false does not.
bool asks(JsonValue value) {
    if (!value || value.is_null()) {
        return false;
    }
    if (value.is_string()) {
        return !value.as_string().empty();
    }
    return !value.is_bool() || value.as_bool();
}

Status refuse_later_properties(JsonValue field, std::string_view name) {
    return asks(field.find("embed")) ? Status(not_supported(name, "embed")) : Status();
}

Result<std::string> read_text(JsonValue object, std::string_view property, std::size_t bytes_max) {
    const JsonValue value = object.find(property);
    if (!value || value.is_null()) {
        return std::string();
    }
    if (!value.is_string() || value.as_string().size() > bytes_max) {
        return invalid_argument(
            "The `" + std::string(property) + "` property should be a string of at most "
            + std::to_string(bytes_max) + " bytes."
        );
    }
    return std::string(value.as_string());
}

/// A member of hnsw_params; as it is if it is not there.
Status read_hnsw_parameter(JsonValue parameters, std::string_view name, std::uint32_t& out) {
    const JsonValue value = parameters.find(name);
    if (!value || value.is_null()) {
        return {};
    }
    if (value.type() != wire::JsonType::kInt64 || value.as_int64() < 1
        || value.as_int64() > INT32_MAX) {
        return invalid_argument(
            "Property `hnsw_params." + std::string(name) + "` must be a positive integer."
        );
    }
    out = static_cast<std::uint32_t>(value.as_int64());
    return {};
}

/// num_dim and what belongs to it.
Status read_vector(JsonValue json, search::Field& field) {
    const JsonValue dimensions = json.find("num_dim");
    const JsonValue metric = json.find("vec_dist");
    const JsonValue parameters = json.find("hnsw_params");
    if (!asks(dimensions)) {
        if (asks(metric) || asks(parameters)) {
            return invalid_argument(
                "Properties `vec_dist` and `hnsw_params` of the field `" + field.name
                + "` need a `num_dim`."
            );
        }
        return {};
    }
    if (dimensions.type() != wire::JsonType::kInt64 || dimensions.as_int64() < 0
        || dimensions.as_int64() > INT32_MAX) {
        return invalid_argument("Property `num_dim` must be a positive integer.");
    }
    field.vector.dimensions = static_cast<std::uint32_t>(dimensions.as_int64());
    if (asks(metric)) {
        const auto name = metric.is_string() ? metric.as_string() : ByteView();
        if (name != "cosine" && name != "ip") {
            return invalid_argument("Property `vec_dist` must be one of `cosine`, `ip`.");
        }
        field.vector.metric =
            name == "ip" ? search::VectorMetric::kInnerProduct : search::VectorMetric::kCosine;
    }
    if (!asks(parameters)) {
        return {};
    }
    if (!parameters.is_object()) {
        return invalid_argument("Property `hnsw_params` must be an object.");
    }
    KUMO_TRY(read_hnsw_parameter(parameters, "M", field.vector.m));
    return read_hnsw_parameter(parameters, "ef_construction", field.vector.ef_construction);
}

/// reference and what belongs to it.
Status read_reference(JsonValue json, search::Field& field) {
    const JsonValue reference = json.find("reference");
    if (reference && !reference.is_null() && !reference.is_string()) {
        return invalid_argument("Reference should be a string.");
    }
    if (reference && reference.is_string()) {
        field.reference = reference.as_string();
    }
    KUMO_TRY_ASSIGN(field.async_reference, read_flag(json, "async_reference", false));
    KUMO_TRY_ASSIGN(field.cascade_delete, read_flag(json, "cascade_delete", true));
    if (field.async_reference && !field.is_reference()) {
        return invalid_argument(
            "The `async_reference` property of the field `" + field.name
            + "` is only applicable if `reference` is specified."
        );
    }
    if (!field.cascade_delete && !field.async_reference) {
        return invalid_argument(
            "The `cascade_delete` property of the field `" + field.name
            + "` can only be `false` if `async_reference` is `true`."
        );
    }
    return {};
}

Status read_stem(JsonValue json, search::Field& field) {
    KUMO_TRY_ASSIGN(field.stem, read_flag(json, "stem", false));
    KUMO_TRY_ASSIGN(
        field.stem_dictionary.name,
        read_text(json, "stem_dictionary", node::kResourceNameBytesMax)
    );
    field.stem = field.stem || !field.stem_dictionary.name.empty();
    return {};
}

Result<search::Field> read_field(JsonValue json) {
    if (!json.is_object()) {
        return wrong_fields();
    }
    const JsonValue name = json.find("name");
    const JsonValue type = json.find("type");
    if (!name || !name.is_string() || !type || !type.is_string()) {
        return wrong_fields();
    }
    search::Field field;
    field.name = name.as_string();
    KUMO_TRY_ASSIGN(const search::TypeSpec spec, search::parse_type(field.name, type.as_string()));
    field.type = spec.type;
    field.array = spec.array;
    KUMO_TRY(refuse_later_properties(json, field.name));
    KUMO_TRY_ASSIGN(field.facet, read_flag(json, "facet", false));
    KUMO_TRY_ASSIGN(field.optional, read_flag(json, "optional", field.is_pattern()));
    KUMO_TRY_ASSIGN(field.index, read_flag(json, "index", true));
    const bool is_point = field.type == search::ValueType::kGeoPoint;
    const bool plain = field.is_number() || field.type == search::ValueType::kBool;
    const bool sorts = field.index && (is_point || (plain && !field.array));
    KUMO_TRY_ASSIGN(field.sort, read_flag(json, "sort", sorts));
    // Accepted for number arrays by tradition, where it means nothing.
    field.sort =
        field.sort && (field.is_string() || is_point || field.is_pattern() || !field.array);
    KUMO_TRY_ASSIGN(field.infix, read_flag(json, "infix", false));
    KUMO_TRY_ASSIGN(field.store, read_flag(json, "store", true));
    KUMO_TRY_ASSIGN(field.range_index, read_flag(json, "range_index", false));
    KUMO_TRY(read_vector(json, field));
    KUMO_TRY(read_reference(json, field));
    KUMO_TRY_ASSIGN(field.locale, read_text(json, "locale", kLocaleBytesMax));
    KUMO_TRY(read_stem(json, field));
    return field;
}

Status read_fields(JsonValue json, search::Schema& schema) {
    if (!json) {
        return invalid_argument("Parameter `fields` is required.");
    }
    if (!json.is_array() || json.as_array().size() == 0) {
        return wrong_fields();
    }
    for (const JsonValue element : json.as_array()) {
        KUMO_TRY_ASSIGN(search::Field field, read_field(element));
        if (element.find("drop")) {
            return invalid_argument(
                "Invalid property `drop` on field `" + field.name
                + "`: it is allowed only during schema update."
            );
        }
        if (field.name == "id") {
            continue;  // Every document has one; declaring it changes nothing.
        }
        schema.fields.push_back(std::move(field));
    }
    return {};
}

Result<std::vector<std::string>> read_strings(JsonValue object, std::string_view property) {
    std::vector<std::string> out;
    const JsonValue value = object.find(property);
    if (!value || value.is_null()) {
        return out;
    }
    const Error wrong = invalid_argument(
        "The `" + std::string(property) + "` value should be an array of strings."
    );
    if (!value.is_array()) {
        return wrong;
    }
    for (const JsonValue element : value.as_array()) {
        if (!element.is_string()) {
            return wrong;
        }
        out.emplace_back(element.as_string());
    }
    return out;
}

Status read_nesting(JsonValue root, search::Schema& schema) {
    const JsonValue nested = root.find("enable_nested_fields");
    if (!nested || nested.is_null()) {
        return {};
    }
    if (!nested.is_bool()) {
        return invalid_argument("The `enable_nested_fields` value should be a boolean.");
    }
    schema.enable_nested_fields = nested.as_bool();
    return {};
}

Status read_count(JsonValue root, std::string_view name, std::uint32_t max, std::uint32_t& count) {
    const JsonValue value = root.find(name);
    if (!value || value.is_null()) {
        return {};
    }
    const bool fits =
        value.type() == wire::JsonType::kInt64 && value.as_int64() >= 1 && value.as_int64() <= max;
    if (!fits) {
        return invalid_argument(
            "Parameter `" + std::string(name) + "` must be an integer from 1 to "
            + std::to_string(max) + "."
        );
    }
    count = static_cast<std::uint32_t>(value.as_int64());
    return {};
}

Status read_replication(JsonValue root, node::CollectionSpec& spec) {
    KUMO_TRY(read_count(root, "num_shards", node::kShardsPerCollectionMax, spec.num_shards));
    KUMO_TRY(read_count(root, "min_in_sync", node::kMinInSyncMax, spec.min_in_sync));
    const JsonValue value = root.find("replication_mode");
    if (!value || value.is_null()) {
        return {};
    }
    const auto mode = value.is_string() ? cluster::ack_mode_of(value.as_string()) : std::nullopt;
    if (!mode) {
        return invalid_argument(
            "Parameter `replication_mode` must be one of `sync`, `majority`, `async`."
        );
    }
    spec.replication_mode = *mode;
    return {};
}

Status refuse_later_settings(JsonValue root) {
    for (const std::string_view property : {"voice_query_model"}) {
        const JsonValue value = root.find(property);
        const bool empty = value && value.is_array() && value.as_array().size() == 0;
        if (!empty && asks(value)) {
            return Error{
                ErrorCode::kUnsupported,
                "The property `" + std::string(property) + "` is not supported yet."};
        }
    }
    return {};
}

void write_field(wire::JsonWriter& writer, const search::Field& field) {
    writer.begin_object();
    if (field.is_reference()) {
        writer.key("async_reference").boolean(field.async_reference);
        writer.key("cascade_delete").boolean(field.cascade_delete);
    }
    writer.key("facet").boolean(field.facet);
    if (field.is_vector()) {
        writer.key("hnsw_params").begin_object();
        writer.key("M").unsigned_integer(field.vector.m);
        writer.key("ef_construction").unsigned_integer(field.vector.ef_construction);
        writer.end_object();
    }
    writer.key("index").boolean(field.index);
    writer.key("infix").boolean(field.infix);
    writer.key("locale").string(field.locale);
    writer.key("name").string(field.name);
    if (field.is_vector()) {
        writer.key("num_dim").unsigned_integer(field.vector.dimensions);
    }
    writer.key("optional").boolean(field.optional);
    if (field.range_index) {
        writer.key("range_index").boolean(true);
    }
    if (field.is_reference()) {
        writer.key("reference").string(field.reference);
    }
    writer.key("sort").boolean(field.sort);
    writer.key("stem").boolean(field.stem);
    writer.key("stem_dictionary").string(field.stem_dictionary.name);
    writer.key("store").boolean(field.store);
    writer.key("type").string(search::type_name(field.type, field.array));
    if (field.is_vector()) {
        const bool cosine = field.vector.metric == search::VectorMetric::kCosine;
        writer.key("vec_dist").string(cosine ? "cosine" : "ip");
    }
    writer.end_object();
}

void write_strings(wire::JsonWriter& writer, const std::vector<std::string>& strings) {
    writer.begin_array();
    for (const std::string& text : strings) {
        writer.string(text);
    }
    writer.end_array();
}

}  // namespace

Result<std::string> read_collection_name(JsonValue root) {
    const JsonValue name = root.find("name");
    if (!name) {
        return invalid_argument("Parameter `name` is required.");
    }
    if (!name.is_string() || name.as_string().empty()
        || name.as_string().size() > kCollectionNameBytesMax) {
        return invalid_argument("Parameter `name` must be a string of 1 to 512 bytes.");
    }
    return std::string(name.as_string());
}

Result<node::CollectionSpec> parse_collection(ByteView json) {
    auto parsed = wire::JsonDocument::parse(json);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        return invalid_argument("Bad JSON.");
    }
    const JsonValue root = parsed.value().root();
    node::CollectionSpec spec;
    KUMO_TRY_ASSIGN(spec.name, read_collection_name(root));
    search::Schema& schema = spec.schema;
    KUMO_TRY(read_fields(root.find("fields"), schema));
    KUMO_TRY_ASSIGN(
        schema.default_sorting_field,
        read_text(root, "default_sorting_field", search::kFieldNameBytesMax)
    );
    KUMO_TRY_ASSIGN(schema.token_separators, read_strings(root, "token_separators"));
    KUMO_TRY_ASSIGN(schema.symbols_to_index, read_strings(root, "symbols_to_index"));
    KUMO_TRY(read_nesting(root, schema));
    KUMO_TRY(read_replication(root, spec));
    KUMO_TRY_ASSIGN(spec.synonym_sets, read_strings(root, "synonym_sets"));
    KUMO_TRY_ASSIGN(spec.curation_sets, read_strings(root, "curation_sets"));
    KUMO_TRY(refuse_later_settings(root));
    if (const JsonValue metadata = root.find("metadata")) {
        if (!metadata.is_object()) {
            return invalid_argument("The `metadata` value should be an object.");
        }
        spec.metadata = metadata.raw();
    }
    KUMO_TRY(search::validate(schema));
    for (const search::Field& field : schema.fields) {
        if (field.is_reference() && field.referenced_collection() == spec.name) {
            return invalid_argument(
                "Referencing a field of the same collection is not allowed: `" + field.name
                + "` field references `" + spec.name + "` collection."
            );
        }
    }
    return spec;
}

namespace {

Error wrong_changes() {
    return invalid_argument(
        "The `fields` value should be an array of objects containing the field `name` "
        "and other properties."
    );
}

Status read_field_change(JsonValue json, search::FieldChange& change) {
    if (!json.is_object() || !json.find("name") || !json.find("name").is_string()) {
        return wrong_changes();
    }
    const JsonValue drop = json.find("drop");
    std::string name(json.find("name").as_string());
    if (!drop) {
        if (!json.find("type") || !json.find("type").is_string()) {
            return invalid_argument(
                "Wrong format for `fields`. It should be an array of objects containing `name`, "
                "`type`, `optional` and `facet` properties."
            );
        }
        KUMO_TRY_ASSIGN(search::Field field, read_field(json));
        if (field.is_reference()) {
            return invalid_argument(
                "Field `" + field.name
                + "`: a reference can only be declared when a collection is created."
            );
        }
        change.adds.push_back(std::move(field));
        return {};
    }
    if (!drop.is_bool() || !drop.as_bool()) {
        return invalid_argument("Field `" + name + "` must have a drop value of `true`.");
    }
    change.drops.push_back(std::move(name));
    return {};
}

Result<search::FieldChange> read_field_changes(JsonValue json) {
    if (!json.is_array() || json.as_array().size() == 0) {
        return wrong_changes();
    }
    search::FieldChange change;
    for (const JsonValue element : json.as_array()) {
        KUMO_TRY(read_field_change(element, change));
    }
    return change;
}

}  // namespace

Result<CollectionUpdate> parse_update(JsonValue body) {
    if (body.as_object().size() == 0) {
        return invalid_argument("Alter payload is empty.");
    }
    CollectionUpdate update;
    node::UpdateCollection& out = update.properties;
    for (const wire::JsonMember member : body.as_object()) {
        if (member.key == "fields") {
            KUMO_TRY_ASSIGN(update.fields, read_field_changes(member.value));
        } else if (member.key == "metadata") {
            if (!member.value.is_object()) {
                return invalid_argument("The `metadata` value should be an object.");
            }
            out.metadata = member.value.raw();
        } else if (member.key == "synonym_sets" && member.value.is_array()) {
            KUMO_TRY_ASSIGN(out.synonym_sets, read_strings(body, member.key));
        } else if (member.key == "curation_sets" && member.value.is_array()) {
            KUMO_TRY_ASSIGN(out.curation_sets, read_strings(body, member.key));
        } else if (member.key == "synonym_sets" || member.key == "curation_sets") {
            return invalid_argument(
                "The `" + std::string(member.key) + "` value should be an array."
            );
        } else {
            return invalid_argument(
                "Only `fields`, `metadata`, `synonym_sets` and "
                "`curation_sets` can be updated at the moment."
            );
        }
    }
    return update;
}

void write_collection(
    wire::JsonWriter& writer,
    const node::CollectionInfo& info,
    const std::vector<std::string>& excluded
) {
    const search::Schema& schema = info.spec.schema;
    const auto wants = [&](std::string_view name) {
        return std::find(excluded.begin(), excluded.end(), name) == excluded.end();
    };
    writer.begin_object();
    writer.key("created_at").integer(info.spec.created_at);
    writer.key("curation_sets");
    write_strings(writer, info.spec.curation_sets);
    writer.key("default_sorting_field").string(schema.default_sorting_field);
    writer.key("enable_nested_fields").boolean(schema.enable_nested_fields);
    if (wants("fields")) {
        writer.key("fields").begin_array();
        for (const search::Field& field : schema.fields) {
            write_field(writer, field);
        }
        writer.end_array();
    }
    if (!info.spec.metadata.empty() && wants("metadata")) {
        writer.key("metadata").raw(info.spec.metadata);
    }
    if (info.spec.min_in_sync > 1) {
        writer.key("min_in_sync").unsigned_integer(info.spec.min_in_sync);
    }
    writer.key("name").string(info.spec.name);
    writer.key("num_documents").unsigned_integer(info.num_documents);
    if (info.spec.num_shards > 1) {
        writer.key("num_shards").unsigned_integer(info.spec.num_shards);
    }
    if (info.spec.replication_mode != cluster::AckMode::kSync) {
        writer.key("replication_mode").string(cluster::name_of(info.spec.replication_mode));
    }
    writer.key("symbols_to_index");
    write_strings(writer, schema.symbols_to_index);
    writer.key("synonym_sets");
    write_strings(writer, info.spec.synonym_sets);
    writer.key("token_separators");
    write_strings(writer, schema.token_separators);
    writer.end_object();
}

}  // namespace kumo::api_kumosearch
