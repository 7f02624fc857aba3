#pragma once

#include "api/kumosearch/dialect.h"
#include "base/assert.h"
#include "http/client.h"
#include "http/server.h"
#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_network.h"
#include "io/sim/sim_worker_pool.h"
#include "io/sim/sim_world.h"
#include "node/node.h"
#include "wire/json.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

/// Test code: the dialect on a real node in the simulated world, asked over the simulated network.
namespace kumo::api_kumosearch {

struct Answer final : http::ResponseHandler {
    void on_head(const wire::HttpResponseHead& head) override {
        status = head.status();
        for (std::size_t i = 0; i < head.field_count(); ++i) {
            const wire::HttpField field = head.field(i);
            headers.append(field.name).append(": ").append(field.value).append("\n");
        }
    }

    void on_body(ByteView piece) override { body.append(piece); }

    void on_complete() override { over = true; }

    void on_writable() override {
        if (writable) {
            std::exchange(writable, nullptr)();
        }
    }

    void on_error(const Error& error) override {
        over = true;
        body = error.message;
        status = 0;
    }

    int status = 0;
    std::string headers;
    std::string body;
    bool over = false;
    std::function<void()> writable;  ///< Called once, when a streamed request may be written.
};

/// The world's clock, which Node::open() wants as one that may change.
class WorldClock final : public Clock {
public:
    explicit WorldClock(const Clock& clock) : clock_(clock) {}

    MonotonicTime monotonic_now() const override { return clock_.monotonic_now(); }

    WallTime wall_now() const override { return clock_.wall_now(); }

private:
    const Clock& clock_;
};

class ApiWorld {
public:
    explicit ApiWorld(DialectOptions options = {.api_key = "root"}, std::uint64_t seed = 1)
        : world_(seed),
          clock_(world_.clock()),
          fs_(world_),
          network_(world_),
          pool_(world_, {.name = "pool", .threads = 1}),
          resolver_(world_),
          data_loop_(world_.make_loop()),
          control_loop_(world_.make_loop()),
          http_loop_(world_.make_loop()),
          client_loop_(world_.make_loop()) {
        KUMO_ASSERT(fs_.mkdir("data").ok());
        node::NodeOptions node_options;
        node_options.data_dir = "data";
        auto opened = node::Node::open(
            node_options,
            {fs_, network_, resolver_, *data_loop_, *control_loop_, pool_, pool_, clock_}
        );
        KUMO_ASSERT(opened.ok());
        node_ = std::move(opened).value();
        while (!node_->health().ok) {
            KUMO_ASSERT(world_.step());
        }
        dialect_ = std::make_unique<Dialect>(*node_, pool_, clock_, std::move(options));
        http::ServerOptions server_options;
        server_options.limits.body_bytes_max = std::uint64_t{1} << 40;
        auto started = http::Server::start(
            *http_loop_,
            network_,
            io::Address::parse("127.0.0.1", 0).value(),
            nullptr,
            *dialect_,
            server_options
        );
        KUMO_ASSERT(started.ok());
        server_ = std::move(started).value();
    }

    ~ApiWorld() {
        server_.reset();
        pool_.stop();
        dialect_.reset();
    }

    ApiWorld(const ApiWorld&) = delete;
    ApiWorld& operator=(const ApiWorld&) = delete;

    std::unique_ptr<http::Client> connect() {
        return std::make_unique<http::Client>(
            *client_loop_,
            network_,
            server_->address(),
            host,
            nullptr
        );
    }

    bool run_until(const std::function<bool()>& done) {
        for (int i = 0; i < 2'000'000 && !done(); ++i) {
            if (!world_.step()) {
                break;
            }
        }
        return done();
    }

    void run_for(Duration span) { world_.run_for(span); }

