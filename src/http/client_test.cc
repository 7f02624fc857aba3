#include "http/client.h"

#include "http/internal/world_test.h"
#include "http/server.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace kumo::http {
namespace {

struct Answer final : ResponseHandler {
    void on_head(const wire::HttpResponseHead& head) override { status = head.status(); }

    void on_body(ByteView piece) override {
        body.append(piece);
        if (then_body) {
            then_body();
        }
    }

    void on_complete() override {
        complete = true;
        if (then_complete) {
            then_complete();
        }
    }

    void on_error(const Error& e) override { error = e; }

    void on_writable() override {
        if (then_writable) {
            then_writable();
        }
    }

    bool over() const { return complete || error.has_value(); }

    int status = 0;
    std::string body;
    bool complete = false;
    std::optional<Error> error;
    std::function<void()> then_body;
    std::function<void()> then_complete;
    std::function<void()> then_writable;
};

template <typename World>
class HttpClient : public testing::Test {
protected:
    HttpClient() {
        routes.routes["/echo"] = [](const wire::HttpRequestHead&, ResponsePtr response) {
            return collect_body(1U << 26, [response](std::string body) {
                response->respond(200, {}, std::move(body));
            });
        };
        routes.routes["/later"] = [this](const wire::HttpRequestHead&, ResponsePtr response) {
            later = std::move(response);
            return nullptr;
        };
        routes.routes["/big"] = [](const wire::HttpRequestHead&, ResponsePtr response) {
            response->respond(200, {}, std::string(4U << 20, 'b'));
            return nullptr;
        };
    }

    void start(io::TlsContext* tls = nullptr, const ServerOptions& options = {}) {
        const auto address = io::Address::parse("127.0.0.1", port);
        auto made =
            Server::start(world.loop(), world.network(), address.value(), tls, routes, options);
        ASSERT_TRUE(made.ok()) << made.error().message;
        server = std::move(made).value();
        port = server->address().port;
    }

    void make_client(const ClientOptions& options = {}, io::TlsContext* tls = nullptr) {
        client = std::make_unique<Client>(
            world.loop(),
            world.network(),
            server->address(),
            "localhost",
            tls,
            options
        );
    }

    /// One exchange from start to end.
    Answer ask(ClientRequest request) {
        Answer answer;
        client->send(std::move(request), answer);
        EXPECT_TRUE(world.run_until([&] { return answer.over(); }));
        return answer;
    }

    World world;
    Routes routes;
    ResponsePtr later;
    std::uint16_t port = 0;
    std::unique_ptr<Server> server;
    std::unique_ptr<Client> client;
};

ClientRequest post(const std::string& target, std::string body) {
    ClientRequest request;
    request.method = wire::HttpMethod::kPost;
    request.target = target;
    request.body = std::move(body);
    return request;
}

ClientRequest get(const std::string& target) {
    ClientRequest request;
    request.target = target;
    return request;
}

using Worlds = testing::Types<RealWorld, SimulatedWorld>;
TYPED_TEST_SUITE(HttpClient, Worlds);

TYPED_TEST(HttpClient, KeepsItsConnection) {
    this->start();
    this->make_client();
    for (int i = 0; i < 10; ++i) {
        const std::string body(static_cast<std::size_t>(i) * 1000, 'x');
        const Answer answer = this->ask(post("/echo", body));
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.body, body);
    }
    EXPECT_EQ(this->ask(get("/nowhere")).status, 404);
    EXPECT_EQ(this->server->stats().connections_accepted, 1U);
}

TYPED_TEST(HttpClient, PutsNumericIpv6HostsInBrackets) {
    this->routes.routes["/host"] = [](const wire::HttpRequestHead& head, ResponsePtr response) {
        response->respond(200, {}, std::string(head.find("Host").value_or("")));
        return nullptr;
    };
    this->start();
    const io::Address address = this->server->address();
    const std::string suffix = ":" + std::to_string(address.port);
    for (const auto& [host, field] : std::map<std::string, std::string>{
             {"::1", "[::1]" + suffix},
             {"127.0.0.1", "127.0.0.1" + suffix},
         }) {
        this->client = std::make_unique<Client>(
            this->world.loop(),
            this->world.network(),
            address,
            host,
            nullptr
        );
        EXPECT_EQ(this->ask(get("/host")).body, field);
    }
}

