// What only several connections show: pushes, monitors, waiting, watching.
#include "api/redis/service.h"

#include "api/redis/internal/digest.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_world.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace kumo::api_redis {
namespace {

/// A connection without a network: what is written lies in `sent`.
class TestStream final : public io::Stream {
public:
    TestStream(io::Loop& loop, std::string* sent) : loop_(loop), sent_(sent) {}

    void start(io::StreamHandler& to) override { handler = &to; }

    Status write(std::string bytes) override {
        sent_->append(bytes);
        return {};
    }

    std::size_t queued_bytes() const override { return 0; }

    void pause_reading() override {}

    void resume_reading() override {}

    void close() override {}

    void abort() override {}

    const io::Address& peer() const override { return peer_; }

    io::Address local() const override { return peer_; }

    io::Loop& loop() override { return loop_; }

    io::StreamHandler* handler = nullptr;

private:
    io::Loop& loop_;
    std::string* sent_;
    io::Address peer_ = io::Address::parse("127.0.0.1", 4000).value();
};

class ServiceTest : public testing::Test {
protected:
    struct Client {
        std::string sent;
        TestStream* stream = nullptr;
    };

    Client& connect() {
        clients.push_back(std::make_unique<Client>());
        Client& made = *clients.back();
        auto stream = std::make_unique<TestStream>(*loop, &made.sent);
        made.stream = stream.get();
        service->accept(std::move(stream));
        return made;
    }

    /// Sends the line's words as a request; what this client has been sent since the last call.
    std::string run(Client& client, const std::string& line) {
        std::vector<std::string> words;
        wire::split_quoted(line, &words);
        wire::RespWriter request;
        request.array(words.size());
        for (const std::string& word : words) {
            request.bulk(word);
        }
        client.stream->handler->on_data(request.bytes());
        return take(client);
    }

    std::string take(Client& client) {
        world.run_for(std::chrono::milliseconds(1));
        return std::exchange(client.sent, {});
    }

    std::uint64_t calls(std::string_view command) {
        return service->stats.commands[kv::find_command(command)->id].calls;
    }

    void SetUp() override {
        loop = world.make_loop();
        ServiceEnvironment environment{
            *loop,
            [](bool, bool) { return Status(); },
            [this] { return used; },
            {}};
        service = std::make_unique<Service>(std::move(environment), Settings());
        service->active_expire = false;
    }

    void TearDown() override {
        service->close_all();
        service.reset();
    }

