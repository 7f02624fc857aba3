#include "redis/redis_server.h"

#include "api/redis/access.h"
#include "api/redis/replication/replication.h"
#include "base/log.h"
#include "io/address.h"
#include "io/system.h"
#include "io/thread.h"
#include "redis/allocator.h"
#include "redis/redis_options.h"
#include "server.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kumo::server {

namespace {

std::vector<std::string> bind_hosts(const std::string& bind) {
    std::vector<std::string> hosts;
    wire::split_quoted(bind, &hosts);
    return hosts.empty() ? std::vector<std::string>{"*", "-::*"} : hosts;
}

}  // namespace

RedisServer::RedisServer(api_redis::Settings settings)
    : loop_(io::make_system_loop()),
      network_(io::make_system_network()),
      resolver_(io::make_system_resolver()),
      settings_(std::move(settings)),
      fs_(io::make_system_fs()) {
    api_redis::ServiceEnvironment environment{
        .loop = *loop_,
        .shutdown = [this](bool save, bool force) { return shut_down(save, force); },
        .used_memory = thread_used_memory,
        .rewrite_config = rewrite_redis_config,
        .allocator = allocator_access(),
        .port = static_cast<std::uint16_t>(settings_.number("port")),
        .network = network_.get(),
        .resolver = resolver_.get(),
        .fs = fs_.get()};
    service_ = std::make_unique<api_redis::Service>(std::move(environment), settings_);
    persistence_ = std::make_unique<api_redis::Persistence>(*service_, *fs_);
    service_->persistence = persistence_.get();
}

RedisServer::~RedisServer() {
    node_.reset();  // What it has to do with the service and the pools is over.
}

Result<std::unique_ptr<RedisServer>> RedisServer::start(api_redis::Settings settings) {
    std::unique_ptr<RedisServer> server(new RedisServer(std::move(settings)));
    KUMO_TRY(server->service_->access().load_at_start());
    if (server->settings_.flag("cluster-enabled")) {
        KUMO_TRY(server->open_cluster());
    } else {
        KUMO_TRY(server->persistence_->load());
        KUMO_TRY(server->persistence_->start());
    }
    KUMO_TRY(server->oom_score_.apply(server->settings_));
    KUMO_TRY(server->listen());
    if (server->node_ != nullptr) {
        server->wait_for_cluster(system_clock().monotonic_now());
    }
    server->service_->replication().start();
    return server;
}

