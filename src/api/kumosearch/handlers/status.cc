#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/routes.h"
#include "base/log.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace kumo::api_kumosearch {

namespace {

constexpr std::size_t kSnapshotPathBytesMax = 4000;  ///< Below PATH_MAX, with room for names.

/// What /stats.json sums requests up as.
enum class Group : std::uint8_t {
    kSearch,
    kImport,
    kWrite,
    kDelete,
    kOther,
};

Group group_of(const Route& route) {
    const std::string_view action = route.action.name();
    if (action == "documents:search") {
        return Group::kSearch;
    }
    if (action == "documents:import") {
        return Group::kImport;
    }
    if (!action.starts_with("documents:")) {
        return Group::kOther;
    }
    if (action == "documents:delete") {
        return Group::kDelete;
    }
    return route.method == wire::HttpMethod::kGet ? Group::kOther : Group::kWrite;
}

struct Sum {
    double per_second = 0;
    double weighted_latency = 0;

    void add(const RequestStats::Reading& reading) {
        per_second += reading.per_second;
        weighted_latency += reading.per_second * reading.latency_ms;
    }

    double latency_ms() const { return per_second == 0 ? 0 : weighted_latency / per_second; }
};

using Readings = std::vector<std::pair<std::string, RequestStats::Reading>>;

/// The routes that were used lately.
Readings read_routes(const Context& context) {
    Readings out;
    const MonotonicTime now = context.clock.monotonic_now();
    const auto all = routes();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const RequestStats::Reading reading = context.stats.read(i, now);
        if (reading.per_second > 0) {
            std::string name(wire::http_method_name(all[i].method));
            out.emplace_back(name.append(" ").append(all[i].pattern), reading);
        }
    }
    return out;
}

Sum sum_of(const Context& context, Group group) {
    Sum sum;
    const MonotonicTime now = context.clock.monotonic_now();
    const auto all = routes();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (group_of(all[i]) == group) {
            sum.add(context.stats.read(i, now));
        }
    }
    return sum;
}

/// What stock clients know: 1 leads, 4 follows, 3 is without a leader, 6 is not in a cluster yet.
int debug_state(const node::ClusterStatus& cluster) {
    if (!cluster.in_cluster) {
        return 6;
    }
    if (!cluster.has_leader) {
        return 3;
    }
    return cluster.leads ? 1 : 4;
}

std::string_view state_name(const node::ClusterStatus& cluster) {
    if (!cluster.serves || !cluster.has_leader) {
        return "NOT_READY";
    }
    return cluster.leads ? "LEADER" : "FOLLOWER";
}

/// The health, and true if clients are to go on asking this node.
void answer_health(const CallPtr& call, bool alive) {
    const node::Health health = call->context.node.health();
    const bool ok = alive && health.ok && health.resource_error.empty();
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_object().key("ok").boolean(ok);
    if (!health.resource_error.empty()) {
        writer.key("resource_error").string(health.resource_error);
    }
    writer.end_object();
    answer(*call, ok ? 200 : 503, std::move(json));
}

/// Of all cores together, in percent; nothing if it is not known.
std::optional<double> cpu_percentage(const Context& context) {
    const Metrics metrics = context.options.metrics ? context.options.metrics() : Metrics();
    for (const auto& [name, value] : metrics) {
        if (name == "system_cpu_active_percentage") {
            return parse_decimal(value);
        }
    }
    return std::nullopt;
}

void write_members(wire::JsonWriter& writer, const node::ClusterInfo& cluster) {
    writer.key("members").begin_array();
    for (const auto& member : cluster.members) {
        writer.begin_object().key("id").string(member.id).key("name").string(member.name);
        writer.key("peering_address").string(member.peering_address);
        writer.key("api_address").string(member.api_address).key("zone").string(member.zone);
        writer.key("self").boolean(member.self).key("leads").boolean(member.leads);
        writer.key("votes").boolean(member.votes).key("up").boolean(member.up);
        writer.key("draining").boolean(member.draining);
        writer.key("other_api_key").boolean(member.other_key).end_object();
    }
    writer.end_array();
}

