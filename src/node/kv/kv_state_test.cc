#include "node/kv/kv_state.h"

#include "base/random.h"
#include "wire/byte_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::node {
namespace {

using cluster::NodeId;

SlotSet range(std::uint32_t first, std::uint32_t last) {
    SlotSet slots;
    for (std::uint32_t slot = first; slot <= last; ++slot) {
        slots.insert(static_cast<std::uint16_t>(slot));
    }
    return slots;
}

/// Nodes that have registered and are up.
class KvStateTest : public testing::Test {
protected:
    NodeId add_node() {
        cluster::Member member;
        member.id = make_uuid(random_);
        member.boot = make_uuid(random_);
        member.incarnation = cluster::kNoRunBefore;
        EXPECT_TRUE(cluster::apply(cluster_, cluster::Register{member, true, {}}).ok());
        const auto* known = cluster::find_member(cluster_, member.id);
        EXPECT_TRUE(cluster::apply(cluster_, cluster::Unfence{member.id, known->incarnation}).ok());
        return member.id;
    }

    NodeId add_master(const SlotSet& slots = {}, std::uint64_t epoch = 0) {
        const NodeId node = add_node();
        EXPECT_TRUE(run(KvEnter{node, slots, epoch, cluster::AckMode::kSync, 0}).ok());
        return node;
    }

    Status run(const KvCommand& command) { return apply(kv_, cluster_, command); }

    void change(const cluster::Command& command) {
        const cluster::State before = cluster_;
        EXPECT_TRUE(cluster::apply(cluster_, command).ok());
        follow(kv_, before, cluster_);
    }

    const KvGroup& led_by(const NodeId& node) {
        const KvGroup* group = group_led_by(kv_, cluster_, node);
        EXPECT_NE(group, nullptr);
        return *group;
    }

