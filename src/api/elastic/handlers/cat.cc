#include "api/elastic/cat/table.h"
#include "api/elastic/cluster_view.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/handlers/task_run.h"
#include "api/elastic/index_stats.h"
#include "api/elastic/mapping/dates.h"
#include "api/elastic/usage.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <utility>

#include <sys/statvfs.h>
#include <unistd.h>

namespace kumo::api_elastic {

namespace {

std::int64_t now_millis(const Context& context) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               context.clock.wall_now().time_since_epoch()
    )
        .count();
}

std::string clock_text(std::int64_t millis) {
    static const DateFormat kFormat = DateFormat::make("HH:mm:ss").value();
    return kFormat.format({millis, 0});
}

void add_time(const Context& context, Row& row) {
    const std::int64_t now = now_millis(context);
    row["epoch"] = now / 1000;
    row["timestamp"] = clock_text(now);
}

/// The indices a table shows: hidden ones only if they are asked for.
Result<std::vector<ResolvedIndex>> shown_indices(const Request& request, bool hidden) {
    IndicesOptions options;
    options.expand_closed = true;
    options.expand_hidden = hidden;
    options.ignore_unavailable = false;
    return resolve_request(request, options);
}

std::string host_of(const NodeView& node) {
    return node.ip;
}

std::string port_of(const NodeView& node) {
    return node.transport.substr(node.transport.rfind(':') + 1);
}

struct Disk {
    std::uint64_t total = 0;
    std::uint64_t available = 0;

    std::uint64_t used() const { return total - available; }

    std::uint64_t percent() const { return total == 0 ? 0 : used() * 100 / total; }
};

Disk disk_of(const Context& context) {
    struct statvfs stats {};

    if (statvfs(context.options.data_dir.c_str(), &stats) != 0) {
        return {};
    }
    return {stats.f_blocks * stats.f_frsize, stats.f_bavail * stats.f_frsize};
}

std::vector<Row> count_rows(const Request& request, std::uint64_t count) {
    Row row;
    add_time(request.context, row);
    row["count"] = count;
    return {std::move(row)};
}

bool fits_any(const std::string& patterns, const std::string& name) {
    const std::vector<std::string> list = split_list(patterns);
    return list.empty()
           || std::any_of(list.begin(), list.end(), [&name](const std::string& pattern) {
                  return matches_wildcard(pattern, name);
              });
}

}  // namespace

Result<Answer> cat_help(const Request& /*request*/) {
    return Answer::plain(
        "=^.^=\n/_cat/allocation\n/_cat/shards\n/_cat/shards/{index}\n/_cat/cluster_manager\n/_cat/"
        "nodes\n"
        "/_cat/tasks\n/_cat/indices\n/_cat/indices/{index}\n/_cat/segments\n/_cat/segments/"
        "{index}\n"
        "/_cat/count\n/_cat/count/{index}\n/_cat/recovery\n/_cat/recovery/{index}\n/_cat/health\n"
        "/_cat/pending_tasks\n/_cat/aliases\n/_cat/aliases/{alias}\n/_cat/thread_pool\n"
        "/_cat/thread_pool/{thread_pools}\n/_cat/plugins\n/_cat/fielddata\n/_cat/fielddata/"
        "{fields}\n"
        "/_cat/nodeattrs\n/_cat/repositories\n/_cat/snapshots/{repository}\n/_cat/templates\n"
    );
}

Result<Answer> cat_aliases(const Request& request) {
    if (wants_help(request)) {
        return table_answer(request, "aliases", {});
    }
    const std::string wildcards = request.parameters.text("expand_wildcards", "all");
    std::vector<Row> rows;
    for (const IndexPtr& index : request.context.indices.all()) {
        for (const auto& [name, alias] : index->aliases.members()) {
            const Json* const hidden = alias.find("is_hidden");
            const bool is_hidden = hidden != nullptr && hidden->to_bool().value_or(false);
            const bool shows_hidden = wildcards.find("hidden") != std::string::npos
                                      || wildcards.find("all") != std::string::npos;
            const std::string wanted = request.part("name");
            const bool by_name = wanted.find(name) != std::string::npos
                                 || (wanted.starts_with('.') && name.starts_with('.'));
            if (!fits_any(wanted, name) || (is_hidden && !shows_hidden && !by_name)) {
                continue;
            }
            const auto text = [&alias = alias](std::string_view member) {
                const Json* const value = alias.find(member);
                return value == nullptr ? std::string("-") : value->text();
            };
            Row row;
            row["alias"] = name;
            row["index"] = index->name;
            row["filter"] = alias.find("filter") == nullptr ? "-" : "*";
            row["routing.index"] = text("index_routing");
            row["routing.search"] = text("search_routing");
            row["is_write_index"] = text("is_write_index");
            rows.push_back(std::move(row));
        }
    }
    return table_answer(request, "aliases", std::move(rows));
}

