#include "cluster/state/state.h"

#include <gtest/gtest.h>

namespace kumo::cluster {
namespace {

Uuid uuid(std::uint8_t number) {
    Uuid id;
    id.bytes.back() = number;
    return id;
}

const NodeId kA = uuid(1);
const NodeId kB = uuid(2);
const NodeId kC = uuid(3);

Register registration(const NodeId& node, std::uint8_t boot) {
    Register command;
    command.member.id = node;
    command.member.boot = uuid(boot);
    command.member.name = "node";
    return command;
}

std::uint64_t incarnation(const State& state, const NodeId& node) {
    return find_member(state, node)->incarnation;
}

void must(State& state, const Command& command) {
    const Status status = apply(state, command);
    ASSERT_TRUE(status.ok()) << status.error().message;
}

void expect_error(State& state, const Command& command, ErrorCode code) {
    const State before = state;
    const Status status = apply(state, command);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, code) << status.error().message;
    EXPECT_TRUE(state == before || code == ErrorCode::kConflict);
}

void unfence(State& state, const NodeId& node) {
    must(state, Unfence{node, incarnation(state, node)});
}

/// Three nodes that serve, and one shard.
class ClusterState : public testing::Test {
protected:
    ClusterState() {
        must(state_, Found{uuid(99), 3});
        std::uint8_t boot = 10;
        for (const NodeId& node : {kA, kB, kC}) {
            must(state_, registration(node, boot++));
            unfence(state_, node);
        }
        shard_ = add_shard(state_, AckMode::kSync).value();
        others_ = {kA, kB, kC};
        others_.erase(shard().primary);
    }

    const Shard& shard() const { return *find_shard(state_, shard_); }

    NodeId other() const { return *others_.begin(); }

    NodeId third() const { return *others_.rbegin(); }

    ProposeInSync wish(const std::set<NodeId>& in_sync) const {
        ProposeInSync command;
        command.shard = shard_;
        command.version = shard().version;
        command.term = shard().term;
        command.in_sync = in_sync;
        for (const NodeId& node : in_sync) {
            if (!shard().in_sync.contains(node)) {
                command.added[node] = incarnation(state_, node);
            }
        }
        return command;
    }

    /// The node's process ends and begins again.
    void restart(const NodeId& node, std::uint8_t boot, std::set<CopyId> unclean = {}) {
        Register command = registration(node, boot);
        command.previous_is_over = true;
        command.unclean = std::move(unclean);
        must(state_, command);
    }

    void check_invariants() const {
        for (const auto& [id, each] : state_.shards) {
            EXPECT_FALSE(each->in_sync.empty());
            for (const NodeId& node : each->in_sync) {
                EXPECT_TRUE(each->copies.contains(node));
            }
            const bool in_handover = each->phase == Phase::kHandover;
            EXPECT_EQ(in_handover, each->in_sync.contains(each->target));
        }
    }

