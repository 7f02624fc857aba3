#include "node/background_jobs.h"

#include <utility>

namespace kumo::node {

namespace {

/// The pool is full of searches: they take milliseconds.
constexpr Duration kPoolRetryDelay = std::chrono::milliseconds(20);

}  // namespace

BackgroundJobs::BackgroundJobs(io::Loop& loop, io::WorkerPool& pool, io::WorkerPool& background)
    : loop_(loop), pool_(pool), background_(background) {}

void BackgroundJobs::submit(Lane lane, Job job) {
    queue(lane).waiting.push_back(std::make_shared<const Job>(std::move(job)));
    start_next(lane);
}

void BackgroundJobs::start_next(Lane lane) {
    Queue& jobs = queue(lane);
    if (jobs.busy || jobs.waiting.empty()) {
        return;
    }
    io::Loop& loop = loop_;
    const Status submitted = pool_of(lane).submit([this, &loop, lane, job = jobs.waiting.front()] {
        // The job ends before its result is posted, so that nothing outlives it here.
        loop.post([this, lane, after = (*job)()] {
            queue(lane).busy = false;
            start_next(lane);
            after();
        });
    });
    if (submitted.ok()) {
        jobs.busy = true;
        jobs.waiting.pop_front();
    } else if (submitted.error().code == ErrorCode::kOverloaded) {
        retry_later(lane);
    } else {
        jobs.waiting.clear();
    }
}

void BackgroundJobs::retry_later(Lane lane) {
    queue(lane).busy = true;
    (void)loop_.add_timer(kPoolRetryDelay, [this, lane] {
        queue(lane).busy = false;
        start_next(lane);
    });
}

BackgroundJobs::Queue& BackgroundJobs::queue(Lane lane) {
    return queues_[static_cast<std::size_t>(lane)];
}

io::WorkerPool& BackgroundJobs::pool_of(Lane lane) {
    return lane == Lane::kStore ? pool_ : background_;
}

}  // namespace kumo::node
