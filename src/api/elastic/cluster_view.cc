#include "api/elastic/cluster_view.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

namespace {

std::string host_of(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    return host.empty() || host == "0.0.0.0" ? "127.0.0.1" : host;
}

/// Node ids as this API has them: 22 characters, no dashes.
std::string short_id(const std::string& id) {
    std::string out = id;
    out.erase(std::remove(out.begin(), out.end(), '-'), out.end());
    out.resize(std::min<std::size_t>(out.size(), 22));
    return out;
}

}  // namespace

ClusterView ClusterView::of(const Context& context) {
    ClusterView out;
    const node::ClusterInfo info = context.node.cluster();
    out.uuid_ = short_id(info.id);
    for (const node::ClusterInfo::Member& member : info.members) {
        if (!member.up && !member.self) {
            continue;
        }
        NodeView view;
        view.id = short_id(member.id);
        view.name = member.self && !context.options.node_name.empty() ? context.options.node_name
                                                                      : member.name;
        view.transport = member.self && !context.options.transport_address.empty()
                             ? context.options.transport_address
                             : member.peering_address;
        view.http = member.self ? context.options.http_address : member.api_address;
        view.ip = host_of(view.transport.empty() ? view.http : view.transport);
        view.self = member.self;
        view.leads = member.leads;
        out.nodes_.push_back(std::move(view));
    }
    std::sort(out.nodes_.begin(), out.nodes_.end(), [](const NodeView& a, const NodeView& b) {
        return a.id < b.id;
    });
    return out;
}

const NodeView* ClusterView::leader() const {
    const auto found =
        std::find_if(nodes_.begin(), nodes_.end(), [](const NodeView& node) { return node.leads; });
    return found == nodes_.end() ? nullptr : &*found;
}

const NodeView* ClusterView::self() const {
    const auto found =
        std::find_if(nodes_.begin(), nodes_.end(), [](const NodeView& node) { return node.self; });
    return found == nodes_.end() ? nullptr : &*found;
}

std::vector<CopyView> ClusterView::copies(const Index& index) const {
    std::vector<CopyView> out;
    // The leader's copies are primaries: which of them orders writes changes nothing for readers.
    std::vector<const NodeView*> order;
    for (const bool leads : {true, false}) {
        for (const NodeView& node : nodes_) {
            if (node.leads == leads) {
                order.push_back(&node);
            }
        }
    }
    for (std::int64_t shard = 0; shard < index.shards(); ++shard) {
        for (std::int64_t copy = 0; copy <= index.replicas(); ++copy) {
            const auto at = static_cast<std::size_t>(copy);
            out.push_back({index.name, shard, copy == 0, at < order.size() ? order[at] : nullptr});
        }
    }
    return out;
}

void HealthCounts::add(const HealthCounts& other) {
    active_primary += other.active_primary;
    active += other.active;
    unassigned += other.unassigned;
    red = red || other.red;
}

HealthCounts health_of(const ClusterView& view, const Index& index) {
    HealthCounts out;
    for (const CopyView& copy : view.copies(index)) {
        out.active += copy.node != nullptr ? 1 : 0;
        out.active_primary += copy.node != nullptr && copy.primary ? 1 : 0;
        out.unassigned += copy.node == nullptr ? 1 : 0;
        out.red = out.red || (copy.primary && copy.node == nullptr);
    }
    return out;
}

}  // namespace kumo::api_elastic
