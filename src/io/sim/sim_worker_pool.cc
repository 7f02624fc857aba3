#include "io/sim/sim_worker_pool.h"

#include <deque>
#include <map>
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
    std::map<std::uint64_t, Task> started;
    std::uint64_t next_start = 0;
    bool stopped = false;

    void end(std::uint64_t start) {
        const auto found = started.find(start);
        if (found == started.end()) {
            return;
        }
        const Task job = std::move(found->second);
        started.erase(found);
        world.trace("job", start);
        job();
    }

    void start_more() {
        while (started.size() < options.threads && !jobs.empty()) {
            const std::uint64_t start = next_start++;
            started.emplace(start, std::move(jobs.front()));
            jobs.pop_front();
            const auto self = shared_from_this();
            (void)world.schedule(world.random_duration(kJobDelayMin, kJobDelayMax), [self, start] {
                self->end(start);
                self->start_more();
            });
        }
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
    state_->start_more();
    return {};
}

std::size_t SimWorkerPool::queued_jobs() const {
    return state_->jobs.size();
}

void SimWorkerPool::stop() {
    state_->stopped = true;
    while (!state_->started.empty()) {
        state_->end(state_->started.begin()->first);
        state_->start_more();
    }
}

void SimWorkerPool::kill() {
    state_->stopped = true;
    const auto started = std::exchange(state_->started, {});
    const auto jobs = std::exchange(state_->jobs, {});
}

}  // namespace kumo::io
