#include "io/tls.h"

#include "io/internal/env_test.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <functional>
#include <optional>

namespace kumo::io {
namespace {

struct Pem {
    std::string certificate;
    std::string key;
};

std::string drain(BIO* bio) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    (void)BIO_free(bio);
    return out;
}

/// A self-signed certificate, its key encrypted if there is a password, for localhost and
/// 127.0.0.1.
Pem make_certificate(const char* common_name, const std::string& password = {}) {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    (void)X509_set_version(certificate, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void)X509_set_pubkey(certificate, key);
    X509_NAME* const name = X509_get_subject_name(certificate);
    const auto* const text = reinterpret_cast<const unsigned char*>(common_name);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
    (void)X509_set_issuer_name(certificate, name);
    X509_EXTENSION* const names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    (void)X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    KUMO_ASSERT(X509_sign(certificate, key, EVP_sha256()) > 0);
    BIO* const certificate_out = BIO_new(BIO_s_mem());
    BIO* const key_out = BIO_new(BIO_s_mem());
    (void)PEM_write_bio_X509(certificate_out, certificate);
    (void)PEM_write_bio_PrivateKey(
        key_out,
        key,
        password.empty() ? nullptr : EVP_aes_128_cbc(),
        reinterpret_cast<const unsigned char*>(password.data()),
        static_cast<int>(password.size()),
        nullptr,
        nullptr
    );
    X509_free(certificate);
    EVP_PKEY_free(key);
    return {drain(certificate_out), drain(key_out)};
}

void put(Fs& fs, const std::string& path, ByteView bytes) {
    auto file = fs.open(path, OpenMode::kCreate);
    KUMO_ASSERT(file.ok() && file.value()->write(0, bytes).ok());
}

struct Probe final : StreamHandler {
    std::unique_ptr<Stream> stream;
    std::string received;
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
        received += bytes;
        if (then_data) {
            then_data(bytes);
        }
    }

    void on_eof() override {
        eof = true;
        if (then_eof) {
            then_eof();
        }
    }

    void on_drained() override {
        if (then_drained) {
            then_drained();
        }
    }

    void on_closed(Status why) override { closed = std::move(why); }
};

template <typename Env>
class TlsTest : public testing::Test {
protected:
    void SetUp() override {
        const Pem pem = make_certificate("kumo test");
        files = {path("cert.pem"), path("key.pem")};
        put(env.fs(), files.certificate, pem.certificate);
        put(env.fs(), files.private_key, pem.key);
        auto made = TlsContext::server(env.fs(), files);
        ASSERT_TRUE(made.ok()) << made.error().message;
        server_tls = std::move(made).value();
        auto listening = env.network().listen(
            env.loop(),
            Address::parse("127.0.0.1", 0).value(),
            [this](Loop& /*loop*/, std::unique_ptr<Stream> stream) {
                server.adopt(server_tls->wrap_server(std::move(stream)));
            },
            {}
        );
        ASSERT_TRUE(listening.ok());
        listener = std::move(listening).value();
    }

    std::string path(std::string_view name) { return join_path(env.directory(), name); }

    /// A client that trusts the server's own certificate; `host` as it believes it called.
    void connect(const std::string& host, const TlsClientOptions& options) {
        auto made = TlsContext::client(env.fs(), options);
        ASSERT_TRUE(made.ok()) << made.error().message;
        client_tls = std::move(made).value();
        env.network().connect(
            env.loop(),
            listener->address(),
            std::chrono::seconds(5),
            [this, host](Result<std::unique_ptr<Stream>> stream) {
                ASSERT_TRUE(stream.ok());
                client.adopt(client_tls->wrap_client(std::move(stream).value(), host));
            }
        );
        ASSERT_TRUE(env.run_until([this] { return client.stream != nullptr; }));
    }

    void connect_trusting(const std::string& host) {
        connect(host, {.verify = true, .ca_file = files.certificate});
    }

    void connect_plain() {
        env.network().connect(
            env.loop(),
            listener->address(),
            std::chrono::seconds(5),
            [this](Result<std::unique_ptr<Stream>> stream) {
                ASSERT_TRUE(stream.ok());
                client.adopt(std::move(stream).value());
            }
        );
        ASSERT_TRUE(env.run_until([this] { return client.stream != nullptr; }));
    }

    Env env;
    TlsServerFiles files;
    std::unique_ptr<TlsContext> server_tls;
    std::unique_ptr<TlsContext> client_tls;
    Probe server;
    Probe client;
    std::unique_ptr<Listener> listener;
};

using Envs = testing::Types<RealEnv, SimEnv>;
TYPED_TEST_SUITE(TlsTest, Envs);

TYPED_TEST(TlsTest, CarriesBytesBothWays) {
    this->server.then_data = [&](ByteView bytes) {
        EXPECT_TRUE(this->server.stream->write(std::string(bytes)).ok());
    };
    for (const std::string host : {"localhost", "127.0.0.1"}) {
        this->client = Probe();
        this->connect_trusting(host);
        ASSERT_TRUE(this->client.stream->write("hello").ok()) << "before the handshake is done";
        ASSERT_TRUE(this->env.run_until([&] { return this->client.received == "hello"; })) << host;
    }
}

