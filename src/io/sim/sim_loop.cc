#include "io/sim/sim_loop.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace kumo::io {

namespace {

/// How long a turn waits for its loop to come round.
constexpr Duration kTurnDelayMin = std::chrono::microseconds(1);
constexpr Duration kTurnDelayMax = std::chrono::microseconds(20);

}  // namespace

SimClock::SimClock(const Clock& world)
    : world_(world), world_base_(world.monotonic_now()), local_base_(world.monotonic_now()) {}

MonotonicTime SimClock::monotonic_now() const {
    const std::int64_t passed = (world_.monotonic_now() - world_base_).count();
    // In two parts, for the product's range.
    const std::int64_t whole = passed / kTrueRatePpm * ppm_;
    return local_base_ + Duration(whole + passed % kTrueRatePpm * ppm_ / kTrueRatePpm);
}

WallTime SimClock::wall_now() const {
    return world_.wall_now() + (monotonic_now() - world_.monotonic_now());
}

Duration SimClock::to_world(Duration local) const {
    const std::int64_t whole = local.count() / ppm_ * kTrueRatePpm;
    return Duration(whole + (local.count() % ppm_ * kTrueRatePpm + ppm_ - 1) / ppm_);
}

void SimClock::set_rate(std::int64_t ppm) {
    KUMO_ASSERT(ppm > 0 && ppm <= 1000 * kTrueRatePpm);
    local_base_ = monotonic_now();
    world_base_ = world_.monotonic_now();
    ppm_ = ppm;
}

SimLoop::SimLoop(SimWorld& world, std::uint64_t number)
    : world_(world), number_(number), clock_(world.clock()) {}

void SimLoop::set_clock_rate(std::int64_t ppm) {
    clock_.set_rate(ppm);
    if (!in_turn_ && !killed_) {
        world_.cancel(std::exchange(wake_, {}));
        plan_next_turn();
    }
}

void SimLoop::pause() {
    KUMO_ASSERT(!in_turn_);
    paused_ = true;
    world_.cancel(std::exchange(wake_, {}));
}

void SimLoop::resume() {
    paused_ = false;
    if (!killed_) {
        plan_next_turn();
    }
}

void SimLoop::note_suspend(Duration slept) {
    clock_.slept_ += slept;
}

SimLoop::~SimLoop() {
    KUMO_ASSERT(!in_turn_);
    kill();
}

SimLoop& SimLoop::of(Loop& loop) {
    auto* const sim_loop = dynamic_cast<SimLoop*>(&loop);
    KUMO_ASSERT(sim_loop != nullptr);
    return *sim_loop;
}

void SimLoop::post(Task task) {
    if (killed_) {
        return;
    }
    posted_.push_back(std::move(task));
    wake_in(world_.random_duration(kTurnDelayMin, kTurnDelayMax));
}

void SimLoop::defer(Task task) {
    KUMO_ASSERT(in_loop_thread());
    if (killed_) {
        return;
    }
    deferred_.push_back(std::move(task));
    wake_in(kTurnDelayMin);
}

void SimLoop::at_turn_end(Task task) {
    KUMO_ASSERT(in_loop_thread());
    if (killed_) {
        return;
    }
    turn_end_.push_back(std::move(task));
    wake_in(kTurnDelayMin);
}

TimerId SimLoop::add_timer(Duration delay, Task task) {
    KUMO_ASSERT(in_loop_thread());
    if (killed_) {
        return {};
    }
    delay = std::max(delay, Duration::zero());
    const TimerId id = timers_.add(clock().monotonic_now() + delay, std::move(task));
    wake_in(delay);
    return id;
}

void SimLoop::cancel_timer(TimerId id) {
    timers_.cancel(id);
}

void SimLoop::run() {
    while (!stopped_ && world_.step()) {
    }
    stopped_ = false;
}

void SimLoop::stop() {
    stopped_ = true;
}

bool SimLoop::in_loop_thread() const {
    return world_.may_touch(*this);
}

const Clock& SimLoop::clock() const {
    return clock_;
}

Random& SimLoop::random() {
    return world_.random();
}

void SimLoop::kill() {
    KUMO_ASSERT(!in_turn_);
    killed_ = true;
    world_.cancel(std::exchange(wake_, {}));
    // What a task owns may touch this loop as it goes, so each list is emptied before it dies.
    timers_.clear();
    const auto posted = std::exchange(posted_, {});
    const auto deferred = std::exchange(deferred_, {});
    const auto turn_end = std::exchange(turn_end_, {});
}

void SimLoop::turn() {
    wake_ = {};
    in_turn_ = true;
    world_.current_ = this;
    world_.trace("turn", number_);
    run_timers();
    for (std::size_t left = posted_.size(); left > 0; --left) {
        const Task task = std::move(posted_.front());
        posted_.pop_front();
        task();
    }
    for (Task& task : std::exchange(deferred_, {})) {
        task();
    }
    for (Task& task : std::exchange(turn_end_, {})) {
        task();
    }
    world_.current_ = nullptr;
    in_turn_ = false;
    plan_next_turn();
}

void SimLoop::run_timers() {
    const MonotonicTime now = clock().monotonic_now();
    for (Task task = timers_.take_due(now); task; task = timers_.take_due(now)) {
        task();
    }
}

void SimLoop::wake_in(Duration delay) {
    if (in_turn_ || paused_) {
        return;  // plan_next_turn() sees to it.
    }
    const MonotonicTime at = clock().monotonic_now() + delay;
    if (wake_ != TimerId{}) {
        if (wake_at_ <= at) {
            return;
        }
        world_.cancel(wake_);
    }
    wake_at_ = at;
    wake_ = world_.schedule(clock_.to_world(delay), [this] { turn(); });
}

void SimLoop::plan_next_turn() {
    if (!posted_.empty() || !deferred_.empty() || !turn_end_.empty()) {
        wake_in(world_.random_duration(kTurnDelayMin, kTurnDelayMax));
    } else if (const auto next = timers_.next(); next.has_value()) {
        wake_in(std::max(*next - clock().monotonic_now(), Duration::zero()));
    }
}

}  // namespace kumo::io
