#include "base/log.h"
#include "node/control/control_plane.h"

#include <utility>

// What operators get wrong, made visible: comparing what all nodes should have been told alike.

namespace kumo::node {

namespace {

constexpr Duration kApiPortsInterval = std::chrono::seconds(1);
/// Until the same is said again.
constexpr Duration kApiPortsNamed = std::chrono::seconds(60);
constexpr Duration kKeyCheckTimeout = std::chrono::seconds(5);

std::string epoch_text(const consensus::Epoch& epoch) {
    return "epoch " + std::to_string(epoch.number) + " (" + epoch.id.to_string() + ")";
}

}  // namespace

std::string ControlPlane::title_of(const cluster::NodeId& node) const {
    const cluster::Member* member = cluster::find_member(state_->cluster, node);
    if (member == nullptr) {
        // Of another part of the cluster, perhaps.
        const auto peer = connected_.find(node);
        const bool named = peer != connected_.end() && !peer->second.name.empty();
        return "node " + (named ? peer->second.name + ", " : "") + node.to_string();
    }
    return member->name == member->peering_address
               ? "node " + member->name
               : "node " + member->name + " (" + member->peering_address + ")";
}

/// Where the nodes file names the address; nothing if it does not.
std::string ControlPlane::origin_of(const std::string& address) const {
    if (nodes_) {
        for (const cluster::NodeAddress& node : *nodes_) {
            if (node.peering.to_string() == address) {
                return "line " + std::to_string(node.line) + " of " + options_.nodes_file;
            }
        }
    }
    return {};
}

void ControlPlane::check_list() {
    if (!is_listed(options_.peering_address)) {
        log_warn(
            options_.nodes_file + ": it does not name this node, " + options_.peering_address
            + " (peering-address and peering-port)"
        );
    }
}

/// Nodes do not use the API ports of the file, but clients and people do.
void ControlPlane::check_api_ports() {
    const MonotonicTime time = now();
    if (!nodes_ || (time < api_ports_at_)) {
        return;
    }
    bool found = false;
    for (const auto& [id, member] : state_->cluster.members) {
        for (const cluster::NodeAddress& node : *nodes_) {
            const auto api = cluster::parse_host_port(member->api_address);
            const std::string address = node.peering.to_string();
            if (member->fenced || address != member->peering_address || !api.ok()
                || api.value().port == node.api_port) {
                continue;
            }
            found = true;
            log_warn(
                origin_of(address) + ": " + address + ":" + std::to_string(node.api_port) + " says "
                + title_of(id) + " serves clients at port " + std::to_string(node.api_port)
                + ", and it serves at " + member->api_address
            );
        }
    }
    api_ports_at_ = time + (found ? kApiPortsNamed : kApiPortsInterval);
}

/// Of two parts of a cluster that have gone on without each other, one is given up here: whatever
/// was acknowledged there alone is not in the other.
void ControlPlane::say_epoch_lost(
    const consensus::Message& message,
    const consensus::Epoch& before
) {
    if (before.number == 0) {
        return;  // It has been in none.
    }
    const std::string newer =
        epoch_text(message.epoch) + ", which " + title_of(message.from) + " leads";
    if (raft_->is_superseded()) {
        log_warn(
            "this node's part of the cluster, " + epoch_text(before) + ", is given up for " + newer
            + ": it does not serve until it follows"
        );
        return;
    }
    std::string names;
    for (const auto& [name, collection] : state_->collections) {
        names += (names.empty() ? " (collections there: " : ", ") + name;
    }
    log_warn(
        "this node follows " + newer + ", and has left " + epoch_text(before)
        + ": its copies are built anew, and what was written there alone is dropped, not set aside"
        + (names.empty() ? "" : names + ")")
    );
}

void ControlPlane::compare_keys() {
    const Uuid& cluster = state_->cluster.id;
    if (options_.key_check == nullptr || cluster.is_nil()) {
        return;
    }
    if (!std::exchange(key_check_begun_, true)) {
        // Slow on purpose, and of no hurry: not where the log's writes wait.
        jobs_.submit(
            BackgroundJobs::Lane::kMerge,
            [this, derive = options_.key_check, salt = std::string(cluster.view())]() -> io::Task {
                std::string check = derive(salt);
                return [this, check = std::move(check)] {
                    keys_.set_own(check);
                };
            }
        );
    }
    const MonotonicTime time = now();
    for (const cluster::NodeId& node : keys_.due(time)) {
        if (cluster::find_member(state_->cluster, node) == nullptr) {
            continue;  // It has no name yet.
        }
        call(
            node,
            PeerRequest::kKeyCheck,
            {},
            kKeyCheckTimeout,
            [this, node](const Result<std::string>& answer) { keys_.on_answer(node, answer); }
        );
    }
    for (const cluster::NodeId& node : keys_.to_name(time)) {
        log_warn(
            title_of(node)
            + " has another --api-key than this node: a client is refused by one of them; start "
              "all nodes with the same"
        );
    }
    for (const cluster::NodeId& node : keys_.mended()) {
        log_info(title_of(node) + " has the same --api-key as this node now");
    }
}

void ControlPlane::on_key_check(const std::shared_ptr<cluster::PeerReply>& reply) {
    if (keys_.own().empty()) {
        reply->answer(Error{ErrorCode::kUnavailable, "this node has not made its check yet"});
    } else {
        reply->answer(keys_.own());
    }
}

}  // namespace kumo::node
