#include "cluster/state/state.h"

#include <gtest/gtest.h>

namespace kumo::cluster {
namespace {

Uuid uuid(std::uint8_t number) {
    Uuid id;
    id.bytes.back() = number;
    return id;
}

/// Three nodes that serve, and a shard of each mode that elects.
class Elections : public testing::Test {
protected:
    Elections() {
        must(Found{uuid(99), 3});
        for (std::uint8_t i = 1; i <= 3; ++i) {
            Register command;
            command.member.id = uuid(i);
            command.member.boot = uuid(static_cast<std::uint8_t>(10 + i));
            must(command);
            must(Unfence{uuid(i), incarnation(uuid(i))});
        }
        majority_ = add_shard(state_, AckMode::kMajority).value();
        async_ = add_shard(state_, AckMode::kAsync).value();
    }

    void must(const Command& command) {
        const Status status = apply(state_, command);
        ASSERT_TRUE(status.ok()) << status.error().message;
    }

    ErrorCode error_of(const Command& command) {
        const Status status = apply(state_, command);
        return status.ok() ? ErrorCode::kInternal : status.error().code;
    }

    std::uint64_t incarnation(const NodeId& node) const {
        return find_member(state_, node)->incarnation;
    }

    const Shard& majority() const { return *find_shard(state_, majority_); }

    const Shard& async() const { return *find_shard(state_, async_); }

    /// Everybody but the primary, in order.
    static std::vector<NodeId> others(const Shard& shard) {
        std::vector<NodeId> out;
        for (const auto& [node, copy] : shard.copies) {
            if (node != shard.primary) {
                out.push_back(node);
            }
        }
        return out;
    }

    ReportLog report(const Shard& shard, const NodeId& node, Term term, Seq seq) const {
        const LogEnd end{incarnation(node), term, seq};
        return ReportLog{shard.id, shard.term, node, shard.copies.at(node), end};
    }

    State state_;
    ShardId majority_{};
    ShardId async_{};
};

TEST_F(Elections, AMajorityElectsTheBestLogOfEnough) {
    const NodeId old = majority().primary;
    const auto rest = others(majority());
    must(Fence{{old}});
    EXPECT_EQ(majority().phase, Phase::kElecting);
    EXPECT_EQ(majority().term, 2U);
    EXPECT_TRUE(majority().primary.is_nil());
    EXPECT_EQ(majority().in_sync.size(), 3U);
    must(report(majority(), rest[0], 1, 50));
    EXPECT_EQ(majority().phase, Phase::kElecting);
    must(report(majority(), rest[1], 1, 51));
    EXPECT_EQ(majority().phase, Phase::kNormal);
    EXPECT_EQ(majority().primary, rest[1]);
    EXPECT_EQ(majority().primary_incarnation, incarnation(rest[1]));
    EXPECT_EQ(majority().term, 2U);
    EXPECT_EQ(majority().in_sync.size(), 3U);
    EXPECT_TRUE(majority().log_ends.empty());
}

TEST_F(Elections, ALaterTermIsBetterThanALongerLog) {
    const auto rest = others(majority());
    must(Fence{{majority().primary}});
    must(report(majority(), rest[0], 2, 10));
    must(report(majority(), rest[1], 1, 90));
    EXPECT_EQ(majority().primary, rest[0]);
}

TEST_F(Elections, AnAnswerOfAnotherTermCopyOrRunDoesNotCount) {
    const auto rest = others(majority());
    must(Fence{{majority().primary}});
    ReportLog wrong = report(majority(), rest[0], 1, 50);
    wrong.term = 1;
    EXPECT_EQ(error_of(wrong), ErrorCode::kConflict);
    wrong = report(majority(), rest[0], 1, 50);
    wrong.copy = CopyId{1};
    EXPECT_EQ(error_of(wrong), ErrorCode::kConflict);
    wrong = report(majority(), rest[0], 1, 50);
    ++wrong.end.incarnation;
    EXPECT_EQ(error_of(wrong), ErrorCode::kConflict);
    EXPECT_TRUE(majority().log_ends.empty());
}

TEST_F(Elections, AnAnswerIsVoidOnceItsRunIsOver) {
    const auto rest = others(majority());
    must(Fence{{majority().primary}});
    must(report(majority(), rest[0], 1, 90));
    Register again;
    again.member.id = rest[0];
    again.member.boot = uuid(77);
    again.previous_is_over = true;
    must(again);
    must(report(majority(), rest[1], 1, 50));
    EXPECT_EQ(majority().phase, Phase::kElecting);
}

TEST_F(Elections, OfAMajorityOnlyThePrimaryRemovesAMember) {
    const NodeId gone = others(majority())[0];
    must(Fence{{gone}});
    EXPECT_TRUE(majority().in_sync.contains(gone));
    EXPECT_FALSE(
        async().in_sync.contains(gone) && async().primary != gone && async().phase == Phase::kNormal
    );
    EXPECT_EQ(error_of(RemoveMember{gone}), ErrorCode::kConflict);
}

TEST_F(Elections, AnUncleanMemberCountsButHasNoVoteUntilItIsAddedAgain) {
    const NodeId lost = others(majority())[0];
    const CopyId before = majority().copies.at(lost);
    Register again;
    again.member.id = lost;
    again.member.boot = uuid(77);
    again.previous_is_over = true;
    again.unclean = {before};
    must(again);
    must(Unfence{lost, incarnation(lost)});
    EXPECT_NE(majority().copies.at(lost), before);
    EXPECT_TRUE(majority().in_sync.contains(lost));
    EXPECT_EQ(majority().blank, std::set<NodeId>{lost});
    EXPECT_EQ(error_of(BeginHandover{majority_, lost}), ErrorCode::kInvalidArgument);
    ProposeInSync wish;
    wish.shard = majority_;
    wish.version = majority().version;
    wish.term = majority().term;
    wish.in_sync = majority().in_sync;
    wish.added = {{lost, incarnation(lost)}};
    must(wish);
    EXPECT_TRUE(majority().blank.empty());
}

TEST_F(Elections, AsyncWaitsForAllWhoCanAnswerAndNotForEver) {
    const auto rest = others(async());
    must(Fence{{async().primary}});
    must(report(async(), rest[0], 1, 50));
    EXPECT_EQ(async().phase, Phase::kElecting);
    EXPECT_EQ(error_of(EndElection{async_, async().version - 1}), ErrorCode::kConflict);
    must(EndElection{async_, async().version});
    EXPECT_EQ(async().primary, rest[0]);
    EXPECT_EQ(async().in_sync.size(), 3U) << "the primary drops who does not answer";
}

TEST_F(Elections, AMajorityIsNotCutShort) {
    const auto rest = others(majority());
    must(Fence{{majority().primary}});
    must(report(majority(), rest[0], 1, 50));
    EXPECT_EQ(error_of(EndElection{majority_, majority().version}), ErrorCode::kConflict);
}

TEST_F(Elections, AMajorityNeedsThreeNodes) {
    must(Fence{{uuid(3)}});
    EXPECT_EQ(add_shard(state_, AckMode::kMajority).error().code, ErrorCode::kUnavailable);
    EXPECT_TRUE(add_shard(state_, AckMode::kAsync).ok());
}

}  // namespace
}  // namespace kumo::cluster
