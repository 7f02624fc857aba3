#include "server.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/system.h"
#include "node_options.h"
#include "store/checkpoint.h"

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

namespace kumo::server {

namespace {

/// How long requests under way may take after the signal.
constexpr auto kDrainTimeout = std::chrono::seconds(10);
constexpr Duration kReadyTimeout = std::chrono::minutes(10);
constexpr Duration kReadyPoll = std::chrono::milliseconds(2);
constexpr Duration kExpiredKeysInterval = std::chrono::seconds(60);
constexpr Duration kAnalyticsInterval = std::chrono::seconds(5);
constexpr store::FileKind kAnalyticsKind = {{'A', 'N', 'A', 'L', 'Y', 'T', 'I', 'C'}, 1};
constexpr std::size_t kPoolQueueMax = 8192;
/// A merge, a copy that arrives, and one that is sent.
constexpr unsigned kBackgroundThreads = 3;
constexpr std::uint64_t kBodyBytesMax = std::uint64_t{1} << 40;  // Each route has its own limit.

/// Runs `task` on the loop's thread and waits until it has.
void run_on(io::Loop& loop, const std::function<void()>& task) {
    std::promise<void> done;
    loop.post([&] {
        task();
        done.set_value();
    });
    done.get_future().wait();
}

std::string analytics_file(const Config& config) {
    return io::join_path(config.analytics_dir, "analytics");
}

api_kumosearch::DialectOptions
dialect_options(const Config& config, SystemMetrics& metrics, const node::Node& node) {
    api_kumosearch::DialectOptions out;
    out.api_key = config.api_key;
    out.enable_cors = config.enable_cors;
    out.cors_domains = config.cors_domains;
    out.filter_by_max_ops = config.filter_by_max_ops;
    out.max_per_page = config.max_per_page;
    out.max_group_limit = config.max_group_limit;
    out.compat_version = config.compat_version;
    out.version = version();
    out.skip_writes = config.skip_writes;
    out.enable_access_logging = config.enable_access_logging;
    out.enable_search_logging = config.enable_search_logging;
    out.log_slow_requests_ms = config.log_slow_requests_ms;
    out.log_slow_searches_ms = config.log_slow_searches_ms;
    out.cache_entries_max = config.cache_entries_max;
    out.health_rusage_api_key = config.health_rusage_api_key;
    out.enable_search_analytics = config.enable_search_analytics;
    out.analytics_minute_rate_limit = config.analytics_minute_rate_limit;
    out.analytics_ttl_seconds = config.analytics_ttl_seconds;
    out.gauges = [&metrics] {
        return metrics.gauges();
    };
    out.metrics = [&metrics, &node] {
        auto all = metrics.read();
        const node::ClusterStatus cluster = node.cluster_status();
        all.emplace_back("kumosearch_peers_refused", std::to_string(cluster.peers_refused));
        all.emplace_back("kumosearch_dials_failed", std::to_string(cluster.dials_failed));
        return all;
    };
    return out;
}

}  // namespace

const char* version() {
    return KUMO_VERSION;
}

Server::Server(const Config& config, io::Fs& fs)
    : config_(config),
      fs_(fs),
      metrics_(config.data_dir),
      network_(io::make_system_network()),
      pool_(io::make_system_worker_pool(
          {.name = "search", .threads = config.pool_threads, .queue_jobs_max = kPoolQueueMax}
      )),
      background_(io::make_system_worker_pool(
          {.name = "background", .threads = kBackgroundThreads, .background = true}
      )),
      resolver_(io::make_system_resolver()),
      data_loop_(io::make_system_loop()),
      control_loop_(io::make_system_loop()) {}

Result<std::unique_ptr<Server>> Server::start(const Config& config, io::Fs& fs) {
    std::unique_ptr<Server> server(new Server(config, fs));
    KUMO_TRY(server->open_data());
    KUMO_TRY(server->open_tls());
    server->start_data_threads();
    if (config.cluster.nodes_file.empty()) {
        KUMO_TRY(server->wait_until_it_serves());
    }
    KUMO_TRY(server->listen());
    server->start_threads();
    if (config.elastic.enabled) {
        KUMO_TRY_ASSIGN(
            server->elastic_,
            ElasticFront::start(config, *server->node_, *server->network_, fs)
        );
    }
    return server;
}

Status Server::open_data() {
    KUMO_TRY_ASSIGN(
        node_,
        node::Node::open(
            node_options(config_),
            {fs_,
             *network_,
             *resolver_,
             *data_loop_,
             *control_loop_,
             *pool_,
             *background_,
             system_clock()}
        )
    );
    auto options = dialect_options(config_, metrics_, *node_);
    KUMO_TRY_ASSIGN(options.analytics_pending, read_analytics());
    dialect_ = std::make_unique<api_kumosearch::Dialect>(
        *node_,
        *pool_,
        system_clock(),
        std::move(options)
    );
    return {};
}

void Server::start_data_threads() {
    data_thread_ = std::make_unique<io::Thread>("data", [this] { data_loop_->run(); });
    control_thread_ = std::make_unique<io::Thread>("control", [this] { control_loop_->run(); });
}

/// What is damaged is said before anybody is answered.
Status Server::wait_until_it_serves() {
    const MonotonicTime begin = system_clock().monotonic_now();
    const auto waited = [begin] {
        return system_clock().monotonic_now() - begin;
    };
    node::Health health = node_->health();
    while (!health.ok && health.broken.empty() && waited() < kReadyTimeout) {
        std::this_thread::sleep_for(kReadyPoll);
        health = node_->health();
    }
    if (!health.broken.empty()) {
        return corruption(health.broken);
    }
    log_info(
        "opened " + config_.data_dir + " with " + std::to_string(node_->collections().size())
        + " collections in "
        + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(waited()).count())
        + " ms"
    );
    return {};
}

