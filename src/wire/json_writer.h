#pragma once

#include "base/bytes.h"
#include "wire/json.h"

#include <cstdint>
#include <string>

namespace kumo::wire {

/// Streams JSON into a string that the caller owns. Commas and colons come by themselves; begin
/// and end must pair, and inside an object each value needs its key() first.
///
///     JsonWriter w(out);
///     w.begin_object().key("found").integer(2).key("hits").begin_array() ... .end_array();
///
/// Strings are escaped as RFC 8259 asks, non-ASCII stays UTF-8; invalid UTF-8 is written as
/// U+FFFD, so that the output is always JSON. Doubles are the shortest text that reads back the
/// same and always look like doubles: 2.5, 3.0, 1e+22. NaN and infinities become null.
/// Thread rule: loop-owned; not shared.
class JsonWriter {
public:
    explicit JsonWriter(std::string& out) : out_(out) {}

    JsonWriter(const JsonWriter&) = delete;
    JsonWriter& operator=(const JsonWriter&) = delete;

    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();

    JsonWriter& key(ByteView name);
    JsonWriter& string(ByteView text);
    JsonWriter& integer(std::int64_t value);
    JsonWriter& unsigned_integer(std::uint64_t value);
    JsonWriter& number(double value);
    /// The shortest text that reads back as the same float: 0.1f is 0.1.
    JsonWriter& number_float(float value);
    JsonWriter& boolean(bool value);
    JsonWriter& null();

    /// Bytes that are one JSON value already.
    JsonWriter& raw(ByteView json);

    /// A parsed value, re-encoded without white space. Repeated names are written as they came.
    JsonWriter& value(JsonValue value);

private:
    void separate();

    std::string& out_;
    bool comma_ = false;  ///< Something of the current container is written: a comma comes next.
};

/// Appends `text` as a quoted, escaped JSON string.
void append_json_string(std::string& out, ByteView text);

/// Appends the shortest form of `value`, with ".0" if it would look like an integer.
void append_json_double(std::string& out, double value);

/// Writes `target` changed by `patch` (RFC 7396): an object's null members are removed, its
/// objects merged, everything else replaced. Untouched members keep the target's order and exact
/// bytes, new ones follow in the patch's order; of repeated names the last counts.
/// An absent `target` is an empty one.
void merge_patch(JsonValue target, JsonValue patch, JsonWriter& out);

}  // namespace kumo::wire
