#pragma once

#include <chrono>

namespace kumo {

using Duration = std::chrono::nanoseconds;

/// Time since an arbitrary start; never goes back. For timeouts and latencies.
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// Time since the Unix epoch; may jump. For what a person reads.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// The only source of time. Given to whoever needs it, so that the simulator can own it.
/// Thread rule: callable from any thread.
class Clock {
public:
    virtual ~Clock() = default;
    virtual MonotonicTime monotonic_now() const = 0;

    /// As monotonic_now(), but time while the machine is suspended counts. For leases, which
    /// others count on while this machine sleeps. A clock of a machine that never sleeps need not
    /// tell them apart.
    virtual MonotonicTime boottime_now() const { return monotonic_now(); }

    virtual WallTime wall_now() const = 0;
};

/// The machine's clocks. One stateless instance for the process.
Clock& system_clock();

}  // namespace kumo
