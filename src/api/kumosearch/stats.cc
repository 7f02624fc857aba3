#include "api/kumosearch/stats.h"

#include "base/assert.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace kumo::api_kumosearch {

namespace {

std::int64_t second_of(MonotonicTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

std::uint64_t RequestStats::Totals::count() const {
    return std::accumulate(by_latency.begin(), by_latency.end(), std::uint64_t{0});
}

void RequestStats::record(std::size_t kind, int status, MonotonicTime now, Duration latency) {
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

    Sums& sums = sums_[kind];
    const int status_class = std::clamp(status / 100, 1, static_cast<int>(kStatusClasses)) - 1;
    sums.by_status[static_cast<std::size_t>(status_class)].fetch_add(1, std::memory_order_relaxed);
    const double seconds = std::chrono::duration<double>(latency).count();
    const auto* const bucket =
        std::lower_bound(kBucketSeconds.begin(), kBucketSeconds.end(), seconds);
    sums.by_latency[static_cast<std::size_t>(bucket - kBucketSeconds.begin())].fetch_add(
        1,
        std::memory_order_relaxed
    );
    sums.latency_us.fetch_add(static_cast<std::uint64_t>(us), std::memory_order_relaxed);
}

RequestStats::Totals RequestStats::totals(std::size_t kind) const {
    KUMO_ASSERT(kind < kKindsMax);
    const Sums& sums = sums_[kind];
    const auto value = [](const Counter& counter) {
        return counter.load(std::memory_order_relaxed);
    };
    Totals out;
    std::transform(sums.by_status.begin(), sums.by_status.end(), out.by_status.begin(), value);
    std::transform(sums.by_latency.begin(), sums.by_latency.end(), out.by_latency.begin(), value);
    out.latency_seconds = static_cast<double>(value(sums.latency_us)) / 1e6;
    return out;
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
