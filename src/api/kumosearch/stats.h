#pragma once

#include "base/clock.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kumo::api_kumosearch {

/// How many requests of each kind were answered in the last kWindowSeconds seconds, and how fast.
/// Thread rule: any thread; counters are atomic and independent, so that a reading beside writers
/// may be off by the requests of that moment.
class RequestStats {
public:
    static constexpr std::size_t kKindsMax = 128;
    static constexpr std::int64_t kWindowSeconds = 10;

    struct Reading {
        double per_second = 0;
        double latency_ms = 0;
    };

    /// Requires kind < kKindsMax.
    void record(std::size_t kind, MonotonicTime now, Duration latency);

    /// Over the whole seconds before the one that is running.
    Reading read(std::size_t kind, MonotonicTime now) const;

private:
    /// One second of one kind. `second` says which; an older one is overwritten.
    struct Slot {
        std::atomic<std::int64_t> second{-1};
        std::atomic<std::uint64_t> count{0};
        std::atomic<std::uint64_t> latency_us{0};
    };

    static constexpr std::size_t kSlots = kWindowSeconds + 1;

    std::array<std::array<Slot, kSlots>, kKindsMax> slots_;
};

}  // namespace kumo::api_kumosearch
