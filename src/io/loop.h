#pragma once

#include "base/clock.h"
#include "base/random.h"

#include <compare>
#include <cstdint>
#include <functional>

namespace kumo::io {

using Task = std::function<void()>;

/// Names a timer of one loop. The default value names none.
struct TimerId {
    std::uint64_t value = 0;
    auto operator<=>(const TimerId&) const = default;
};

/// One thread's reactor: whatever belongs to a loop (streams, listeners, timers, shards) is touched
/// on that loop's thread only, and loops talk by posting tasks to each other.
///
/// One *turn*: socket events, then due timers, then posted tasks, then deferred tasks, then every
/// stream that was written to sends what it gathered. Each of these does a bounded amount of work,
/// so that no source starves another; what is left waits for the next turn.
///
/// Thread rule: post(), stop() and in_loop_thread() from any thread, everything else on the loop's
/// thread (or on any one thread while the loop is not running). Tasks must not throw.
///
/// post() cannot refuse: what is posted are hand-overs of work that was admitted under a limit
/// elsewhere (a pool's queue, a connection count), and those limits bound the queue here.
class Loop {
public:
    virtual ~Loop() = default;
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Runs `task` in a later turn. Tasks of one thread run in the order they were posted. A task
    /// posted after the loop has ended is destroyed unrun.
    virtual void post(Task task) = 0;

    /// Runs `task` at the end of this turn, or of the next one when called from a deferred task.
    virtual void defer(Task task) = 0;

    /// Runs `task` once, not before `delay` has passed. Timers due together run in the order of
    /// their deadlines.
    virtual TimerId add_timer(Duration delay, Task task) = 0;

    /// Forgets a timer. One that has run, or no timer, is ignored.
    virtual void cancel_timer(TimerId id) = 0;

    /// Turns until stop(). May be called again after it returned.
    virtual void run() = 0;

    /// Makes run() return after the turn it is in; a run() that has not begun returns at once.
    virtual void stop() = 0;

    /// From within a task that takes long: what has arrived at sockets is handled, deferred tasks
    /// and writes too; no timers, nothing posted. The caller's own stream may be among them.
    virtual void let_others_in() = 0;

    /// Whether the caller may touch what the loop owns.
    virtual bool in_loop_thread() const = 0;

    virtual const Clock& clock() const = 0;
    virtual Random& random() = 0;

protected:
    Loop() = default;
};

}  // namespace kumo::io
