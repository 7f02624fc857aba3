#include "api/elastic/index_stats.h"

#include "api/elastic/routing.h"
#include "search/index/mapped_write.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

namespace kumo::api_elastic {

namespace {

/// A rough size of what a document takes: what is measured of stored documents' files.
constexpr std::uint64_t kSegmentBytes = 208;

std::uint64_t kib_of(const char* file, const std::string& name) {
    std::ifstream in(file);
    std::string line;
    while (std::getline(in, line)) {
        if (line.starts_with(name)) {
            std::istringstream value(line.substr(name.size() + 1));
            std::uint64_t kib = 0;
            value >> kib;
            return kib * 1024;
        }
    }
    return 0;
}

std::uint64_t open_files() {
    DIR* const directory = opendir("/proc/self/fd");
    if (directory == nullptr) {
        return 0;
    }
    std::uint64_t count = 0;
    while (readdir(directory) != nullptr) {
        ++count;
    }
    closedir(directory);
    return count > 3 ? count - 3 : 0;
}

}  // namespace

IndexSizes index_sizes(const Context& context, const Index& index) {
    IndexSizes out;
    const auto snapshot = context.node.snapshot(index.name);
    if (!snapshot.ok()) {
        return out;
    }
    out.documents = snapshot.value()->doc_count;
    out.bytes = kSegmentBytes;
    for (const auto& part : snapshot.value()->parts) {
        out.deleted += part.deleted.count();
        ++out.segments;
        if (part.segment->doc_count > 0) {
            std::string first;
            if (part.segment->stored->append(0, first).ok()) {
                out.bytes += first.size() * part.segment->doc_count;
            }
        }
    }
    return out;
}

std::vector<std::uint64_t> shard_documents(const Context& context, const Index& index) {
    std::vector<std::uint64_t> out(static_cast<std::size_t>(index.shards()));
    const auto snapshot = context.node.snapshot(index.name);
    if (!snapshot.ok()) {
        return out;
    }
    if (out.size() == 1) {
        out[0] = snapshot.value()->doc_count;
        return out;
    }
    constexpr std::uint64_t kCountedMax = 100'000;
    if (snapshot.value()->doc_count > kCountedMax) {
        std::fill(out.begin(), out.end(), snapshot.value()->doc_count / out.size());
        return out;
    }
    for (const auto& part : snapshot.value()->parts) {
        for (search::DocId doc = 0; doc < part.segment->doc_count; ++doc) {
            std::string bytes;
            if (part.deleted.test(doc) || !part.segment->stored->append(doc, bytes).ok()) {
                continue;
            }
            const auto stored = search::parse_stored(bytes);
            if (stored.ok()) {
                ++out[static_cast<std::size_t>(
                    shard_of(index, stored.value().id, stored.value().meta.routing)
                )];
            }
        }
    }
    return out;
}

ProcessSizes process_sizes() {
    ProcessSizes out;
    out.resident = kib_of("/proc/self/status", "VmRSS:");
    out.memory_total = kib_of("/proc/meminfo", "MemTotal:");
    out.memory_available = kib_of("/proc/meminfo", "MemAvailable:");
    out.open_files = open_files();
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    out.open_files_max = files.rlim_cur;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto millis = [](const timeval& time) {
        return static_cast<std::uint64_t>(time.tv_sec) * 1000
               + static_cast<std::uint64_t>(time.tv_usec) / 1000;
    };
    out.cpu_millis = millis(usage.ru_utime) + millis(usage.ru_stime);

    struct sysinfo info {};

    sysinfo(&info);
    out.uptime_millis = static_cast<std::uint64_t>(info.uptime) * 1000;
    for (std::size_t i = 0; i < out.load.size(); ++i) {
        std::array<char, 16> text{};
        std::snprintf(
            text.data(),
            text.size(),
            "%.2f",
            static_cast<double>(info.loads[i]) / 65536.0
        );
        out.load[i] = text.data();
    }
    return out;
}

}  // namespace kumo::api_elastic