Result<Answer> cat_allocation(const Request& request) {
    const ClusterView view = ClusterView::of(request.context);
    std::map<const NodeView*, std::int64_t> shards;
    std::uint64_t bytes = 0;
    for (const IndexPtr& index : request.context.indices.all()) {
        for (const CopyView& copy : view.copies(*index)) {
            ++shards[copy.node];
        }
        bytes += index_sizes(request.context, *index).bytes;
    }
    const Disk disk = disk_of(request.context);
    std::vector<Row> rows;
    for (const NodeView& node : view.nodes()) {
        const std::string wanted = request.part("node_id");
        const bool wants = wanted.empty() || wanted == "_all" || fits_any(wanted, node.name)
                           || fits_any(wanted, node.id)
                           || (wanted == "_master" || wanted == "_cluster_manager"
                                   ? node.leads
                                   : wanted == "_local" && node.self);
        if (!wants) {
            continue;
        }
        Row row;
        row["shards"] = shards[&node];
        row["disk.indices"] = Cell::bytes(bytes);
        row["disk.used"] = Cell::bytes(disk.used());
        row["disk.avail"] = Cell::bytes(disk.available);
        row["disk.total"] = Cell::bytes(disk.total);
        row["disk.percent"] = disk.percent();
        row["host"] = host_of(node);
        row["ip"] = node.ip;
        row["node"] = node.name;
        rows.push_back(std::move(row));
    }
    if (shards[nullptr] > 0 && request.part("node_id").empty()) {
        Row row;
        row["shards"] = shards[nullptr];
        row["node"] = "UNASSIGNED";
        rows.push_back(std::move(row));
    }
    return table_answer(request, "allocation", std::move(rows));
}

Result<Answer> cat_cluster_manager(const Request& request) {
    const ClusterView view = ClusterView::of(request.context);
    Row row;
    const NodeView* const leader = view.leader();
    row["id"] = leader == nullptr ? "-" : leader->id;
    row["host"] = leader == nullptr ? "-" : host_of(*leader);
    row["ip"] = leader == nullptr ? "-" : leader->ip;
    row["node"] = leader == nullptr ? "-" : leader->name;
    return table_answer(request, "cluster_manager", {std::move(row)});
}

Result<Answer> cat_count(const Request& request) {
    if (wants_help(request)) {
        return table_answer(request, "count", {});
    }
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, IndicesOptions::of_reads()));
    std::uint64_t count = 0;
    for (const ResolvedIndex& one : indices) {
        count += index_sizes(request.context, *one.index).documents;
    }
    return table_answer(request, "count", count_rows(request, count));
}

/// Values are read from columns: nothing is loaded for it.
Result<Answer> cat_fielddata(const Request& request) {
    if (wants_help(request)) {
        return table_answer(request, "fielddata", {});
    }
    const ClusterView view = ClusterView::of(request.context);
    const NodeView* const self = view.self();
    std::string wanted = request.part("fields");
    wanted = wanted.empty() ? request.parameters.text("fields") : wanted;
    std::map<std::string, std::uint64_t> fields;
    for (const IndexPtr& index : request.context.indices.all()) {
        for (const auto& [name, bytes] : request.context.usage.of(index->uuid).fielddata) {
            fields[name] += bytes;
        }
    }
    std::vector<Row> rows;
    for (const auto& [name, bytes] : fields) {
        if (self == nullptr || !fits_any(wanted, name)) {
            continue;
        }
        Row row;
        row["id"] = self->id;
        row["host"] = host_of(*self);
        row["ip"] = self->ip;
        row["node"] = self->name;
        row["field"] = name;
        row["size"] = Cell::bytes(bytes);
        rows.push_back(std::move(row));
    }
    return table_answer(request, "fielddata", std::move(rows));
}

