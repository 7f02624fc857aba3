#pragma once

#include "api/redis/service.h"

#include <cstdint>

namespace kumo::api_redis {

/// Where the memory is, in bytes: for INFO and MEMORY.
struct MemoryReport {
    std::uint64_t used = 0;
    std::uint64_t peak = 0;
    std::uint64_t resident = 0;  ///< Of the whole process.
    std::uint64_t startup = 0;   ///< Before there were keys and connections.
    std::uint64_t tables = 0;
    std::uint64_t clients = 0;
    std::uint64_t interpreters = 0;
    std::uint64_t scripts = 0;
    std::uint64_t functions = 0;
    std::uint64_t keys = 0;  ///< Their number.
    AllocatorAccess::Figures allocator;

    std::uint64_t overhead() const;
    /// What is neither overhead nor was there at the start: the keys and values.
    std::uint64_t dataset() const;
    double dataset_percent() const;  ///< Of what came after the start.
    double peak_percent() const;
    double fragmentation() const;
    std::int64_t fragmentation_bytes() const;
};

MemoryReport memory_report(Service& service);

}  // namespace kumo::api_redis
