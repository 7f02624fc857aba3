#include "io/sim/sim_world.h"

#include "base/assert.h"
#include "io/sim/sim_loop.h"

namespace kumo::io {

namespace {

/// FNV-1a (Fowler, Noll, Vo), 64 bits.
std::uint64_t mix(std::uint64_t hash, ByteView bytes) {
    for (const char c : bytes) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    return hash;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t number) {
    return mix(hash, ByteView(reinterpret_cast<const char*>(&number), sizeof(number)));
}

}  // namespace

class SimWorld::VirtualClock final : public Clock {
public:
    MonotonicTime monotonic_now() const override { return now_; }

    WallTime wall_now() const override { return kStart + now_.time_since_epoch(); }

    void advance_to(MonotonicTime time) {
        KUMO_ASSERT(time >= now_);
        now_ = time;
    }

private:
    /// 2026-01-01: any fixed day does.
    static constexpr WallTime kStart{std::chrono::seconds(1'767'225'600)};
    MonotonicTime now_{std::chrono::seconds(1)};
};

SimWorld::SimWorld(std::uint64_t seed)
    : clock_(std::make_unique<VirtualClock>()), random_(seed), trace_hash_(mix(0, seed)) {}

SimWorld::~SimWorld() {
    events_.clear();
}

std::unique_ptr<SimLoop> SimWorld::make_loop() {
    return std::make_unique<SimLoop>(*this, next_loop_++);
}

bool SimWorld::step() {
    KUMO_ASSERT(!stepping_);
    const auto next = events_.next();
    if (!next.has_value()) {
        return false;
    }
    clock_->advance_to(*next);
    const Task task = events_.take_due(*next);
    stepping_ = true;
    task();
    stepping_ = false;
    return true;
}

bool SimWorld::run_until_idle(std::uint64_t events_max) {
    for (std::uint64_t i = 0; i < events_max; ++i) {
        if (!step()) {
            return true;
        }
    }
    return false;
}

void SimWorld::run_for(Duration span) {
    const MonotonicTime end = clock_->monotonic_now() + span;
    for (auto next = events_.next(); next.has_value() && *next <= end; next = events_.next()) {
        (void)step();
    }
    clock_->advance_to(end);
}

const Clock& SimWorld::clock() const {
    return *clock_;
}

Random& SimWorld::random() {
    return random_;
}

Duration SimWorld::random_duration(Duration low, Duration high) {
    KUMO_ASSERT(low <= high);
    const auto span = static_cast<std::uint64_t>((high - low).count());
    return low + Duration(static_cast<std::int64_t>(random_.below(span + 1)));
}

TimerId SimWorld::schedule(Duration delay, Task task) {
    KUMO_ASSERT(delay >= Duration::zero());
    return events_.add(clock_->monotonic_now() + delay, std::move(task));
}

void SimWorld::cancel(TimerId event) {
    events_.cancel(event);
}

void SimWorld::trace(ByteView what, std::uint64_t detail) {
    const auto now = static_cast<std::uint64_t>(clock_->monotonic_now().time_since_epoch().count());
    trace_hash_ = mix(mix(mix(trace_hash_, now), what), detail);
}

std::uint64_t SimWorld::trace_hash() const {
    return trace_hash_;
}

bool SimWorld::may_touch(const SimLoop& loop) const {
    return current_ == &loop || !stepping_;
}

}  // namespace kumo::io
