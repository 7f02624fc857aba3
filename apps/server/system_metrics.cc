#include "system_metrics.h"

#include "io/thread.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>
#include <system_error>

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>
#ifdef KUMO_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

namespace kumo::server {

namespace {

using Out = std::vector<std::pair<std::string, std::string>>;

std::string with_two_digits(double value) {
    std::array<char, 32> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.2f", value);
    return {text.data(), static_cast<std::size_t>(size)};
}

void add(Out& out, std::string name, std::uint64_t value) {
    out.emplace_back(std::move(name), std::to_string(value));
}

std::map<std::string, std::uint64_t> read_memory() {
    std::ifstream file("/proc/meminfo");
    std::map<std::string, std::uint64_t> kib;
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string name;
        std::uint64_t value = 0;
        words >> name >> value;
        kib[name] = value;
    }
    return kib;
}

void add_memory(Out& out) {
    auto kib = read_memory();
    constexpr std::uint64_t kKib = 1024;
    add(out, "system_memory_total_bytes", kib["MemTotal:"] * kKib);
    add(out, "system_memory_total_swap_bytes", kib["SwapTotal:"] * kKib);
    add(out, "system_memory_used_bytes", (kib["MemTotal:"] - kib["MemAvailable:"]) * kKib);
    add(out, "system_memory_used_swap_bytes", (kib["SwapTotal:"] - kib["SwapFree:"]) * kKib);
}

/// Bytes of all interfaces but loopback.
void add_network(Out& out) {
    std::ifstream file("/proc/net/dev");
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::string line;
    while (std::getline(file, line)) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos || line.substr(0, colon).ends_with("lo")) {
            continue;
        }
        std::istringstream words(line.substr(colon + 1));
        constexpr int kSentColumn = 8;
        std::uint64_t value = 0;
        for (int column = 0; words >> value; ++column) {
            received += column == 0 ? value : 0;
            sent += column == kSentColumn ? value : 0;
        }
    }
    add(out, "system_network_received_bytes", received);
    add(out, "system_network_sent_bytes", sent);
}

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// The 22nd field of /proc/self/stat: clock ticks from the machine's start to the process's.
std::uint64_t start_ticks() {
    std::ifstream file("/proc/self/stat");
    std::string line;
    std::getline(file, line);
    std::istringstream words(line.substr(line.rfind(')') + 1));
    constexpr int kFieldsBetween = 19;
    std::string skipped;
    for (int i = 0; i < kFieldsBetween; ++i) {
        words >> skipped;
    }
    std::uint64_t ticks = 0;
    words >> ticks;
    return ticks;
}

/// Seconds since the epoch at which the machine started.
std::uint64_t boot_time() {
    std::ifstream file("/proc/stat");
    std::string line;
    while (std::getline(file, line)) {
        if (line.starts_with("btime ")) {
            return std::strtoull(line.c_str() + std::strlen("btime "), nullptr, 10);
        }
    }
    return 0;
}

void add_process(Out& out) {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        const double seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
        out.emplace_back("process_cpu_seconds_total", with_two_digits(seconds));
    }
    std::ifstream statm("/proc/self/statm");
    std::uint64_t pages = 0;
    std::uint64_t resident = 0;
    if (statm >> pages >> resident) {
        const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
        add(out, "process_resident_memory_bytes", resident * page_bytes);
        add(out, "process_virtual_memory_bytes", pages * page_bytes);
    }
    const auto ticks_a_second = static_cast<double>(sysconf(_SC_CLK_TCK));
    const double start =
        static_cast<double>(boot_time()) + static_cast<double>(start_ticks()) / ticks_a_second;
    out.emplace_back("process_start_time_seconds", with_two_digits(start));
    std::error_code error;
    const std::filesystem::directory_iterator files("/proc/self/fd", error);
    if (!error) {
        add(out, "process_open_fds", static_cast<std::uint64_t>(std::distance(begin(files), {})));
    }
}

