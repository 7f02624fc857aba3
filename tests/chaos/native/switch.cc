// A network switch in one process, for tests. Each port is a TAP device in a network namespace; a
// frame goes from port to port through a link that can delay, lose, double or cut, in each
// direction apart. The kernel's own means (netem, nftables) are not in every kernel, and cannot cut
// one direction of one pair of machines while everybody else still hears both.
//
//     chaos_switch SEED NAMESPACE...     a file in /run/netns; "-" is the namespace it was started
//     in
//
// Port N (from 1) gets the device "chaos0" with the address 02:00:00:00:00:N, so nothing has to be
// learned. It prints "ready", then reads commands from standard input, one a line, and ends with
// it:
//
//     cut A B            nothing goes from A to B
//     delay A B MS VARY  each frame waits MS plus up to VARY; order is kept
//     lose A B P         each frame is lost with probability P
//     double A B P       each frame comes twice with probability P
//     heal               every link is as new
#include <net/if.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <queue>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPortsMax = 16;
constexpr std::size_t kFrameBytesMax = 65536;
constexpr std::size_t kWaitingMax = 100000;  ///< Frames; what comes after is lost.
constexpr std::size_t kAddressBytes = 6;

struct Link {
    bool cut = false;
    double lose = 0;
    double twice = 0;
    double delay_ms = 0;
    double vary_ms = 0;
    Clock::time_point last;  ///< When the latest frame on its way arrives.
};

struct Waiting {
    Clock::time_point due;
    std::uint64_t number = 0;  ///< Keeps the order of frames that are due at once.
    std::size_t to = 0;
    std::string frame;

    bool operator<(const Waiting& other) const {
        return due != other.due ? due > other.due : number > other.number;
    }
};

class Switch {
public:
    explicit Switch(std::uint64_t seed) : random_(seed) {}

    bool add_port(const std::string& where) {
        const int home = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        const int there = where == "-" ? home : ::open(where.c_str(), O_RDONLY | O_CLOEXEC);
        if (home < 0 || there < 0 || ::setns(there, CLONE_NEWNET) != 0) {
            return false;
        }
        // A TAP belongs to the namespace in which /dev/net/tun was opened.
        const int tap = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        const bool made = tap >= 0 && make_device(tap, ports_.size() + 1);
        const bool back = ::setns(home, CLONE_NEWNET) == 0;
        ports_.push_back(tap);
        return made && back;
    }

    /// Serves until standard input ends.
    void run() {
        std::vector<pollfd> watched;
        for (const int port : ports_) {
            watched.push_back({port, POLLIN, 0});
        }
        watched.push_back({STDIN_FILENO, POLLIN, 0});
        while (open_) {
            const timespec wait = until_next();
            (void
            )::ppoll(watched.data(), watched.size(), waiting_.empty() ? nullptr : &wait, nullptr);
            deliver_due();
            for (std::size_t port = 0; port < ports_.size(); ++port) {
                if ((watched[port].revents & POLLIN) != 0) {
                    receive(port);
                }
            }
            if (watched.back().revents != 0) {
                read_commands();
            }
        }
    }

private:
    static bool make_device(int tap, std::size_t number) {
        ifreq request{};
        request.ifr_flags = IFF_TAP | IFF_NO_PI;
        (void)std::snprintf(static_cast<char*>(request.ifr_name), IFNAMSIZ, "chaos0");
        if (::ioctl(tap, TUNSETIFF, &request) != 0) {
            return false;
        }
        const std::array<unsigned char, kAddressBytes>
            address{2, 0, 0, 0, 0, static_cast<unsigned char>(number)};
        const int any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        request.ifr_hwaddr.sa_family = 1;  // Ethernet
        std::memcpy(static_cast<char*>(request.ifr_hwaddr.sa_data), address.data(), address.size());
        const bool named = ::ioctl(any, SIOCSIFHWADDR, &request) == 0;
        (void)::close(any);
        return named;
    }

    bool chance(double probability) {
        return probability > 0 && std::uniform_real_distribution<>(0, 1)(random_) < probability;
    }

    timespec until_next() const {
        if (waiting_.empty()) {
            return {};
        }
        const auto left = waiting_.top().due - Clock::now();
        const auto ns = std::max<std::int64_t>(
            0,
            std::chrono::duration_cast<std::chrono::nanoseconds>(left).count()
        );
        return {ns / 1'000'000'000, ns % 1'000'000'000};
    }

