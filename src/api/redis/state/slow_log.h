#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace kumo::api_redis {

struct SlowEntry {
    std::uint64_t id = 0;
    std::int64_t at_seconds = 0;
    std::uint64_t microseconds = 0;
    std::vector<std::string> arguments;  ///< Cut to kSlowArgumentsMax and kSlowArgumentBytesMax.
    std::string peer;
    std::string name;
};

inline constexpr std::size_t kSlowArgumentsMax = 32;
inline constexpr std::size_t kSlowArgumentBytesMax = 128;

/// SLOWLOG. Thread rule: loop-owned.
class SlowLog {
public:
    void add(SlowEntry entry, std::size_t entries_max);
    void trim(std::size_t entries_max);

    void clear() { entries_.clear(); }

    /// The newest first.
    const std::deque<SlowEntry>& entries() const { return entries_; }

    /// A command as the log shows it.
    static std::vector<std::string> shorten(std::span<const ByteView> arguments);

private:
    std::deque<SlowEntry> entries_;
    std::uint64_t next_id_ = 0;
};

}  // namespace kumo::api_redis
