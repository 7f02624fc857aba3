#include "cluster/peering/peering.h"

#include "cluster/peering/internal/peer_frame.h"
#include "cluster/peering/internal/trouble_log.h"
#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_network.h"
#include "io/system.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::cluster {
namespace {

constexpr std::uint16_t kPort = 8107;

NodeId node_id(std::uint8_t number) {
    NodeId id;
    id.bytes[15] = number;
    return id;
}

io::Address host(std::uint8_t number) {
    return io::Address::parse("10.0.0." + std::to_string(number), kPort).value();
}

/// Remembers what it is told, and answers requests as the test says.
struct Recorder final : PeerHandler {
    std::vector<std::string> events;
    std::vector<std::string> callers;
    std::vector<std::pair<std::uint16_t, std::string>> received;
    std::map<NodeId, bool> up;
    std::vector<std::shared_ptr<PeerReply>> kept;
    bool keeps_replies = false;

    void on_peer_up(const PeerHello& peer) override {
        EXPECT_FALSE(up[peer.node]);
        up[peer.node] = true;
        events.push_back("up " + peer.name);
    }

    void on_caller(const PeerHello& peer) override { callers.push_back(peer.name); }

    void on_peer_down(const NodeId& node, const Status& why) override {
        EXPECT_TRUE(up[node]);
        EXPECT_FALSE(why.ok());
        up[node] = false;
        events.emplace_back("down");
    }

    void on_message(const NodeId& /*node*/, Channel /*channel*/, std::uint16_t type, ByteView bytes)
        override {
        received.emplace_back(type, bytes);
    }

    void on_request(
        const NodeId& /*node*/,
        std::uint16_t type,
        ByteView bytes,
        std::shared_ptr<PeerReply> reply
    ) override {
        if (keeps_replies) {
            kept.push_back(std::move(reply));
        } else if (type == 0) {
            reply->answer(not_found("no " + std::string(bytes)));
        } else if (type == 1) {
            reply->answer("echo " + std::string(bytes));
        }
    }
};

struct Node {
    std::unique_ptr<io::SimLoop> loop;
    Recorder seen;
    PeeringOptions options;
    std::unique_ptr<Peering> peering;
};

class PeeringTest : public testing::Test {
protected:
    Node& add(std::uint8_t number) {
        Node& node = nodes[number];
        node.options.self.node = node_id(number);
        node.options.self.incarnation = 1000U + number;
        node.options.self.name = "n" + std::to_string(number);
        node.options.listen = host(number);
        start(node);
        return node;
    }

    void start(Node& node) {
        node.loop = world.make_loop();
        network.set_host(*node.loop, *node.options.listen);
        auto made = Peering::make({*node.loop, network, resolver, fs}, node.options, node.seen);
        ASSERT_TRUE(made.ok()) << made.error().message;
        node.peering = std::move(made).value();
    }

    void stop(Node& node) {
        node.peering.reset();
        node.loop->kill();
        dead_loops.push_back(std::move(node.loop));  // What is on its way still goes to it.
    }

    static PeerTarget target(std::uint8_t number) {
        return {node_id(number), {host(number).to_string()}};
    }

    void connect_both() {
        ASSERT_TRUE(add(1).peering->set_peers({target(2)}).ok());
        ASSERT_TRUE(add(2).peering->set_peers({target(1)}).ok());
        run(std::chrono::seconds(2));
        ASSERT_TRUE(linked(1, 2) && linked(2, 1));
    }

    bool linked(std::uint8_t from, std::uint8_t to) {
        const Peering& peering = *nodes.at(from).peering;
        return peering.connected(node_id(to), Channel::kControl)
               && peering.connected(node_id(to), Channel::kData);
    }

    Status send(std::uint8_t from, std::uint8_t to, Channel channel, ByteView bytes) {
        return nodes.at(from).peering->send(node_id(to), channel, 7, bytes);
    }

