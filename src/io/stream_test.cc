#include "io/stream.h"

#include "io/internal/env_test.h"
#include "io/thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>

namespace kumo::io {
namespace {

/// A handler that remembers, and does what a test adds.
struct Probe final : StreamHandler {
    std::unique_ptr<Stream> stream;
    std::string received;
    std::size_t received_bytes = 0;
    bool keeps_bytes = true;
    int drained = 0;
    bool eof = false;
    std::optional<Status> closed;
    std::function<void(ByteView)> then_data;
    std::function<void()> then_eof;
    std::function<void()> then_drained;

    void adopt(std::unique_ptr<Stream> s) {
        stream = std::move(s);
        stream->start(*this);
    }

    void on_data(ByteView bytes) override {
        EXPECT_FALSE(bytes.empty());
        EXPECT_LE(bytes.size(), kReadChunkBytes);
        received_bytes += bytes.size();
        if (keeps_bytes) {
            received += bytes;
        }
        if (then_data) {
            then_data(bytes);
        }
    }

    void on_eof() override {
        EXPECT_FALSE(eof);
        eof = true;
        if (then_eof) {
            then_eof();
        }
    }

    void on_drained() override {
        ++drained;
        if (then_drained) {
            then_drained();
        }
    }

    void on_closed(Status why) override {
        EXPECT_FALSE(closed.has_value());
        closed = std::move(why);
    }
};

template <typename Env>
class StreamTest : public testing::Test {
protected:
    void SetUp() override {
        auto made = env.network().listen(
            env.loop(),
            Address::parse("127.0.0.1", 0).value(),
            [this](Loop& /*loop*/, std::unique_ptr<Stream> stream) {
                server.adopt(std::move(stream));
                accepted = true;
            },
            {}
        );
        ASSERT_TRUE(made.ok());
        listener = std::move(made).value();
        EXPECT_NE(listener->address().port, 0);
    }

    void connect() {
        env.network().connect(
            env.loop(),
            listener->address(),
            std::chrono::seconds(5),
            [this](Result<std::unique_ptr<Stream>> stream) {
                ASSERT_TRUE(stream.ok());
                client.adopt(std::move(stream).value());
            }
        );
        ASSERT_TRUE(env.run_until([this] { return accepted && client.stream != nullptr; }));
    }