namespace {

constexpr std::int64_t kBusPortOffset = 10000;
constexpr std::size_t kClusterPoolQueueMax = 1024;
constexpr Duration kClusterPatience = std::chrono::seconds(1);
constexpr Duration kClusterPoll = std::chrono::milliseconds(5);

/// The name under which clients and other nodes reach this one; empty: not known yet.
std::string own_host(const api_redis::Settings& settings) {
    if (!settings.text("cluster-announce-ip").empty()) {
        return settings.text("cluster-announce-ip");
    }
    for (std::string host : bind_hosts(settings.text("bind"))) {
        host = host.starts_with("-") ? host.substr(1) : host;
        const auto address = io::Address::parse(host, 0);
        if (address.ok() && host != "0.0.0.0" && host != "::" && !address.value().is_loopback()) {
            return host;
        }
    }
    return "";
}

std::string address_of(const std::string& host, std::int64_t port) {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::int64_t
first_set(const api_redis::Settings& settings, std::string_view name, std::int64_t other) {
    const std::int64_t value = settings.number(name);
    return value != 0 ? value : other;
}

/// Beside the file that its name comes from, so that what removes `nodes*.conf` begins anew.
std::string cluster_directory(const api_redis::Settings& settings) {
    std::string stem = settings.text("cluster-config-file");
    if (stem.ends_with(".conf")) {
        stem.resize(stem.size() - std::string_view(".conf").size());
    }
    return io::join_path(settings.text("dir"), stem + ".data.conf");
}

}  // namespace

Status RedisServer::open_cluster() {
    const std::int64_t port = settings_.number("port");
    const std::int64_t bus_port = first_set(settings_, "cluster-port", port + kBusPortOffset);
    if (bus_port > UINT16_MAX) {
        return invalid_argument(
            "Redis port number too high for cluster mode: it has to be at most 55535"
        );
    }
    control_loop_ = io::make_system_loop();
    pool_ = io::make_system_worker_pool(
        {.name = "disk", .threads = 1, .queue_jobs_max = kClusterPoolQueueMax}
    );
    background_ =
        io::make_system_worker_pool({.name = "background", .threads = 2, .background = true});
    cluster_ = std::make_unique<api_redis::Cluster>(*service_);
    const std::string host = own_host(settings_);
    node::KvNodeOptions options;
    options.data_dir = cluster_directory(settings_);
    options.cluster.name = settings_.text("cluster-announce-hostname");
    options.cluster.api_address =
        address_of(host, first_set(settings_, "cluster-announce-port", port));
    options.cluster.peering_address =
        address_of(host, first_set(settings_, "cluster-announce-bus-port", bus_port));
    std::string listen_host = bind_hosts(settings_.text("bind")).front();
    listen_host = listen_host == "*" ? "0.0.0.0" : listen_host;
    KUMO_TRY_ASSIGN(
        options.cluster.listen,
        io::Address::parse(listen_host, static_cast<std::uint16_t>(bus_port))
    );
    options.fsync = settings_.text("appendfsync") == "always";
    options.mode = settings_.text("replication-mode") == "async" ? cluster::AckMode::kAsync
                                                                 : cluster::AckMode::kSync;
    KUMO_TRY_ASSIGN(
        node_,
        node::KvNode::open(
            std::move(options),
            {*fs_,
             *network_,
             *resolver_,
             *loop_,
             *control_loop_,
             *pool_,
             *background_,
             system_clock()},
            *cluster_
        )
    );
    if (node_->is_new()) {
        KUMO_TRY(persistence_->load());
    }
    service_->cluster = cluster_.get();
    cluster_->attach(*node_);
    node_->start();
    control_thread_ = std::make_unique<io::Thread>("control", [this] { control_loop_->run(); });
    return {};
}

/// A cluster of one is soon there; whoever connects before that waits. A node that finds nobody of
/// its cluster says so to whoever asks.
void RedisServer::wait_for_cluster(MonotonicTime since) {
    const bool ready = node_->group() != nullptr && node_->has_lease();
    const bool waits = !ready && system_clock().monotonic_now() - since < kClusterPatience;
    for (Listeners* of : {&listeners_, &tls_listeners_}) {
        for (const auto& listener : *of) {
            if (waits) {
                listener->pause();
            } else {
                listener->resume();
            }
        }
    }
    if (waits) {
        (void)loop_->add_timer(kClusterPoll, [this, since] { wait_for_cluster(since); });
    }
}

void RedisServer::end_cluster() {
    if (control_thread_ != nullptr) {
        control_loop_->stop();
        control_thread_->join();
        control_thread_.reset();
    }
}

Status RedisServer::listen() {
    hosts_ = settings_.text("bind");
    KUMO_TRY(open_tls());
    KUMO_TRY_ASSIGN(listeners_, listen_at(hosts_, settings_.number("port"), false));
    KUMO_TRY_ASSIGN(tls_listeners_, listen_at(hosts_, settings_.number("tls-port"), true));
    follow_settings();
    return {};
}

Result<RedisServer::Listeners>
RedisServer::listen_at(const std::string& hosts, std::int64_t port, bool encrypted) {
    Listeners out;
    if (port == 0) {
        return out;
    }
    const auto number = static_cast<std::uint16_t>(port);
    const auto accept = [this, encrypted, number](io::Loop&, std::unique_ptr<io::Stream> stream) {
        service_->accept(
            encrypted ? tls_->wrap_server(std::move(stream)) : std::move(stream),
            number
        );
    };
    for (std::string host : bind_hosts(hosts)) {
        // A leading minus: it is no error if this host has no such address.
        const bool optional = host.starts_with("-");
        host = optional ? host.substr(1) : host;
        const std::string numeric = host == "*" ? "0.0.0.0" : host == "::*" ? "::" : host;
        const auto address = io::Address::parse(numeric, number);
        if (!address.ok()) {
            return address.error();
        }
        auto listener = network_->listen(*loop_, address.value(), accept, {});
        if (listener.ok()) {
            out.push_back(std::move(listener).value());
        } else if (!optional) {
            return listener.error();
        }
    }
    return out;
}

// TLS -------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view kTlsSettings[] = {
    "tls-auth-clients",
    "tls-ca-cert-dir",
    "tls-ca-cert-file",
    "tls-cert-file",
    "tls-ciphers",
    "tls-ciphersuites",
    "tls-key-file",
    "tls-key-file-pass",
    "tls-prefer-server-ciphers",
    "tls-protocols"};

