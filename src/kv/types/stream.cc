#include "kv/types/stream.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace kumo::kv {

using internal::StreamBlock;

namespace {

constexpr std::size_t kBlockBytesMax = std::size_t{1} << 30;

/// What an entry takes in a block, at most and roughly.
std::size_t entry_bytes(std::span<const ByteView> fields_and_values) {
    std::size_t bytes = 0;
    for (const ByteView text : fields_and_values) {
        bytes += text.size();
    }
    return bytes;
}

}  // namespace

StreamValue::StreamValue(const StreamValue& other)
    : Value(other),
      blocks_(other.blocks_),
      length_(other.length_),
      last_id_(other.last_id_),
      max_deleted_id_(other.max_deleted_id_),
      entries_added_(other.entries_added_) {
    for (const auto& [name, group] : other.groups_) {
        groups_.emplace(name, std::make_unique<StreamGroup>(*group));
    }
}

std::unique_ptr<Value> StreamValue::copy() const {
    return std::unique_ptr<Value>(new StreamValue(*this));
}

std::size_t StreamValue::memory_bytes() const {
    std::size_t bytes = sizeof(*this) + blocks_.size() * sizeof(StreamBlock);
    const std::size_t sampled = std::min<std::size_t>(blocks_.size(), 8);
    std::size_t sample = 0;
    for (std::size_t i = 0; i < sampled; ++i) {
        sample += blocks_[i * blocks_.size() / sampled].memory_bytes();
    }
    bytes += sampled == 0 ? 0 : sample / sampled * blocks_.size();
    for (const auto& entry : groups_) {
        bytes += entry.first.size() + entry.second->memory_bytes();
    }
    return bytes;
}

StreamId StreamValue::first_id() const {
    return blocks_.empty() ? StreamId{} : blocks_.front().first_live().value_or(StreamId{});
}

StreamId StreamValue::highest_present_id() const {
    return blocks_.empty() ? StreamId{} : blocks_.back().last_live().value_or(StreamId{});
}

void StreamValue::append(
    StreamId id,
    std::span<const ByteView> fields_and_values,
    const EncodingLimits& limits
) {
    KUMO_ASSERT(fields_and_values.size() >= 2 && fields_and_values.size() % 2 == 0);
    const std::size_t bytes_max = limits.stream_node_max_bytes == 0
                                      ? kBlockBytesMax
                                      : std::min(limits.stream_node_max_bytes, kBlockBytesMax);
    const std::size_t entries_max = limits.stream_node_max_entries;
    bool full = blocks_.empty();
    if (!full) {
        const StreamBlock& last = blocks_.back();
        full = last.bytes() + entry_bytes(fields_and_values) >= bytes_max
               || (entries_max != 0 && last.live() + last.deleted() >= entries_max);
    }
    if (full) {
        if (!blocks_.empty()) {
            blocks_.back().seal();
        }
        blocks_.emplace_back(id, fields_and_values);
    }
    blocks_.back().append(id, fields_and_values);
    last_id_ = id;
    ++length_;
    ++entries_added_;
}

std::size_t StreamValue::block_for(StreamId id) const {
    const auto found = std::lower_bound(
        blocks_.begin(),
        blocks_.end(),
        id,
        [](const StreamBlock& block, StreamId wanted) { return block.last() < wanted; }
    );
    return static_cast<std::size_t>(found - blocks_.begin());
}

void StreamValue::remove_block(std::size_t index) {
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(index));
}

bool StreamValue::erase(StreamId id) {
    const std::size_t at = block_for(id);
    if (at == blocks_.size() || !blocks_[at].erase(id)) {
        return false;
    }
    --length_;
    if (blocks_[at].live() == 0) {
        remove_block(at);
    }
    return true;
}

bool StreamValue::contains(StreamId id) const {
    bool found = false;
    visit(id, id, false, [&](const StreamEntry&) {
        found = true;
        return false;
    });
    return found;
}

