#include "api/elastic/mapping/mapping.h"

#include "api/elastic/fault.h"
#include "api/elastic/mapping/analysis.h"
#include "api/elastic/mapping/internal/properties.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

const std::map<std::string_view, FieldKind>& kinds() {
    static const std::map<std::string_view, FieldKind> kKinds = {
        {"text", FieldKind::kText},
        {"match_only_text", FieldKind::kText},
        {"search_as_you_type", FieldKind::kText},
        {"annotated_text", FieldKind::kText},
        {"keyword", FieldKind::kKeyword},
        {"version", FieldKind::kKeyword},
        {"wildcard", FieldKind::kWildcard},
        {"constant_keyword", FieldKind::kConstantKeyword},
        {"long", FieldKind::kLong},
        {"integer", FieldKind::kInteger},
        {"short", FieldKind::kShort},
        {"byte", FieldKind::kByte},
        {"unsigned_long", FieldKind::kUnsignedLong},
        {"double", FieldKind::kDouble},
        {"float", FieldKind::kFloat},
        {"half_float", FieldKind::kHalfFloat},
        {"scaled_float", FieldKind::kScaledFloat},
        {"date", FieldKind::kDate},
        {"date_nanos", FieldKind::kDateNanos},
        {"boolean", FieldKind::kBoolean},
        {"ip", FieldKind::kIp},
        {"binary", FieldKind::kBinary},
        {"geo_point", FieldKind::kGeoPoint},
        {"geo_shape", FieldKind::kGeoShape},
        {"knn_vector", FieldKind::kVector},
        {"dense_vector", FieldKind::kVector},
        {"token_count", FieldKind::kTokenCount},
        {"completion", FieldKind::kCompletion},
        {"integer_range", FieldKind::kRange},
        {"long_range", FieldKind::kRange},
        {"float_range", FieldKind::kRange},
        {"double_range", FieldKind::kRange},
        {"date_range", FieldKind::kRange},
        {"ip_range", FieldKind::kRange},
        {"flat_object", FieldKind::kFlatObject},
        {"flattened", FieldKind::kFlatObject},
        {"rank_feature", FieldKind::kRankFeature},
        {"join", FieldKind::kJoin},
        {"percolator", FieldKind::kPercolator},
        {"alias", FieldKind::kAlias},
        {"object", FieldKind::kObject},
        {"nested", FieldKind::kNested},
    };
    return kKinds;
}

const std::set<std::string_view>& known_parameters() {
    static const std::set<std::string_view> kKnown = {
        "type",
        "index",
        "store",
        "doc_values",
        "boost",
        "null_value",
        "copy_to",
        "fields",
        "meta",
        "ignore_malformed",
        "coerce",
        "script",
        "on_script_error",
        "analyzer",
        "search_analyzer",
        "search_quote_analyzer",
        "normalizer",
        "norms",
        "index_options",
        "term_vector",
        "similarity",
        "position_increment_gap",
        "fielddata",
        "fielddata_frequency_filter",
        "eager_global_ordinals",
        "index_prefixes",
        "index_phrases",
        "ignore_above",
        "split_queries_on_whitespace",
        "format",
        "locale",
        "print_format",
        "scaling_factor",
        "dims",
        "dimension",
        "method",
        "model_id",
        "space_type",
        "mode",
        "compression_level",
        "data_type",
        "engine",
        "enable_position_increments",
        "preserve_separators",
        "preserve_position_increments",
        "max_input_length",
        "contexts",
        "max_shingle_size",
        "depth_limit",
        "positive_score_impact",
        "relations",
        "path",
        "properties",
        "dynamic",
        "enabled",
        "include_in_parent",
        "include_in_root",
        "value",
        "ignore_z_value",
        "orientation",
        "strategy",
        "tree",
        "precision",
        "tree_levels",
        "resolution",
        "skip_list",
        "derived"};
    return kKnown;
}

Error mapper_error(std::string reason) {
    return fault("mapper_parsing_exception", std::move(reason));
}

