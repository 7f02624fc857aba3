#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "io/loop.h"

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

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
    /// Returns a number for cancel().
    std::uint64_t schedule(Duration delay, Task task);
    void cancel(std::uint64_t event);

    /// Mixes what happened into the trace hash.
    void trace(ByteView what, std::uint64_t detail = 0);
    std::uint64_t trace_hash() const;

    /// The loop whose task is running; null outside of tasks, and in pool jobs.
    const SimLoop* current_loop() const;

private:
    friend class SimLoop;
    class VirtualClock;

    struct Event {
        std::uint64_t id;
        Task task;
    };

    std::unique_ptr<VirtualClock> clock_;
    SeededRandom random_;
    std::map<std::pair<MonotonicTime, std::uint64_t>, Event> events_;
    std::map<std::uint64_t, MonotonicTime> when_;
    std::uint64_t next_event_ = 1;
    std::uint64_t trace_hash_ = 0;
    const SimLoop* current_ = nullptr;
};

}  // namespace kumo::io
