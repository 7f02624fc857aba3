#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "kv/rdb/object_visitor.h"
#include "kv/rdb/rdb_format.h"
#include "kv/rdb/rdb_output.h"
#include "kv/types/encoding_limits.h"
#include "kv/types/value.h"

#include <memory>
#include <string>

namespace kumo::kv {

/// Makes a value of what it is told; refuses members, fields and groups that come twice. One
/// builder can make one value after the other.
///
/// Thread rule: loop-owned.
class ValueBuilder final : public ObjectVisitor {
public:
    /// `limits` must outlive it.
    explicit ValueBuilder(const EncodingLimits& limits) : limits_(limits) {}

    /// What was made, if no error was given: nullptr: a string, which is string().
    std::unique_ptr<Value> take() { return std::move(value_); }

    const std::string& string() const { return string_; }

    Status on_string(ByteView value) override;
    Status begin(Type type, std::uint64_t count) override;
    Status on_element(ByteView element) override;
    /// The field's own expiry is lost: hashes have none in Redis 7.0.
    Status on_field(ByteView field, ByteView value, std::optional<std::int64_t> expire_at_ms)
        override;
    Status on_scored(ByteView member, double score) override;
    Status on_stream_entry(StreamId id, std::span<const ByteView> fields_and_values) override;
    Status on_stream_tail(RdbStreamTail tail) override;

private:
    const EncodingLimits& limits_;
    Type type_ = Type::kString;
    std::string string_;
    std::unique_ptr<Value> value_;
};

/// The form in which a value is written: the plain ones, which every version reads; of streams
/// kStream2, or kStream1 for a DUMP payload.
RdbType rdb_type_of(const Value& value, bool for_dump);
/// The value's bytes, without type and key. `type` is what rdb_type_of() gave.
void write_value(const Value& value, RdbType type, RdbOutput& out);

/// What DUMP answers.
std::string dump_payload(ByteView string);
std::string dump_payload(const Value& value);

/// A value that was read: a string where `value` is nullptr.
struct RestoredValue {
    std::string string;
    std::unique_ptr<Value> value;
};

/// See read_dump().
Result<RestoredValue>
restore_payload(ByteView payload, const EncodingLimits& limits, bool check_envelope = true);

}  // namespace kumo::kv
