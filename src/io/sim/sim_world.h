#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "io/internal/timer_queue.h"
#include "io/loop.h"

#include <cstdint>
#include <memory>

namespace kumo::io {

class SimLoop;

/// A deterministic world on one thread: a virtual clock, one random sequence and an ordered list
/// of events. Same seed and same calls: same events in the same order, which trace_hash() shows.
/// Time passes only between events. Owned by one thread; outlives everything made in it.
class SimWorld {
public:
    explicit SimWorld(std::uint64_t seed);
    ~SimWorld();
    SimWorld(const SimWorld&) = delete;
    SimWorld& operator=(const SimWorld&) = delete;

    /// A loop in this world; destroy it before the world. Its run() drives the whole world.
    std::unique_ptr<SimLoop> make_loop();

    /// Runs the next event, moving the clock to it. False if there is none.
    bool step();

    /// Runs events until there is none, at most `events_max`; true if it got there.
    bool run_until_idle(std::uint64_t events_max = 1'000'000);

    /// Runs everything due within `span`, then sets the clock to its end.
    void run_for(Duration span);

    const Clock& clock() const;
    Random& random();

    /// Uniform in [low, high].
    Duration random_duration(Duration low, Duration high);

    /// Runs `task` after `delay`; events of one instant run in the order they were scheduled.
    TimerId schedule(Duration delay, Task task);
    void cancel(TimerId event);

    /// Mixes what happened into the trace hash.
    void trace(ByteView what, std::uint64_t detail = 0);
    std::uint64_t trace_hash() const;

    /// Whether the running code may touch what `loop` owns: it is in one of the loop's turns, or
    /// outside of the world's events altogether.
    bool may_touch(const SimLoop& loop) const;

private:
    friend class SimLoop;
    class VirtualClock;

    std::unique_ptr<VirtualClock> clock_;
    SeededRandom random_;
    TimerQueue events_;
    std::uint64_t trace_hash_ = 0;
    const SimLoop* current_ = nullptr;
    bool stepping_ = false;
    std::uint64_t next_loop_ = 1;
};

}  // namespace kumo::io
