#include "consensus/internal/test_group.h"
#include "consensus/raft.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace kumo::consensus {
namespace {

using std::chrono::milliseconds;
using Strings = std::vector<std::string>;

constexpr Duration kPatience = TestGroup::kPatience;

Status propose(
    TestGroup& group,
    int leader,
    const std::vector<int>& voters,
    const std::vector<int>& learners
) {
    return group.raft(leader).propose_configuration(test_nodes(voters), test_nodes(learners));
}

void beat(TestGroup& group, int leader, int times) {
    for (int i = 0; i < times; ++i) {
        group.beat(leader);
    }
}

/// Node 4 follows as a learner.
void add_learner(TestGroup& group) {
    group.join(4);
    ASSERT_TRUE(propose(group, 1, {1, 2, 3}, {4}).ok());
    beat(group, 1, 5);
}

// ---- changes

TEST(RaftMembers, ALearnerFollowsAndDoesNotCount) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    add_learner(group);
    group.propose(1, "a");
    EXPECT_EQ(group.node(4).applied, Strings{"a"});
    group.isolate(2);
    group.isolate(3);
    group.propose(1, "b");
    EXPECT_EQ(group.node(1).applied, Strings{"a"});
    group.raft(4).tick(std::chrono::hours(1), kPatience);
    EXPECT_EQ(group.raft(4).role(), Role::kFollower);
}

TEST(RaftMembers, VotersChangeByAJointConfiguration) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    add_learner(group);
    ASSERT_TRUE(propose(group, 1, {1, 4}, {}).ok());
    EXPECT_TRUE(group.raft(1).configuration().is_joint());
    EXPECT_EQ(propose(group, 1, {1}, {}).error().code, ErrorCode::kConflict);
    group.settle();
    EXPECT_EQ(group.raft(1).configuration().voters, test_nodes({1, 4}));
    EXPECT_FALSE(group.raft(1).configuration().is_joint());
    EXPECT_TRUE(group.raft(1).is_configuration_committed());
    group.isolate(2);
    group.isolate(3);
    group.propose(1, "a");
    EXPECT_EQ(group.node(4).applied, Strings{"a"});
}

TEST(RaftMembers, AJointConfigurationNeedsBothMajorities) {
    for (const std::vector<int>& missing : {std::vector<int>{2, 3}, std::vector<int>{4}}) {
        TestGroup group({1, 2, 3});
        group.elect(1);
        add_learner(group);
        const Index before = group.raft(1).commit_index();
        for (const int number : missing) {
            group.isolate(number);
        }
        ASSERT_TRUE(propose(group, 1, {1, 4}, {}).ok());
        beat(group, 1, 3);
        EXPECT_EQ(group.raft(1).commit_index(), before);
        group.heal();
        beat(group, 1, 3);
        EXPECT_EQ(group.raft(1).configuration().voters, test_nodes({1, 4}));
        EXPECT_FALSE(group.raft(1).configuration().is_joint());
    }
}

TEST(RaftMembers, ANewLeaderCompletesAChange) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    add_learner(group);
    ASSERT_TRUE(propose(group, 1, {2, 3, 4}, {}).ok());
    group.drain(1);
    while (!group.wire.empty()) {  // The joint entry is everywhere, and nobody has been told more.
        const Message message = group.wire.front();
        group.wire.pop_front();
        if (message.from == test_node(1)) {
            group.deliver(message);
        }
    }
    group.isolate(1);
    group.raft(1).tick(milliseconds(600), kPatience);
    ASSERT_TRUE(group.raft(2).configuration().is_joint());
    group.elect(2);
    EXPECT_EQ(group.raft(2).configuration().voters, test_nodes({2, 3, 4}));
    EXPECT_FALSE(group.raft(2).configuration().is_joint());
    EXPECT_TRUE(group.raft(4).is_configuration_committed());
}

TEST(RaftMembers, ATruncatedConfigurationIsRolledBack) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    const Configuration before = group.raft(1).configuration();
    group.isolate(1);
    ASSERT_TRUE(propose(group, 1, {1}, {}).ok());
    group.settle();
    EXPECT_TRUE(group.raft(1).configuration().is_joint());
    group.elect(2);
    group.heal();
    beat(group, 2, 3);
    EXPECT_EQ(group.raft(1).configuration(), before);
    group.restart(1);
    EXPECT_EQ(group.raft(1).configuration(), before);
}