TYPED_TEST(TlsTest, CarriesMuchUnderBackPressure) {
    this->connect_trusting("localhost");
    std::string sent(5'000'000, '\0');
    for (std::size_t i = 0; i < sent.size(); ++i) {
        sent[i] = static_cast<char>(i * 7 + (i >> 9));
    }
    int drained = 0;
    this->client.then_drained = [&] {
        ++drained;
    };
    ASSERT_TRUE(this->client.stream->write(sent).ok());
    EXPECT_EQ(this->client.stream->queued_bytes(), sent.size());
    // The reader stops after each piece and goes on in a later turn.
    this->server.then_data = [&](ByteView) {
        this->server.stream->pause_reading();
        this->env.loop().post([&] { this->server.stream->resume_reading(); });
    };
    ASSERT_TRUE(this->env.run_until([&] { return this->server.received.size() == sent.size(); }));
    EXPECT_TRUE(this->server.received == sent);
    EXPECT_EQ(this->client.stream->queued_bytes(), 0U);
    EXPECT_TRUE(this->env.run_until([&] { return drained > 0; }));
}

TYPED_TEST(TlsTest, ClosesWithAGoodbye) {
    this->connect_trusting("localhost");
    ASSERT_TRUE(this->client.stream->write("last words").ok());
    this->server.then_data = [&](ByteView) {
        EXPECT_TRUE(this->server.stream->write("and mine").ok());
        this->server.stream->close();
    };
    this->client.then_eof = [&] {
        this->client.stream->close();
    };
    ASSERT_TRUE(this->env.run_until([&] {
        return this->server.closed.has_value() && this->client.closed.has_value();
    }));
    EXPECT_EQ(this->client.received, "and mine");
    EXPECT_TRUE(this->client.eof);
    EXPECT_TRUE(this->server.closed->ok());
    EXPECT_TRUE(this->client.closed->ok());
}

TYPED_TEST(TlsTest, UntrustedCertificateFailsTheHandshake) {
    this->connect("localhost", {.verify = true, .ca_file = ""});
    ASSERT_TRUE(this->env.run_until([&] {
        return this->server.closed.has_value() && this->client.closed.has_value();
    }));
    EXPECT_EQ(this->client.closed->error().code, ErrorCode::kIo);
    EXPECT_NE(this->client.closed->error().message.find("certificate"), std::string::npos);
    EXPECT_FALSE(this->server.closed->ok());
}

TYPED_TEST(TlsTest, WrongNameFailsTheHandshake) {
    this->connect_trusting("example.com");
    ASSERT_TRUE(this->env.run_until([&] { return this->client.closed.has_value(); }));
    EXPECT_FALSE(this->client.closed->ok());
}

TYPED_TEST(TlsTest, UnverifiedClientConnectsToAnything) {
    this->connect("example.com", {.verify = false, .ca_file = ""});
    ASSERT_TRUE(this->client.stream->write("x").ok());
    EXPECT_TRUE(this->env.run_until([&] { return this->server.received == "x"; }));
}

