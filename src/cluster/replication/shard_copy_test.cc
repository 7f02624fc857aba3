#include "cluster/internal/copy_group_test.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kumo::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

std::set<NodeId> ids(std::initializer_list<std::size_t> nodes) {
    std::set<NodeId> out;
    for (const std::size_t node : nodes) {
        out.insert(CopyGroup::id(node));
    }
    return out;
}

/// Three copies that have begun.
class ShardCopies : public testing::Test {
protected:
    ShardCopies() : ShardCopies(CopyOptions{}) {}

    explicit ShardCopies(const CopyOptions& options) : group_(3, options) {
        group_.settle();
        group_.pass(milliseconds(100));
    }

    ShardCopy& primary() { return group_.copy(group_.primary()); }

    void write(const std::string& operation) {
        const auto seq = group_.propose(operation);
        ASSERT_TRUE(seq.ok()) << seq.error().message;
        group_.settle();
    }

    void expect_everywhere(const Texts& operations) {
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_EQ(group_.applied(i), operations) << "node " << i;
        }
    }

    CopyGroup group_;
};

// ---- commit

TEST(ShardCopy, SaysNothingBeforeItKnowsTheState) {
    CopyOptions options;
    options.node = CopyGroup::id(0);
    ShardCopy copy(options, ShardId{2}, CopyId{3}, CopyLog(), {});
    Prepare prepare;
    prepare.term = 1;
    prepare.copy = CopyId{3};
    copy.receive(CopyGroup::id(1), {ShardId{2}, prepare});
    copy.tick(MonotonicTime(seconds(1)));
    EXPECT_FALSE(copy.has_output());
    EXPECT_EQ(copy.propose({}, 0, "x").error().code, ErrorCode::kUnavailable);
}

TEST(ShardCopy, APrimaryServesOnceItsFirstEntryIsCommitted) {
    CopyGroup group(3);
    ShardCopy& primary = group.copy(group.primary());
    EXPECT_EQ(primary.role(), CopyRole::kStarting);
    EXPECT_EQ(group.propose("early").error().code, ErrorCode::kUnavailable);
    group.settle();
    EXPECT_EQ(primary.role(), CopyRole::kActive);
    EXPECT_EQ(primary.committed(), 1U);
    EXPECT_TRUE(primary.log().at(1)->no_op);
}

TEST(ShardCopy, ASingleCopyCommitsWithItsDisk) {
    CopyGroup group(1);
    group.settle();
    group.stall_disk(0, true);
    ASSERT_TRUE(group.propose("a").ok());
    group.settle();
    EXPECT_TRUE(group.applied(0).empty());
    group.stall_disk(0, false);
    group.settle();
    EXPECT_EQ(group.applied(0), Texts{"a"});
}

TEST_F(ShardCopies, ApplyInOneOrder) {
    const Texts operations = {"a", "b", "c"};
    for (const std::string& operation : operations) {
        ASSERT_TRUE(group_.propose(operation).ok());
    }
    group_.settle();
    expect_everywhere(operations);
}

TEST_F(ShardCopies, NothingCommitsBeforeEveryCopyHasItDurably) {
    group_.stall_disk(group_.follower(), true);
    ASSERT_TRUE(group_.propose("a").ok());
    group_.settle();
    expect_everywhere({});
    group_.stall_disk(group_.follower(), false);
    group_.settle();
    expect_everywhere({"a"});
}

TEST_F(ShardCopies, NothingCommitsBeforeThePrimaryHasItDurably) {
    group_.stall_disk(group_.primary(), true);
    ASSERT_TRUE(group_.propose("a").ok());
    group_.settle();
    expect_everywhere({});
}

TEST_F(ShardCopies, AnIdleShardIsSilent) {
    write("a");
    const std::size_t before = group_.messages_seen();
    group_.pass(seconds(10));
    EXPECT_EQ(group_.messages_seen(), before);
}

// Even if no connection was reset: a shard that is idle has nothing else to tell it with.
TEST_F(ShardCopies, WhatIsCommittedIsToldAgainIfItWasLost) {
    const std::size_t other = group_.follower();
    group_.stall_disk(group_.primary(), true);
    ASSERT_TRUE(group_.propose("a").ok());
    group_.settle();
    group_.stall_disk(group_.primary(), false);
    group_.cut(group_.primary(), other);
    group_.settle();
    EXPECT_EQ(group_.applied(group_.primary()), Texts{"a"});
    EXPECT_TRUE(group_.applied(other).empty());
    group_.mend();
    group_.pass(seconds(1));
    expect_everywhere({"a"});
}

