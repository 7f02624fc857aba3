#pragma once

#include "http/handler.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_network.h"
#include "io/sim/sim_world.h"
#include "io/stream.h"
#include "io/system.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

/// Test code: the same tests run over real loopback sockets and over the simulated network, which
/// cuts the byte stream at random places.
namespace kumo::http {

class RealWorld {
public:
    io::Loop& loop() { return *loop_; }

    io::Network& network() { return *network_; }

    /// Turns the loop until `done` holds; false if it did not within a generous while.
    bool run_until(const std::function<bool()>& done) {
        const MonotonicTime end = loop_->clock().monotonic_now() + std::chrono::seconds(30);
        check(done, end);
        loop_->run();
        return done();
    }

private:
    void check(const std::function<bool()>& done, MonotonicTime end) {
        if (done() || loop_->clock().monotonic_now() > end) {
            loop_->stop();
            return;
        }
        (void
        )loop_->add_timer(std::chrono::milliseconds(1), [this, &done, end] { check(done, end); });
    }

    std::unique_ptr<io::Loop> loop_ = io::make_system_loop();
    std::unique_ptr<io::Network> network_ = io::make_system_network();
};

class SimulatedWorld {
public:
    explicit SimulatedWorld(std::uint64_t seed = 1)
        : world_(seed), loop_(world_.make_loop()), network_(world_) {}

    io::Loop& loop() { return *loop_; }

    io::Network& network() { return network_; }

    bool run_until(const std::function<bool()>& done) {
        for (int i = 0; i < 1'000'000 && !done(); ++i) {
            if (!world_.step()) {
                break;
            }
        }
        return done();
    }

private:
    io::SimWorld world_;
    std::unique_ptr<io::SimLoop> loop_;
    io::SimNetwork network_;
};

/// A client that sends whatever a test wants and remembers what comes back.
class RawPeer final : public io::StreamHandler {
public:
    void connect(io::Loop& loop, io::Network& network, const io::Address& to) {
        network.connect(
            loop,
            to,
            std::chrono::seconds(5),
            [this](Result<std::unique_ptr<io::Stream>> made) {
                KUMO_ASSERT(made.ok());
                stream_ = std::move(made).value();
                stream_->start(*this);
                if (reads_nothing) {
                    stream_->pause_reading();
                }
                if (!unsent_.empty()) {
                    KUMO_ASSERT(stream_->write(std::exchange(unsent_, "")).ok());
                }
            }
        );
    }

    void send(ByteView bytes) {
        if (stream_ == nullptr) {
            unsent_.append(bytes);
        } else {
            (void)stream_->write(std::string(bytes));  // A closed connection is seen by `over`.
        }
    }

    void drop() { stream_.reset(); }

    void read_again() { stream_->resume_reading(); }

    io::Stream* stream() { return stream_.get(); }

    void on_data(ByteView bytes) override { received.append(bytes); }

    void on_eof() override { over = true; }

    void on_closed(Status why) override {
        over = true;
        reset = !why.ok();
    }

    std::string received;
    bool over = false;   ///< The server sends nothing more.
    bool reset = false;  ///< ... and said so rudely.
    bool reads_nothing = false;

private:
    std::unique_ptr<io::Stream> stream_;
    std::string unsent_;
};

/// A handler whose routes are lambdas.
class Routes final : public RequestHandler {
public:
    using Route = std::function<
        std::unique_ptr<RequestSink>(const wire::HttpRequestHead& head, ResponsePtr response)>;

    std::unique_ptr<RequestSink> on_request(const wire::HttpRequestHead& head, ResponsePtr response)
        override {
        paths.emplace_back(head.path());
        const auto found = routes.find(std::string(head.path()));
        if (found == routes.end()) {
            response->respond_message(404, "Not Found");
            return nullptr;
        }
        return found->second(head, std::move(response));
    }

    std::map<std::string, Route> routes;
    std::vector<std::string> paths;
};

/// A sink made of lambdas.
struct LambdaSink final : RequestSink {
    std::uint64_t body_bytes_max() const override { return limit; }

    void on_body(ByteView piece) override { body(piece); }

    void on_complete() override { complete(); }

    std::uint64_t limit = 1U << 30;
    std::function<void(ByteView)> body = [](ByteView) {
    };
    std::function<void()> complete = [] {
    };
};

}  // namespace kumo::http
