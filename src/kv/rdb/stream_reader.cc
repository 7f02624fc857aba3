#include "kv/rdb/object_reader.h"
#include "kv/rdb/packed.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace kumo::kv::internal {

// A stream is a sequence of listpacks, each named by the ID its entries' IDs are counted from (16
// bytes, big-endian). In a listpack:
//
//     entries, deleted, fields, field..., 0                       once
//     flags, ms, seq, [fields, field, value... | value...], size  for each entry
//
// where flag 1 means deleted and flag 2 that the entry has the fields of the head; the numbers of
// an ID are differences that may wrap, and `size` is how many elements there were since `flags`.

namespace {

constexpr std::int64_t kDeleted = 1;
constexpr std::int64_t kSameFields = 2;
constexpr std::size_t kIdBytes = 16;

std::uint64_t big_endian64(ByteView bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes.substr(0, 8)) {
        value = value << 8U | static_cast<unsigned char>(c);
    }
    return value;
}

/// Requires: 16 bytes.
StreamId raw_id(ByteView bytes) {
    return {big_endian64(bytes), big_endian64(bytes.substr(8))};
}

StreamId read_raw_id(RdbInput& input) {
    const ByteView bytes = input.raw(kIdBytes);
    return bytes.empty() ? StreamId{} : raw_id(bytes);
}

StreamId read_id(RdbInput& input) {
    const std::uint64_t ms = input.length();
    return {ms, input.length()};
}

/// The entries of one stream, listpack by listpack.
class EntryReader {
public:
    EntryReader(const RdbInput& input, ObjectVisitor& visitor) : input_(input), visitor_(visitor) {}

    Status read(ByteView key, ByteView blob);

    std::uint64_t entries() const { return entries_; }

    StreamId first() const { return first_; }

    StreamId last() const { return last_; }

private:
    Error damaged() const { return input_.damage("a stream's entries are damaged"); }

    Status read_entry(ListpackReader& reader, StreamId base, std::int64_t flags, bool* deleted);
    bool read_fields(ListpackReader& reader, bool same, std::size_t* elements);
    Status emit(StreamId id, bool same, bool deleted);

    const RdbInput& input_;
    ObjectVisitor& visitor_;
    std::uint64_t entries_ = 0;
    StreamId first_;
    StreamId last_;
    bool any_ = false;
    std::vector<PackedElement> head_;
    std::vector<PackedElement> body_;
    std::vector<ByteView> views_;
};

bool take_number(ListpackReader& reader, std::int64_t* number) {
    PackedElement element;
    if (!reader.next(&element) || !element.is_number()) {
        return false;
    }
    *number = element.number();
    return true;
}

bool take_elements(ListpackReader& reader, std::int64_t count, std::vector<PackedElement>* out) {
    out->clear();
    for (; count > 0; --count) {
        out->emplace_back();
        if (!reader.next(&out->back())) {
            return false;
        }
    }
    return true;
}

Status EntryReader::read(ByteView key, ByteView blob) {
    if (key.size() != kIdBytes) {
        return damaged();
    }
    ListpackReader reader(blob);
    std::int64_t live = 0;
    std::int64_t dead = 0;
    std::int64_t fields = 0;
    std::int64_t end = 0;
    if (!take_number(reader, &live) || !take_number(reader, &dead) || !take_number(reader, &fields)
        || !take_elements(reader, fields, &head_) || !take_number(reader, &end) || end != 0) {
        return damaged();
    }
    std::int64_t found_live = 0;
    std::int64_t found_dead = 0;
    while (!reader.at_end()) {
        std::int64_t flags = 0;
        bool deleted = false;
        if (!take_number(reader, &flags)) {
            return damaged();
        }
        KUMO_TRY(read_entry(reader, raw_id(key), flags, &deleted));
        ++(deleted ? found_dead : found_live);
    }
    PackedElement none;
    if (reader.next(&none) || !reader.ok() || found_live != live || found_dead != dead) {
        return damaged();
    }
    return {};
}

Status
EntryReader::read_entry(ListpackReader& reader, StreamId base, std::int64_t flags, bool* deleted) {
    std::int64_t ms = 0;
    std::int64_t seq = 0;
    std::int64_t size = 0;
    std::size_t elements = 3;
    const bool same = (flags & kSameFields) != 0;
    *deleted = (flags & kDeleted) != 0;
    if ((flags & ~(kDeleted | kSameFields)) != 0 || !take_number(reader, &ms)
        || !take_number(reader, &seq) || !read_fields(reader, same, &elements)
        || !take_number(reader, &size) || size != static_cast<std::int64_t>(elements)) {
        return damaged();
    }
    const StreamId id{
        base.ms + static_cast<std::uint64_t>(ms),
        base.seq + static_cast<std::uint64_t>(seq)};
    return emit(id, same, *deleted);
}

/// Fills body_: values, or fields and values. Adds to *elements how many there were.
bool EntryReader::read_fields(ListpackReader& reader, bool same, std::size_t* elements) {
    if (same) {
        *elements += head_.size();
        return take_elements(reader, static_cast<std::int64_t>(head_.size()), &body_);
    }
    std::int64_t fields = 0;
    constexpr std::int64_t kFieldsMax = std::numeric_limits<std::int32_t>::max();
    if (!take_number(reader, &fields) || fields < 0 || fields > kFieldsMax
        || !take_elements(reader, fields * 2, &body_)) {
        return false;
    }
    *elements += 1 + body_.size();
    return true;
}