    SeededRandom random_{1};
    KvState kv_;
    cluster::State cluster_;
};

TEST_F(KvStateTest, ANodeThatEntersLeadsAGroupOfItsOwn) {
    const NodeId node = add_master();
    EXPECT_TRUE(led_by(node).slots.empty());
    EXPECT_EQ(run(KvEnter{node, {}, 0, {}, 0}).error().code, ErrorCode::kAlreadyExists);
}

TEST_F(KvStateTest, SlotsBelongToOneMaster) {
    const NodeId a = add_master();
    const NodeId b = add_master();
    ASSERT_TRUE(run(KvAddSlots{a, range(0, 99)}).ok());
    const Status busy = run(KvAddSlots{b, range(50, 120)});
    EXPECT_EQ(busy.error().message, "Slot 50 is already busy");
    EXPECT_TRUE(led_by(b).slots.empty()) << "nothing was done";
    const Status nobodys = run(KvDropSlots{range(98, 101)});
    EXPECT_EQ(nobodys.error().message, "Slot 100 is already unassigned");
    ASSERT_TRUE(run(KvDropSlots{range(0, 9)}).ok());
    ASSERT_TRUE(run(KvAddSlots{b, range(0, 9)}).ok());
    EXPECT_EQ(led_by(a).slots, range(10, 99));
    EXPECT_EQ(owner_of(kv_, 5), &led_by(b));
    EXPECT_EQ(owner_of(kv_, 100), nullptr);
}

TEST_F(KvStateTest, AClaimUnderAHigherEpochWins) {
    const NodeId a = add_master(range(0, 99), 2);
    const NodeId weaker = add_master(range(50, 149), 1);
    EXPECT_EQ(led_by(a).slots, range(0, 99));
    EXPECT_EQ(led_by(weaker).slots, range(100, 149));
    const NodeId stronger = add_master(range(0, 9), 7);
    EXPECT_EQ(led_by(stronger).slots, range(0, 9));
    EXPECT_EQ(led_by(a).slots, range(10, 99));
    EXPECT_EQ(kv_.current_epoch, 7U);
    const NodeId same = add_master({}, 7);
    EXPECT_EQ(led_by(same).config_epoch, 8U) << "no two groups have the same epoch";
}

TEST_F(KvStateTest, AReplicaGivesUpItsOwnGroup) {
    const NodeId a = add_master(range(0, 99), 1);
    const NodeId b = add_master();
    ASSERT_TRUE(run(KvReplicate{b, a}).ok());
    EXPECT_EQ(group_of(kv_, cluster_, b), &led_by(a));
    EXPECT_EQ(kv_.groups.size(), 1U);
    EXPECT_TRUE(run(KvReplicate{b, a}).ok()) << "once more";
    const NodeId c = add_master();
    EXPECT_EQ(run(KvReplicate{c, b}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(run(KvReplicate{a, c}).error().code, ErrorCode::kConflict) << "it has slots";
    ASSERT_TRUE(run(KvReplicate{b, c}).ok());
    EXPECT_EQ(group_of(kv_, cluster_, b), &led_by(c));
}

TEST_F(KvStateTest, ReplicasFollowAMasterThatBecomesOne) {
    const NodeId a = add_master(range(0, 99), 1);
    const NodeId b = add_master();
    const NodeId c = add_master();
    ASSERT_TRUE(run(KvReplicate{c, b}).ok());
    ASSERT_TRUE(run(KvReplicate{b, a}).ok());
    EXPECT_EQ(group_of(kv_, cluster_, c), &led_by(a));
    EXPECT_EQ(kv_.groups.size(), 1U);
}

TEST_F(KvStateTest, AFailoverGetsAnEpochOfItsOwn) {
    const NodeId a = add_master(range(0, 99), 1);
    const NodeId b = add_master();
    ASSERT_TRUE(run(KvReplicate{b, a}).ok());
    const cluster::ShardId shard = led_by(a).shard;
    const cluster::Shard& known = *cluster::find_shard(cluster_, shard);
    const auto* member = cluster::find_member(cluster_, b);
    change(
        cluster::ProposeInSync{shard, known.version, known.term, {a, b}, {{b, member->incarnation}}}
    );
    change(cluster::Fence{{a}});
    EXPECT_EQ(led_by(b).slots, range(0, 99));
    EXPECT_EQ(led_by(b).config_epoch, 2U);
    EXPECT_EQ(kv_.current_epoch, 2U);
}

TEST_F(KvStateTest, ASlotThatIsGivenClosesWhatWasOpen) {
    const NodeId a = add_master(range(0, 99), 1);
    const NodeId b = add_master({}, 2);
    ASSERT_TRUE(run(KvMarkSlot{a, 7, OpenSlot{false, b}}).ok());
    ASSERT_TRUE(run(KvMarkSlot{b, 7, OpenSlot{true, a}}).ok());
    ASSERT_TRUE(run(KvGiveSlot{7, b}).ok());
    EXPECT_TRUE(kv_.open_slots.empty());
    EXPECT_EQ(led_by(b).slots, range(7, 7));
    EXPECT_GT(led_by(b).config_epoch, led_by(a).config_epoch);
    const KvState before = kv_;
    ASSERT_TRUE(run(KvGiveSlot{7, b}).ok());
    EXPECT_EQ(kv_, before) << "once more changes nothing";
}

TEST_F(KvStateTest, WhoIsForgottenIsGoneAndMayBeForgottenAgain) {
    const NodeId a = add_master(range(0, 99), 1);
    const NodeId b = add_master();
    EXPECT_EQ(run(KvForget{a, 5}).error().code, ErrorCode::kConflict) << "it serves slots";
    ASSERT_TRUE(run(KvForget{b, 5}).ok());
    EXPECT_EQ(cluster::find_member(cluster_, b), nullptr);
    EXPECT_EQ(kv_.groups.size(), 1U);
    EXPECT_TRUE(run(KvForget{b, 6}).ok());
    const Status nobody = run(KvForget{make_uuid(random_), 5});
    EXPECT_EQ(nobody.error().code, ErrorCode::kNotFound);
    change(cluster::Fence{{a}});
    ASSERT_TRUE(run(KvForget{a, 7}).ok()) << "a master that is down is given up";
    EXPECT_EQ(owner_of(kv_, 0), nullptr);
}

TEST_F(KvStateTest, EpochsByHand) {
    const NodeId a = add_master();
    ASSERT_TRUE(run(KvSetEpoch{a, 5}).ok());
    EXPECT_EQ(run(KvSetEpoch{a, 6}).error().code, ErrorCode::kConflict);
    ASSERT_TRUE(run(KvBumpEpoch{a}).ok());
    EXPECT_EQ(led_by(a).config_epoch, 5U) << "it has the highest";
    const NodeId b = add_master({}, 9);
    ASSERT_TRUE(run(KvBumpEpoch{a}).ok());
    EXPECT_EQ(led_by(a).config_epoch, 10U);
    EXPECT_EQ(led_by(b).config_epoch, 9U);
}

// ---- slots that move

TEST_F(KvStateTest, SlotsMoveAllAtOnceAndStayKnownUntilBothSidesHaveDoneTheirPart) {
    const NodeId a = add_master(range(0, 99), 1);
    const NodeId b = add_master({}, 2);
    const Uuid id = make_uuid(random_);
    ASSERT_TRUE(run(KvBeginMove{id, a, b, range(0, 49), 5}).ok());
    EXPECT_EQ(led_by(a).slots, range(0, 99)) << "nothing has moved yet";
    EXPECT_EQ(run(KvSettleMove{id, true}).error().code, ErrorCode::kInvalidArgument);
    ASSERT_TRUE(run(KvFinishMove{id}).ok());
    EXPECT_EQ(led_by(a).slots, range(50, 99));
    EXPECT_EQ(led_by(b).slots, range(0, 49));
    EXPECT_GT(led_by(b).config_epoch, 2U);
    EXPECT_EQ(run(KvCancelMove{id}).error().code, ErrorCode::kConflict);
    ASSERT_TRUE(run(KvFinishMove{id}).ok()) << "again is no harm";
    ASSERT_TRUE(run(KvSettleMove{id, true}).ok());
    ASSERT_EQ(kv_.moves.size(), 1U);
    ASSERT_TRUE(run(KvSettleMove{id, false}).ok());
    EXPECT_TRUE(kv_.moves.empty());
}

TEST_F(KvStateTest, OnlyWhoHasTheSlotsMovesThemAndOnlyOnce) {
    const NodeId a = add_master(range(0, 99), 1);
    const NodeId b = add_master(range(100, 199), 2);
    const NodeId c = add_master({}, 3);
    const auto begin = [&](NodeId from, NodeId to, const SlotSet& slots) {
        return run(KvBeginMove{make_uuid(random_), from, to, slots, 0});
    };
    EXPECT_EQ(begin(a, b, range(99, 100)).error().code, ErrorCode::kConflict);
    EXPECT_EQ(begin(a, a, range(0, 9)).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(begin(a, b, {}).error().code, ErrorCode::kConflict);
    EXPECT_EQ(begin(a, make_uuid(random_), range(0, 9)).error().code, ErrorCode::kNotFound);
    ASSERT_TRUE(begin(a, b, range(0, 9)).ok());
    EXPECT_EQ(begin(a, c, range(9, 12)).error().message, "I am already migrating slot 9.");
    EXPECT_FALSE(run(KvMarkSlot{a, 5, OpenSlot{false, b}}).ok());
    ASSERT_TRUE(run(KvMarkSlot{a, 20, OpenSlot{false, b}}).ok());
    EXPECT_EQ(begin(a, c, range(20, 22)).error().code, ErrorCode::kConflict);
    ASSERT_TRUE(begin(a, c, range(10, 12)).ok()) << "others may move meanwhile";
}

TEST_F(KvStateTest, AMoveEndsWithTheSourcesPrimary) {
    const NodeId a = add_master(range(0, 99), 1);
    const NodeId b = add_master({}, 2);
    const NodeId replica = add_master();
    ASSERT_TRUE(run(KvReplicate{replica, a}).ok());
    const cluster::ShardId shard = led_by(a).shard;
    const auto* view = cluster::find_shard(cluster_, shard);
    change(cluster::ProposeInSync{
        shard,
        view->version,
        view->term,
        {a, replica},
        {{replica, cluster::find_member(cluster_, replica)->incarnation}}});
    const Uuid id = make_uuid(random_);
    ASSERT_TRUE(run(KvBeginMove{id, a, b, range(0, 49), 0}).ok());
    change(cluster::Fence{{a}});
    ASSERT_EQ(cluster::find_shard(cluster_, shard)->primary, replica);
    EXPECT_TRUE(kv_.moves.empty());
    EXPECT_EQ(run(KvFinishMove{id}).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(led_by(replica).slots, range(0, 99));
}

TEST_F(KvStateTest, AMoveEndsWhenItsSlotsAreGivenElsewhere) {
    const NodeId a = add_master(range(0, 99), 1);
    const NodeId b = add_master({}, 2);
    const NodeId c = add_master({}, 3);
    ASSERT_TRUE(run(KvBeginMove{make_uuid(random_), a, b, range(0, 49), 0}).ok());
    ASSERT_TRUE(run(KvGiveSlot{30, c}).ok());
    EXPECT_TRUE(kv_.moves.empty());
}

TEST_F(KvStateTest, WhatIsDoneWaitsForNobodyWhoIsGone) {
    const NodeId a = add_master(range(0, 49), 1);
    const NodeId b = add_master({}, 2);
    const Uuid id = make_uuid(random_);
    ASSERT_TRUE(run(KvBeginMove{id, a, b, range(0, 49), 0}).ok());
    ASSERT_TRUE(run(KvFinishMove{id}).ok());
    ASSERT_TRUE(run(KvReplicate{a, b}).ok()) << "it has no slots any more";
    ASSERT_TRUE(run(KvSettleMove{id, true}).ok());
    EXPECT_TRUE(kv_.moves.empty());
}

TEST_F(KvStateTest, BytesComeBack) {
    const NodeId a = add_master(range(0, 99), 1);
    const NodeId b = add_master(range(16000, 16383), 2);
    ASSERT_TRUE(run(KvMarkSlot{a, 7, OpenSlot{false, b}}).ok());
    ASSERT_TRUE(run(KvForget{add_master(), 77}).ok());
    const Uuid moves[] = {make_uuid(random_), make_uuid(random_)};
    ASSERT_TRUE(run(KvBeginMove{moves[0], a, b, range(10, 20), 6}).ok());
    ASSERT_TRUE(run(KvBeginMove{moves[1], b, a, range(16000, 16001), 7}).ok());
    ASSERT_TRUE(run(KvFinishMove{moves[1]}).ok());
    ASSERT_TRUE(run(KvSettleMove{moves[1], true}).ok());
    ASSERT_EQ(kv_.moves.size(), 2U);
    std::string bytes;
    append_kv_state(bytes, kv_);
    const auto read = read_kv_state(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read.value(), kv_);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        (void)read_kv_state(ByteView(bytes).substr(0, size));  // Damage is no crash.
    }
    const KvCommand commands[] = {
        KvEnter{a, range(3, 9), 4, cluster::AckMode::kAsync, 8},
        KvAddSlots{a, range(1, 1)},
        KvDropSlots{range(0, 16383)},
        KvGiveSlot{12, b},
        KvMarkSlot{a, 5, OpenSlot{true, b}},
        KvMarkSlot{a, 5, std::nullopt},
        KvReplicate{a, b},
        KvSetEpoch{a, 1},
        KvBumpEpoch{a},
        KvForget{a, 123456789},
        KvBeginMove{moves[0], a, b, range(1, 8), 9},
        KvFinishMove{moves[0]},
        KvCancelMove{moves[1]},
        KvSettleMove{moves[1], true}};
    for (const KvCommand& command : commands) {
        std::string first;
        append_kv_command(first, command);
        wire::ByteReader in(first);
        const auto back = read_kv_command(in);
        ASSERT_TRUE(back.has_value() && in.at_end()) << command.index();
        std::string second;
        append_kv_command(second, *back);
        EXPECT_EQ(first, second) << command.index();
    }
}

TEST(NodeName, IsFortyDigitsAndComesBack) {
    SeededRandom random(3);
    const NodeId node = make_uuid(random);
    const std::string name = node_name(node);
    EXPECT_EQ(name.size(), 40U);
    EXPECT_EQ(parse_node_name(name), node);
    std::string other = name;
    other.back() = other.back() == '0' ? '1' : '0';
    EXPECT_EQ(parse_node_name(other), std::nullopt);
    EXPECT_EQ(parse_node_name("abc"), std::nullopt);
}

TEST(SlotSet, RangesAreWhatIsIn) {
    SlotSet slots = range(3, 5);
    slots.insert(std::uint16_t{16383});
    slots.insert(std::uint16_t{64});
    const std::vector<SlotSet::Range> expected = {{3, 5}, {64, 64}, {16383, 16383}};
    EXPECT_EQ(slots.ranges(), expected);
    EXPECT_EQ(slots.size(), 5U);
    EXPECT_EQ(slots.first_common(range(64, 70)), std::optional<std::uint16_t>(64));
    slots.erase(range(0, 100));
    EXPECT_EQ(slots.size(), 1U);
    EXPECT_EQ(decode_slots("\xff\xff"), std::nullopt);
}

}  // namespace
}  // namespace kumo::node