TEST_F(ShardCopies, WhatIsNotAnsweredIsSentAgain) {
    group_.cut(group_.primary(), group_.follower());
    ASSERT_TRUE(group_.propose("a").ok());
    group_.settle();
    group_.mend();
    group_.pass(seconds(1));
    expect_everywhere({"a"});
    EXPECT_EQ(group_.shard().in_sync.size(), 3U);
}

TEST_F(ShardCopies, DuplicatesAndDisorderChangeNothing) {
    group_.duplicate_messages();
    Texts operations;
    for (int i = 0; i < 20; ++i) {
        operations.push_back(std::to_string(i));
        ASSERT_TRUE(group_.propose(operations.back()).ok());
        if (i % 3 == 0) {
            group_.settle();
        }
    }
    group_.settle();
    group_.pass(seconds(2));
    expect_everywhere(operations);
    EXPECT_EQ(group_.shard().in_sync.size(), 3U);
}

// ---- the in-sync set

TEST_F(ShardCopies, ASilentCopyLeavesAfterAWhile) {
    const std::size_t silent = group_.follower();
    group_.cut_off(silent);
    ASSERT_TRUE(group_.propose("a").ok());
    group_.pass(milliseconds(1500));
    EXPECT_EQ(group_.shard().in_sync.size(), 3U);
    EXPECT_TRUE(group_.applied(group_.primary()).empty());
    group_.pass(seconds(1));
    EXPECT_EQ(group_.shard().in_sync, ids({group_.primary(), group_.third()}));
    EXPECT_EQ(group_.applied(group_.primary()), Texts{"a"});
    EXPECT_EQ(group_.applied(group_.third()), Texts{"a"});
}

TEST_F(ShardCopies, NothingCommitsOnAWishThatIsNotGranted) {
    group_.cut_off(group_.follower());
    group_.stall_control(true);
    ASSERT_TRUE(group_.propose("a").ok());
    group_.pass(seconds(10));
    EXPECT_FALSE(group_.waiting_proposals().empty());
    EXPECT_TRUE(group_.applied(group_.primary()).empty());
    group_.stall_control(false);
    group_.settle();
    EXPECT_EQ(group_.applied(group_.primary()), Texts{"a"});
}

TEST_F(ShardCopies, APauseOfThePrimaryIsNotSilenceOfTheOthers) {
    group_.stall_disk(group_.follower(), true);
    ASSERT_TRUE(group_.propose("a").ok());
    group_.pass(milliseconds(500));
    group_.pause(seconds(60));
    EXPECT_EQ(group_.proposals_seen(), 0U);
    group_.stall_disk(group_.follower(), false);
    group_.settle();
    expect_everywhere({"a"});
}

TEST(ShardCopy, TheFirstTickFindsNobodySilent) {
    CopyGroup group(3);
    group.stall_disk(group.follower(), true);
    group.settle();
    group.pass(milliseconds(100));
    EXPECT_EQ(group.proposals_seen(), 0U);
}

TEST_F(ShardCopies, ACopyThatComesBackCatchesUpAndJoins) {
    const std::size_t back = group_.follower();
    group_.cut_off(back);
    ASSERT_TRUE(group_.propose("a").ok());
    group_.pass(seconds(3));
    ASSERT_EQ(group_.shard().in_sync.size(), 2U);
    group_.heal();
    group_.pass(seconds(2));
    expect_everywhere({"a"});
    EXPECT_EQ(group_.shard().in_sync.size(), 3U);
}

TEST_F(ShardCopies, WhoIsProposedCountsAlready) {
    const std::size_t back = group_.follower();
    group_.fence(back);
    ASSERT_EQ(group_.shard().in_sync.size(), 2U);
    group_.unfence(back);
    group_.stall_control(true);
    group_.heal();
    group_.pass(seconds(1));
    ASSERT_FALSE(group_.waiting_proposals().empty());
    group_.stall_disk(back, true);
    ASSERT_TRUE(group_.propose("a").ok());
    group_.settle();
    EXPECT_TRUE(group_.applied(group_.primary()).empty());
    group_.stall_disk(back, false);
    group_.settle();
    EXPECT_EQ(group_.applied(group_.primary()), Texts{"a"});
}