    State state_;
    ShardId shard_{};
    std::set<NodeId> others_;
};

TEST_F(ClusterState, IsFoundedOnce) {
    EXPECT_EQ(state_.id, uuid(99));
    expect_error(state_, Found{uuid(98), 1}, ErrorCode::kAlreadyExists);
}

TEST_F(ClusterState, ANewShardHasACopyOnEveryNode) {
    EXPECT_EQ(shard().in_sync, (std::set<NodeId>{kA, kB, kC}));
    EXPECT_EQ(shard().copies.size(), 3U);
    EXPECT_EQ(shard().term, 1U);
    EXPECT_EQ(shard().primary_incarnation, incarnation(state_, shard().primary));
    std::set<CopyId> copies;
    for (const auto& [node, copy] : shard().copies) {
        copies.insert(copy);
    }
    EXPECT_EQ(copies.size(), 3U);
}

TEST_F(ClusterState, ACopyOfANewShardOnAFencedNodeIsNotInSync) {
    must(state_, Fence{{kC}});
    const ShardId id = add_shard(state_, AckMode::kSync).value();
    EXPECT_TRUE(find_shard(state_, id)->copies.contains(kC));
    EXPECT_FALSE(find_shard(state_, id)->in_sync.contains(kC));
}

TEST_F(ClusterState, AShardThatCannotBeMadeLeavesNoTrace) {
    must(state_, Fence{{kA, kB, kC}});
    const State before = state_;
    EXPECT_EQ(add_shard(state_, AckMode::kSync).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(add_shard(state_, AckMode::kAsync).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(add_shard(state_, AckMode::kMajority).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(add_shard(state_, AckMode::kSync, 0).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(
        add_shard(state_, AckMode::kSync, kMembersMax + 1).error().code,
        ErrorCode::kInvalidArgument
    );
    EXPECT_TRUE(state_ == before);
}

TEST_F(ClusterState, PrimariesAreSpread) {
    std::set<NodeId> primaries;
    for (int i = 0; i < 9; ++i) {
        primaries.insert(find_shard(state_, add_shard(state_, AckMode::kSync).value())->primary);
    }
    EXPECT_GT(primaries.size(), 1U);
}

TEST_F(ClusterState, OneFenceMovesAllShardsOfANode) {
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(add_shard(state_, AckMode::kSync).ok());
    }
    must(state_, Fence{{kA}});
    for (const auto& [id, each] : state_.shards) {
        EXPECT_NE(each->primary, kA);
        EXPECT_EQ(each->in_sync, (std::set<NodeId>{kB, kC}));
        EXPECT_TRUE(each->copies.contains(kA));
    }
}

TEST_F(ClusterState, PromotionRaisesTermAndVersion) {
    const Shard before = shard();
    must(state_, Fence{{before.primary}});
    EXPECT_EQ(shard().term, before.term + 1);
    EXPECT_GT(shard().version, before.version);
    EXPECT_TRUE(others_.contains(shard().primary));
}

TEST_F(ClusterState, WhoIsNotInSyncIsNotPromoted) {
    const NodeId primary = shard().primary;
    must(state_, wish({primary, other()}));
    must(state_, Fence{{primary}});
    EXPECT_EQ(shard().primary, other());
    const Term term = shard().term;
    must(state_, Fence{{other()}});
    EXPECT_EQ(shard().primary, other()) << "the third is up, but may lack something";
    EXPECT_EQ(shard().term, term);
    EXPECT_EQ(shard().in_sync, std::set<NodeId>{other()});
}

TEST_F(ClusterState, TheFirstInSyncThatComesBackTakesOver) {
    must(state_, Fence{{kA, kB, kC}});
    EXPECT_EQ(shard().in_sync.size(), 3U) << "all of them have everything";
    const Term term = shard().term;
    unfence(state_, third());
    EXPECT_EQ(shard().primary, third());
    EXPECT_EQ(shard().term, term + 1);
    EXPECT_EQ(shard().in_sync.size(), 3U) << "the others may be about to";
    must(state_, Fence{{kA, kB, kC}});
    EXPECT_EQ(shard().in_sync.size(), 3U);
    unfence(state_, third());
    must(state_, Fence{{other()}});
    EXPECT_EQ(shard().in_sync.size(), 2U) << "it is missed, and another one serves";
}

TEST_F(ClusterState, ARunThatIsRegisteredTwiceIsOneRun) {
    const State before = state_;
    must(state_, registration(kA, 10));
    EXPECT_TRUE(state_ == before);
    Register moved = registration(kA, 10);
    moved.member.api_address = "other:1";
    must(state_, moved);
    EXPECT_EQ(find_member(state_, kA)->api_address, "other:1");
    EXPECT_EQ(incarnation(state_, kA), find_member(before, kA)->incarnation);
    EXPECT_FALSE(find_member(state_, kA)->fenced);
}

TEST_F(ClusterState, ALiveRunIsNotReplacedWithoutProof) {
    expect_error(state_, registration(kA, 20), ErrorCode::kAlreadyExists);
    must(state_, Fence{{kA}});
    must(state_, registration(kA, 20));
    EXPECT_TRUE(find_member(state_, kA)->fenced);
}

TEST_F(ClusterState, WhoComesBackLastIsNotLeftAlone) {
    const std::vector<NodeId> back = {shard().primary, other()};
    const NodeId gone = third();
    restart(back[0], 20);
    restart(back[1], 21);
    EXPECT_EQ(shard().primary, gone) << "nobody knows yet that it is gone";
    EXPECT_EQ(shard().in_sync.size(), 3U);
    unfence(state_, back[0]);
    unfence(state_, back[1]);
    must(state_, Fence{{gone}});
    EXPECT_NE(shard().primary, gone);
    EXPECT_EQ(shard().in_sync, std::set<NodeId>(back.begin(), back.end()));
}

TEST_F(ClusterState, ANewRunLosesThePrimaryAndStaysInSync) {
    const NodeId primary = shard().primary;
    const Term term = shard().term;
    restart(primary, 20);
    EXPECT_NE(shard().primary, primary);
    EXPECT_EQ(shard().term, term + 1);
    EXPECT_TRUE(shard().in_sync.contains(primary));
}

TEST_F(ClusterState, ANewRunOfTheLastOneBeginsANewTerm) {
    const NodeId primary = shard().primary;
    must(state_, wish({primary}));
    const Term term = shard().term;
    restart(primary, 20);
    EXPECT_EQ(shard().term, term);
    unfence(state_, primary);
    EXPECT_EQ(shard().term, term + 1);
    EXPECT_EQ(shard().primary_incarnation, incarnation(state_, primary));
}

// Its message was on its way while the process ended and the next one began.
TEST_F(ClusterState, ALateRegistrationOfARunThatIsOverIsRefused) {
    restart(kA, 20);
    unfence(state_, kA);
    Register late = registration(kA, 10);
    late.previous_is_over = true;
    expect_error(state_, late, ErrorCode::kConflict);
    EXPECT_FALSE(find_member(state_, kA)->fenced);
    EXPECT_EQ(find_member(state_, kA)->boot, uuid(20));
}

// Two runs ended before anybody knew of them; the first one's message comes last.
TEST_F(ClusterState, ARegistrationThatDoesNotKnowOfTheRunBeforeIsRefused) {
    const std::uint64_t before = incarnation(state_, kA);
    Register next = registration(kA, 20);
    next.previous_is_over = true;
    next.member.incarnation = before;
    Register late = next;
    late.member.boot = uuid(19);
    must(state_, next);
    unfence(state_, kA);
    expect_error(state_, late, ErrorCode::kConflict);
    EXPECT_FALSE(find_member(state_, kA)->fenced);
    must(state_, next);  // The answer was slow.
    EXPECT_FALSE(find_member(state_, kA)->fenced);
    late.member.incarnation = kNoRunBefore;
    expect_error(state_, late, ErrorCode::kConflict);
    late.member.incarnation = incarnation(state_, kA);
    must(state_, late);
    EXPECT_EQ(find_member(state_, kA)->boot, uuid(19));
}

TEST_F(ClusterState, RemembersOnlySoManyRuns) {
    for (std::uint8_t i = 0; i < 3 * kBootsBeforeMax; ++i) {
        restart(kA, static_cast<std::uint8_t>(20 + i));
    }
    EXPECT_EQ(find_member(state_, kA)->boots_before.size(), kBootsBeforeMax);
}

// Otherwise its next run would go on in the term of one that may have lost its log's end.
TEST_F(ClusterState, ARemovedNodeComesBackWithAnIncarnationOfItsOwn) {
    const NodeId primary = shard().primary;
    must(state_, wish({primary}));
    const Term term = shard().term;
    const std::uint64_t before = incarnation(state_, primary);
    must(state_, Fence{{primary}});
    must(state_, RemoveMember{primary});
    EXPECT_EQ(shard().in_sync, std::set<NodeId>{primary});
    must(state_, registration(primary, 20));
    EXPECT_GT(incarnation(state_, primary), before);
    unfence(state_, primary);
    EXPECT_EQ(shard().primary, primary);
    EXPECT_EQ(shard().term, term + 1);
}

TEST_F(ClusterState, ANewNodeGetsCopiesThatAreNotInSync) {
    const std::uint64_t version = shard().version;
    must(state_, registration(uuid(4), 20));
    EXPECT_TRUE(shard().copies.contains(uuid(4)));
    EXPECT_FALSE(shard().in_sync.contains(uuid(4)));
    EXPECT_GT(shard().version, version);
    Register without_data = registration(uuid(5), 21);
    without_data.member.holds_data = false;
    must(state_, without_data);
    EXPECT_FALSE(shard().copies.contains(uuid(5)));
}

TEST_F(ClusterState, RefusesNodesThatAreNotWellFormed) {
    expect_error(state_, registration(Uuid{}, 20), ErrorCode::kInvalidArgument);
    Register nameless = registration(kA, 20);
    nameless.member.boot = {};
    expect_error(state_, nameless, ErrorCode::kInvalidArgument);
    Register loud = registration(uuid(4), 20);
    loud.member.zone = std::string(kMemberTextBytesMax + 1, 'z');
    expect_error(state_, loud, ErrorCode::kLimitExceeded);
}

TEST_F(ClusterState, OnlyTheRegisteredRunIsUnfenced) {
    must(state_, Fence{{kA}});
    expect_error(state_, Unfence{kA, incarnation(state_, kA) + 1}, ErrorCode::kNotFound);
    expect_error(state_, Unfence{uuid(9), 1}, ErrorCode::kNotFound);
    EXPECT_TRUE(find_member(state_, kA)->fenced);
}

// ---- unclean copies

TEST_F(ClusterState, AnUncleanCopyIsBuiltAnew) {
    const CopyId before = shard().copies.at(other());
    restart(other(), 20, {before});
    EXPECT_NE(shard().copies.at(other()), before);
    EXPECT_FALSE(shard().in_sync.contains(other()));
    unfence(state_, other());
    EXPECT_FALSE(shard().in_sync.contains(other()));
}

TEST_F(ClusterState, AnUncleanPrimaryIsNotPromotedAgain) {
    const NodeId primary = shard().primary;
    must(state_, Fence{{kA, kB, kC}});
    restart(primary, 20, {shard().copies.at(primary)});
    unfence(state_, primary);
    EXPECT_FALSE(shard().in_sync.contains(primary));
    unfence(state_, other());
    EXPECT_EQ(shard().primary, other());
}

// Copies out of sync may have what the last one in sync has lost; they would never be equal again.
TEST_F(ClusterState, IfTheLastInSyncIsUncleanTheOthersAreBuiltAnew) {
    const NodeId primary = shard().primary;
    must(state_, wish({primary}));
    const Shard before = shard();
    restart(primary, 20, {before.copies.at(primary)});
    EXPECT_EQ(shard().copies.at(primary), before.copies.at(primary));
    EXPECT_NE(shard().copies.at(other()), before.copies.at(other()));
    EXPECT_NE(shard().copies.at(third()), before.copies.at(third()));
    EXPECT_EQ(shard().in_sync, std::set<NodeId>{primary});
}

TEST_F(ClusterState, ANodeThatLostItsLogHasNoCopyThatCounts) {
    const CopyId before = shard().copies.at(other());
    restart(other(), 20, {kEveryCopyLost});
    EXPECT_NE(shard().copies.at(other()), before);
    EXPECT_FALSE(shard().in_sync.contains(other()));
    EXPECT_GT(static_cast<std::uint64_t>(shard().copies.at(other())), incarnation(state_, other()))
        << "what is whole is told by its number";
}

TEST_F(ClusterState, TheLastInSyncThatLostItsLogChangesNothing) {
    const NodeId primary = shard().primary;
    must(state_, wish({primary}));
    const Shard before = shard();
    restart(primary, 20, {kEveryCopyLost});
    EXPECT_EQ(shard().copies, before.copies) << "the others keep what they have";
    EXPECT_EQ(shard().in_sync, std::set<NodeId>{primary});
}

TEST_F(ClusterState, ANodeMayNameAllItsCopiesUnclean) {
    const CopyId before = shard().copies.at(other());
    restart(other(), 20, {kEveryCopyUnclean});
    EXPECT_NE(shard().copies.at(other()), before);
    EXPECT_FALSE(shard().in_sync.contains(other()));
    // The last one in sync is what there is, as if it were named.
    const NodeId primary = shard().primary;
    must(state_, wish({primary}));
    const Shard alone = shard();
    restart(primary, 21, {kEveryCopyUnclean});
    EXPECT_EQ(shard().copies.at(primary), alone.copies.at(primary));
    EXPECT_NE(shard().copies.at(other()), alone.copies.at(other()));
    EXPECT_EQ(shard().in_sync, std::set<NodeId>{primary});
}

TEST_F(ClusterState, AReplacedCopyLeavesAndItsPrimaryMoves) {
    const NodeId primary = shard().primary;
    const CopyId copy = shard().copies.at(primary);
    const Term term = shard().term;
    must(state_, ReplaceCopy{shard_, primary, copy});
    EXPECT_NE(shard().primary, primary);
    EXPECT_EQ(shard().term, term + 1);
    EXPECT_NE(shard().copies.at(primary), copy);
    expect_error(state_, ReplaceCopy{shard_, primary, copy}, ErrorCode::kConflict);
}

TEST_F(ClusterState, TheLastCopyInSyncIsNotReplaced) {
    const NodeId primary = shard().primary;
    must(state_, wish({primary}));
    expect_error(
        state_,
        ReplaceCopy{shard_, primary, shard().copies.at(primary)},
        ErrorCode::kConflict
    );
}

// ---- the in-sync set

TEST_F(ClusterState, AWishSucceedsOnce) {
    const ProposeInSync command = wish({shard().primary, other()});
    must(state_, command);
    EXPECT_EQ(shard().in_sync, command.in_sync);
    const std::uint64_t version = shard().version;
    expect_error(state_, command, ErrorCode::kConflict);
    EXPECT_EQ(shard().version, version) << "it was based on another version";
}

TEST_F(ClusterState, ARefusedWishChangesTheVersion) {
    ProposeInSync command = wish({other()});
    const std::uint64_t version = shard().version;
    expect_error(state_, command, ErrorCode::kConflict);
    EXPECT_EQ(shard().version, version + 1) << "a copy of it, late, must fail as well";
    EXPECT_EQ(shard().in_sync.size(), 3U);
}

TEST_F(ClusterState, AWishOfAFormerTermIsRefused) {
    ProposeInSync command = wish({shard().primary, other()});
    --command.term;
    expect_error(state_, command, ErrorCode::kConflict);
}

TEST_F(ClusterState, WhoHasRestartedSinceIsNotAdded) {
    const NodeId primary = shard().primary;
    must(state_, wish({primary, third()}));
    restart(other(), 20);
    unfence(state_, other());
    ProposeInSync command = wish({kA, kB, kC});
    restart(other(), 21);
    unfence(state_, other());
    expect_error(state_, command, ErrorCode::kConflict);
    must(state_, wish({kA, kB, kC}));
    EXPECT_EQ(shard().in_sync.size(), 3U);
}

TEST_F(ClusterState, WhoIsFencedOrUnknownIsNotAdded) {
    must(state_, Fence{{other()}});
    expect_error(state_, wish({kA, kB, kC}), ErrorCode::kConflict);
    ProposeInSync command = wish({shard().primary});
    command.in_sync.insert(uuid(9));
    expect_error(state_, command, ErrorCode::kConflict);
    expect_error(state_, ProposeInSync{ShardId{777}, 1, 1, {kA}, {}}, ErrorCode::kNotFound);
}

// ---- handover

TEST_F(ClusterState, AHandoverMakesTheTargetPrimary) {
    must(state_, BeginHandover{shard_, other()});
    EXPECT_EQ(shard().phase, Phase::kHandover);
    const Term term = shard().term;
    must(state_, CompleteHandover{shard_, shard().version});
    EXPECT_EQ(shard().primary, other());
    EXPECT_EQ(shard().term, term + 1);
    EXPECT_EQ(shard().phase, Phase::kNormal);
    EXPECT_EQ(shard().in_sync.size(), 3U);
}

TEST_F(ClusterState, AnAbortedHandoverCannotComplete) {
    must(state_, BeginHandover{shard_, other()});
    const std::uint64_t version = shard().version;
    must(state_, AbortHandover{shard_, version});
    EXPECT_EQ(shard().phase, Phase::kNormal);
    expect_error(state_, CompleteHandover{shard_, version}, ErrorCode::kConflict);
    expect_error(state_, AbortHandover{shard_, version}, ErrorCode::kConflict);
}

TEST_F(ClusterState, AHandoverToWhoMayNotIsRefused) {
    const NodeId primary = shard().primary;
    expect_error(state_, BeginHandover{shard_, primary}, ErrorCode::kInvalidArgument);
    expect_error(state_, BeginHandover{shard_, uuid(9)}, ErrorCode::kInvalidArgument);
    must(state_, BeginHandover{shard_, other()});
    expect_error(state_, BeginHandover{shard_, third()}, ErrorCode::kConflict);
    expect_error(state_, wish({primary}), ErrorCode::kConflict);
}

TEST_F(ClusterState, AHandoverEndsWithItsTarget) {
    must(state_, BeginHandover{shard_, other()});
    const std::uint64_t version = shard().version;
    must(state_, Fence{{other()}});
    EXPECT_EQ(shard().phase, Phase::kNormal);
    expect_error(state_, CompleteHandover{shard_, version}, ErrorCode::kConflict);
}

TEST_F(ClusterState, AHandoverEndsWhenTheTargetsCopyIsReplaced) {
    must(state_, BeginHandover{shard_, other()});
    must(state_, ReplaceCopy{shard_, other(), shard().copies.at(other())});
    EXPECT_EQ(shard().phase, Phase::kNormal);
    check_invariants();
    expect_error(state_, CompleteHandover{shard_, shard().version}, ErrorCode::kConflict);
}

TEST_F(ClusterState, AHandoverEndsWithItsPrimary) {
    must(state_, BeginHandover{shard_, other()});
    const std::uint64_t version = shard().version;
    must(state_, Fence{{shard().primary}});
    EXPECT_EQ(shard().phase, Phase::kNormal);
    expect_error(state_, CompleteHandover{shard_, version}, ErrorCode::kConflict);
}

// ---- members

TEST_F(ClusterState, ADrainingNodeIsPromotedOnlyIfNobodyElseIsThere) {
    must(state_, SetDraining{other(), true});
    for (int i = 0; i < 10; ++i) {
        const ShardId id = add_shard(state_, AckMode::kSync).value();
        EXPECT_NE(find_shard(state_, id)->primary, other());
    }
    must(state_, Fence{{shard().primary}});
    EXPECT_EQ(shard().primary, third());
    must(state_, Fence{{third()}});
    EXPECT_EQ(shard().primary, other());
    expect_error(state_, SetDraining{uuid(9), true}, ErrorCode::kNotFound);
}

TEST_F(ClusterState, ANodeThatIsUpIsNotRemoved) {
    expect_error(state_, RemoveMember{kA}, ErrorCode::kConflict);
    must(state_, Fence{{kA}});
    must(state_, RemoveMember{kA});
    EXPECT_EQ(find_member(state_, kA), nullptr);
    EXPECT_FALSE(shard().copies.contains(kA));
    expect_error(state_, RemoveMember{kA}, ErrorCode::kNotFound);
}

TEST_F(ClusterState, AfterATakeOverOneNodeHasEverything) {
    must(state_, BeginHandover{shard_, other()});
    const Term term = shard().term;
    must(state_, TakeOver{third()});
    EXPECT_EQ(state_.members.size(), 1U);
    EXPECT_EQ(shard().primary, third());
    EXPECT_EQ(shard().in_sync, std::set<NodeId>{third()});
    EXPECT_EQ(shard().copies.size(), 1U);
    EXPECT_GT(shard().term, term);
    check_invariants();
    expect_error(state_, TakeOver{other()}, ErrorCode::kNotFound);
}

TEST_F(ClusterState, ADroppedShardIsGoneAndItsNumberToo) {
    drop_shard(state_, shard_);
    drop_shard(state_, shard_);
    EXPECT_EQ(find_shard(state_, shard_), nullptr);
    EXPECT_NE(add_shard(state_, AckMode::kSync).value(), shard_);
}

TEST_F(ClusterState, WhatDoesNotChangeIsShared) {
    const ShardId quiet = add_shard(state_, AckMode::kSync).value();
    const State before = state_;
    must(state_, wish({shard().primary}));
    EXPECT_EQ(before.shards.at(quiet), state_.shards.at(quiet));
    EXPECT_EQ(before.members.at(kA), state_.members.at(kA));
    EXPECT_EQ(before.shards.at(shard_)->in_sync.size(), 3U);
    EXPECT_FALSE(before == state_);
}

// ---- any order of commands

/// Commands that anybody might send at any time, most of them plausible.
class Storm {
public:
    Storm(State& state, std::uint64_t seed) : state_(state), random_(seed) {}

    Command next() {
        const NodeId node = uuid(static_cast<std::uint8_t>(1 + random_.below(4)));
        switch (random_.below(10)) {
            case 0: return registered(node);
            case 1: return Fence{{node}};
            case 2:
            case 3:
            case 4: return unfenced(node);
            case 5: return wish();
            case 6: return BeginHandover{shard().id, node};
            case 7: return AbortHandover{shard().id, shard().version - random_.below(2)};
            case 8: return CompleteHandover{shard().id, shard().version - random_.below(2)};
            default: return rare(node);
        }
    }

private:
    const Shard& shard() {
        auto at = state_.shards.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(random_.below(state_.shards.size())));
        return *at->second;
    }

    Command registered(const NodeId& node) {
        Register command = registration(node, static_cast<std::uint8_t>(random_.below(200)));
        command.previous_is_over = random_.chance(1, 2);
        for (const auto& [id, each] : state_.shards) {
            const auto copy = each->copies.find(node);
            if (copy != each->copies.end() && random_.chance(1, 3)) {
                command.unclean.insert(copy->second);
            }
        }
        return command;
    }

    Command unfenced(const NodeId& node) {
        const Member* member = find_member(state_, node);
        return Unfence{node, member == nullptr ? 0 : member->incarnation};
    }

    Command wish() {
        const Shard& about = shard();
        ProposeInSync command;
        command.shard = about.id;
        command.version = about.version;
        command.term = about.term;
        for (const auto& [node, copy] : about.copies) {
            if (node == about.primary || random_.chance(1, 2)) {
                command.in_sync.insert(node);
                const Member* member = find_member(state_, node);
                command.added[node] = member == nullptr ? 0 : member->incarnation;
            }
        }
        return command;
    }

    Command rare(const NodeId& node) {
        const Shard& about = shard();
        const auto copy = about.copies.find(node);
        switch (random_.below(4)) {
            case 0: return SetDraining{node, random_.chance(1, 2)};
            case 1: return RemoveMember{node};
            case 2: return TakeOver{node};
            default:
                return ReplaceCopy{
                    about.id,
                    node,
                    copy == about.copies.end() ? CopyId{} : copy->second};
        }
    }

    State& state_;
    SeededRandom random_;
};

/// What may never be between a state and the next one.
void check_step(const State& before, const State& after) {
    for (const auto& [id, shard] : after.shards) {
        ASSERT_FALSE(shard->in_sync.empty());
        for (const NodeId& node : shard->in_sync) {
            ASSERT_TRUE(shard->copies.contains(node));
        }
        if (shard->phase == Phase::kHandover) {
            ASSERT_TRUE(shard->in_sync.contains(shard->target));
        }
        const Shard& old = *find_shard(before, id);
        ASSERT_GE(shard->version, old.version);
        ASSERT_GE(shard->term, old.term);
        if (!(*shard == old)) {
            ASSERT_GT(shard->version, old.version);
        }
        const bool same_primary =
            shard->primary == old.primary && shard->primary_incarnation == old.primary_incarnation;
        if (!same_primary && !shard->primary.is_nil()) {
            ASSERT_GT(shard->term, old.term);
            ASSERT_TRUE(shard->in_sync.contains(shard->primary));
        }
    }
    for (const auto& [id, member] : after.members) {
        const Member* old = find_member(before, id);
        ASSERT_TRUE(old == nullptr || member->incarnation >= old->incarnation);
    }
}

TEST_F(ClusterState, InvariantsHoldWhateverIsSaid) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        State state = state_;
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(add_shard(state, AckMode::kSync).ok());
        }
        Storm storm(state, seed);
        for (int i = 0; i < 1000; ++i) {
            const State before = state;
            const Command command = storm.next();
            (void)apply(state, command);
            check_step(before, state);
            ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed << " step " << i;
        }
    }
}

}  // namespace
}  // namespace kumo::cluster
