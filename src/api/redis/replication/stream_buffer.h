#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace kumo::api_redis {

/// The last bytes of a replication stream, by their place in it: what the backlog and all replicas
/// that have not been sent everything share, so that a slow replica costs its lag and no copy.
///
/// Thread rule: loop-owned.
class StreamBuffer {
public:
    /// Forgets everything; the next byte has the place `place`.
    void restart(std::uint64_t place);

    void append(ByteView bytes);

    /// The place of the first byte that is here, and of the next that will be.
    std::uint64_t begin() const { return begin_; }

    std::uint64_t end() const { return end_; }

    /// Some of the bytes from `place` on: as many as lie together, none at the end.
    /// Requires: begin() <= place <= end(). Valid until the next call that changes anything.
    ByteView at(std::uint64_t place) const;

    /// Nobody needs what lies before `place` any more. Whole blocks go: begin() may stay below.
    void trim(std::uint64_t place);

    std::size_t memory_bytes() const { return blocks_.size() * kBlockBytes; }

    static constexpr std::size_t kBlockBytes = std::size_t{16} * 1024;

private:
    std::deque<std::string> blocks_;  ///< Full but for the last one.
    std::uint64_t begin_ = 0;
    std::uint64_t end_ = 0;
};

}  // namespace kumo::api_redis
