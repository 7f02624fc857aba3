#pragma once

#include "api/redis/persistence/persistence.h"
#include "api/redis/service.h"
#include "api/redis/state/settings.h"
#include "base/result.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/network.h"
#include "redis/oom_score.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kumo::server {

/// A server that speaks Redis's protocol: one loop, on the thread that calls run().
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

    Result<std::vector<std::unique_ptr<io::Listener>>>
    listen(const std::string& bind, std::uint16_t port);
    Status listen_anew();
    Status change_port();
    Status shut_down(bool save, bool force);

    std::unique_ptr<io::Loop> loop_;
    std::unique_ptr<io::Network> network_;
    api_redis::Settings settings_;
    std::unique_ptr<io::Fs> fs_;
    std::unique_ptr<api_redis::Service> service_;
    std::unique_ptr<api_redis::Persistence> persistence_;
    Status stored_;
    OomScore oom_score_;
    std::vector<std::unique_ptr<io::Listener>> listeners_;
};

/// The whole life of a server in Redis's form: directory, log, pid file, signals. The exit code.
int run_redis(api_redis::Settings settings);

}  // namespace kumo::server
