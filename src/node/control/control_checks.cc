#include "base/log.h"
#include "node/control/control_plane.h"

#include <utility>

// What operators get wrong, made visible: comparing what all nodes should have been told alike.

namespace kumo::node {

namespace {

constexpr Duration kKeyCheckTimeout = std::chrono::seconds(5);

}  // namespace

std::string ControlPlane::title_of(const cluster::NodeId& node) const {
    const cluster::Member* member = cluster::find_member(state_->cluster, node);
    if (member == nullptr) {
        return "node " + node.to_string();
    }
    return member->name == member->peering_address
               ? "node " + member->name
               : "node " + member->name + " (" + member->peering_address + ")";
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