TEST_F(ShardCopies, AWishThatIsRefusedIsNotRepeatedAtOnce) {
    const std::size_t fenced = group_.follower();
    group_.fence(fenced);
    ASSERT_EQ(group_.shard().in_sync.size(), 2U);
    const std::size_t before = group_.proposals_seen();
    for (int i = 0; i < 600; ++i) {
        ASSERT_TRUE(group_.propose("x").ok());
        group_.pass(milliseconds(100));
    }
    EXPECT_LT(group_.proposals_seen() - before, 15U);
    group_.unfence(fenced);
    group_.pass(seconds(9));
    EXPECT_EQ(group_.shard().in_sync.size(), 3U);
}

TEST_F(ShardCopies, WhoSaysNothingIsNotProposed) {
    write("a");
    const std::size_t gone = group_.follower();
    group_.cut_off(gone);
    group_.fence(gone);
    const std::size_t before = group_.proposals_seen();
    group_.pass(seconds(60));
    EXPECT_EQ(group_.proposals_seen(), before);
    group_.unfence(gone);
    group_.heal();
    group_.pass(seconds(1));
    EXPECT_EQ(group_.shard().in_sync.size(), 3U);
}

TEST_F(ShardCopies, ANewRunDoesNotWaitForTheSinsOfTheLastOne) {
    const std::size_t slow = group_.follower();
    for (int i = 0; i < 6; ++i) {
        group_.stall_disk(slow, true);
        ASSERT_TRUE(group_.propose("x").ok());
        group_.pass(seconds(3));
        ASSERT_EQ(group_.shard().in_sync.size(), 2U);
        group_.stall_disk(slow, false);
        group_.pass(i < 5 ? seconds(30) : seconds(2));
    }
    EXPECT_EQ(group_.shard().in_sync.size(), 2U) << "it has held writes up again and again";
    group_.restart(slow);
    group_.pass(seconds(1));
    EXPECT_EQ(group_.shard().in_sync.size(), 3U);
}

TEST_F(ShardCopies, NothingIsBelievedOfANewRunThatItHasNotSaid) {
    write("a");
    const std::size_t other = group_.follower();
    group_.restart(other, 1);  // Its disk has lied.
    EXPECT_TRUE(group_.shard().in_sync.contains(CopyGroup::id(other)));
    ASSERT_TRUE(group_.propose("b").ok());
    EXPECT_EQ(group_.applied(group_.primary()), Texts{"a"}) << "it counts";
    group_.pass(seconds(1));
    EXPECT_EQ(primary().match_of(CopyGroup::id(other)), primary().last());
    expect_everywhere({"a", "b"});
}

// ---- failover

TEST_F(ShardCopies, WhatWasAcknowledgedSurvivesThePrimary) {
    write("a");
    const std::size_t old = group_.primary();
    group_.cut_off(old);
    ASSERT_TRUE(group_.propose("lost").ok());
    group_.settle();
    group_.fence(old);
    ASSERT_NE(group_.primary(), old);
    group_.settle();
    write("b");
    EXPECT_EQ(group_.applied(group_.primary()), (Texts{"a", "b"}));
    group_.unfence(old);
    group_.heal();
    group_.pass(seconds(2));
    EXPECT_TRUE(group_.lost_role(old));
    expect_everywhere({"a", "b"});
    EXPECT_EQ(group_.shard().in_sync.size(), 3U);
}

TEST_F(ShardCopies, WhatOneFollowerHadMaySurviveAndIsTheSameEverywhere) {
    const std::size_t old = group_.primary();
    group_.stall_disk(group_.follower(), true);
    group_.stall_disk(group_.third(), true);
    group_.cut(old, group_.third());
    ASSERT_TRUE(group_.propose("maybe").ok());
    group_.settle();
    group_.cut_off(old);
    group_.stall_disk(0, false);
    group_.stall_disk(1, false);
    group_.stall_disk(2, false);
    group_.fence(old);
    group_.settle();
    write("b");
    group_.unfence(old);
    group_.heal();
    group_.pass(seconds(2));
    const Texts operations = group_.applied(group_.primary());
    EXPECT_EQ(operations.back(), "b");
    expect_everywhere(operations);
}

