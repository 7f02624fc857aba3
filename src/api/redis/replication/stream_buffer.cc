#include "api/redis/replication/stream_buffer.h"

#include "base/assert.h"

#include <algorithm>

namespace kumo::api_redis {

void StreamBuffer::restart(std::uint64_t place) {
    blocks_.clear();
    begin_ = place;
    end_ = place;
}

void StreamBuffer::append(ByteView bytes) {
    end_ += bytes.size();
    while (!bytes.empty()) {
        if (blocks_.empty() || blocks_.back().size() == kBlockBytes) {
            blocks_.emplace_back().reserve(kBlockBytes);
        }
        std::string& last = blocks_.back();
        const ByteView taken = bytes.substr(0, kBlockBytes - last.size());
        last.append(taken);
        bytes.remove_prefix(taken.size());
    }
}

ByteView StreamBuffer::at(std::uint64_t place) const {
    KUMO_ASSERT(place >= begin_ && place <= end_);
    if (place == end_) {
        return {};
    }
    const std::uint64_t offset = place - begin_;
    const std::string& block = blocks_[static_cast<std::size_t>(offset / kBlockBytes)];
    return ByteView(block).substr(static_cast<std::size_t>(offset % kBlockBytes));
}

void StreamBuffer::trim(std::uint64_t place) {
    while (!blocks_.empty() && begin_ + blocks_.front().size() <= place) {
        begin_ += blocks_.front().size();
        blocks_.pop_front();
    }
}

}  // namespace kumo::api_redis
