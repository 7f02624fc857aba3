#pragma once

#include "api/redis/cluster/cluster.h"
#include "api/redis/persistence/persistence.h"
#include "api/redis/service.h"
#include "api/redis/state/settings.h"
#include "base/result.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/resolver.h"
#include "io/thread.h"
#include "io/tls.h"
#include "io/worker_pool.h"
#include "node/kv/kv_node.h"
#include "redis/oom_score.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::server {

/// A server that speaks Redis's protocol: one loop, on the thread that calls run(); in a cluster
/// another one, on a thread of its own, for the control plane.
class RedisServer {
public:
    /// Listens; errors are for the user.
    static Result<std::unique_ptr<RedisServer>> start(api_redis::Settings settings);

    ~RedisServer();
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    /// Serves until stop() or SHUTDOWN, then stores what is to be stored.
    Status run();
    /// Ends run(), from any thread, the way SHUTDOWN does; as that setting says. If what is to be
    /// stored cannot be, it goes on.
    void stop(std::string_view setting);

private:
    explicit RedisServer(api_redis::Settings settings);

    Status listen();
    Status open_cluster();
    void wait_for_cluster(MonotonicTime since);
    void end_cluster();
    void end();
    Status shut_down(bool save, bool force);
    using Listeners = std::vector<std::unique_ptr<io::Listener>>;
    /// Port 0: none.
    Result<Listeners> listen_at(const std::string& hosts, std::int64_t port, bool encrypted);
    Status open_tls();
    void follow_settings();
    /// Opens the new port before the old one goes.
    Status move_port(std::string_view setting, bool encrypted, Listeners* listeners);
    Status move_hosts();

    std::unique_ptr<io::Loop> loop_;
    std::unique_ptr<io::Network> network_;
    std::unique_ptr<io::Resolver> resolver_;
    api_redis::Settings settings_;
    std::unique_ptr<io::Fs> fs_;
    std::unique_ptr<api_redis::Service> service_;
    std::unique_ptr<api_redis::Persistence> persistence_;
    Status stored_;
    OomScore oom_score_;

    // As a node of a cluster (cluster-enabled yes); nothing otherwise.
    std::unique_ptr<io::Loop> control_loop_;
    std::unique_ptr<io::WorkerPool> pool_;
    std::unique_ptr<io::WorkerPool> background_;
    std::unique_ptr<api_redis::Cluster> cluster_;
    std::unique_ptr<node::KvNode> node_;
    std::unique_ptr<io::Thread> control_thread_;
    bool ending_ = false;
    std::unique_ptr<io::TlsContext> tls_;  ///< nullptr: there is no TLS port.
    Listeners listeners_;
    Listeners tls_listeners_;
    std::string hosts_;  ///< Where they listen, as `bind` says it.
};

/// The whole life of a server in Redis's form: directory, log, pid file, signals. The exit code.
int run_redis(api_redis::Settings settings);

}  // namespace kumo::server
