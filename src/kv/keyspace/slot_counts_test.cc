#include "kv/keyspace/slot_counts.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <vector>

namespace kumo::kv {
namespace {

TEST(SlotCounts, FindTheSlotOfEach) {
    constexpr std::size_t kSlots = 64;
    SeededRandom random(5);
    SlotCounts counts(kSlots);
    std::vector<std::int64_t> expected(kSlots);
    for (int round = 0; round < 1000; ++round) {
        const std::size_t slot = random.below(kSlots);
        const auto change =
            random.chance(1, 2) ? -expected[slot] : static_cast<std::int64_t>(random.below(4));
        expected[slot] += change;
        counts.add(slot, change);
    }
    std::uint64_t n = 0;
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
        for (std::int64_t i = 0; i < expected[slot]; ++i) {
            ASSERT_EQ(counts.slot_of(n++), slot);
        }
    }
    EXPECT_EQ(counts.total(), n);
    counts.clear();
    EXPECT_EQ(counts.total(), 0U);
}

TEST(SlotCounts, OneSlot) {
    SlotCounts counts(1);
    counts.add(0, 2);
    EXPECT_EQ(counts.slot_of(1), 0U);
    EXPECT_EQ(counts.total(), 2U);
}

}  // namespace
}  // namespace kumo::kv