void StreamValue::visit(
    StreamId first,
    StreamId last,
    bool backwards,
    FunctionRef<bool(const StreamEntry&)> visitor
) const {
    const auto entry = [&](StreamId id, std::span<const ByteView> texts) {
        return visitor(StreamEntry{id, texts});
    };
    std::size_t at = block_for(backwards ? last : first);
    if (!backwards) {
        for (; at < blocks_.size() && blocks_[at].base() <= last; ++at) {
            if (!blocks_[at].visit(first, last, entry)) {
                return;
            }
        }
        return;
    }
    for (at = std::min(at + 1, blocks_.size()); at > 0 && blocks_[at - 1].last() >= first; --at) {
        if (!blocks_[at - 1].visit_backwards(first, last, entry)) {
            return;
        }
    }
}

std::size_t StreamValue::trim(const Trim& trim) {
    const bool by_length = trim.length_max.has_value();
    const std::uint64_t length_max = trim.length_max.value_or(0);
    std::size_t removed = 0;
    while (!blocks_.empty() && !(by_length && length_ <= length_max)) {
        StreamBlock& block = blocks_.front();
        const std::size_t live = block.live();
        if (trim.removed_max != 0 && removed + live > trim.removed_max) {
            break;
        }
        const bool whole = by_length ? length_ - live >= length_max
                                     : block.last_live().value_or(StreamId{}) < trim.id_min;
        if (whole) {
            length_ -= live;
            removed += live;
            blocks_.pop_front();
            continue;
        }
        if (!trim.approximate) {
            std::size_t left = by_length ? length_ - length_max : live;
            const std::size_t erased = block.erase_first([&](StreamId id) {
                return by_length ? left-- == 0 : id >= trim.id_min;
            });
            length_ -= erased;
            removed += erased;
        }
        break;
    }
    return removed;
}

StreamGroup* StreamValue::find_group(ByteView name) const {
    const auto found = groups_.find(name);
    return found == groups_.end() ? nullptr : found->second.get();
}

StreamGroup* StreamValue::create_group(ByteView name, StreamId last_id, std::int64_t entries_read) {
    auto [at, is_new] = groups_.try_emplace(std::string(name));
    if (!is_new) {
        return nullptr;
    }
    at->second = std::make_unique<StreamGroup>();
    at->second->last_id = last_id;
    at->second->entries_read = entries_read;
    return at->second.get();
}

bool StreamValue::remove_group(ByteView name) {
    const auto found = groups_.find(name);
    if (found == groups_.end()) {
        return false;
    }
    groups_.erase(found);
    return true;
}

bool StreamValue::has_tombstones_after(StreamId first) const {
    return length_ != 0 && !max_deleted_id_.is_zero() && first <= max_deleted_id_;
}

std::int64_t StreamValue::estimate_entries_read(StreamId id) const {
    const auto added = static_cast<std::int64_t>(entries_added_);
    if (added == 0) {
        return 0;
    }
    if (length_ == 0 && id <= last_id_) {
        return added;
    }
    if (id == last_id_) {
        return added;
    }
    if (id > last_id_) {
        return StreamGroup::kReadUnknown;
    }
    const StreamId first = first_id();
    if (max_deleted_id_.is_zero() || max_deleted_id_ < first) {
        // Nothing is missing between the first entry and the last.
        if (id < first) {
            return added - static_cast<std::int64_t>(length_);
        }
        if (id == first) {
            return added - static_cast<std::int64_t>(length_) + 1;
        }
    }
    return StreamGroup::kReadUnknown;
}

void StreamValue::note_read(StreamGroup& group, StreamId id) const {
    if (group.entries_read != StreamGroup::kReadUnknown && !has_tombstones_after(id)) {
        ++group.entries_read;
    } else if (entries_added_ > 0) {
        group.entries_read = estimate_entries_read(id);
    }
    group.last_id = id;
}

std::optional<StreamId> StreamValue::next_after(StreamId id) const {
    std::optional<StreamId> next;
    if (id.increment()) {
        visit(id, StreamId::max(), false, [&next](const StreamEntry& entry) {
            next = entry.id;
            return false;
        });
    }
    return next;
}

std::optional<std::int64_t> StreamValue::lag(const StreamGroup& group) const {
    const auto added = static_cast<std::int64_t>(entries_added_);
    if (added == 0) {
        return 0;
    }
    std::int64_t read = group.entries_read;
    if (read == StreamGroup::kReadUnknown || has_tombstones_after(group.last_id)) {
        read = estimate_entries_read(group.last_id);
        if (read == StreamGroup::kReadUnknown) {
            return std::nullopt;
        }
    }
    return added - read;
}

}  // namespace kumo::kv
