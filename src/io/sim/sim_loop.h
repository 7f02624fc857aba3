#pragma once

#include "io/internal/timer_queue.h"
#include "io/loop.h"
#include "io/sim/sim_world.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace kumo::io {

/// A node's clock: it may run slow or fast, and its machine may sleep. Owned like the world.
class SimClock final : public Clock {
public:
    explicit SimClock(const Clock& world);

    MonotonicTime monotonic_now() const override;

    MonotonicTime boottime_now() const override { return monotonic_now() + slept_; }

    WallTime wall_now() const override;

    /// How much of the world's time this much of the node's is, rounded up.
    Duration to_world(Duration local) const;

private:
    friend class SimLoop;
    void set_rate(std::int64_t ppm);

    const Clock& world_;
    MonotonicTime world_base_;  ///< When the rate was set, and what this clock showed then.
    MonotonicTime local_base_;
    std::int64_t ppm_ = kTrueRatePpm;
    Duration slept_{};

public:
    static constexpr std::int64_t kTrueRatePpm = 1'000'000;
};

/// A Loop of a SimWorld: the same turns as the real one, in virtual time. Owned like the world.
class SimLoop final : public Loop {
public:
    /// Made by SimWorld::make_loop().
    SimLoop(SimWorld& world, std::uint64_t number);
    ~SimLoop() override;
    SimLoop(const SimLoop&) = delete;
    SimLoop& operator=(const SimLoop&) = delete;

    void post(Task task) override;
    void defer(Task task) override;
    TimerId add_timer(Duration delay, Task task) override;
    void cancel_timer(TimerId id) override;
    void run() override;
    void stop() override;

    /// In a simulation nothing arrives while a task runs.
    void let_others_in() override {}

    bool in_loop_thread() const override;
    const Clock& clock() const override;
    Random& random() override;

    /// The process this loop stands for dies: everything queued is destroyed unrun, and nothing
    /// posted or timed later will ever run. Not from one of its own tasks.
    void kill();

    bool killed() const { return killed_; }

    /// This node's clocks and timers run at `ppm` parts of a million of the world's time, from now
    /// on: 1'010'000 is 1 % fast. Between 1 and a thousand times the true rate.
    void set_clock_rate(std::int64_t ppm);

    /// The node's machine has slept: boottime_now() jumps, monotonic_now() has not seen it.
    void note_suspend(Duration slept);

    /// The process is stopped and goes on later: clocks go on, no task runs in between. Not from
    /// one of its own tasks.
    void pause();
    void resume();

    SimWorld& world() { return world_; }

    /// Requires: `loop` is a SimLoop (real and simulated objects are never mixed).
    static SimLoop& of(Loop& loop);

    /// Runs `task` after this turn's deferred tasks: where streams send what they gathered.
    void at_turn_end(Task task);

private:
    void turn();
    void run_timers();
    void wake_in(Duration delay);
    void plan_next_turn();

    SimWorld& world_;
    const std::uint64_t number_;
    SimClock clock_;
    TimerQueue timers_;
    std::deque<Task> posted_;
    std::vector<Task> deferred_;
    std::vector<Task> turn_end_;
    TimerId wake_;
    MonotonicTime wake_at_;
    bool in_turn_ = false;
    bool paused_ = false;
    bool killed_ = false;
    bool stopped_ = false;
};

}  // namespace kumo::io