Result<Answer> cat_health(const Request& request) {
    if (wants_help(request)) {
        return table_answer(request, "health", {});
    }
    const ClusterView view = ClusterView::of(request.context);
    HealthCounts counts;
    for (const IndexPtr& index : request.context.indices.all()) {
        counts.add(health_of(view, *index));
    }
    const auto nodes = static_cast<std::int64_t>(view.nodes().size());
    const std::int64_t all = counts.active + counts.unassigned;
    std::array<char, 16> percent{};
    std::snprintf(
        percent.data(),
        percent.size(),
        "%.1f%%",
        all == 0 ? 100.0 : 100.0 * static_cast<double>(counts.active) / static_cast<double>(all)
    );
    Row row;
    if (request.parameters.flag_or("ts", true)) {
        add_time(request.context, row);
    }
    row["cluster"] = request.context.options.cluster_name;
    row["status"] = counts.status();
    row["node.total"] = nodes;
    row["node.data"] = nodes;
    row["discovered_cluster_manager"] = view.leader() != nullptr ? "true" : "false";
    row["discovered_master"] = view.leader() != nullptr ? "true" : "false";
    row["shards"] = counts.active;
    row["pri"] = counts.active_primary;
    row["relo"] = std::int64_t{0};
    row["init"] = std::int64_t{0};
    row["unassign"] = counts.unassigned;
    row["pending_tasks"] = std::int64_t{0};
    row["max_task_wait_time"] = "-";
    row["active_shards_percent"] = percent.data();
    if (!request.parameters.flag_or("ts", true) && !request.parameters.has("h")) {
        Request without = request;
        without.parameters.set(
            "h",
            "cluster,status,node.total,node.data,discovered_cluster_manager,shards,pri,relo,init,"
            "unassign,"
            "pending_tasks,max_task_wait_time,active_shards_percent"
        );
        return table_answer(without, "health", {std::move(row)});
    }
    return table_answer(request, "health", {std::move(row)});
}

Result<Answer> cat_indices(const Request& request) {
    if (wants_help(request)) {
        return table_answer(request, "indices", {});
    }
    const ClusterView view = ClusterView::of(request.context);
    KUMO_TRY_ASSIGN(const auto indices, shown_indices(request, false));
    const std::string health = request.parameters.text("health");
    if (!health.empty() && health != "green" && health != "yellow" && health != "red") {
        return illegal_argument("unknown cluster health status [" + health + "]");
    }
    std::vector<Row> rows;
    for (const ResolvedIndex& one : indices) {
        const Index& index = *one.index;
        const HealthCounts counts = health_of(view, index);
        if (!health.empty() && counts.status() != health) {
            continue;
        }
        Row row;
        row["health"] = counts.status();
        row["status"] = index.closed ? "close" : "open";
        row["index"] = index.name;
        row["uuid"] = index.uuid;
        row["pri"] = index.shards();
        row["rep"] = index.replicas();
        row["creation.date"] = index.created_at;
        row["creation.date.string"] = default_date_format().format({index.created_at, 0});
        if (!index.closed) {
            const IndexSizes sizes = index_sizes(request.context, index);
            row["docs.count"] = sizes.documents;
            row["docs.deleted"] = sizes.deleted;
            row["store.size"] = Cell::bytes(sizes.bytes);
            row["pri.store.size"] = Cell::bytes(sizes.bytes);
        }
        rows.push_back(std::move(row));
    }
    return table_answer(request, "indices", std::move(rows));
}

Result<Answer> cat_nodeattrs(const Request& request) {
    const ClusterView view = ClusterView::of(request.context);
    std::vector<Row> rows;
    for (const NodeView& node : view.nodes()) {
        auto attributes =
            node.self ? request.context.options.attributes : std::map<std::string, std::string>();
        attributes.emplace("shard_indexing_pressure_enabled", "true");
        for (const auto& [name, value] : attributes) {
            Row row;
            row["node"] = node.name;
            row["id"] = node.id.substr(0, 4);
            row["pid"] = node.self ? Cell(std::int64_t{getpid()}) : Cell();
            row["host"] = host_of(node);
            row["ip"] = node.ip;
            row["port"] = port_of(node);
            row["attr"] = name;
            row["value"] = value;
            rows.push_back(std::move(row));
        }
    }
    return table_answer(request, "nodeattrs", std::move(rows));
}

