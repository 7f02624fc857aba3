// Lists, hashes and sorted sets: what their commands tell replicas and subscribers, and answers
// that depend on waiting or on the protocol.
#include "kv/command/handlers.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace kumo::kv {
namespace {

class Recorder final : public Effects {
public:
    std::string events;

    void on_changed(int /*db*/, ByteView /*key*/) override {}

    void on_event(EventClass event_class, ByteView event, int /*db*/, ByteView key) override {
        if (event_class != EventClass::kMissed && event_class != EventClass::kNew) {
            events.append(event).append(" ").append(key).append(";");
        }
    }

    void on_ready(int /*db*/, ByteView /*key*/) override {}

    void on_flush(int /*db*/) override {}

    void on_swapped(int /*first*/, int /*second*/) override {}

    void on_expired(int /*db*/, ByteView /*key*/) override {}
};

class CollectionCommands : public testing::Test {
protected:
    /// Runs the words of a line; gives the answer's bytes.
    std::string run(const std::string& line) {
        std::vector<std::string> words;
        wire::split_quoted(line, &words);
        const std::vector<ByteView> views(words.begin(), words.end());
        const CommandSpec* spec = find_command(views[0]);
        spec = spec->subcommands.empty() ? spec : find_subcommand(*spec, views[1]);
        wire::RespWriter reply(protocol);
        Context context(
            {.keyspace = keyspace,
             .effects = recorder,
             .random = random,
             .now_us = 1'000'000,
             .may_block = may_block,
             .resumed = resumed},
            *spec,
            views,
            reply
        );
        keyspace_handlers().find (*spec)(context);
        dirty = context.dirty();
        blocked = context.block_request();
        propagated.clear();
        for (const auto& command : context.propagated()) {
            for (const std::string& word : command) {
                propagated.append(word).append(" ");
            }
        }
        return reply.take();
    }

    Keyspace keyspace{1, 16, false};
    Recorder recorder;
    SeededRandom random{1};
    int protocol = 2;
    bool may_block = false;
    bool resumed = false;
    std::int64_t dirty = 0;
    std::string propagated;
    std::optional<BlockRequest> blocked;
};

TEST_F(CollectionCommands, WhatAGroupWasGivenIsToldByClaimsAlone) {
    for (const char* id : {"1-0", "2-0", "3-0"}) {
        run(std::string("XADD s ") + id + " f v");
    }
    run("XGROUP CREATE s g 0");
    run("XREADGROUP GROUP g me COUNT 1 STREAMS s >");
    EXPECT_EQ(propagated, "XCLAIM s g me 0 1-0 TIME 1000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-0 ");
    run("XCLAIM s g me 0 2-0 TIME 1000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-0");
    run("XREADGROUP GROUP g me NOACK STREAMS s >");
    EXPECT_EQ(propagated, "XGROUP SETID s g 3-0 ENTRIESREAD 3 ");
}

TEST_F(CollectionCommands, APopThatMayWaitIsPropagatedAsOneThatDoesNot) {
    run("RPUSH l a b c d");
    EXPECT_EQ(run("BLPOP none l 0"), "*2\r\n$1\r\nl\r\n$1\r\na\r\n");
    EXPECT_EQ(propagated, "LPOP l ");
    run("BLMPOP 0 1 l RIGHT COUNT 10");
    EXPECT_EQ(propagated, "RPOP l 3 ");
    EXPECT_EQ(dirty, 3);
    run("ZADD z 1 a 2 b");
    EXPECT_EQ(run("BZPOPMAX z 0"), "*3\r\n$1\r\nz\r\n$1\r\nb\r\n$1\r\n2\r\n");
    EXPECT_EQ(propagated, "ZPOPMAX z ");
}

TEST_F(CollectionCommands, AMoveTellsOfBothListsAndOfTheEnd) {
    run("RPUSH l a");
    recorder.events.clear();
    EXPECT_EQ(run("BLMOVE l m LEFT RIGHT 0"), "$1\r\na\r\n");
    EXPECT_EQ(recorder.events, "rpush m;lpop l;del l;");
    EXPECT_EQ(propagated, "LMOVE l m LEFT RIGHT ");
    EXPECT_EQ(dirty, 1);
}

TEST_F(CollectionCommands, WithoutElementsItWaitsOrAnswersAsAfterATimeout) {
    EXPECT_EQ(run("BLPOP l 1.5"), "*-1\r\n");
    may_block = true;
    EXPECT_EQ(run("BLPOP l m 1.5"), "");
    ASSERT_TRUE(blocked.has_value());
    EXPECT_EQ(blocked->timeout_ms, 1500);
    EXPECT_EQ(blocked->keys, (std::vector<std::string>{"l", "m"}));
    run("SET l text");
    EXPECT_EQ(run("BLPOP l 0").substr(0, 10), "-WRONGTYPE");
    resumed = true;
    EXPECT_EQ(run("BLPOP l 0"), "");
    EXPECT_TRUE(blocked.has_value());
}

TEST_F(CollectionCommands, AFloatIncrementIsPropagatedAsItsResult) {
    run("HSET h f 10.5");
    EXPECT_EQ(run("HINCRBYFLOAT h f 0.1"), "$4\r\n10.6\r\n");
    EXPECT_EQ(propagated, "HSET h f 10.6 ");
}

TEST_F(CollectionCommands, AFailedIncrementLeavesNoEmptyKey) {
    run("HINCRBY h f x");
    EXPECT_EQ(keyspace.size(), 0U);
}

TEST_F(CollectionCommands, LookingAtAKeyIsNotUsingIt) {
    run("SET k v");
    keyspace.database(0).find("k")->set_access(5);
    run("EXISTS k");
    run("TYPE k");
    run("TTL k");
    EXPECT_EQ(keyspace.database(0).find("k")->access(), 5U);
    EXPECT_EQ(keyspace.stats.hits, 3U);
    run("TOUCH k");
    EXPECT_NE(keyspace.database(0).find("k")->access(), 5U);
}

TEST_F(CollectionCommands, BitfieldCountsItsChanges) {
    run("BITFIELD b SET i5 0 0");
    EXPECT_EQ(dirty, 1);
    run("BITFIELD b SET i5 0 0");
    EXPECT_EQ(dirty, 0);
    run("BITFIELD b INCRBY i5 0 0 SET i5 90 0");
    EXPECT_EQ(dirty, 2);
}

TEST_F(CollectionCommands, ScoresComeInPairsOnlyInTheNewerProtocol) {
    run("ZADD z 1 a");
    EXPECT_EQ(run("ZRANGE z 0 -1 WITHSCORES"), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
    protocol = 3;
    EXPECT_EQ(run("ZRANGE z 0 -1 WITHSCORES"), "*1\r\n*2\r\n$1\r\na\r\n,1\r\n");
}

TEST_F(CollectionCommands, AnEmptyResultRemovesTheDestination) {
    run("ZADD z 1 a");
    recorder.events.clear();
    EXPECT_EQ(run("ZINTERSTORE z 2 z none"), ":0\r\n");
    EXPECT_EQ(recorder.events, "del z;");
    EXPECT_EQ(dirty, 1);
    EXPECT_EQ(keyspace.size(), 0U);
}

}  // namespace
}  // namespace kumo::kv