    void run(Duration span) { world.run_for(span); }

    std::uint64_t refused(std::uint8_t number, PeerRefusal reason) {
        return nodes.at(number).peering->stats().refused_for(reason);
    }

    /// A stranger's bytes, sent to a node; gives back what it answers.
    std::string intrude(std::uint8_t number, const std::string& bytes) {
        struct Intruder final : io::StreamHandler {
            std::unique_ptr<io::Stream> stream;
            std::string received;
            bool closed = false;

            void on_data(ByteView data) override { received += data; }

            void on_eof() override { stream->close(); }

            void on_closed(Status /*why*/) override { closed = true; }
        } intruder;

        const auto loop = world.make_loop();
        network.set_host(*loop, host(66));
        network.connect(*loop, host(number), std::chrono::seconds(1), [&](auto stream) {
            ASSERT_TRUE(stream.ok());
            intruder.stream = std::move(stream).value();
            intruder.stream->start(intruder);
            ASSERT_TRUE(intruder.stream->write(bytes).ok());
        });
        run(std::chrono::seconds(4));
        EXPECT_TRUE(intruder.closed);
        return intruder.received;
    }

    static std::string hello_bytes(const ChannelHello& hello) {
        return std::string(kPeerMagic)
               + encode_frame(FrameKind::kHello, 0, encode_hello(hello), {});
    }

    static ChannelHello stranger() {
        ChannelHello hello;
        hello.peer.node = node_id(99);
        hello.peer.incarnation = 5;
        return hello;
    }

