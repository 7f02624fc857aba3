#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kumo::api_redis {

/// LATENCY: the last samples of each event that took longer than `latency-monitor-threshold`.
/// Thread rule: loop-owned.
class LatencyMonitor {
public:
    static constexpr std::size_t kSamplesMax = 160;

    struct Sample {
        std::int64_t at_seconds = 0;
        std::uint64_t milliseconds = 0;
    };

    struct Event {
        std::vector<Sample> samples;  ///< The oldest first.
        std::uint64_t worst_ms = 0;
    };

    /// Two in one second are one, the longer.
    void add(ByteView event, std::int64_t at_seconds, std::uint64_t milliseconds);

    const std::map<std::string, Event, std::less<>>& events() const { return events_; }

    /// How many were forgotten.
    std::size_t reset(ByteView event);
    std::size_t reset_all();

private:
    std::map<std::string, Event, std::less<>> events_;
};

}  // namespace kumo::api_redis
