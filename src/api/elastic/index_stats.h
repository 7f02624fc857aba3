#pragma once

#include "api/elastic/context.h"
#include "api/elastic/index_store.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace kumo::api_elastic {

/// What of an index is at this node.
struct IndexSizes {
    std::uint64_t documents = 0;
    std::uint64_t deleted = 0;
    std::uint64_t segments = 0;
    std::uint64_t bytes = 0;  ///< Of stored documents, as far as it is known.
};

IndexSizes index_sizes(const Context& context, const Index& index);

/// Documents of each shard.
std::vector<std::uint64_t> shard_documents(const Context& context, const Index& index);

/// This process and its machine, by /proc.
struct ProcessSizes {
    std::uint64_t resident = 0;
    std::uint64_t memory_total = 0;
    std::uint64_t memory_available = 0;
    std::uint64_t open_files = 0;
    std::uint64_t open_files_max = 0;
    std::uint64_t cpu_percent = 0;
    std::uint64_t cpu_millis = 0;
    std::uint64_t uptime_millis = 0;
    std::array<std::string, 3> load{};
};

ProcessSizes process_sizes();

}  // namespace kumo::api_elastic