TEST_F(ShardCopies, APrimaryOfThePastIsToldAndStepsDown) {
    const std::size_t old = group_.primary();
    const NodeId old_id = CopyGroup::id(old);
    Prepare late;
    late.term = group_.shard().term;
    late.previous_seq = 1;
    late.previous_term = late.term;
    group_.fence(old);
    group_.settle();
    ShardCopy& other = group_.copy(group_.primary() == 0 ? 2 : 0);
    late.copy = other.copy();
    other.receive(old_id, {other.shard(), late});
    const CopyOutput output = other.take_output();
    const auto answer =
        std::find_if(output.sends.begin(), output.sends.end(), [](const auto& each) {
            return std::holds_alternative<StaleTerm>(each.second.body);
        });
    ASSERT_NE(answer, output.sends.end());
    EXPECT_EQ(answer->first, old_id);
    EXPECT_EQ(std::get<StaleTerm>(answer->second.body).term, group_.shard().term);
}

TEST_F(ShardCopies, StepsDownWhenTheStateNamesAnotherCopyInItsPlace) {
    Shard changed = group_.shard();
    changed.copies[changed.primary] = CopyId{12345};
    ++changed.version;
    const NodeId node = changed.primary;
    ShardCopy& copy = primary();
    copy.on_state(changed, changed.primary_incarnation);
    EXPECT_FALSE(copy.is_primary());
    EXPECT_TRUE(copy.take_output().lost_role);
    changed.primary = {};
    changed.copies[node] = copy.copy();
    ++changed.version;
    copy.on_state(changed, changed.primary_incarnation);
    EXPECT_FALSE(copy.is_primary());
}

TEST_F(ShardCopies, AnOldStateIsNotTaken) {
    const Shard before = group_.shard();
    group_.fence(group_.third());
    const std::uint64_t version = primary().view().version;
    primary().on_state(before, before.primary_incarnation);
    EXPECT_EQ(primary().view().version, version);
}

// A long tail that was never committed is found out in as many messages as it has terms.
TEST_F(ShardCopies, ALongConflictCostsFewMessages) {
    const std::size_t old = group_.primary();
    group_.cut_off(old);
    for (int i = 0; i < 500; ++i) {
        ASSERT_TRUE(group_.propose("lost").ok());
    }
    group_.settle();
    group_.fence(old);
    group_.settle();
    for (int i = 0; i < 400; ++i) {
        ASSERT_TRUE(group_.propose("kept").ok());
    }
    group_.settle();
    group_.unfence(old);
    group_.forget_prepares();
    group_.heal();
    group_.settle();
    EXPECT_LT(group_.prepares().size(), 12U);
    EXPECT_EQ(group_.applied(old), Texts(400, "kept"));
}

TEST_F(ShardCopies, AConflictIsCutBeforeTheNewIsAppended) {
    const std::size_t old = group_.primary();
    group_.cut_off(old);
    ASSERT_TRUE(group_.propose("lost").ok());
    group_.settle();
    const Seq lost = group_.copy(old).last();
    group_.fence(old);
    group_.settle();
    write("kept");
    ShardCopy& copy = group_.copy(old);
    (void)copy.take_output();
    Prepare prepare;
    prepare.term = group_.shard().term;
    prepare.copy = copy.copy();
    prepare.previous_seq = lost - 1;
    prepare.previous_term = 1;
    for (Seq seq = lost; seq <= primary().last(); ++seq) {
        prepare.entries.push_back(primary().log().at(seq));
    }
    copy.receive(CopyGroup::id(group_.primary()), {copy.shard(), prepare});
    const CopyOutput output = copy.take_output();
    EXPECT_EQ(output.cut, lost);
    ASSERT_EQ(output.appends.size(), prepare.entries.size());
    EXPECT_EQ(output.appends.front()->seq, lost);
    const auto& ack = std::get<Ack>(output.sends.back().second.body);
    EXPECT_EQ(ack.match, lost - 1) << "what is appended is not durable yet";
}

// ---- retries

TEST_F(ShardCopies, ARequestIsLoggedOnce) {
    const Seq seq = group_.propose("a", 1).value();
    EXPECT_EQ(group_.propose("a", 1).value(), seq);
    group_.settle();
    EXPECT_EQ(group_.propose("a", 1).value(), seq);
    EXPECT_NE(group_.propose("a", 2).value(), seq);
}

TEST_F(ShardCopies, ARetryAtTheNextPrimaryIsKnown) {
    const Seq seq = group_.propose("a", 1).value();
    group_.settle();
    group_.fence(group_.primary());
    group_.settle();
    EXPECT_EQ(group_.propose("a", 1).value(), seq);
}

