#pragma once

#include "api/elastic/context.h"
#include "api/elastic/index_store.h"
#include "api/elastic/json.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kumo::api_elastic {

/// A node of the cluster, as this API shows it.
struct NodeView {
    std::string id;
    std::string name;
    std::string ip;
    std::string transport;
    std::string http;
    bool self = false;
    bool leads = false;
};

/// One copy of one shard.
struct CopyView {
    std::string index;
    std::int64_t shard = 0;
    bool primary = false;
    const NodeView* node = nullptr;  ///< Null: unassigned.
};

/// The cluster at one moment: nodes and where copies are. An index has one copy of each shard on a
/// node; replicas beyond the nodes that are up stay unassigned. A value.
class ClusterView {
public:
    static ClusterView of(const Context& context);
    ClusterView(const ClusterView&) = delete;
    ClusterView& operator=(const ClusterView&) = delete;
    ClusterView(ClusterView&&) = default;
    ClusterView& operator=(ClusterView&&) = default;
    ~ClusterView() = default;

    const std::vector<NodeView>& nodes() const { return nodes_; }

    const NodeView* leader() const;
    const NodeView* self() const;
    /// Primaries first, then replicas, by shard.
    std::vector<CopyView> copies(const Index& index) const;

    const std::string& cluster_uuid() const { return uuid_; }

private:
    ClusterView() = default;

    std::string uuid_;
    std::vector<NodeView> nodes_;
};

struct HealthCounts {
    std::int64_t active_primary = 0;
    std::int64_t active = 0;
    std::int64_t unassigned = 0;
    bool red = false;

    std::string status() const { return red ? "red" : unassigned > 0 ? "yellow" : "green"; }

    void add(const HealthCounts& other);
};

HealthCounts health_of(const ClusterView& view, const Index& index);

}  // namespace kumo::api_elastic
