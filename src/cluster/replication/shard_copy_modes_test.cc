#include "cluster/internal/copy_group_test.h"

#include <gtest/gtest.h>

namespace kumo::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

CopyGroup started(AckMode mode, std::uint64_t min_in_sync = 1) {
    CopyGroup group(3, {}, mode, min_in_sync);
    group.settle();
    group.pass(milliseconds(100));
    return group;
}

// ---- majority

TEST(ShardCopyMajority, CommitsWithoutTheSlowest) {
    CopyGroup group = started(AckMode::kMajority);
    group.stall_disk(group.third(), true);
    ASSERT_TRUE(group.propose("a").ok());
    group.settle();
    EXPECT_EQ(group.applied(group.primary()), Texts{"a"});
    EXPECT_EQ(group.applied(group.follower()), Texts{"a"});
}

TEST(ShardCopyMajority, TheBestLogIsElectedAndNothingIsLost) {
    CopyGroup group = started(AckMode::kMajority);
    const std::size_t old = group.primary();
    const std::size_t lags = group.follower();
    const std::size_t has_it = group.third();
    group.cut(old, lags);
    ASSERT_TRUE(group.propose("a").ok());
    group.settle();
    EXPECT_EQ(group.applied(old), Texts{"a"});
    group.cut_off(old);
    group.fence(old);
    group.settle();
    EXPECT_EQ(group.primary(), has_it);
    EXPECT_EQ(group.applied(has_it), Texts{"a"});
    EXPECT_EQ(group.applied(lags), Texts{"a"});
}

TEST(ShardCopyMajority, WhoHasAnsweredAnElectionRefusesThePrimaryBefore) {
    CopyGroup group = started(AckMode::kMajority);
    ShardCopy& follower = group.copy(group.follower());
    Shard electing = group.shard();
    const Term before = electing.term++;
    ++electing.version;
    electing.phase = Phase::kElecting;
    electing.primary = {};
    follower.on_state(electing, electing.primary_incarnation);
    const CopyOutput output = follower.take_output();
    ASSERT_EQ(output.proposals.size(), 1U);
    EXPECT_EQ(std::get<ReportLog>(output.proposals[0]).end.last_seq, follower.last());
    Prepare late;
    late.term = before;
    late.copy = follower.copy();
    follower.receive(CopyGroup::id(0), {group.shard().id, late});
    EXPECT_TRUE(std::holds_alternative<StaleTerm>(follower.take_output().sends.at(0).second.body));
}

/// Found by the simulator: a primary that was just elected does not know what is committed.
TEST(ShardCopyMajority, ANewPrimaryRemovesNobodyBeforeItKnowsWhatIsCommitted) {
    CopyGroup group = started(AckMode::kMajority);
    const std::size_t old = group.primary();
    const std::size_t lags = group.follower();
    const std::size_t has_it = group.third();
    group.stall_disk(lags, true);
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(group.propose("a").ok());
    }
    group.settle();
    group.restart(has_it);
    group.cut_off(old);
    group.fence(old);
    group.settle();
    ASSERT_EQ(group.primary(), has_it);
    group.cut_off(lags);
    for (Seq match = 2; match < 10; ++match) {
        Ack slow;
        slow.term = group.shard().term;
        slow.copy = group.copy(lags).copy();
        slow.incarnation = 1000;
        slow.match = match;
        group.copy(has_it).receive(CopyGroup::id(lags), {group.shard().id, slow});
        group.pass(seconds(1));
    }
    EXPECT_EQ(group.copy(has_it).role(), CopyRole::kStarting);
    EXPECT_EQ(group.shard().in_sync.size(), 3U);
}

// ---- how many have to be in sync

TEST(ShardCopyMinInSync, ATermBeginsButNothingIsTakenWhileTooFewAreInSync) {
    CopyGroup group = started(AckMode::kSync, 2);
    const std::size_t old = group.primary();
    const std::size_t alone = group.follower();
    const std::size_t gone = group.third();
    group.cut_off(old);
    group.cut_off(gone);
    ASSERT_TRUE(group.command(Fence{{CopyGroup::id(old), CopyGroup::id(gone)}}).ok());
    group.settle();
    ASSERT_EQ(group.primary(), alone);
    EXPECT_EQ(group.copy(alone).role(), CopyRole::kActive);
    EXPECT_EQ(group.propose("a").error().code, ErrorCode::kUnavailable);
    group.unfence(gone);
    group.heal();
    group.pass(seconds(5));
    EXPECT_TRUE(group.propose("a").ok());
}