TYPED_TEST(HttpClient, AnswersToHeadHaveNoBody) {
    this->start();
    this->make_client();
    ClientRequest request = get("/big");
    request.method = wire::HttpMethod::kHead;
    const Answer head = this->ask(std::move(request));
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.body, "");
    EXPECT_EQ(this->ask(get("/big")).body.size(), 4U << 20);
}

TYPED_TEST(HttpClient, StreamsARequestWithBackPressure) {
    this->start();
    this->make_client();
    constexpr std::size_t kTotal = 2U << 20;
    std::size_t sent = 0;
    std::size_t queued_max = 0;
    Answer answer;
    answer.then_writable = [&] {
        std::size_t queued = 0;
        while (sent < kTotal && queued < kStreamPauseBytes) {
            queued = this->client->write(std::string(64U << 10, 's'));
            sent += 64U << 10;
            queued_max = std::max(queued_max, queued);
        }
        if (sent >= kTotal) {
            this->client->end();
        }
    };
    ClientRequest request = post("/echo", "");
    request.streamed = true;
    this->client->send(std::move(request), answer);
    ASSERT_TRUE(this->world.run_until([&] { return answer.over(); }));
    EXPECT_EQ(answer.body.size(), kTotal);
    EXPECT_LE(queued_max, kStreamPauseBytes + (128U << 10));
    EXPECT_EQ(this->ask(get("/nowhere")).status, 404);
}

TYPED_TEST(HttpClient, PausesTheAnswersBody) {
    this->start();
    this->make_client();
    Answer answer;
    answer.then_body = [&] {
        this->client->pause_body();
    };
    this->client->send(get("/big"), answer);
    int resumed = 0;
    ASSERT_TRUE(this->world.run_until([&] {
        if (!answer.body.empty() && !answer.over()) {
            this->client->resume_body();
            ++resumed;
        }
        return answer.over();
    }));
    EXPECT_EQ(answer.body.size(), 4U << 20);
    EXPECT_GE(resumed, 10);
}

TYPED_TEST(HttpClient, ReconnectsWhenTheKeptConnectionIsGone) {
    this->start();
    this->make_client();
    EXPECT_EQ(this->ask(post("/echo", "one")).body, "one");
    this->server.reset();
    this->start();
    EXPECT_EQ(this->ask(get("/echo")).status, 200);
    this->server.reset();
    this->start();
    const Answer once = this->ask(post("/echo", "two"));
    EXPECT_TRUE(once.error.has_value());
    EXPECT_EQ(this->ask(post("/echo", "two")).body, "two");
}

TYPED_TEST(HttpClient, ReportsWhatWentWrong) {
    this->start();
    this->make_client();
    Answer cut;
    this->client->send(get("/later"), cut);
    ASSERT_TRUE(this->world.run_until([&] { return this->later != nullptr; }));
    this->later->begin(200, {});
    this->later->write("x");
    ASSERT_TRUE(this->world.run_until([&] { return cut.body == "x"; }));
    this->later->abort();
    ASSERT_TRUE(this->world.run_until([&] { return cut.over(); }));
    EXPECT_EQ(cut.error->code, ErrorCode::kUnavailable);
    this->server.reset();
    const Answer refused = this->ask(get("/"));
    ASSERT_TRUE(refused.error.has_value());
    EXPECT_EQ(refused.error->code, ErrorCode::kUnavailable);
}

TYPED_TEST(HttpClient, TimesOut) {
    this->start();
    this->make_client({.progress_timeout = std::chrono::milliseconds(50)});
    const Answer answer = this->ask(get("/later"));
    ASSERT_TRUE(answer.error.has_value());
    EXPECT_EQ(answer.error->code, ErrorCode::kTimeout);
    EXPECT_FALSE(this->client->busy());
}

TYPED_TEST(HttpClient, LimitsTheAnswer) {
    this->start();
    this->make_client({.response_bytes_max = 1000});
    const Answer answer = this->ask(get("/big"));
    ASSERT_TRUE(answer.error.has_value());
    EXPECT_EQ(answer.error->code, ErrorCode::kInvalidArgument);
}

TYPED_TEST(HttpClient, CancelIsSilentAndTheNextRequestWorks) {
    this->start();
    this->make_client();
    Answer cancelled;
    this->client->send(get("/later"), cancelled);
    ASSERT_TRUE(this->world.run_until([&] { return this->later != nullptr; }));
    this->client->cancel();
    EXPECT_FALSE(this->client->busy());
    EXPECT_EQ(this->ask(post("/echo", "next")).body, "next");
    EXPECT_FALSE(cancelled.over());
}

