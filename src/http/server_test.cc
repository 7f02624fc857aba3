#include "http/server.h"

#include "http/internal/gzip.h"
#include "http/internal/server_core.h"
#include "http/internal/world_test.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::http {
namespace {

std::string gzipped(ByteView text) {
    std::string out;
    GzipCompressor(6).finish(text, out);
    return out;
}

std::string gunzipped(ByteView packed) {
    GzipInflater inflater;
    std::string out;
    for (;;) {
        const auto piece = inflater.next(packed);
        EXPECT_TRUE(piece.ok());
        if (!piece.ok() || piece.value().empty()) {
            EXPECT_TRUE(inflater.complete());
            return out;
        }
        out += piece.value();
    }
}

std::string request(const std::string& start, const std::string& fields = "", ByteView body = "") {
    return start + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + std::string(body);
}

std::string post(const std::string& path, ByteView body, const std::string& fields = "") {
    const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return request("POST " + path, length + fields, body);
}

template <typename World>
class HttpServer : public testing::Test {
protected:
    HttpServer() {
        routes.routes["/hello"] = [](const wire::HttpRequestHead&, ResponsePtr response) {
            response->respond(200, {{"Content-Type", "text/plain"}}, "hello");
            return nullptr;
        };
        routes.routes["/echo"] = [](const wire::HttpRequestHead&, ResponsePtr response) {
            return collect_body(1000, [response](std::string body) {
                response->respond(200, {}, std::move(body));
            });
        };
        routes.routes["/stream"] = [](const wire::HttpRequestHead&, ResponsePtr response) {
            auto sink = std::make_unique<LambdaSink>();
            response->begin(200, {{"Content-Type", "text/plain"}});
            sink->body = [response](ByteView piece) {
                response->write(piece);
            };
            sink->complete = [response] {
                response->end();
            };
            return sink;
        };
        routes.routes["/later"] = [this](const wire::HttpRequestHead&, ResponsePtr response) {
            response->on_abandoned([this] { ++abandoned; });
            later = std::move(response);
            return nullptr;
        };
        routes.routes["/dropped"] = [](const wire::HttpRequestHead&, const ResponsePtr&) {
            return nullptr;
        };
    }

    void start(const ServerOptions& options = {}) {
        const auto address = io::Address::parse("127.0.0.1", 0);
        auto made =
            Server::start(world.loop(), world.network(), address.value(), nullptr, routes, options);
        ASSERT_TRUE(made.ok()) << made.error().message;
        server = std::move(made).value();
    }

    void connect(RawPeer& to) { to.connect(world.loop(), world.network(), server->address()); }

    /// Everything the server says to `text` until it closes; a last request asks it to.
    std::string conversation(const std::string& text) {
        RawPeer one;
        connect(one);
        one.send(text);
        EXPECT_TRUE(world.run_until([&] { return one.over; })) << one.received;
        return one.received;
    }

    bool run_until_received(RawPeer& one, const std::string& what) {
        return world.run_until([&] { return one.received.find(what) != std::string::npos; });
    }

    World world;
    Routes routes;
    ResponsePtr later;
    int abandoned = 0;
    std::unique_ptr<Server> server;
};

using Worlds = testing::Types<RealWorld, SimulatedWorld>;
TYPED_TEST_SUITE(HttpServer, Worlds);

constexpr const char* kClose = "Connection: close\r\n";

/// The bodies of the answers in a conversation, without their heads.
std::string bodies(std::string text) {
    std::string out;
    for (;;) {
        const std::size_t head = text.find("\r\n\r\n");
        if (head == std::string::npos) {
            return out + text;
        }
        const std::size_t next = text.find("HTTP/1.1 ", head);
        out += text.substr(9, 3) + " ";
        out += text.substr(head + 4, next == std::string::npos ? next : next - head - 4) + "|";
        if (next == std::string::npos) {
            return out;
        }
        text = text.substr(next);
    }
}

TYPED_TEST(HttpServer, AnswersARequest) {
    this->start();
    const std::string text = this->conversation(request("GET /hello", kClose));
    EXPECT_EQ(text.substr(0, 17), "HTTP/1.1 200 OK\r\n");
    EXPECT_NE(text.find("Content-Type: text/plain\r\n"), std::string::npos);
    EXPECT_NE(text.find("Content-Length: 5\r\n"), std::string::npos);
    EXPECT_NE(text.find("Connection: close\r\n"), std::string::npos);
    EXPECT_NE(text.find("Date: "), std::string::npos);
    EXPECT_EQ(bodies(text), "200 hello|");
    EXPECT_EQ(this->server->stats().requests, 1U);
}

TYPED_TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
    this->start();
    std::string text;
    for (int i = 0; i < 50; ++i) {
        text += post("/echo", "body " + std::to_string(i)) + request("GET /hello");
    }
    std::string expected;
    for (int i = 0; i < 50; ++i) {
        expected += "200 body " + std::to_string(i) + "|200 hello|";
    }
    const std::string answers = this->conversation(text + request("GET /nowhere", kClose));
    EXPECT_EQ(bodies(answers), expected + "404 {\"message\":\"Not Found\"}|");
}

