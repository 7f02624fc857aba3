#include "search/index/united_snapshot.h"

#include "base/assert.h"
#include "search/index/adapted_snapshot.h"

#include <utility>

namespace kumo::search {

std::shared_ptr<const Snapshot> unite(std::span<const std::shared_ptr<const Snapshot>> snapshots) {
    KUMO_ASSERT(!snapshots.empty());
    if (snapshots.size() == 1) {
        return snapshots.front();
    }
    auto all = std::make_shared<Snapshot>();
    all->schema = snapshots.front()->schema;
    std::size_t parts = 0;
    for (const auto& each : snapshots) {
        parts += each->parts.size();
        all->doc_count += each->doc_count;
    }
    all->parts.reserve(parts);
    for (std::size_t i = 0; i < snapshots.size(); ++i) {
        for (const Snapshot::Part& part : adapted(snapshots[i], all->schema)->parts) {
            all->parts.push_back(part);
            all->parts.back().shard = static_cast<std::uint32_t>(i);
        }
    }
    return all;
}

}  // namespace kumo::search
