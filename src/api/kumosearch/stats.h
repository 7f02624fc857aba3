#pragma once

#include "base/clock.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kumo::api_kumosearch {

/// Counts requests of each kind: those of the last kWindowSeconds seconds, and all since the start.
/// Thread rule: any thread; counters are atomic and independent, so that a reading beside writers
/// may be off by the requests of that moment.
class RequestStats {
public:
    static constexpr std::size_t kKindsMax = 192;
    /// Requests that no route takes; the routes have the kinds below.
    static constexpr std::size_t kNoRoute = kKindsMax - 1;
    static constexpr std::int64_t kWindowSeconds = 10;
    /// Upper ends of the latency histogram; slower ones are in the last of the counts.
    static constexpr std::array<double, 13> kBucketSeconds =
        {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
    static constexpr std::size_t kStatusClasses = 5;  ///< 1xx to 5xx.

    struct Reading {
        double per_second = 0;
        double latency_ms = 0;
    };

    struct Totals {
        std::array<std::uint64_t, kStatusClasses> by_status{};
        std::array<std::uint64_t, kBucketSeconds.size() + 1> by_latency{};  ///< Not cumulative.
        double latency_seconds = 0;                                         ///< Of all together.

        std::uint64_t count() const;
    };

    /// One answer. Requires kind < kKindsMax.
    void record(std::size_t kind, int status, MonotonicTime now, Duration latency);

    /// Over the whole seconds before the one that is running.
    Reading read(std::size_t kind, MonotonicTime now) const;

    /// Since the start.
    Totals totals(std::size_t kind) const;

private:
    using Counter = std::atomic<std::uint64_t>;

    /// One second of one kind. `second` says which; an older one is overwritten.
    struct Slot {
        std::atomic<std::int64_t> second{-1};
        Counter count{0};
        Counter latency_us{0};
    };

    struct Sums {
        std::array<Counter, kStatusClasses> by_status{};
        std::array<Counter, kBucketSeconds.size() + 1> by_latency{};
        Counter latency_us{0};
    };

    static constexpr std::size_t kSlots = kWindowSeconds + 1;

    std::array<std::array<Slot, kSlots>, kKindsMax> slots_;
    std::array<Sums, kKindsMax> sums_;
};

}  // namespace kumo::api_kumosearch
