#include "io/sim/sim_worker_pool.h"

#include <deque>
#include <utility>

namespace kumo::io {

namespace {

constexpr Duration kJobDelayMin = std::chrono::microseconds(10);
constexpr Duration kJobDelayMax = std::chrono::milliseconds(1);

}  // namespace

struct SimWorkerPool::State : std::enable_shared_from_this<SimWorkerPool::State> {
    State(SimWorld& the_world, WorkerPoolOptions the_options)
        : world(the_world), options(std::move(the_options)) {}

    SimWorld& world;
    const WorkerPoolOptions options;
    std::deque<Task> jobs;
    bool scheduled = false;
    bool stopped = false;

    void run_one() {
        if (jobs.empty()) {
            return;
        }
        const Task job = std::move(jobs.front());
        jobs.pop_front();
        world.trace("job", jobs.size());
        job();
    }

    void schedule_next() {
        if (scheduled || jobs.empty()) {
            return;
        }
        scheduled = true;
        const auto self = shared_from_this();
        (void)world.schedule(world.random_duration(kJobDelayMin, kJobDelayMax), [self] {
            self->scheduled = false;
            self->run_one();
            self->schedule_next();
        });
    }
};

SimWorkerPool::SimWorkerPool(SimWorld& world, const WorkerPoolOptions& options)
    : state_(std::make_shared<State>(world, options)) {}

SimWorkerPool::~SimWorkerPool() {
    stop();
}

Status SimWorkerPool::submit(Task job) {
    if (state_->stopped) {
        return Error{ErrorCode::kUnavailable, state_->options.name + " pool is stopping"};
    }
    if (state_->jobs.size() >= state_->options.queue_jobs_max) {
        return Error{ErrorCode::kOverloaded, state_->options.name + " pool: its queue is full"};
    }
    state_->jobs.push_back(std::move(job));
    state_->schedule_next();
    return {};
}

std::size_t SimWorkerPool::queued_jobs() const {
    return state_->jobs.size();
}

void SimWorkerPool::stop() {
    state_->stopped = true;
    while (!state_->jobs.empty()) {
        state_->run_one();
    }
}

void SimWorkerPool::kill() {
    state_->stopped = true;
    const auto jobs = std::exchange(state_->jobs, {});
}

}  // namespace kumo::io
