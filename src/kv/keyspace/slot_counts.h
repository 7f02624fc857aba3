#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kumo::kv {

/// How many there are of something in each slot, so that "the slot of the n-th" is found without
/// adding up all slots: a binary indexed tree (Fenwick, 1994). Each call takes as many steps as the
/// number of slots has bits. Thread rule: loop-owned.
class SlotCounts {
public:
    /// Requires: a power of two.
    explicit SlotCounts(std::size_t slots) : sums_(slots + 1) {}

    void add(std::size_t slot, std::int64_t change);
    /// The slot that holds the n-th, counted from 0. Requires: there are more than `n`.
    std::size_t slot_of(std::uint64_t n) const;

    /// Requires: a power of two of slots.
    std::uint64_t total() const { return sums_.back(); }

    void clear() { sums_.assign(sums_.size(), 0); }

private:
    std::vector<std::uint64_t> sums_;  ///< At i: of the slots (i - lowest bit of i, i], from 1.
};

}  // namespace kumo::kv
