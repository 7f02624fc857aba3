// CLUSTER (Redis 7.0): the nodes, the slots, and who has them.
#include "api/redis/call.h"
#include "api/redis/cluster/cluster.h"
#include "base/log.h"
#include "kv/keyspace/number.h"
#include "node/kv/kv_node.h"
#include "wire/crc16.h"

#include <algorithm>
#include <string>
#include <utility>

namespace kumo::api_redis {

namespace {

using cluster::NodeId;

constexpr ByteView kDisabled = "ERR This instance has cluster support disabled";
constexpr ByteView kBadSlot = "ERR Invalid or out of range slot";
constexpr std::uint16_t kBusPortOffset = 10000;

std::string unknown_node(ByteView name) {
    return "ERR Unknown node " + std::string(name);
}

/// False: the error has been written.
bool read_slot(Call& call, std::size_t index, std::uint16_t* slot) {
    const auto value = kv::parse_integer(call.arg(index));
    if (!value || *value < 0 || *value >= node::kSlots) {
        call.error(kBadSlot);
        return false;
    }
    *slot = static_cast<std::uint16_t>(*value);
    return true;
}

std::optional<NodeId> find_node(const Cluster& of, ByteView name) {
    const auto id = node::parse_node_name(name);
    return id && cluster::find_member(of.members(), *id) != nullptr ? id : std::nullopt;
}

/// The change is on its way, or the error has been written.
bool change(Call& call, const node::KvCommand& command) {
    std::string error;
    if (!call.service.cluster->change(call.session, command, &error)) {
        call.error(error);
        return false;
    }
    return true;
}

void change_and_ok(Call& call, const node::KvCommand& command) {
    if (change(call, command)) {
        call.reply.ok();
    }
}

bool is_master(const Cluster& of) {
    return node::group_led_by(of.slots(), of.members(), of.self()) != nullptr;
}

// Looking ---------------------------------------------------------------------------------------

void do_myid(Call& call) {
    call.reply.bulk(node::node_name(call.service.cluster->self()));
}

std::string shard_name(const node::KvGroup& group, const Uuid& cluster) {
    Uuid id = cluster;
    const auto number = static_cast<std::uint64_t>(group.shard);
    for (std::size_t i = 0; i < sizeof(number); ++i) {
        id.bytes[i] = static_cast<std::uint8_t>(id.bytes[i] ^ (number >> (8 * i) & 0xFFU));
    }
    return node::node_name(id);
}

void do_myshardid(Call& call) {
    const Cluster& of = *call.service.cluster;
    const node::KvGroup* group = of.node().group();
    if (group == nullptr) {
        call.error("ERR this node is in no shard yet");
        return;
    }
    call.reply.bulk(shard_name(*group, of.node().state()->cluster.id));
}

void do_nodes(Call& call) {
    call.reply.bulk(call.service.cluster->nodes_text(false));
}

void do_keyslot(Call& call) {
    call.reply.integer(wire::key_slot(call.arg(2)));
}

void do_info(Call& call) {
    const Cluster& of = *call.service.cluster;
    const node::State& state = *of.node().state();
    std::size_t assigned = 0;
    std::size_t failed = 0;
    std::size_t masters = 0;
    for (const auto& [shard, group] : state.kv.groups) {
        const std::size_t slots = group->slots.size();
        const cluster::Member* master =
            cluster::find_member(state.cluster, node::master_of(state.cluster, *group));
        assigned += slots;
        masters += slots > 0 ? 1 : 0;
        failed += master == nullptr || master->fenced ? slots : 0;
    }
    const node::KvGroup* own = of.node().group();
    const bool ok = of.is_up() && of.node().has_lease();
    std::string text;
    const auto add = [&text](ByteView name, std::uint64_t value) {
        text.append(name).append(":").append(std::to_string(value)).append("\r\n");
    };
    text += std::string("cluster_state:") + (ok ? "ok" : "fail") + "\r\n";
    add("cluster_slots_assigned", assigned);
    add("cluster_slots_ok", assigned - failed);
    add("cluster_slots_pfail", 0);
    add("cluster_slots_fail", failed);
    add("cluster_known_nodes", std::max<std::size_t>(state.cluster.members.size(), 1));
    add("cluster_size", masters);
    add("cluster_current_epoch", state.kv.current_epoch);
    add("cluster_my_epoch", own == nullptr ? 0 : own->config_epoch);
    add("cluster_stats_messages_sent", 0);
    add("cluster_stats_messages_received", 0);
    add("total_cluster_links_buffer_limit_exceeded", 0);
    call.reply.bulk(text);
}

void reply_endpoint(Call& call, const Endpoint& at) {
    const std::string& type = call.service.settings.text("cluster-preferred-endpoint-type");
    if (type == "unknown-endpoint") {
        call.reply.null();
    } else if (type == "hostname") {
        call.reply.bulk(at.hostname.empty() ? "?" : at.hostname);
    } else {
        call.reply.bulk(at.host);
    }
}

void reply_slots_node(Call& call, const cluster::Member& member) {
    const Endpoint at = call.service.cluster->endpoint_of(member);
    const bool by_ip = call.service.settings.text("cluster-preferred-endpoint-type") == "ip";
    call.reply.array(4);
    reply_endpoint(call, at);
    call.reply.integer(at.port);
    call.reply.bulk(node::node_name(member.id));
    if (by_ip && !at.hostname.empty()) {
        call.reply.map(1);
        call.reply.bulk("hostname");
        call.reply.bulk(at.hostname);
    } else if (!by_ip) {
        call.reply.map(1);
        call.reply.bulk("ip");
        call.reply.bulk(at.host);
    } else {
        call.reply.map(0);
    }
}

/// The master first; replicas that are down are left out.
std::vector<const cluster::Member*>
members_of(const cluster::State& state, const node::KvGroup& group, bool with_failed) {
    std::vector<const cluster::Member*> out;
    const NodeId master = node::master_of(state, group);
    if (const cluster::Member* member = cluster::find_member(state, master)) {
        out.push_back(member);
    }
    const cluster::Shard* shard = cluster::find_shard(state, group.shard);
    for (const auto& [id, copy] : shard->copies) {
        const cluster::Member* member = cluster::find_member(state, id);
        if (id != master && member != nullptr && (with_failed || !member->fenced)) {
            out.push_back(member);
        }
    }
    return out;
}

void do_slots(Call& call) {
    const node::State& state = *call.service.cluster->node().state();
    std::vector<std::pair<node::SlotSet::Range, const node::KvGroup*>> rows;
    for (const auto& [shard, group] : state.kv.groups) {
        for (const node::SlotSet::Range& range : group->slots.ranges()) {
            rows.emplace_back(range, group.get());
        }
    }
    std::sort(rows.begin(), rows.end());
    call.reply.array(rows.size());
    for (const auto& [range, group] : rows) {
        const auto members = members_of(state.cluster, *group, false);
        call.reply.array(2 + members.size());
        call.reply.integer(range.first);
        call.reply.integer(range.second);
        for (const cluster::Member* member : members) {
            reply_slots_node(call, *member);
        }
    }
}

void reply_shard_node(Call& call, const cluster::Member& member, bool leads, bool in_sync) {
    const Cluster& of = *call.service.cluster;
    const Endpoint at = of.endpoint_of(member);
    const bool self = member.id == of.self();
    call.reply.map(at.hostname.empty() ? 7 : 8);
    call.reply.bulk("id");
    call.reply.bulk(node::node_name(member.id));
    call.reply.bulk("port");
    call.reply.integer(at.port);
    call.reply.bulk("ip");
    call.reply.bulk(at.host);
    call.reply.bulk("endpoint");
    reply_endpoint(call, at);
    if (!at.hostname.empty()) {
        call.reply.bulk("hostname");
        call.reply.bulk(at.hostname);
    }
    call.reply.bulk("role");
    call.reply.bulk(leads ? "master" : "replica");
    call.reply.bulk("replication-offset");
    const auto& copy = of.node().copy();
    call.reply.integer(self && copy != nullptr ? static_cast<std::int64_t>(copy->appended()) : 0);
    call.reply.bulk("health");
    call.reply.bulk(member.fenced && !self ? "fail" : in_sync || leads ? "online" : "loading");
}

void do_shards(Call& call) {
    const node::State& state = *call.service.cluster->node().state();
    call.reply.array(state.kv.groups.size());
    for (const auto& [shard, group] : state.kv.groups) {
        const auto ranges = group->slots.ranges();
        const cluster::Shard& known = *cluster::find_shard(state.cluster, shard);
        const NodeId master = node::master_of(state.cluster, *group);
        call.reply.map(2);
        call.reply.bulk("slots");
        call.reply.array(2 * ranges.size());
        for (const auto& [first, last] : ranges) {
            call.reply.integer(first);
            call.reply.integer(last);
        }
        call.reply.bulk("nodes");
        const auto members = members_of(state.cluster, *group, true);
        call.reply.array(members.size());
        for (const cluster::Member* member : members) {
            reply_shard_node(
                call,
                *member,
                member->id == master,
                known.in_sync.contains(member->id)
            );
        }
    }
}

void do_replicas(Call& call) {
    const Cluster& of = *call.service.cluster;
    const auto id = find_node(of, call.arg(2));
    if (!id) {
        call.error(unknown_node(call.arg(2)));
        return;
    }
    const node::State& state = *of.node().state();
    const node::KvGroup* group = node::group_led_by(state.kv, state.cluster, *id);
    if (group == nullptr) {
        call.error("ERR The specified node is not a master");
        return;
    }
    std::vector<std::string> lines;
    const cluster::Shard& shard = *cluster::find_shard(state.cluster, group->shard);
    const std::string all = of.nodes_text(false);
    std::size_t at = 0;
    for (std::size_t end = all.find('\n'); end != std::string::npos; end = all.find('\n', at)) {
        const std::string line = all.substr(at, end - at);
        at = end + 1;
        const auto node = node::parse_node_name(line.substr(0, line.find(' ')));
        if (node && *node != *id && shard.copies.contains(*node)) {
            lines.push_back(line);
        }
    }
    call.reply.array(lines.size());
    for (const std::string& line : lines) {
        call.reply.bulk(line);
    }
}

void do_links(Call& call) {
    const Cluster& of = *call.service.cluster;
    const node::State& state = *of.node().state();
    std::vector<const cluster::Member*> others;
    for (const auto& [id, member] : state.cluster.members) {
        if (id != of.self() && !member->fenced) {
            others.push_back(member.get());
        }
    }
    call.reply.array(2 * others.size());
    for (const cluster::Member* member : others) {
        for (const ByteView direction : {"to", "from"}) {
            call.reply.map(6);
            call.reply.bulk("direction");
            call.reply.bulk(direction);
            call.reply.bulk("node");
            call.reply.bulk(node::node_name(member->id));
            call.reply.bulk("create-time");
            call.reply.integer(call.service.started_ms());
            call.reply.bulk("events");
            call.reply.bulk(direction == "to" ? "rw" : "r");
            call.reply.bulk("send-buffer-allocated");
            call.reply.integer(0);
            call.reply.bulk("send-buffer-used");
            call.reply.integer(0);
        }
    }
}

void do_failure_reports(Call& call) {
    const Cluster& of = *call.service.cluster;
    const auto id = find_node(of, call.arg(2));
    if (!id) {
        call.error(unknown_node(call.arg(2)));
        return;
    }
    call.reply.integer(0);
}

void do_countkeysinslot(Call& call) {
    std::uint16_t slot = 0;
    const auto value = kv::parse_integer(call.arg(2));
    if (!value || *value < 0 || *value >= node::kSlots) {
        call.error("ERR Invalid slot");
        return;
    }
    slot = static_cast<std::uint16_t>(*value);
    call.reply.integer(static_cast<std::int64_t>(call.service.cluster->keys_in_slot(slot)));
}

void do_getkeysinslot(Call& call) {
    const auto slot = kv::parse_integer(call.arg(2));
    const auto most = kv::parse_integer(call.arg(3));
    if (!slot || !most) {
        call.error(kv::kNotInteger);
        return;
    }
    if (*slot < 0 || *slot >= node::kSlots || *most < 0) {
        call.error("ERR Invalid slot or number of keys");
        return;
    }
    std::vector<std::string> keys;
    call.service.keyspace.database(0).visit_slot(
        static_cast<int>(*slot),
        static_cast<std::size_t>(*most),
        [&keys](kv::Entry* entry) { keys.emplace_back(entry->key()); }
    );
    call.reply.array(keys.size());
    for (const std::string& key : keys) {
        call.reply.bulk(key);
    }
}

// Slots -----------------------------------------------------------------------------------------

/// Single slots, or ranges of them. False: the error has been written.
bool read_slots(Call& call, bool ranges, node::SlotSet* slots) {
    if (ranges && call.argc() % 2 != 0) {
        call.wrong_arguments();
        return false;
    }
    for (std::size_t i = 2; i < call.argc(); i += ranges ? 2 : 1) {
        std::uint16_t first = 0;
        std::uint16_t last = 0;
        if (!read_slot(call, i, &first) || !read_slot(call, ranges ? i + 1 : i, &last)) {
            return false;
        }
        if (first > last) {
            call.error(
                "ERR start slot number " + std::to_string(first)
                + " is greater than end slot number " + std::to_string(last)
            );
            return false;
        }
        for (std::uint32_t slot = first; slot <= last; ++slot) {
            if (slots->contains(static_cast<std::uint16_t>(slot))) {
                call.error("ERR Slot " + std::to_string(slot) + " specified multiple times");
                return false;
            }
            slots->insert(static_cast<std::uint16_t>(slot));
        }
    }
    return true;
}

void do_addslots(Call& call) {
    node::SlotSet slots;
    if (read_slots(call, call.spec.name == "addslotsrange", &slots)) {
        change_and_ok(call, node::KvAddSlots{call.service.cluster->self(), slots});
    }
}

void do_delslots(Call& call) {
    node::SlotSet slots;
    if (read_slots(call, call.spec.name == "delslotsrange", &slots)) {
        change_and_ok(call, node::KvDropSlots{slots});
    }
}

void do_flushslots(Call& call) {
    const Cluster& of = *call.service.cluster;
    if (call.service.keyspace.size() > 0) {
        call.error("ERR DB must be empty to perform CLUSTER FLUSHSLOTS.");
        return;
    }
    const node::KvGroup* group = node::group_led_by(of.slots(), of.members(), of.self());
    if (group == nullptr || group->slots.empty()) {
        call.reply.ok();
        return;
    }
    change_and_ok(call, node::KvDropSlots{group->slots});
}

bool is_of(const Cluster& of, std::uint16_t slot, const NodeId& node) {
    const node::KvGroup* owner = node::owner_of(of.slots(), slot);
    return owner != nullptr && node::master_of(of.members(), *owner) == node;
}

void open_slot(Call& call, std::uint16_t slot, bool importing) {
    const Cluster& of = *call.service.cluster;
    const NodeId self = of.self();
    if (call.argc() != 5) {
        call.syntax_error();
        return;
    }
    if (!importing && !is_of(of, slot, self)) {
        call.error("ERR I'm not the owner of hash slot " + std::to_string(slot));
        return;
    }
    if (importing && is_of(of, slot, self)) {
        call.error("ERR I'm already the owner of hash slot " + std::to_string(slot));
        return;
    }
    const auto peer = find_node(of, call.arg(4));
    if (!peer) {
        call.error("ERR I don't know about node " + std::string(call.arg(4)));
        return;
    }
    if (node::group_led_by(of.slots(), of.members(), *peer) == nullptr) {
        call.error("ERR Target node is not a master");
        return;
    }
    change_and_ok(call, node::KvMarkSlot{self, slot, node::OpenSlot{importing, *peer}});
}

void give_slot(Call& call, std::uint16_t slot) {
    const Cluster& of = *call.service.cluster;
    const NodeId self = of.self();
    if (call.argc() != 5) {
        call.syntax_error();
        return;
    }
    const auto node = find_node(of, call.arg(4));
    if (!node) {
        call.error(unknown_node(call.arg(4)));
        return;
    }
    if (node::group_led_by(of.slots(), of.members(), *node) == nullptr) {
        call.error("ERR Target node is not a master");
        return;
    }
    if (is_of(of, slot, self) && *node != self && of.keys_in_slot(slot) > 0) {
        call.error(
            "ERR Can't assign hashslot " + std::to_string(slot)
            + " to a different node while I still hold keys for this hash slot."
        );
        return;
    }
    const auto open = of.slots().open_slots.find(*node);
    const bool is_open = open != of.slots().open_slots.end() && open->second.contains(slot);
    if (is_of(of, slot, *node) && !is_open) {
        call.reply.ok();  // redis-cli tells every master, and the first one has told all.
        return;
    }
    change_and_ok(call, node::KvGiveSlot{slot, *node});
}

void do_setslot(Call& call) {
    const Cluster& of = *call.service.cluster;
    std::uint16_t slot = 0;
    if (!is_master(of)) {
        call.error("ERR You can use SETSLOT only with masters.");
        return;
    }
    if (!read_slot(call, 2, &slot)) {
        return;
    }
    if (call.arg_is(3, "migrating")) {
        open_slot(call, slot, false);
    } else if (call.arg_is(3, "importing")) {
        open_slot(call, slot, true);
    } else if (call.arg_is(3, "stable") && call.argc() == 4) {
        change_and_ok(call, node::KvMarkSlot{of.self(), slot, std::nullopt});
    } else if (call.arg_is(3, "node")) {
        give_slot(call, slot);
    } else {
        call.error("ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP");
    }
}

// Nodes -----------------------------------------------------------------------------------------

void do_meet(Call& call) {
    std::int64_t port = 0;
    std::int64_t bus_port = 0;
    if (call.argc() != 4 && call.argc() != 5) {
        call.wrong_arguments();
        return;
    }
    if (!call.integer(3, &port, "ERR Invalid base port specified: " + std::string(call.arg(3)))) {
        return;
    }
    bus_port = port + kBusPortOffset;
    if (call.argc() == 5
        && !call.integer(
            4,
            &bus_port,
            "ERR Invalid bus port specified: " + std::string(call.arg(4))
        )) {
        return;
    }
    const std::string host(call.arg(2));
    constexpr std::int64_t kPortMax = 65535;
    const bool good = port > 0 && port <= kPortMax && bus_port > 0 && bus_port <= kPortMax
                      && !host.empty() && host.find_first_of(" \t\r\n") == std::string::npos;
    if (!good) {
        call.error("ERR Invalid node address specified: " + host + ":" + std::string(call.arg(3)));
        return;
    }
    const bool v6 = host.find(':') != std::string::npos && host.front() != '[';
    call.service.cluster->node().meet(
        (v6 ? "[" + host + "]" : host) + ":" + std::to_string(bus_port)
    );
    call.reply.ok();
}

void do_forget(Call& call) {
    const Cluster& of = *call.service.cluster;
    const auto id = node::parse_node_name(call.arg(2));
    const bool known = id && cluster::find_member(of.members(), *id) != nullptr;
    if (!known && !(id && of.slots().forgotten.contains(*id))) {
        call.error(unknown_node(call.arg(2)));
        return;
    }
    if (*id == of.self()) {
        call.error("ERR I tried hard but I can't forget myself...");
        return;
    }
    const node::KvGroup* own = node::group_of(of.slots(), of.members(), of.self());
    if (own != nullptr && known && node::master_of(of.members(), *own) == *id) {
        call.error("ERR Can't forget my master!");
        return;
    }
    if (!known) {
        call.reply.ok();
        return;
    }
    change_and_ok(call, node::KvForget{*id, call.service.now_ms()});
}

void do_replicate(Call& call) {
    const Cluster& of = *call.service.cluster;
    const NodeId self = of.self();
    const auto id = find_node(of, call.arg(2));
    if (!id) {
        call.error(unknown_node(call.arg(2)));
        return;
    }
    if (*id == self) {
        call.error("ERR Can't replicate myself");
        return;
    }
    const node::KvGroup* own = node::group_led_by(of.slots(), of.members(), self);
    if (own != nullptr && (!own->slots.empty() || call.service.keyspace.size() > 0)) {
        call.error("ERR To set a master the node must be empty and without assigned slots.");
        return;
    }
    change_and_ok(call, node::KvReplicate{self, *id});
}

void do_failover(Call& call) {
    Cluster& of = *call.service.cluster;
    const bool forced = call.argc() == 3 && (call.arg_is(2, "force") || call.arg_is(2, "takeover"));
    if (call.argc() > 3 || (call.argc() == 3 && !forced)) {
        call.syntax_error();
        return;
    }
    if (is_master(of)) {
        call.error("ERR You should send CLUSTER FAILOVER to a replica");
        return;
    }
    const node::KvGroup* own = of.node().group();
    if (own == nullptr) {
        call.error("ERR I'm a replica but my master is unknown to me");
        return;
    }
    const node::State& state = *of.node().state();
    const cluster::Member* master =
        cluster::find_member(state.cluster, node::master_of(state.cluster, *own));
    if (!forced && (master == nullptr || master->fenced)) {
        call.error("ERR Master is down or failed, please use CLUSTER FAILOVER FORCE");
        return;
    }
    if (!of.node().has_leader()) {
        call.error(
            "ERR most of the cluster's nodes cannot be reached: nobody can be made master without "
            "the risk of losing what the present one has acknowledged"
        );
        return;
    }
    const auto order = [&of](const cluster::Command& command) {
        of.node().propose(command, [](const Status& begun) {
            if (!begun.ok()) {
                log_warn("no failover by hand: " + begun.error().message);
            }
        });
    };
    if (forced) {
        order(cluster::SetBarred{of.self(), false});  // Of a master that is down, it leads now.
    }
    if (master != nullptr && !master->fenced) {
        order(cluster::BeginHandover{own->shard, of.self()});
    }
    call.reply.ok();
}

void do_reset(Call& call) {
    Cluster& of = *call.service.cluster;
    const bool hard = call.argc() == 3 && call.arg_is(2, "hard");
    if (call.argc() > 3 || (call.argc() == 3 && !hard && !call.arg_is(2, "soft"))) {
        call.syntax_error();
        return;
    }
    if (is_master(of) && call.service.keyspace.size() > 0) {
        call.error("ERR CLUSTER RESET can't be called with master nodes containing keys");
        return;
    }
    of.reset(call.session, hard);
    call.reply.ok();
}

void do_set_config_epoch(Call& call) {
    const Cluster& of = *call.service.cluster;
    std::int64_t epoch = 0;
    if (!call.integer(2, &epoch)) {
        return;
    }
    if (epoch < 0) {
        call.error("ERR Invalid config epoch specified: " + std::to_string(epoch));
        return;
    }
    if (of.members().members.size() > 1) {
        call.error(
            "ERR The user can assign a config epoch only when the node does not know any other "
            "node."
        );
        return;
    }
    change_and_ok(call, node::KvSetEpoch{of.self(), static_cast<std::uint64_t>(epoch)});
}

void do_bumpepoch(Call& call) {
    const Cluster& of = *call.service.cluster;
    const node::KvGroup* before = node::group_of(of.slots(), of.members(), of.self());
    const std::uint64_t epoch = before == nullptr ? 0 : before->config_epoch;
    if (!change(call, node::KvBumpEpoch{of.self()})) {
        return;
    }
    const node::KvGroup* now = node::group_of(of.slots(), of.members(), of.self());
    call.reply.simple(
        (now->config_epoch == epoch ? "STILL " : "BUMPED ") + std::to_string(now->config_epoch)
    );
}

void do_saveconfig(Call& call) {
    call.reply.ok();  // Every change is stored before it is told of.
}

void do_help(Call& call) {
    constexpr std::string_view kLines[] = {
        "ADDSLOTS <slot> [<slot> ...]",
        "    Gives slots that nobody has to this node.",
        "ADDSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]",
        "    The same, by ranges.",
        "BUMPEPOCH",
        "    Gives this node's shard the highest epoch.",
        "CANCELSLOTMIGRATIONS",
        "    Stops every move of slots away from this node.",
        "COUNT-FAILURE-REPORTS <node-id>",
        "    How many nodes say that the node has failed.",
        "COUNTKEYSINSLOT <slot>",
        "    How many keys of the slot are here.",
        "DELSLOTS <slot> [<slot> ...]",
        "    Takes slots away from whoever has them.",
        "DELSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]",
        "    The same, by ranges.",
        "FAILOVER [FORCE|TAKEOVER]",
        "    Makes this replica the master.",
        "FLUSHSLOTS",
        "    Takes this node's slots away from it.",
        "FORGET <node-id>",
        "    Removes a node from the cluster.",
        "GETKEYSINSLOT <slot> <count>",
        "    Keys of the slot that are here.",
        "GETSLOTMIGRATIONS",
        "    Moves of slots from and to this node, under way and past.",
        "INFO",
        "    The cluster's state.",
        "KEYSLOT <key>",
        "    The slot of a key.",
        "LINKS",
        "    The connections to the other nodes.",
        "MEET <ip> <port> [<bus-port>]",
        "    Makes one cluster of this node's and the other's.",
        "MIGRATESLOTS SLOTSRANGE <start slot> <end slot> [...] NODE <node-id> [SLOTSRANGE ...]",
        "    Moves slots to other masters, each block as a whole.",
        "MYID",
        "    This node's id.",
        "NODES",
        "    The nodes, a line each.",
        "REPLICAS <node-id>",
        "    The replicas of a master.",
        "REPLICATE <node-id>",
        "    Makes this node a replica of a master.",
        "RESET [HARD|SOFT]",
        "    Leaves the cluster.",
        "SAVECONFIG",
        "    Nothing: every change is stored at once.",
        "SET-CONFIG-EPOCH <epoch>",
        "    The epoch of a node that knows no other one.",
        "SETSLOT <slot> (IMPORTING|MIGRATING <node-id>|NODE <node-id>|STABLE)",
        "    Moves a slot, step by step.",
        "SHARDS",
        "    The shards: their slots and their nodes.",
        "SLOT-STATS (SLOTSRANGE <start slot> <end slot>|ORDERBY KEY-COUNT [LIMIT <n>] [ASC|DESC])",
        "    How many keys are in this node's slots.",
        "SLOTS",
        "    Ranges of slots and the nodes that serve them."};
    reply_help(call.reply, "CLUSTER", kLines);
}

/// With the check that all of them begin with.
template <void (*Handler)(Call&)>
void in_cluster(Call& call) {
    if (call.service.cluster == nullptr) {
        call.error(kDisabled);
        return;
    }
    Handler(call);
}

}  // namespace

void add_cluster_calls(CallTable& table) {
    table.add({
        {"cluster|addslots", in_cluster<do_addslots>},
        {"cluster|addslotsrange", in_cluster<do_addslots>},
        {"cluster|bumpepoch", in_cluster<do_bumpepoch>},
        {"cluster|count-failure-reports", in_cluster<do_failure_reports>},
        {"cluster|countkeysinslot", in_cluster<do_countkeysinslot>},
        {"cluster|delslots", in_cluster<do_delslots>},
        {"cluster|delslotsrange", in_cluster<do_delslots>},
        {"cluster|failover", in_cluster<do_failover>},
        {"cluster|flushslots", in_cluster<do_flushslots>},
        {"cluster|forget", in_cluster<do_forget>},
        {"cluster|getkeysinslot", in_cluster<do_getkeysinslot>},
        {"cluster|help", in_cluster<do_help>},
        {"cluster|info", in_cluster<do_info>},
        {"cluster|keyslot", in_cluster<do_keyslot>},
        {"cluster|links", in_cluster<do_links>},
        {"cluster|meet", in_cluster<do_meet>},
        {"cluster|myid", in_cluster<do_myid>},
        {"cluster|myshardid", in_cluster<do_myshardid>},
        {"cluster|nodes", in_cluster<do_nodes>},
        {"cluster|replicas", in_cluster<do_replicas>},
        {"cluster|replicate", in_cluster<do_replicate>},
        {"cluster|reset", in_cluster<do_reset>},
        {"cluster|saveconfig", in_cluster<do_saveconfig>},
        {"cluster|set-config-epoch", in_cluster<do_set_config_epoch>},
        {"cluster|setslot", in_cluster<do_setslot>},
        {"cluster|shards", in_cluster<do_shards>},
        {"cluster|slaves", in_cluster<do_replicas>},
        {"cluster|slots", in_cluster<do_slots>},
    });
}

}  // namespace kumo::api_redis
