#include "node/live_budget.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

namespace kumo::node {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST(LiveBudget, HasTheLargestSealed) {
    const auto budget = std::make_shared<LiveBudget>(10 * kMiB);
    std::string sealed;
    LiveBudget::Member a(budget, [&] { sealed += "a"; });
    LiveBudget::Member b(budget, [&] { sealed += "b"; });
    a.update(7 * kMiB);
    b.update(3 * kMiB);
    EXPECT_EQ(sealed, "");
    b.update(4 * kMiB);
    EXPECT_EQ(sealed, "a");
    a.update(0);
    b.update(10 * kMiB);
    EXPECT_EQ(sealed, "a");
}

TEST(LiveBudget, MayBeUpdatedBySealing) {
    const auto budget = std::make_shared<LiveBudget>(10 * kMiB);
    int seals = 0;
    std::optional<LiveBudget::Member> member;
    member.emplace(budget, [&] {
        ++seals;
        member->update(0);
    });
    member->update(11 * kMiB);
    member->update(9 * kMiB);
    EXPECT_EQ(seals, 1);
}

TEST(LiveBudget, ForgetsWhoIsGone) {
    const auto budget = std::make_shared<LiveBudget>(10 * kMiB);
    int seals = 0;
    std::optional<LiveBudget::Member> large;
    large.emplace(budget, [&] { ++seals; });
    LiveBudget::Member small(budget, [&] { ++seals; });
    large->update(9 * kMiB);
    large.reset();
    small.update(9 * kMiB);
    EXPECT_EQ(seals, 0);
}

TEST(LiveBudget, LeavesSmallOnesAlone) {
    const auto budget = std::make_shared<LiveBudget>(2 * kMiB);
    int seals = 0;
    LiveBudget::Member a(budget, [&] { ++seals; });
    LiveBudget::Member b(budget, [&] { ++seals; });
    LiveBudget::Member c(budget, [&] { ++seals; });
    a.update(kMiB - 1);
    b.update(kMiB - 1);
    c.update(kMiB - 1);
    EXPECT_EQ(seals, 0);
}

TEST(LiveBudget, LivesAsLongAsItsMembers) {
    auto budget = std::make_shared<LiveBudget>(10 * kMiB);
    int seals = 0;
    std::optional<LiveBudget::Member> member;
    member.emplace(budget, [&] { ++seals; });
    budget.reset();
    member->update(11 * kMiB);
    EXPECT_EQ(seals, 1);
    member.reset();
}

}  // namespace
}  // namespace kumo::node
