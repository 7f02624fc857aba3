#include "redis/redis_server.h"

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
    std::vector<std::string> words;
    wire::split_quoted(bind, &words);
    for (const std::string& word : words) {
        hosts.push_back(word);
    }
    return hosts.empty() ? std::vector<std::string>{"*", "-::*"} : hosts;
}

}  // namespace

RedisServer::RedisServer(api_redis::Settings settings)
    : loop_(io::make_system_loop()),
      network_(io::make_system_network()),
      settings_(std::move(settings)),
      fs_(io::make_system_fs()) {
    api_redis::ServiceEnvironment environment{
        .loop = *loop_,
        .shutdown = [this](bool save, bool force) { return shut_down(save, force); },
        .used_memory = thread_used_memory,
        .rewrite_config = rewrite_redis_config,
        .allocator = allocator_access()};
    service_ = std::make_unique<api_redis::Service>(std::move(environment), settings_);
    persistence_ = std::make_unique<api_redis::Persistence>(*service_, *fs_);
    service_->persistence = persistence_.get();
}

RedisServer::~RedisServer() = default;

Result<std::unique_ptr<RedisServer>> RedisServer::start(api_redis::Settings settings) {
    std::unique_ptr<RedisServer> server(new RedisServer(std::move(settings)));
    KUMO_TRY(server->persistence_->load());
    KUMO_TRY(server->persistence_->start());
    KUMO_TRY(server->listen_anew());
    RedisServer& made = *server;
    made.service_->on_setting("port", [&made] { return made.change_port(); });
    for (const char* name : {"oom-score-adj", "oom-score-adj-values"}) {
        made.service_->on_setting(name, [&made] {
            return made.oom_score_.apply(made.service_->settings);
        });
    }
    KUMO_TRY(made.oom_score_.apply(made.service_->settings));
    return server;
}

Result<std::vector<std::unique_ptr<io::Listener>>>
RedisServer::listen(const std::string& bind, std::uint16_t port) {
    std::vector<std::unique_ptr<io::Listener>> opened;
    if (port == 0) {
        return opened;
    }
    const auto accept = [this](io::Loop& /*loop*/, std::unique_ptr<io::Stream> stream) {
        service_->accept(std::move(stream));
    };
    for (std::string host : bind_hosts(bind)) {
        // A leading minus: it is no error if this host has no such address.
        const bool optional = host.starts_with("-");
        host = optional ? host.substr(1) : host;
        const std::string numeric = host == "*" ? "0.0.0.0" : host == "::*" ? "::" : host;
        const auto address = io::Address::parse(numeric, port);
        if (!address.ok()) {
            return address.error();
        }
        auto listener = network_->listen(*loop_, address.value(), accept, {});
        if (listener.ok()) {
            opened.push_back(std::move(listener).value());
        } else if (!optional) {
            return listener.error();
        }
    }
    return opened;
}

Status RedisServer::listen_anew() {
    KUMO_TRY_ASSIGN(
        listeners_,
        listen(
            service_->settings.text("bind"),
            static_cast<std::uint16_t>(service_->settings.number("port"))
        )
    );
    return {};
}

/// CONFIG SET port: the old one is given up when there is a new one.
Status RedisServer::change_port() {
    if (const Status changed = listen_anew(); !changed.ok()) {
        log_warn("cannot change the port: " + changed.error().message);
        return Error{ErrorCode::kIo, "Unable to listen on this port. Check server logs."};
    }
    return {};
}

Status RedisServer::shut_down(bool save, bool force) {
    stored_ = persistence_->finish(save);
    if (!stored_.ok() && !force) {
        log_error("Error trying to save the DB, can't exit: " + stored_.error().message);
        return std::move(stored_);
    }
    loop_->defer([this] { loop_->stop(); });
    return {};
}

Status RedisServer::run() {
    loop_->run();
    listeners_.clear();
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
    std::free(here);  // NOLINT(*-no-malloc): getcwd's
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
    log_info("Ready to accept connections on port " + settings.text("port"));
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
