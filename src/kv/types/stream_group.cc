#include "kv/types/stream_group.h"

#include "base/assert.h"

namespace kumo::kv {

bool StreamId::increment() {
    if (seq != UINT64_MAX) {
        ++seq;
        return true;
    }
    if (ms == UINT64_MAX) {
        return false;
    }
    ++ms;
    seq = 0;
    return true;
}

bool StreamId::decrement() {
    if (seq != 0) {
        --seq;
        return true;
    }
    if (ms == 0) {
        return false;
    }
    --ms;
    seq = UINT64_MAX;
    return true;
}

std::string StreamId::text() const {
    return std::to_string(ms) + '-' + std::to_string(seq);
}

StreamGroup::StreamGroup(const StreamGroup& other)
    : last_id(other.last_id), entries_read(other.entries_read) {
    for (const auto& [name, consumer] : other.consumers_) {
        create_consumer(name, consumer->seen_ms);
    }
    for (const auto& [id, pending] : other.pending_) {
        StreamPending& copied = assign(id, *find_consumer(pending.consumer->name));
        copied.delivered_ms = pending.delivered_ms;
        copied.deliveries = pending.deliveries;
    }
}

StreamConsumer* StreamGroup::find_consumer(ByteView name) const {
    const auto found = consumers_.find(name);
    return found == consumers_.end() ? nullptr : found->second.get();
}

StreamConsumer* StreamGroup::create_consumer(ByteView name, std::int64_t now_ms) {
    auto [at, is_new] = consumers_.try_emplace(std::string(name));
    if (!is_new) {
        return nullptr;
    }
    at->second = std::make_unique<StreamConsumer>();
    at->second->name = name;
    at->second->seen_ms = now_ms;
    return at->second.get();
}

std::size_t StreamGroup::remove_consumer(StreamConsumer* consumer) {
    const std::size_t pending = consumer->pending.size();
    for (const auto& entry : consumer->pending) {
        pending_.erase(entry.first);
    }
    const auto found = consumers_.find(consumer->name);
    KUMO_ASSERT(found != consumers_.end() && found->second.get() == consumer);
    consumers_.erase(found);
    return pending;
}

StreamPending* StreamGroup::find_pending(StreamId id) {
    const auto found = pending_.find(id);
    return found == pending_.end() ? nullptr : &found->second;
}

StreamPending& StreamGroup::assign(StreamId id, StreamConsumer& consumer) {
    StreamPending& pending = pending_[id];
    if (pending.consumer != &consumer) {
        if (pending.consumer != nullptr) {
            pending.consumer->pending.erase(id);
        }
        pending.consumer = &consumer;
        consumer.pending.emplace(id, &pending);
    }
    return pending;
}

bool StreamGroup::acknowledge(StreamId id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) {
        return false;
    }
    found->second.consumer->pending.erase(id);
    pending_.erase(found);
    return true;
}

std::size_t StreamGroup::memory_bytes() const {
    constexpr std::size_t kMapNodeBytes = 32;
    std::size_t bytes = sizeof(*this);
    bytes += pending_.size()
             * (2 * (kMapNodeBytes + sizeof(StreamId)) + sizeof(StreamPending) + sizeof(void*));
    for (const auto& [name, consumer] : consumers_) {
        bytes += kMapNodeBytes + 2 * (sizeof(std::string) + name.size()) + sizeof(*consumer);
    }
    return bytes;
}

}  // namespace kumo::kv
