// How this node's copy stands to the others of its group, in the words of INFO and ROLE.
#include "api/redis/cluster/cluster.h"
#include "node/kv/kv_node.h"

#include <string>

namespace kumo::api_redis {

namespace {

void add(std::string& out, std::string_view name, const std::string& value) {
    out.append(name).append(":").append(value).append("\r\n");
}

}  // namespace

std::size_t Cluster::replicas_in_sync() const {
    const auto& copy = node_->copy();
    return copy == nullptr || copy->core().view().in_sync.empty()
               ? 0
               : copy->core().view().in_sync.size() - 1;
}

std::string Cluster::replication_text() const {
    const node::State& state = *node_->state();
    const auto& copy = node_->copy();
    const std::uint64_t offset = copy == nullptr ? 0 : copy->appended();
    std::string out;
    add(out, "role", is_replica() ? "slave" : "master");
    if (is_replica()) {
        const cluster::Member* master = cluster::find_member(state.cluster, owners_[own_].master);
        const Endpoint at = master == nullptr ? Endpoint() : endpoint_of(*master);
        const bool in_sync = copy != nullptr && copy->core().view().in_sync.contains(node_->self());
        const bool linked = in_sync && master != nullptr && !master->fenced;
        add(out, "master_host", at.host);
        add(out, "master_port", std::to_string(at.port));
        add(out, "master_link_status", linked ? "up" : "down");
        add(out, "master_last_io_seconds_ago", linked ? "0" : "-1");
        add(out, "master_sync_in_progress", linked || master == nullptr ? "0" : "1");
        add(out, "slave_read_repl_offset", std::to_string(offset));
        add(out, "slave_repl_offset", std::to_string(offset));
        add(out, "slave_priority", service_.settings.text("replica-priority"));
        add(out, "slave_read_only", "1");
        add(out, "replica_announced", "1");
    }
    std::string replicas;
    std::size_t count = 0;
    if (!is_replica() && copy != nullptr) {
        const cluster::Shard& view = copy->core().view();
        for (const auto& [id, other] : view.copies) {
            const cluster::Member* member = cluster::find_member(state.cluster, id);
            if (id == node_->self() || member == nullptr || member->fenced) {
                continue;
            }
            const Endpoint at = endpoint_of(*member);
            add(replicas,
                "slave" + std::to_string(count++),
                "ip=" + at.host + ",port=" + std::to_string(at.port) + ",state="
                    + (view.in_sync.contains(id) ? "online" : "wait_bgsave") + ",offset="
                    + std::to_string(copy->core().match_of(id).value_or(0)) + ",lag=0");
        }
    }
    add(out, "connected_slaves", std::to_string(count));
    out += replicas;
    add(out, "master_failover_state", "no-failover");
    add(out, "master_replid", own_ == 0 ? std::string(40, '0') : node::node_name(owners_[own_].master));
    add(out, "master_replid2", std::string(40, '0'));
    add(out, "master_repl_offset", std::to_string(offset));
    add(out, "second_repl_offset", "-1");
    add(out, "repl_backlog_active", count > 0 ? "1" : "0");
    add(out, "repl_backlog_size", service_.settings.text("repl-backlog-size"));
    add(out, "repl_backlog_first_byte_offset", copy == nullptr ? "0" : std::to_string(copy->core().log().base()));
    add(out, "repl_backlog_histlen", copy == nullptr ? "0" : std::to_string(copy->core().log().bytes()));
    return out;
}

void Cluster::reply_role(wire::RespWriter& reply) const {
    const node::State& state = *node_->state();
    const auto& copy = node_->copy();
    const auto offset = static_cast<std::int64_t>(copy == nullptr ? 0 : copy->appended());
    if (is_replica()) {
        const cluster::Member* master = cluster::find_member(state.cluster, owners_[own_].master);
        const Endpoint at = master == nullptr ? Endpoint() : endpoint_of(*master);
        const bool in_sync = copy != nullptr && copy->core().view().in_sync.contains(node_->self());
        reply.array(5);
        reply.bulk("slave");
        reply.bulk(at.host);
        reply.integer(at.port);
        reply.bulk(in_sync ? "connected" : "sync");
        reply.integer(offset);
        return;
    }
    std::vector<std::pair<Endpoint, std::uint64_t>> replicas;
    if (copy != nullptr) {
        for (const auto& [id, other] : copy->core().view().copies) {
            const cluster::Member* member = cluster::find_member(state.cluster, id);
            if (id != node_->self() && member != nullptr && !member->fenced) {
                replicas.emplace_back(
                    endpoint_of(*member),
                    copy->core().match_of(id).value_or(0)
                );
            }
        }
    }
    reply.array(3);
    reply.bulk("master");
    reply.integer(offset);
    reply.array(replicas.size());
    for (const auto& [at, match] : replicas) {
        reply.array(3);
        reply.bulk(at.host);
        reply.bulk(std::to_string(at.port));
        reply.bulk(std::to_string(match));
    }
}

}  // namespace kumo::api_redis
