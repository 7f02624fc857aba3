#include "consensus/internal/test_group.h"
#include "consensus/raft.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace kumo::consensus {
namespace {

using std::chrono::milliseconds;

constexpr Duration kPatience = TestGroup::kPatience;

/// One node of three, with a log of the given terms behind the start.
Raft one_of_three(const std::vector<Term>& terms, HardState hard = {}) {
    const RaftOptions options = test_options(1);
    const SnapshotMeta start = test_start({1, 2, 3});
    std::vector<Entry> entries;
    entries.reserve(terms.size());
    for (const Term term : terms) {
        entries.push_back(test_entry(term, entries.size() + 2));
    }
    hard.epoch = start.epoch;
    hard.term = std::max<Term>(hard.term, terms.empty() ? 1 : terms.back());
    return {options, hard, start, std::move(entries), kPatience};
}

Message to_first(MessageType type, std::uint8_t from, Term term) {
    Message message;
    message.type = type;
    message.from = test_node(from);
    message.to = test_node(1);
    message.epoch = test_start({}).epoch;
    message.term = term;
    return message;
}

Message vote_request(std::uint8_t from, Term term, Index last, Term last_term) {
    Message message = to_first(MessageType::kVote, from, term);
    message.index = last;
    message.log_term = last_term;
    return message;
}

/// The one answer, which leaves after the disk has done its part.
Message answer(Raft& raft) {
    Ready ready = raft.take_ready();
    EXPECT_TRUE(ready.messages.empty());
    EXPECT_EQ(ready.messages_after_persist.size(), 1U);
    raft.persisted(ready.sequence);
    return ready.messages_after_persist.empty() ? Message() : ready.messages_after_persist.front();
}

TEST(RaftElection, AMajorityElectsAndEverybodyFollows) {
    TestGroup group({1, 2, 3});
    group.isolate(3);
    group.elect(1);
    EXPECT_TRUE(group.raft(1).is_ready_leader());
    EXPECT_EQ(group.raft(2).leader(), test_node(1));
    EXPECT_TRUE(group.raft(3).leader().is_nil());
    group.heal();
    group.beat(1);
    EXPECT_EQ(group.raft(3).leader(), test_node(1));
    EXPECT_EQ(group.raft(3).commit_index(), group.raft(1).commit_index());
}

TEST(RaftElection, AMinorityElectsNobody) {
    TestGroup group({1, 2, 3});
    group.isolate(1);
    group.elect(1);
    group.elect(1);
    EXPECT_FALSE(group.raft(1).is_leader());
    EXPECT_EQ(group.raft(1).term(), 1U);  // Pre-votes do not raise it.
}

TEST(RaftElection, TheOwnVoteCountsWhenItIsDurable) {
    const RaftOptions options = test_options(1);
    const SnapshotMeta start = test_start({1});
    Raft raft(options, {start.epoch, 1, {}, false}, start, {}, {});
    raft.tick(milliseconds(1), {});
    EXPECT_EQ(raft.role(), Role::kCandidate);
    const Ready ready = raft.take_ready();
    ASSERT_TRUE(ready.hard_state.has_value());
    EXPECT_EQ(ready.hard_state->vote, test_node(1));
    EXPECT_FALSE(raft.is_leader());
    raft.persisted(ready.sequence);
    EXPECT_TRUE(raft.is_leader());
    EXPECT_FALSE(raft.is_ready_leader());
}

TEST(RaftElection, VotesOnceATerm) {
    Raft raft = one_of_three({});
    raft.step(vote_request(2, 2, 1, 1));
    EXPECT_FALSE(answer(raft).reject);
    raft.step(vote_request(3, 2, 1, 1));
    EXPECT_TRUE(answer(raft).reject);
    raft.step(vote_request(2, 2, 1, 1));  // Its own answer may have been lost.
    EXPECT_FALSE(answer(raft).reject);
}

TEST(RaftElection, AVoteOutlivesARestart) {
    Raft raft = one_of_three({}, {{}, 2, test_node(2), false});
    raft.step(vote_request(3, 2, 9, 2));
    EXPECT_TRUE(answer(raft).reject);
}

TEST(RaftElection, VotesOnlyForLogsThatAreUpToDate) {
    struct Case {
        Index last;
        Term last_term;
        bool granted;
    };

    const Case cases[] = {
        {3, 2, true},
        {4, 2, true},
        {2, 3, true},
        {2, 2, false},
        {9, 1, false},
    };
    for (const Case& each : cases) {
        Raft raft = one_of_three({1, 2});
        raft.step(vote_request(2, 5, each.last, each.last_term));
        EXPECT_EQ(answer(raft).reject, !each.granted) << each.last << " of " << each.last_term;
    }
}

TEST(RaftElection, WhoHearsALeaderDoesNotVote) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    const Term term = group.raft(1).term();
    Message request = vote_request(3, term + 5, 99, term + 4);
    request.to = test_node(2);
    group.raft(2).step(request);
    EXPECT_EQ(group.raft(2).term(), term);
    request.force = true;  // The leader itself wants to hand over.
    group.raft(2).step(request);
    EXPECT_EQ(group.raft(2).term(), term + 5);
}

