#include "api/elastic/cluster_view.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/mapping/analysis.h"
#include "api/elastic/routing.h"
#include "api/elastic/wildcard.h"
#include "io/thread.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <thread>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr auto kHealthPoll = std::chrono::milliseconds(20);

// ---- health

struct HealthWants {
    std::string status;
    std::string nodes;
    std::int64_t active_shards = 0;
    bool all_active = false;
    bool no_initializing = false;
    bool no_relocating = false;
};

int rank_of(std::string_view status) {
    return status == "green" ? 0 : status == "yellow" ? 1 : 2;
}

/// "3", ">=2", "ge(2)", ...
std::optional<bool> fits_count(std::string wanted, std::int64_t count) {
    std::string op = "==";
    for (const auto& [name, sign] :
         {std::pair("ge(", ">="), {"le(", "<="}, {"gt(", ">"}, {"lt(", "<"}}) {
        if (wanted.starts_with(name) && wanted.ends_with(')')) {
            op = sign;
            wanted = wanted.substr(3, wanted.size() - 4);
        }
    }
    for (const char* const sign : {">=", "<=", ">", "<"}) {
        if (wanted.starts_with(sign)) {
            op = sign;
            wanted = wanted.substr(op.size());
            break;
        }
    }
    const auto number = Json(wanted).to_int64();
    if (!number) {
        return std::nullopt;
    }
    return op == ">="   ? count >= *number
           : op == "<=" ? count <= *number
           : op == ">"  ? count > *number
           : op == "<"  ? count < *number
                        : count == *number;
}

Result<HealthWants> health_wants(const Parameters& parameters) {
    HealthWants out;
    out.status = parameters.text("wait_for_status");
    if (!out.status.empty() && out.status != "green" && out.status != "yellow"
        && out.status != "red") {
        return illegal_argument(
            "No enum constant org.opensearch.cluster.health.ClusterHealthStatus." + out.status
        );
    }
    out.nodes = parameters.text("wait_for_nodes");
    if (!out.nodes.empty() && !fits_count(out.nodes, 0)) {
        return illegal_argument("For input string: \"" + out.nodes + "\"");
    }
    const std::string active = parameters.text("wait_for_active_shards", "0");
    out.all_active = active == "all";
    if (!out.all_active) {
        const auto count = Json(active).to_int64();
        if (!count || *count < 0) {
            return illegal_argument("cannot parse ActiveShardCount[" + active + "]");
        }
        out.active_shards = *count;
    }
    KUMO_TRY_ASSIGN(out.no_initializing, parameters.flag("wait_for_no_initializing_shards", false));
    KUMO_TRY_ASSIGN(out.no_relocating, parameters.flag("wait_for_no_relocating_shards", false));
    return out;
}

Json counts_json(const HealthCounts& counts) {
    return Json::object(
        {{"active_primary_shards", counts.active_primary},
         {"active_shards", counts.active},
         {"relocating_shards", 0},
         {"initializing_shards", 0},
         {"unassigned_shards", counts.unassigned}}
    );
}

Json index_health(const ClusterView& view, const Index& index, bool shards) {
    const HealthCounts counts = health_of(view, index);
    Json out = Json::object(
        {{"status", counts.status()},
         {"number_of_shards", index.shards()},
         {"number_of_replicas", index.replicas()}}
    );
    out.merge(counts_json(counts));
    if (!shards) {
        return out;
    }
    Json all = Json::object();
    const auto copies = view.copies(index);
    for (std::int64_t shard = 0; shard < index.shards(); ++shard) {
        HealthCounts of;
        for (const CopyView& copy : copies) {
            if (copy.shard == shard) {
                of.active += copy.node != nullptr ? 1 : 0;
                of.unassigned += copy.node == nullptr ? 1 : 0;
                of.red = of.red || (copy.primary && copy.node == nullptr);
            }
        }
        all[std::to_string(shard)] = Json::object(
            {{"status", of.status()},
             {"primary_active", !of.red},
             {"active_shards", of.active},
             {"relocating_shards", 0},
             {"initializing_shards", 0},
             {"unassigned_shards", of.unassigned}}
        );
    }
    out["shards"] = std::move(all);
    return out;
}

struct Health {
    Json body;
    HealthCounts counts;
    std::int64_t nodes = 0;
};

