#pragma once

#include "io/internal/timer_queue.h"
#include "io/loop.h"
#include "io/sim/sim_world.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace kumo::io {

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
    bool in_loop_thread() const override;
    const Clock& clock() const override;
    Random& random() override;

    /// The process this loop stands for dies: everything queued is destroyed unrun, and nothing
    /// posted or timed later will ever run. Not from one of its own tasks.
    void kill();

    bool killed() const { return killed_; }

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
    TimerQueue timers_;
    std::deque<Task> posted_;
    std::vector<Task> deferred_;
    std::vector<Task> turn_end_;
    TimerId wake_;
    MonotonicTime wake_at_;
    bool in_turn_ = false;
    bool killed_ = false;
    bool stopped_ = false;
};

}  // namespace kumo::io
