#pragma once

#include "kv/keyspace/settings.h"

#include <cstdint>

namespace kumo {
class Random;
}  // namespace kumo

namespace kumo::kv {

// The 24 bits of Entry::access(): seconds (LRU), or minutes and a logarithmic counter (LFU, as
// Redis does it: Morris's counter with decay). Which of them follows from the eviction policy.

inline constexpr std::uint32_t kAccessMask = (1U << 24U) - 1;
inline constexpr std::uint32_t kLfuInitial = 5;

/// What a new key gets.
std::uint32_t initial_access(const KeyspaceSettings& settings, std::int64_t now_ms);
/// After one more use.
std::uint32_t touched_access(
    const KeyspaceSettings& settings,
    std::uint32_t access,
    std::int64_t now_ms,
    Random& random
);
/// Seconds since the last use.
std::uint32_t idle_seconds(std::uint32_t access, std::int64_t now_ms);
/// The counter as it is now, decayed.
std::uint32_t
lfu_frequency(const KeyspaceSettings& settings, std::uint32_t access, std::int64_t now_ms);
/// For RESTORE's IDLETIME and FREQ.
std::uint32_t access_of_idle(std::uint32_t seconds, std::int64_t now_ms);
std::uint32_t access_of_frequency(std::uint32_t frequency, std::int64_t now_ms);

}  // namespace kumo::kv
