#include "node/disk_guard.h"

#include "base/log.h"

#include <algorithm>
#include <utility>

namespace kumo::node {

namespace {

constexpr Duration kLookInterval = std::chrono::seconds(1);

std::uint64_t difference(std::uint64_t a, std::uint64_t b) {
    return a - std::min(a, b);
}

}  // namespace

DiskGuard::DiskGuard(io::Fs& fs, std::string path, DiskLimits limits, Clock& clock)
    : fs_(fs), path_(std::move(path)), limits_(limits), clock_(clock) {}

Status DiskGuard::admit(std::uint64_t bytes) {
    const MutexLock lock(mutex_);
    if (room() <= bytes) {
        room_ = 0;  // Full for everybody until the next look, so that is_full() agrees.
        return out_of_disk();
    }
    room_ -= bytes;
    return {};
}

void DiskGuard::withhold(std::uint64_t bytes) {
    const MutexLock lock(mutex_);
    withheld_ = bytes;
}

void DiskGuard::note_full() {
    const MutexLock lock(mutex_);
    looked_ = true;
    looked_at_ = clock_.monotonic_now();
    room_ = 0;
}

bool DiskGuard::is_full() {
    const MutexLock lock(mutex_);
    return room() == 0;
}

std::uint64_t DiskGuard::room() {
    const MonotonicTime now = clock_.monotonic_now();
    if (!looked_ || now - looked_at_ >= kLookInterval) {
        looked_ = true;
        looked_at_ = now;
        look();
    }
    return room_;
}

void DiskGuard::look() {
    const auto free = fs_.free_bytes(path_);
    const auto total = fs_.total_bytes(path_);
    if (!free.ok() || !total.ok()) {
        // Not known is not full: a write that does not fit fails by itself.
        log_warn(free.ok() ? total.error().message : free.error().message);
        room_ = UINT64_MAX;
        return;
    }
    std::uint64_t room = difference(free.value(), limits_.reserve_bytes + withheld_);
    if (limits_.used_max_percentage < 100) {
        const std::uint64_t used_max = total.value() / 100 * limits_.used_max_percentage;
        const std::uint64_t used = difference(total.value(), free.value());
        room = std::min(room, difference(used_max, used));
    }
    room_ = room;
}

Error out_of_disk() {
    return Error{
        ErrorCode::kResourceExhausted,
        "Rejecting write: running out of resource type: OUT_OF_DISK"};
}

}  // namespace kumo::node