    void deliver(std::size_t to, const char* frame, std::size_t size) {
        // A full queue of the kernel's loses the frame, as a network does.
        (void)!::write(ports_[to], frame, size);
    }

    void deliver_due() {
        const auto now = Clock::now();
        while (!waiting_.empty() && waiting_.top().due <= now) {
            const Waiting& first = waiting_.top();
            deliver(first.to, first.frame.data(), first.frame.size());
            waiting_.pop();
        }
    }

    void receive(std::size_t from) {
        constexpr int kAtOnce = 64;
        for (int i = 0; i < kAtOnce; ++i) {
            const ssize_t got = ::read(ports_[from], buffer_.data(), buffer_.size());
            if (got < static_cast<ssize_t>(kAddressBytes)) {
                return;
            }
            route(from, static_cast<std::size_t>(got));
        }
    }

    void route(std::size_t from, std::size_t size) {
        const auto byte = [&](std::size_t i) {
            return static_cast<unsigned char>(buffer_[i]);
        };
        if (byte(0) == 2 && byte(5) >= 1 && byte(5) <= ports_.size()) {
            pass(from, byte(5) - 1U, size);
        } else if ((byte(0) & 1) != 0) {
            for (std::size_t to = 0; to < ports_.size(); ++to) {
                if (to != from) {
                    pass(from, to, size);
                }
            }
        }
    }

    void pass(std::size_t from, std::size_t to, std::size_t size) {
        Link& link = links_[from][to];
        if (link.cut || chance(link.lose)) {
            return;
        }
        const int copies = chance(link.twice) ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            const auto now = Clock::now();
            if (link.delay_ms <= 0 && link.last <= now) {
                deliver(to, buffer_.data(), size);
            } else if (waiting_.size() < kWaitingMax) {
                link.last = std::max(link.last, now + drawn_delay(link));
                waiting_.push({link.last, ++number_, to, std::string(buffer_.data(), size)});
            }
        }
    }

    Clock::duration drawn_delay(const Link& link) {
        const double vary = std::uniform_real_distribution<>(0, 1)(random_) * link.vary_ms;
        return std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double, std::milli>(link.delay_ms + vary)
        );
    }

    void read_commands() {
        std::array<char, 4096> bytes{};
        const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (got <= 0) {
            open_ = false;
            return;
        }
        typed_.append(bytes.data(), static_cast<std::size_t>(got));
        for (auto end = typed_.find('\n'); end != std::string::npos; end = typed_.find('\n')) {
            obey(typed_.substr(0, end));
            typed_.erase(0, end + 1);
        }
    }

    void obey(const std::string& line) {
        std::istringstream words(line);
        std::string name;
        std::size_t from = 0;
        std::size_t to = 0;
        double first = 0;
        double second = 0;
        words >> name >> from >> to >> first >> second;
        if (name == "heal") {
            links_ = {};
            return;
        }
        if (from < 1 || to < 1 || from > ports_.size() || to > ports_.size()) {
            return;
        }
        Link& link = links_[from - 1][to - 1];
        if (name == "cut") {
            link.cut = true;
        } else if (name == "delay") {
            link.delay_ms = first;
            link.vary_ms = second;
        } else if (name == "lose") {
            link.lose = first;
        } else if (name == "double") {
            link.twice = first;
        }
    }

    std::mt19937_64 random_;
    std::vector<int> ports_;
    std::array<std::array<Link, kPortsMax>, kPortsMax> links_;
    std::priority_queue<Waiting> waiting_;
    std::array<char, kFrameBytesMax> buffer_{};
    std::string typed_;
    std::uint64_t number_ = 0;
    bool open_ = true;
};

int run(int argc, char** argv) {
    if (argc < 3 || static_cast<std::size_t>(argc) > kPortsMax + 2) {
        (void)std::fputs("usage: chaos_switch SEED NAMESPACE...\n", stderr);
        return 2;
    }
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const auto network = std::make_unique<Switch>(std::stoull(arguments[0]));
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        if (!network->add_port(arguments[i])) {
            std::perror(arguments[i].c_str());
            return 1;
        }
    }
    (void)std::puts("ready");
    (void)std::fflush(stdout);
    network->run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return run(argc, argv);
}