TYPED_TEST(TlsTest, PlainTextOnThePortIsClosed) {
    this->connect_plain();
    ASSERT_TRUE(this->client.stream->write("GET / HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    this->client.then_eof = [&] {
        this->client.stream->close();
    };
    ASSERT_TRUE(this->env.run_until([&] { return this->server.closed.has_value(); }));
    EXPECT_EQ(this->server.closed->error().code, ErrorCode::kIo);
    EXPECT_NE(this->server.closed->error().message.find("http request"), std::string::npos);
}

TYPED_TEST(TlsTest, TruncatedHandshakeIsClosed) {
    this->connect_plain();
    ASSERT_TRUE(this->client.stream->write(std::string("\x16\x03\x01\x02\x00\x01", 6)).ok());
    this->client.stream->close();
    ASSERT_TRUE(this->env.run_until([&] { return this->server.closed.has_value(); }));
    EXPECT_EQ(this->server.closed->error().code, ErrorCode::kIo);
}

TYPED_TEST(TlsTest, OwnerMayDestroyItInItsCallbacks) {
    this->connect_trusting("localhost");
    this->server.then_data = [&](ByteView) {
        this->server.stream.reset();
    };
    ASSERT_TRUE(this->client.stream->write("x").ok());
    ASSERT_TRUE(this->env.run_until([&] { return this->client.closed.has_value(); }));
    EXPECT_FALSE(this->server.closed.has_value());
}

TYPED_TEST(TlsTest, ReloadsItsFilesAndRefusesBadOnes) {
    const Pem other = make_certificate("another");
    put(this->env.fs(), this->files.private_key, other.key);
    const Status mixed = this->server_tls->reload(this->env.fs());
    ASSERT_FALSE(mixed.ok());
    EXPECT_NE(mixed.error().message.find("key.pem"), std::string::npos);
    put(this->env.fs(), this->files.certificate, other.certificate);
    ASSERT_TRUE(this->server_tls->reload(this->env.fs()).ok());
    this->connect_trusting("localhost");
    ASSERT_TRUE(this->client.stream->write("x").ok());
    EXPECT_TRUE(this->env.run_until([&] { return this->server.received == "x"; }));
    put(this->env.fs(), this->files.certificate, "no certificate");
    EXPECT_FALSE(this->server_tls->reload(this->env.fs()).ok());
    EXPECT_FALSE(TlsContext::server(this->env.fs(), {this->path("none"), this->path("none")}).ok());
}

TYPED_TEST(TlsTest, AClientsCertificateCanBeOptional) {
    const Pem known = make_certificate("known");
    const Pem foreign = make_certificate("foreign");
    for (const auto& [name, pem] : {std::pair("known", known), std::pair("foreign", foreign)}) {
        put(this->env.fs(), this->path(std::string(name) + ".pem"), pem.certificate);
        put(this->env.fs(), this->path(std::string(name) + ".key"), pem.key);
    }
    this->files.client_ca = this->path("known.pem");
    for (const bool optional : {true, false}) {
        this->files.client_may_be_unknown = optional;
        this->server_tls = TlsContext::server(this->env.fs(), this->files).value();
        for (const std::string who : {"", "known", "foreign"}) {
            this->server = Probe();
            this->client = Probe();
            TlsClientOptions options{.verify = true, .ca_file = this->files.certificate};
            if (!who.empty()) {
                options.certificate = this->path(who + ".pem");
                options.private_key = this->path(who + ".key");
            }
            this->connect("localhost", options);
            // Who is not welcome may have been told so already.
            const bool sent = this->client.stream->write("x").ok();
            EXPECT_TRUE(sent || who != "known");
            ASSERT_TRUE(this->env.run_until([&] {
                return this->server.received == "x" || this->server.closed.has_value();
            }));
            const bool welcome = who == "known" || (who.empty() && optional);
            EXPECT_EQ(this->server.received, welcome ? "x" : "") << who << optional;
        }
    }
}

TYPED_TEST(TlsTest, AKeyCanHaveAPassword) {
    const Pem pem = make_certificate("kumo test", "secret");
    put(this->env.fs(), this->files.certificate, pem.certificate);
    put(this->env.fs(), this->files.private_key, pem.key);
    for (const std::string password : {"", "wrong", "secret"}) {
        this->files.key_password = password;
        EXPECT_EQ(TlsContext::server(this->env.fs(), this->files).ok(), password == "secret");
    }
}

TYPED_TEST(TlsTest, AlgorithmsAreThoseAskedFor) {
    const auto opens = [this](const TlsAlgorithms& algorithms) {
        this->files.algorithms = algorithms;
        return TlsContext::server(this->env.fs(), this->files).ok();
    };
    EXPECT_TRUE(opens({"TLSv1.2 TLSv1.3", "HIGH:!aNULL", "TLS_AES_128_GCM_SHA256", true}));
    EXPECT_FALSE(opens({"TLSv1.1", "", "", false}));
    EXPECT_FALSE(opens({" ", "", "", false}));
    EXPECT_FALSE(opens({"", "nonsense", "", false}));
    EXPECT_FALSE(opens({"", "", "nonsense", false}));
    ASSERT_TRUE(opens({"TLSv1.3", "", "", false}));
    this->server_tls = TlsContext::server(this->env.fs(), this->files).value();
    this->connect_trusting("localhost");
    ASSERT_TRUE(this->client.stream->write("x").ok());
    EXPECT_TRUE(this->env.run_until([&] { return this->server.received == "x"; }));
}

TEST(TlsSim, SilentClientIsClosedInTime) {
    SimEnv env;
    const Pem pem = make_certificate("kumo test");
    put(env.fs(), "/test/c", pem.certificate);
    put(env.fs(), "/test/k", pem.key);
    auto tls = TlsContext::server(env.fs(), {"/test/c", "/test/k"});
    ASSERT_TRUE(tls.ok());
    Probe server;
    Probe client;
    auto listener = env.network().listen(
        env.loop(),
        Address::parse("10.0.0.1", 443).value(),
        [&](Loop&, std::unique_ptr<Stream> stream) {
            server.adopt(tls.value()->wrap_server(std::move(stream)));
        },
        {}
    );
    env.network().connect(
        env.loop(),
        listener.value()->address(),
        std::chrono::seconds(1),
        [&](Result<std::unique_ptr<Stream>> stream) { client.adopt(std::move(stream).value()); }
    );
    ASSERT_TRUE(env.run_until([&] { return server.closed.has_value(); }));
    EXPECT_EQ(server.closed->error().code, ErrorCode::kTimeout);
    EXPECT_GE(env.world().clock().monotonic_now().time_since_epoch(), kTlsHandshakeTimeout);
}

}  // namespace
}  // namespace kumo::io
