#pragma once

#include <cstddef>
#include <cstdint>

namespace kumo::kv {

/// What gives way when the memory is full: Redis's `maxmemory-policy`.
enum class EvictionPolicy : std::uint8_t {
    kNoeviction,
    kAllkeysLru,
    kAllkeysLfu,
    kAllkeysRandom,
    kVolatileLru,
    kVolatileLfu,
    kVolatileRandom,
    kVolatileTtl,
};

constexpr bool is_lfu(EvictionPolicy policy) {
    return policy == EvictionPolicy::kAllkeysLfu || policy == EvictionPolicy::kVolatileLfu;
}

/// Whether it goes by when or how often keys were used.
constexpr bool watches_access(EvictionPolicy policy) {
    return is_lfu(policy) || policy == EvictionPolicy::kAllkeysLru
           || policy == EvictionPolicy::kVolatileLru;
}

/// The longest string and the longest bulk of a request (`proto-max-bulk-len`).
inline constexpr std::size_t kStringBytesMaxDefault = std::size_t{512} * 1024 * 1024;

/// What commands on keys depend on besides the keys. Changed by CONFIG SET only.
struct KeyspaceSettings {
    EvictionPolicy policy = EvictionPolicy::kNoeviction;
    int lfu_log_factor = 10;
    int lfu_decay_minutes = 1;
    std::size_t string_bytes_max = kStringBytesMaxDefault;
    bool shares_numbers = true;  ///< What OBJECT REFCOUNT says of small ones.
    /// RESTORE looks at a payload's version and checksum (DEBUG SET-SKIP-CHECKSUM-VALIDATION).
    bool checks_dumps = true;
};

}  // namespace kumo::kv