TEST(RaftMembers, ALeaderThatIsRemovedStepsDown) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    ASSERT_TRUE(propose(group, 1, {2, 3}, {}).ok());
    group.settle();
    EXPECT_FALSE(group.raft(1).is_leader());
    EXPECT_TRUE(group.raft(1).is_configuration_committed());  // It stayed for that.
    group.raft(1).tick(std::chrono::hours(1), kPatience);
    EXPECT_EQ(group.raft(1).role(), Role::kFollower);
    group.elect(2);
    EXPECT_TRUE(group.raft(2).is_ready_leader());
}

TEST(RaftMembers, ANodeThatItsOwnUncommittedTailRemovesStillCampaigns) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    group.isolate(3);
    group.isolate(2);
    ASSERT_TRUE(propose(group, 1, {2, 3}, {}).ok());
    group.settle();
    group.raft(1).tick(milliseconds(600), kPatience);
    EXPECT_EQ(group.raft(1).role(), Role::kFollower);
    group.raft(1).tick(milliseconds(1000), kPatience);
    EXPECT_EQ(group.raft(1).role(), Role::kPreCandidate);
}

TEST(RaftMembers, WhatIsNoChangeOrNoneThatCanBeIsRefused) {
    TestGroup group({1, 2, 3});
    EXPECT_EQ(propose(group, 1, {1}, {}).error().code, ErrorCode::kUnavailable);
    group.elect(1);
    EXPECT_EQ(propose(group, 1, {}, {1}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(propose(group, 1, {0, 1}, {}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(propose(group, 1, {1}, {0}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(propose(group, 1, {1, 2, 3}, {}).error().code, ErrorCode::kAlreadyExists);
    EXPECT_EQ(propose(group, 1, {1, 2, 3, 4}, {}).error().code, ErrorCode::kConflict);
    std::set<NodeId> crowd;
    for (std::size_t i = 0; i <= kMembersMax; ++i) {
        NodeId id = test_node(1);
        id.bytes[0] = static_cast<std::uint8_t>(i / 256);
        id.bytes[1] = static_cast<std::uint8_t>(i % 256);
        crowd.insert(id);
    }
    const Status refused = group.raft(1).propose_configuration(test_nodes({1}), crowd);
    EXPECT_EQ(refused.error().code, ErrorCode::kLimitExceeded);
}

// ---- going on alone

TEST(RaftMembers, ANodeGoesOnAloneInANewEpoch) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    group.propose(1, "a");
    group.isolate(3);
    const Epoch before = group.raft(3).epoch();
    group.raft(3).force_single(test_node(101));
    group.settle();
    EXPECT_TRUE(group.raft(3).is_ready_leader());
    EXPECT_GT(group.raft(3).epoch(), before);
    EXPECT_EQ(group.raft(3).configuration().voters, test_nodes({3}));
    group.propose(3, "b");
    EXPECT_EQ(group.node(3).applied, (Strings{"a", "b"}));
    group.restart(3);
    group.raft(3).tick(milliseconds(1), kPatience);
    group.settle();
    EXPECT_TRUE(group.raft(3).is_ready_leader());
}

/// Forced by mistake, while a majority still works.
TEST(RaftMembers, AForcedMinorityDoesNotDisturbTheMajority) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    group.isolate(3);
    group.raft(3).force_single(test_node(101));
    group.settle();
    group.heal();
    beat(group, 3, 3);
    beat(group, 1, 3);
    group.raft(3).tick(std::chrono::seconds(5), kPatience);
    group.settle();
    EXPECT_TRUE(group.raft(1).is_leader());
    EXPECT_FALSE(group.raft(2).is_superseded());
    group.propose(1, "a");
    EXPECT_EQ(group.node(2).applied, Strings{"a"});
    EXPECT_TRUE(group.node(3).applied.empty());
}

TEST(RaftMembers, OthersFollowANewEpochByItsSnapshotOnly) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    group.isolate(1);
    (void)group.raft(1).propose("of the old epoch").ok();
    group.settle();
    group.raft(2).force_single(test_node(101));
    group.isolate(3);
    group.settle();
    group.propose(2, "of the new epoch");
    group.heal();
    group.raft(2).compact(group.raft(2).commit_index());
    ASSERT_TRUE(propose(group, 2, {2}, {1}).ok());
    beat(group, 2, 5);
    EXPECT_EQ(group.raft(1).epoch(), group.raft(2).epoch());
    EXPECT_FALSE(group.raft(1).is_superseded());
    EXPECT_EQ(group.node(1).snapshot, group.raft(2).snapshot());
    EXPECT_EQ(group.raft(1).last_index(), group.raft(2).last_index());
}

TEST(RaftMembers, WhoIsSupersededNeitherVotesNorLeadsAfterARestartEither) {
    TestGroup group({1});
    group.elect(1);
    Message beat;
    beat.type = MessageType::kHeartbeat;
    beat.from = test_node(2);
    beat.to = test_node(1);
    beat.epoch = Epoch{2, test_node(101)};
    beat.term = 9;
    group.raft(1).step(beat);
    group.settle();
    EXPECT_TRUE(group.raft(1).is_superseded());
    EXPECT_FALSE(group.raft(1).is_leader());
    group.restart(1);
    EXPECT_TRUE(group.raft(1).is_superseded());
    group.raft(1).tick(std::chrono::hours(1), kPatience);
    Message vote = beat;
    vote.type = MessageType::kVote;
    vote.epoch = group.raft(1).epoch();
    vote.index = vote.log_term = 99;
    group.raft(1).step(vote);
    EXPECT_FALSE(group.raft(1).has_ready());
    EXPECT_EQ(group.raft(1).role(), Role::kFollower);
}

/// Two operators, or one of two minds: this node's new epoch is not durable yet when the leader of
/// a newer one claims it. It must not go on to declare itself alone in that one.
TEST(RaftMembers, AForceIsOverWhenANewerEpochClaimsTheNode) {
    TestGroup group({1, 2, 3});
    Raft& raft = group.raft(1);
    raft.force_single(test_node(101));
    Message snapshot;
    snapshot.type = MessageType::kSnapshot;
    snapshot.from = test_node(2);
    snapshot.to = test_node(1);
    snapshot.epoch = Epoch{9, test_node(109)};
    snapshot.term = 20;
    snapshot.snapshot = test_start({2});
    snapshot.snapshot.index = 50;
    snapshot.snapshot.term = 20;
    snapshot.snapshot.epoch = snapshot.epoch;
    snapshot.snapshot.configuration.learners = test_nodes({1});
    raft.step(snapshot);
    group.drain(1);
    EXPECT_EQ(raft.epoch(), snapshot.epoch);
    EXPECT_EQ(raft.last_index(), 50U);
    EXPECT_EQ(raft.role(), Role::kFollower);
    EXPECT_EQ(raft.configuration(), snapshot.snapshot.configuration);
}

TEST(RaftMembers, AForceOfASupersededNodeGoesAboveWhatItHasHeard) {
    TestGroup group({1, 2, 3});
    Message beat;
    beat.type = MessageType::kHeartbeat;
    beat.from = test_node(2);
    beat.to = test_node(1);
    beat.epoch = Epoch{9, test_node(109)};
    beat.term = 9;
    group.raft(1).step(beat);
    group.drain(1);
    group.raft(1).force_single(test_node(101));
    group.drain(1);
    EXPECT_GT(group.raft(1).epoch(), beat.epoch);
    EXPECT_FALSE(group.raft(1).is_superseded());
    EXPECT_TRUE(group.raft(1).is_ready_leader());
}

/// The snapshot of a newer epoch is on the disk, its hard state is not.
TEST(RaftMembers, ATornChangeOfEpochIsCompletedAtTheStart) {
    SnapshotMeta newer = test_start({2});
    newer.index = 50;
    newer.term = 20;
    newer.epoch = Epoch{2, test_node(101)};
    const RaftOptions options = test_options(1);
    const HardState old{test_start({}).epoch, 30, test_node(1), true};
    Raft raft(options, old, newer, {}, {});
    EXPECT_EQ(raft.epoch(), newer.epoch);
    EXPECT_EQ(raft.term(), 20U);
    EXPECT_FALSE(raft.is_superseded());
    EXPECT_TRUE(raft.take_ready().hard_state.has_value());
}

}  // namespace
}  // namespace kumo::consensus
