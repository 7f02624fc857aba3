// Replication: REPLICAOF, ROLE, SYNC, PSYNC, REPLCONF, WAIT, FAILOVER; MIGRATE (Redis 7.0).
#include "api/redis/call.h"
#include "api/redis/cluster/cluster.h"
#include "api/redis/replication/migrations.h"
#include "api/redis/replication/replication.h"
#include "api/redis/replication/replication_info.h"
#include "api/redis/service.h"

#include <string>

namespace kumo::api_redis {

namespace {

void set_replicaof(Call& call, const std::string& value) {
    call.service.settings.put(*find_setting_spec("replicaof"), value);
}

void do_replicaof(Call& call) {
    Replication& replication = call.service.replication();
    if (call.service.settings.flag("cluster-enabled")) {
        call.error("ERR REPLICAOF not allowed in cluster mode.");
        return;
    }
    if (replication.failover().under_way()) {
        call.error("ERR REPLICAOF not allowed while failing over.");
        return;
    }
    if (call.arg_is(1, "no") && call.arg_is(2, "one")) {
        replication.lead();
        set_replicaof(call, "");
        call.reply.ok();
        return;
    }
    if (call.session.replica) {
        call.error("ERR Command is not valid when client is a replica.");
        return;
    }
    std::int64_t port = 0;
    constexpr std::int64_t kPortMax = 65535;
    if (!call.integer(2, &port)) {
        return;
    }
    if (port < 0 || port > kPortMax) {
        call.error("ERR Invalid master port");
        return;
    }
    const MasterAddress master{std::string(call.arg(1)), static_cast<std::uint16_t>(port)};
    if (MasterLink* link = replication.link(); link != nullptr && link->master() == master) {
        call.reply.simple("OK Already connected to specified master");
        return;
    }
    replication.follow(master);
    set_replicaof(call, master.host + " " + std::to_string(port));
    call.reply.ok();
}

void do_role(Call& call) {
    write_role(call);
}

void do_sync(Call& call) {
    call.service.replication().replicas().do_sync(call);
}

void do_replconf(Call& call) {
    call.service.replication().replicas().do_replconf(call);
}

void do_wait(Call& call) {
    if (call.service.cluster != nullptr) {
        call.service.cluster->do_wait(call);
        return;
    }
    call.service.replication().do_wait(call);
}

void do_waitaof(Call& call) {
    if (call.service.cluster != nullptr) {
        call.service.cluster->do_waitaof(call);
        return;
    }
    call.error("ERR WAITAOF is only supported in a cluster");
}

void do_failover(Call& call) {
    call.service.replication().failover().do_failover(call);
}

void do_migrate(Call& call) {
    call.service.migrations().do_migrate(call);
}

}  // namespace

void add_replication_calls(CallTable& table) {
    table.add({
        {"failover", do_failover},
        {"migrate", do_migrate},
        {"psync", do_sync},
        {"replconf", do_replconf},
        {"replicaof", do_replicaof},
        {"role", do_role},
        {"slaveof", do_replicaof},
        {"sync", do_sync},
        {"wait", do_wait},
        {"waitaof", do_waitaof},
    });
}

}  // namespace kumo::api_redis
