// How clients and tools are told of the nodes and slots: CLUSTER NODES, nodes.conf.
#include "api/redis/cluster/cluster.h"
#include "base/log.h"
#include "cluster/discovery/host_port.h"
#include "node/kv/kv_node.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>

namespace kumo::api_redis {

namespace {

/// "host:port", "[v6]:port" or ":port".
std::pair<std::string, std::uint16_t> split_address(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos) {
        return {address, 0};
    }
    std::uint16_t port = 0;
    (void)std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    return {host, port};
}

std::string address_text(const Endpoint& at) {
    return at.host + ":" + std::to_string(at.port) + "@" + std::to_string(at.bus_port)
           + (at.hostname.empty() ? "" : "," + at.hostname);
}

std::string slots_text(const node::SlotSet& slots) {
    std::string out;
    for (const auto& [first, last] : slots.ranges()) {
        out += " " + std::to_string(first);
        if (last != first) {
            out += "-" + std::to_string(last);
        }
    }
    return out;
}

std::string open_text(const std::map<std::uint16_t, node::OpenSlot>& open) {
    std::string out;
    for (const auto& [slot, mark] : open) {
        out += " [" + std::to_string(slot) + (mark.importing ? "-<-" : "->-")
               + node::node_name(mark.peer) + "]";
    }
    return out;
}

}  // namespace

Endpoint Cluster::endpoint_of(const cluster::Member& member) const {
    Endpoint out;
    std::tie(out.host, out.port) = split_address(member.api_address);
    out.bus_port = split_address(member.peering_address).second;
    out.hostname = member.name;
    const bool self = member.id == node_->self();
    if (self && !service_.settings.text("cluster-announce-ip").empty()) {
        out.host = service_.settings.text("cluster-announce-ip");
    }
    return out;
}

std::string Cluster::nodes_text(bool for_file) const {
    const node::State& state = *node_->state();
    const cluster::NodeId self = node_->self();
    std::string out;
    if (cluster::find_member(state.cluster, self) == nullptr) {
        // Between two clusters: tools rely on this line.
        out = node::node_name(self) + " " + address_text(own_endpoint_)
              + " myself,master - 0 0 0 connected\n";
    }
    for (const auto& [id, member] : state.cluster.members) {
        const node::KvGroup* group = node::group_of(state.kv, state.cluster, id);
        const cluster::NodeId master =
            group == nullptr ? id : node::master_of(state.cluster, *group);
        const bool leads = master == id || master.is_nil();
        const Endpoint at = endpoint_of(*member);
        const bool failed = member->fenced && id != self;
        out += node::node_name(id) + " " + address_text(at) + " ";
        out += id == self ? "myself," : "";
        out += leads ? "master" : "slave";
        out += failed ? ",fail" : "";
        out += " " + (leads ? "-" : node::node_name(master)) + " 0 ";
        const bool alive = id != self && !failed && !for_file;
        out += std::to_string(alive ? service_.now_ms() : 0) + " ";
        out += std::to_string(group == nullptr ? 0 : group->config_epoch) + " ";
        out += failed ? "disconnected" : "connected";
        out += leads && group != nullptr ? slots_text(group->slots) : "";
        if (id == self && open_ != nullptr) {
            out += open_text(*open_);
        }
        out += "\n";
    }
    return out;
}

/// For tools that read it; nothing is read from it here.
void Cluster::write_nodes_file() {
    const std::string& name = service_.settings.text("cluster-config-file");
    const std::string text = nodes_text(true) + "vars currentEpoch "
                             + std::to_string(node_->state()->kv.current_epoch)
                             + " lastVoteEpoch 0\n";
    if (name.empty() || text == nodes_file_) {
        return;
    }
    nodes_file_ = text;
    const std::filesystem::path path = std::filesystem::path(service_.settings.text("dir")) / name;
    const std::string temporary = path.string() + ".tmp";
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    std::error_code failed;
    if (file) {
        std::filesystem::rename(temporary, path, failed);
    }
    if (!file || failed) {
        log_warn("cannot write " + path.string());
    }
}

}  // namespace kumo::api_redis
