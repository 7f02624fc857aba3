#include "api/redis/state/latency.h"

#include <algorithm>

namespace kumo::api_redis {

void LatencyMonitor::add(ByteView name, std::int64_t at_seconds, std::uint64_t milliseconds) {
    Event& event = events_[std::string(name)];
    event.worst_ms = std::max(event.worst_ms, milliseconds);
    if (!event.samples.empty() && event.samples.back().at_seconds == at_seconds) {
        event.samples.back().milliseconds =
            std::max(event.samples.back().milliseconds, milliseconds);
        return;
    }
    if (event.samples.size() == kSamplesMax) {
        event.samples.erase(event.samples.begin());
    }
    event.samples.push_back({at_seconds, milliseconds});
}

std::size_t LatencyMonitor::reset(ByteView event) {
    const auto at = events_.find(event);
    if (at == events_.end()) {
        return 0;
    }
    events_.erase(at);
    return 1;
}

std::size_t LatencyMonitor::reset_all() {
    const std::size_t count = events_.size();
    events_.clear();
    return count;
}

}  // namespace kumo::api_redis