Result<std::unique_ptr<io::TlsContext>> make_tls(const api_redis::Settings& of, io::Fs& fs) {
    if (of.text("tls-cert-file").empty()) {
        return invalid_argument("No tls-cert-file configured!");
    }
    if (of.text("tls-key-file").empty()) {
        return invalid_argument("No tls-key-file configured!");
    }
    io::TlsServerFiles files{of.text("tls-cert-file"), of.text("tls-key-file")};
    files.key_password = of.text("tls-key-file-pass");
    if (of.text("tls-auth-clients") != "no") {
        files.client_ca = of.text("tls-ca-cert-file");
        files.client_ca_directory = of.text("tls-ca-cert-dir");
        if (files.client_ca.empty() && files.client_ca_directory.empty()) {
            return invalid_argument(
                "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, "
                "tls-replication or tls-auth-clients are enabled!"
            );
        }
        files.client_may_be_unknown = of.text("tls-auth-clients") == "optional";
    }
    files.algorithms = {
        of.text("tls-protocols"),
        of.text("tls-ciphers"),
        of.text("tls-ciphersuites"),
        of.flag("tls-prefer-server-ciphers")};
    return io::TlsContext::server(fs, files);
}

}  // namespace

Status RedisServer::open_tls() {
    const api_redis::Settings& now = service_->settings;
    if (now.number("tls-port") == 0) {
        return {};
    }
    auto made = make_tls(now, *fs_);
    if (!made.ok()) {
        log_error("TLS: " + made.error().message);
        return Error{made.error().code, "Failed to configure TLS: " + made.error().message};
    }
    // Connections that are open keep what they have agreed on.
    tls_ = std::move(made).value();
    return {};
}

// Settings that change while it runs ------------------------------------------------------------

void RedisServer::follow_settings() {
    service_->on_setting("port", [this] { return move_port("port", false, &listeners_); });
    service_->on_setting("tls-port", [this]() -> Status {
        KUMO_TRY(open_tls());
        return move_port("tls-port", true, &tls_listeners_);
    });
    service_->on_setting("bind", [this] { return move_hosts(); });
    for (const char* name : {"oom-score-adj", "oom-score-adj-values"}) {
        service_->on_setting(name, [this] { return oom_score_.apply(service_->settings); });
    }
    for (const std::string_view name : kTlsSettings) {
        service_->on_setting(std::string(name), [this] {
            return open_tls().ok() ? Status()
                                   : Status(invalid_argument(
                                       "Unable to update TLS configuration. Check server logs."
                                   ));
        });
    }
}

Status RedisServer::move_port(std::string_view setting, bool encrypted, Listeners* listeners) {
    const std::int64_t port = service_->settings.number(setting);
    if (!listeners->empty() && listeners->front()->address().port == port) {
        return {};
    }
    auto opened = listen_at(hosts_, port, encrypted);
    if (!opened.ok()) {
        log_error(opened.error().message);
        return invalid_argument("Unable to listen on this port. Check server logs.");
    }
    *listeners = std::move(opened).value();
    return {};
}

/// The old hosts may be among the new ones: they go first, and come back if the new ones cannot be.
Status RedisServer::move_hosts() {
    const auto open = [this](const std::string& hosts) -> Status {
        listeners_.clear();
        tls_listeners_.clear();
        const api_redis::Settings& now = service_->settings;
        KUMO_TRY_ASSIGN(listeners_, listen_at(hosts, now.number("port"), false));
        KUMO_TRY_ASSIGN(tls_listeners_, listen_at(hosts, now.number("tls-port"), true));
        return {};
    };
    const std::string wanted = service_->settings.text("bind");
    if (const Status opened = open(wanted); !opened.ok()) {
        log_error(opened.error().message);
        if (const Status again = open(hosts_); !again.ok()) {
            log_error("nobody can connect any more: " + again.error().message);
        }
        return invalid_argument("Failed to bind to specified addresses.");
    }
    hosts_ = wanted;
    return {};
}

/// In a cluster the others go on first: nobody has to miss this node.
void RedisServer::end() {
    if (std::exchange(ending_, true)) {
        return;
    }
    if (node_ == nullptr) {
        loop_->stop();
    } else {
        node_->shut_down([this] { loop_->stop(); });
    }
}

Status RedisServer::shut_down(bool save, bool force) {
    stored_ = node_ != nullptr ? Status() : persistence_->finish(save);
    if (!stored_.ok() && !force) {
        log_error("Error trying to save the DB, can't exit: " + stored_.error().message);
        return std::move(stored_);
    }
    loop_->defer([this] { end(); });
    return {};
}