#ifdef KUMO_JEMALLOC
std::uint64_t allocator_bytes(const char* name) {
    std::size_t value = 0;
    std::size_t size = sizeof(value);
    return mallctl(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

void add_allocator(Out& out) {
    std::uint64_t epoch = 1;
    std::size_t size = sizeof(epoch);
    (void)mallctl("epoch", &epoch, &size, &epoch, size);  // Without it the numbers are old ones.
    const std::uint64_t active = allocator_bytes("stats.active");
    const std::uint64_t allocated = allocator_bytes("stats.allocated");
    add(out, "typesense_memory_active_bytes", active);
    add(out, "typesense_memory_allocated_bytes", allocated);
    out.emplace_back(
        "typesense_memory_fragmentation_ratio",
        with_two_digits(
            active == 0 ? 0 : 1.0 - static_cast<double>(allocated) / static_cast<double>(active)
        )
    );
    add(out, "typesense_memory_mapped_bytes", allocator_bytes("stats.mapped"));
    add(out, "typesense_memory_metadata_bytes", allocator_bytes("stats.metadata"));
    add(out, "typesense_memory_resident_bytes", allocator_bytes("stats.resident"));
    add(out, "typesense_memory_retained_bytes", allocator_bytes("stats.retained"));
}
#else
void add_allocator(Out& out) {
    (void)out;  // Builds for sanitizers use their allocator.
}
#endif

}  // namespace

std::vector<SystemMetrics::CpuTicks> SystemMetrics::read_ticks() {
    std::ifstream file("/proc/stat");
    std::vector<CpuTicks> out;
    std::string line;
    while (std::getline(file, line) && line.starts_with("cpu")) {
        std::istringstream words(line);
        CpuTicks ticks;
        words >> ticks.name;
        constexpr int kIdleColumn = 3;
        constexpr int kWaitColumn = 4;
        constexpr int kColumns = 8;  // Guest time is counted in the others already.
        std::uint64_t value = 0;
        for (int column = 0; column < kColumns && words >> value; ++column) {
            ticks.total += value;
            ticks.busy += column == kIdleColumn || column == kWaitColumn ? 0 : value;
        }
        out.push_back(std::move(ticks));
    }
    return out;
}

void SystemMetrics::add_cpu(Out& out) {
    std::vector<CpuTicks> now = read_ticks();
    for (std::size_t i = 0; i < now.size(); ++i) {
        const bool known = i < last_.size() && last_[i].name == now[i].name;
        const std::uint64_t total = now[i].total - (known ? last_[i].total : 0);
        const std::uint64_t busy = now[i].busy - (known ? last_[i].busy : 0);
        // "cpu" is all of them, "cpu0" the first; in the metrics the first is cpu1.
        const std::string name =
            now[i].name == "cpu" ? "system_cpu" : "system_cpu" + std::to_string(i);
        out.emplace_back(
            name + "_active_percentage",
            with_two_digits(
                total == 0 ? 0 : 100.0 * static_cast<double>(busy) / static_cast<double>(total)
            )
        );
    }
    last_ = std::move(now);
}

void SystemMetrics::add_disk(Out& out) const {
    struct statvfs stat {};

    if (statvfs(data_dir_.c_str(), &stat) != 0) {
        return;
    }
    const std::uint64_t unit = stat.f_frsize;
    add(out, "system_disk_total_bytes", stat.f_blocks * unit);
    add(out, "system_disk_used_bytes", (stat.f_blocks - stat.f_bfree) * unit);
}

std::vector<std::pair<std::string, std::string>> SystemMetrics::gauges() const {
    constexpr std::string_view kOfTheProcess = "typesense_";
    Out all;
    add_disk(all);
    add_memory(all);
    add_network(all);
    add_allocator(all);
    for (auto& [name, value] : all) {
        if (name.starts_with(kOfTheProcess)) {
            name.erase(0, kOfTheProcess.size());
        }
        if (name.ends_with("_received_bytes") || name.ends_with("_sent_bytes")) {
            name += "_total";
        }
    }
    add_process(all);
    return all;
}

double SystemMetrics::memory_used_percentage() {
    auto kib = read_memory();
    const auto total = static_cast<double>(kib["MemTotal:"]);
    const auto available = static_cast<double>(kib["MemAvailable:"]);
    return total == 0 ? -1 : 100.0 * (total - available) / total;
}

std::vector<std::pair<std::string, std::string>> SystemMetrics::read() {
    const MutexLock lock(mutex_);
    Out out;
    add_cpu(out);
    add_disk(out);
    add_memory(out);
    add_network(out);
    add_allocator(out);
    return out;
}

}  // namespace kumo::server
