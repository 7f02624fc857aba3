#pragma once

#include "base/result.h"
#include "io/loop.h"

#include <cstddef>
#include <memory>
#include <string>

namespace kumo::io {

struct WorkerPoolOptions {
    std::string name = "worker";
    unsigned threads = 1;
    std::size_t queue_jobs_max = 1024;
    /// Its threads give way to the process's others: what they do takes long, and may.
    bool background = false;
};

/// Runs jobs off the loops: searches, merges, checkpoints. A job hands its result back with
/// Loop::post(). Jobs start in the order they were submitted and must not throw.
/// Thread rule: any thread.
class WorkerPool {
public:
    /// As after stop().
    virtual ~WorkerPool() = default;
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// kOverloaded when queue_jobs_max jobs wait already, kUnavailable after stop(). On an error
    /// the job is destroyed unrun.
    virtual Status submit(Task job) = 0;

    /// Jobs that wait for a thread.
    virtual std::size_t queued_jobs() const = 0;

    /// Refuses new jobs, runs those that were accepted, returns when all are done. Idempotent; not
    /// from a job.
    virtual void stop() = 0;

protected:
    WorkerPool() = default;
};

}  // namespace kumo::io
