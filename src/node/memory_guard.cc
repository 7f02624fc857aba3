#include "node/memory_guard.h"

#include <chrono>
#include <utility>

namespace kumo::node {

namespace {

constexpr Duration kLookInterval = std::chrono::seconds(1);

}  // namespace

MemoryGuard::MemoryGuard(
    std::uint32_t used_max_percentage,
    std::function<double()> used_percentage,
    Clock& clock
)
    : used_max_percentage_(used_max_percentage),
      used_percentage_(used_max_percentage < 100 ? std::move(used_percentage) : nullptr),
      clock_(clock) {}

Status MemoryGuard::admit() {
    return is_out() ? Status(out_of_memory()) : Status();
}

bool MemoryGuard::is_out() {
    if (used_percentage_ == nullptr) {
        return false;
    }
    const MutexLock lock(mutex_);
    const MonotonicTime now = clock_.monotonic_now();
    if (!looked_ || now - looked_at_ >= kLookInterval) {
        looked_ = true;
        looked_at_ = now;
        is_out_ = used_percentage_() > used_max_percentage_;
    }
    return is_out_;
}

Error out_of_memory() {
    return Error{
        ErrorCode::kResourceExhausted,
        "Rejecting write: running out of resource type: OUT_OF_MEMORY"};
}

}  // namespace kumo::node
