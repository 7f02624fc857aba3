#pragma once

#include "base/bytes.h"
#include "kv/types/encoding_limits.h"
#include "kv/types/function_ref.h"
#include "kv/types/internal/stream_block.h"
#include "kv/types/stream_group.h"
#include "kv/types/stream_id.h"
#include "kv/types/value.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kumo::kv {

/// An entry that is being visited: its id, and fields and values in turns. Valid during the visit.
struct StreamEntry {
    StreamId id;
    std::span<const ByteView> fields_and_values;
};

/// A stream: entries in the order of their ids, in blocks that say the names of fields once;
/// groups; and the counters of Redis 7.0.
///
/// Thread rule: as kv::Value.
class StreamValue final : public Value {
public:
    static constexpr Type kType = Type::kStream;

    StreamValue() = default;

    Type type() const override { return kType; }

    std::string_view encoding() const override { return "stream"; }

    std::size_t size() const override { return length_; }

    std::size_t memory_bytes() const override;
    std::unique_ptr<Value> copy() const override;

    /// The highest id there was; the next one must be higher.
    StreamId last_id() const { return last_id_; }

    /// The lowest that is there, 0-0 if there is none.
    StreamId first_id() const;
    /// The highest that is there, 0-0 if there is none.
    StreamId highest_present_id() const;

    StreamId max_deleted_id() const { return max_deleted_id_; }

    /// All that were ever added.
    std::uint64_t entries_added() const { return entries_added_; }

    void set_last_id(StreamId id) { last_id_ = id; }

    void set_max_deleted_id(StreamId id) { max_deleted_id_ = id; }

    void set_entries_added(std::uint64_t count) { entries_added_ = count; }

    /// REQUIRES id > last_id() and an even, positive number of fields and values.
    void
    append(StreamId id, std::span<const ByteView> fields_and_values, const EncodingLimits& limits);
    /// True if it was there.
    bool erase(StreamId id);
    bool contains(StreamId id) const;

    /// Entries with first <= id <= last in their order, or the other way round. The visitor gives
    /// false to stop; it must not change the stream.
    void visit(
        StreamId first,
        StreamId last,
        bool backwards,
        FunctionRef<bool(const StreamEntry&)> visitor
    ) const;

    /// How to trim: entries beyond `length_max` go, or those below `id_min`, the oldest first.
    struct Trim {
        std::optional<std::uint64_t> length_max;
        StreamId id_min;
        /// Only whole blocks: a few more may stay.
        bool approximate = false;
        /// At most so many entries are removed; 0: no limit. Of use if approximate.
        std::uint64_t removed_max = 0;
    };

    /// How many were removed.
    std::size_t trim(const Trim& trim);

    const std::map<std::string, std::unique_ptr<StreamGroup>, std::less<>>& groups() const {
        return groups_;
    }

    StreamGroup* find_group(ByteView name) const;
    /// Nullptr if there is one of that name.
    StreamGroup* create_group(ByteView name, StreamId last_id, std::int64_t entries_read);
    bool remove_group(ByteView name);

    /// How many entries were added up to `id`, as far as that can be said without counting
    /// (StreamGroup::kReadUnknown if not).
    std::int64_t estimate_entries_read(StreamId id) const;
    /// The group has been given the entry, the next one after its last.
    void note_read(StreamGroup& group, StreamId id) const;
    /// The first entry after `id`; nothing: there is none.
    std::optional<StreamId> next_after(StreamId id) const;
    /// Is an entry in (first, last] missing, or may it be: was something deleted after `first`?
    bool has_tombstones_after(StreamId first) const;
    /// Entries that the group has not read yet; nothing if that cannot be said.
    std::optional<std::int64_t> lag(const StreamGroup& group) const;

    /// Blocks, and the depth of whatever orders them, for XINFO STREAM (radix-tree-keys, -nodes).
    std::size_t block_count() const { return blocks_.size(); }

private:
    StreamValue(const StreamValue& other);

    /// The first block that can contain `id` or a later one.
    std::size_t block_for(StreamId id) const;
    void remove_block(std::size_t index);

    std::deque<internal::StreamBlock> blocks_;
    std::size_t length_ = 0;
    StreamId last_id_;
    StreamId max_deleted_id_;
    std::uint64_t entries_added_ = 0;
    std::map<std::string, std::unique_ptr<StreamGroup>, std::less<>> groups_;
};

}  // namespace kumo::kv