Result<Answer> cat_nodes(const Request& request) {
    const ClusterView view = ClusterView::of(request.context);
    const ProcessSizes process = process_sizes();
    const Disk disk = disk_of(request.context);
    const bool full_id = request.parameters.flag_or("full_id", false);
    std::vector<Row> rows;
    for (const NodeView& node : view.nodes()) {
        Row row;
        row["id"] = full_id ? node.id : node.id.substr(0, 4);
        row["ip"] = node.ip;
        row["port"] = port_of(node);
        row["http_address"] = node.http;
        row["version"] = "2.19.0";
        row["type"] = "deb";
        row["build"] = "kumosearch";
        row["jdk"] = "-";
        row["node.role"] = "dimr";
        row["node.roles"] = "cluster_manager,data,ingest,remote_cluster_client";
        row["cluster_manager"] = node.leads ? "*" : "-";
        row["master"] = node.leads ? "*" : "-";
        row["name"] = node.name;
        if (node.self) {
            row["pid"] = std::int64_t{getpid()};
            row["heap.current"] = Cell::bytes(process.resident);
            row["heap.max"] = Cell::bytes(process.memory_total);
            row["heap.percent"] =
                process.resident * 100 / std::max<std::uint64_t>(process.memory_total, 1);
            row["ram.current"] = Cell::bytes(process.memory_total - process.memory_available);
            row["ram.max"] = Cell::bytes(process.memory_total);
            row["ram.percent"] = (process.memory_total - process.memory_available) * 100
                                 / std::max<std::uint64_t>(process.memory_total, 1);
            row["cpu"] = process.cpu_percent;
            row["load_1m"] = process.load[0];
            row["load_5m"] = process.load[1];
            row["load_15m"] = process.load[2];
            row["file_desc.current"] = process.open_files;
            row["file_desc.max"] = process.open_files_max;
            row["file_desc.percent"] =
                process.open_files * 100 / std::max<std::uint64_t>(process.open_files_max, 1);
            row["disk.total"] = Cell::bytes(disk.total);
            row["disk.used"] = Cell::bytes(disk.used());
            row["disk.avail"] = Cell::bytes(disk.available);
            row["disk.used_percent"] = disk.percent();
            row["uptime"] = Cell::millis(process.uptime_millis);
        }
        rows.push_back(std::move(row));
    }
    return table_answer(request, "nodes", std::move(rows));
}

Result<Answer> cat_pending_tasks(const Request& request) {
    return table_answer(request, "pending_tasks", {});
}

Result<Answer> cat_plugins(const Request& request) {
    return table_answer(request, "plugins", {});
}

Result<Answer> cat_recovery(const Request& request) {
    if (wants_help(request)) {
        return table_answer(request, "recovery", {});
    }
    const ClusterView view = ClusterView::of(request.context);
    KUMO_TRY_ASSIGN(const auto indices, shown_indices(request, true));
    std::vector<Row> rows;
    for (const ResolvedIndex& one : indices) {
        for (const CopyView& copy : view.copies(*one.index)) {
            if (copy.node == nullptr) {
                continue;
            }
            Row row;
            row["index"] = copy.index;
            row["shard"] = copy.shard;
            row["time"] = Cell::millis(0);
            row["start_time_millis"] = one.index->created_at;
            row["start_time"] = default_date_format().format({one.index->created_at, 0});
            row["stop_time_millis"] = one.index->created_at;
            row["stop_time"] = default_date_format().format({one.index->created_at, 0});
            row["type"] = copy.primary ? "empty_store" : "peer";
            row["stage"] = "done";
            for (const char* const name :
                 {"source_host", "source_node", "repository", "snapshot"}) {
                row[name] = "n/a";
            }
            row["target_host"] = host_of(*copy.node);
            row["target_node"] = copy.node->name;
            for (const char* const name :
                 {"files",
                  "files_recovered",
                  "files_total",
                  "translog_ops",
                  "translog_ops_recovered"}) {
                row[name] = std::int64_t{0};
            }
            for (const char* const name : {"bytes", "bytes_recovered", "bytes_total"}) {
                row[name] = Cell::bytes(0);
            }
            row["files_percent"] = "0.0%";
            row["bytes_percent"] = "0.0%";
            row["translog_ops_percent"] = "100.0%";
            rows.push_back(std::move(row));
        }
    }
    return table_answer(request, "recovery", std::move(rows));
}

