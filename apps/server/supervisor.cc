#include "supervisor.h"

#include "base/log.h"
#include "node_options.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kumo::server {

namespace {

using Clock = std::chrono::steady_clock;

/// A child that gives up that early has said why, and would say it again.
constexpr auto kEarly = std::chrono::seconds(10);
/// A child that has lived that long starts again at once.
constexpr auto kSettled = std::chrono::minutes(1);
constexpr auto kPauseMin = std::chrono::milliseconds(500);
constexpr auto kPauseMax = std::chrono::seconds(30);

sigset_t awaited() {
    sigset_t set{};
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    return set;
}

struct Child {
    pid_t pid = -1;
    Clock::time_point started;
    bool told_to_end = false;
};

/// 0 in the child, as fork().
pid_t start_child() {
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        // The child does not outlive its parent, which alone can prove its end.
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) {
            _exit(EXIT_FAILURE);
        }
        sigset_t child_only{};
        sigemptyset(&child_only);
        sigaddset(&child_only, SIGCHLD);
        (void)pthread_sigmask(SIG_UNBLOCK, &child_only, nullptr);
    }
    return pid;
}

/// Waits for the child's end, passing signals on. The status of waitpid().
int wait_for(Child& child) {
    const sigset_t set = awaited();
    for (;;) {
        int status = 0;
        if (waitpid(child.pid, &status, WNOHANG) == child.pid) {
            return status;
        }
        int signal = 0;
        (void)sigwait(&set, &signal);
        if (signal != SIGCHLD) {
            child.told_to_end = true;
            (void)kill(child.pid, signal);
        }
    }
}

/// In a process of its own: this one stays without threads, so that it can go on forking.
void tell_others(const Config& config) {
    const pid_t pid = fork();
    if (pid == 0) {
        node::announce_death(node_options(config));
        _exit(EXIT_SUCCESS);
    }
    if (pid > 0) {
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
}

std::string describe(int status) {
    if (WIFSIGNALED(status)) {
        return std::string("was killed by signal ") + std::to_string(WTERMSIG(status));
    }
    return "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

int supervise(const Config& config, const std::function<int()>& serve) {
    const sigset_t set = awaited();
    (void)pthread_sigmask(SIG_BLOCK, &set, nullptr);
    auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(kPauseMin);
    for (;;) {
        Child child;
        child.started = Clock::now();
        child.pid = start_child();
        if (child.pid == 0) {
            return serve();
        }
        if (child.pid < 0) {
            log_error(std::string("fork: ") + std::strerror(errno));
            return EXIT_FAILURE;
        }
        const int status = wait_for(child);
        const auto lived = Clock::now() - child.started;
        const bool gave_up = WIFEXITED(status) && WEXITSTATUS(status) != 0 && lived < kEarly;
        if (child.told_to_end || gave_up || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
        }
        log_error("the server " + describe(status) + "; it is started again");
        tell_others(config);
        if (lived < kSettled) {
            std::this_thread::sleep_for(pause);
            pause = std::min<std::chrono::milliseconds>(pause * 2, kPauseMax);
        } else {
            pause = kPauseMin;
        }
    }
}

}  // namespace kumo::server
