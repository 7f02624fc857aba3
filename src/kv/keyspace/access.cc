#include "kv/keyspace/access.h"

#include "base/random.h"

#include <algorithm>

namespace kumo::kv {

namespace {

constexpr std::uint32_t kMinuteMask = 0xFFFF;
constexpr std::uint32_t kCounterMax = 255;

std::uint32_t clock_seconds(std::int64_t now_ms) {
    return static_cast<std::uint32_t>(now_ms / 1000) & kAccessMask;
}

std::uint32_t clock_minutes(std::int64_t now_ms) {
    return static_cast<std::uint32_t>(now_ms / 60'000) & kMinuteMask;
}

}  // namespace

std::uint32_t access_of_idle(std::uint32_t seconds, std::int64_t now_ms) {
    return (clock_seconds(now_ms) - seconds) & kAccessMask;
}

std::uint32_t access_of_frequency(std::uint32_t frequency, std::int64_t now_ms) {
    return (clock_minutes(now_ms) << 8U) | std::min(frequency, kCounterMax);
}

std::uint32_t initial_access(const KeyspaceSettings& settings, std::int64_t now_ms) {
    return is_lfu(settings.policy) ? access_of_frequency(kLfuInitial, now_ms)
                                   : clock_seconds(now_ms);
}

std::uint32_t
lfu_frequency(const KeyspaceSettings& settings, std::uint32_t access, std::int64_t now_ms) {
    const std::uint32_t counter = access & kCounterMax;
    if (settings.lfu_decay_minutes <= 0) {
        return counter;
    }
    const std::uint32_t passed = (clock_minutes(now_ms) - (access >> 8U)) & kMinuteMask;
    const std::uint32_t decay = passed / static_cast<std::uint32_t>(settings.lfu_decay_minutes);
    return counter > decay ? counter - decay : 0;
}

std::uint32_t touched_access(
    const KeyspaceSettings& settings,
    std::uint32_t access,
    std::int64_t now_ms,
    Random& random
) {
    if (!is_lfu(settings.policy)) {
        return clock_seconds(now_ms);
    }
    std::uint32_t counter = lfu_frequency(settings, access, now_ms);
    if (counter < kCounterMax) {
        const std::uint32_t above = counter > kLfuInitial ? counter - kLfuInitial : 0;
        const auto factor = static_cast<std::uint32_t>(std::max(settings.lfu_log_factor, 0));
        counter += random.chance(1, std::uint64_t{above} * factor + 1) ? 1 : 0;
    }
    return access_of_frequency(counter, now_ms);
}

std::uint32_t idle_seconds(std::uint32_t access, std::int64_t now_ms) {
    return (clock_seconds(now_ms) - access) & kAccessMask;
}

}  // namespace kumo::kv
