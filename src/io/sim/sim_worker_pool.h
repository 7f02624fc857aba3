#pragma once

#include "io/sim/sim_world.h"
#include "io/worker_pool.h"

#include <cstddef>
#include <memory>

namespace kumo::io {

/// A WorkerPool whose jobs run on the world's thread: started in order, as many at a time as there
/// are threads, and each ended, which is when it is run, after a random virtual delay of its own.
class SimWorkerPool final : public WorkerPool {
public:
    SimWorkerPool(SimWorld& world, const WorkerPoolOptions& options);
    ~SimWorkerPool() override;
    SimWorkerPool(const SimWorkerPool&) = delete;
    SimWorkerPool& operator=(const SimWorkerPool&) = delete;

    Status submit(Task job) override;
    std::size_t queued_jobs() const override;

    /// Runs what is queued at once.
    void stop() override;

    /// The process dies: queued jobs are destroyed unrun, later ones are refused.
    void kill();

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kumo::io