void Server::stop_data_threads() {
    if (control_thread_ != nullptr) {
        control_loop_->stop();
        control_thread_->join();
        data_loop_->stop();
        data_thread_->join();
    }
}

Status Server::open_tls() {
    if (config_.certificate.empty()) {
        return {};
    }
    KUMO_TRY_ASSIGN(
        tls_,
        io::TlsContext::server(fs_, {config_.certificate, config_.certificate_key})
    );
    return {};
}

/// Connections are accepted on the first loop and spread over all.
Status Server::listen() {
    http::ServerOptions options;
    options.limits.body_bytes_max = kBodyBytesMax;
    io::ListenOptions listen_options;
    for (unsigned i = 0; i < config_.network_threads; ++i) {
        Front front;
        front.loop = io::make_system_loop();
        front.server = http::Server::create(*front.loop, tls_.get(), *dialect_, options);
        listen_options.serve_loops.push_back(front.loop.get());
        fronts_.push_back(std::move(front));
    }
    const auto accept = [this](io::Loop& loop, std::unique_ptr<io::Stream> stream) {
        for (const Front& front : fronts_) {
            if (front.loop.get() == &loop && front.server != nullptr) {
                front.server->adopt(std::move(stream));
                return;
            }
        }
    };
    KUMO_TRY_ASSIGN(
        listener_,
        network_->listen(*fronts_.front().loop, config_.api_address, accept, listen_options)
    );
    address_ = listener_->address();
    return {};
}

void Server::start_threads() {
    running_ = true;
    refresh_certificate();
    delete_expired_keys();
    flush_analytics();
    keep_analytics();
    for (std::size_t i = 0; i < fronts_.size(); ++i) {
        io::Loop& loop = *fronts_[i].loop;
        fronts_[i].thread =
            std::make_unique<io::Thread>("http-" + std::to_string(i), [&loop] { loop.run(); });
    }
}