    Env env;
    bool accepted = false;
    Probe server;
    Probe client;
    std::unique_ptr<Listener> listener;
};

using Envs = testing::Types<RealEnv, SimEnv>;
TYPED_TEST_SUITE(StreamTest, Envs);

std::string pattern(std::size_t bytes) {
    std::string out(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) {
        out[i] = static_cast<char>(i * 31 + (i >> 8));
    }
    return out;
}

TYPED_TEST(StreamTest, CarriesBytesBothWays) {
    this->connect();
    this->server.then_data = [&](ByteView bytes) {
        EXPECT_TRUE(this->server.stream->write(std::string(bytes)).ok());
    };
    ASSERT_TRUE(this->client.stream->write("hello").ok());
    ASSERT_TRUE(this->env.run_until([&] { return this->client.received == "hello"; }));
    EXPECT_TRUE(this->server.stream->peer().is_loopback());
}

TYPED_TEST(StreamTest, GathersTheWritesOfATurn) {
    this->connect();
    ASSERT_TRUE(this->client.stream->write("a").ok());
    ASSERT_TRUE(this->client.stream->write(std::string(20'000, 'b')).ok());
    ASSERT_TRUE(this->client.stream->write("c").ok());
    EXPECT_EQ(this->client.stream->queued_bytes(), 20'002U);
    ASSERT_TRUE(this->env.run_until([&] { return this->server.received.size() == 20'002; }));
    EXPECT_EQ(this->client.drained, 1);
    EXPECT_EQ(this->client.stream->queued_bytes(), 0U);
}

TYPED_TEST(StreamTest, CarriesMuchInOrder) {
    this->connect();
    const std::string sent = pattern(9'000'001);
    ASSERT_TRUE(this->client.stream->write(sent).ok());
    ASSERT_TRUE(this->env.run_until([&] { return this->server.received.size() >= sent.size(); }));
    EXPECT_TRUE(this->server.received == sent);
    EXPECT_GE(this->client.drained, 1);
}

TYPED_TEST(StreamTest, PausedReaderHoldsTheWriterBack) {
    this->connect();
    this->server.keeps_bytes = false;
    this->server.stream->pause_reading();
    std::size_t accepted_bytes = 0;
    Status last;
    while (last.ok()) {
        last = this->client.stream->write(std::string(8'000'000, 'x'));
        accepted_bytes += last.ok() ? 8'000'000 : 0;
        ASSERT_LE(this->client.stream->queued_bytes(), kStreamQueueBytesMax + 8'000'000);
    }
    EXPECT_EQ(last.error().code, ErrorCode::kOverloaded);
    EXPECT_EQ(this->server.received_bytes, 0U);
    this->server.stream->resume_reading();
    ASSERT_TRUE(this->env.run_until([&] { return this->server.received_bytes == accepted_bytes; }));
    EXPECT_EQ(this->client.stream->queued_bytes(), 0U);
}

TYPED_TEST(StreamTest, CloseDeliversWhatWasQueued) {
    this->connect();
    const std::string sent = pattern(3'000'000);
    ASSERT_TRUE(this->client.stream->write(sent).ok());
    this->client.stream->close();
    EXPECT_EQ(this->client.stream->write("late").error().code, ErrorCode::kUnavailable);
    this->server.then_eof = [&] {
        this->server.stream->close();
    };
    ASSERT_TRUE(this->env.run_until([&] {
        return this->server.closed.has_value() && this->client.closed.has_value();
    }));
    EXPECT_TRUE(this->server.received == sent);
    EXPECT_TRUE(this->server.eof);
    EXPECT_TRUE(this->server.closed->ok());
    EXPECT_TRUE(this->client.closed->ok());
}

TYPED_TEST(StreamTest, HalfClosedPeerStillReads) {
    this->connect();
    this->server.then_eof = [&] {
        EXPECT_TRUE(this->server.stream->write("answer").ok());
        this->server.stream->close();
    };
    this->client.stream->close();
    ASSERT_TRUE(this->env.run_until([&] { return this->client.closed.has_value(); }));
    EXPECT_TRUE(this->client.closed->ok());
}

TYPED_TEST(StreamTest, AbortIsAResetForThePeer) {
    this->connect();
    this->client.stream->abort();
    EXPECT_FALSE(this->client.closed.has_value());
    ASSERT_TRUE(this->env.run_until([&] {
        return this->server.closed.has_value() && this->client.closed.has_value();
    }));
    EXPECT_FALSE(this->client.closed->ok());
    EXPECT_EQ(this->server.closed->error().code, ErrorCode::kIo);
    EXPECT_FALSE(this->server.eof);
}

TYPED_TEST(StreamTest, OwnerMayDestroyItInItsCallbacks) {
    this->connect();
    this->server.then_data = [&](ByteView) {
        this->server.stream.reset();
    };
    ASSERT_TRUE(this->client.stream->write("x").ok());
    ASSERT_TRUE(this->env.run_until([&] { return this->client.closed.has_value(); }));
    EXPECT_FALSE(this->server.closed.has_value());
}

TYPED_TEST(StreamTest, OwnerMayDestroyItWhenDrained) {
    this->connect();
    this->client.then_drained = [&] {
        this->client.stream.reset();
    };
    ASSERT_TRUE(this->client.stream->write("x").ok());
    ASSERT_TRUE(this->env.run_until([&] { return this->server.closed.has_value(); }));
    EXPECT_FALSE(this->client.closed.has_value());
}

TYPED_TEST(StreamTest, ManyConnectionsAndChurn) {
    this->connect();
    std::vector<std::unique_ptr<Probe>> clients;
    std::vector<std::unique_ptr<Probe>> servers;
    auto second = this->env.network().listen(
        this->env.loop(),
        Address::parse("::1", 0).value(),
        [&](Loop& /*loop*/, std::unique_ptr<Stream> stream) {
            servers.push_back(std::make_unique<Probe>());
            Probe& probe = *servers.back();
            probe.then_data = [&probe](ByteView bytes) {
                EXPECT_TRUE(probe.stream->write(std::string(bytes)).ok());
            };
            probe.then_eof = [&probe] {
                probe.stream->close();
            };
            probe.adopt(std::move(stream));
        },
        {}
    );
    if (!second.ok()) {
        GTEST_SKIP() << "no IPv6 here: " << second.error().message;
    }
    std::size_t done = 0;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(std::make_unique<Probe>());
        Probe& probe = *clients.back();
        probe.then_data = [&](ByteView) {
            ++done;
            probe.stream->close();
        };
        this->env.network().connect(
            this->env.loop(),
            second.value()->address(),
            std::chrono::seconds(10),
            [&probe](Result<std::unique_ptr<Stream>> stream) {
                ASSERT_TRUE(stream.ok());
                probe.adopt(std::move(stream).value());
                EXPECT_TRUE(probe.stream->write("ping").ok());
            }
        );
    }
    ASSERT_TRUE(this->env.run_until([&] {
        std::size_t closed = 0;
        for (const auto& probe : clients) {
            closed += probe->closed.has_value() ? 1 : 0;
        }
        return done >= 100 && closed == 100;
    }));
}

TYPED_TEST(StreamTest, RefusedConnectionIsUnavailable) {
    const Address address = this->listener->address();
    this->listener.reset();
    std::optional<Result<std::unique_ptr<Stream>>> result;
    this->env.network().connect(
        this->env.loop(),
        address,
        std::chrono::seconds(5),
        [&](auto stream) { result = std::move(stream); }
    );
    EXPECT_FALSE(result.has_value());
    ASSERT_TRUE(this->env.run_until([&] { return result.has_value(); }));
    EXPECT_EQ(result->error().code, ErrorCode::kUnavailable);
    EXPECT_NE(result->error().message.find(address.to_string()), std::string::npos);
}

TYPED_TEST(StreamTest, TakenAddressIsUnavailable) {
    auto second = this->env.network().listen(
        this->env.loop(),
        this->listener->address(),
        [](Loop&, std::unique_ptr<Stream>) {},
        {}
    );
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

TYPED_TEST(StreamTest, PausedListenerAcceptsLater) {
    this->listener->pause();
    this->env.network().connect(
        this->env.loop(),
        this->listener->address(),
        std::chrono::seconds(5),
        [&](Result<std::unique_ptr<Stream>> stream) {
            ASSERT_TRUE(stream.ok());
            this->client.adopt(std::move(stream).value());
        }
    );
    ASSERT_TRUE(this->env.run_until([&] { return this->client.stream != nullptr; }));
    EXPECT_FALSE(this->accepted);
    this->listener->resume();
    ASSERT_TRUE(this->env.run_until([&] { return this->accepted; }));
}

TYPED_TEST(StreamTest, ResolvesNumbersAndRefusesUnknownNames) {
    std::optional<Result<std::vector<Address>>> number;
    std::optional<Result<std::vector<Address>>> unknown;
    Loop& loop = this->env.loop();
    this->env.resolver().resolve(loop, "127.0.0.1", 7, [&](auto r) { number = std::move(r); });
    this->env.resolver().resolve(loop, "no.such.name.invalid", 7, [&](auto r) {
        unknown = std::move(r);
    });
    ASSERT_TRUE(this->env.run_until([&] { return number.has_value() && unknown.has_value(); }));
    ASSERT_TRUE(number->ok());
    EXPECT_EQ(number->value().at(0).to_string(), "127.0.0.1:7");
    EXPECT_FALSE(unknown->ok());
}

TEST(TcpNetwork, SpreadsConnectionsOverLoops) {
    RealEnv env;
    const auto second = make_system_loop();
    std::atomic<int> on_first = 0;
    std::atomic<int> on_second = 0;
    const auto accept = [&](Loop& loop, std::unique_ptr<Stream> stream) {
        EXPECT_TRUE(loop.in_loop_thread());
        EXPECT_EQ(&stream->loop(), &loop);
        ++(&loop == second.get() ? on_second : on_first);
    };
    auto listener = env.network().listen(
        env.loop(),
        Address::parse("127.0.0.1", 0).value(),
        accept,
        {.backlog = 16, .serve_loops = {&env.loop(), second.get()}}
    );
    ASSERT_TRUE(listener.ok());
    {
        Thread thread("second", [&] { second->run(); });
        for (int i = 0; i < 6; ++i) {
            env.network().connect(
                env.loop(),
                listener.value()->address(),
                std::chrono::seconds(5),
                [](Result<std::unique_ptr<Stream>> /*dropped at once, so it may see a reset*/) {}
            );
        }
        EXPECT_TRUE(env.run_until([&] { return on_first == 3 && on_second == 3; }));
        second->stop();
    }
}

TEST(SimNetwork, UnreachableAddressTimesOut) {
    SimEnv env;
    const Address address = Address::parse("10.0.0.1", 80).value();
    env.sim_network().set_unreachable(address, true);
    std::optional<Result<std::unique_ptr<Stream>>> result;
    env.network().connect(env.loop(), address, std::chrono::seconds(3), [&](auto stream) {
        result = std::move(stream);
    });
    ASSERT_TRUE(env.run_until([&] { return result.has_value(); }));
    EXPECT_EQ(result->error().code, ErrorCode::kTimeout);
}

/// A client on one host and a server on another.
struct TwoHosts {
    explicit TwoHosts(std::uint64_t seed) : world(seed), network(world) {
        network.set_host(*near, client_host);
        auto listening = network.listen(
            *far,
            address,
            [this](Loop&, std::unique_ptr<Stream> stream) { server.adopt(std::move(stream)); },
            {}
        );
        KUMO_ASSERT(listening.ok());
        listener = std::move(listening).value();
    }

    void connect() {
        network.connect(*near, address, std::chrono::seconds(1), [this](auto stream) {
            if (stream.ok()) {
                client.adopt(std::move(stream).value());
            } else {
                failure = stream.error().code;
            }
        });
        world.run_for(std::chrono::seconds(2));
    }

    const Address address = Address::parse("10.0.0.1", 80).value();
    const Address client_host = Address::parse("10.0.0.2", 0).value();
    SimWorld world;
    std::unique_ptr<SimLoop> near = world.make_loop();
    std::unique_ptr<SimLoop> far = world.make_loop();
    SimNetwork network;
    std::unique_ptr<Listener> listener;
    Probe server;
    Probe client;
    std::optional<ErrorCode> failure;
};

TEST(SimNetwork, CutHoldsWhatIsSentOneWay) {
    TwoHosts hosts(1);
    hosts.connect();
    EXPECT_EQ(hosts.server.stream->peer().host_string(), "10.0.0.2");
    hosts.network.cut(hosts.client_host, hosts.address);
    ASSERT_TRUE(hosts.client.stream->write("held").ok());
    ASSERT_TRUE(hosts.server.stream->write("arrives").ok());
    hosts.world.run_for(std::chrono::seconds(5));
    EXPECT_EQ(hosts.server.received, "");
    EXPECT_EQ(hosts.client.received, "arrives");
    hosts.network.mend(hosts.client_host, hosts.address);
    ASSERT_TRUE(hosts.client.stream->write(" and more").ok());
    hosts.world.run_for(std::chrono::seconds(5));
    EXPECT_EQ(hosts.server.received, "held and more");
    hosts.network.reset_between(hosts.address, hosts.client_host);
    hosts.world.run_for(std::chrono::seconds(1));
    EXPECT_TRUE(hosts.server.closed.has_value());
    EXPECT_TRUE(hosts.client.closed.has_value());
}

TEST(SimNetwork, CutLeavesHalfOpenConnectionsAndNoNewOnes) {
    TwoHosts hosts(2);
    hosts.connect();
    hosts.network.cut(hosts.client_host, hosts.address);
    hosts.client.stream.reset();  // Its reset is lost with it.
    hosts.world.run_for(std::chrono::seconds(5));
    hosts.network.mend(hosts.client_host, hosts.address);
    hosts.world.run_for(std::chrono::seconds(5));
    EXPECT_FALSE(hosts.server.closed.has_value());
    for (const bool answers : {false, true}) {
        hosts.failure.reset();
        if (answers) {
            hosts.network.cut(hosts.address, hosts.client_host);
        } else {
            hosts.network.cut(hosts.client_host, hosts.address);
        }
        hosts.connect();
        EXPECT_EQ(hosts.failure, ErrorCode::kTimeout);
        hosts.network.mend(hosts.client_host, hosts.address);
    }
}

TEST(SimNetwork, DelaysOnePair) {
    TwoHosts hosts(3);
    hosts.connect();
    const Duration delay = std::chrono::milliseconds(700);
    hosts.network.set_delay(hosts.client_host, hosts.address, delay, delay);
    ASSERT_TRUE(hosts.client.stream->write("slow").ok());
    hosts.world.run_for(std::chrono::milliseconds(690));
    EXPECT_EQ(hosts.server.received, "");
    hosts.world.run_for(std::chrono::milliseconds(20));
    EXPECT_EQ(hosts.server.received, "slow");
}

std::uint64_t echo_trace(std::uint64_t seed, std::uint64_t reset_per_million) {
    SimWorld world(seed);
    const auto loop = world.make_loop();
    SimNetwork network(world, {.reset_per_million = reset_per_million});
    Probe server;
    Probe client;
    server.then_data = [&](ByteView bytes) {
        (void)server.stream->write(std::string(bytes));
    };
    auto listener = network.listen(
        *loop,
        Address::parse("10.0.0.1", 80).value(),
        [&](Loop&, std::unique_ptr<Stream> stream) { server.adopt(std::move(stream)); },
        {}
    );
    network.connect(*loop, listener.value()->address(), std::chrono::seconds(1), [&](auto stream) {
        client.adopt(std::move(stream).value());
        EXPECT_TRUE(client.stream->write(pattern(200'000)).ok());
    });
    EXPECT_TRUE(world.run_until_idle());
    const std::string sent = pattern(200'000);
    EXPECT_EQ(client.received, sent.substr(0, client.received.size()));
    EXPECT_EQ(client.closed.has_value(), client.received.size() != sent.size());
    return world.trace_hash();
}

TEST(SimNetwork, SameSeedSameTrace) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        EXPECT_EQ(echo_trace(seed, 0), echo_trace(seed, 0));
        EXPECT_EQ(echo_trace(seed, 50'000), echo_trace(seed, 50'000));
    }
    EXPECT_NE(echo_trace(1, 0), echo_trace(2, 0));
}

}  // namespace
}  // namespace kumo::io
