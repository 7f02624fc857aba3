#include "search/schema/document_operations.h"

#include "wire/json_writer.h"

namespace kumo::search {

namespace {

using wire::JsonType;
using wire::JsonValue;

bool is_integer(JsonValue value) {
    return !value || value.type() == JsonType::kInt64;
}

Status write_sum(std::string_view field, JsonValue before, JsonValue by, wire::JsonWriter& out) {
    const bool has_number = before && !before.is_null();
    if (!by.is_number() || (has_number && !before.is_number())) {
        return invalid_argument(
            "Field `" + std::string(field) + "` can only be incremented from a number by a number."
        );
    }
    const JsonValue from = has_number ? before : JsonValue();
    out.key(field);
    if (!is_integer(from) || !is_integer(by)) {
        out.number((from ? from.as_double() : 0) + by.as_double());
        return {};
    }
    std::int64_t sum = 0;
    if (__builtin_add_overflow(from ? from.as_int64() : 0, by.as_int64(), &sum)) {
        return invalid_argument("Field `" + std::string(field) + "` cannot be incremented so far.");
    }
    out.integer(sum);
    return {};
}

}  // namespace

Result<std::string> resolve_operations(JsonValue document, JsonValue before) {
    const JsonValue operations = document.find(kOperationsKey);
    const JsonValue increments =
        operations && operations.is_object() ? operations.find("increment") : JsonValue();
    if (!increments || !increments.is_object() || operations.as_object().size() != 1) {
        return invalid_argument(
            "The `$operations` of a document must be an object with `increment`."
        );
    }
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object();
    for (const auto [name, value] : document.as_object()) {
        if (name != kOperationsKey && !increments.find(name)) {
            out.key(name).value(value);
        }
    }
    for (const auto [name, by] : increments.as_object()) {
        KUMO_TRY(write_sum(name, before ? before.find(name) : JsonValue(), by, out));
    }
    out.end_object();
    return json;
}

}  // namespace kumo::search
