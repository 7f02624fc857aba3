#include "base/mutex.h"
#include "io/system.h"
#include "io/thread.h"

#include <condition_variable>
#include <deque>
#include <vector>

namespace kumo::io {

namespace {

/// WorkerPool on threads.
class ThreadPool final : public WorkerPool {
public:
    explicit ThreadPool(const WorkerPoolOptions& options) : options_(options) {
        for (unsigned i = 0; i < options.threads; ++i) {
            threads_.push_back(std::make_unique<Thread>(
                options.name + "-" + std::to_string(i),
                [this] { run_jobs(); }
            ));
        }
    }

    ~ThreadPool() override { stop_threads(); }

    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    Status submit(Task job) override {
        {
            const MutexLock lock(mutex_);
            if (stopping_) {
                return Error{ErrorCode::kUnavailable, options_.name + " pool is stopping"};
            }
            if (jobs_.size() >= options_.queue_jobs_max) {
                return Error{
                    ErrorCode::kOverloaded,
                    options_.name + " pool: " + std::to_string(jobs_.size())
                        + " jobs wait already"};
            }
            jobs_.push_back(std::move(job));
        }
        wake_.notify_one();
        return {};
    }

    std::size_t queued_jobs() const override {
        const MutexLock lock(mutex_);
        return jobs_.size();
    }

    void stop() override { stop_threads(); }

private:
    void stop_threads() {
        {
            const MutexLock lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        const MutexLock lock(join_mutex_);
        for (const auto& thread : threads_) {
            thread->join();
        }
    }

    void run_jobs() {
        if (options_.background) {
            give_way();
        }
        for (Task job = take_job(); job; job = take_job()) {
            job();
            job = nullptr;  // What it holds goes now, not when there is another one.
        }
    }

    /// Waits for a job; an empty task when there will be none any more.
    Task take_job() {
        const MutexLock lock(mutex_);
        while (jobs_.empty() && !stopping_) {
            wake_.wait(mutex_);
        }
        if (jobs_.empty()) {
            return {};
        }
        Task job = std::move(jobs_.front());
        jobs_.pop_front();
        return job;
    }

    const WorkerPoolOptions options_;
    mutable Mutex mutex_;
    std::condition_variable_any wake_;
    std::deque<Task> jobs_ KUMO_GUARDED_BY(mutex_);
    bool stopping_ KUMO_GUARDED_BY(mutex_) = false;
    Mutex join_mutex_;  ///< Two callers of stop() may meet.
    std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace

std::unique_ptr<WorkerPool> make_system_worker_pool(const WorkerPoolOptions& options) {
    return std::make_unique<ThreadPool>(options);
}

}  // namespace kumo::io