bool flag(const Json& options, std::string_view name, bool otherwise) {
    const Json* const value = options.find(name);
    return value == nullptr ? otherwise : value->to_bool().value_or(otherwise);
}

std::string text(const Json& options, std::string_view name) {
    const Json* const value = options.find(name);
    return value == nullptr || value->is_null() ? std::string() : value->text();
}

}  // namespace

bool MappedField::is_exact() const {
    switch (kind) {
        case FieldKind::kKeyword:
        case FieldKind::kWildcard:
        case FieldKind::kIp:
        case FieldKind::kCompletion:
        case FieldKind::kFlatObject:
        case FieldKind::kJoin: return true;
        default: return false;
    }
}

bool MappedField::is_int() const {
    switch (kind) {
        case FieldKind::kLong:
        case FieldKind::kInteger:
        case FieldKind::kShort:
        case FieldKind::kByte:
        case FieldKind::kUnsignedLong:
        case FieldKind::kDate:
        case FieldKind::kDateNanos:
        case FieldKind::kBoolean:
        case FieldKind::kTokenCount: return true;
        default: return false;
    }
}

bool MappedField::is_real() const {
    switch (kind) {
        case FieldKind::kDouble:
        case FieldKind::kFloat:
        case FieldKind::kHalfFloat:
        case FieldKind::kScaledFloat:
        case FieldKind::kRankFeature: return true;
        default: return false;
    }
}

/// Makes a Mapping from JSON.
class MappingReader {
public:
    explicit MappingReader(Mapping& out) : out_(out) {}

    Status read();

private:
    /// Where a field stands.
    struct Place {
        std::string prefix;  ///< "a.b.", or empty.
        std::string nested;
        Dynamic dynamic = Dynamic::kTrue;
        std::int64_t depth = 1;
    };

    Status read_root();
    Status read_settings();
    Status read_properties(const Json& properties, const Place& place);
    Status read_field(const std::string& name, const Json& definition, const Place& place);
    Status read_dotted(const std::string& name, const Json& definition, const Place& place);
    Status read_object(const Json& definition, const std::string& path, bool nested, Place place);
    Result<MappedField> make_leaf(const std::string& path, FieldKind kind, const Json& definition);
    Status read_analyzers(MappedField& field);
    Status read_vector(const MappedField& field) const;
    Status add_multi_fields(const MappedField& parent, const Json& definition);
    Status add(MappedField field);
    Result<Dynamic> dynamic_of(const Json& object, Dynamic otherwise) const;
    Status check_aliases() const;

    Mapping& out_;
    std::int64_t count_ = 0;
    std::int64_t nested_count_ = 0;
};

Status MappingReader::read() {
    KUMO_TRY(read_settings());
    KUMO_TRY(read_root());
    if (const Json* const properties = out_.json_.find("properties")) {
        if (!properties->is_object()) {
            return mapper_error(
                "Expected map for property [properties] but got a class java.lang.String"
            );
        }
        Place root;
        root.dynamic = out_.dynamic_.at("");
        KUMO_TRY(read_properties(*properties, root));
    }
    return check_aliases();
}

Status MappingReader::read_settings() {
    const auto limit = [this](std::string_view name, std::int64_t otherwise) {
        const Json* const value = out_.settings_.find(name);
        return value == nullptr ? otherwise : value->to_int64().value_or(otherwise);
    };
    MappingLimits& limits = out_.limits_;
    limits.total_fields = limit("index.mapping.total_fields.limit", limits.total_fields);
    limits.depth = limit("index.mapping.depth.limit", limits.depth);
    limits.nested_fields = limit("index.mapping.nested_fields.limit", limits.nested_fields);
    limits.nested_objects = limit("index.mapping.nested_objects.limit", limits.nested_objects);
    const Json analysis = nested_settings(out_.settings_)["index"]["analysis"];
    const Json* const analyzers = analysis.find("analyzer");
    const bool has_search = analyzers != nullptr && analyzers->find("default_search") != nullptr;
    KUMO_TRY_ASSIGN(
        const Json chain,
        analyzer_chain(analysis, has_search ? "default_search" : "default")
    );
    out_.default_search_ = chain.dump();
    return {};
}

