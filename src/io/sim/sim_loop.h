#pragma once

#include "io/loop.h"
#include "io/sim/sim_world.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace kumo::io {

/// A Loop of a SimWorld: the same turns as the real one, in virtual time. Owned like the world.
class SimLoop final : public Loop {
public:
    explicit SimLoop(SimWorld& world);
    ~SimLoop() override;

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

    bool killed() const;

    SimWorld& world();

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kumo::io
