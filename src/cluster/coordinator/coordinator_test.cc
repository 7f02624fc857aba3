#include "cluster/coordinator/coordinator.h"

#include <gtest/gtest.h>

namespace kumo::cluster {
namespace {

using std::chrono::milliseconds;

Uuid uuid(std::uint8_t number) {
    Uuid id;
    id.bytes.back() = number;
    return id;
}

const NodeId kA = uuid(1);
const NodeId kB = uuid(2);

/// Leads two nodes, both serving.
class CoordinatorTest : public testing::Test {
protected:
    CoordinatorTest() {
        must(Found{uuid(99), 2});
        for (const NodeId& node : {kA, kB}) {
            Register command;
            command.member.id = node;
            command.member.boot = uuid(node.bytes.back() + 10);
            must(command);
            must(Unfence{node, incarnation(node)});
        }
        coordinator_.begin(now_);
        show();
    }

    void must(const Command& command) {
        const Status status = apply(state_, command);
        ASSERT_TRUE(status.ok()) << status.error().message;
        ++index_;
    }

    std::uint64_t incarnation(const NodeId& node) const {
        return find_member(state_, node)->incarnation;
    }

    /// This node applies all there is.
    void show() { coordinator_.on_state(std::make_shared<const State>(state_), index_); }

    /// The round that is begun for a request.
    std::uint64_t request(const NodeId& node) {
        coordinator_.on_request({node, incarnation(node), 1000}, now_);
        const CoordinatorOutput output = coordinator_.take_output();
        EXPECT_TRUE(output.grants.empty());
        return output.rounds.size() == 1 ? output.rounds.front().context : 0;
    }

    State state_;
    std::uint64_t index_ = 0;
    MonotonicTime now_{std::chrono::hours(1)};
    Coordinator coordinator_{CoordinatorOptions{}};
};

TEST_F(CoordinatorTest, GrantsWhenTheRoundIsConfirmed) {
    const std::uint64_t round = request(kA);
    coordinator_.on_round(round, index_);
    const CoordinatorOutput output = coordinator_.take_output();
    ASSERT_EQ(output.grants.size(), 1U);
    EXPECT_EQ(output.grants[0].node, kA);
    EXPECT_EQ(output.grants[0].grant.incarnation, incarnation(kA));
    EXPECT_EQ(output.grants[0].grant.sent, 1000);
    EXPECT_EQ(output.grants[0].grant.state_index, index_);
    coordinator_.on_round(round, index_);
    EXPECT_TRUE(coordinator_.take_output().grants.empty()) << "one grant a request";
}

TEST_F(CoordinatorTest, AGrantWaitsForWhatWasCommittedBeforeTheRound) {
    const std::uint64_t round = request(kA);
    must(SetDraining{kB, true});
    must(SetDraining{kB, false});
    coordinator_.on_round(round, index_);
    EXPECT_TRUE(coordinator_.take_output().grants.empty());
    coordinator_.on_state(std::make_shared<const State>(state_), index_ - 1);
    EXPECT_TRUE(coordinator_.take_output().grants.empty());
    show();
    const CoordinatorOutput output = coordinator_.take_output();
    ASSERT_EQ(output.grants.size(), 1U);
    EXPECT_EQ(output.grants[0].grant.state_index, index_);
}

TEST_F(CoordinatorTest, WhoWasFencedByALeaderOfThePastIsNotGrantedFromAnOldState) {
    const std::uint64_t round = request(kA);
    must(Fence{{kA}});  // Committed; this leader has not applied it yet.
    coordinator_.on_round(round, index_);
    EXPECT_TRUE(coordinator_.take_output().grants.empty());
    show();
    const CoordinatorOutput output = coordinator_.take_output();
    EXPECT_TRUE(output.grants.empty());
    ASSERT_EQ(output.proposals.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<Unfence>(output.proposals[0]));
}

TEST_F(CoordinatorTest, AConfirmedRoundIsForgottenWithTheLeadership) {
    const std::uint64_t round = request(kA);
    coordinator_.on_round(round, index_ + 1);
    coordinator_.end();
    must(SetDraining{kB, true});
    show();
    EXPECT_TRUE(coordinator_.take_output().grants.empty());
    coordinator_.begin(now_);
    show();
    EXPECT_TRUE(coordinator_.take_output().grants.empty());
}

TEST_F(CoordinatorTest, WhoIsSilentIsFencedLaterThanItsLeaseHasRunOut) {
    const LeaseOptions lease;
    now_ += lease.fence_after;
    coordinator_.on_request({kB, incarnation(kB), 1000}, now_);
    coordinator_.tick(now_);
    EXPECT_TRUE(coordinator_.take_output().proposals.empty()) << "not yet";
    now_ += milliseconds(1);
    coordinator_.tick(now_);
    const CoordinatorOutput output = coordinator_.take_output();
    ASSERT_EQ(output.proposals.size(), 1U);
    EXPECT_EQ(std::get<Fence>(output.proposals[0]).nodes, std::set<NodeId>{kA});
}

TEST_F(CoordinatorTest, WhatWasQuietBeforeTheElectionCountsForTheWait) {
    const LeaseOptions lease;
    coordinator_.end();
    coordinator_.begin(now_, milliseconds(1000));
    show();
    now_ += lease.fence_after - milliseconds(980);
    coordinator_.tick(now_);
    EXPECT_TRUE(coordinator_.take_output().proposals.empty()) << "the clocks may differ";
    now_ += milliseconds(1);
    coordinator_.tick(now_);
    EXPECT_EQ(coordinator_.take_output().proposals.size(), 1U);
}

TEST_F(CoordinatorTest, ANewLeaderGivesEverybodyTheTimeToBeHeard) {
    coordinator_.end();
    coordinator_.begin(now_, std::chrono::hours(1));
    show();
    now_ += 2 * LeaseOptions{}.beacon_interval;
    coordinator_.tick(now_);
    EXPECT_TRUE(coordinator_.take_output().proposals.empty());
    now_ += milliseconds(1);
    coordinator_.tick(now_);
    EXPECT_EQ(coordinator_.take_output().proposals.size(), 1U);
}

TEST_F(CoordinatorTest, NothingIsGrantedOnceFencingIsProposed) {
    const std::uint64_t round = request(kA);
    now_ += LeaseOptions{}.fence_after + milliseconds(1);
    coordinator_.tick(now_);
    EXPECT_EQ(coordinator_.take_output().proposals.size(), 1U);
    coordinator_.on_round(round, index_);
    EXPECT_TRUE(coordinator_.take_output().grants.empty());
}

}  // namespace
}  // namespace kumo::cluster
