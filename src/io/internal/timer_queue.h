#pragma once

#include "base/clock.h"
#include "io/loop.h"

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace kumo::io {

/// A loop's timers in the order of their deadlines, then of their making. Loop-owned.
class TimerQueue {
public:
    TimerId add(MonotonicTime deadline, Task task);
    void cancel(TimerId id);

    /// The earliest deadline, if there is a timer.
    std::optional<MonotonicTime> next() const;

    /// Takes out the earliest timer that is due at `now`; an empty task if none is.
    Task take_due(MonotonicTime now);

    void clear();

private:
    std::map<std::pair<MonotonicTime, std::uint64_t>, Task> timers_;
    std::unordered_map<std::uint64_t, MonotonicTime> deadlines_;
    std::uint64_t next_id_ = 1;
};

}  // namespace kumo::io