    io::SimWorld world{1};
    io::SimNetwork network{world};
    io::SimResolver resolver{world};
    io::SimFs fs{world};
    std::vector<std::unique_ptr<io::SimLoop>> dead_loops;
    std::map<std::uint8_t, Node> nodes;
};

TEST_F(PeeringTest, CarriesMessagesInOrderOnBothChannels) {
    connect_both();
    EXPECT_EQ(nodes[1].seen.events, (std::vector<std::string>{"up n2"}));
    std::vector<std::pair<std::uint16_t, std::string>> expected;
    for (int i = 0; i < 50; ++i) {
        expected.emplace_back(7, std::string(static_cast<std::size_t>(i) * 3000, 'x'));
        ASSERT_TRUE(send(1, 2, Channel::kData, expected.back().second).ok());
    }
    run(std::chrono::seconds(5));
    EXPECT_EQ(nodes[2].seen.received, expected);
    ASSERT_TRUE(send(2, 1, Channel::kControl, "beacon").ok());
    run(std::chrono::seconds(1));
    EXPECT_EQ(nodes[1].seen.received.back().second, "beacon");
    EXPECT_EQ(send(1, 3, Channel::kData, "x").error().code, ErrorCode::kUnavailable);
    const std::string overlong(kControlFrameBytesMax + 1, 'x');
    EXPECT_EQ(send(1, 2, Channel::kControl, overlong).error().code, ErrorCode::kLimitExceeded);
}

TEST_F(PeeringTest, QueueHasALimitAndBulkDoesNotStopControl) {
    const Duration slow = std::chrono::milliseconds(300);
    network.set_delay(host(1), host(2), slow, slow);
    add(1).options.data_queue_bytes_max = 1;
    stop(nodes[1]);
    nodes[1].options.data_queue_bytes_max = 1'000'000;
    start(nodes[1]);
    ASSERT_TRUE(nodes[1].peering->set_peers({target(2)}).ok());
    add(2);
    run(std::chrono::seconds(5));
    ASSERT_TRUE(linked(1, 2));
    Status sent;
    int count = 0;
    for (; count < 10 && sent.ok(); ++count) {
        sent = send(1, 2, Channel::kData, std::string(400'000, 'x'));
    }
    EXPECT_EQ(sent.error().code, ErrorCode::kOverloaded);
    EXPECT_EQ(count, 4);
    EXPECT_TRUE(send(1, 2, Channel::kControl, "beacon").ok());
    run(std::chrono::milliseconds(700));
    ASSERT_EQ(nodes[2].seen.received.size(), 1U) << "before the bulk";
    run(std::chrono::seconds(30));
    EXPECT_EQ(nodes[2].seen.received.size(), 4U) << "slow, but it moved: never dropped";
    EXPECT_EQ(nodes[1].peering->stats().silent, 0U);
}

TEST_F(PeeringTest, FindsOutWhoIsAtAnAddress) {
    resolver.set("two.example", {host(2)});
    add(2);
    ASSERT_TRUE(add(1).peering->set_peers({{{}, {"two.example:8107"}}, {{}, {host(1).to_string()}}}
    ).ok());
    run(std::chrono::seconds(3));
    EXPECT_TRUE(linked(1, 2));
    EXPECT_EQ(nodes[1].seen.events, (std::vector<std::string>{"up n2"}));
    EXPECT_GE(refused(1, PeerRefusal::kSelf), 1U);
    const auto dials = nodes[1].peering->stats().dials;
    run(std::chrono::seconds(30));
    EXPECT_LE(nodes[1].peering->stats().dials - dials, 30U) << "its own address is tried seldom";
    // The same node by its id: one connection is enough, and the other target takes over.
    ASSERT_TRUE(nodes[1].peering->set_peers({{{}, {"two.example:8107"}}, target(2)}).ok());
    run(std::chrono::seconds(3));
    EXPECT_GE(refused(1, PeerRefusal::kDuplicate), 1U);
    ASSERT_TRUE(nodes[1].peering->set_peers({target(2)}).ok());
    run(std::chrono::seconds(10));
    EXPECT_TRUE(linked(1, 2));
}

TEST_F(PeeringTest, FollowsAChangedAddressAndAChangedName) {
    resolver.set("moves.example", {host(2)});
    add(2);
    const PeerTarget moving{node_id(2), {"moves.example:8107"}};
    ASSERT_TRUE(add(1).peering->set_peers({moving}).ok());
    run(std::chrono::seconds(2));
    EXPECT_TRUE(linked(1, 2));
    stop(nodes[2]);
    nodes[2].options.listen = host(3);
    start(nodes[2]);
    run(std::chrono::seconds(5));
    EXPECT_FALSE(linked(1, 2));
    resolver.set("moves.example", {host(3)});
    run(std::chrono::seconds(3));
    EXPECT_TRUE(linked(1, 2));
    ASSERT_TRUE(nodes[1].peering->set_peers({{node_id(2), {host(3).to_string()}}}).ok());
    run(std::chrono::seconds(2));
    EXPECT_TRUE(linked(1, 2));
    const std::vector<std::string> expected = {"up n2", "down", "up n2", "down", "up n2"};
    EXPECT_EQ(nodes[1].seen.events, expected);
    ASSERT_TRUE(nodes[1].peering->set_peers({}).ok());
    run(std::chrono::seconds(1));
    EXPECT_FALSE(linked(1, 2));
    EXPECT_EQ(nodes[1].seen.events.back(), "down");
}

TEST_F(PeeringTest, DialsAgainAfterResetsAndRestarts) {
    connect_both();
    for (int round = 0; round < 5; ++round) {
        network.reset_between(host(1), host(2));
        run(std::chrono::milliseconds(500));
        EXPECT_TRUE(linked(1, 2) && linked(2, 1)) << "backed off too long";
    }
    stop(nodes[2]);
    run(std::chrono::seconds(20));
    EXPECT_FALSE(nodes[1].seen.up[node_id(2)]);
    nodes[2].options.self.incarnation = 77;
    nodes[2].seen.up.clear();
    start(nodes[2]);
    ASSERT_TRUE(nodes[2].peering->set_peers({target(1)}).ok());
    run(std::chrono::seconds(3));
    EXPECT_TRUE(linked(1, 2) && linked(2, 1));
}

TEST_F(PeeringTest, NoticesHalfOpenConnections) {
    for (const bool forward : {true, false}) {
        network.mend(host(1), host(2));
        network.mend(host(2), host(1));
        for (auto& [number, node] : nodes) {
            stop(node);
        }
        nodes.clear();
        connect_both();
        network.cut(forward ? host(1) : host(2), forward ? host(2) : host(1));
        run(std::chrono::milliseconds(3200));
        EXPECT_FALSE(linked(1, 2));
        EXPECT_FALSE(linked(2, 1));
        EXPECT_GE(nodes[1].peering->stats().silent, 1U);
        network.mend(forward ? host(1) : host(2), forward ? host(2) : host(1));
        run(std::chrono::seconds(5));
        EXPECT_TRUE(linked(1, 2) && linked(2, 1));
    }
}

TEST_F(PeeringTest, RefusesWhatIsNotThePeerProtocol) {
    add(1);
    const std::string told = intrude(1, "GET / HTTP/1.1\r\n\r\n");
    EXPECT_NE(told.find("it sends an HTTP request"), std::string::npos);
    EXPECT_EQ(told.find("HTTP/"), std::string::npos);
    EXPECT_EQ(refused(1, PeerRefusal::kGarbage), 1U);
    std::string damaged = hello_bytes(stranger());
    damaged[damaged.size() - 3] ^= 1;
    (void)intrude(1, damaged);
    EXPECT_EQ(refused(1, PeerRefusal::kGarbage), 2U);
    const std::string before =
        std::string(kPeerMagic) + encode_frame(FrameKind::kMessage, 1, {}, "before a hello");
    (void)intrude(1, before);
    EXPECT_EQ(refused(1, PeerRefusal::kGarbage), 3U);
    const std::string twice =
        hello_bytes(stranger()) + encode_frame(FrameKind::kHello, 0, encode_hello(stranger()), {});
    (void)intrude(1, twice);
    EXPECT_EQ(refused(1, PeerRefusal::kGarbage), 4U);
    const std::string answers =
        hello_bytes(stranger())
        + encode_frame(FrameKind::kAnswer, 0, encode_answer_head(1, {}), {});
    (void)intrude(1, answers);
    EXPECT_EQ(refused(1, PeerRefusal::kGarbage), 5U);
    (void)intrude(1, "KUMO");  // And then nothing.
    EXPECT_EQ(refused(1, PeerRefusal::kSlow), 1U);
    EXPECT_TRUE(nodes[1].seen.received.empty());
}

TEST_F(PeeringTest, SaysWhatElseAnswers) {
    const auto what = [](ByteView bytes) {
        FrameReader reader;
        Frame frame;
        FrameFault fault;
        reader.feed(bytes);
        EXPECT_EQ(reader.next(frame, fault), FrameReader::Outcome::kFault);
        return fault.what;
    };
    EXPECT_NE(what("HTTP/1.1 400 Bad Request\r\n").find("an API port"), std::string::npos);
    EXPECT_NE(what("\x15\x03\x03").find("it speaks TLS"), std::string::npos);
    EXPECT_NE(what("POST /collections HTTP/1.1").find("an HTTP request"), std::string::npos);
    EXPECT_EQ(what("SSH-2.0-"), "it does not speak the peer protocol");
}

TEST_F(PeeringTest, CountsWhereNobodyIs) {
    ASSERT_TRUE(add(1).peering->set_peers({target(2)}).ok());
    run(std::chrono::seconds(10));
    EXPECT_GE(nodes[1].peering->stats().dials_failed, 10U);
    add(2);
    run(std::chrono::seconds(3));
    EXPECT_TRUE(linked(1, 2));
}

TEST(TroubleLog, SaysTheSameOnceAMinuteWithHowOftenItWasLeftOut) {
    TroubleLog log(std::chrono::seconds(60));
    const auto at = [](int seconds) {
        return MonotonicTime() + std::chrono::seconds(seconds);
    };
    EXPECT_EQ(log.note("a", 1, "line", at(0)), "line");
    EXPECT_EQ(log.note("a", 1, "line", at(1)), "");
    EXPECT_EQ(log.note("a", 1, "line", at(59)), "");
    EXPECT_EQ(log.note("a", 2, "other", at(59)), "other") << "another reason";
    EXPECT_EQ(log.note("b", 1, "line", at(59)), "line") << "somebody else";
    EXPECT_EQ(log.note("a", 1, "line", at(60)), "line (and 2 times since)");
    EXPECT_EQ(log.note("a", 1, "line", at(120)), "line");
}

TEST(TroubleLog, StrangersDoNotFillIt) {
    TroubleLog log(std::chrono::seconds(60));
    std::size_t lines = 0;
    for (std::size_t i = 0; i < 2 * TroubleLog::kRememberedMax; ++i) {
        lines += log.note(std::to_string(i), 1, "line", MonotonicTime()).empty() ? 0 : 1;
    }
    EXPECT_EQ(lines, TroubleLog::kRememberedMax);
    EXPECT_EQ(log.note("new", 1, "line", MonotonicTime() + std::chrono::seconds(60)), "line");
}

TEST_F(PeeringTest, RefusesWhatIsTooLarge) {
    add(1);
    (void)intrude(
        1,
        std::string(kPeerMagic)
            + encode_frame(FrameKind::kHello, 0, {}, std::string(kPeerHelloBytesMax + 1, 'x'))
    );
    EXPECT_EQ(refused(1, PeerRefusal::kTooLarge), 1U);
    std::string head = encode_frame(FrameKind::kMessage, 1, {}, {});
    const auto size = static_cast<std::uint32_t>(kControlFrameBytesMax + 1);
    std::string announced;
    append_fixed(announced, size);
    head.replace(0, announced.size(), announced);
    (void)intrude(1, hello_bytes(stranger()) + head);
    EXPECT_EQ(refused(1, PeerRefusal::kTooLarge), 2U);
}

TEST_F(PeeringTest, RefusesOtherClustersVersionsAndCopies) {
    Node& node = add(1);
    node.peering->set_cluster(node_id(50));
    ChannelHello other = stranger();
    other.peer.cluster = node_id(51);
    EXPECT_NE(intrude(1, hello_bytes(other)).find("it is in cluster"), std::string::npos);
    EXPECT_EQ(refused(1, PeerRefusal::kOtherCluster), 1U);
    ChannelHello copied = stranger();
    copied.peer.node = node_id(1);
    (void)intrude(1, hello_bytes(copied));
    EXPECT_EQ(refused(1, PeerRefusal::kSameId), 1U);
    std::string old = encode_hello(stranger());
    old[0] = 9;
    (void)intrude(1, std::string(kPeerMagic) + encode_frame(FrameKind::kHello, 0, old, {}));
    EXPECT_EQ(refused(1, PeerRefusal::kVersion), 1U);
    // Both ends count it.
    add(2).peering->set_cluster(node_id(51));
    ASSERT_TRUE(nodes[2].peering->set_peers({target(1)}).ok());
    run(std::chrono::seconds(2));
    EXPECT_GE(refused(1, PeerRefusal::kOtherCluster), 2U);
    EXPECT_GE(refused(2, PeerRefusal::kOtherCluster), 1U);
    nodes[2].peering->set_cluster({});  // One that has not joined yet may.
    run(std::chrono::seconds(3));
    EXPECT_TRUE(linked(2, 1));
}

TEST_F(PeeringTest, WhoseClusterHasChangedIsHeardOfByItsNewOneOnly) {
    Uuid one;
    Uuid other;
    one.bytes[0] = 1;
    other.bytes[0] = 2;
    nodes[1].options.self.cluster = one;
    nodes[2].options.self.cluster = one;
    connect_both();
    nodes[2].peering->set_cluster({});
    run(std::chrono::seconds(2));
    EXPECT_TRUE(linked(1, 2) && linked(2, 1)) << "who is in none talks to everybody";
    nodes[2].peering->set_cluster(other);
    run(std::chrono::seconds(2));
    EXPECT_FALSE(linked(1, 2) || linked(2, 1));
    nodes[2].peering->set_cluster(one);
    run(std::chrono::seconds(5));
    EXPECT_TRUE(linked(1, 2) && linked(2, 1));
}

TEST_F(PeeringTest, SaysWhoHasConnected) {
    add(1);
    Node& caller = add(2);
    stop(caller);
    caller.options.self.addresses = {":8107"};
    start(caller);
    ASSERT_TRUE(caller.peering->set_peers({target(1)}).ok());
    run(std::chrono::seconds(1));
    EXPECT_EQ(nodes[1].seen.callers, (std::vector<std::string>{"n2"}));
    const auto callers = nodes[1].peering->callers();
    ASSERT_EQ(callers.size(), 1U);
    EXPECT_EQ(callers[0].addresses, (std::vector<std::string>{"10.0.0.2:8107"}));
}

TEST_F(PeeringTest, RefusesSomebodyElseAtAKnownAddress) {
    add(2);
    ASSERT_TRUE(add(1).peering->set_peers({{node_id(3), {host(2).to_string()}}}).ok());
    run(std::chrono::seconds(3));
    EXPECT_GE(refused(1, PeerRefusal::kWrongNode), 1U);
    EXPECT_TRUE(nodes[1].seen.events.empty());
}

TEST_F(PeeringTest, SecondNodeWithAnIdIsRefusedWhileTheFirstLives) {
    connect_both();
    ChannelHello copy = stranger();
    copy.peer.node = node_id(2);
    (void)intrude(1, hello_bytes(copy));
    EXPECT_EQ(refused(1, PeerRefusal::kDuplicate), 1U);
    EXPECT_TRUE(linked(2, 1));
}

TEST_F(PeeringTest, AnswersCalls) {
    connect_both();
    std::vector<Result<std::string>> answers;
    const auto keep = [&](Result<std::string> answer) {
        answers.push_back(std::move(answer));
    };
    Peering& peering = *nodes[1].peering;
    const Duration timeout = std::chrono::seconds(1);
    peering.call(node_id(2), 1, "hello", timeout, keep);
    peering.call(node_id(2), 0, "such thing", timeout, keep);
    peering.call(node_id(2), 2, "dropped", timeout, keep);
    peering.call(node_id(9), 1, "nobody", timeout, keep);
    EXPECT_TRUE(answers.empty()) << "never from inside the call";
    run(std::chrono::milliseconds(100));
    ASSERT_EQ(answers.size(), 4U);
    EXPECT_EQ(answers[0].error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(answers[1].value(), "echo hello");
    EXPECT_EQ(answers[2].error().code, ErrorCode::kNotFound);
    EXPECT_EQ(answers[2].error().message, "no such thing");
    EXPECT_EQ(answers[3].error().code, ErrorCode::kUnavailable);
}

TEST_F(PeeringTest, CallsEndWithTheirDeadlineOrTheirConnection) {
    connect_both();
    nodes[2].seen.keeps_replies = true;
    std::vector<ErrorCode> codes;
    const auto keep = [&](const Result<std::string>& answer) {
        codes.push_back(answer.error().code);
    };
    Peering& peering = *nodes[1].peering;
    peering.call(node_id(2), 1, "late", std::chrono::seconds(1), keep);
    run(std::chrono::milliseconds(1100));
    EXPECT_EQ(codes, (std::vector<ErrorCode>{ErrorCode::kTimeout}));
    nodes[2].seen.kept.at(0)->answer(std::string("nobody waits"));
    peering.call(node_id(2), 1, "lost", std::chrono::hours(1), keep);
    run(std::chrono::milliseconds(100));
    network.reset_between(host(1), host(2));
    run(std::chrono::milliseconds(50));
    EXPECT_EQ(codes.back(), ErrorCode::kUnavailable);
    nodes[2].seen.kept.at(1)->answer(std::string("its connection is gone"));
    run(std::chrono::seconds(1));
    codes.clear();
    for (std::size_t i = 0; i <= kCallsMax; ++i) {
        peering.call(node_id(2), 1, "x", std::chrono::hours(1), keep);
    }
    run(std::chrono::seconds(1));
    EXPECT_EQ(codes, (std::vector<ErrorCode>{ErrorCode::kOverloaded}));
    ASSERT_TRUE(peering.set_peers({}).ok());
    run(std::chrono::seconds(1));
    EXPECT_EQ(codes.size(), kCallsMax + 1);
}

TEST_F(PeeringTest, RefusesABadHelloOfItsOwnAndHalfATlsConfiguration) {
    Node& node = nodes[1];
    node.loop = world.make_loop();
    const Peering::Environment environment{*node.loop, network, resolver, fs};
    EXPECT_EQ(Peering::make(environment, {}, node.seen).error().code, ErrorCode::kInvalidArgument);
    PeeringOptions options;
    options.self.node = node_id(1);
    options.listen = host(1);
    options.tls.certificate = "/only/this";
    EXPECT_EQ(
        Peering::make(environment, options, node.seen).error().code,
        ErrorCode::kInvalidArgument
    );
}

/// The same over loopback sockets with certificates of both ends.
TEST(PeeringTls, TalksToOwnNodesOnly) {
    const std::string files = std::string(KUMO_TESTDATA) + "/tls/";
    const auto loop = io::make_system_loop();
    const auto network = io::make_system_network();
    const auto resolver = io::make_system_resolver();
    const auto fs = io::make_system_fs();
    std::map<std::uint8_t, Recorder> seen;
    const auto make = [&](std::uint8_t number, const std::string& who, const std::string& ca) {
        PeeringOptions options;
        options.self.node = node_id(number);
        options.listen = io::Address::parse("127.0.0.1", 0).value();
        options.tls = {files + who + ".pem", files + who + ".key", files + ca + ".pem"};
        auto made = Peering::make({*loop, *network, *resolver, *fs}, options, seen[number]);
        KUMO_ASSERT(made.ok());
        return std::move(made).value();
    };
    const auto one = make(1, "node", "ca");
    const auto two = make(2, "node", "ca");
    const auto stranger = make(3, "stranger", "ca");  // Trusts the cluster; is not of it.
    ASSERT_TRUE(one->set_peers({{node_id(2), {two->address().to_string()}}}).ok());
    ASSERT_TRUE(stranger->set_peers({{node_id(1), {one->address().to_string()}}}).ok());
    const std::function<void()> poll = [&] {
        if (!seen[2].received.empty() && stranger->stats().dials >= 6) {
            loop->stop();
            return;
        }
        if (one->connected(node_id(2), Channel::kData) && one->stats().messages_sent == 0) {
            ASSERT_TRUE(one->send(node_id(2), Channel::kData, 3, std::string(5'000'000, 's')).ok());
        }
        (void)loop->add_timer(std::chrono::milliseconds(5), poll);
    };
    poll();
    loop->run();
    ASSERT_EQ(seen[2].received.size(), 1U);
    EXPECT_EQ(seen[2].received[0].second.size(), 5'000'000U);
    EXPECT_FALSE(stranger->connected(node_id(1), Channel::kControl));
    EXPECT_TRUE(seen[3].events.empty());
    EXPECT_GE(one->stats().refused_for(PeerRefusal::kTls), 1U);
}

}  // namespace
}  // namespace kumo::cluster
