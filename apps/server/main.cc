// kumosearch-server: reads its settings, starts the server, ends it on SIGTERM or SIGINT.
#include "base/log.h"
#include "config.h"
#include "io/system.h"
#include "redis/redis_options.h"
#include "redis/redis_server.h"
#include "server.h"
#include "service_manager.h"
#include "settings.h"
#include "supervisor.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <pthread.h>

#ifdef KUMO_JEMALLOC
// Read by jemalloc before main: give memory back without waiting for the next allocation, and a
// second after it was last used.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): its type is jemalloc's
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)
#endif

namespace {

using kumo::server::Config;

void say(std::FILE* to, const std::string& text) {
    (void)std::fputs((text + "\n").c_str(), to);
    (void)std::fflush(to);
}

const char* environment_variable(const std::string& name) {
    return std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): before any thread starts
}

/// The signals that end the server. Blocked before any thread starts, so that only wait() sees
/// them.
class EndSignals {
public:
    EndSignals() {
        sigemptyset(&set_);
        sigaddset(&set_, SIGTERM);
        sigaddset(&set_, SIGINT);
        (void)pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        (void)std::signal(SIGPIPE, SIG_IGN);
    }

    int wait() {
        int signal = 0;
        (void)sigwait(&set_, &signal);
        return signal;
    }

private:
    sigset_t set_{};
};

kumo::Status open_log(const Config& config) {
    if (config.log_dir.empty()) {
        return {};
    }
    return kumo::log_open({.file = kumo::io::join_path(config.log_dir, "kumosearch.log")});
}

int serve(const Config& config, kumo::io::Fs& fs, EndSignals& signals) {
    auto server = kumo::server::Server::start(config, fs);
    if (!server.ok()) {
        kumo::log_error("cannot start: " + server.error().message);
        say(stderr, "kumosearch-server cannot start: " + server.error().message);
        return EXIT_FAILURE;
    }
    for (const std::string& name : config.without_effect) {
        kumo::log_warn("the setting `" + name + "` has no effect in this version");
    }
    if (config.api_key.empty()) {
        kumo::log_warn("there is no API key: everybody on this machine may do everything");
    }
    const std::string url = (config.certificate.empty() ? "http://" : "https://")
                            + server.value()->address().to_string();
    kumo::log_info("kumosearch-server " + std::string(kumo::server::version()) + " serves " + url);
    say(stdout, "kumosearch-server listens on " + url);
    kumo::server::notify_ready();
    const int signal = signals.wait();
    kumo::server::notify_stopping();
    kumo::log_info(std::string("ending on ") + (signal == SIGTERM ? "SIGTERM" : "SIGINT"));
    server.value()->stop();
    kumo::log_info("ended");
    kumo::log_flush();
    return EXIT_SUCCESS;
}

int run_as_redis(const std::vector<std::string>& arguments) {
    auto command_line = kumo::server::read_redis_command_line(arguments);
    if (!command_line.ok()) {
        say(stderr, command_line.error().message);
        return EXIT_FAILURE;
    }
    if (command_line.value().help || command_line.value().version) {
        say(stdout,
            command_line.value().help
                ? kumo::server::help_text()
                : std::string("kumosearch-server ") + kumo::server::version());
        return EXIT_SUCCESS;
    }
    return kumo::server::run_redis(std::move(command_line).value().settings);
}

int run(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (kumo::server::is_redis_command_line(arguments)) {
        return run_as_redis(arguments);
    }
    const auto command_line = kumo::server::read_command_line(argc, argv);
    kumo::server::scrub_secrets(argc, argv);
    if (!command_line.ok()) {
        say(stderr, command_line.error().message + "\nTry --help.");
        return EXIT_FAILURE;
    }
    if (command_line.value().help) {
        say(stdout, kumo::server::help_text());
        return EXIT_SUCCESS;
    }
    if (command_line.value().version) {
        say(stdout, std::string("kumosearch-server ") + kumo::server::version());
        return EXIT_SUCCESS;
    }
    EndSignals signals;
    const auto fs = kumo::io::make_system_fs();
    const auto config = kumo::server::make_config(
        command_line.value().values,
        kumo::server::read_environment(environment_variable),
        *fs
    );
    if (!config.ok()) {
        say(stderr, config.error().message);
        return EXIT_FAILURE;
    }
    const auto serve_here = [&] {
        const kumo::Status logging = open_log(config.value());
        if (!logging.ok()) {
            say(stderr, logging.error().message);
            return EXIT_FAILURE;
        }
        return serve(config.value(), *fs, signals);
    };
    if (!config.value().supervise) {
        return serve_here();
    }
    const kumo::Status logging = open_log(config.value());
    if (!logging.ok()) {
        say(stderr, logging.error().message);
        return EXIT_FAILURE;
    }
    return kumo::server::supervise(config.value(), serve_here);
}

}  // namespace

int main(int argc, char** argv) {
    return run(argc, argv);
}
