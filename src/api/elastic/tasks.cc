#include "api/elastic/tasks.h"

#include <utility>

namespace kumo::api_elastic {

namespace {

std::int64_t wall_millis(const Clock& clock) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock.wall_now().time_since_epoch()
    )
        .count();
}

}  // namespace

// Numbers go on from the time of the start: results of tasks from before a restart are still there.
Tasks::Tasks(const Clock& clock) : clock_(clock), next_(wall_millis(clock)) {}

std::shared_ptr<const Task>
Tasks::begin(std::string action, std::string description, bool cancellable, std::string opaque_id) {
    auto task = std::make_shared<Task>();
    task->action = std::move(action);
    task->description = std::move(description);
    task->cancellable = cancellable;
    task->opaque_id = std::move(opaque_id);
    task->started_at = wall_millis(clock_);
    task->begin = clock_.monotonic_now();
    const MutexLock lock(mutex_);
    task->number = next_++;
    running_[task->number] = task;
    return task;
}

std::vector<std::shared_ptr<const Task>> Tasks::running() {
    const MutexLock lock(mutex_);
    std::vector<std::shared_ptr<const Task>> out;
    for (auto at = running_.begin(); at != running_.end();) {
        if (auto task = at->second.lock()) {
            out.push_back(std::move(task));
            ++at;
        } else {
            at = running_.erase(at);
        }
    }
    return out;
}

std::shared_ptr<const Task> Tasks::find(std::int64_t number) {
    const MutexLock lock(mutex_);
    const auto found = running_.find(number);
    return found == running_.end() ? nullptr : found->second.lock();
}

}  // namespace kumo::api_elastic
