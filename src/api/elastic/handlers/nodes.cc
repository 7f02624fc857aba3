#include "api/elastic/aggregation/aggregation.h"
#include "api/elastic/cluster_view.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/index_stats.h"
#include "api/elastic/stats_sections.h"
#include "api/elastic/wildcard.h"
#include "io/thread.h"

#include <algorithm>
#include <set>
#include <utility>

#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace kumo::api_elastic {

namespace {

bool is_wanted(const NodeView& node, const std::string& expression) {
    const std::vector<std::string> list = split_list(expression);
    bool wanted = list.empty();
    for (const std::string& one : list) {
        if (one == "_all" || one == "*" || (one == "_local" && node.self)
            || ((one == "_master" || one == "_cluster_manager") && node.leads)
            || matches_wildcard(one, node.id) || matches_wildcard(one, node.name)
            || one == node.ip) {
            wanted = true;
        }
        if (one == "data:true" || one == "ingest:true" || one == "master:true"
            || one == "cluster_manager:true") {
            wanted = true;
        }
    }
    return wanted;
}

std::vector<NodeView> wanted_nodes(const ClusterView& view, const std::string& expression) {
    std::vector<NodeView> out;
    for (const NodeView& node : view.nodes()) {
        if (is_wanted(node, expression)) {
            out.push_back(node);
        }
    }
    return out;
}

Json envelope(const Request& request, std::size_t count, Json nodes) {
    const auto total = static_cast<std::int64_t>(count);
    return Json::object(
        {{"_nodes", Json::object({{"total", total}, {"successful", total}, {"failed", 0}})},
         {"cluster_name", request.context.options.cluster_name},
         {"nodes", std::move(nodes)}}
    );
}

Json roles() {
    return Json::array({"cluster_manager", "data", "ingest", "remote_cluster_client"});
}

Json attributes_of(const Context& context, const NodeView& node) {
    Json out = Json::object();
    for (const auto& [name, value] :
         node.self ? context.options.attributes : std::map<std::string, std::string>()) {
        out[name] = value;
    }
    out["shard_indexing_pressure_enabled"] = "true";
    return out;
}

Json bound(const std::string& address) {
    return Json::object({{"bound_address", Json::array({address})}, {"publish_address", address}});
}

/// The parts of a node's info by the names that requests give them.
Json info_part(const Context& context, const NodeView& node, const std::string& name) {
    const ProcessSizes process = process_sizes();
    if (name == "settings") {
        Json attr = Json::object();
        for (const auto& [key, value] : context.options.attributes) {
            attr[key] = value;
        }
        return Json::object(
            {{"cluster", Json::object({{"name", context.options.cluster_name}})},
             {"node", Json::object({{"name", node.name}, {"attr", std::move(attr)}})},
             {"client", Json::object({{"type", "node"}})},
             {"http", Json::object({{"type", "kumosearch"}})},
             {"transport", Json::object({{"type", "kumosearch"}})}}
        );
    }
    if (name == "os") {
        return Json::object(
            {{"refresh_interval_in_millis", 1000},
             {"name", "Linux"},
             {"pretty_name", "Linux"},
             {"arch", "amd64"},
             {"version", "-"},
             {"available_processors", io::available_cores()},
             {"allocated_processors", io::available_cores()}}
        );
    }
    if (name == "process") {
        return Json::object(
            {{"refresh_interval_in_millis", 1000}, {"id", getpid()}, {"mlockall", false}}
        );
    }
    if (name == "jvm") {
        // There is none; clients read the limit of memory here.
        return Json::object(
            {{"pid", getpid()},
             {"version", "-"},
             {"vm_name", "none"},
             {"mem",
              Json::object({{"heap_init_in_bytes", 0}, {"heap_max_in_bytes", process.memory_total}}
              )}}
        );
    }
    if (name == "thread_pool") {
        return Json::object(
            {{"write", Json::object({{"type", "fixed"}, {"size", 1}, {"queue_size", 10000}})},
             {"search", Json::object({{"type", "fixed"}, {"size", 1}, {"queue_size", 1000}})}}
        );
    }
    if (name == "transport") {
        Json out = bound(node.transport);
        out["profiles"] = Json::object();
        return out;
    }
    if (name == "http") {
        Json out = bound(node.http);
        out["max_content_length_in_bytes"] = 104857600;
        return out;
    }
    if (name == "plugins" || name == "modules") {
        return Json::array();
    }
    if (name == "ingest") {
        Json processors = Json::array();
        for (const char* const type :
             {"append", "bytes",     "convert",  "date",       "dot_expander", "drop",
              "fail",   "foreach",   "gsub",     "html_strip", "join",         "json",
              "kv",     "lowercase", "pipeline", "remove",     "rename",       "script",
              "set",    "sort",      "split",    "trim",       "uppercase"}) {
            processors.push(Json::object({{"type", type}}));
        }
        return Json::object({{"processors", std::move(processors)}});
    }
    if (name == "aggregations") {
        Json out = Json::object();
        for (const std::string_view type : aggregation_types()) {
            out[type] = Json::object({{"types", Json::array({"other"})}});
        }
        return out;
    }
    return Json::object();
}

/// The kind of file system at the data directory, by the kernel's number.
std::string filesystem_type(const Context& context) {
    struct statfs stats {};

    if (statfs(context.options.data_dir.c_str(), &stats) != 0) {
        return "unknown";
    }
    switch (static_cast<unsigned long>(stats.f_type)) {
        case 0xEF53: return "ext4";
        case 0x58465342: return "xfs";
        case 0x9123683E: return "btrfs";
        case 0x01021994: return "tmpfs";
        case 0x794C7630: return "overlay";
        case 0x6969: return "nfs";
        case 0x2FC12FC1: return "zfs";
        default: return "unknown";
    }
}

/// Writes wait in the queue of the node, which counts requests and no bytes.
Json indexing_pressure(const ProcessSizes& process) {
    Json current = Json::object();
    for (const char* const stage :
         {"combined_coordinating_and_primary_in_bytes",
          "coordinating_in_bytes",
          "primary_in_bytes",
          "replica_in_bytes",
          "all_in_bytes"}) {
        current[stage] = 0;
    }
    Json total = current;
    for (const char* const stage :
         {"coordinating_rejections", "primary_rejections", "replica_rejections"}) {
        total[stage] = 0;
    }
    return Json::object(
        {{"current", std::move(current)},
         {"total", std::move(total)},
         {"limit_in_bytes", process.memory_total / 10}}
    );
}

/// There are none of these.
Json no_buffers() {
    return Json::object({{"count", 0}, {"used_in_bytes", 0}, {"total_capacity_in_bytes", 0}});
}

Json stats_part(const Context& context, const std::string& name, const StatsDetails& details) {
    const ProcessSizes process = process_sizes();
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                         context.clock.wall_now().time_since_epoch()
    )
                         .count();
    if (name == "indices") {
        Json out = Json::object();
        for (const IndexPtr& index : context.indices.all()) {
            add_numbers(out, stats_sections(context, *index, details));
        }
        if (out.empty()) {
            Index none;
            none.mapping = std::make_shared<const Mapping>();
            out = stats_sections(context, none, details);
        }
        return out;
    }
    if (name == "os") {
        return Json::object(
            {{"timestamp", now},
             {"cpu",
              Json::object(
                  {{"percent", process.cpu_percent},
                   {"load_average",
                    Json::object(
                        {{"1m", Json(process.load[0]).to_double().value_or(0)},
                         {"5m", Json(process.load[1]).to_double().value_or(0)},
                         {"15m", Json(process.load[2]).to_double().value_or(0)}}
                    )}}
              )},
             {"mem",
              Json::object(
                  {{"total_in_bytes", process.memory_total},
                   {"free_in_bytes", process.memory_available},
                   {"used_in_bytes", process.memory_total - process.memory_available},
                   {"free_percent",
                    process.memory_available * 100
                        / std::max<std::uint64_t>(process.memory_total, 1)},
                   {"used_percent",
                    100
                        - process.memory_available * 100
                              / std::max<std::uint64_t>(process.memory_total, 1)}}
              )}}
        );
    }
    if (name == "process") {
        return Json::object(
            {{"timestamp", now},
             {"open_file_descriptors", process.open_files},
             {"max_file_descriptors", process.open_files_max},
             {"cpu",
              Json::object(
                  {{"percent", process.cpu_percent}, {"total_in_millis", process.cpu_millis}}
              )},
             {"mem", Json::object({{"total_virtual_in_bytes", process.resident}})}}
        );
    }
    if (name == "jvm") {
        return Json::object(
            {{"timestamp", now},
             {"uptime_in_millis", process.uptime_millis},
             {"mem",
              Json::object(
                  {{"heap_used_in_bytes", process.resident},
                   {"heap_used_percent",
                    process.resident * 100 / std::max<std::uint64_t>(process.memory_total, 1)},
                   {"heap_committed_in_bytes", process.resident},
                   {"heap_max_in_bytes", process.memory_total},
                   {"non_heap_used_in_bytes", 0},
                   {"non_heap_committed_in_bytes", 0},
                   {"pools", Json::object()}}
              )},
             {"threads", Json::object({{"count", 0}, {"peak_count", 0}})},
             {"gc", Json::object({{"collectors", Json::object()}})},
             {"buffer_pools", Json::object({{"mapped", no_buffers()}, {"direct", no_buffers()}})},
             {"classes", Json::object()}}
        );
    }
    if (name == "fs") {
        struct statvfs stats {};

        (void)statvfs(context.options.data_dir.c_str(), &stats);
        const Json total = Json::object(
            {{"total_in_bytes", stats.f_blocks * stats.f_frsize},
             {"free_in_bytes", stats.f_bfree * stats.f_frsize},
             {"available_in_bytes", stats.f_bavail * stats.f_frsize}}
        );
        Json data = Json::object(
            {{"path", context.options.data_dir}, {"mount", "-"}, {"type", filesystem_type(context)}}
        );
        data.merge(total);
        return Json::object(
            {{"timestamp", now}, {"total", total}, {"data", Json::array({std::move(data)})}}
        );
    }
    if (name == "discovery") {
        return Json::object(
            {{"cluster_state_queue",
              Json::object({{"total", 0}, {"pending", 0}, {"committed", 0}})},
             {"published_cluster_states",
              Json::object({{"full_states", 0}, {"incompatible_diffs", 0}, {"compatible_diffs", 0}}
              )},
             {"cluster_state_stats", Json::object()}}
        );
    }
    if (name == "http") {
        return Json::object({{"current_open", 1}, {"total_opened", 1}});
    }
    if (name == "transport") {
        return Json::object(
            {{"server_open", 0},
             {"total_outbound_connections", 0},
             {"rx_count", 0},
             {"rx_size_in_bytes", 0},
             {"tx_count", 0},
             {"tx_size_in_bytes", 0}}
        );
    }
    if (name == "indexing_pressure") {
        return Json::object({{"memory", indexing_pressure(process)}});
    }
    if (name == "thread_pool") {
        const Json pool = Json::object(
            {{"threads", 1},
             {"queue", 0},
             {"active", 0},
             {"rejected", 0},
             {"largest", 1},
             {"completed", 0}}
        );
        return Json::object({{"write", pool}, {"search", pool}, {"get", pool}, {"generic", pool}});
    }
    if (name == "breakers") {
        const Json parent = Json::object(
            {{"limit_size_in_bytes", process.memory_total},
             {"limit_size", bytes_text(process.memory_total)},
             {"estimated_size_in_bytes", process.resident},
             {"estimated_size", bytes_text(process.resident)},
             {"overhead", 1.0},
             {"tripped", 0}}
        );
        return Json::object({{"parent", parent}});
    }
    if (name == "ingest") {
        return Json::object(
            {{"total",
              Json::object({{"count", 0}, {"time_in_millis", 0}, {"current", 0}, {"failed", 0}})},
             {"pipelines", Json::object()}}
        );
    }
    return Json::object();
}

