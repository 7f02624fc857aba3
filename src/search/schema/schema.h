#pragma once

#include "base/result.h"
#include "search/analysis/stem_dictionary.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

/// What one value of a field is. Arrays are a property of the field, not of the value.
enum class ValueType : std::uint8_t {
    kString,
    kInt32,
    kInt64,
    kFloat,
    kBool,
    kGeoPoint,
    kGeoPolygon,
    // Of patterns only: the first value of a field decides.
    kAuto,       ///< What it is.
    kAnyString,  ///< A string or an array of strings.
    /// What is inside has fields of its own; it has no values itself.
    kObject,
};

enum class VectorMetric : std::uint8_t {
    kCosine,
    kInnerProduct,
};

/// What a field of vectors is, and how its graph is built (search/vector/hnsw.h).
struct VectorOptions {
    std::uint32_t dimensions = 0;  ///< 0: the field is no vector.
    VectorMetric metric = VectorMetric::kCosine;
    std::uint32_t m = 16;
    std::uint32_t ef_construction = 200;

    bool operator==(const VectorOptions&) const = default;
};

inline constexpr std::uint32_t kDimensionsMax = 4096;
inline constexpr std::uint32_t kHnswMMax = 128;
inline constexpr std::uint32_t kHnswEfConstructionMax = 2000;

/// One field of a collection: declared, found in documents, or a pattern, which has no values
/// itself but says which fields are to be found (field_finder.h).
struct Field {
    std::string name;
    ValueType type = ValueType::kString;
    bool array = false;
    bool facet = false;
    bool optional = false;
    bool index = true;  ///< False: stored only, invisible to search, filters, sort and facets.
    bool sort = false;
    bool infix = false;
    bool stem = false;  ///< Words are indexed as their stems.
    bool store = true;  ///< False: indexed but left out of the stored document.
    bool range_index = false;
    std::string locale{};
    /// Where the stems are from; without a name they are those of the locale's language. Requires
    /// `stem`. What the dictionary said when the field was declared.
    StemDictionary stem_dictionary{};
    VectorOptions vector{};  ///< Of a float[].
    bool found = false;      ///< By a pattern or a mapping: older segments do not know the field.
    /// A string is one token as it is, and stands in a column: text for filters, not for readers.
    bool exact = false;
    /// How text becomes tokens: JSON (analysis/chain.h). Empty: by locale and `stem`.
    std::string analysis{};
    /// "collection.field": its values are those of documents there, which it joins. Empty: none.
    std::string reference{};
    bool async_reference = false;  ///< Those documents may come later.
    bool cascade_delete = true;    ///< It goes when they go.

    /// Its name stands for others.
    bool is_expression() const { return name.find(".*") != std::string::npos; }

    bool is_pattern() const {
        return type == ValueType::kAuto || type == ValueType::kAnyString || is_expression();
    }

    bool is_object() const { return type == ValueType::kObject; }

    bool is_string() const { return type == ValueType::kString; }

    bool is_number() const {
        return !is_vector()
               && (type == ValueType::kInt32 || type == ValueType::kInt64
                   || type == ValueType::kFloat);
    }

    bool is_vector() const { return vector.dimensions > 0; }

    bool is_reference() const { return !reference.empty(); }

    /// The two parts of `reference`. A collection with a dot in its name cannot be referenced.
    std::string_view referenced_collection() const {
        return std::string_view(reference).substr(0, reference.find('.'));
    }

    std::string_view referenced_field() const {
        return std::string_view(reference).substr(reference.find('.') + 1);
    }

    bool is_geo() const { return type == ValueType::kGeoPoint || type == ValueType::kGeoPolygon; }

    bool operator==(const Field&) const = default;
};

/// The fields of a collection and what governs how its text is analysed. An index never changes
/// one: operations give it another one (field_change.h).
struct Schema {
    std::vector<Field> fields;
    std::string default_sorting_field;
    std::vector<std::string> token_separators;  ///< One ASCII character each.
    std::vector<std::string> symbols_to_index;  ///< One ASCII character each.
    bool enable_nested_fields = false;

    /// The field's position in `fields`, or nothing. Not for patterns.
    std::optional<std::size_t> find(std::string_view name) const;

    /// The same for what was declared, fields or patterns.
    std::optional<std::size_t> find_declared(std::string_view name) const;

    bool has_patterns() const;

    bool has_references() const;

    bool operator==(const Schema&) const = default;
};

/// Of a collection: declared, found in documents, and patterns.
inline constexpr std::size_t kFieldsMax = 1024;
inline constexpr std::size_t kFieldNameBytesMax = 512;
/// All words of the dictionaries that a collection's fields name.
inline constexpr std::size_t kStemDictionariesBytesMax = std::size_t{4} << 20;
inline constexpr std::size_t kReferenceBytesMax = 1024;

/// The type as clients write it: "string", "int32[]", ... Nothing for a name that is no type here.
std::string type_name(ValueType type, bool array);

struct TypeSpec {
    ValueType type;
    bool array;
};

/// Parses a type's name. kUnsupported for documented types that this version does not have
/// (object, geopoint, auto, ...), kInvalidArgument for anything else.
Result<TypeSpec> parse_type(std::string_view field, std::string_view name);

/// Checks everything about a schema that does not need documents: names, duplicates, sort and
/// default_sorting_field rules, separators.
Status validate(const Schema& schema);

}  // namespace kumo::search
