#pragma once

#include "base/result.h"
#include "search/geo/geo_point.h"
#include "search/schema/schema.h"
#include "wire/json.h"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

/// What to do with a value that is not of its field's type.
enum class DirtyValues : std::uint8_t {
    kReject,
    kDrop,
    kCoerceOrReject,
    kCoerceOrDrop,
    /// As is usual for the schema: kCoerceOrReject if it has patterns, else kReject.
    kBySchema,
};

/// The values of one field of one document: codes (search/column/codes.h, geo_point.h) or strings.
struct FieldValues {
    std::vector<std::int64_t> codes;
    std::vector<std::string_view> strings;
    std::vector<float> vector;
    std::vector<GeoPoint> points;  ///< What the codes of a geopoint or geopolygon were made of.

    bool empty() const { return codes.empty() && strings.empty(); }
};

/// A document that fits its schema: what the index takes, and the JSON that is stored. The string
/// views point into the JsonDocument it was made from or into `coerced`.
struct TypedDocument {
    std::vector<FieldValues> fields;  ///< By position in Schema::fields.
    std::string source;
    std::deque<std::string> coerced;
    float rank = 0;  ///< The default sorting field's value; 0 without one.
};

/// "an int32", "an array of string": for messages.
std::string type_with_article(const Field& field);

/// Checks `root` against the schema and builds the typed form. `id` is stored as the document's
/// id, whatever `root` says. Errors are kInvalidArgument in the words clients know.
Result<TypedDocument>
type_document(const Schema& schema, wire::JsonValue root, std::string_view id, DirtyValues dirty);

}  // namespace kumo::search