Result<Dynamic> MappingReader::dynamic_of(const Json& object, Dynamic otherwise) const {
    const Json* const value = object.find("dynamic");
    if (value == nullptr) {
        return otherwise;
    }
    const std::string mode = value->text();
    if (mode == "strict" || mode == "strict_allow_templates") {
        return mode == "strict" ? Dynamic::kStrict : Dynamic::kStrictTemplates;
    }
    if (mode == "false" || mode == "false_allow_templates") {
        return mode == "false" ? Dynamic::kFalse : Dynamic::kFalseTemplates;
    }
    if (mode == "true" || mode == "runtime") {
        return Dynamic::kTrue;
    }
    return mapper_error("Could not convert [dynamic.dynamic] to boolean");
}

Status MappingReader::read_root() {
    static const std::set<std::string_view> kKnown = {
        "properties",
        "dynamic",
        "dynamic_templates",
        "date_detection",
        "numeric_detection",
        "dynamic_date_formats",
        "_source",
        "_routing",
        "_meta",
        "_field_names",
        "_size",
        "_type",
        "_data_stream_timestamp",
        "runtime",
        "enabled",
        "derived",
        "data_stream_timestamp"};
    const Json& json = out_.json_;
    for (const auto& [name, value] : json.members()) {
        if (kKnown.find(name) == kKnown.end()) {
            return mapper_error(
                "Root mapping definition has unsupported parameters:  [" + name + " : "
                + value.text() + "]"
            );
        }
    }
    KUMO_TRY_ASSIGN(const Dynamic dynamic, dynamic_of(json, Dynamic::kTrue));
    out_.dynamic_[""] = dynamic;
    out_.date_detection_ = flag(json, "date_detection", true);
    out_.numeric_detection_ = flag(json, "numeric_detection", false);
    if (const Json* const source = json.find("_source")) {
        out_.source_enabled_ = flag(*source, "enabled", true);
    }
    if (const Json* const routing = json.find("_routing")) {
        out_.routing_required_ = flag(*routing, "required", false);
    }
    const Json* formats = json.find("dynamic_date_formats");
    const Json usual =
        Json::array({"strict_date_optional_time", "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd"});
    for (const Json& format :
         (formats != nullptr && formats->is_array() ? *formats : usual).items()) {
        KUMO_TRY_ASSIGN(DateFormat made, DateFormat::make(format.text()));
        out_.dynamic_date_formats_.push_back(std::move(made));
    }
    return {};
}

Status MappingReader::read_properties(const Json& properties, const Place& place) {
    if (!properties.is_object()) {
        return mapper_error(
            "Expected map for property [properties] but got a class java.lang.String"
        );
    }
    if (place.depth > out_.limits_.depth) {
        return illegal_argument(
            "Limit of mapping depth [" + std::to_string(out_.limits_.depth)
            + "] has been exceeded due to object field [" + place.prefix + "]"
        );
    }
    for (const auto& [name, definition] : properties.members()) {
        KUMO_TRY(read_dotted(name, definition, place));
    }
    return {};
}

/// "a.b" in the properties is b inside of a.
Status
MappingReader::read_dotted(const std::string& name, const Json& definition, const Place& place) {
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) {
        return read_field(name, definition, place);
    }
    Place inside = place;
    inside.prefix += name.substr(0, dot + 1);
    const std::string path = inside.prefix.substr(0, inside.prefix.size() - 1);
    if (out_.find_declared(path) == nullptr) {
        MappedField object;
        object.path = path;
        object.type = "object";
        KUMO_TRY(add(std::move(object)));
        out_.dynamic_[path] = place.dynamic;
    }
    return read_dotted(name.substr(dot + 1), definition, inside);
}