/// On the first connection thread, again and again.
void Server::refresh_certificate() {
    if (tls_ == nullptr) {
        return;
    }
    (void)fronts_.front().loop->add_timer(config_.certificate_refresh, [this] {
        const Status reloaded = tls_->reload(fs_);
        if (!reloaded.ok()) {
            log_error("the certificate stays the old one: " + reloaded.error().message);
        }
        refresh_certificate();
    });
}

/// On the first connection thread, again and again.
void Server::delete_expired_keys() {
    io::Loop& loop = *fronts_.front().loop;
    (void)loop.add_timer(kExpiredKeysInterval, [this, &loop] {
        dialect_->delete_expired_keys(loop);
        delete_expired_keys();
    });
}

/// What was counted and not flushed when the last run ended; empty if there is no file.
Result<std::string> Server::read_analytics() const {
    auto file = store::read_checked_file(fs_, analytics_file(config_), kAnalyticsKind);
    if (file.ok()) {
        return std::move(file.value().bytes);
    }
    if (file.error().code != ErrorCode::kNotFound) {
        // Some counts are no reason not to serve.
        log_error("analytics begin anew: " + file.error().message);
    }
    return std::string();
}

/// On the first connection thread, again and again.
void Server::flush_analytics() {
    io::Loop& loop = *fronts_.front().loop;
    (void)loop.add_timer(config_.analytics_flush, [this, &loop] {
        dialect_->flush_analytics(loop);
        flush_analytics();
    });
}

/// The same. What changed is written by the pool: a kill loses what was counted since.
void Server::keep_analytics() {
    (void)fronts_.front().loop->add_timer(kAnalyticsInterval, [this] {
        const auto pending = dialect_->analytics_changes();
        const std::string path = analytics_file(config_);
        if (pending
            && !pool_->submit([&fs = fs_, path, pending] { write_analytics(fs, path, *pending); }
            ).ok()) {
            write_analytics(fs_, path, *pending);
        }
        keep_analytics();
    });
}

void Server::write_analytics(io::Fs& fs, const std::string& path, const std::string& pending) {
    const Status written = store::write_checked_file(fs, path, kAnalyticsKind, pending);
    if (!written.ok()) {
        log_warn("what was counted for analytics is not stored: " + written.error().message);
    }
}

Server::~Server() {
    stop();
}

void Server::stop() {
    if (!std::exchange(running_, false)) {
        // Never listened: the pool's jobs may still use the node.
        stop_pools();
        stop_data_threads();
        control_thread_.reset();
        return;
    }
    if (elastic_ != nullptr) {
        elastic_->stop();
    }
    drain_connections();
    store_data();
    close_connections();
    stop_pools();
    for (const Front& front : fronts_) {
        front.loop->stop();
        front.thread->join();
    }
    stop_data_threads();
    control_thread_.reset();
    if (const auto pending = dialect_->analytics_changes()) {
        write_analytics(fs_, analytics_file(config_), *pending);
    }
}

void Server::stop_pools() {
    pool_->stop();
    background_->stop();
}

void Server::drain_connections() {
    run_on(*fronts_.front().loop, [this] { listener_.reset(); });
    const auto left = std::make_shared<std::atomic<std::size_t>>(fronts_.size());
    const auto all_done = std::make_shared<std::promise<void>>();
    for (const Front& front : fronts_) {
        front.loop->post([&front, left, all_done] {
            front.server->drain([left, all_done] {
                if (left->fetch_sub(1) == 1) {
                    all_done->set_value();
                }
            });
        });
    }
    if (all_done->get_future().wait_for(kDrainTimeout) != std::future_status::ready) {
        log_warn("some connections are cut: their requests took too long");
    }
}

void Server::store_data() {
    std::promise<void> done;
    node_->shut_down(*fronts_.front().loop, [&done](const Result<bool>& stored) {
        if (!stored.ok()) {
            log_error("what was in memory could not be stored: " + stored.error().message);
        }
        done.set_value();
    });
    done.get_future().wait();
}

void Server::close_connections() {
    for (Front& front : fronts_) {
        run_on(*front.loop, [&front] { front.server.reset(); });
    }
}

}  // namespace kumo::server