Result<Answer> cat_repositories(const Request& request) {
    std::vector<Row> rows;
    for (const auto& [name, value] : request.context.cluster.list("repository/")) {
        Row row;
        row["id"] = name;
        const Json* const type = value.find("type");
        row["type"] = type == nullptr ? "fs" : type->text();
        rows.push_back(std::move(row));
    }
    return table_answer(request, "repositories", std::move(rows));
}

Result<Answer> cat_segments(const Request& request) {
    if (wants_help(request)) {
        return table_answer(request, "segments", {});
    }
    const ClusterView view = ClusterView::of(request.context);
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, IndicesOptions::of_reads()));
    std::vector<Row> rows;
    const NodeView* const self = view.self();
    for (const ResolvedIndex& one : indices) {
        const auto snapshot = request.context.node.snapshot(one.index->name);
        if (!snapshot.ok() || self == nullptr) {
            continue;
        }
        std::int64_t number = 0;
        for (const auto& part : snapshot.value()->parts) {
            Row row;
            row["index"] = one.index->name;
            row["shard"] = std::int64_t{0};
            row["prirep"] = "p";
            row["ip"] = self->ip;
            row["id"] = self->id;
            row["segment"] = "_" + std::to_string(number);
            row["generation"] = number++;
            row["docs.count"] = std::uint64_t{part.segment->doc_count - part.deleted.count()};
            row["docs.deleted"] = std::uint64_t{part.deleted.count()};
            row["size"] = Cell::bytes(0);
            row["size.memory"] = Cell::bytes(0);
            row["committed"] = "true";
            row["searchable"] = "true";
            row["version"] = "9.12.1";
            row["compound"] = "true";
            rows.push_back(std::move(row));
        }
    }
    return table_answer(request, "segments", std::move(rows));
}

Result<Answer> cat_shards(const Request& request) {
    if (wants_help(request)) {
        return table_answer(request, "shards", {});
    }
    const ClusterView view = ClusterView::of(request.context);
    KUMO_TRY_ASSIGN(const auto indices, shown_indices(request, true));
    std::vector<Row> rows;
    for (const ResolvedIndex& one : indices) {
        const IndexSizes sizes = index_sizes(request.context, *one.index);
        const auto counts = shard_documents(request.context, *one.index);
        for (const CopyView& copy : view.copies(*one.index)) {
            Row row;
            row["index"] = copy.index;
            row["shard"] = copy.shard;
            row["prirep"] = copy.primary ? "p" : "r";
            row["state"] = copy.node == nullptr ? "UNASSIGNED" : "STARTED";
            if (copy.node != nullptr) {
                if (!one.index->closed) {
                    row["docs"] = counts[static_cast<std::size_t>(copy.shard)];
                    row["store"] =
                        Cell::bytes(sizes.bytes / static_cast<std::uint64_t>(one.index->shards()));
                }
                row["ip"] = copy.node->ip;
                row["id"] = copy.node->id;
                row["node"] = copy.node->name;
            } else {
                row["unassigned.reason"] = "INDEX_CREATED";
                row["recoverysource.type"] = "peer";
            }
            rows.push_back(std::move(row));
        }
    }
    return table_answer(request, "shards", std::move(rows));
}

Result<Answer> cat_tasks(const Request& request) {
    const ClusterView view = ClusterView::of(request.context);
    const NodeView* const self = view.self();
    const auto own =
        request.context.tasks.begin("cluster:monitor/tasks/lists", "", false, request.opaque_id);
    std::vector<Row> rows;
    for (const auto& task : request.context.tasks.running()) {
        if (self == nullptr || !fits_any(request.parameters.text("actions"), task->action)) {
            continue;
        }
        const auto running = request.context.clock.monotonic_now() - task->begin;
        Row row;
        row["action"] = task->action;
        row["id"] = std::to_string(task->number);
        row["task_id"] = task_id(view, *task);
        row["parent_task_id"] = "-";
        row["type"] = "transport";
        row["start_time"] = task->started_at;
        row["timestamp"] = clock_text(task->started_at);
        row["running_time_ns"] = std::int64_t{running.count()};
        row["running_time"] = Cell::millis(static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(running).count()
        ));
        row["node_id"] = self->id;
        row["ip"] = self->ip;
        row["port"] = port_of(*self);
        row["node"] = self->name;
        row["version"] = "2.19.0";
        row["x_opaque_id"] = task->opaque_id.empty() ? "-" : task->opaque_id;
        row["description"] = task->description;
        rows.push_back(std::move(row));
    }
    return table_answer(request, "tasks", std::move(rows));
}