const std::vector<std::string>& info_metrics() {
    static const std::vector<std::string> kAll = {
        "settings",
        "os",
        "process",
        "jvm",
        "thread_pool",
        "transport",
        "http",
        "plugins",
        "ingest",
        "aggregations",
        "search_pipelines",
        "indices"};
    return kAll;
}

const std::vector<std::string>& stats_metrics() {
    static const std::vector<std::string> kAll = {
        "indices",
        "os",
        "process",
        "jvm",
        "thread_pool",
        "fs",
        "transport",
        "http",
        "breakers",
        "script",
        "discovery",
        "ingest",
        "adaptive_selection",
        "script_cache",
        "indexing_pressure",
        "shard_indexing_pressure",
        "search_backpressure",
        "cluster_manager_throttling",
        "weighted_routing",
        "file_cache",
        "task_cancellation",
        "search_pipeline",
        "segment_replication_backpressure",
        "repositories",
        "admission_control",
        "caches",
        "resource_usage_stats",
        "remote_store"};
    return kAll;
}

/// The parts that a path wants: "/_nodes/{node_id}/{metric}", where the first may be either.
Result<std::set<std::string>> wanted_parts(
    const Request& request,
    const std::vector<std::string>& known,
    std::string& node_expression,
    bool strict
) {
    std::string metric = request.part("metric");
    node_expression = request.part("node_id");
    if (metric.empty() && !node_expression.empty()) {
        const std::vector<std::string> list = split_list(node_expression);
        const bool all_metrics =
            std::all_of(list.begin(), list.end(), [&known](const std::string& one) {
                return one == "_all" || std::find(known.begin(), known.end(), one) != known.end();
            });
        if (all_metrics) {
            metric = node_expression;
            node_expression.clear();
        }
    }
    const std::vector<std::string> list = split_list(metric);
    std::set<std::string> out(list.begin(), list.end());
    if (out.empty() || out.count("_all") > 0) {
        out.insert(known.begin(), known.end());
    }
    for (const std::string& one : list) {
        if (strict && one != "_all" && std::find(known.begin(), known.end(), one) == known.end()) {
            return illegal_argument(
                "request [" + request.path + "] contains unrecognized metric: [" + one + "]"
            );
        }
    }
    return out;
}

}  // namespace

