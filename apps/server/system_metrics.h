#pragma once

#include "base/mutex.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kumo::server {

/// Numbers about this machine and this process, by the names of /metrics.json. Percentages are
/// those of the time since the last call.
/// Thread rule: guarded; any thread.
class SystemMetrics {
public:
    explicit SystemMetrics(std::string data_dir) : data_dir_(std::move(data_dir)) {}

    std::vector<std::pair<std::string, std::string>> read() KUMO_EXCLUDES(mutex_);

    /// The same without percentages, and what every program tells of itself, by the names of
    /// /metrics.
    std::vector<std::pair<std::string, std::string>> gauges() const;

    /// Of the machine's memory, as far as it could not be given to somebody. Below 0: not known.
    static double memory_used_percentage();

private:
    /// Ticks of one line of /proc/stat.
    struct CpuTicks {
        std::string name;
        std::uint64_t busy = 0;
        std::uint64_t total = 0;
    };

    using Out = std::vector<std::pair<std::string, std::string>>;

    static std::vector<CpuTicks> read_ticks();
    void add_cpu(Out& out) KUMO_REQUIRES(mutex_);
    void add_disk(Out& out) const;

    std::string data_dir_;
    Mutex mutex_;
    std::vector<CpuTicks> last_ KUMO_GUARDED_BY(mutex_);
};

}  // namespace kumo::server