Result<Health> health_now(const Request& request, const std::string& level) {
    const ClusterView view = ClusterView::of(request.context);
    IndicesOptions options;
    options.expand_closed = true;
    options.expand_hidden = true;
    options.ignore_unavailable = false;
    std::vector<ResolvedIndex> indices;
    auto resolved = resolve_request(request, options);
    Health out;
    if (resolved.ok()) {
        indices = std::move(resolved).value();
    } else if (fault_of(resolved.error()).type == "index_not_found_exception") {
        out.counts.red = true;  // It may be made while somebody waits.
    } else {
        return resolved.error();
    }
    Json of_indices = Json::object();
    for (const ResolvedIndex& one : indices) {
        out.counts.add(health_of(view, *one.index));
        of_indices[one.index->name] = index_health(view, *one.index, level == "shards");
    }
    out.nodes = static_cast<std::int64_t>(view.nodes().size());
    const auto all = out.counts.active + out.counts.unassigned;
    const double percent =
        all == 0 ? 100.0
                 : 100.0 * static_cast<double>(out.counts.active) / static_cast<double>(all);
    Json& body = out.body;
    body["cluster_name"] = request.context.options.cluster_name;
    body["status"] = out.counts.status();
    body["timed_out"] = false;
    body["number_of_nodes"] = out.nodes;
    body["number_of_data_nodes"] = out.nodes;
    body["discovered_master"] = view.leader() != nullptr;
    body["discovered_cluster_manager"] = view.leader() != nullptr;
    body.merge(counts_json(out.counts));
    body["delayed_unassigned_shards"] = 0;
    body["number_of_pending_tasks"] = 0;
    body["number_of_in_flight_fetch"] = 0;
    body["task_max_waiting_in_queue_millis"] = 0;
    body["active_shards_percent_as_number"] = percent;
    if (level == "indices" || level == "shards") {
        body["indices"] = std::move(of_indices);
    }
    return out;
}

bool is_met(const HealthWants& wants, const Health& health) {
    const HealthCounts& counts = health.counts;
    return (wants.status.empty() || rank_of(counts.status()) <= rank_of(wants.status))
           && (wants.nodes.empty() || fits_count(wants.nodes, health.nodes).value_or(true))
           && counts.active >= wants.active_shards && (!wants.all_active || counts.unassigned == 0);
}

// ---- state

Json node_json(const Context& context, const NodeView& node) {
    Json attributes = Json::object();
    if (node.self) {
        for (const auto& [name, value] : context.options.attributes) {
            attributes[name] = value;
        }
    }
    attributes["shard_indexing_pressure_enabled"] = "true";
    return Json::object(
        {{"name", node.name},
         {"ephemeral_id", node.id},
         {"transport_address", node.transport},
         {"attributes", std::move(attributes)}}
    );
}

Json copy_json(const CopyView& copy) {
    Json out = Json::object(
        {{"state", copy.node == nullptr ? "UNASSIGNED" : "STARTED"},
         {"primary", copy.primary},
         {"node", copy.node == nullptr ? Json() : Json(copy.node->id)},
         {"relocating_node", Json()},
         {"shard", copy.shard},
         {"index", copy.index}}
    );
    if (copy.node == nullptr) {
        out["recovery_source"] = Json::object({{"type", "PEER"}});
        out["unassigned_info"] = Json::object(
            {{"reason", "INDEX_CREATED"}, {"delayed", false}, {"allocation_status", "no_attempt"}}
        );
    } else {
        out["allocation_id"] =
            Json::object({{"id", copy.node->id + "-" + std::to_string(copy.shard)}});
    }
    return out;
}

Json routing_table(const ClusterView& view, const std::vector<IndexPtr>& indices) {
    Json out = Json::object();
    for (const IndexPtr& index : indices) {
        Json shards = Json::object();
        for (const CopyView& copy : view.copies(*index)) {
            shards[std::to_string(copy.shard)].push(copy_json(copy));
        }
        out[index->name] = Json::object({{"shards", std::move(shards)}});
    }
    return Json::object({{"indices", std::move(out)}});
}

Json routing_nodes(const ClusterView& view, const std::vector<IndexPtr>& indices) {
    Json unassigned = Json::array();
    Json nodes = Json::object();
    for (const NodeView& node : view.nodes()) {
        nodes[node.id] = Json::array();
    }
    for (const IndexPtr& index : indices) {
        for (const CopyView& copy : view.copies(*index)) {
            (copy.node == nullptr ? unassigned : nodes[copy.node->id]).push(copy_json(copy));
        }
    }
    return Json::object({{"unassigned", std::move(unassigned)}, {"nodes", std::move(nodes)}});
}

