#include "api/elastic/index_stats.h"

#include "api/elastic/cluster_view.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/nearest_name.h"
#include "api/elastic/stats_sections.h"

#include <algorithm>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

std::string section_of(const std::string& metric) {
    return metric == "merge" ? "merges" : metric;
}

Error unrecognized(
    const Request& request,
    const std::vector<std::string>& unknown,
    const std::set<std::string>& known
) {
    std::string out = "request [" + request.path + "] contains unrecognized metric";
    out += unknown.size() > 1 ? "s: " : ": ";
    for (std::size_t i = 0; i < unknown.size(); ++i) {
        out += (i > 0 ? ", [" : "[") + unknown[i] + "]";
        const std::string best = nearest_name(unknown[i], {known.begin(), known.end()});
        out += best.empty() ? "" : " -> did you mean [" + best + "]?";
    }
    return illegal_argument(std::move(out));
}

Result<Json> filtered(const Request& request, const Json& stats) {
    static const std::set<std::string> kMetrics = {
        "_all",
        "completion",
        "docs",
        "fielddata",
        "flush",
        "get",
        "indexing",
        "merge",
        "query_cache",
        "recovery",
        "refresh",
        "request_cache",
        "search",
        "segments",
        "store",
        "translog",
        "warmer"};
    const std::vector<std::string> metrics = split_list(request.part("metric"));
    if (metrics.empty()) {
        return stats;
    }
    Json out = Json::object();
    std::set<std::string> wanted;
    std::vector<std::string> unknown;
    for (const std::string& metric : metrics) {
        if (kMetrics.find(metric) == kMetrics.end()) {
            unknown.push_back(metric);
        }
    }
    if (!unknown.empty()) {
        return unrecognized(request, unknown, kMetrics);
    }
    for (const std::string& metric : metrics) {
        if (metric == "_all") {
            if (metrics.size() > 1) {
                return illegal_argument(
                    "request [" + request.path + "] contains _all and individual metrics ["
                    + request.part("metric") + "]"
                );
            }
            return stats;
        }
        wanted.insert(section_of(metric));
    }
    for (const auto& [name, value] : stats.members()) {
        if (wanted.count(name) > 0) {
            out[name] = value;
        }
    }
    return out;
}

Json shard_routing(const CopyView& copy) {
    return Json::object(
        {{"state", "STARTED"},
         {"primary", copy.primary},
         {"node", copy.node->id},
         {"relocating_node", Json()}}
    );
}

}  // namespace

Result<Answer> index_stats(const Request& request) {
    IndicesOptions options;
    options.forbid_closed = false;
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, options));
    const std::string level = request.parameters.text("level", "indices");
    if (level != "cluster" && level != "indices" && level != "shards") {
        return illegal_argument(
            "level parameter must be one of [cluster] or [indices] or [shards] but was [" + level
            + "]"
        );
    }
    KUMO_TRY_ASSIGN(const StatsDetails details, StatsDetails::of(request.parameters));
    const ClusterView view = ClusterView::of(request.context);
    Json all = Json::object();
    Json of_indices = Json::object();
    for (const ResolvedIndex& one : indices) {
        const Index& index = *one.index;
        KUMO_TRY_ASSIGN(
            const Json stats,
            filtered(request, stats_sections(request.context, index, details))
        );
        add_numbers(all, stats);
        Json entry = Json::object({{"uuid", index.uuid}, {"primaries", stats}, {"total", stats}});
        if (level == "shards") {
            Json shards = Json::object();
            const auto counts = shard_documents(request.context, index);
            for (const CopyView& copy : view.copies(index)) {
                if (copy.node == nullptr) {
                    continue;
                }
                Json of_shard = Json::object({{"routing", shard_routing(copy)}});
                of_shard.merge(stats);
                if (Json* const docs = of_shard.find("docs")) {
                    (*docs)["count"] = counts[static_cast<std::size_t>(copy.shard)];
                }
                of_shard["commit"] = Json::object(
                    {{"id", index.uuid},
                     {"generation", 1},
                     {"user_data", Json::object()},
                     {"num_docs", 0}}
                );
                of_shard["seq_no"] = Json::object(
                    {{"max_seq_no", -1}, {"local_checkpoint", -1}, {"global_checkpoint", -1}}
                );
                shards[std::to_string(copy.shard)].push(std::move(of_shard));
            }
            entry["shards"] = std::move(shards);
        }
        of_indices[index.name] = std::move(entry);
    }
    Json out = Json::object({{"_shards", broadcast_shards(indices)}});
    out["_all"] = Json::object({{"primaries", all}, {"total", all}});
    if (level != "cluster") {
        out["indices"] = std::move(of_indices);
    }
    return Answer(std::move(out));
}