Status RedisServer::run() {
    loop_->run();
    listeners_.clear();
    end_cluster();
    tls_listeners_.clear();
    service_->close_all();
    log_info("kumosearch is now ready to exit, bye bye...");
    return std::move(stored_);
}

void RedisServer::stop(std::string_view setting) {
    loop_->post([this, setting] {
        const std::string& how = service_->settings.text(setting);
        const bool save =
            how.find("nosave") == std::string::npos
            && (how.find("save") != std::string::npos || !service_->settings.text("save").empty());
        (void)service_->environment().shutdown(save, how.find("force") != std::string::npos);
    });
}

namespace {

Status enter_directory(const api_redis::Settings& settings) {
    const std::string& directory = settings.text("dir");
    if (!directory.empty() && chdir(directory.c_str()) != 0) {
        return Error{ErrorCode::kIo, "Can't chdir to '" + directory + "'"};
    }
    return {};
}

/// The parent ends, the child goes on without a terminal.
bool become_daemon() {
    const pid_t child = fork();
    if (child != 0) {
        return false;
    }
    (void)setsid();
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        (void)dup2(nothing, stream);
    }
    return true;
}

Status write_pid_file(const std::string& path) {
    std::ofstream file(path, std::ios::trunc);
    file << getpid() << "\n";
    file.flush();
    return file ? Status() : Status(Error{ErrorCode::kIo, "cannot write the pid file " + path});
}

void wait_for_signal(const sigset_t& set, RedisServer& server, const std::atomic<bool>& ended) {
    while (!ended) {
        int signal = 0;
        (void)sigwait(&set, &signal);
        if (!ended) {
            log_info("ending on a signal");
            server.stop(signal == SIGINT ? "shutdown-on-sigint" : "shutdown-on-sigterm");
        }
    }
}

int fail(const std::string& text) {
    log_error(text);
    (void)std::fputs((text + "\n").c_str(), stderr);
    return EXIT_FAILURE;
}

}  // namespace

int run_redis(api_redis::Settings settings) {
    if (const Status entered = enter_directory(settings); !entered.ok()) {
        return fail(entered.error().message);
    }
    if (settings.flag("daemonize") && !become_daemon()) {
        return EXIT_SUCCESS;
    }
    char* here = getcwd(nullptr, 0);
    settings.put(*api_redis::find_setting_spec("dir"), here == nullptr ? "." : here);
    std::free(here);  // NOLINT(*-no-malloc,*-owning-memory): getcwd's
    if (!settings.text("logfile").empty() || settings.flag("daemonize")) {
        const std::string file =
            settings.text("logfile").empty() ? "/dev/null" : settings.text("logfile");
        if (const Status opened = log_open({.file = file}); !opened.ok()) {
            return fail(opened.error().message);
        }
    } else if (const Status opened = log_open({}); !opened.ok()) {
        return fail(opened.error().message);
    }
    sigset_t set{};
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &set, nullptr);
    (void)std::signal(SIGPIPE, SIG_IGN);
    log_info(
        "kumosearch-server " + std::string(version())
        + " in Redis's form, PID: " + std::to_string(getpid())
    );
    auto server = RedisServer::start(settings);
    if (!server.ok()) {
        return fail("cannot start: " + server.error().message);
    }
    const std::string pid_file = settings.text("pidfile");
    if (!pid_file.empty()) {
        if (const Status written = write_pid_file(pid_file); !written.ok()) {
            log_warn(written.error().message);
        }
    }
    log_info("Server initialized");
    Status stored;
    const std::string& tls_port = settings.text("tls-port");
    log_info(
        "Ready to accept connections on port " + settings.text("port")
        + (tls_port == "0" ? "" : ", with TLS on port " + tls_port)
    );
    {
        std::atomic<bool> ended = false;
        io::Thread signals("signals", [&] { wait_for_signal(set, *server.value(), ended); });
        stored = server.value()->run();
        ended = true;
        (void)kill(getpid(), SIGTERM);  // Lets the waiting thread go.
        signals.join();
    }
    server.value().reset();
    if (!pid_file.empty()) {
        (void)unlink(pid_file.c_str());
    }
    if (!stored.ok()) {
        log_error("what is in memory could not be stored: " + stored.error().message);
    }
    log_info("ended");
    log_flush();
    return stored.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace kumo::server
