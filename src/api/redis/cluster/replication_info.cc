// How this node's copy stands to the others of its group, in the words of INFO and ROLE.
#include "api/redis/replication/replication_info.h"

#include "api/redis/call.h"
#include "api/redis/cluster/cluster.h"
#include "node/kv/kv_node.h"

#include <string>
#include <utility>

namespace kumo::api_redis {

std::size_t Cluster::replicas_in_sync() const {
    const auto& copy = node_->copy();
    return copy == nullptr || copy->core().view().in_sync.empty()
               ? 0
               : copy->core().view().in_sync.size() - 1;
}

std::size_t Cluster::replicas_with(std::uint64_t seq) const {
    const auto& copy = node_->copy();
    // In sync mode no answer leaves before all of them have what is behind it.
    const bool counts = copy != nullptr && copy->core().view().mode != cluster::AckMode::kSync;
    return counts ? copy->copies_with(seq) : replicas_in_sync();
}

void Cluster::write_replication_info(
    const std::function<void(std::string_view name, const std::string& value)>& line
) const {
    const node::State& state = *node_->state();
    const auto& copy = node_->copy();
    const std::uint64_t offset = copy == nullptr ? 0 : copy->appended();
    line("role", is_replica() ? "slave" : "master");
    if (is_replica()) {
        const cluster::Member* master = cluster::find_member(state.cluster, owners_[own_].master);
        const Endpoint at = master == nullptr ? Endpoint() : endpoint_of(*master);
        const bool in_sync = copy != nullptr && copy->core().view().in_sync.contains(node_->self());
        const bool linked = in_sync && master != nullptr && !master->fenced;
        line("master_host", at.host);
        line("master_port", std::to_string(at.port));
        line("master_link_status", linked ? "up" : "down");
        line("master_last_io_seconds_ago", linked ? "0" : "-1");
        line("master_sync_in_progress", linked || master == nullptr ? "0" : "1");
        line("slave_read_repl_offset", std::to_string(offset));
        line("slave_repl_offset", std::to_string(offset));
        line("slave_priority", service_.settings.text("replica-priority"));
        line("slave_read_only", "1");
        line("replica_announced", "1");
    }
    std::vector<std::string> replicas;
    if (!is_replica() && copy != nullptr) {
        const cluster::Shard& view = copy->core().view();
        for (const auto& [id, other] : view.copies) {
            const cluster::Member* member = cluster::find_member(state.cluster, id);
            if (id == node_->self() || member == nullptr || member->fenced) {
                continue;
            }
            const Endpoint at = endpoint_of(*member);
            replicas.push_back(
                "ip=" + at.host + ",port=" + std::to_string(at.port)
                + ",state=" + (view.in_sync.contains(id) ? "online" : "wait_bgsave")
                + ",offset=" + std::to_string(copy->core().match_of(id).value_or(0)) + ",lag=0"
            );
        }
    }
    // Tools that keep a copy (redis-cli --replica, --rdb) follow as in Redis.
    for (std::string& follower : describe_replicas(service_)) {
        replicas.push_back(std::move(follower));
    }
    line("connected_slaves", std::to_string(replicas.size()));
    for (std::size_t i = 0; i < replicas.size(); ++i) {
        line("slave" + std::to_string(i), replicas[i]);
    }
    line("master_failover_state", "no-failover");
    line("master_replid", own_ == 0 ? std::string(40, '0') : node::node_name(owners_[own_].master));
    line("master_replid2", std::string(40, '0'));
    line("master_repl_offset", std::to_string(offset));
    line("second_repl_offset", "-1");
    const bool async = copy != nullptr && copy->core().view().mode == cluster::AckMode::kAsync;
    line("replication_mode", async ? "async" : "sync");
    line(
        "replication_risk",
        async
            ? "acknowledged writes are lost with a master that fails before its replicas have them"
            : "none: what is acknowledged is on every replica in sync"
    );
    line("repl_backlog_active", !replicas.empty() ? "1" : "0");
    line("repl_backlog_size", service_.settings.text("repl-backlog-size"));
    line(
        "repl_backlog_first_byte_offset",
        copy == nullptr ? "0" : std::to_string(copy->core().log().base())
    );
    line(
        "repl_backlog_histlen",
        copy == nullptr ? "0" : std::to_string(copy->core().log().bytes())
    );
}

namespace {

/// What they ask for first; false: the error has been written.
bool read_wait(Call& call, std::size_t index, std::int64_t* wanted, std::int64_t* timeout_ms) {
    if (!call.integer(index, wanted)
        || !call.integer(index + 1, timeout_ms, "ERR timeout is not an integer or out of range")) {
        return false;
    }
    if (*timeout_ms < 0) {
        call.error("ERR timeout is negative");
        return false;
    }
    return true;
}

}  // namespace

void Cluster::do_wait(Call& call) {
    std::int64_t wanted = 0;
    std::int64_t timeout_ms = 0;
    if (is_replica()) {
        call.error(
            "ERR WAIT cannot be used with replica instances. Please also note that since Redis "
            "4.0 if a replica is configured to be writable (which is not the default) writes to "
            "replicas are just local and are not propagated."
        );
        return;
    }
    if (read_wait(call, 1, &wanted, &timeout_ms)) {
        await_copies(call, wanted, timeout_ms, std::nullopt);
    }
}

/// With `appendfsync always` nothing is answered before it is on the disk, here and there; without
/// it nobody knows when it is.
void Cluster::do_waitaof(Call& call) {
    std::int64_t local = 0;
    std::int64_t wanted = 0;
    std::int64_t timeout_ms = 0;
    if (is_replica()) {
        call.error("ERR WAITAOF cannot be used with replica instances.");
        return;
    }
    if (!call.integer(1, &local) || !read_wait(call, 2, &wanted, &timeout_ms)) {
        return;
    }
    if (local < 0 || local > 1) {
        call.error("ERR value is out of range, must be between 0 and 1");
        return;
    }
    const bool always = service_.settings.text("appendfsync") == "always";
    if ((local > 0 || wanted > 0) && !always) {
        call.error("ERR WAITAOF cannot be used in a cluster without appendfsync always.");
        return;
    }
    await_copies(call, wanted, timeout_ms, always ? 1 : 0);
}

void Cluster::reply_copies(
    wire::RespWriter& reply,
    std::size_t copies,
    const std::optional<std::int64_t>& local
) {
    if (local) {
        reply.array(2);
        reply.integer(*local);
    }
    reply.integer(static_cast<std::int64_t>(copies));
}

void Cluster::await_copies(
    Call& call,
    std::int64_t wanted,
    std::int64_t timeout_ms,
    const std::optional<std::int64_t>& local
) {
    const std::uint64_t seq = mark();
    const std::size_t have = replicas_with(seq);
    if (static_cast<std::int64_t>(have) >= wanted || call.in_script || call.session.in_exec) {
        reply_copies(call.reply, have, local);
        return;
    }
    waiters_.push_back({call.session.id, static_cast<std::size_t>(wanted), seq, local});
    service_.hold(call.session, timeout_ms, [this, seq, local](Session& session) {
        std::erase_if(waiters_, [&session](const Waiter& waiter) {
            return waiter.session == session.id;
        });
        reply_copies(session.reply, replicas_with(seq), local);
    });
}

void Cluster::serve_waiters() {
    for (const Waiter& waiter : std::exchange(waiters_, {})) {
        Session* session = service_.session(waiter.session);
        if (session == nullptr || !session->blocked) {
            continue;
        }
        const std::size_t have = replicas_with(waiter.seq);
        if (have < waiter.wanted) {
            waiters_.push_back(waiter);
            continue;
        }
        reply_copies(session->reply, have, waiter.local);
        service_.release(*session);
    }
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
                replicas.emplace_back(endpoint_of(*member), copy->core().match_of(id).value_or(0));
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