Status
MappingReader::read_field(const std::string& name, const Json& definition, const Place& place) {
    const std::string path = place.prefix + name;
    if (name.empty() || name.find_first_not_of(' ') == std::string::npos) {
        return illegal_argument("field name cannot be an empty string");
    }
    if (!definition.is_object()) {
        return mapper_error(
            "Expected map for property [fields] on field [" + name
            + "] but got a class java.lang.String"
        );
    }
    std::string type = text(definition, "type");
    if (type.empty()) {
        if (definition.find("properties") == nullptr && !definition.empty()
            && definition.find("dynamic") == nullptr && definition.find("enabled") == nullptr) {
            return mapper_error("No type specified for field [" + name + "]");
        }
        type = "object";
    }
    const auto kind = kinds().find(type);
    if (kind == kinds().end()) {
        return mapper_error("No handler for type [" + type + "] declared on field [" + name + "]");
    }
    for (const auto& [parameter, value] : definition.members()) {
        if (known_parameters().find(parameter) == known_parameters().end()) {
            return mapper_error(
                "unknown parameter [" + parameter + "] on mapper [" + name + "] of type [" + type
                + "]"
            );
        }
    }
    if (kind->second == FieldKind::kObject || kind->second == FieldKind::kNested) {
        return read_object(definition, path, kind->second == FieldKind::kNested, place);
    }
    KUMO_TRY_ASSIGN(MappedField field, make_leaf(path, kind->second, definition));
    field.nested = place.nested;
    const MappedField parent = field;
    KUMO_TRY(add(std::move(field)));
    return add_multi_fields(parent, definition);
}

Status MappingReader::read_object(
    const Json& definition,
    const std::string& path,
    bool nested,
    Place place
) {
    MappedField field;
    field.path = path;
    field.kind = nested ? FieldKind::kNested : FieldKind::kObject;
    field.type = nested ? "nested" : "object";
    field.nested = place.nested;
    field.definition = definition;
    field.definition.erase("properties");
    field.index = flag(definition, "enabled", true);
    KUMO_TRY(add(std::move(field)));
    if (nested && ++nested_count_ > out_.limits_.nested_fields) {
        return illegal_argument(
            "Limit of nested fields [" + std::to_string(out_.limits_.nested_fields)
            + "] has been exceeded"
        );
    }
    KUMO_TRY_ASSIGN(place.dynamic, dynamic_of(definition, place.dynamic));
    out_.dynamic_[path] = place.dynamic;
    place.prefix = path + ".";
    place.nested = nested ? path : place.nested;
    ++place.depth;
    const Json* const properties = definition.find("properties");
    return properties == nullptr ? Status() : read_properties(*properties, place);
}

Result<MappedField>
MappingReader::make_leaf(const std::string& path, FieldKind kind, const Json& definition) {
    MappedField field;
    field.path = path;
    field.kind = kind;
    field.type = text(definition, "type");
    field.definition = definition;
    field.definition.erase("fields");
    field.index = flag(definition, "index", true);
    field.doc_values = flag(definition, "doc_values", true);
    field.norms = flag(definition, "norms", true);
    field.coerce = flag(definition, "coerce", true);
    field.ignore_malformed = flag(definition, "ignore_malformed", false);
    field.target = text(definition, "path");
    if (const Json* const value = definition.find("null_value"); value != nullptr) {
        field.null_value = *value;
    }
    if (const Json* const value = definition.find("ignore_above"); value != nullptr) {
        field.ignore_above = static_cast<std::uint64_t>(value->to_int64().value_or(INT64_MAX));
    }
    if (const Json* const value = definition.find("copy_to"); value != nullptr) {
        for (const Json& to : value->is_array() ? value->items() : Json::Array{*value}) {
            field.copy_to.push_back(to.text());
        }
    }
    if (kind == FieldKind::kScaledFloat) {
        const Json* const factor = definition.find("scaling_factor");
        if (factor == nullptr || !factor->to_double()) {
            return mapper_error("Field [scaling_factor] is required");
        }
        field.scaling_factor = *factor->to_double();
    }
    if (field.is_date() || field.type == "date_range") {
        const std::string format = text(definition, "format");
        KUMO_TRY_ASSIGN(
            field.format,
            format.empty() ? Result<DateFormat>(
                kind == FieldKind::kDateNanos
                    ? DateFormat::make("strict_date_optional_time_nanos||epoch_millis").value()
                    : default_date_format()
            )
                           : DateFormat::make(format)
        );
    }
    if (kind == FieldKind::kAlias && field.target.empty()) {
        return mapper_error("The [path] property must be specified for field [" + path + "].");
    }
    KUMO_TRY(read_analyzers(field));
    KUMO_TRY(read_vector(field));
    return field;
}

