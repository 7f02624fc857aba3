#pragma once

#include "api/kumosearch/dialect.h"
#include "base/result.h"
#include "config.h"
#include "elastic_front.h"
#include "http/server.h"
#include "io/address.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/resolver.h"
#include "io/thread.h"
#include "io/tls.h"
#include "io/worker_pool.h"
#include "node/node.h"
#include "system_metrics.h"

#include <memory>
#include <vector>

namespace kumo::server {

/// The running server: one thread for the data, one for the cluster, some for connections, a pool
/// for searches, and the dialect between them. Thread rule: made, stopped and destroyed on one
/// thread, which must not be one of its own.
class Server {
public:
    /// Begins to serve: a node alone when its data is there, one of several at once, and then it
    /// says itself when it is ready. Errors are for the user.
    static Result<std::unique_ptr<Server>> start(const Config& config, io::Fs& fs);

    /// As after stop().
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Where it listens.
    const io::Address& address() const { return address_; }

    /// Graceful end: answers what is under way, stores what is in memory. Idempotent.
    void stop();

private:
    /// One thread that serves connections.
    struct Front {
        std::unique_ptr<io::Loop> loop;
        std::unique_ptr<http::Server> server;
        std::unique_ptr<io::Thread> thread;
    };

    Server(const Config& config, io::Fs& fs);

    Status open_data();
    Status wait_until_it_serves();
    void start_data_threads();
    void stop_data_threads();
    Status open_tls();
    Status listen();
    void start_threads();
    void refresh_certificate();
    void delete_expired_keys();
    Result<std::string> read_analytics() const;
    void flush_analytics();
    void keep_analytics();
    static void write_analytics(io::Fs& fs, const std::string& path, const std::string& pending);
    void drain_connections();
    void stop_pools();
    void store_data();
    void close_connections();

    const Config config_;
    io::Fs& fs_;
    SystemMetrics metrics_;
    std::unique_ptr<io::Network> network_;
    std::unique_ptr<io::WorkerPool> pool_;
    std::unique_ptr<io::WorkerPool> background_;
    std::unique_ptr<io::Resolver> resolver_;
    std::unique_ptr<io::Loop> data_loop_;
    std::unique_ptr<io::Loop> control_loop_;
    std::unique_ptr<node::Node> node_;
    std::unique_ptr<api_kumosearch::Dialect> dialect_;
    std::unique_ptr<io::TlsContext> tls_;
    std::vector<Front> fronts_;
    std::unique_ptr<io::Listener> listener_;
    std::unique_ptr<ElasticFront> elastic_;  ///< Null: not wanted.
    std::unique_ptr<io::Thread> data_thread_;
    std::unique_ptr<io::Thread> control_thread_;
    io::Address address_;
    bool running_ = false;
};

/// The version of this build.
const char* version();

}  // namespace kumo::server