    /// One request with the given key (empty: none), over a connection of its own.
    Answer ask_as(
        const std::string& key,
        wire::HttpMethod method,
        const std::string& target,
        std::string body = ""
    ) {
        http::ClientRequest request;
        request.method = method;
        request.target = target;
        request.body = std::move(body);
        request.headers = headers;
        if (!key.empty()) {
            request.headers.push_back({"X-TYPESENSE-API-KEY", key});
        }
        const auto client = connect();
        Answer answer;
        client->send(std::move(request), answer);
        EXPECT_TRUE(run_until([&] { return answer.over; }));
        return answer;
    }

    Answer get(const std::string& target) { return ask_as("root", wire::HttpMethod::kGet, target); }

    Answer post(const std::string& target, std::string body) {
        return ask_as("root", wire::HttpMethod::kPost, target, std::move(body));
    }

    Answer put(const std::string& target, std::string body) {
        return ask_as("root", wire::HttpMethod::kPut, target, std::move(body));
    }

    Answer patch(const std::string& target, std::string body) {
        return ask_as("root", wire::HttpMethod::kPatch, target, std::move(body));
    }

    Answer remove(const std::string& target) {
        return ask_as("root", wire::HttpMethod::kDelete, target);
    }

    /// A collection of books with a few documents.
    void add_books() {
        ASSERT_EQ(
            post("/collections", R"({"name": "books", "default_sorting_field": "year", "fields": [
                {"name": "title", "type": "string"},
                {"name": "authors", "type": "string[]", "facet": true},
                {"name": "year", "type": "int32", "facet": true},
                {"name": "rating", "type": "float", "optional": true},
                {"name": "in_print", "type": "bool", "optional": true, "facet": true}]})")
                .status,
            201
        );
        const Answer imported = post(
            "/collections/books/documents/import",
            R"({"id": "1", "title": "The Left Hand of Darkness", "authors": ["Le Guin"], "year": 1969, "rating": 4.5, "in_print": true}
{"id": "2", "title": "The Dispossessed", "authors": ["Le Guin"], "year": 1974, "rating": 4.25, "in_print": true}
{"id": "3", "title": "Good Omens", "authors": ["Pratchett", "Gaiman"], "year": 1990, "in_print": false})"
        );
        ASSERT_EQ(imported.body, "{\"success\":true}\n{\"success\":true}\n{\"success\":true}");
    }

    Dialect& dialect() { return *dialect_; }

    node::Node& node() { return *node_; }

    io::Loop& http_loop() { return *http_loop_; }

    io::SimFs& fs() { return fs_; }

    const Clock& clock() const { return clock_; }

    std::string host = "localhost";
    http::Headers headers;  ///< Of every request.

private:
    io::SimWorld world_;
    WorldClock clock_;
    io::SimFs fs_;
    io::SimNetwork network_;
    io::SimWorkerPool pool_;
    io::SimResolver resolver_;
    std::unique_ptr<io::SimLoop> data_loop_;
    std::unique_ptr<io::SimLoop> control_loop_;
    std::unique_ptr<io::SimLoop> http_loop_;
    std::unique_ptr<io::SimLoop> client_loop_;
    std::unique_ptr<node::Node> node_;
    std::unique_ptr<Dialect> dialect_;
    std::unique_ptr<http::Server> server_;
};

/// The member of a JSON object, as it is written.
inline std::string member(const std::string& json, std::string_view name) {
    const auto parsed = wire::JsonDocument::parse(json);
    if (!parsed.ok()) {
        return "not JSON: " + json;
    }
    const wire::JsonValue value = parsed.value().root().find(name);
    return value ? std::string(value.raw()) : "";
}

/// The text of {"message": ...}.
inline std::string message(const Answer& answer) {
    const auto parsed = wire::JsonDocument::parse(answer.body);
    if (!parsed.ok()) {
        return "not JSON: " + answer.body;
    }
    const wire::JsonValue value = parsed.value().root().find("message");
    return value && value.is_string() ? std::string(value.as_string()) : "";
}

}  // namespace kumo::api_kumosearch