Result<Answer> index_segments(const Request& request) {
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, IndicesOptions::of_reads()));
    const ClusterView view = ClusterView::of(request.context);
    Json of_indices = Json::object();
    for (const ResolvedIndex& one : indices) {
        Json shards = Json::object();
        const auto snapshot = request.context.node.snapshot(one.index->name);
        for (const CopyView& copy : view.copies(*one.index)) {
            if (copy.node == nullptr || !snapshot.ok()) {
                continue;
            }
            Json segments = Json::object();
            std::int64_t number = 0;
            for (const auto& part : snapshot.value()->parts) {
                segments["_" + std::to_string(number)] = Json::object(
                    {{"generation", number},
                     {"num_docs", part.segment->doc_count - part.deleted.count()},
                     {"deleted_docs", part.deleted.count()},
                     {"size_in_bytes", 0},
                     {"memory_in_bytes", 0},
                     {"committed", true},
                     {"search", true},
                     {"version", "9.12.1"},
                     {"compound", true}}
                );
                ++number;
            }
            shards[std::to_string(copy.shard)].push(Json::object(
                {{"routing",
                  Json::object(
                      {{"state", "STARTED"}, {"primary", copy.primary}, {"node", copy.node->id}}
                  )},
                 {"num_committed_segments", number},
                 {"num_search_segments", number},
                 {"segments", std::move(segments)}}
            ));
        }
        of_indices[one.index->name] = Json::object({{"shards", std::move(shards)}});
    }
    return Answer(
        Json::object({{"_shards", broadcast_shards(indices)}, {"indices", std::move(of_indices)}})
    );
}

Result<Answer> index_recovery(const Request& request) {
    IndicesOptions options;
    options.expand_closed = true;
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, options));
    const ClusterView view = ClusterView::of(request.context);
    Json out = Json::object();
    for (const ResolvedIndex& one : indices) {
        Json shards = Json::array();
        for (const CopyView& copy : view.copies(*one.index)) {
            if (copy.node == nullptr) {
                continue;
            }
            const Json target = Json::object(
                {{"id", copy.node->id},
                 {"host", copy.node->ip},
                 {"transport_address", copy.node->transport},
                 {"ip", copy.node->ip},
                 {"name", copy.node->name}}
            );
            const Json restored = request.context.cluster.find("restored/" + one.index->name);
            const Json* const uuid = restored.find("uuid");
            const bool from_snapshot = uuid != nullptr && uuid->text() == one.index->uuid;
            const auto count = [&](std::string_view name) {
                return from_snapshot && restored.find(name) != nullptr
                           ? restored.find(name)->as_int64()
                           : 0;
            };
            shards.push(Json::object(
                {{"id", copy.shard},
                 {"type",
                  from_snapshot  ? "SNAPSHOT"
                  : copy.primary ? (one.index->closed ? "EXISTING_STORE" : "EMPTY_STORE")
                                 : "PEER"},
                 {"stage", "DONE"},
                 {"primary", copy.primary},
                 {"start_time_in_millis", one.index->created_at},
                 {"stop_time_in_millis", one.index->created_at},
                 {"total_time_in_millis", 0},
                 {"source", copy.primary ? Json::object() : target},
                 {"target", target},
                 {"index",
                  Json::object(
                      {{"size",
                        Json::object(
                            {{"total_in_bytes", count("bytes")},
                             {"reused_in_bytes", 0},
                             {"recovered_in_bytes", count("bytes")},
                             {"percent", from_snapshot ? "100.0%" : "0.0%"}}
                        )},
                       {"files",
                        Json::object(
                            {{"total", count("files")},
                             {"reused", 0},
                             {"recovered", count("files")},
                             {"percent", from_snapshot ? "100.0%" : "0.0%"}}
                        )},
                       {"total_time_in_millis", 0},
                       {"source_throttle_time_in_millis", 0},
                       {"target_throttle_time_in_millis", 0}}
                  )},
                 {"translog",
                  Json::object(
                      {{"recovered", 0},
                       {"total", 0},
                       {"percent", "100.0%"},
                       {"total_on_start", 0},
                       {"total_time_in_millis", 0}}
                  )},
                 {"verify_index",
                  Json::object({{"check_index_time_in_millis", 0}, {"total_time_in_millis", 0}})}}
            ));
        }
        out[one.index->name] = Json::object({{"shards", std::move(shards)}});
    }
    return Answer(std::move(out));
}

Result<Answer> shard_stores(const Request& request) {
    IndicesOptions options;
    options.allow_no_indices = false;
    options.expand_closed = true;
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, options));
    const ClusterView view = ClusterView::of(request.context);
    const std::string status = request.parameters.text("status", "yellow,red");
    Json of_indices = Json::object();
    for (const ResolvedIndex& one : indices) {
        const HealthCounts counts = health_of(view, *one.index);
        if (status.find("all") == std::string::npos
            && status.find(counts.status()) == std::string::npos) {
            continue;
        }
        Json shards = Json::object();
        for (const CopyView& copy : view.copies(*one.index)) {
            if (copy.node == nullptr) {
                continue;
            }
            Json store = Json::object(
                {{copy.node->id,
                  Json::object(
                      {{"name", copy.node->name}, {"transport_address", copy.node->transport}}
                  )}}
            );
            store["allocation_id"] = copy.node->id + "-" + std::to_string(copy.shard);
            store["allocation"] = copy.primary ? "primary" : "replica";
            shards[std::to_string(copy.shard)]["stores"].push(std::move(store));
        }
        of_indices[one.index->name] = Json::object({{"shards", std::move(shards)}});
    }
    return Answer(Json::object({{"indices", std::move(of_indices)}}));
}

}  // namespace kumo::api_elastic