TEST_F(ShardCopies, ARequestWhoseEntryWasCutIsNewAgain) {
    const std::size_t old = group_.primary();
    group_.cut_off(old);
    ASSERT_TRUE(group_.propose("a", 1).ok());
    group_.settle();
    EXPECT_TRUE(group_.copy(old).find_request({CopyGroup::id(0), 1, 1}).has_value());
    group_.fence(old);
    group_.settle();
    group_.unfence(old);
    group_.heal();
    group_.pass(seconds(2));
    EXPECT_FALSE(group_.copy(old).find_request({CopyGroup::id(0), 1, 1}).has_value());
}

TEST_F(ShardCopies, RequestsWithoutANodeAreAllDifferent) {
    const Seq seq = primary().propose({}, 0, "a").value();
    EXPECT_EQ(primary().propose({}, 0, "b").value(), seq + 1);
}

TEST_F(ShardCopies, ARetryIsKnownAfterACheckpointAndARestart) {
    const Seq seq = group_.propose("a", 1).value();
    group_.settle();
    group_.checkpoint();
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
        group_.restart(i);
    }
    group_.pass(seconds(2));
    EXPECT_EQ(group_.propose("a", 1).value(), seq);
}

TEST(ShardCopy, RemembersOnlySoManyRequests) {
    CopyOptions options;
    options.requests_remembered = 3;
    CopyGroup group(1, options);
    group.settle();
    for (std::uint64_t i = 1; i <= 5; ++i) {
        ASSERT_TRUE(group.propose("a", i).ok());
        group.settle();
    }
    const ShardCopy& copy = group.copy(0);
    EXPECT_EQ(copy.requests_until(copy.last()).size(), 3U);
    EXPECT_EQ(copy.requests_until(copy.last() - 1).size(), 2U);
    EXPECT_FALSE(copy.find_request({CopyGroup::id(0), 1, 2}).has_value());
    EXPECT_TRUE(copy.find_request({CopyGroup::id(0), 1, 3}).has_value());
}

// ---- handover

TEST_F(ShardCopies, AHandoverLosesNothing) {
    const std::size_t old = group_.primary();
    const std::size_t target = group_.follower();
    ASSERT_TRUE(group_.propose("a").ok());
    ASSERT_TRUE(group_.command(BeginHandover{group_.shard().id, CopyGroup::id(target)}).ok());
    EXPECT_EQ(group_.copy(old).role(), CopyRole::kDraining);
    EXPECT_EQ(group_.propose("b").error().code, ErrorCode::kUnavailable);
    group_.settle();
    EXPECT_EQ(group_.primary(), target);
    EXPECT_EQ(group_.copy(target).role(), CopyRole::kActive);
    EXPECT_FALSE(group_.copy(old).is_primary());
    write("c");
    expect_everywhere({"a", "c"});
}

TEST_F(ShardCopies, AHandoverWaitsForTheTarget) {
    const std::size_t target = group_.follower();
    ShardCopy& old = primary();
    group_.stall_disk(target, true);
    ASSERT_TRUE(group_.propose("a").ok());
    ASSERT_TRUE(group_.command(BeginHandover{group_.shard().id, CopyGroup::id(target)}).ok());
    group_.pass(seconds(1));
    EXPECT_EQ(old.role(), CopyRole::kDraining);
    group_.stall_disk(target, false);
    group_.settle();
    EXPECT_EQ(group_.primary(), target);
}

TEST_F(ShardCopies, WhoHasStoppedStaysSoUntilToldOtherwise) {
    const NodeId target = CopyGroup::id(group_.follower());
    ShardCopy& old = primary();
    group_.stall_control(true);
    ASSERT_TRUE(group_.command(BeginHandover{group_.shard().id, target}).ok());
    group_.settle();
    for (int i = 0; i < 600; ++i) {
        ASSERT_EQ(old.role(), CopyRole::kStopped);
        group_.pass(milliseconds(100));
    }
    EXPECT_GT(group_.waiting_proposals().size(), 10U) << "the word may have been lost";
    group_.stall_control(false);
    ASSERT_TRUE(group_.command(AbortHandover{group_.shard().id, group_.shard().version}).ok());
    EXPECT_EQ(old.role(), CopyRole::kActive);
    group_.settle();
    EXPECT_EQ(old.role(), CopyRole::kActive) << "the completions name a version of the past";
    write("b");
    expect_everywhere({"b"});
}

