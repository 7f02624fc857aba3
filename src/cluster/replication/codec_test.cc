#include "cluster/replication/copy_log.h"
#include "cluster/replication/message.h"
#include "wire/varint.h"

#include <gtest/gtest.h>

#include <limits>

namespace kumo::cluster {
namespace {

EntryPtr entry(Seq seq, Term term, const std::string& operation, bool no_op = false) {
    LogEntry entry;
    entry.term = term;
    entry.seq = seq;
    entry.no_op = no_op;
    entry.time_ms = -1;
    if (!no_op) {
        entry.request.node.bytes.fill(7);
        entry.request.run = 300;
        entry.request.number = std::numeric_limits<std::uint64_t>::max();
        entry.operation = operation;
    }
    return std::make_shared<LogEntry>(entry);
}

Prepare prepare() {
    Prepare prepare;
    prepare.term = 9;
    prepare.copy = CopyId{1000};
    prepare.previous_seq = 41;
    prepare.previous_term = 7;
    prepare.committed = 40;
    prepare.attempt = 500;
    prepare.entries = {entry(42, 7, std::string("a\0b", 3)), entry(43, 9, "", true)};
    return prepare;
}

Ack ack() {
    Ack ack;
    ack.term = 9;
    ack.copy = CopyId{1000};
    ack.incarnation = 3;
    ack.match = 43;
    ack.committed = 42;
    ack.attempt = 600;
    ack.mismatch = true;
    ack.rejected = 400;
    ack.hint = 300;
    ack.hint_term = 8;
    return ack;
}

std::vector<CopyMessage> messages() {
    return {
        {ShardId{5}, prepare()},
        {ShardId{6}, ack()},
        {ShardId{7}, StaleTerm{12}},
        {ShardId{8}, TermQuery{13, CopyId{14}, 300}},
        {ShardId{9}, TermAnswer{13, CopyId{14}, 301}},
    };
}

ErrorCode error_of(ByteView bytes) {
    const auto message = decode_message(bytes);
    return message.ok() ? ErrorCode::kInternal : message.error().code;
}

TEST(CopyCodec, EntriesAreTheSameAfterTheirBytes) {
    for (const EntryPtr& each : prepare().entries) {
        const auto decoded = decode_entry(each->seq, encode_entry(*each));
        ASSERT_TRUE(decoded.ok());
        EXPECT_EQ(*decoded.value(), *each);
    }
}

TEST(CopyCodec, MessagesAreTheSameAfterTheirBytes) {
    for (const CopyMessage& message : messages()) {
        const std::string bytes = encode_message(message);
        const auto decoded = decode_message(bytes);
        ASSERT_TRUE(decoded.ok());
        EXPECT_EQ(decoded.value().shard, message.shard);
        EXPECT_EQ(decoded.value().body.index(), message.body.index());
        EXPECT_EQ(encode_message(decoded.value()), bytes);
    }
}

TEST(CopyCodec, FieldsArriveInTheirPlaces) {
    const auto first = decode_message(encode_message(messages()[0]));
    const auto& arrived = std::get<Prepare>(first.value().body);
    EXPECT_EQ(arrived.term, 9U);
    EXPECT_EQ(arrived.copy, CopyId{1000});
    EXPECT_EQ(arrived.previous_seq, 41U);
    EXPECT_EQ(arrived.previous_term, 7U);
    EXPECT_EQ(arrived.committed, 40U);
    EXPECT_EQ(arrived.attempt, 500U);
    ASSERT_EQ(arrived.entries.size(), 2U);
    EXPECT_EQ(*arrived.entries[0], *prepare().entries[0]);
    EXPECT_EQ(*arrived.entries[1], *prepare().entries[1]);
    const auto second = decode_message(encode_message(messages()[1]));
    const auto& answer = std::get<Ack>(second.value().body);
    EXPECT_EQ(answer.match, 43U);
    EXPECT_EQ(answer.committed, 42U);
    EXPECT_EQ(answer.attempt, 600U);
    EXPECT_TRUE(answer.mismatch);
    EXPECT_EQ(answer.rejected, 400U);
    EXPECT_EQ(answer.hint, 300U);
    EXPECT_EQ(answer.hint_term, 8U);
}

TEST(CopyCodec, WhatIsCutShortIsDamage) {
    for (const CopyMessage& message : messages()) {
        const std::string bytes = encode_message(message);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            EXPECT_EQ(error_of(ByteView(bytes).substr(0, size)), ErrorCode::kCorruption);
        }
        EXPECT_EQ(error_of(bytes + '\0'), ErrorCode::kCorruption);
    }
}

TEST(CopyCodec, AnUnknownKindIsDamage) {
    std::string bytes;
    wire::append_varint(bytes, 1);
    wire::append_varint(bytes, 5);
    wire::append_varint(bytes, 0);
    EXPECT_EQ(error_of(bytes), ErrorCode::kCorruption);
}

TEST(CopyCodec, EntriesOutOfTheOrderOfTermsAreDamage) {
    Prepare falling = prepare();
    falling.previous_term = 8;
    EXPECT_EQ(error_of(encode_message({ShardId{5}, falling})), ErrorCode::kCorruption);
    Prepare beyond = prepare();
    beyond.term = 8;
    EXPECT_EQ(error_of(encode_message({ShardId{5}, beyond})), ErrorCode::kCorruption);
}

TEST(CopyCodec, ASequenceThatWouldWrapIsDamage) {
    Prepare last = prepare();
    last.previous_seq = std::numeric_limits<Seq>::max() - 1;
    EXPECT_EQ(error_of(encode_message({ShardId{5}, last})), ErrorCode::kCorruption);
}

TEST(CopyCodec, TooManyEntriesAreDamage) {
    Prepare many = prepare();
    many.entries.assign(kPrepareEntriesMax + 1, entry(42, 9, ""));
    EXPECT_EQ(error_of(encode_message({ShardId{5}, many})), ErrorCode::kCorruption);
}

TEST(CopyCodec, ANoOpHasNothingBehindIt) {
    EXPECT_FALSE(decode_entry(1, encode_entry(*entry(1, 1, "", true)) + "x").ok());
    EXPECT_FALSE(decode_entry(1, "").ok());
}

// ---- the log's end in memory

TEST(CopyLog, KnowsTheTermOfItsBase) {
    CopyLog log(10, 3);
    EXPECT_EQ(log.last(), 10U);
    EXPECT_EQ(log.last_term(), 3U);
    EXPECT_EQ(log.term(10), 3U);
    EXPECT_FALSE(log.term(9).has_value());
    EXPECT_FALSE(log.term(11).has_value());
}

TEST(CopyLog, TruncatesAndTrims) {
    CopyLog log(10, 3);
    for (Seq seq = 11; seq <= 15; ++seq) {
        log.append(entry(seq, seq - 7, "x"));
    }
    EXPECT_EQ(log.last_term(), 8U);
    const std::size_t bytes = log.bytes();
    log.truncate(15);
    EXPECT_EQ(log.last(), 14U);
    EXPECT_LT(log.bytes(), bytes);
    log.trim(12);
    EXPECT_EQ(log.base(), 12U);
    EXPECT_EQ(log.term(12), 5U);
    EXPECT_FALSE(log.term(11).has_value());
    EXPECT_EQ(log.at(13)->term, 6U);
    log.trim(100);
    EXPECT_EQ(log.base(), 14U);
    EXPECT_EQ(log.bytes(), 0U);
    EXPECT_EQ(log.last_term(), 7U);
}

}  // namespace
}  // namespace kumo::cluster
