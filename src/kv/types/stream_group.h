#pragma once

#include "base/bytes.h"
#include "kv/types/stream_id.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace kumo::kv {

struct StreamConsumer;

/// An entry that was delivered to a consumer and is not acknowledged.
struct StreamPending {
    StreamConsumer* consumer = nullptr;
    std::int64_t delivered_ms = 0;
    std::uint64_t deliveries = 0;
};

struct StreamConsumer {
    std::string name;
    /// The last time it was heard of, milliseconds since 1970.
    std::int64_t seen_ms = 0;
    /// What is pending for it; the targets lie in the group's own map.
    std::map<StreamId, StreamPending*> pending;
};

/// A group of consumers of one stream. It owns its consumers and what is pending, and keeps the two
/// views of what is pending (its own and each consumer's) equal.
///
/// Thread rule: loop-owned, with its stream.
class StreamGroup {
public:
    /// As in Redis: the number of entries read is not known.
    static constexpr std::int64_t kReadUnknown = -1;

    StreamGroup() = default;
    StreamGroup(const StreamGroup& other);
    StreamGroup& operator=(const StreamGroup&) = delete;

    StreamId last_id;
    std::int64_t entries_read = kReadUnknown;

    const std::map<StreamId, StreamPending>& pending() const { return pending_; }

    const std::map<std::string, std::unique_ptr<StreamConsumer>, std::less<>>& consumers() const {
        return consumers_;
    }

    StreamConsumer* find_consumer(ByteView name) const;
    /// Makes it; nullptr if there is one of that name.
    StreamConsumer* create_consumer(ByteView name, std::int64_t now_ms);
    /// With all that is pending for it; how many that were. REQUIRES that it is this group's.
    std::size_t remove_consumer(StreamConsumer* consumer);

    /// Nullptr if it is not pending.
    StreamPending* find_pending(StreamId id);
    /// Gives the entry to the consumer, whoever had it before. The caller sets times and counts.
    StreamPending& assign(StreamId id, StreamConsumer& consumer);
    /// True if it was pending.
    bool acknowledge(StreamId id);

    std::size_t memory_bytes() const;

private:
    std::map<StreamId, StreamPending> pending_;
    std::map<std::string, std::unique_ptr<StreamConsumer>, std::less<>> consumers_;
};

}  // namespace kumo::kv
