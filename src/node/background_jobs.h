#pragma once

#include "io/loop.h"
#include "io/worker_pool.h"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

namespace kumo::node {

/// The node's work off the data loop: at most one job of each lane is in a pool at a time, so
/// that seals never wait for merges, nor a copy for either. What takes long gives way to searches:
/// it is in a pool of its own. What waits here is bounded by the collections, each with one job of
/// a kind, and by the parts of files under way.
///
/// Thread rule: loop-owned. Jobs must not touch what the loop owns; the tasks they return may.
class BackgroundJobs {
public:
    enum class Lane : std::uint8_t {
        kStore,    ///< Seals, manifests, checkpoints: the log waits for them.
        kMerge,    ///< In the background.
        kInstall,  ///< Files that arrive for a copy; in the background.
    };

    /// Runs on a pool; what it returns runs on the loop.
    using Job = std::function<io::Task()>;

    BackgroundJobs(io::Loop& loop, io::WorkerPool& pool, io::WorkerPool& background);

    /// In order within a lane. Destroyed unrun once its pool has stopped.
    void submit(Lane lane, Job job);

private:
    static constexpr std::size_t kLanes = 3;

    struct Queue {
        std::deque<std::shared_ptr<const Job>> waiting;
        bool busy = false;
    };

    void start_next(Lane lane);
    void retry_later(Lane lane);
    Queue& queue(Lane lane);
    io::WorkerPool& pool_of(Lane lane);

    io::Loop& loop_;
    io::WorkerPool& pool_;
    io::WorkerPool& background_;
    std::array<Queue, kLanes> queues_;
};

}  // namespace kumo::node