TEST_F(ShardCopies, ATargetThatRestartsEndsTheHandover) {
    const std::size_t target = group_.follower();
    ShardCopy& old = primary();
    group_.stall_control(true);
    ASSERT_TRUE(group_.command(BeginHandover{group_.shard().id, CopyGroup::id(target)}).ok());
    group_.settle();
    ASSERT_EQ(old.role(), CopyRole::kStopped);
    group_.restart(target, 1);
    EXPECT_EQ(old.role(), CopyRole::kActive);
    group_.stall_control(false);
    group_.settle();
    EXPECT_TRUE(old.is_primary());
    EXPECT_EQ(group_.shard().term, 1U);
}

TEST_F(ShardCopies, WhoHasStoppedForOneTargetWaitsForTheNextOne) {
    const ShardId shard = group_.shard().id;
    ShardCopy& old = primary();
    group_.stall_control(true);
    Shard view = group_.shard();
    view.phase = Phase::kHandover;
    view.target = CopyGroup::id(group_.follower());
    ++view.version;
    old.on_state(view, view.primary_incarnation);
    ASSERT_EQ(old.role(), CopyRole::kStopped);
    (void)old.take_output();
    // The abort in between was not seen.
    view.target = CopyGroup::id(group_.third());
    view.version += 2;
    old.on_state(view, view.primary_incarnation);
    EXPECT_EQ(old.role(), CopyRole::kStopped);
    const CopyOutput output = old.take_output();
    ASSERT_EQ(output.proposals.size(), 1U);
    const auto& complete = std::get<CompleteHandover>(output.proposals.front());
    EXPECT_EQ(complete.shard, shard);
    EXPECT_EQ(complete.version, view.version);
}

// ---- limits

class SmallCopies : public ShardCopies {
protected:
    SmallCopies() : ShardCopies(options()) {}

    static CopyOptions options() {
        CopyOptions options;
        options.prepare_bytes_max = 300;
        options.in_flight_bytes_max = 1000;
        options.tail_bytes_max = 2000;
        options.uncommitted_bytes_max = 4000;
        return options;
    }
};

TEST_F(SmallCopies, ManyEntriesFitInOneMessageAndNoMoreThanThat) {
    group_.forget_prepares();
    for (int i = 0; i < 30; ++i) {
        ASSERT_TRUE(group_.propose("0123456789").ok());
    }
    group_.settle();
    std::size_t most = 0;
    for (const Prepare& prepare : group_.prepares()) {
        most = std::max(most, prepare.entries.size());
    }
    EXPECT_EQ(most, 300U / (64 + 10));
    expect_everywhere(Texts(30, "0123456789"));
}

TEST_F(SmallCopies, AnEntryBeyondTheLimitTravelsAlone) {
    const std::string large(5000, 'x');
    ASSERT_TRUE(group_.propose("a").ok());
    ASSERT_TRUE(group_.propose(large).ok());
    group_.settle();
    expect_everywhere({"a", large});
}

TEST_F(SmallCopies, NoMoreIsUnderWayThanTheLimit) {
    ShardCopy& copy = primary();
    for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(group_.propose("0123456789").ok());
    }
    std::map<NodeId, std::size_t> entries;
    const CopyOutput output = copy.take_output();
    for (const auto& [to, message] : output.sends) {
        entries[to] += std::get<Prepare>(message.body).entries.size();
    }
    for (const auto& [to, count] : entries) {
        EXPECT_LE(count * 74, 1000U + 300U);
        EXPECT_GE(count * 74, 1000U);
    }
    EXPECT_EQ(entries.size(), 2U);
    EXPECT_TRUE(copy.take_output().sends.empty());
}

TEST(ShardCopy, DisorderDoesNotMultiplyMessages) {
    CopyOptions options;
    options.prepare_bytes_max = 1;  // Each entry is a message.
    CopyGroup group(3, options);
    group.settle();
    group.shuffle_messages();
    group.stall_disk(group.follower(), true);
    group.stall_disk(group.third(), true);
    const std::size_t before = group.messages_seen();
    for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(group.propose("x").ok());
    }
    group.settle();
    // Every gap costs a round trip and all that is left once more, not a burst for each answer.
    EXPECT_LT(group.messages_seen() - before, 40U * 40U * 2 * 2);
    group.stall_disk(group.follower(), false);
    group.stall_disk(group.third(), false);
    group.settle();
    EXPECT_EQ(group.copy(group.primary()).committed(), group.copy(group.primary()).last());
}

