#include "api/kumosearch/stats.h"

#include "base/assert.h"

#include <chrono>

namespace kumo::api_kumosearch {

namespace {

std::int64_t second_of(MonotonicTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

void RequestStats::record(std::size_t kind, MonotonicTime now, Duration latency) {
    KUMO_ASSERT(kind < kKindsMax);
    const std::int64_t second = second_of(now);
    Slot& slot = slots_[kind][static_cast<std::size_t>(second) % kSlots];
    std::int64_t held = slot.second.load(std::memory_order_relaxed);
    if (held != second && slot.second.compare_exchange_strong(held, second)) {
        slot.count.store(0, std::memory_order_relaxed);
        slot.latency_us.store(0, std::memory_order_relaxed);
    }
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(latency).count();
    slot.count.fetch_add(1, std::memory_order_relaxed);
    slot.latency_us.fetch_add(static_cast<std::uint64_t>(us), std::memory_order_relaxed);
}

RequestStats::Reading RequestStats::read(std::size_t kind, MonotonicTime now) const {
    KUMO_ASSERT(kind < kKindsMax);
    const std::int64_t current = second_of(now);
    std::uint64_t count = 0;
    std::uint64_t latency_us = 0;
    for (const Slot& slot : slots_[kind]) {
        const std::int64_t second = slot.second.load(std::memory_order_relaxed);
        if (second < current && second >= current - kWindowSeconds) {
            count += slot.count.load(std::memory_order_relaxed);
            latency_us += slot.latency_us.load(std::memory_order_relaxed);
        }
    }
    if (count == 0) {
        return {};
    }
    return {
        static_cast<double>(count) / static_cast<double>(kWindowSeconds),
        static_cast<double>(latency_us) / static_cast<double>(count) / 1000.0};
}

}  // namespace kumo::api_kumosearch
