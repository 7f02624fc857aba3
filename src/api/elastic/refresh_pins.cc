#include "api/elastic/refresh_pins.h"

#include <utility>

namespace kumo::api_elastic {

void RefreshPins::before_write(const std::string& index, Duration interval) {
    auto snapshot = node_.snapshot(index);
    if (!snapshot.ok()) {
        return;
    }
    const MonotonicTime now = clock_.monotonic_now();
    const MutexLock lock(mutex_);
    const auto found = pins_.find(index);
    if (found != pins_.end() && (found->second.for_ever || found->second.until > now)) {
        return;
    }
    pins_[index] = {
        std::move(snapshot).value(),
        now + std::max(interval, Duration::zero()),
        interval < Duration::zero()};
}

void RefreshPins::refresh(std::string_view index) {
    const MutexLock lock(mutex_);
    if (const auto found = pins_.find(index); found != pins_.end()) {
        pins_.erase(found);
    }
}

Result<std::shared_ptr<const search::Snapshot>> RefreshPins::snapshot(const std::string& index) {
    {
        const MutexLock lock(mutex_);
        const auto found = pins_.find(index);
        if (found != pins_.end()) {
            if (found->second.for_ever || found->second.until > clock_.monotonic_now()) {
                return found->second.snapshot;
            }
            pins_.erase(found);
        }
    }
    return node_.snapshot(index);
}

}  // namespace kumo::api_elastic
