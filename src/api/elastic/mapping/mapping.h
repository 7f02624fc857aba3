#pragma once

#include "api/elastic/json.h"
#include "api/elastic/mapping/dates.h"
#include "base/result.h"
#include "search/schema/schema.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_elastic {

/// What kind of field a mapping's "type" makes. The comment says which part of the engine has it
/// (search/schema/schema.h): text = string with words and positions; exact = string as it is, with
/// a column; int = 64-bit column; real = column of doubles.
enum class FieldKind : std::uint8_t {
    kText,             ///< text; also match_only_text, search_as_you_type
    kKeyword,          ///< exact; also version
    kWildcard,         ///< exact
    kConstantKeyword,  ///< none: the value is the mapping's
    kLong,             ///< int; integer, short and byte too, each with its range
    kInteger,
    kShort,
    kByte,
    kUnsignedLong,  ///< int: the value with its first bit turned
    kDouble,        ///< real
    kFloat,
    kHalfFloat,
    kScaledFloat,
    kDate,         ///< int: milliseconds
    kDateNanos,    ///< int: nanoseconds
    kBoolean,      ///< int: 0, 1
    kIp,           ///< exact: 32 hex digits of the IPv6 address (IPv4 mapped into it)
    kBinary,       ///< none
    kGeoPoint,     ///< a point
    kGeoShape,     ///< none
    kVector,       ///< a vector
    kTokenCount,   ///< int
    kCompletion,   ///< exact
    kRange,        ///< int or real: two fields, path + "#gte" and path + "#lte"
    kFlatObject,   ///< exact: path has "key=value" of all leaves (dots between keys)
    kRankFeature,  ///< real
    kJoin,         ///< exact
    kPercolator,   ///< none
    kAlias,        ///< none: stands for another field
    kObject,       ///< none
    kNested,       ///< none
};

/// One field of a mapping; multi-fields ("title.raw") are fields of their own.
struct MappedField {
    std::string path;
    FieldKind kind = FieldKind::kObject;
    std::string type;  ///< As it stands in the mapping.
    Json definition;   ///< All of its options, without "properties" and "fields".
    bool index = true;
    bool doc_values = true;
    bool norms = true;
    bool coerce = true;
    bool ignore_malformed = false;
    std::string analyzer;  ///< A chain's JSON (search/analysis/chain.h), resolved. Text only.
    std::string search_analyzer;  ///< The same.
    std::string search_quote_analyzer;
    std::string normalizer;  ///< Of a keyword; empty: none.
    DateFormat format;       ///< Of dates.
    std::optional<Json> null_value;
    std::uint64_t ignore_above = UINT64_MAX;  ///< Characters.
    double scaling_factor = 1;
    std::string target;  ///< Of an alias: the field it stands for.
    std::string parent;  ///< Of a multi-field: the field whose values it has. Empty: none.
    std::string nested;  ///< The innermost nested object it is in. Empty: none.
    std::vector<std::string> copy_to;

    bool is_object() const { return kind == FieldKind::kObject || kind == FieldKind::kNested; }

    bool is_text() const { return kind == FieldKind::kText; }

    /// Its engine field is a string column.
    bool is_exact() const;
    /// Its engine field is a column of 64-bit integers, or of doubles.
    bool is_int() const;
    bool is_real() const;

    bool is_date() const { return kind == FieldKind::kDate || kind == FieldKind::kDateNanos; }
};

/// Which fields of a document were left out because they did not fit; every mapping has it.
inline constexpr std::string_view kIgnoredField = "_ignored";

/// "dynamic" of an object.
enum class Dynamic : std::uint8_t {
    kTrue,
    kFalse,
    kStrict,
    kStrictTemplates,  ///< What a dynamic template is for is taken; nothing else.
    kFalseTemplates,   ///< The same, and the rest is left out.
};

/// How many fields, and how deep, a mapping may have ("index.mapping.total_fields.limit", ...).
struct MappingLimits {
    std::int64_t total_fields = 1000;
    std::int64_t depth = 20;
    std::int64_t nested_fields = 50;
    std::int64_t nested_objects = 10'000;
};

/// A mapping: what the fields of an index's documents are. Made from its JSON and the index's
/// settings (for analyzers). Immutable; any thread.
class Mapping {
public:
    /// `json`: {"properties": ..., "dynamic": ..., ...}, `settings`: flat, "index.x.y" names.
    /// mapper_parsing_exception and illegal_argument_exception in the API's words.
    static Result<std::shared_ptr<const Mapping>> make(Json json, const Json& settings);

    /// The field; an alias's is that it stands for. Null if there is none.
    const MappedField* find(std::string_view path) const;
    /// Without following aliases.
    const MappedField* find_declared(std::string_view path) const;

    /// By path. Objects and multi-fields too.
    const std::map<std::string, MappedField, std::less<>>& fields() const { return fields_; }

    /// Paths, with wildcards, as they come in requests: names of fields that are no objects.
    std::vector<const MappedField*> matching(std::string_view pattern) const;

    const Json& json() const { return json_; }

    Dynamic dynamic_at(std::string_view object_path) const;

    bool date_detection() const { return date_detection_; }

    bool numeric_detection() const { return numeric_detection_; }

    const std::vector<DateFormat>& dynamic_date_formats() const { return dynamic_date_formats_; }

    const MappingLimits& limits() const { return limits_; }

    /// `_source` is kept: all of it unless includes or excludes say otherwise.
    bool source_enabled() const { return source_enabled_; }

    bool routing_required() const { return routing_required_; }

    /// The chain's JSON that an analyzer's name stands for in this index.
    Result<std::string> analyzer(std::string_view name) const;
    Result<std::string> normalizer(std::string_view name) const;

    const std::string& default_search_analyzer() const { return default_search_; }

    /// This mapping with another merged into it, as `_mapping` and dynamic fields do it.
    /// illegal_argument_exception for what cannot be changed.
    Result<Json> merged(const Json& update) const;

private:
    friend class MappingReader;

    Json json_;
    Json settings_;
    std::map<std::string, MappedField, std::less<>> fields_;
    std::map<std::string, Dynamic, std::less<>> dynamic_;
    std::vector<DateFormat> dynamic_date_formats_;
    MappingLimits limits_;
    bool date_detection_ = true;
    bool numeric_detection_ = false;
    bool source_enabled_ = true;
    bool routing_required_ = false;
    std::string default_search_;
};

/// The engine's field(s) of a mapped field; none for those that have none.
std::vector<search::Field> engine_fields(const MappedField& field);

// ---- values

/// A code of the field's engine column as JSON: numbers, dates as milliseconds, booleans. For sort
/// values and the keys of buckets.
Json code_to_json(const MappedField& field, std::int64_t code);
/// The same for a string of its column: addresses in their usual form.
Json string_to_json(const MappedField& field, std::string_view value);
/// As it is written for people: dates by their format (or `format`), booleans as words.
std::string code_to_text(
    const MappedField& field,
    std::int64_t code,
    const DateFormat* format = nullptr,
    const TimeZone& zone = {}
);
/// A JSON scalar of a request or a document as a code of the field. In the API's words.
Result<std::int64_t> json_to_code(const MappedField& field, const Json& value);
/// The same for fields that are strings: normalized keywords, addresses.
Result<std::string> json_to_string(const MappedField& field, const Json& value);

/// 32 hex digits of an address; kInvalidArgument: "'x' is not an IP string literal.".
Result<std::string> ip_digits(std::string_view text);
std::string ip_text(std::string_view digits);

}  // namespace kumo::api_elastic
