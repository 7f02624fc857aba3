#include "io/internal/timer_queue.h"

namespace kumo::io {

TimerId TimerQueue::add(MonotonicTime deadline, Task task) {
    const std::uint64_t id = next_id_++;
    timers_.emplace(std::pair(deadline, id), std::move(task));
    deadlines_.emplace(id, deadline);
    return TimerId{id};
}

void TimerQueue::cancel(TimerId id) {
    const auto found = deadlines_.find(id.value);
    if (found == deadlines_.end()) {
        return;
    }
    const std::pair key(found->second, id.value);
    deadlines_.erase(found);
    // Destroyed only after both tables agree: the task may own something that cancels timers.
    const auto timer = timers_.extract(key);
}

std::optional<MonotonicTime> TimerQueue::next() const {
    if (timers_.empty()) {
        return std::nullopt;
    }
    return timers_.begin()->first.first;
}

Task TimerQueue::take_due(MonotonicTime now) {
    if (timers_.empty() || timers_.begin()->first.first > now) {
        return {};
    }
    auto timer = timers_.extract(timers_.begin());
    deadlines_.erase(timer.key().second);
    return std::move(timer.mapped());
}

void TimerQueue::clear() {
    while (!timers_.empty()) {
        deadlines_.erase(timers_.begin()->first.second);
        const auto timer = timers_.extract(timers_.begin());
    }
}

}  // namespace kumo::io
