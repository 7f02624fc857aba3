#include "api/redis/replication/replication_info.h"

#include "api/redis/call.h"
#include "api/redis/cluster/cluster.h"
#include "api/redis/replication/replication.h"
#include "api/redis/service.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace kumo::api_redis {

namespace {

std::string percent(std::uint64_t part, std::uint64_t whole) {
    std::array<char, 32> text{};
    const double share =
        whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
    (void)std::snprintf(text.data(), text.size(), "%.2f", share);
    return text.data();
}

std::string_view phase_name(ReplicaPhase phase) {
    switch (phase) {
        case ReplicaPhase::kHandshake:
        case ReplicaPhase::kWaiting: return "wait_bgsave";
        case ReplicaPhase::kSnapshot: return "send_bulk";
        case ReplicaPhase::kSettling:
        case ReplicaPhase::kOnline: return "online";
    }
    return "unknown";
}

std::string ip_of(const Session& session, const Replica& replica) {
    return replica.announced_ip.empty() ? session.peer_host() : replica.announced_ip;
}

void write_link(Service& service, MasterLink& link, const InfoLine& line) {
    const std::int64_t now = service.now_ms();
    const bool syncs =
        link.state() == MasterLink::State::kSync || link.state() == MasterLink::State::kLoading;
    const auto number = [&line](std::string_view name, auto value) {
        line(name, std::to_string(value));
    };
    line("master_host", link.master().host);
    number("master_port", link.master().port);
    line("master_link_status", link.up() ? "up" : "down");
    number("master_last_io_seconds_ago", link.up() ? (now - link.last_heard_ms()) / 1000 : -1);
    number("master_sync_in_progress", syncs ? 1 : 0);
    number("slave_read_repl_offset", link.read_place());
    number("slave_repl_offset", service.replication().offset());
    if (syncs) {
        const std::uint64_t total = link.sync_total_bytes();
        const std::uint64_t read = link.sync_read_bytes();
        number("master_sync_total_bytes", total);
        number("master_sync_read_bytes", read);
        number("master_sync_left_bytes", total - std::min(total, read));
        line("master_sync_perc", percent(read, total));
        number("master_sync_last_io_seconds_ago", (now - link.last_heard_ms()) / 1000);
    }
    if (!link.up()) {
        number("master_link_down_since_seconds", (now - link.down_since_ms()) / 1000);
    }
    number("slave_priority", service.settings.number("replica-priority"));
    number("slave_read_only", service.settings.flag("replica-read-only") ? 1 : 0);
    number("replica_announced", service.settings.flag("replica-announced") ? 1 : 0);
}

void write_replicas(Service& service, const InfoLine& line) {
    const Replicas& replicas = service.replication().replicas();
    line("connected_slaves", std::to_string(replicas.count()));
    if (service.settings.number("min-replicas-to-write") > 0) {
        line("min_slaves_good_slaves", std::to_string(replicas.good()));
    }
    std::size_t index = 0;
    for (const std::string& replica : describe_replicas(service)) {
        line("slave" + std::to_string(index++), replica);
    }
}

}  // namespace

std::vector<std::string> describe_replicas(Service& service) {
    std::vector<std::string> out;
    for (const auto& [id, replica] : service.replication().replicas().all()) {
        const Session* session = service.session(id);
        if (session == nullptr || replica.phase == ReplicaPhase::kHandshake) {
            continue;
        }
        const std::int64_t lag = replica.phase == ReplicaPhase::kOnline
                                     ? (service.now_ms() - replica.heard_ms) / 1000
                                     : 0;
        out.push_back(
            "ip=" + ip_of(*session, replica) + ",port=" + std::to_string(replica.announced_port)
            + ",state=" + std::string(phase_name(replica.phase))
            + ",offset=" + std::to_string(replica.acknowledged) + ",lag=" + std::to_string(lag)
        );
    }
    return out;
}

void write_replication_info(Service& service, const InfoLine& line) {
    if (service.cluster != nullptr) {
        service.cluster->write_replication_info(line);
        return;
    }
    Replication& replication = service.replication();
    line("role", replication.is_replica() ? "slave" : "master");
    if (MasterLink* link = replication.link(); link != nullptr) {
        write_link(service, *link, line);
    }
    write_replicas(service, line);
    const StreamBuffer& stream = replication.stream();
    const bool active = replication.active();
    line("master_failover_state", std::string(replication.failover().state_name()));
    line("master_replid", replication.id());
    line("master_replid2", replication.old_id());
    line("master_repl_offset", std::to_string(replication.offset()));
    line(
        "second_repl_offset",
        std::to_string(replication.old_end() < 0 ? -1 : replication.old_end() + 1)
    );
    line("repl_backlog_active", active ? "1" : "0");
    line("repl_backlog_size", std::to_string(service.settings.number("repl-backlog-size")));
    line(
        "repl_backlog_first_byte_offset",
        std::to_string(active ? stream.begin() + 1 : std::uint64_t{0})
    );
    line("repl_backlog_histlen", std::to_string(active ? stream.end() - stream.begin() : 0));
}

void write_loading_info(Service& service, const InfoLine& line) {
    MasterLink* link = service.replication().link();
    DatasetReplacement* loading = link == nullptr ? nullptr : link->replacement();
    if (loading == nullptr) {
        return;
    }
    const std::uint64_t total = loading->total_bytes();
    line("loading_start_time", std::to_string(service.now_ms() / 1000));
    line("loading_total_bytes", std::to_string(total));
    line("loading_loaded_bytes", std::to_string(loading->loaded_bytes()));
    line("loading_loaded_perc", percent(loading->loaded_bytes(), total));
    line("loading_eta_seconds", "1");
}

namespace {

void write_role_of_replica(Call& call, MasterLink& link) {
    call.reply.array(5);
    call.reply.bulk("slave");
    call.reply.bulk(link.master().host);
    call.reply.integer(link.master().port);
    call.reply.bulk(link.state_name());
    call.reply.integer(
        link.up() ? static_cast<std::int64_t>(call.service.replication().offset()) : -1
    );
}

}  // namespace

void write_role(Call& call) {
    if (call.service.cluster != nullptr) {
        call.service.cluster->reply_role(call.reply);
        return;
    }
    Replication& replication = call.service.replication();
    if (MasterLink* link = replication.link(); link != nullptr) {
        write_role_of_replica(call, *link);
        return;
    }
    call.reply.array(3);
    call.reply.bulk("master");
    call.reply.integer(static_cast<std::int64_t>(replication.offset()));
    const std::size_t mark = call.reply.mark();
    std::size_t count = 0;
    for (const auto& [id, replica] : replication.replicas().all()) {
        const Session* session = call.service.session(id);
        if (session == nullptr || replica.phase != ReplicaPhase::kOnline) {
            continue;
        }
        ++count;
        call.reply.array(3);
        call.reply.bulk(ip_of(*session, replica));
        call.reply.bulk(std::to_string(replica.announced_port));
        call.reply.bulk(std::to_string(replica.acknowledged));
    }
    call.reply.insert_array(mark, count);
}

}  // namespace kumo::api_redis
