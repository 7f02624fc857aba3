#pragma once

#include "base/bytes.h"
#include "kv/types/function_ref.h"
#include "kv/types/stream_id.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kumo::kv::internal {

/// A run of a stream's entries in one buffer. The names of the first entry's fields are said once;
/// an entry with just these names has only its values.
///
/// The buffer: the number of names and the names; then entries, each
///     flags (1: deleted, 2: same names) . id.ms - base.ms (varint) . id.seq (varint)
///     . bytes of the rest (varint)
///     . bytes of the rest (varint)
///     . [number of fields, if not same names] . texts (each its length as a varint, and bytes)
/// Blocks are read from the front; going backwards reads a block's index of offsets first, which is
/// made on the way and not kept.
///
/// Thread rule: as its owner.
class StreamBlock {
public:
    /// A block whose first entry will have these fields.
    StreamBlock(StreamId base, std::span<const ByteView> fields_and_values);

    StreamId base() const { return base_; }

    /// The highest id that was put into it, deleted or not.
    StreamId last() const { return last_; }

    /// Entries that are there, and that were deleted.
    std::size_t live() const { return live_; }

    std::size_t deleted() const { return deleted_; }

    std::size_t bytes() const { return data_.size(); }

    std::size_t memory_bytes() const { return data_.capacity(); }

    /// Nothing will be appended any more.
    void seal() { data_.shrink_to_fit(); }

    /// REQUIRES id > last(), unless it is the first.
    void append(StreamId id, std::span<const ByteView> fields_and_values);
    /// True if it was there.
    bool erase(StreamId id);
    /// Deletes those entries that are the first ones, until `done` is true for the next.
    std::size_t erase_first(FunctionRef<bool(StreamId)> done);

    using Visitor = FunctionRef<bool(StreamId, std::span<const ByteView>)>;
    /// Live entries with first <= id <= last; false if the visitor said to stop.
    bool visit(StreamId first, StreamId last, Visitor visitor) const;
    bool visit_backwards(StreamId first, StreamId last, Visitor visitor) const;

    std::optional<StreamId> first_live() const;
    std::optional<StreamId> last_live() const;

private:
    struct Head;

    bool has_names(std::span<const ByteView> fields_and_values) const;
    Head head_at(std::size_t offset) const;
    void read_body(const Head& head, std::vector<ByteView>* out) const;
    void mark_deleted(std::size_t offset);

    StreamId base_;
    StreamId last_;
    std::uint32_t live_ = 0;
    std::uint32_t deleted_ = 0;
    std::uint32_t names_ = 0;
    std::uint32_t entries_at_ = 0;  ///< Where the names end.
    std::string data_;
};

}  // namespace kumo::kv::internal