Status MappingReader::read_analyzers(MappedField& field) {
    const std::string normalizer = text(field.definition, "normalizer");
    if (!normalizer.empty()) {
        auto chain = out_.normalizer(normalizer);
        if (!chain.ok()) {
            return mapper_error(
                "normalizer [" + normalizer + "] not found for field [" + field.path + "]"
            );
        }
        field.normalizer = std::move(chain).value();
    }
    if (!field.is_text() && field.kind != FieldKind::kTokenCount) {
        return {};
    }
    const std::string index = text(field.definition, "analyzer");
    const std::string search = text(field.definition, "search_analyzer");
    const auto named = [&](const std::string& name) -> Result<std::string> {
        auto chain = out_.analyzer(name);
        if (!chain.ok()) {
            return mapper_error("analyzer [" + name + "] has not been configured in mappings");
        }
        return chain;
    };
    KUMO_TRY_ASSIGN(field.analyzer, named(index.empty() ? "default" : index));
    field.search_analyzer = index.empty() ? out_.default_search_ : field.analyzer;
    if (!search.empty()) {
        KUMO_TRY_ASSIGN(field.search_analyzer, named(search));
    }
    const std::string quote = text(field.definition, "search_quote_analyzer");
    field.search_quote_analyzer = field.search_analyzer;
    if (!quote.empty()) {
        KUMO_TRY_ASSIGN(field.search_quote_analyzer, named(quote));
    }
    return {};
}

Status MappingReader::read_vector(const MappedField& field) const {
    if (field.kind != FieldKind::kVector) {
        return {};
    }
    const std::string_view name = field.type == "knn_vector" ? "dimension" : "dims";
    const Json* const size = field.definition.find(name);
    const auto dimensions = size == nullptr ? std::nullopt : size->to_int64();
    if (!dimensions || *dimensions < 1 || *dimensions > search::kDimensionsMax) {
        return mapper_error(
            "Dimension value must be greater than 0 and at most "
            + std::to_string(search::kDimensionsMax) + " for vector: " + field.path
        );
    }
    return {};
}

Status MappingReader::add_multi_fields(const MappedField& parent, const Json& definition) {
    const Json* const fields = definition.find("fields");
    if (fields == nullptr) {
        return {};
    }
    if (!fields->is_object()) {
        return mapper_error("Expected map for property [fields] on field [" + parent.path + "]");
    }
    for (const auto& [name, options] : fields->members()) {
        const std::string type = text(options, "type");
        const auto kind = kinds().find(type);
        if (kind == kinds().end()) {
            return mapper_error(
                "No handler for type [" + type + "] declared on field [" + name + "]"
            );
        }
        if (kind->second == FieldKind::kObject || kind->second == FieldKind::kNested) {
            return mapper_error("Type [" + type + "] cannot be used in multi field");
        }
        KUMO_TRY_ASSIGN(
            MappedField field,
            make_leaf(parent.path + "." + name, kind->second, options)
        );
        field.parent = parent.path;
        field.nested = parent.nested;
        KUMO_TRY(add(std::move(field)));
    }
    return {};
}