// ---- async

TEST(ShardCopyAsync, CommitsAlone) {
    CopyGroup group = started(AckMode::kAsync);
    group.cut_off(group.primary());
    ASSERT_TRUE(group.propose("a").ok());
    group.settle();
    EXPECT_EQ(group.applied(group.primary()), Texts{"a"});
}

TEST(ShardCopyAsync, WhoHasAppliedWhatIsLostSaysSoAndIsBuiltAnew) {
    CopyGroup group = started(AckMode::kAsync);
    const std::size_t old = group.primary();
    const CopyId before = group.copy(old).copy();
    group.cut_off(old);
    ASSERT_TRUE(group.propose("lost").ok());
    group.settle();
    group.fence(old);
    group.settle();
    ASSERT_NE(group.primary(), old);
    ASSERT_TRUE(group.propose("b").ok());
    group.unfence(old);
    group.heal();
    group.pass(seconds(3));
    ASSERT_EQ(group.lost(old).size(), 1U);
    EXPECT_EQ(group.lost(old)[0].to, 2U);
    EXPECT_TRUE(group.copy(old).is_tainted());
    EXPECT_NE(group.shard().copies.at(CopyGroup::id(old)), before);
    group.open_again(old);
    group.pass(seconds(5));
    EXPECT_EQ(group.applied(old), Texts{"b"});
    EXPECT_EQ(group.shard().in_sync.size(), 3U);
}

TEST(ShardCopyAsync, WhatIsInTheCheckpointIsComparedToo) {
    CopyGroup group = started(AckMode::kAsync);
    const std::size_t old = group.primary();
    group.cut_off(old);
    for (const char* each : {"x", "y", "z"}) {
        ASSERT_TRUE(group.propose(each).ok());
    }
    group.settle();
    group.checkpoint();
    group.fence(old);
    group.settle();
    group.unfence(old);
    group.heal();
    group.pass(seconds(3));
    EXPECT_TRUE(group.copy(old).is_tainted());
    EXPECT_EQ(group.lost(old).size(), 1U);
}

// ---- reads without a clock

TEST(ShardCopyStrictRead, AsksEverybody) {
    CopyGroup group = started(AckMode::kSync);
    ShardCopy& primary = group.copy(group.primary());
    const auto number = primary.begin_strict_read();
    ASSERT_TRUE(number.ok());
    group.settle();
    ASSERT_EQ(group.reads(group.primary()).size(), 1U);
    EXPECT_EQ(group.reads(group.primary())[0].number, number.value());
    EXPECT_EQ(group.reads(group.primary())[0].seq, primary.committed());
}

TEST(ShardCopyStrictRead, EndsWithoutAnAnswerWhenOneIsSilent) {
    CopyGroup group = started(AckMode::kSync);
    group.cut_off(group.follower());
    ASSERT_TRUE(group.copy(group.primary()).begin_strict_read().ok());
    group.pass(seconds(1));
    EXPECT_TRUE(group.reads(group.primary()).empty());
    group.pass(milliseconds(1500));
    ASSERT_EQ(group.reads(group.primary()).size(), 1U);
    EXPECT_FALSE(group.reads(group.primary())[0].seq);
}

TEST(ShardCopyStrictRead, IsOnlyForThePrimaryAndBounded) {
    CopyOptions options;
    options.strict_reads_max = 2;
    CopyGroup group(3, options);
    group.settle();
    EXPECT_EQ(
        group.copy(group.follower()).begin_strict_read().error().code,
        ErrorCode::kUnavailable
    );
    ShardCopy& primary = group.copy(group.primary());
    EXPECT_TRUE(primary.begin_strict_read().ok());
    EXPECT_TRUE(primary.begin_strict_read().ok());
    EXPECT_EQ(primary.begin_strict_read().error().code, ErrorCode::kOverloaded);
}

}  // namespace
}  // namespace kumo::cluster
