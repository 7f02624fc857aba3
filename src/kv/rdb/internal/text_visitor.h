#pragma once

#include "kv/rdb/object_visitor.h"
#include "kv/rdb/rdb_reader.h"

#include <set>
#include <string>

namespace kumo::kv::internal {

/// For tests: a value as text, [a][b] with the bytes as they are.
class TextVisitor final : public ObjectVisitor {
public:
    Status on_string(ByteView value) override;
    Status begin(Type type, std::uint64_t count) override;
    Status on_element(ByteView element) override;
    Status on_field(ByteView field, ByteView value, std::optional<std::int64_t> expire_at_ms)
        override;
    Status on_scored(ByteView member, double score) override;
    Status on_stream_entry(StreamId id, std::span<const ByteView> fields_and_values) override;
    Status on_stream_tail(RdbStreamTail tail) override;

    std::string text;

private:
    void bracket(ByteView bytes);
};

/// For tests: a file as text, a line a key.
class TextSink final : public RdbSink {
public:
    Status on_aux(ByteView name, ByteView value) override;
    Status on_function(ByteView code) override;
    Status on_database(int db, std::uint64_t keys, std::uint64_t volatile_keys) override;
    ObjectVisitor* begin_key(const RdbKey& key) override;
    Status end_key(const RdbKey& key) override;

    std::string text;
    bool aux_too = false;

private:
    TextVisitor visitor_;
};

}  // namespace kumo::kv::internal
