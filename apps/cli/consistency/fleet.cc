#include "cli/consistency/fleet.h"

#include "base/assert.h"
#include "cli/answer_handler.h"

#include <optional>

namespace kumo::cli {
namespace {

/// Somebody waits: a server that says nothing for so long is taken for gone.
constexpr http::ClientOptions kPatience{
    .connect_timeout = std::chrono::seconds(1),
    .progress_timeout = std::chrono::seconds(3),
};

constexpr Duration kShunned = std::chrono::seconds(1);

}  // namespace

Result<std::unique_ptr<Fleet>> Fleet::open(const std::vector<ConnectionOptions>& servers) {
    auto fleet = std::make_unique<Fleet>();
    fleet->servers_ = servers;
    fleet->failed_at_.assign(servers.size(), fleet->now() - 2 * kShunned);
    for (const ConnectionOptions& server : servers) {
        Endpoint endpoint;
        KUMO_TRY_ASSIGN(
            endpoint,
            find_endpoint(*fleet->loop_, *fleet->resolver_, *fleet->fs_, server)
        );
        fleet->endpoints_.push_back(std::move(endpoint));
    }
    return fleet;
}

Result<Answer> Fleet::ask(std::size_t server, Ask what, const BodySink& sink) {
    Caller caller(*this);
    std::optional<Result<Answer>> answer;
    caller.ask(
        server,
        std::move(what),
        [&](const Result<Answer>& result) {
            answer = result;
            loop_->stop();
        },
        sink
    );
    loop_->run();
    return std::move(*answer);
}

std::size_t Fleet::next_after(std::size_t server) const {
    for (std::size_t step = 1; step <= size(); ++step) {
        const std::size_t candidate = (server + step) % size();
        if (now() - failed_at_[candidate] > kShunned) {
            return candidate;
        }
    }
    return (server + 1) % size();
}

std::unique_ptr<http::Client> Fleet::client(std::size_t server) {
    return std::make_unique<http::Client>(
        *loop_,
        *network_,
        endpoints_[server].addresses.front(),
        servers_[server].url.host,
        endpoints_[server].tls.get(),
        kPatience
    );
}

http::ClientRequest Fleet::request(std::size_t server, Ask what) const {
    return make_request(
        servers_[server],
        what.method,
        std::move(what.target),
        std::move(what.body)
    );
}

/// Hears one answer.
class Caller::Exchange final : public AnswerHandler {
public:
    void begin(Done done, const BodySink& sink) {
        answer_ = {};
        done_ = std::move(done);
        sink_ = sink;
    }

    void on_complete() override { finish(std::move(answer_)); }

    void on_error(const Error& error) override { finish(error); }

private:
    /// `done` may ask the next thing.
    void finish(const Result<Answer>& result) { std::exchange(done_, nullptr)(result); }

    Done done_;
};

Caller::Caller(Fleet& fleet)
    : fleet_(fleet), exchange_(std::make_unique<Exchange>()), clients_(fleet.size()) {}

Caller::~Caller() = default;

void Caller::ask(std::size_t server, Ask what, Done done, const BodySink& sink) {
    auto& client = clients_[server];
    if (!client) {
        client = fleet_.client(server);
    }
    KUMO_ASSERT(!client->busy());
    exchange_->begin(std::move(done), sink);
    client->send(fleet_.request(server, std::move(what)), *exchange_);
}

}  // namespace kumo::cli