TEST(RaftElection, ALeaderKnowsForHowLongNobodyLed) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    group.beat(1);
    group.isolate(1);
    for (const int number : {2, 3}) {
        group.raft(number).tick(milliseconds(100), kPatience);  // Some of it was before the beat.
        group.raft(number).tick(milliseconds(number == 2 ? 600 : 550), kPatience);
    }
    group.raft(2).tick(milliseconds(400), kPatience);
    group.settle();
    ASSERT_TRUE(group.raft(2).is_leader());
    EXPECT_EQ(group.raft(2).quiet_before_election(), milliseconds(550)) << "as the voter says";
}

TEST(RaftElection, AHandoverIsNotQuiet) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    group.beat(1);
    ASSERT_TRUE(group.raft(1).transfer(test_node(2)).ok());
    group.settle();
    ASSERT_TRUE(group.raft(2).is_leader());
    EXPECT_EQ(group.raft(2).quiet_before_election(), Duration{});
}

TEST(RaftElection, WhoGoesOnAloneKnowsNothingOfTheOthers) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    group.isolate(2);
    group.raft(2).tick(milliseconds(400), kPatience);
    group.raft(2).tick(milliseconds(400), kPatience);
    group.raft(2).force_single(test_node(101));
    group.settle();
    ASSERT_TRUE(group.raft(2).is_leader());
    EXPECT_EQ(group.raft(2).quiet_before_election(), Duration{});
}

TEST(RaftElection, WhoComesBackFromIsolationDoesNotDisturb) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    const Term term = group.raft(1).term();
    group.isolate(3);
    for (int i = 0; i < 5; ++i) {
        group.raft(3).tick(milliseconds(1000), kPatience);
        group.settle();
    }
    group.heal();
    group.raft(3).tick(milliseconds(1000), kPatience);
    group.beat(1);
    EXPECT_TRUE(group.raft(1).is_leader());
    EXPECT_EQ(group.raft(1).term(), term);
    EXPECT_EQ(group.raft(3).leader(), test_node(1));
}

TEST(RaftElection, ALeaderWithoutAMajorityStepsDown) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    group.isolate(1);
    for (int i = 0; i < 4; ++i) {
        group.beat(1);
        EXPECT_TRUE(group.raft(1).is_leader());
    }
    group.beat(1);
    EXPECT_FALSE(group.raft(1).is_leader());
}

TEST(RaftElection, ALeaderHandsOver) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    ASSERT_TRUE(group.raft(1).transfer(test_node(2)).ok());
    EXPECT_EQ(group.raft(1).propose("x").error().code, ErrorCode::kUnavailable);
    group.settle();
    EXPECT_TRUE(group.raft(2).is_ready_leader());
    EXPECT_EQ(group.raft(1).leader(), test_node(2));
}

TEST(RaftElection, AHandoverBringsTheNextOneUpToDateFirst) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    group.isolate(2);
    group.propose(1, "missed");
    group.heal();
    ASSERT_TRUE(group.raft(1).transfer(test_node(2)).ok());
    group.beat(1);
    EXPECT_TRUE(group.raft(2).is_ready_leader());
    EXPECT_EQ(group.node(2).applied, std::vector<std::string>{"missed"});
}

TEST(RaftElection, AHandoverThatTakesTooLongIsGivenUp) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    group.isolate(2);
    ASSERT_TRUE(group.raft(1).transfer(test_node(2)).ok());
    for (int i = 0; i < 5; ++i) {
        group.beat(1);
    }
    EXPECT_TRUE(group.raft(1).propose("x").ok());
}

TEST(RaftElection, OnlyAnotherVoterCanTakeOver) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    EXPECT_EQ(group.raft(1).transfer(test_node(1)).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(group.raft(1).transfer(test_node(9)).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(group.raft(2).transfer(test_node(3)).error().code, ErrorCode::kUnavailable);
}

TEST(RaftElection, ATornWriteLeavesATermThatIsNotBelowTheLog) {
    const RaftOptions options = test_options(1);
    const SnapshotMeta start = test_start({1, 2, 3});
    const HardState old{start.epoch, 2, test_node(1), false};
    const Raft torn(options, old, start, {test_entry(4, 2)}, {});
    EXPECT_EQ(torn.term(), 4U);
    SnapshotMeta later = start;
    later.index = 9;
    later.term = 5;
    const Raft torn_snapshot(options, old, later, {}, {});
    EXPECT_EQ(torn_snapshot.term(), 5U);
}

TEST(RaftElection, WhatIsMeantForAnotherIsIgnored) {
    Raft raft = one_of_three({});
    Message stray = vote_request(2, 7, 9, 6);
    stray.to = test_node(3);
    raft.step(stray);
    Message echo = vote_request(1, 7, 9, 6);
    raft.step(echo);
    EXPECT_EQ(raft.term(), 1U);
    EXPECT_FALSE(raft.has_ready());
}

TEST(RaftElection, WhoJoinsEmptyNeverCampaigns) {
    const RaftOptions options = test_options(1);
    Raft raft(options, {}, {}, {}, {});
    raft.tick(std::chrono::hours(1), {});
    EXPECT_EQ(raft.role(), Role::kFollower);
    EXPECT_FALSE(raft.has_ready());
}

}  // namespace
}  // namespace kumo::consensus
