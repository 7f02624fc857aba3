#pragma once

#include "base/result.h"
#include "cli/endpoint.h"
#include "cli/session.h"
#include "io/system.h"

#include <functional>
#include <memory>
#include <vector>

namespace kumo::cli {

/// The servers of a cluster on one loop. Loop-owned; outlives its callers.
class Fleet {
public:
    /// Errors as for open_session().
    static Result<std::unique_ptr<Fleet>> open(const std::vector<ConnectionOptions>& servers);

    io::Loop& loop() { return *loop_; }

    MonotonicTime now() const { return loop_->clock().monotonic_now(); }

    std::size_t size() const { return servers_.size(); }

    const BaseUrl& url(std::size_t server) const { return servers_[server].url; }

    /// One request, waited for with the loop running. Nothing else may be under way.
    Result<Answer> ask(std::size_t server, Ask what, const BodySink& sink = {});

    /// The next server after `server`, in turn, that has not failed lately; the very next one if
    /// all have.
    std::size_t next_after(std::size_t server) const;

    void failed(std::size_t server) { failed_at_[server] = now(); }

private:
    friend class Caller;

    std::unique_ptr<http::Client> client(std::size_t server);
    http::ClientRequest request(std::size_t server, Ask what) const;

    std::vector<ConnectionOptions> servers_;
    std::unique_ptr<io::Loop> loop_ = io::make_system_loop();
    std::unique_ptr<io::Network> network_ = io::make_system_network();
    std::unique_ptr<io::Fs> fs_ = io::make_system_fs();
    std::unique_ptr<io::Resolver> resolver_ = io::make_system_resolver();
    std::vector<Endpoint> endpoints_;
    std::vector<MonotonicTime> failed_at_;
};

/// Asks one thing at a time, of any server of a fleet. Loop-owned.
class Caller {
public:
    using Done = std::function<void(const Result<Answer>&)>;

    explicit Caller(Fleet& fleet);
    ~Caller();
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    /// Requires that the answer before has come. `done` is called in a later turn.
    void ask(std::size_t server, Ask what, Done done, const BodySink& sink = {});

private:
    class Exchange;

    Fleet& fleet_;
    std::unique_ptr<Exchange> exchange_;
    std::vector<std::unique_ptr<http::Client>> clients_;  ///< One a server, made when needed.
};

}  // namespace kumo::cli