Json index_metadata(const ClusterView& view, const Index& index) {
    Json aliases = Json::array();
    for (const auto& [name, alias] : index.aliases.members()) {
        aliases.push(name);
    }
    Json in_sync = Json::object();
    Json terms = Json::object();
    for (std::int64_t shard = 0; shard < index.shards(); ++shard) {
        in_sync[std::to_string(shard)] = Json::array();
        terms[std::to_string(shard)] = 1;
    }
    for (const CopyView& copy : view.copies(index)) {
        if (copy.node != nullptr) {
            in_sync[std::to_string(copy.shard)].push(
                copy.node->id + "-" + std::to_string(copy.shard)
            );
        }
    }
    return Json::object(
        {{"version", index.mapping_version + index.settings_version + index.aliases_version},
         {"mapping_version", index.mapping_version},
         {"settings_version", index.settings_version},
         {"aliases_version", index.aliases_version},
         {"routing_num_shards",
          Json(index.setting("index.number_of_routing_shards"))
              .to_int64()
              .value_or(default_routing_shards(index.shards()))},
         {"state", index.closed ? "close" : "open"},
         {"settings", nested_settings(index_settings(index))},
         {"mappings", Json::object({{"_doc", index.mapping->json()}})},
         {"aliases", std::move(aliases)},
         {"primary_terms", std::move(terms)},
         {"in_sync_allocations", std::move(in_sync)},
         {"rollover_info", Json::object()},
         {"system", false}}
    );
}

Json named(const Context& context, std::string_view prefix) {
    Json out = Json::object();
    for (auto& [name, value] : context.cluster.list(prefix)) {
        out[name] = std::move(value);
    }
    return out;
}

Json metadata(
    const Context& context,
    const ClusterView& view,
    const std::vector<IndexPtr>& indices
) {
    Json of_indices = Json::object();
    for (const IndexPtr& index : indices) {
        of_indices[index->name] = index_metadata(view, *index);
    }
    const Json exclusions = context.cluster.find("voting_exclusions");
    Json coordination = Json::object(
        {{"term", 1},
         {"last_committed_config", Json::array()},
         {"last_accepted_config", Json::array()},
         {"voting_config_exclusions", exclusions.is_null() ? Json::array() : exclusions}}
    );
    for (const NodeView& node : view.nodes()) {
        coordination["last_committed_config"].push(node.id);
        coordination["last_accepted_config"].push(node.id);
    }
    return Json::object(
        {{"cluster_uuid", view.cluster_uuid()},
         {"cluster_uuid_committed", true},
         {"cluster_coordination", std::move(coordination)},
         {"templates", named(context, "template/")},
         {"indices", std::move(of_indices)},
         {"index-graveyard", Json::object({{"tombstones", Json::array()}})}}
    );
}

Json blocks(const std::vector<IndexPtr>& indices) {
    Json of_indices = Json::object();
    const auto add =
        [&of_indices](const Index& index, const char* id, const char* text, Json levels) {
            of_indices[index.name][id] = Json::object(
                {{"description", text}, {"retryable", false}, {"levels", std::move(levels)}}
            );
        };
    for (const IndexPtr& index : indices) {
        if (index->closed) {
            add(*index, "4", "index closed", Json::array({"read", "write"}));
        }
        if (index->setting("index.blocks.read_only") == "true") {
            add(*index, "5", "index read-only (api)", Json::array({"write", "metadata_write"}));
        }
        if (index->setting("index.blocks.read") == "true") {
            add(*index, "7", "index read (api)", Json::array({"read"}));
        }
        if (index->setting("index.blocks.write") == "true") {
            add(*index, "8", "index write (api)", Json::array({"write"}));
        }
        if (index->setting("index.blocks.metadata") == "true") {
            add(*index,
                "9",
                "index metadata (api)",
                Json::array({"metadata_write", "metadata_read"}));
        }
    }
    return of_indices.empty() ? Json::object() : Json::object({{"indices", std::move(of_indices)}});
}

// ---- settings

/// "a.b": 1 with null for what is to go, with wildcards.
Status merge_settings(Json& into, const Json& given) {
    for (const auto& [name, value] : flat_settings(given).members()) {
        if (value.is_null()) {
            const Json before = into;
            for (const auto& [known, old] : before.members()) {
                if (matches_wildcard(name, known)) {
                    into.erase(known);
                }
            }
        } else if (value.is_array()) {
            Json list = Json::array();
            for (const Json& one : value.items()) {
                list.push(one.text());
            }
            into[name] = std::move(list);
        } else {
            into[name] = value.text();
        }
    }
    return {};
}