TYPED_TEST(HttpClient, ACallbackMayStartTheNextRequest) {
    this->start();
    this->make_client();
    Answer first;
    Answer second;
    first.then_complete = [&] {
        this->client->send(post("/echo", "second"), second);
    };
    this->client->send(post("/echo", "first"), first);
    ASSERT_TRUE(this->world.run_until([&] { return second.over(); }));
    EXPECT_EQ(second.body, "second");
    EXPECT_EQ(this->server->stats().connections_accepted, 1U);
}

TEST(HttpUnderFaults, EveryExchangeEndsOnceWhateverTheNetworkDoes) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        io::SimWorld world(seed);
        const auto loop = world.make_loop();
        io::SimNetwork network(world, {.reset_per_million = 40'000});
        int handled = 0;
        int ended = 0;
        Routes routes;
        routes.routes["/echo"] = [&](const wire::HttpRequestHead&, ResponsePtr response) {
            ++handled;
            response->on_abandoned([&] { ++ended; });
            return collect_body(1U << 26, [&ended, response](std::string body) {
                if (!response->alive()) {
                    return;
                }
                response->respond(200, {}, std::move(body));
                ended += response->alive() ? 0 : 1;
            });
        };
        auto server = Server::start(
            *loop,
            network,
            io::Address::parse("10.0.0.1", 80).value(),
            nullptr,
            routes
        );
        ASSERT_TRUE(server.ok());
        Client client(*loop, network, server.value()->address(), "h", nullptr);
        int answered = 0;
        for (int i = 0; i < 20; ++i) {
            Answer answer;
            const std::string body(world.random().below(20'000), 'x');
            client.send(post("/echo", body), answer);
            for (int steps = 0; !answer.over(); ++steps) {
                ASSERT_TRUE(world.step());
                ASSERT_LT(steps, 1'000'000);
            }
            if (answer.complete) {
                ASSERT_EQ(answer.body, body);
                ++answered;
            }
        }
        client.cancel();
        server.value().reset();
        EXPECT_EQ(handled, ended) << "seed " << seed;
        EXPECT_GT(answered, 0);
    }
}

std::string drained(BIO* bio) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    (void)BIO_free(bio);
    return out;
}

void put(io::Fs& fs, const std::string& path, ByteView bytes) {
    const auto file = fs.open(path, io::OpenMode::kCreate);
    ASSERT_TRUE(file.ok() && file.value()->write(0, bytes).ok());
}

/// Writes a self-signed certificate for localhost and its key.
void make_certificate(io::Fs& fs, const io::TlsServerFiles& files) {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    (void)X509_set_version(certificate, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void)X509_set_pubkey(certificate, key);
    (void)X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_EXTENSION* const names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    (void)X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    ASSERT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
    BIO* const certificate_out = BIO_new(BIO_s_mem());
    BIO* const key_out = BIO_new(BIO_s_mem());
    (void)PEM_write_bio_X509(certificate_out, certificate);
    (void)PEM_write_bio_PrivateKey(key_out, key, nullptr, nullptr, 0, nullptr, nullptr);
    X509_free(certificate);
    EVP_PKEY_free(key);
    put(fs, files.certificate, drained(certificate_out));
    put(fs, files.private_key, drained(key_out));
}

TYPED_TEST(HttpClient, SpeaksTls) {
    std::string directory = testing::TempDir() + "kumo_http_XXXXXX";
    ASSERT_NE(::mkdtemp(directory.data()), nullptr);
    const auto fs = io::make_system_fs();
    const io::TlsServerFiles files{directory + "/cert.pem", directory + "/key.pem"};
    make_certificate(*fs, files);
    auto server_tls = io::TlsContext::server(*fs, files);
    ASSERT_TRUE(server_tls.ok()) << server_tls.error().message;
    auto client_tls = io::TlsContext::client(*fs, {.ca_file = files.certificate});
    ASSERT_TRUE(client_tls.ok()) << client_tls.error().message;
    this->start(server_tls.value().get());
    this->make_client({}, client_tls.value().get());
    EXPECT_EQ(this->ask(post("/echo", "secret")).body, "secret");
    EXPECT_EQ(this->ask(get("/big")).body.size(), 4U << 20);
    EXPECT_EQ(this->server->stats().connections_accepted, 1U);
    this->make_client();  // Plain text to the TLS port.
    EXPECT_TRUE(this->ask(get("/big")).error.has_value());
    EXPECT_TRUE(io::remove_tree(*fs, directory).ok());
}

}  // namespace
}  // namespace kumo::http