    std::uint64_t used = 0;  ///< Memory.
    io::SimWorld world{1};
    std::unique_ptr<io::SimLoop> loop;
    std::unique_ptr<Service> service;
    std::vector<std::unique_ptr<Client>> clients;
};

TEST_F(ServiceTest, SilencedConnectionsStillGetWhatIsPushed) {
    Client& listener = connect();
    Client& other = connect();
    EXPECT_EQ(run(listener, "CLIENT REPLY OFF"), "");
    EXPECT_EQ(run(listener, "PING"), "");
    EXPECT_EQ(run(listener, "SUBSCRIBE c"), "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    EXPECT_EQ(run(other, "PUBLISH c hi"), ":1\r\n");
    EXPECT_EQ(take(listener), "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n");
}

TEST_F(ServiceTest, TheFewKeysThatExpireAreEvictedAmongManyThatDoNot) {
    Client& client = connect();
    for (int n = 0; n < 20'000; ++n) {
        const std::string key = "k" + std::to_string(n);
        service->keyspace.database(0).set_string(key, "v", kv::StringEncoding::kRaw, false);
    }
    run(client, "SET volatile x EX 1000");
    run(client, "CONFIG SET maxmemory-policy volatile-random");
    run(client, "CONFIG SET maxmemory 1000");
    used = 2000;
    run(client, "PING");
    EXPECT_EQ(run(client, "EXISTS volatile"), ":0\r\n");
    EXPECT_EQ(run(client, "DBSIZE"), ":20000\r\n");
}

TEST_F(ServiceTest, WhatAnotherThreadFreesIsNoLongerUsed) {
    used = 100;
    service->free_elsewhere([this] { used -= 500; });  // It wraps, as that thread's count does.
    used = 2000;
    EXPECT_EQ(service->used_memory(), 1500U);
}

TEST_F(ServiceTest, AScriptThatReadsTracksTheKeysItDeclares) {
    Client& cache = connect();
    Client& other = connect();
    run(cache, "HELLO 3");
    run(cache, "CLIENT TRACKING ON");
    run(cache, "EVAL \"redis.call('set', 'x', '1')\" 1 declared");
    run(other, "SET declared 1");
    EXPECT_EQ(take(cache), "");
    run(cache, "EVAL \"redis.call('get', 'x')\" 1 declared");
    run(other, "SET declared 2");
    EXPECT_EQ(take(cache), ">2\r\n$10\r\ninvalidate\r\n*1\r\n$8\r\ndeclared\r\n");
}

TEST_F(ServiceTest, AnInvalidationFollowsTheAnswerOfTheCommandThatCausedIt) {
    Client& cache = connect();
    run(cache, "HELLO 3");
    run(cache, "CLIENT TRACKING ON");
    run(cache, "GET a");
    EXPECT_EQ(run(cache, "SET a 1"), "+OK\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n");
}

TEST_F(ServiceTest, MonitorsSeeScriptsBeforeTheirCommandsAndExecAfterThem) {
    Client& monitor = connect();
    Client& other = connect();
    run(monitor, "MONITOR");
    run(other, "EVAL \"redis.call('set', KEYS[1], 'v')\" 1 k");
    std::string seen = take(monitor);
    EXPECT_LT(seen.find("\"EVAL\""), seen.find("lua] \"set\" \"k\" \"v\"")) << seen;
    run(other, "MULTI");
    run(other, "SET a 1");
    run(other, "EXEC");
    seen = take(monitor);
    EXPECT_LT(seen.find("\"MULTI\""), seen.find("\"SET\"")) << seen;
    EXPECT_LT(seen.find("\"SET\""), seen.find("\"EXEC\"")) << seen;
}

TEST_F(ServiceTest, PasswordsAreShownToNobody) {
    Client& monitor = connect();
    Client& other = connect();
    run(other, "CONFIG SET slowlog-log-slower-than 0");
    run(monitor, "MONITOR");
    run(other, "AUTH someone secret1");
    run(other, "HELLO 2 AUTH someone secret2 SETNAME me");
    run(other, "CONFIG SET masterauth secret3");
    const std::string seen = take(monitor) + run(other, "SLOWLOG GET");
    EXPECT_EQ(seen.find("secret"), std::string::npos) << seen;
    EXPECT_NE(
        seen.find("\"HELLO\" \"2\" \"AUTH\" \"(redacted)\" \"(redacted)\" \"SETNAME\" \"me\""),
        std::string::npos
    ) << seen;
}

TEST_F(ServiceTest, ACommandThatWaitedIsACallWhenItIsOver) {
    Client& waiting = connect();
    Client& other = connect();
    run(other, "CONFIG SET slowlog-log-slower-than 0");
    run(waiting, "XREADGROUP GROUP g me BLOCK 0 STREAMS s >");
    EXPECT_EQ(calls("xreadgroup"), 1U) << "an error is over at once";
    run(other, "XGROUP CREATE s g $ MKSTREAM");
    run(waiting, "XREADGROUP GROUP g me BLOCK 0 STREAMS s >");
    EXPECT_EQ(calls("xreadgroup"), 1U);
    run(other, "XGROUP DESTROY s g");
    EXPECT_EQ(take(waiting).substr(0, 8), "-NOGROUP");
    EXPECT_EQ(calls("xreadgroup"), 2U);
    EXPECT_EQ(service->stats.commands[kv::find_command("xreadgroup")->id].failed, 2U);
    EXPECT_EQ(service->slow_log.entries().front().arguments.front(), "XREADGROUP");
    EXPECT_EQ(service->slow_log.entries()[1].arguments.front(), "XGROUP");
}

TEST_F(ServiceTest, AnExpiredKeyIsAsAbsentToWatchAsOneThatIsNot) {
    Client& client = connect();
    run(client, "SET x old PX 1");
    world.run_for(std::chrono::milliseconds(5));
    run(client, "SELECT 1");
    run(client, "WATCH x");
    run(client, "SWAPDB 0 1");
    run(client, "MULTI");
    run(client, "PING");
    EXPECT_EQ(run(client, "EXEC"), "*1\r\n+PONG\r\n");
    run(client, "WATCH x");
    run(client, "SET x new");
    run(client, "MULTI");
    EXPECT_EQ(run(client, "EXEC"), "*-1\r\n");
}

TEST_F(ServiceTest, APauseOfWritesLetsScriptsRunThatSayTheyDoNotWrite) {
    Client& pausing = connect();
    Client& client = connect();
    run(pausing, "CLIENT PAUSE 100000 WRITE");
    EXPECT_EQ(run(client, "EVAL \"#!lua flags=no-writes\\nreturn 1\" 0"), ":1\r\n");
    EXPECT_EQ(
        run(client, "EVAL_RO \"return redis.call('publish', 'c', 'm')\" 0").substr(0, 31),
        "-ERR Write commands are not all"
    );
    EXPECT_EQ(run(client, "EVAL \"return 1\" 0"), "");
    run(pausing, "CLIENT UNPAUSE");
    EXPECT_EQ(take(client), ":1\r\n");
}

TEST_F(ServiceTest, NothingExpiresInAPause) {
    Client& client = connect();
    run(client, "SET x 1 PX 1");
    run(client, "CLIENT PAUSE 100000 WRITE");
    world.run_for(std::chrono::milliseconds(5));
    EXPECT_EQ(run(client, "GET x"), "$-1\r\n");
    EXPECT_EQ(service->keyspace.size(), 1U);
}

TEST_F(ServiceTest, AFailedChangeOfSettingsChangesNone) {
    Client& client = connect();
    service->on_setting("port", [] { return Status(Error{ErrorCode::kIo, "taken"}); });
    EXPECT_EQ(
        run(client, "CONFIG SET maxclients 77 port 1"),
        "-ERR CONFIG SET failed (possibly related to argument 'port') - taken\r\n"
    );
    EXPECT_EQ(service->settings.text("maxclients"), "10000");
    EXPECT_EQ(
        run(client, "CONFIG SET maxmemory-clients 101%"),
        "-ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - percentage "
        "argument must be less or equal to 100\r\n"
    );
    EXPECT_EQ(run(client, "CONFIG SET maxmemory-clients 5%"), "+OK\r\n");
    EXPECT_EQ(service->settings.share("maxmemory-clients", 1000), 50);
}

TEST_F(ServiceTest, ADigestDependsOnWhatIsThereNotOnHowItCame) {
    Client& client = connect();
    const std::string empty = keyspace_digest(service->keyspace);
    EXPECT_EQ(empty, std::string(40, '0'));
    run(client, "SADD s a b 1");
    run(client, "HSET h f v g w");
    const std::string before = keyspace_digest(service->keyspace);
    run(client, "FLUSHALL");
    run(client, "HSET h g w f v");
    run(client, "SADD s 1 b a");
    EXPECT_EQ(keyspace_digest(service->keyspace), before);
    run(client, "EXPIRE s 100");
    EXPECT_NE(keyspace_digest(service->keyspace), before);
}

TEST_F(ServiceTest, WhatIsReplayedDoesNotExpireOnTheWay) {
    int db = 0;
    const auto replay = [this, &db](std::vector<ByteView> words) {
        ASSERT_TRUE(service->replay(&db, words).ok());
    };
    replay({"SET", "k", "a", "PXAT", "1"});
    replay({"APPEND", "k", "b"});
    replay({"PERSIST", "k"});
    Client& client = connect();
    EXPECT_EQ(run(client, "GET k"), "$2\r\nab\r\n");
}

}  // namespace
}  // namespace kumo::api_redis