bool is_cluster_setting(std::string_view name) {
    static const std::vector<std::string_view> kPrefixes = {
        "cluster.",      "indices.",      "action.",     "search.",      "discovery.",
        "script.",       "ingest.",       "logger.",     "network.",     "http.",
        "transport.",    "persistent.",   "node.",       "gateway.",     "plugins.",
        "snapshot.",     "archived.",     "task_",       "thread_pool.", "search_backpressure.",
        "no.model",      "segrep.",       "opensearch.", "xpack.",       "shard_indexing_pressure.",
        "remote_store.", "repositories.", "slow_log.",   "resource.",    "telemetry.",
        "index."};
    return std::any_of(kPrefixes.begin(), kPrefixes.end(), [name](std::string_view prefix) {
        return name.starts_with(prefix);
    });
}

}  // namespace

Result<Answer> root(const Request& request) {
    const Context& context = request.context;
    const ClusterView view = ClusterView::of(context);
    const NodeView* const self = view.self();
    const bool es7 = context.options.compat == Compat::kEs7;
    Json version = Json::object();
    if (!es7) {
        version["distribution"] = "opensearch";
    }
    version["number"] = es7 ? "7.10.2" : "2.19.0";
    if (es7) {
        version["build_flavor"] = "default";
    }
    version["build_type"] = "deb";
    version["build_hash"] = "kumosearch";
    version["build_date"] = "2025-02-07T00:00:00.000000Z";
    version["build_snapshot"] = false;
    version["lucene_version"] = es7 ? "8.7.0" : "9.12.1";
    version["minimum_wire_compatibility_version"] = es7 ? "6.8.0" : "7.10.0";
    version["minimum_index_compatibility_version"] = es7 ? "6.0.0-beta1" : "7.0.0";
    return Answer(Json::object(
        {{"name", self == nullptr ? context.options.node_name : self->name},
         {"cluster_name", context.options.cluster_name},
         {"cluster_uuid", view.cluster_uuid()},
         {"version", std::move(version)},
         {"tagline",
          es7 ? "You Know, for Search" : "The OpenSearch Project: https://opensearch.org/"}}
    ));
}

Result<Answer> cluster_health(const Request& request) {
    KUMO_TRY_ASSIGN(const HealthWants wants, health_wants(request.parameters));
    KUMO_TRY_ASSIGN(
        const Duration timeout,
        request.parameters.time("timeout", std::chrono::seconds(30))
    );
    const std::string level = request.parameters.text("level", "cluster");
    if (level != "cluster" && level != "indices" && level != "shards"
        && level != "awareness_attributes") {
        return illegal_argument("unknown level [" + level + "]");
    }
    const MonotonicTime until = request.context.clock.monotonic_now() + timeout;
    while (true) {
        KUMO_TRY_ASSIGN(Health health, health_now(request, level));
        const bool missing =
            health.counts.red && health.counts.active + health.counts.unassigned == 0;
        if (is_met(wants, health) && !missing) {
            return Answer(std::move(health.body));
        }
        if (request.context.clock.monotonic_now() >= until) {
            health.body["timed_out"] = true;
            return Answer(408, std::move(health.body));
        }
        std::this_thread::sleep_for(kHealthPoll);
    }
}