void write_shards(wire::JsonWriter& writer, const node::ClusterInfo& cluster) {
    writer.key("shards").begin_array();
    for (const auto& shard : cluster.shards) {
        writer.begin_object().key("collection").string(shard.collection);
        writer.key("number").integer(shard.number).key("count").integer(shard.count);
        writer.key("id").integer(static_cast<std::int64_t>(shard.id));
        writer.key("term").integer(static_cast<std::int64_t>(shard.term));
        writer.key("applied").integer(static_cast<std::int64_t>(shard.applied));
        writer.key("replication_mode").string(cluster::name_of(shard.mode));
        writer.key("min_in_sync").integer(static_cast<std::int64_t>(shard.min_in_sync));
        writer.key("electing").boolean(shard.electing);
        writer.key("copies").begin_array();
        for (const auto& copy : shard.copies) {
            writer.begin_object().key("node").string(copy.node);
            writer.key("primary").boolean(copy.primary).key("in_sync").boolean(copy.in_sync);
            if (copy.behind) {
                writer.key("behind").integer(static_cast<std::int64_t>(*copy.behind));
            }
            writer.end_object();
        }
        writer.end_array().end_object();
    }
    writer.end_array();
}

}  // namespace

void get_health(const CallPtr& call) {
    answer_health(call, true);
}

void get_health_with_usage(const CallPtr& call) {
    bool alive = true;
    if (const auto max = parse_decimal(call->parameters.text("cpu_threshold"))) {
        const auto cpu = cpu_percentage(call->context);
        alive = !cpu || *cpu < *max;
    }
    const auto writes_max =
        parse_unsigned(call->parameters.text("pending_write_batches_threshold"));
    if (writes_max && call->context.node.cluster_status().queued_writes > *writes_max) {
        alive = false;
    }
    answer_health(call, alive);
}

void change_config(const CallPtr& call, const std::string& body) {
    const auto parsed = wire::JsonDocument::parse(body);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        answer_error(*call, invalid_argument("Bad JSON."));
        return;
    }
    LiveSettings& live = call->context.live;
    const Status changed = change_settings(live, parsed.value().root());
    if (!changed.ok()) {
        answer_error(*call, changed.error());
        return;
    }
    call->context.cache.shrink(static_cast<std::size_t>(live.cache_entries_max.load()));
    log_info("settings were changed: " + body);
    answer(*call, 201, R"({"success":true})");
}

void clear_cache(const CallPtr& call) {
    call->context.cache.clear();
    answer(*call, 200, R"({"success":true})");
}

void compact(const CallPtr& call) {
    call->context.node.compact(call->loop(), [call](const Result<bool>& done) {
        if (!done.ok()) {
            answer_error(*call, done.error());
            return;
        }
        answer(*call, 200, R"({"success":true})");
    });
}

void get_debug(const CallPtr& call) {
    const DialectOptions& options = call->context.options;
    const node::ClusterStatus cluster = call->context.node.cluster_status();
    std::string json;
    wire::JsonWriter(json)
        .begin_object()
        .key("state")
        .integer(debug_state(cluster))
        .key("version")
        .string(options.compat_version)
        .key("kumosearch_version")
        .string(options.version)
        .end_object();
    answer(*call, 200, std::move(json));
}

void get_status(const CallPtr& call) {
    const node::ClusterStatus cluster = call->context.node.cluster_status();
    std::string json;
    wire::JsonWriter(json)
        .begin_object()
        .key("committed_index")
        .integer(static_cast<std::int64_t>(cluster.committed_index))
        .key("queued_writes")
        .integer(static_cast<std::int64_t>(cluster.queued_writes))
        .key("state")
        .string(state_name(cluster))
        .end_object();
    answer(*call, 200, std::move(json));
}

