#include "kv/keyspace/slot_counts.h"

#include "base/assert.h"

namespace kumo::kv {

void SlotCounts::add(std::size_t slot, std::int64_t change) {
    KUMO_ASSERT(slot + 1 < sums_.size());
    for (std::size_t at = slot + 1; at < sums_.size(); at += at & (~at + 1)) {
        sums_[at] += static_cast<std::uint64_t>(change);
    }
}

std::size_t SlotCounts::slot_of(std::uint64_t n) const {
    KUMO_ASSERT(n < total());
    std::size_t before = 0;  // All slots up to here hold n or fewer.
    for (std::size_t step = (sums_.size() - 1) / 2; step > 0; step /= 2) {
        if (sums_[before + step] <= n) {
            before += step;
            n -= sums_[before];
        }
    }
    return before;
}

}  // namespace kumo::kv