TYPED_TEST(HttpServer, PipelinedRequestsWaitForALateAnswer) {
    this->start();
    RawPeer one;
    this->connect(one);
    one.send(request("GET /later") + request("GET /hello", kClose));
    ASSERT_TRUE(this->world.run_until([&] { return this->later != nullptr; }));
    EXPECT_EQ(one.received, "");
    this->later->respond(201, {}, "late");
    EXPECT_FALSE(this->later->alive());
    ASSERT_TRUE(this->world.run_until([&] { return one.over; }));
    EXPECT_EQ(bodies(one.received), "201 late|200 hello|");
    EXPECT_EQ(this->abandoned, 0);
}

TYPED_TEST(HttpServer, StreamsBothWays) {
    this->start();
    const std::string text = this->conversation(request(
        "POST /stream",
        std::string("Transfer-Encoding: chunked\r\n") + kClose,
        "5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n"
    ));
    EXPECT_NE(text.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    wire::HttpResponseParser parser;
    ByteView input = text;
    std::string body;
    for (wire::HttpEvent e = parser.next(input); e != wire::HttpEvent::kComplete;
         e = parser.next(input)) {
        ASSERT_NE(e, wire::HttpEvent::kError);
        ASSERT_NE(e, wire::HttpEvent::kNeedMore);
        body += e == wire::HttpEvent::kBody ? parser.body() : "";
    }
    EXPECT_EQ(body, "hello, world");
}

TYPED_TEST(HttpServer, SpeaksHttp10) {
    this->start();
    EXPECT_EQ(bodies(this->conversation("GET /hello HTTP/1.0\r\n\r\n")), "200 hello|");
    const std::string streamed =
        this->conversation("POST /stream HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi");
    EXPECT_EQ(bodies(streamed), "200 hi|");
    EXPECT_EQ(streamed.find("chunked"), std::string::npos);
    const std::string kept = this->conversation(
        "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /hello HTTP/1.0\r\n\r\n"
    );
    EXPECT_EQ(bodies(kept), "200 hello|200 hello|");
}

TYPED_TEST(HttpServer, AnswersHeadWithoutABody) {
    this->start();
    const std::string text =
        this->conversation(request("HEAD /hello") + request("HEAD /nowhere", kClose));
    EXPECT_NE(text.find("Content-Length: 5\r\n"), std::string::npos);
    EXPECT_EQ(bodies(text), "200 |404 |");
}

TYPED_TEST(HttpServer, RefusesMalformedRequestsWithAMessage) {
    this->start();
    EXPECT_EQ(
        bodies(this->conversation("GET / HTTP/1.1\r\n\r\n")),
        R"(400 {"message":"missing Host"}|)"
    );
    EXPECT_EQ(
        bodies(this->conversation(request("BREW /pot"))),
        R"(501 {"message":"method not supported"}|)"
    );
    EXPECT_EQ(
        bodies(this->conversation("GET / HTTP/3.0\r\n\r\n")),
        R"(505 {"message":"HTTP version not supported"}|)"
    );
    EXPECT_EQ(
        bodies(this->conversation("GET /" + std::string(9000, 'x'))),
        R"(414 {"message":"request line too long"}|)"
    );
    EXPECT_EQ(
        bodies(this->conversation(request("GET /", "A: " + std::string(20000, 'x')))),
        R"(431 {"message":"header fields too large"}|)"
    );
    EXPECT_EQ(
        bodies(this->conversation(request("GET /hello") + "\x16\x03\x01")),
        "200 hello|"
        R"(400 {"message":"not an HTTP message"}|)"
    );
    EXPECT_EQ(this->server->stats().refusals, 6U);
}

TYPED_TEST(HttpServer, RefusesLargeBodies) {
    this->start();
    const std::string refused = R"(413 {"message":"body too large"}|)";
    EXPECT_EQ(bodies(this->conversation(post("/echo", std::string(1001, 'x')))), refused);
    EXPECT_EQ(
        bodies(this->conversation(request(
            "POST /echo",
            "Transfer-Encoding: chunked\r\n",
            "3E8\r\n" + std::string(1000, 'x') + "\r\n1\r\nx\r\n"
        ))),
        refused
    );
    EXPECT_EQ(
        bodies(this->conversation(post("/echo", std::string(1000, 'x'), kClose))),
        "200 " + std::string(1000, 'x') + "|"
    );
}

TYPED_TEST(HttpServer, SendsContinueWhenTheBodyIsWanted) {
    this->start();
    RawPeer one;
    this->connect(one);
    one.send(request("POST /echo", "Expect: 100-continue\r\nContent-Length: 2\r\n"));
    ASSERT_TRUE(this->run_until_received(one, "HTTP/1.1 100 Continue\r\n\r\n"));
    one.send("hi");
    ASSERT_TRUE(this->run_until_received(one, "200 OK"));
    const std::string unwanted =
        this->conversation(request("POST /nowhere", "Expect: 100-continue\r\nContent-Length: 2\r\n")
        );
    EXPECT_EQ(unwanted.find("100 Continue"), std::string::npos);
    EXPECT_NE(unwanted.find("Connection: close"), std::string::npos);
    const std::string large =
        this->conversation(request("POST /echo", "Expect: 100-continue\r\nContent-Length: 2000\r\n")
        );
    EXPECT_EQ(bodies(large), R"(413 {"message":"body too large"}|)");
}

TYPED_TEST(HttpServer, SurvivesASmallUnwantedBodyAndClosesOnALargeOne) {
    this->start({.drain_bytes_max = 100});
    EXPECT_EQ(
        bodies(this->conversation(
            post("/nowhere", std::string(100, 'x')) + request("GET /hello", kClose)
        )),
        "404 {\"message\":\"Not Found\"}|200 hello|"
    );
    EXPECT_EQ(
        bodies(this->conversation(
            post("/nowhere", std::string(101, 'x')) + request("GET /hello", kClose)
        )),
        "404 {\"message\":\"Not Found\"}|"
    );
}

TYPED_TEST(HttpServer, CompressesWhenAcceptedAndWorthIt) {
    this->start();
    const std::string body(900, 'z');
    const std::string accept = std::string("Accept-Encoding: br, gzip;q=0.5\r\n") + kClose;
    const std::string text = this->conversation(post("/echo", body, accept));
    EXPECT_NE(text.find("Content-Encoding: gzip\r\n"), std::string::npos);
    EXPECT_NE(text.find("Vary: Accept-Encoding\r\n"), std::string::npos);
    EXPECT_LT(text.size(), 400U);
    EXPECT_EQ(gunzipped(text.substr(text.find("\r\n\r\n") + 4)), body);
    const std::string small = this->conversation(post("/echo", body.substr(0, 255), accept));
    EXPECT_EQ(small.find("Content-Encoding"), std::string::npos);
    const std::string refused = this->conversation(
        post("/echo", body, std::string("Accept-Encoding: gzip;q=0\r\n") + kClose)
    );
    EXPECT_EQ(refused.find("Content-Encoding"), std::string::npos);
}

TYPED_TEST(HttpServer, CompressesStreams) {
    this->start();
    const std::string text = this->conversation(
        "POST /stream HTTP/1.0\r\nAccept-Encoding: gzip\r\nContent-Length: 900\r\n\r\n"
        + std::string(900, 'q')
    );
    EXPECT_NE(text.find("Content-Encoding: gzip\r\n"), std::string::npos);
    EXPECT_EQ(gunzipped(text.substr(text.find("\r\n\r\n") + 4)), std::string(900, 'q'));
}

TYPED_TEST(HttpServer, InflatesGzipBodies) {
    this->start();
    EXPECT_EQ(
        bodies(this->conversation(post("/echo", gzipped("plain text"), kClose))),
        "200 plain text|"
    );
    EXPECT_EQ(
        bodies(this->conversation(post(
            "/echo",
            gzipped("two ") + gzipped("members"),
            std::string("Content-Encoding: gzip\r\n") + kClose
        ))),
        "200 two members|"
    );
    EXPECT_EQ(
        bodies(this->conversation(post("/echo", gzipped(std::string(100000, 'x'))))),
        R"(413 {"message":"inflated body too large"}|)"
    );
    const std::string packed = gzipped("cut short");
    EXPECT_EQ(
        bodies(this->conversation(post("/echo", packed.substr(0, packed.size() - 9)))),
        R"(400 {"message":"the gzip body is cut short"}|)"
    );
    EXPECT_EQ(
        bodies(this->conversation(post("/echo", packed + "junk"))),
        R"(400 {"message":"damaged gzip body"}|)"
    );
    EXPECT_EQ(bodies(this->conversation(post("/echo", "\x1f", kClose))), "200 \x1f|");
    EXPECT_EQ(
        bodies(this->conversation(post("/echo", "x", "Content-Encoding: br\r\n"))),
        R"(415 {"message":"content coding other than gzip"}|)"
    );
}

TYPED_TEST(HttpServer, TellsTheHandlerThatThePeerIsGone) {
    this->start();
    {
        RawPeer one;
        this->connect(one);
        one.send(request("GET /later"));
        ASSERT_TRUE(this->world.run_until([&] { return this->later != nullptr; }));
        EXPECT_TRUE(this->later->alive());
    }
    this->later->begin(200, {});
    ASSERT_TRUE(this->world.run_until([&] {
        this->later->write(std::string(10000, 'x'));
        return this->abandoned == 1;
    }));
    EXPECT_FALSE(this->later->alive());
    this->later->write("ignored");
    this->later->end();
    EXPECT_EQ(this->later->queued_bytes(), 0U);
    int told_late = 0;
    this->later->on_abandoned([&] { ++told_late; });
    EXPECT_TRUE(this->world.run_until([&] { return told_late == 1; }));
}

TYPED_TEST(HttpServer, AnswersForAHandlerThatForgot) {
    this->start();
    EXPECT_EQ(
        bodies(this->conversation(request("GET /dropped"))),
        R"(500 {"message":"the request was not answered"}|)"
    );
}

TYPED_TEST(HttpServer, AbortIsSeenByTheClient) {
    this->start();
    RawPeer one;
    this->connect(one);
    one.send(request("GET /later"));
    ASSERT_TRUE(this->world.run_until([&] { return this->later != nullptr; }));
    this->later->begin(200, {});
    this->later->write("partial");
    ASSERT_TRUE(this->run_until_received(one, "partial"));
    this->later->abort();
    ASSERT_TRUE(this->world.run_until([&] { return one.over; }));
    EXPECT_EQ(one.received.find("\r\n0\r\n"), std::string::npos);
}

TYPED_TEST(HttpServer, AHandlerCanPauseTheBody) {
    ResponsePtr response;
    std::size_t received = 0;
    this->routes.routes["/slow"] = [&](const wire::HttpRequestHead&, ResponsePtr r) {
        response = std::move(r);
        auto sink = std::make_unique<LambdaSink>();
        sink->body = [&](ByteView piece) {
            received += piece.size();
            response->pause_body();
        };
        sink->complete = [&] {
            response->respond(200, {}, std::to_string(received));
        };
        return sink;
    };
    this->start();
    constexpr std::size_t kSize = 4U << 20;
    for (const bool packed : {false, true}) {
        received = 0;
        RawPeer one;
        this->connect(one);
        const std::string body(kSize, 'b');
        one.send(post("/slow", packed ? gzipped(body) : body, kClose));
        int resumes = 0;
        ASSERT_TRUE(this->world.run_until([&] {
            if (received > 0 && !one.over) {
                response->resume_body();
                ++resumes;
            }
            return one.over;
        }));
        EXPECT_GE(resumes, 10);
        EXPECT_EQ(bodies(one.received), "200 " + std::to_string(kSize) + "|");
    }
}

TYPED_TEST(HttpServer, StreamingAnswersWaitForASlowReader) {
    std::size_t written = 0;
    constexpr std::size_t kTotal = 16U << 20;
    this->routes.routes["/export"] = [&](const wire::HttpRequestHead&, ResponsePtr response) {
        response->begin(200, {});
        // The response keeps the callback, and the callback the response, until it is complete.
        const auto more = [&written, response] {
            while (written < kTotal && response->queued_bytes() < kStreamPauseBytes) {
                response->write(std::string(64U << 10, 'e'));
                written += 64U << 10;
            }
            if (written >= kTotal && response->alive()) {
                response->end();
            }
        };
        response->on_writable(more);
        more();
        return nullptr;
    };
    this->start();
    RawPeer one;
    one.reads_nothing = true;
    this->connect(one);
    one.send(request("GET /export", kClose));
    ASSERT_TRUE(this->world.run_until([&] { return written > 0; }));
    std::size_t before = 0;
    int still = 0;
    ASSERT_TRUE(this->world.run_until([&] {
        still = before == written ? still + 1 : 0;
        before = written;
        return still > 10;
    }));
    EXPECT_LT(written, kTotal);
    one.read_again();
    ASSERT_TRUE(this->world.run_until([&] { return one.over; }));
    EXPECT_GT(one.received.size(), kTotal);
    EXPECT_EQ(one.received.substr(one.received.size() - 5), "0\r\n\r\n");
}

TYPED_TEST(HttpServer, CutsAnAnswerThatOutgrowsItsQueue) {
    this->start({.queue_bytes_max = 1U << 20});
    RawPeer one;
    one.reads_nothing = true;
    this->connect(one);
    one.send(request("GET /later"));
    ASSERT_TRUE(this->world.run_until([&] { return this->later != nullptr; }));
    this->later->begin(200, {});
    for (int i = 0; i < 40; ++i) {
        this->later->write(std::string(1U << 18, 'x'));
    }
    EXPECT_LE(this->later->queued_bytes(), 2U << 20);
    EXPECT_TRUE(this->world.run_until([&] { return this->abandoned == 1; }));
}

TYPED_TEST(HttpServer, TimesOut) {
    const auto short_time = std::chrono::milliseconds(60);
    this->start({
        .head_timeout = short_time,
        .idle_timeout = short_time,
        .body_timeout = short_time,
    });
    EXPECT_EQ(this->conversation(""), "");
    EXPECT_EQ(
        bodies(this->conversation("GET / HT")),
        R"(408 {"message":"the request did not arrive in time"}|)"
    );
    EXPECT_EQ(
        bodies(this->conversation(request("POST /echo", "Content-Length: 5\r\n", "12"))),
        R"(408 {"message":"the request did not arrive in time"}|)"
    );
    EXPECT_EQ(bodies(this->conversation(request("GET /hello"))), "200 hello|");
    EXPECT_EQ(this->server->stats().timeouts, 4U);
}

TYPED_TEST(HttpServer, ASlowHeadIsNotSavedByItsBytes) {
    this->start({.head_timeout = std::chrono::milliseconds(80)});
    RawPeer one;
    this->connect(one);
    one.send("G");
    std::function<void()> drip = [&] {
        if (!one.over) {
            one.send("x");
            (void)this->world.loop().add_timer(std::chrono::milliseconds(10), drip);
        }
    };
    drip();
    ASSERT_TRUE(this->world.run_until([&] { return one.over; }));
    EXPECT_EQ(bodies(one.received).substr(0, 3), "408");
}

TYPED_TEST(HttpServer, CutsAPeerThatReadsNothing) {
    this->start({.write_timeout = std::chrono::milliseconds(80)});
    RawPeer one;
    one.reads_nothing = true;
    this->connect(one);
    one.send(request("GET /later"));
    ASSERT_TRUE(this->world.run_until([&] { return this->later != nullptr; }));
    this->later->begin(200, {});
    this->later->write(std::string(16U << 20, 'x'));
    EXPECT_TRUE(this->world.run_until([&] { return this->abandoned == 1; }));
    EXPECT_EQ(this->server->stats().timeouts, 1U);
}

TYPED_TEST(HttpServer, LimitsConnections) {
    this->start({.connections_max = 2});
    RawPeer one;
    RawPeer two;
    this->connect(one);
    this->connect(two);
    ASSERT_TRUE(this->world.run_until([&] { return this->server->stats().connections == 2; }));
    EXPECT_EQ(bodies(this->conversation("")), R"(503 {"message":"too many connections"}|)");
    one.drop();
    ASSERT_TRUE(this->world.run_until([&] { return this->server->stats().connections == 1; }));
    EXPECT_EQ(bodies(this->conversation(request("GET /hello", kClose))), "200 hello|");
    EXPECT_EQ(this->server->stats().connections_refused, 1U);
}

TYPED_TEST(HttpServer, DrainsGracefully) {
    this->start();
    RawPeer idle;
    RawPeer busy;
    this->connect(idle);
    this->connect(busy);
    busy.send(request("GET /later"));
    ASSERT_TRUE(this->world.run_until([&] {
        return this->later != nullptr && this->server->stats().connections == 2;
    }));
    bool drained = false;
    this->server->drain([&] { drained = true; });
    ASSERT_TRUE(this->world.run_until([&] { return idle.over; }));
    EXPECT_FALSE(drained);
    this->later->respond(200, {}, "finished");
    ASSERT_TRUE(this->world.run_until([&] { return busy.over; }));
    EXPECT_NE(busy.received.find("Connection: close"), std::string::npos);
    EXPECT_EQ(bodies(busy.received), "200 finished|");
    idle.drop();
    busy.drop();
    EXPECT_TRUE(this->world.run_until([&] { return drained; }));
}

TYPED_TEST(HttpServer, DestroyingItTellsHandlers) {
    this->start();
    RawPeer one;
    this->connect(one);
    one.send(request("GET /later"));
    ASSERT_TRUE(this->world.run_until([&] { return this->later != nullptr; }));
    this->server.reset();
    EXPECT_EQ(this->abandoned, 1);
    this->later->respond(200, {}, "nobody hears");
    EXPECT_TRUE(this->world.run_until([&] { return one.over; }));
}

TYPED_TEST(HttpServer, AHalfClosedClientGetsItsAnswers) {
    this->start();
    RawPeer one;
    this->connect(one);
    one.send(request("GET /hello") + request("GET /later"));
    ASSERT_TRUE(this->world.run_until([&] { return this->later != nullptr; }));
    one.stream()->close();
    bool turned = false;
    this->world.loop().post([&] { turned = true; });
    ASSERT_TRUE(this->world.run_until([&] { return turned; }));
    EXPECT_TRUE(this->later->alive());
    this->later->respond(200, {}, "bye");
    EXPECT_TRUE(this->world.run_until([&] { return this->server->stats().connections == 0; }));
}

TYPED_TEST(HttpServer, ServesWhatItAdopts) {
    this->server = Server::create(this->world.loop(), nullptr, this->routes);
    auto listener = this->world.network().listen(
        this->world.loop(),
        io::Address::parse("127.0.0.1", 0).value(),
        [&](io::Loop&, std::unique_ptr<io::Stream> s) { this->server->adopt(std::move(s)); },
        {}
    );
    ASSERT_TRUE(listener.ok());
    RawPeer one;
    one.connect(this->world.loop(), this->world.network(), listener.value()->address());
    one.send(request("GET /hello", kClose));
    ASSERT_TRUE(this->world.run_until([&] { return one.over; }));
    EXPECT_EQ(bodies(one.received), "200 hello|");
}

TEST(HttpDate, IsImfFixdate) {
    EXPECT_EQ(
        http_date(WallTime(std::chrono::seconds(784111777))),
        "Sun, 06 Nov 1994 08:49:37 GMT"
    );
    EXPECT_EQ(http_date(WallTime(std::chrono::seconds(0))), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(AcceptsGzip, ReadsWeights) {
    EXPECT_TRUE(accepts_gzip("gzip"));
    EXPECT_TRUE(accepts_gzip("deflate, GZIP ; q=0.1"));
    EXPECT_FALSE(accepts_gzip("gzip;q=0"));
    EXPECT_FALSE(accepts_gzip("gzip; Q=0.000"));
    EXPECT_FALSE(accepts_gzip("identity"));
    EXPECT_FALSE(accepts_gzip("xgzip"));
    EXPECT_FALSE(accepts_gzip(""));
}

}  // namespace
}  // namespace kumo::http