Result<Answer> nodes_info(const Request& request) {
    std::string expression;
    KUMO_TRY_ASSIGN(const auto parts, wanted_parts(request, info_metrics(), expression, false));
    const ClusterView view = ClusterView::of(request.context);
    Json nodes = Json::object();
    const std::vector<NodeView> wanted = wanted_nodes(view, expression);
    for (const NodeView& node : wanted) {
        Json entry = Json::object(
            {{"name", node.name},
             {"transport_address", node.transport},
             {"host", node.ip},
             {"ip", node.ip},
             {"version", "2.19.0"},
             {"build_type", "deb"},
             {"build_hash", "kumosearch"},
             {"total_indexing_buffer", 0},
             {"roles", roles()},
             {"attributes", attributes_of(request.context, node)}}
        );
        for (const std::string& name : info_metrics()) {
            if (parts.count(name) > 0) {
                Json part = info_part(request.context, node, name);
                if (name == "settings" && request.parameters.flag_or("flat_settings", false)) {
                    part = Json::object(
                        {{"cluster.name", request.context.options.cluster_name},
                         {"node.name", node.name},
                         {"client.type", "node"},
                         {"http.type", "kumosearch"},
                         {"transport.type", "kumosearch"}}
                    );
                }
                entry[name] = std::move(part);
                if (name == "plugins") {
                    entry["modules"] = Json::array();
                }
            }
        }
        nodes[node.id] = std::move(entry);
    }
    return Answer(envelope(request, wanted.size(), std::move(nodes)));
}

