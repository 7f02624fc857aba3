#include "api/redis/internal/memory_report.h"

#include "api/redis/scripting.h"

#include <algorithm>
#include <fstream>

#include <unistd.h>

namespace kumo::api_redis {

namespace {

double ratio(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::uint64_t difference(std::uint64_t from, std::uint64_t what) {
    return from - std::min(from, what);
}

std::uint64_t resident_bytes() {
    std::uint64_t pages = 0;
    std::uint64_t resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::uint64_t MemoryReport::overhead() const {
    return startup + tables + clients + scripts + functions;
}

std::uint64_t MemoryReport::dataset() const {
    return difference(used, overhead());
}

double MemoryReport::dataset_percent() const {
    return 100 * ratio(dataset(), difference(used, startup));
}

double MemoryReport::peak_percent() const {
    return 100 * ratio(used, peak);
}

double MemoryReport::fragmentation() const {
    return ratio(resident, used);
}

std::int64_t MemoryReport::fragmentation_bytes() const {
    return static_cast<std::int64_t>(resident) - static_cast<std::int64_t>(used);
}

MemoryReport memory_report(Service& service) {
    MemoryReport out;
    out.used = service.used_memory();
    out.peak = std::max(service.stats.peak_memory, out.used);
    out.resident = resident_bytes();
    out.startup = service.startup_memory();
    for (int db = 0; db < service.keyspace.database_count(); ++db) {
        out.tables += service.keyspace.database(db).table_bytes();
    }
    for (const auto& [id, session] : service.sessions()) {
        out.clients += session->memory_bytes();
    }
    const Scripting& scripting = service.scripting();
    out.interpreters = scripting.scripts.interpreter().memory_bytes();
    out.scripts = scripting.scripts.memory_bytes();
    for (const auto& [name, library] : scripting.libraries.libraries()) {
        out.functions += name.size() + library.code.size();
    }
    out.keys = service.keyspace.size();
    if (service.environment().allocator.figures) {
        out.allocator = service.environment().allocator.figures();
    }
    return out;
}

}  // namespace kumo::api_redis
