#pragma once

#include <cstddef>
#include <cstdint>

namespace kumo::api_redis {

/// Of `client-output-buffer-limit`, for one class of clients; 0: no limit.
struct OutputLimit {
    std::size_t hard_bytes = 0;
    std::size_t soft_bytes = 0;  ///< May be exceeded for that time.
    std::int64_t soft_ms = 0;
};

/// What every command asks for: the settings as numbers. Thread rule: loop-owned.
struct SettingsCache {
    bool latency_tracking = true;
    std::int64_t slow_microseconds = 0;
    std::int64_t latency_milliseconds = 0;
    std::uint64_t memory_max = 0;
    std::uint64_t client_memory_max = 0;
    OutputLimit normal_output;
    OutputLimit subscriber_output;
};

}  // namespace kumo::api_redis