Result<Answer> nodes_stats(const Request& request) {
    std::string expression;
    KUMO_TRY_ASSIGN(const auto parts, wanted_parts(request, stats_metrics(), expression, true));
    const std::string index_metric = request.part("index_metric");
    KUMO_TRY_ASSIGN(const StatsDetails details, StatsDetails::of(request.parameters));
    const ClusterView view = ClusterView::of(request.context);
    Json nodes = Json::object();
    const std::vector<NodeView> wanted = wanted_nodes(view, expression);
    for (const NodeView& node : wanted) {
        const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                             request.context.clock.wall_now().time_since_epoch()
        )
                             .count();
        Json entry = Json::object(
            {{"timestamp", now},
             {"name", node.name},
             {"transport_address", node.transport},
             {"host", node.ip},
             {"ip", node.transport},
             {"roles", roles()},
             {"attributes", attributes_of(request.context, node)}}
        );
        for (const std::string& name : stats_metrics()) {
            if (parts.count(name) == 0) {
                continue;
            }
            Json part = stats_part(request.context, name, details);
            if (name == "indices" && !index_metric.empty() && index_metric != "_all") {
                Json some = Json::object();
                for (const std::string& one : split_list(index_metric)) {
                    const std::string section = one == "merge" ? "merges" : one;
                    if (const Json* const of = part.find(section)) {
                        some[section] = *of;
                    } else {
                        return illegal_argument(
                            "request [" + request.path + "] contains unrecognized indices metric: ["
                            + one + "]"
                        );
                    }
                }
                part = std::move(some);
            }
            entry[name] = std::move(part);
        }
        nodes[node.id] = std::move(entry);
    }
    return Answer(envelope(request, wanted.size(), std::move(nodes)));
}

Result<Answer> nodes_usage(const Request& request) {
    const ClusterView view = ClusterView::of(request.context);
    Json nodes = Json::object();
    const auto wanted = wanted_nodes(view, request.part("node_id"));
    for (const NodeView& node : wanted) {
        nodes[node.id] =
            Json::object({{"rest_actions", Json::object()}, {"aggregations", Json::object()}});
    }
    return Answer(envelope(request, wanted.size(), std::move(nodes)));
}

Result<Answer> reload_secure_settings(const Request& request) {
    const ClusterView view = ClusterView::of(request.context);
    Json nodes = Json::object();
    for (const NodeView& node : view.nodes()) {
        nodes[node.id] = Json::object({{"name", node.name}});
    }
    return Answer(envelope(request, view.nodes().size(), std::move(nodes)));
}

}  // namespace kumo::api_elastic