Status EntryReader::emit(StreamId id, bool same, bool deleted) {
    if ((any_ && id <= last_) || body_.empty() || id == StreamId{}) {
        return damaged();
    }
    any_ = true;
    last_ = id;
    if (deleted) {
        return {};
    }
    if (entries_++ == 0) {
        first_ = id;
    }
    views_.clear();
    for (std::size_t i = 0; i < body_.size(); ++i) {
        if (same) {
            views_.push_back(head_[i].view());
        }
        views_.push_back(body_[i].view());
    }
    return visitor_.on_stream_entry(id, views_);
}

/// The entries pending in a group; whose they are comes behind. 25 bytes each at least.
Status read_pending(RdbInput& input, RdbStreamGroup* group) {
    const std::uint64_t count = input.count(kIdBytes + sizeof(std::int64_t) + 1);
    group->pending.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count && input.ok(); ++i) {
        RdbPending pending;
        pending.id = read_raw_id(input);
        pending.delivered_at_ms = input.signed64();
        pending.deliveries = input.length();
        pending.consumer = std::numeric_limits<std::size_t>::max();
        group->pending.push_back(pending);
    }
    auto& all = group->pending;
    const auto by_id = [](const RdbPending& a, const RdbPending& b) {
        return a.id < b.id;
    };
    std::sort(all.begin(), all.end(), by_id);
    const auto same_id = [](const RdbPending& a, const RdbPending& b) {
        return a.id == b.id;
    };
    if (std::adjacent_find(all.begin(), all.end(), same_id) != all.end()) {
        return input.damage("an entry is pending twice in a group");
    }
    return {};
}

Status read_consumer(RdbInput& input, RdbType type, RdbStreamGroup* group) {
    std::string scratch;
    RdbConsumer consumer;
    consumer.name = std::string(input.string(&scratch));
    consumer.seen_at_ms = input.signed64();
    consumer.active_at_ms = type == RdbType::kStream3 ? input.signed64() : consumer.seen_at_ms;
    const std::size_t index = group->consumers.size();
    group->consumers.push_back(std::move(consumer));
    const std::uint64_t count = input.count(kIdBytes);
    for (std::uint64_t i = 0; i < count; ++i) {
        const StreamId id = read_raw_id(input);
        const auto at = std::lower_bound(
            group->pending.begin(),
            group->pending.end(),
            id,
            [](const RdbPending& pending, StreamId other) { return pending.id < other; }
        );
        if (at == group->pending.end() || at->id != id || at->consumer <= index) {
            return input.damage("a consumer's pending entry is not its group's, or another's");
        }
        at->consumer = index;
    }
    return {};
}

template <typename Named>
bool has_duplicate(const std::vector<Named>& all) {
    std::vector<ByteView> names;
    names.reserve(all.size());
    for (const Named& one : all) {
        names.push_back(one.name);
    }
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) != names.end();
}

Status read_group(RdbInput& input, RdbType type, RdbStreamGroup* group) {
    std::string scratch;
    group->name = std::string(input.string(&scratch));
    group->last_id = read_id(input);
    if (type != RdbType::kStream1) {
        group->entries_read = static_cast<std::int64_t>(input.length());
    }
    KUMO_TRY(read_pending(input, group));
    const std::uint64_t consumers = input.count(2);
    for (std::uint64_t i = 0; i < consumers && input.ok(); ++i) {
        KUMO_TRY(read_consumer(input, type, group));
    }
    if (!input.ok()) {
        return input.damage("a stream's group is cut off");
    }
    const bool orphans = std::any_of(
        group->pending.begin(),
        group->pending.end(),
        [group](const RdbPending& pending) { return pending.consumer >= group->consumers.size(); }
    );
    if (orphans || has_duplicate(group->consumers)) {
        return input.damage("a stream's group is damaged");
    }
    return {};
}

Status read_tail(RdbInput& input, RdbType type, const EntryReader& entries, RdbStreamTail* tail) {
    const std::uint64_t length = input.length();
    tail->last_id = read_id(input);
    tail->first_id = entries.first();
    tail->entries_added = length;
    if (type != RdbType::kStream1) {
        read_id(input);  // The first entry's: we have seen it.
        tail->max_deleted_id = read_id(input);
        tail->entries_added = input.length();
    }
    if (!input.ok() || length != entries.entries() || entries.last() > tail->last_id
        || tail->entries_added < length) {
        return input.damage("a stream's figures do not fit its entries");
    }
    const std::uint64_t groups = input.count();
    for (std::uint64_t i = 0; i < groups && input.ok(); ++i) {
        tail->groups.emplace_back();
        KUMO_TRY(read_group(input, type, &tail->groups.back()));
    }
    if (has_duplicate(tail->groups)) {
        return input.damage("two groups of a stream have one name");
    }
    return {};
}

}  // namespace

Status read_stream(RdbInput& input, RdbType type, ObjectVisitor& visitor) {
    EntryReader entries(input, visitor);
    const std::uint64_t nodes = input.count();
    std::string key_scratch;
    std::string blob_scratch;
    for (std::uint64_t i = 0; i < nodes && input.ok(); ++i) {
        const ByteView key = input.string(&key_scratch);
        const ByteView blob = input.string(&blob_scratch);
        if (input.ok()) {
            KUMO_TRY(entries.read(key, blob));
        }
    }
    RdbStreamTail tail;
    KUMO_TRY(read_tail(input, type, entries, &tail));
    if (!input.ok()) {
        return input.damage("a stream is cut off");
    }
    return visitor.on_stream_tail(std::move(tail));
}

}  // namespace kumo::kv::internal
