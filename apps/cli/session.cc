#include "cli/session.h"

#include "cli/answer_handler.h"
#include "cli/endpoint.h"
#include "io/system.h"

#include <optional>

namespace kumo::cli {
namespace {

constexpr Duration kIdleMax = std::chrono::seconds(2);

/// Hears one answer and ends the loop's run.
class Exchange final : public AnswerHandler {
public:
    Exchange(io::Loop& loop, const BodySink& sink) : AnswerHandler(sink), loop_(loop) {}

    void on_complete() override { loop_.stop(); }

    void on_error(const Error& error) override {
        error_ = error;
        loop_.stop();
    }

    Result<Answer> take() {
        if (error_) {
            return *std::move(error_);
        }
        return std::move(answer_);
    }

private:
    io::Loop& loop_;
    std::optional<Error> error_;
};

class HttpSession final : public Session {
public:
    explicit HttpSession(const ConnectionOptions& options) : options_(options) {}

    Status open() {
        KUMO_TRY_ASSIGN(endpoint_, find_endpoint(*loop_, *resolver_, *fs_, options_));
        return {};
    }

    Result<Answer> ask(Ask what, const BodySink& sink) override {
        drop_idle_connection();
        for (;;) {
            Exchange exchange(*loop_, sink);
            client().send(make_request(options_, what.method, what.target, what.body), exchange);
            loop_->run();
            auto answer = exchange.take();
            used_at_ = now();
            if (answer.ok() || reached_ || address_ + 1 == endpoint_.addresses.size()) {
                reached_ = reached_ || answer.ok();
                return answer;
            }
            ++address_;
            client_.reset();
        }
    }

    MonotonicTime now() const override { return loop_->clock().monotonic_now(); }

    void wait(Duration span) override {
        (void)loop_->add_timer(span, [this] { loop_->stop(); });
        loop_->run();
    }

    const BaseUrl& url() const override { return options_.url; }

private:
    http::Client& client() {
        if (!client_) {
            client_ = std::make_unique<http::Client>(
                *loop_,
                *network_,
                endpoint_.addresses[address_],
                options_.url.host,
                endpoint_.tls.get()
            );
        }
        return *client_;
    }

    /// The server may be about to close it, and what is not idempotent is never sent twice.
    void drop_idle_connection() {
        if (now() - used_at_ > kIdleMax) {
            client_.reset();
        }
    }

    ConnectionOptions options_;
    std::unique_ptr<io::Loop> loop_ = io::make_system_loop();
    std::unique_ptr<io::Network> network_ = io::make_system_network();
    std::unique_ptr<io::Fs> fs_ = io::make_system_fs();
    std::unique_ptr<io::Resolver> resolver_ = io::make_system_resolver();
    Endpoint endpoint_;
    std::size_t address_ = 0;
    bool reached_ = false;  ///< This address has answered once.
    MonotonicTime used_at_;
    std::unique_ptr<http::Client> client_;
};

}  // namespace

Result<std::unique_ptr<Session>> open_session(const ConnectionOptions& options) {
    auto session = std::make_unique<HttpSession>(options);
    KUMO_TRY(session->open());
    return std::unique_ptr<Session>(std::move(session));
}

}  // namespace kumo::cli