/// Beyond what stock clients know: for people and their tools.
void get_cluster(const CallPtr& call) {
    call->context.node.cluster_in_detail(
        call->loop(),
        [call](const Result<node::ClusterInfo>& known) {
            const node::ClusterInfo& cluster = known.value();
            std::string json;
            wire::JsonWriter writer(json);
            writer.begin_object().key("id").string(cluster.id);
            writer.key("state").string(state_name(cluster.status));
            writer.key("has_leader").boolean(cluster.status.has_leader);
            writer.key("broken").string(call->context.node.health().broken);
            write_members(writer, cluster);
            write_shards(writer, cluster);
            writer.end_object();
            answer(*call, 200, std::move(json));
        }
    );
}

void drain(const CallPtr& call) {
    const std::string node(call->parameters.text("node"));
    if (node.empty()) {
        answer_error(*call, invalid_argument("Parameter `node` must be provided."));
        return;
    }
    call->context.node.drain(
        node,
        call->parameters.flag("draining", true),
        call->loop(),
        [call](const Result<bool>& done) {
            if (!done.ok()) {
                answer_error(*call, done.error());
                return;
            }
            answer(*call, 200, R"({"success":true})");
        }
    );
}

void take_snapshot(const CallPtr& call) {
    const std::string directory(call->parameters.text("snapshot_path"));
    if (directory.size() > kSnapshotPathBytesMax || directory.find('\0') != std::string::npos) {
        answer_error(*call, invalid_argument("Parameter `snapshot_path` is not a path."));
        return;
    }
    call->context.node.take_snapshot(directory, call->loop(), [call](const Result<bool>& taken) {
        if (!taken.ok()) {
            answer_error(*call, taken.error());
            return;
        }
        answer(*call, 201, R"({"success":true})");
    });
}

void reset_peers(const CallPtr& call) {
    call->context.node.reset_peers(call->loop(), [call](const Result<bool>& read) {
        if (read.ok()) {
            answer(*call, 200, R"({"success":true})");
        } else {
            answer_error(*call, read.error());
        }
    });
}

void vote(const CallPtr& call) {
    call->context.node.lead(call->loop(), [call](const Result<bool>& asked) {
        if (!asked.ok()) {
            answer_error(*call, asked.error());
            return;
        }
        answer(*call, 200, R"({"success":true})");
    });
}

void get_stats(const CallPtr& call) {
    const Context& context = call->context;
    const Readings readings = read_routes(context);
    const QueryCache::Totals cache = context.cache.totals();
    Sum total;
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_object();
    writer.key("cache_hit_count").unsigned_integer(cache.hits);
    writer.key("cache_hit_ratio").number(cache.hit_ratio());
    writer.key("cache_miss_count").unsigned_integer(cache.misses);
    const auto write_group = [&](std::string_view name, Group group) {
        const Sum sum = sum_of(context, group);
        const std::string prefix(name);
        writer.key(prefix + "_latency_ms").number(sum.latency_ms());
        writer.key(prefix + "_requests_per_second").number(sum.per_second);
    };
    write_group("delete", Group::kDelete);
    write_group("import", Group::kImport);
    writer.key("latency_ms").begin_object();
    for (const auto& [name, reading] : readings) {
        writer.key(name).number(reading.latency_ms);
        total.add(reading);
    }
    writer.end_object();
    writer.key("pending_write_batches")
        .unsigned_integer(context.node.cluster_status().queued_writes);
    writer.key("requests_per_second").begin_object();
    for (const auto& [name, reading] : readings) {
        writer.key(name).number(reading.per_second);
    }
    writer.end_object();
    write_group("search", Group::kSearch);
    writer.key("total_requests_per_second").number(total.per_second);
    write_group("write", Group::kWrite);
    writer.end_object();
    answer(*call, 200, std::move(json));
}

void get_metrics(const CallPtr& call) {
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_object();
    if (call->context.options.metrics) {
        for (const auto& [name, value] : call->context.options.metrics()) {
            writer.key(name).string(value);
        }
    }
    writer.end_object();
    answer(*call, 200, std::move(json));
}

void not_supported(const CallPtr& call) {
    answer_message(*call, 501, "This feature is not supported yet.");
}

}  // namespace kumo::api_kumosearch
