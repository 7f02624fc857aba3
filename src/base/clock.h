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
    virtual WallTime wall_now() const = 0;
};

/// The machine's clocks. One stateless instance for the process.
Clock& system_clock();

}  // namespace kumo