Result<Answer> cat_templates(const Request& request) {
    if (wants_help(request)) {
        return table_answer(request, "templates", {});
    }
    const std::string pattern = request.part("name");
    std::vector<Row> rows;
    const auto list_text = [](const Json* list) {
        std::string out;
        for (const Json& one : list == nullptr ? Json::Array() : list->items()) {
            out += (out.empty() ? "" : ", ") + one.text();
        }
        return "[" + out + "]";
    };
    for (const std::string_view kind : {"template/", "index_template/"}) {
        for (const auto& [name, value] : request.context.cluster.list(kind)) {
            if (!fits_any(pattern, name)) {
                continue;
            }
            const bool composable = kind == "index_template/";
            const Json* const order = value.find(composable ? "priority" : "order");
            const Json* const version = value.find("version");
            Row row;
            row["name"] = name;
            row["index_patterns"] = list_text(value.find("index_patterns"));
            row["order"] = order == nullptr ? "0" : order->text();
            row["version"] = version == nullptr ? "" : version->text();
            row["composed_of"] = composable ? list_text(value.find("composed_of")) : "";
            rows.push_back(std::move(row));
        }
    }
    return table_answer(request, "templates", std::move(rows));
}

Result<Answer> cat_thread_pool(const Request& request) {
    struct Pool {
        const char* name;
        const char* type;
        const char* queue_size;
    };

    // One pool of threads carries out this API's requests; it answers to the names clients know.
    constexpr std::array<Pool, 15> kPools = {
        {{"analyze", "fixed", "16"},
         {"fetch_shard_started", "scaling", "-1"},
         {"fetch_shard_store", "scaling", "-1"},
         {"flush", "scaling", "-1"},
         {"force_merge", "fixed", "-1"},
         {"generic", "scaling", "-1"},
         {"get", "fixed", "1000"},
         {"index_searcher", "resizable", "1000"},
         {"listener", "fixed", "-1"},
         {"management", "scaling", "-1"},
         {"refresh", "scaling", "-1"},
         {"search", "resizable", "1000"},
         {"search_throttled", "resizable", "100"},
         {"snapshot", "scaling", "-1"},
         {"write", "fixed", "10000"}}};
    const ClusterView view = ClusterView::of(request.context);
    std::string patterns = request.part("thread_pool_patterns");
    patterns = patterns.empty() ? request.parameters.text("thread_pool_patterns") : patterns;
    std::vector<Row> rows;
    for (const NodeView& node : view.nodes()) {
        for (const Pool& pool : kPools) {
            if (!fits_any(patterns, pool.name)) {
                continue;
            }
            Row row;
            row["node_name"] = node.name;
            row["node_id"] = node.id;
            row["ephemeral_node_id"] = node.id;
            row["pid"] = std::int64_t{getpid()};
            row["host"] = host_of(node);
            row["ip"] = node.ip;
            row["port"] = port_of(node);
            row["name"] = pool.name;
            row["type"] = pool.type;
            row["queue_size"] = pool.queue_size;
            for (const char* const count :
                 {"active", "queue", "rejected", "largest", "completed", "pool_size"}) {
                row[count] = std::int64_t{0};
            }
            const bool scales = std::string(pool.type) == "scaling";
            for (const char* const count : scales ? std::array<const char*, 2>{"core", "max"}
                                                  : std::array<const char*, 2>{"size", "size"}) {
                row[count] = std::int64_t{1};
            }
            row["keep_alive"] = scales ? Cell("5m") : Cell("");
            const bool measured = std::string(pool.type) == "resizable";
            row["total_wait_time"] = measured ? Cell::millis(0) : Cell("-1");
            rows.push_back(std::move(row));
        }
    }
    return table_answer(request, "thread_pool", std::move(rows));
}

}  // namespace kumo::api_elastic