Status MappingReader::add(MappedField field) {
    if (++count_ > out_.limits_.total_fields) {
        return illegal_argument(
            "Limit of total fields [" + std::to_string(out_.limits_.total_fields)
            + "] has been exceeded"
        );
    }
    std::string path = field.path;
    if (path.size() > search::kFieldNameBytesMax) {
        return mapper_error("the name of a field is above 512 bytes");
    }
    out_.fields_.insert_or_assign(std::move(path), std::move(field));
    return {};
}

Status MappingReader::check_aliases() const {
    for (const auto& [path, field] : out_.fields_) {
        if (field.kind != FieldKind::kAlias) {
            continue;
        }
        const MappedField* const target = out_.find_declared(field.target);
        if (target == nullptr) {
            return mapper_error(
                "Invalid [path] value [" + field.target + "] for field alias [" + path
                + "]: an alias must refer to an existing field in the mappings."
            );
        }
        if (target->kind == FieldKind::kAlias || field.target == path) {
            return mapper_error(
                "Invalid [path] value [" + field.target + "] for field alias [" + path
                + "]: an alias cannot refer to "
                + (field.target == path ? "itself." : "another alias.")
            );
        }
    }
    return {};
}

Result<std::shared_ptr<const Mapping>> Mapping::make(Json json, const Json& settings) {
    auto out = std::make_shared<Mapping>();
    out->json_ = json.is_object() ? std::move(json) : Json::object();
    if (const Json* const properties = std::as_const(out->json_).find("properties");
        properties != nullptr && properties->is_object()) {
        Json expanded = expanded_properties(*properties);
        out->json_["properties"] = std::move(expanded);
    }
    out->settings_ = settings.is_object() ? settings : Json::object();
    KUMO_TRY(MappingReader(*out).read());
    return std::shared_ptr<const Mapping>(std::move(out));
}

const MappedField* Mapping::find_declared(std::string_view path) const {
    const auto found = fields_.find(path);
    return found == fields_.end() ? nullptr : &found->second;
}

const MappedField* Mapping::find(std::string_view path) const {
    if (path == kIgnoredField) {
        static const MappedField kIgnored = [] {
            MappedField field;
            field.path = kIgnoredField;
            field.kind = FieldKind::kKeyword;
            field.type = "_ignored";
            return field;
        }();
        return &kIgnored;
    }
    const MappedField* const field = find_declared(path);
    return field != nullptr && field->kind == FieldKind::kAlias ? find_declared(field->target)
                                                                : field;
}

std::vector<const MappedField*> Mapping::matching(std::string_view pattern) const {
    std::vector<const MappedField*> out;
    if (pattern.find('*') == std::string_view::npos) {
        const MappedField* const field = find(pattern);
        if (field != nullptr && !field->is_object()) {
            out.push_back(field);
        }
        return out;
    }
    for (const auto& [path, declared] : fields_) {
        const MappedField* const field = find(path);
        if (field != nullptr && !field->is_object() && matches_wildcard(pattern, path)) {
            out.push_back(field);
        }
    }
    return out;
}

Dynamic Mapping::dynamic_at(std::string_view object_path) const {
    for (std::string_view path = object_path;;) {
        if (const auto found = dynamic_.find(path); found != dynamic_.end()) {
            return found->second;
        }
        const std::size_t dot = path.rfind('.');
        path = dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
    }
}

Result<std::string> Mapping::analyzer(std::string_view name) const {
    const Json analysis = nested_settings(settings_)["index"]["analysis"];
    KUMO_TRY_ASSIGN(const Json chain, analyzer_chain(analysis, name));
    return chain.dump();
}

Result<std::string> Mapping::normalizer(std::string_view name) const {
    const Json analysis = nested_settings(settings_)["index"]["analysis"];
    KUMO_TRY_ASSIGN(const Json chain, normalizer_chain(analysis, name));
    return chain.dump();
}

}  // namespace kumo::api_elastic