TEST_F(SmallCopies, WhatIsNotCommittedIsLimited) {
    group_.stall_disk(group_.follower(), true);
    std::size_t taken = 0;
    Result<Seq> last = Seq{0};
    while (last.ok() && taken < 1000) {
        last = group_.propose("0123456789");
        taken += last.ok() ? 1U : 0U;
    }
    ASSERT_FALSE(last.ok());
    EXPECT_EQ(last.error().code, ErrorCode::kOverloaded);
    EXPECT_EQ(taken, 4000U / 74 + 1);
    group_.settle();
    group_.stall_disk(group_.follower(), false);
    group_.settle();
    EXPECT_TRUE(group_.propose("more").ok());
    group_.settle();
    EXPECT_EQ(group_.applied(group_.follower()).size(), taken + 1);
}

TEST_F(SmallCopies, WhatEveryoneHasIsForgottenAtACheckpoint) {
    write("a");
    const Seq last = primary().last();
    group_.checkpoint();
    EXPECT_EQ(primary().log().base(), last);
    write("b");
    expect_everywhere({"a", "b"});
}

TEST_F(SmallCopies, WhatALaggingCopyNeedsIsKeptUpToALimit) {
    const std::size_t behind = group_.follower();
    group_.cut_off(behind);
    ASSERT_TRUE(group_.propose("a").ok());
    group_.pass(seconds(3));
    ASSERT_EQ(group_.shard().in_sync.size(), 2U);
    group_.checkpoint();
    EXPECT_LT(primary().log().base(), primary().last());
    for (int i = 0; i < 50; ++i) {
        write("0123456789");
    }
    group_.checkpoint();
    EXPECT_LE(primary().log().bytes(), 2000U);
    EXPECT_GT(primary().log().bytes(), 1500U);
    EXPECT_TRUE(group_.installs().empty());
    group_.heal();
    group_.settle();
    EXPECT_EQ(group_.installs(), std::vector<NodeId>{CopyGroup::id(behind)});
}

TEST_F(SmallCopies, AfterFilesWereSentTheLogGoesOnFromThere) {
    const std::size_t behind = group_.follower();
    group_.cut_off(behind);
    ASSERT_TRUE(group_.propose("a").ok());
    group_.pass(seconds(3));
    for (int i = 0; i < 50; ++i) {
        write("0123456789");
    }
    group_.checkpoint();
    const Seq files = primary().committed();
    const Term term = primary().log().term(files).value();
    write("b");
    group_.heal();
    group_.settle();
    ASSERT_EQ(group_.installs().size(), 1U);

    CopyOptions options;
    options.node = CopyGroup::id(behind);
    ShardCopy installed(
        options,
        group_.shard().id,
        group_.shard().copies.at(options.node),
        CopyLog(files, term),
        {}
    );
    installed.on_state(group_.shard(), 1);
    const CopyId copy = group_.shard().copies.at(options.node);
    primary().install_done(options.node, CopyId{99}, files, false);  // Of a copy before.
    EXPECT_TRUE(primary().take_output().sends.empty());
    primary().install_done(options.node, copy, files, true);
    const CopyOutput probe = primary().take_output();
    ASSERT_EQ(probe.sends.size(), 1U);
    installed.receive(CopyGroup::id(group_.primary()), probe.sends.front().second);
    const CopyOutput answer = installed.take_output();
    const auto& ack = std::get<Ack>(answer.sends.front().second.body);
    EXPECT_FALSE(ack.mismatch);
    EXPECT_EQ(ack.match, files);
}

TEST_F(SmallCopies, FilesThatDidNotArriveAreSentAgain) {
    const std::size_t behind = group_.follower();
    group_.cut_off(behind);
    ASSERT_TRUE(group_.propose("a").ok());
    group_.pass(seconds(3));
    for (int i = 0; i < 50; ++i) {
        write("0123456789");
    }
    group_.checkpoint();
    group_.heal();
    group_.settle();
    const CopyId copy = group_.shard().copies.at(CopyGroup::id(behind));
    primary().install_done(CopyGroup::id(behind), copy, primary().committed(), false);
    group_.settle();
    EXPECT_EQ(group_.installs().size(), 2U);
}

}  // namespace
}  // namespace kumo::cluster