Result<Answer> cluster_state(const Request& request) {
    static const std::set<std::string> kMetrics = {
        "_all",
        "blocks",
        "cluster_manager_node",
        "master_node",
        "metadata",
        "nodes",
        "routing_nodes",
        "routing_table",
        "version"};
    const std::vector<std::string> given = split_list(request.part("metric"));
    std::set<std::string> metrics(given.begin(), given.end());
    for (const std::string& metric : given) {
        if (kMetrics.find(metric) == kMetrics.end()) {
            return illegal_argument(
                "request [" + request.path + "] contains unrecognized metric: [" + metric + "]"
            );
        }
    }
    const bool all = metrics.empty() || metrics.count("_all") > 0;
    const auto wants = [&](const char* name) {
        return all || metrics.count(name) > 0;
    };
    IndicesOptions options;
    options.expand_closed = true;
    options.expand_hidden = true;
    KUMO_TRY_ASSIGN(const auto resolved, resolve_request(request, options));
    std::vector<IndexPtr> indices;
    for (const ResolvedIndex& one : resolved) {
        indices.push_back(one.index);
    }
    const ClusterView view = ClusterView::of(request.context);
    Json out = Json::object(
        {{"cluster_name", request.context.options.cluster_name},
         {"cluster_uuid", view.cluster_uuid()}}
    );
    const auto version = request.context.node.cluster_status().committed_index;
    if (wants("version")) {
        out["version"] = version;
        out["state_uuid"] = view.cluster_uuid();
    }
    const Json leader = view.leader() == nullptr ? Json() : Json(view.leader()->id);
    if (wants("master_node")) {
        out["master_node"] = leader;
    }
    if (wants("cluster_manager_node")) {
        out["cluster_manager_node"] = leader;
    }
    if (wants("blocks")) {
        out["blocks"] = blocks(indices);
    }
    if (wants("nodes")) {
        Json nodes = Json::object();
        for (const NodeView& node : view.nodes()) {
            nodes[node.id] = node_json(request.context, node);
        }
        out["nodes"] = std::move(nodes);
    }
    if (wants("metadata")) {
        out["metadata"] = metadata(request.context, view, indices);
    }
    if (wants("routing_table")) {
        out["routing_table"] = routing_table(view, indices);
    }
    if (wants("routing_nodes")) {
        out["routing_nodes"] = routing_nodes(view, indices);
    }
    return Answer(std::move(out));
}

Result<Answer> get_cluster_settings(const Request& request) {
    const Json stored = request.context.cluster.find("settings");
    Json out = Json::object();
    for (const std::string_view scope : {"persistent", "transient"}) {
        const Json* const of = stored.find(scope);
        out[scope] = shown_settings(request, of == nullptr ? Json::object() : *of);
    }
    KUMO_TRY_ASSIGN(const bool defaults, request.parameters.flag("include_defaults", false));
    if (defaults) {
        Json usual = Json::object(
            {{"cluster.name", request.context.options.cluster_name},
             {"cluster.routing.allocation.enable", "all"},
             {"cluster.max_shards_per_node", "1000"},
             {"cluster.routing.allocation.disk.watermark.low", "85%"},
             {"cluster.routing.allocation.disk.watermark.high", "90%"},
             {"cluster.routing.allocation.disk.watermark.flood_stage", "95%"},
             {"search.max_buckets", "65535"},
             {"search.max_open_scroll_context", "500"},
             {"indices.recovery.max_bytes_per_sec", "40mb"},
             {"action.auto_create_index", "true"},
             {"node.name", request.context.options.node_name}}
        );
        for (const auto& [name, value] : request.context.options.attributes) {
            usual["node.attr." + name] = value;
        }
        out["defaults"] = shown_settings(request, usual);
    }
    return Answer(std::move(out));
}

Result<Answer> put_cluster_settings(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.required_json());
    Json given = Json::object();
    for (const auto& [scope, settings] : body.is_object() ? body.members() : Json::Object()) {
        if (scope != "persistent" && scope != "transient") {
            return illegal_argument("unknown cluster setting scope [" + scope + "]");
        }
        for (const auto& [name, value] : flat_settings(settings).members()) {
            if (!is_cluster_setting(name) && name.find('*') == std::string::npos) {
                return illegal_argument(scope + " setting [" + name + "], not recognized");
            }
            given[scope][name] = value;
        }
    }
    if (given.empty()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: no settings to update;"
        );
    }
    auto changed = request.context.cluster.update("settings", [&given](Json& stored) -> Status {
        for (const auto& [scope, settings] : given.members()) {
            KUMO_TRY(merge_settings(stored[scope], settings));
            if (stored[scope].is_null()) {
                stored[scope] = Json::object();
            }
        }
        return {};
    });
    if (!changed.ok()) {
        return changed.error();
    }
    Json out = acknowledged();
    for (const std::string_view scope : {"persistent", "transient"}) {
        Json now = Json::object();
        const Json* const asked = given.find(scope);
        const Json* const stored = changed.value().find(scope);
        for (const auto& [name, value] : asked == nullptr ? Json::Object() : asked->members()) {
            const Json* const set = stored == nullptr ? nullptr : stored->find(name);
            if (set != nullptr) {
                now[name] = *set;
            }
        }
        out[scope] = shown_settings(request, now);
    }
    return Answer(std::move(out));
}

