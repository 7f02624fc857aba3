#include "cluster/consensus_codec.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace kumo::cluster {
namespace {

using consensus::Configuration;
using consensus::Entry;
using consensus::EntryType;
using consensus::Message;
using consensus::MessageType;
using consensus::NodeId;

NodeId node_id(std::uint8_t number) {
    NodeId id;
    id.bytes[15] = number;
    return id;
}

Configuration joint() {
    return {{node_id(1), node_id(2)}, {node_id(2), node_id(3)}, {node_id(4)}};
}

Entry entry(consensus::Index index, consensus::Term term, EntryType type) {
    Entry made;
    made.index = index;
    made.term = term;
    made.type = type;
    if (type == EntryType::kCommand) {
        made.data = std::string("a\0b", 3);
    } else if (type == EntryType::kConfiguration) {
        made.configuration = joint();
    }
    return made;
}

Message message(MessageType type) {
    Message made;
    made.type = type;
    made.from = node_id(1);
    made.to = node_id(2);
    made.epoch = {3, node_id(77)};
    made.term = 300;
    made.index = 1'000'000;
    made.log_term = 200;
    made.commit = 999'999;
    made.reject = true;
    made.force = true;
    made.hint = 4;
    made.hint_term = 5;
    made.round = 6;
    return made;
}

Message append() {
    Message made = message(MessageType::kAppend);
    made.entries = {
        entry(1'000'001, 200, EntryType::kCommand),
        entry(1'000'002, 300, EntryType::kNoOp),
        entry(1'000'003, 300, EntryType::kConfiguration),
    };
    return made;
}

void expect_refused(const Message& bad) {
    const auto decoded = decode_consensus_message(encode_consensus_message(bad));
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorruption);
}

TEST(ConsensusCodec, BringsEveryTypeOfMessageBack) {
    for (auto type = 0; type <= static_cast<int>(MessageType::kStale); ++type) {
        Message sent = message(static_cast<MessageType>(type));
        if (sent.type == MessageType::kVoteReply) {
            sent.quiet = std::chrono::milliseconds(612);
        }
        const auto back = decode_consensus_message(encode_consensus_message(sent));
        ASSERT_TRUE(back.ok());
        EXPECT_EQ(back.value(), sent);
    }
}

TEST(ConsensusCodec, BringsEntriesAndSnapshotsBack) {
    const auto appended = decode_consensus_message(encode_consensus_message(append()));
    ASSERT_TRUE(appended.ok());
    EXPECT_EQ(appended.value(), append());

    Message snapshot = message(MessageType::kSnapshot);
    snapshot.snapshot = {17, 3, joint(), {2, node_id(9)}};
    const auto installed = decode_consensus_message(encode_consensus_message(snapshot));
    ASSERT_TRUE(installed.ok());
    EXPECT_EQ(installed.value(), snapshot);
}

TEST(ConsensusCodec, RefusesWhatIsCutOffOrTooLong) {
    const std::string whole = encode_consensus_message(append());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode_consensus_message(whole.substr(0, size)).ok()) << size;
    }
    EXPECT_FALSE(decode_consensus_message(whole + "x").ok());
}

TEST(ConsensusCodec, RefusesEntriesWhoseTermsDoNotFollow) {
    Message before = append();
    before.log_term = 201;
    expect_refused(before);
    Message back = append();
    back.entries[2].term = 299;
    expect_refused(back);
    Message ahead = append();
    ahead.term = 299;
    expect_refused(ahead);
}

TEST(ConsensusCodec, RefusesPlacesThatLeaveNoRoomToCount) {
    Message far = message(MessageType::kHeartbeat);
    far.term = consensus::kPlaceMax;
    EXPECT_TRUE(decode_consensus_message(encode_consensus_message(far)).ok());
    far.term = consensus::kPlaceMax + 1;
    expect_refused(far);
}

TEST(ConsensusCodec, RefusesAVoteThatWasQuietForTooLong) {
    Message vote = message(MessageType::kVoteReply);
    vote.quiet = consensus::kQuietMax;
    EXPECT_TRUE(decode_consensus_message(encode_consensus_message(vote)).ok());
    vote.quiet += std::chrono::milliseconds(1);
    expect_refused(vote);
}

TEST(ConsensusCodec, RefusesASenderWithoutAName) {
    Message anonymous = message(MessageType::kVote);
    anonymous.from = {};
    expect_refused(anonymous);
}

TEST(ConsensusCodec, RefusesTooManyEntriesAndMembers) {
    Message many = message(MessageType::kAppend);
    many.entries.assign(consensus::kAppendEntriesMax, entry(0, 300, EntryType::kNoOp));
    EXPECT_TRUE(decode_consensus_message(encode_consensus_message(many)).ok());
    many.entries.push_back(many.entries.back());
    expect_refused(many);

    Entry crowd = entry(1, 1, EntryType::kConfiguration);
    crowd.configuration.learners.clear();
    for (std::size_t i = 0; i <= consensus::kMembersMax; ++i) {
        NodeId id;
        id.bytes[0] = static_cast<std::uint8_t>(i / 256);
        id.bytes[1] = static_cast<std::uint8_t>(i % 256);
        id.bytes[2] = 1;
        crowd.configuration.learners.insert(id);
    }
    EXPECT_FALSE(decode_consensus_entry(1, encode_consensus_entry(crowd)).ok());
    crowd.configuration.learners.erase(crowd.configuration.learners.begin());
    EXPECT_TRUE(decode_consensus_entry(1, encode_consensus_entry(crowd)).ok());
}

TEST(ConsensusCodec, RefusesMembersThatAreRepeatedOrOutOfOrder) {
    const std::string good = encode_consensus_entry(entry(1, 1, EntryType::kConfiguration));
    ASSERT_TRUE(decode_consensus_entry(1, good).ok());
    // Type, term, two voters of sixteen bytes each: the last byte of the second one.
    std::string repeated = good;
    repeated[34] = 1;
    EXPECT_FALSE(decode_consensus_entry(1, repeated).ok());
    std::string nobody = good;
    nobody[18] = 0;
    EXPECT_FALSE(decode_consensus_entry(1, nobody).ok());
}

TEST(ConsensusCodec, BringsHardStatesBack) {
    const consensus::HardState stored{{4, node_id(5)}, 77, node_id(2), true};
    std::string bytes;
    append_hard_state(bytes, stored);
    wire::ByteReader in(bytes);
    EXPECT_EQ(read_hard_state(in), stored);
    EXPECT_TRUE(in.at_end());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        wire::ByteReader part(ByteView(bytes).substr(0, size));
        EXPECT_FALSE(read_hard_state(part).has_value()) << size;
    }
}

}  // namespace
}  // namespace kumo::cluster
