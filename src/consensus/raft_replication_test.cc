#include "consensus/internal/test_group.h"
#include "consensus/raft.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kumo::consensus {
namespace {

using std::chrono::milliseconds;
using Strings = std::vector<std::string>;

Message to_first(MessageType type, Term term) {
    Message message;
    message.type = type;
    message.from = test_node(2);
    message.to = test_node(1);
    message.epoch = test_start({}).epoch;
    message.term = term;
    return message;
}

Message append(Term term, Index index, Term log_term, std::vector<Entry> entries, Index commit) {
    Message message = to_first(MessageType::kAppend, term);
    message.index = index;
    message.log_term = log_term;
    message.entries = std::move(entries);
    message.commit = commit;
    return message;
}

Raft follower() {
    const RaftOptions options = test_options(1);
    const SnapshotMeta start = test_start({1, 2, 3});
    return {options, {start.epoch, 1, {}, false}, start, {}, {}};
}

/// Node 1 leads node 2 and node 3, and everything is settled.
TestGroup led_by_first() {
    TestGroup group({1, 2, 3});
    group.elect(1);
    return group;
}

// ---- commits

TEST(RaftReplication, CommitsWithAMajorityAndAppliesEverywhere) {
    TestGroup group = led_by_first();
    group.isolate(3);
    group.propose(1, "a");
    EXPECT_EQ(group.node(1).applied, Strings{"a"});
    EXPECT_EQ(group.node(2).applied, Strings{"a"});
    EXPECT_TRUE(group.node(3).applied.empty());
    group.heal();
    group.beat(1);
    EXPECT_EQ(group.node(3).applied, Strings{"a"});
}

TEST(RaftReplication, ALeadersOwnEntryCountsWhenItIsDurable) {
    TestGroup group = led_by_first();
    group.isolate(3);
    Raft& leader = group.raft(1);
    const Index index = leader.propose("a").value();
    const Ready ready = leader.take_ready();
    for (const Message& message : ready.messages) {
        group.deliver(message);  // Before it is durable here.
    }
    group.drain(2);
    for (const Message& message : group.wire) {
        group.deliver(message);
    }
    group.wire.clear();
    EXPECT_EQ(leader.progress().at(test_node(2)).match, index);
    EXPECT_LT(leader.commit_index(), index);
    leader.persisted(ready.sequence);
    EXPECT_EQ(leader.commit_index(), index);
}

TEST(RaftReplication, AppliesOnlyWhatIsDurableHere) {
    Raft raft = follower();
    raft.step(append(2, 1, 1, {test_entry(2, 2, "a")}, 2));
    const Ready first = raft.take_ready();
    EXPECT_EQ(raft.commit_index(), 2U);
    EXPECT_TRUE(first.committed.empty());
    EXPECT_TRUE(first.messages.empty());  // The answer waits for the disk as well.
    ASSERT_EQ(first.messages_after_persist.size(), 1U);
    EXPECT_EQ(first.messages_after_persist[0].index, 2U);
    raft.persisted(first.sequence);
    EXPECT_EQ(raft.take_ready().committed.size(), 1U);
}

/// Figure 8 of the paper: an entry of term 2 on a majority may still be overwritten.
TEST(RaftReplication, EntriesOfOlderTermsCommitOnlyWithOneOfTheOwn) {
    const RaftOptions options = test_options(1);
    const SnapshotMeta start = test_start({1, 2, 3});
    Raft raft(options, {start.epoch, 3, {}, false}, start, {test_entry(2, 2, "old")}, {});
    raft.tick(milliseconds(500), {});
    raft.persisted(raft.take_ready().sequence);
    Message pre_vote = to_first(MessageType::kPreVoteReply, 4);
    raft.step(pre_vote);
    raft.persisted(raft.take_ready().sequence);
    raft.step(to_first(MessageType::kVoteReply, 4));
    ASSERT_TRUE(raft.is_leader());
    raft.persisted(raft.take_ready().sequence);
    Message acknowledged = to_first(MessageType::kAppendReply, 4);
    acknowledged.index = 2;
    raft.step(acknowledged);
    EXPECT_EQ(raft.commit_index(), 1U);
    acknowledged.index = 3;  // The term's first own entry.
    raft.step(acknowledged);
    EXPECT_EQ(raft.commit_index(), 3U);
}

// ---- logs

TEST(RaftReplication, AConflictingTailIsOverwritten) {
    TestGroup group = led_by_first();
    group.isolate(1);
    (void)group.raft(1).propose("lost 1").ok();
    (void)group.raft(1).propose("lost 2").ok();
    group.settle();
    group.elect(2);
    group.propose(2, "kept");
    group.heal();
    group.beat(2);
    group.beat(2);
    for (const int number : {1, 2, 3}) {
        EXPECT_EQ(group.node(number).applied, Strings{"kept"});
        EXPECT_EQ(group.node(number).log, group.node(2).log);
    }
}

TEST(RaftReplication, RepeatsAndOldAppendsChangeNothing) {
    Raft raft = follower();
    const Message whole = append(2, 1, 1, {test_entry(2, 2), test_entry(2, 3)}, 1);
    raft.step(whole);
    raft.step(append(2, 1, 1, {test_entry(2, 2)}, 1));  // Sent earlier, arrives later.
    EXPECT_EQ(raft.last_index(), 3U);
    raft.step(whole);
    EXPECT_EQ(raft.last_index(), 3U);
    EXPECT_EQ(raft.take_ready().entries.size(), 2U);
}

TEST(RaftReplication, AHoleIsRefusedWithAHint) {
    Raft raft = follower();
    raft.step(append(2, 9, 2, {test_entry(2, 10)}, 10));
    const Ready ready = raft.take_ready();
    ASSERT_EQ(ready.messages_after_persist.size(), 1U);
    EXPECT_TRUE(ready.messages_after_persist[0].reject);
    EXPECT_EQ(ready.messages_after_persist[0].hint, 1U);
    EXPECT_EQ(raft.commit_index(), 1U);
}

TEST(RaftReplication, WhatIsCommittedIsNeverOverwritten) {
    Raft raft = follower();
    raft.step(append(2, 1, 1, {test_entry(2, 2, "a")}, 2));
    raft.step(append(3, 1, 1, {test_entry(3, 2, "b")}, 2));
    EXPECT_EQ(raft.term_at(2), 2U);
}

TEST(RaftReplication, AHeartbeatCommitsOnlyWhatIsThere) {
    Raft raft = follower();
    Message beat = to_first(MessageType::kHeartbeat, 2);
    beat.commit = 50;
    raft.step(beat);
    EXPECT_EQ(raft.commit_index(), 1U);
}

TEST(RaftReplication, AnAppendThatWasLostIsSentAgain) {
    TestGroup group = led_by_first();
    group.isolate(2);
    group.isolate(3);
    (void)group.raft(1).propose("a").ok();
    group.settle();
    group.heal();
    for (int i = 0; i < 3; ++i) {
        group.beat(1);
    }
    EXPECT_EQ(group.node(2).applied, Strings{"a"});
    EXPECT_EQ(group.node(3).applied, Strings{"a"});
}

TEST(RaftReplication, AppendsInFlightAreLimited) {
    TestGroup group({1, 2, 3});
    group.node(1).options.appends_in_flight_max = 2;
    group.restart(1);
    group.elect(1);
    group.isolate(2);
    std::size_t sent = 0;
    for (int i = 0; i < 5; ++i) {
        (void)group.raft(1).propose("a").ok();
        for (const Message& message : group.raft(1).take_ready().messages) {
            sent += message.to == test_node(2) && !message.entries.empty() ? 1U : 0U;
        }
    }
    EXPECT_EQ(sent, 2U);
}

TEST(RaftReplication, ProposalsAreLimited) {
    TestGroup group({1, 2, 3});
    group.node(1).options.uncommitted_bytes_max = 1000;
    group.restart(1);
    group.elect(1);
    group.isolate(1);
    const std::string large(kEntryBytesMax + 1, 'x');
    EXPECT_EQ(group.raft(1).propose(large).error().code, ErrorCode::kLimitExceeded);
    int taken = 0;
    while (taken < 1000 && group.raft(1).propose("").ok()) {
        ++taken;  // Also commands without bytes take room.
    }
    EXPECT_GT(taken, 1);
    EXPECT_LT(taken, 1000);
    EXPECT_EQ(group.raft(1).propose("").error().code, ErrorCode::kOverloaded);
    group.heal();
    group.settle();
    group.beat(1);
    EXPECT_TRUE(group.raft(1).propose("").ok());
    EXPECT_EQ(group.raft(2).propose("").error().code, ErrorCode::kUnavailable);
}

// ---- followers that reject

TEST(RaftReplication, AFollowerThatLostWhatItAcknowledgedIsNamedOnce) {
    TestGroup group = led_by_first();
    group.propose(1, "a");
    group.node(3).log.clear();
    group.node(3).hard.term = group.raft(1).term();
    group.restart(3);
    for (int i = 0; i < 8; ++i) {
        group.propose(1, "b");
        group.beat(1);
    }
    EXPECT_EQ(group.node(1).lost_data, std::vector<NodeId>{test_node(3)});
    EXPECT_TRUE(group.node(3).applied.empty());
    EXPECT_EQ(group.node(2).applied.size(), 9U);
}

/// A follower that was told of an old term's heartbeat answers with the new term. To the node that
/// leads again, that was an answer to a probe at index 0: "it has lost everything".
TEST(RaftReplication, RefusingAnOldTermAnswersNoProbe) {
    TestGroup group = led_by_first();
    Message refusal = to_first(MessageType::kAppendReply, group.raft(1).term());
    group.isolate(2);
    group.raft(1).tick(milliseconds(100), {});
    refusal.reject = true;
    refusal.hint = group.raft(2).last_index();
    const Progress before = group.raft(1).progress().at(test_node(2));
    group.raft(1).step(refusal);
    refusal.index = before.match;
    group.raft(1).step(refusal);
    group.settle();
    EXPECT_TRUE(group.node(1).lost_data.empty());
    EXPECT_EQ(group.raft(1).progress().at(test_node(2)).mode, before.mode);
}

/// The network brings a rejection twice, and the second time the logs agree there long since.
TEST(RaftReplication, ARejectionOfAnEarlierProbeIsLate) {
    TestGroup group({1, 2, 3});
    group.elect(1);
    group.isolate(2);
    group.propose(1, "a");
    group.heal();
    group.isolate(1);
    group.elect(3);
    group.heal();
    group.beat(3);  // Node 2 has rejected, and has caught up.
    Raft& leader = group.raft(3);
    const Progress progress = leader.progress().at(test_node(2));
    ASSERT_EQ(progress.match, leader.last_index());
    ASSERT_GT(progress.probe, 0U);

    Message late;
    late.type = MessageType::kAppendReply;
    late.from = test_node(2);
    late.to = test_node(3);
    late.epoch = leader.epoch();
    late.term = leader.term();
    late.reject = true;
    late.index = progress.match;
    late.round = progress.probe;
    // What is sent is lost, until the leader probes again from where it was.
    (void)leader.propose("b").ok();
    (void)leader.take_ready();
    Message alive = late;
    alive.type = MessageType::kHeartbeatReply;
    alive.reject = false;
    alive.round = 0;
    for (int i = 0; i < 3; ++i) {
        leader.step(alive);
    }
    ASSERT_EQ(leader.progress().at(test_node(2)).mode, Progress::Mode::kProbe);
    leader.step(late);
    EXPECT_TRUE(leader.take_ready().lost_data.empty());
}

// ---- snapshots

TEST(RaftReplication, WhoFellBehindTheLogGetsASnapshot) {
    TestGroup group = led_by_first();
    group.isolate(3);
    group.propose(1, "a");
    group.propose(1, "b");
    group.raft(1).compact(group.raft(1).commit_index());
    group.heal();
    for (int i = 0; i < 4; ++i) {
        group.beat(1);
    }
    EXPECT_EQ(group.node(3).snapshot, group.raft(1).snapshot());
    EXPECT_TRUE(group.node(3).applied.empty());  // It is in the snapshot.
    group.propose(1, "c");
    EXPECT_EQ(group.node(3).applied, Strings{"c"});
}

TEST(RaftReplication, ASnapshotThatFailedIsSentAgain) {
    TestGroup group = led_by_first();
    group.isolate(3);
    group.propose(1, "a");
    group.raft(1).compact(group.raft(1).commit_index());
    group.heal();
    Raft& leader = group.raft(1);
    int snapshots = 0;
    for (int i = 0; i < 20 && group.node(3).snapshot.index == 1; ++i) {
        leader.tick(milliseconds(100), {});
        for (const int number : {1, 2, 3}) {
            group.drain(number);
        }
        while (!group.wire.empty()) {
            const Message message = group.wire.front();
            group.wire.pop_front();
            if (message.type == MessageType::kSnapshot && ++snapshots == 1) {
                leader.snapshot_done(message.to, false);
            } else {
                group.deliver(message);
            }
        }
    }
    EXPECT_EQ(snapshots, 2);
    EXPECT_EQ(group.node(3).snapshot, leader.snapshot());
}

TEST(RaftReplication, ASnapshotOfWhatIsThereOnlyCommits) {
    Raft raft = follower();
    raft.step(append(2, 1, 1, {test_entry(2, 2, "a"), test_entry(2, 3, "b")}, 1));
    raft.persisted(raft.take_ready().sequence);
    Message message = to_first(MessageType::kSnapshot, 2);
    message.snapshot = test_start({1, 2, 3});
    message.snapshot.index = 2;
    message.snapshot.term = 2;
    raft.step(message);
    const Ready ready = raft.take_ready();
    EXPECT_FALSE(ready.snapshot.has_value());
    EXPECT_EQ(ready.committed.size(), 1U);
    EXPECT_EQ(raft.last_index(), 3U);
}

TEST(RaftReplication, ARestartBeginsAtTheSnapshot) {
    TestGroup group = led_by_first();
    group.propose(1, "a");
    const Index index = group.raft(2).commit_index();
    group.raft(2).compact(index);
    TestNode& second = group.node(2);
    second.snapshot = second.raft->snapshot();
    second.log.clear();
    group.restart(2);
    EXPECT_EQ(group.raft(2).commit_index(), index);
    EXPECT_EQ(group.raft(2).configuration(), group.raft(1).configuration());
    group.propose(1, "b");
    EXPECT_EQ(second.applied, Strings{"b"});
}

// ---- reads

TEST(RaftReplication, AReadWaitsForARoundThatBeganAfterIt) {
    TestGroup group = led_by_first();
    Raft& leader = group.raft(1);
    const Index committed = leader.commit_index();
    Message early = to_first(MessageType::kHeartbeatReply, leader.term());
    ASSERT_TRUE(leader.read_index(7).ok());
    early.round = 0;  // Of a heartbeat before.
    leader.step(early);
    EXPECT_TRUE(leader.take_ready().reads.empty());
    early.round = 1;
    leader.step(early);
    const Ready ready = leader.take_ready();
    ASSERT_EQ(ready.reads.size(), 1U);
    EXPECT_EQ(ready.reads[0].context, 7U);
    EXPECT_EQ(ready.reads[0].index, committed);
}

TEST(RaftReplication, ARoundConfirmsAllThatWaitedBefore) {
    TestGroup group = led_by_first();
    Raft& leader = group.raft(1);
    ASSERT_TRUE(leader.read_index(1).ok());
    ASSERT_TRUE(leader.read_index(2).ok());
    ASSERT_TRUE(leader.read_index(3).ok());
    Message reply = to_first(MessageType::kHeartbeatReply, leader.term());
    reply.round = 2;
    leader.step(reply);
    EXPECT_EQ(leader.take_ready().reads.size(), 2U);
    reply.round = 99;  // Nobody asked for that.
    leader.step(reply);
    EXPECT_TRUE(leader.take_ready().reads.empty());
}

TEST(RaftReplication, ADeposedLeaderAnswersNoReads) {
    TestGroup group = led_by_first();
    group.isolate(1);
    ASSERT_TRUE(group.raft(1).read_index(7).ok());
    group.elect(2);
    group.propose(2, "a");
    group.heal();
    group.settle();
    group.beat(2);
    EXPECT_TRUE(group.node(1).reads.empty());
    EXPECT_EQ(group.raft(1).read_index(8).error().code, ErrorCode::kUnavailable);
}

TEST(RaftReplication, NoReadsBeforeACommitOfTheOwnTerm) {
    TestGroup group = led_by_first();
    group.campaign(2);
    group.raft(1).tick(milliseconds(600), {});  // Nobody has answered it: it steps down.
    while (!group.raft(2).is_leader()) {
        group.drain(2);
        group.drain(3);
        ASSERT_FALSE(group.wire.empty());
        group.deliver(group.wire.front());
        group.wire.pop_front();
    }
    EXPECT_EQ(group.raft(2).read_index(7).error().code, ErrorCode::kUnavailable);
    group.settle();
    EXPECT_TRUE(group.raft(2).read_index(7).ok());
}

TEST(RaftReplication, PendingReadsAreLimited) {
    TestGroup group({1, 2, 3});
    group.node(1).options.pending_reads_max = 2;
    group.restart(1);
    group.elect(1);
    EXPECT_TRUE(group.raft(1).read_index(1).ok());
    EXPECT_TRUE(group.raft(1).read_index(2).ok());
    EXPECT_EQ(group.raft(1).read_index(3).error().code, ErrorCode::kOverloaded);
    group.settle();
    EXPECT_EQ(group.node(1).reads.size(), 2U);
    EXPECT_TRUE(group.raft(1).read_index(3).ok());
}

TEST(RaftReplication, ALoneVoterReadsAtOnce) {
    TestGroup group({1});
    group.elect(1);
    ASSERT_TRUE(group.raft(1).read_index(7).ok());
    EXPECT_EQ(group.raft(1).take_ready().reads.size(), 1U);
}

}  // namespace
}  // namespace kumo::consensus