Result<Answer> cluster_stats(const Request& request) {
    const ClusterView view = ClusterView::of(request.context);
    HealthCounts counts;
    std::uint64_t documents = 0;
    std::int64_t indices = 0;
    for (const IndexPtr& index : request.context.indices.all()) {
        counts.add(health_of(view, *index));
        const auto info = request.context.node.collection(index->name);
        documents += info.ok() ? info.value().num_documents : 0;
        ++indices;
    }
    const auto nodes = static_cast<std::int64_t>(view.nodes().size());
    const Json stats = Json::object({{"total", nodes}, {"successful", nodes}, {"failed", 0}});
    Json count = Json::object({{"total", nodes}});
    for (const char* const role : {"coordinating_only"}) {
        count[role] = 0;
    }
    for (const char* const role :
         {"cluster_manager", "data", "ingest", "master", "remote_cluster_client"}) {
        count[role] = nodes;
    }
    count["search"] = 0;
    count["warm"] = 0;
    return Answer(Json::object(
        {{"_nodes", stats},
         {"cluster_name", request.context.options.cluster_name},
         {"cluster_uuid", view.cluster_uuid()},
         {"timestamp",
          std::chrono::duration_cast<std::chrono::milliseconds>(
              request.context.clock.wall_now().time_since_epoch()
          )
              .count()},
         {"status", counts.status()},
         {"indices",
          Json::object(
              {{"count", indices},
               {"shards",
                Json::object({{"total", counts.active}, {"primaries", counts.active_primary}})},
               {"docs", Json::object({{"count", documents}, {"deleted", 0}})},
               {"store", Json::object({{"size_in_bytes", 0}, {"reserved_in_bytes", 0}})},
               {"fielddata", Json::object({{"memory_size_in_bytes", 0}, {"evictions", 0}})},
               {"query_cache", Json::object({{"memory_size_in_bytes", 0}})},
               {"completion", Json::object({{"size_in_bytes", 0}})},
               {"segments", Json::object({{"count", 0}, {"memory_in_bytes", 0}})},
               {"mappings", Json::object({{"field_types", Json::array()}})},
               {"analysis", Json::object()}}
          )},
         {"nodes",
          Json::object(
              {{"count", std::move(count)},
               {"versions", Json::array({"2.19.0"})},
               {"os", Json::object({{"available_processors", io::available_cores()}})},
               {"process", Json::object()},
               {"jvm", Json::object({{"versions", Json::array()}})},
               {"fs", Json::object()},
               {"plugins", Json::array()},
               {"network_types", Json::object()},
               {"discovery_types", Json::object({{"zen", nodes}})},
               {"packaging_types", Json::array()}}
          )}}
    ));
}

/// Changes are made by one thread of consensus as they come: none waits here.
Result<Answer> pending_tasks(const Request& /*request*/) {
    return Answer(Json::object({{"tasks", Json::array()}}));
}

Result<Answer> remote_info(const Request& /*request*/) {
    return Answer(Json::object());
}

Result<Answer> put_voting_exclusions(const Request& request) {
    std::vector<std::pair<std::string, std::string>> given;
    for (const char* const name : {"node_name", "node_names", "node_ids"}) {
        if (request.parameters.has(name)) {
            given.emplace_back(name, request.parameters.text(name));
        }
    }
    const std::string in_path = request.part("node_name");
    if (!in_path.empty()) {
        given.emplace_back("node_name", in_path);
    }
    if (given.size() != 1) {
        return illegal_argument(
            "Please set node identifiers correctly. One and only one of [node_name], [node_names] "
            "and "
            "[node_ids] has to be set"
        );
    }
    const ClusterView view = ClusterView::of(request.context);
    const bool by_id = given.front().first == "node_ids";
    auto changed = request.context.cluster.update("voting_exclusions", [&](Json& list) -> Status {
        for (const std::string& wanted : split_list(given.front().second)) {
            std::string id = by_id ? wanted : "_absent_";
            std::string name = by_id ? "_absent_" : wanted;
            for (const NodeView& node : view.nodes()) {
                if ((by_id ? node.id : node.name) == wanted) {
                    id = node.id;
                    name = node.name;
                }
            }
            list.push(Json::object({{"node_id", id}, {"node_name", name}}));
        }
        return {};
    });
    if (!changed.ok()) {
        return changed.error();
    }
    return Answer::plain("");
}

Result<Answer> delete_voting_exclusions(const Request& request) {
    KUMO_TRY_ASSIGN(const bool removed, request.context.cluster.remove("voting_exclusions"));
    (void)removed;
    return Answer::plain("");
}

}  // namespace kumo::api_elastic
