#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "kv/types/stream_id.h"
#include "kv/types/value.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kumo::kv {

/// An entry that was delivered and not acknowledged.
struct RdbPending {
    StreamId id;
    std::int64_t delivered_at_ms = 0;
    std::uint64_t deliveries = 0;
    std::size_t consumer = 0;  ///< Index in RdbStreamGroup::consumers.
};

struct RdbConsumer {
    std::string name;
    std::int64_t seen_at_ms = 0;
    /// -1: never. Not in the file before version 11: then as seen_at_ms.
    std::int64_t active_at_ms = 0;
};

struct RdbStreamGroup {
    std::string name;
    StreamId last_id;
    /// Nothing: not in the file (before version 10). -1: not known.
    std::optional<std::int64_t> entries_read;
    std::vector<RdbPending> pending;  ///< Ascending; each has its consumer.
    std::vector<RdbConsumer> consumers;
};

/// What is true of a stream besides its entries.
struct RdbStreamTail {
    StreamId last_id;
    StreamId first_id;                ///< Of the first entry there is; 0-0 if there is none.
    StreamId max_deleted_id;          ///< 0-0 where the file does not tell.
    std::uint64_t entries_added = 0;  ///< The entries there are, where the file does not tell.
    std::vector<RdbStreamGroup> groups;
};

/// Told what a value consists of, in the order of the file: on_string() alone, or begin() and then
/// its elements. Views are valid during the call only. An error ends the reading and is passed on;
/// a duplicate (of a member, a field) is for the visitor to refuse, who has the set.
class ObjectVisitor {
public:
    virtual ~ObjectVisitor() = default;
    ObjectVisitor(const ObjectVisitor&) = delete;
    ObjectVisitor& operator=(const ObjectVisitor&) = delete;

    virtual Status on_string(ByteView value) = 0;
    /// `count` elements are announced: at most as many as the file has bytes left. 0: not known.
    virtual Status begin(Type type, std::uint64_t count) = 0;
    /// Of a list or a set.
    virtual Status on_element(ByteView element) = 0;
    /// Of a hash. The expiry is Valkey 9's, of this field alone.
    virtual Status
    on_field(ByteView field, ByteView value, std::optional<std::int64_t> expire_at_ms) = 0;
    /// Of a sorted set; not NaN.
    virtual Status on_scored(ByteView member, double score) = 0;
    /// Of a stream, IDs ascending; fields and values alternate, at least one of each.
    virtual Status on_stream_entry(StreamId id, std::span<const ByteView> fields_and_values) = 0;
    virtual Status on_stream_tail(RdbStreamTail tail) = 0;

protected:
    ObjectVisitor() = default;
};

}  // namespace kumo::kv
