#include "cluster/state/state.h"

#include <gtest/gtest.h>

#include <vector>

namespace kumo::cluster {
namespace {

Uuid uuid(std::uint8_t number) {
    Uuid id;
    id.bytes.front() = number;
    return id;
}

Member member(std::uint8_t number) {
    Member member;
    member.id = uuid(number);
    member.name = "search-" + std::to_string(number);
    member.peering_address = "[::1]:9001";
    member.api_address = "10.0.0.1:8108";
    member.zone = "z";
    member.holds_data = number % 2 == 0;
    member.boot = uuid(200);
    member.boots_before = {uuid(198), uuid(199)};
    member.incarnation = 300;
    member.fenced = number % 3 == 0;
    member.draining = true;
    return member;
}

/// One of each, with every field set.
std::vector<Command> commands() {
    return {
        Found{uuid(1), 3},
        Register{member(2), true, {CopyId{5}, CopyId{1U << 20U}}},
        Fence{{uuid(1), uuid(2)}},
        Unfence{uuid(3), 77},
        ProposeInSync{ShardId{9}, 10, 11, {uuid(1), uuid(4)}, {{uuid(4), 12}}},
        BeginHandover{ShardId{9}, uuid(4)},
        CompleteHandover{ShardId{9}, 13},
        AbortHandover{ShardId{9}, 14},
        ReplaceCopy{ShardId{9}, uuid(4), CopyId{15}},
        SetDraining{uuid(4), true},
        RemoveMember{uuid(4)},
        TakeOver{uuid(4)},
        ReportLog{ShardId{9}, 16, uuid(4), CopyId{15}, {17, 18, 19}},
        EndElection{ShardId{9}, 20},
        PlaceCopy{ShardId{9}, uuid(4)},
        RemoveCopy{ShardId{9}, uuid(4)},
        SetBarred{uuid(4), true},
    };
}

State sample() {
    State state;
    state.id = uuid(9);
    state.next_id = 1000;
    state.members_expected = 3;
    for (std::uint8_t i = 1; i <= 3; ++i) {
        state.members[uuid(i)] = std::make_shared<Member>(member(i));
    }
    Shard shard;
    shard.id = ShardId{7};
    shard.version = 8;
    shard.term = 9;
    shard.primary = uuid(1);
    shard.primary_incarnation = 300;
    shard.in_sync = {uuid(1), uuid(2)};
    shard.copies = {{uuid(1), CopyId{11}}, {uuid(2), CopyId{12}}, {uuid(3), CopyId{13}}};
    shard.phase = Phase::kHandover;
    shard.target = uuid(2);
    shard.mode = AckMode::kMajority;
    shard.everywhere = false;
    state.shards[shard.id] = std::make_shared<Shard>(shard);
    shard.id = ShardId{8};
    shard.phase = Phase::kElecting;
    shard.min_in_sync = 2;
    shard.log_ends = {{uuid(2), {300, 9, 1000}}};
    shard.blank = {uuid(1)};
    state.shards[shard.id] = std::make_shared<Shard>(shard);
    return state;
}

std::string bytes_of(const Command& command) {
    std::string out;
    append_command(out, command);
    return out;
}

std::string bytes_of(const State& state) {
    std::string out;
    append_state(out, state);
    return out;
}

TEST(ClusterCodec, EveryCommandIsTheSameAfterItsBytes) {
    ASSERT_EQ(commands().size(), std::variant_size_v<Command>);
    for (std::size_t i = 0; i < commands().size(); ++i) {
        const Command command = commands()[i];
        ASSERT_EQ(command.index(), i);
        const std::string bytes = bytes_of(command);
        EXPECT_EQ(static_cast<std::size_t>(bytes.front()), i);
        wire::ByteReader in(bytes);
        const auto decoded = read_command(in);
        ASSERT_TRUE(decoded.has_value() && in.at_end());
        ASSERT_EQ(decoded->index(), i);
        EXPECT_EQ(bytes_of(*decoded), bytes);
    }
}

TEST(ClusterCodec, FieldsArriveInTheirPlaces) {
    const std::string registered = bytes_of(commands()[1]);
    wire::ByteReader first(registered);
    const auto command = read_command(first);
    ASSERT_TRUE(command.has_value());
    const auto& reg = std::get<Register>(*command);
    EXPECT_EQ(reg.member, member(2));
    EXPECT_TRUE(reg.previous_is_over);
    EXPECT_EQ(reg.unclean, (std::set<CopyId>{CopyId{5}, CopyId{1U << 20U}}));
    const std::string proposed = bytes_of(commands()[4]);
    wire::ByteReader second(proposed);
    const auto wish = std::get<ProposeInSync>(read_command(second).value());
    EXPECT_EQ(wish.version, 10U);
    EXPECT_EQ(wish.term, 11U);
    EXPECT_EQ(wish.in_sync, (std::set<NodeId>{uuid(1), uuid(4)}));
    EXPECT_EQ(wish.added.at(uuid(4)), 12U);
}

TEST(ClusterCodec, AStateIsTheSameAfterItsBytes) {
    const State state = sample();
    const std::string bytes = bytes_of(state);
    wire::ByteReader in(bytes);
    const State decoded = read_state(in);
    EXPECT_TRUE(in.at_end());
    EXPECT_TRUE(decoded == state);
    EXPECT_FALSE(decoded == State{});
}

TEST(ClusterCodec, WhatIsCutShortIsDamage) {
    for (const Command& command : commands()) {
        const std::string bytes = bytes_of(command);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            wire::ByteReader in(ByteView(bytes).substr(0, size));
            EXPECT_FALSE(read_command(in).has_value());
        }
    }
    const std::string bytes = bytes_of(sample());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        wire::ByteReader in(ByteView(bytes).substr(0, size));
        (void)read_state(in);
        EXPECT_FALSE(in.at_end());
    }
}

TEST(ClusterCodec, AnUnknownCommandIsDamage) {
    std::string bytes;
    wire::append_varint(bytes, std::variant_size_v<Command>);
    bytes.append(64, '\0');
    wire::ByteReader in(bytes);
    EXPECT_FALSE(read_command(in).has_value());
}

TEST(ClusterCodec, ACountBeyondTheBytesIsDamage) {
    std::string bytes;
    wire::append_varint(bytes, Command(Fence{}).index());
    wire::append_varint(bytes, std::uint64_t{1} << 60U);
    wire::ByteReader in(bytes);
    EXPECT_FALSE(read_command(in).has_value());
}

}  // namespace
}  // namespace kumo::cluster
