#include "api/elastic/routes.h"

#include "api/elastic/fault.h"
#include "api/elastic/handlers/handlers.h"
#include "wire/url.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr auto kGet = wire::HttpMethod::kGet;
constexpr auto kPost = wire::HttpMethod::kPost;
constexpr auto kPut = wire::HttpMethod::kPut;
constexpr auto kHead = wire::HttpMethod::kHead;
constexpr auto kDelete = wire::HttpMethod::kDelete;

// clang-format off
constexpr Route kRoutes[] = {
    {kGet, "/", root},

    {kGet, "/_cluster/health", cluster_health},
    {kGet, "/_cluster/health/{index}", cluster_health},
    {kGet, "/_cluster/state", cluster_state},
    {kGet, "/_cluster/state/{metric}", cluster_state},
    {kGet, "/_cluster/state/{metric}/{index}", cluster_state},
    {kGet, "/_cluster/stats", cluster_stats},
    {kGet, "/_cluster/stats/nodes/{node_id}", cluster_stats},
    {kGet, "/_cluster/settings", get_cluster_settings},
    {kPut, "/_cluster/settings", put_cluster_settings},
    {kGet, "/_cluster/pending_tasks", pending_tasks},
    {kPost, "/_cluster/reroute", reroute},
    {kGet, "/_cluster/allocation/explain", allocation_explain},
    {kPost, "/_cluster/allocation/explain", allocation_explain},
    {kPost, "/_cluster/voting_config_exclusions", put_voting_exclusions},
    {kPost, "/_cluster/voting_config_exclusions/{node_name}", put_voting_exclusions},
    {kDelete, "/_cluster/voting_config_exclusions", delete_voting_exclusions},
    {kGet, "/_remote/info", remote_info},

    {kGet, "/_nodes", nodes_info},
    {kGet, "/_nodes/stats", nodes_stats},
    {kGet, "/_nodes/stats/{metric}", nodes_stats},
    {kGet, "/_nodes/stats/{metric}/{index_metric}", nodes_stats},
    {kGet, "/_nodes/usage", nodes_usage},
    {kPost, "/_nodes/reload_secure_settings", reload_secure_settings},
    {kPost, "/_nodes/{node_id}/reload_secure_settings", reload_secure_settings},
    {kGet, "/_nodes/{node_id}", nodes_info},
    {kGet, "/_nodes/{node_id}/stats", nodes_stats},
    {kGet, "/_nodes/{node_id}/stats/{metric}", nodes_stats},
    {kGet, "/_nodes/{node_id}/stats/{metric}/{index_metric}", nodes_stats},
    {kGet, "/_nodes/{node_id}/usage", nodes_usage},
    {kGet, "/_nodes/{node_id}/{metric}", nodes_info},
    {kGet, "/_nodes/{node_id}/info/{metric}", nodes_info},
    {kGet, "/_tasks", list_tasks},
    {kGet, "/_tasks/{task_id}", get_task},
    {kPost, "/_tasks/_cancel", cancel_tasks},
    {kPost, "/_tasks/{task_id}/_cancel", cancel_tasks},
    {kPost, "/_reindex/{task_id}/_rethrottle", rethrottle},
    {kPost, "/_update_by_query/{task_id}/_rethrottle", rethrottle},
    {kPost, "/_delete_by_query/{task_id}/_rethrottle", rethrottle},

    {kGet, "/_cat", cat_help},
    {kGet, "/_cat/aliases", cat_aliases},
    {kGet, "/_cat/aliases/{name}", cat_aliases},
    {kGet, "/_cat/allocation", cat_allocation},
    {kGet, "/_cat/allocation/{node_id}", cat_allocation},
    {kGet, "/_cat/cluster_manager", cat_cluster_manager},
    {kGet, "/_cat/master", cat_cluster_manager},
    {kGet, "/_cat/count", cat_count},
    {kGet, "/_cat/count/{index}", cat_count},
    {kGet, "/_cat/fielddata", cat_fielddata},
    {kGet, "/_cat/fielddata/{fields}", cat_fielddata},
    {kGet, "/_cat/health", cat_health},
    {kGet, "/_cat/indices", cat_indices},
    {kGet, "/_cat/indices/{index}", cat_indices},
    {kGet, "/_cat/nodeattrs", cat_nodeattrs},
    {kGet, "/_cat/nodes", cat_nodes},
    {kGet, "/_cat/pending_tasks", cat_pending_tasks},
    {kGet, "/_cat/plugins", cat_plugins},
    {kGet, "/_cat/recovery", cat_recovery},
    {kGet, "/_cat/recovery/{index}", cat_recovery},
    {kGet, "/_cat/repositories", cat_repositories},
    {kGet, "/_cat/segments", cat_segments},
    {kGet, "/_cat/segments/{index}", cat_segments},
    {kGet, "/_cat/shards", cat_shards},
    {kGet, "/_cat/shards/{index}", cat_shards},
    {kGet, "/_cat/snapshots", cat_snapshots},
    {kGet, "/_cat/snapshots/{repository}", cat_snapshots},
    {kGet, "/_cat/tasks", cat_tasks},
    {kGet, "/_cat/templates", cat_templates},
    {kGet, "/_cat/templates/{name}", cat_templates},
    {kGet, "/_cat/thread_pool", cat_thread_pool},
    {kGet, "/_cat/thread_pool/{thread_pool_patterns}", cat_thread_pool},

    {kPost, "/_bulk", bulk},
    {kPut, "/_bulk", bulk},
    {kPost, "/{index}/_bulk", bulk},
    {kPut, "/{index}/_bulk", bulk},
    {kGet, "/_mget", get_many},
    {kPost, "/_mget", get_many},
    {kGet, "/{index}/_mget", get_many},
    {kPost, "/{index}/_mget", get_many},
    {kPost, "/{index}/_doc", index_document},
    {kPut, "/{index}/_doc/{id}", index_document},
    {kPost, "/{index}/_doc/{id}", index_document},
    {kPut, "/{index}/_create/{id}", create_document},
    {kPost, "/{index}/_create/{id}", create_document},
    {kGet, "/{index}/_doc/{id}", get_one},
    {kDelete, "/{index}/_doc/{id}", delete_one},
    {kGet, "/{index}/_source/{id}", get_source},
    {kPost, "/{index}/_update/{id}", update_one},

    {kGet, "/_search", search},
    {kPost, "/_search", search},
    {kGet, "/{index}/_search", search},
    {kPost, "/{index}/_search", search},
    {kGet, "/_msearch", multi_search},
    {kPost, "/_msearch", multi_search},
    {kGet, "/{index}/_msearch", multi_search},
    {kPost, "/{index}/_msearch", multi_search},
    {kGet, "/_count", count},
    {kPost, "/_count", count},
    {kGet, "/{index}/_count", count},
    {kPost, "/{index}/_count", count},
    {kGet, "/_search/scroll", scroll},
    {kPost, "/_search/scroll", scroll},
    {kGet, "/_search/scroll/{scroll_id}", scroll},
    {kPost, "/_search/scroll/{scroll_id}", scroll},
    {kDelete, "/_search/scroll", clear_scroll},
    {kDelete, "/_search/scroll/{scroll_id}", clear_scroll},
    {kPost, "/{index}/_search/point_in_time", open_point_in_time},
    {kDelete, "/_search/point_in_time", close_point_in_time},
    {kDelete, "/_search/point_in_time/_all", close_point_in_time},
    {kGet, "/_search/point_in_time/_all", list_points_in_time},
    {kGet, "/_validate/query", validate_query},
    {kPost, "/_validate/query", validate_query},
    {kGet, "/{index}/_validate/query", validate_query},
    {kPost, "/{index}/_validate/query", validate_query},
    {kGet, "/{index}/_explain/{id}", explain},
    {kPost, "/{index}/_explain/{id}", explain},
    {kGet, "/_field_caps", field_caps},
    {kPost, "/_field_caps", field_caps},
    {kGet, "/{index}/_field_caps", field_caps},
    {kPost, "/{index}/_field_caps", field_caps},
    {kGet, "/_search_shards", search_shards},
    {kPost, "/_search_shards", search_shards},
    {kGet, "/{index}/_search_shards", search_shards},
    {kPost, "/{index}/_search_shards", search_shards},
    {kPost, "/{index}/_delete_by_query", delete_by_query},
    {kPost, "/{index}/_update_by_query", update_by_query},
    {kPost, "/_reindex", reindex},

    {kGet, "/_resolve/index/{name}", resolve_index},
    {kPut, "/_data_stream/{name}", put_data_stream},
    {kGet, "/_data_stream", get_data_stream},
    {kGet, "/_data_stream/{name}", get_data_stream},
    {kDelete, "/_data_stream/{name}", delete_data_stream},
    {kGet, "/_data_stream/_stats", data_stream_stats},
    {kGet, "/_data_stream/{name}/_stats", data_stream_stats},

    {kGet, "/_analyze", analyze},
    {kPost, "/_analyze", analyze},
    {kGet, "/{index}/_analyze", analyze},
    {kPost, "/{index}/_analyze", analyze},

    {kPut, "/{index}", put_index},
    {kGet, "/{index}", get_index},
    {kHead, "/{index}", index_exists},
    {kDelete, "/{index}", delete_index},
    {kPost, "/_open", open_index},
    {kPost, "/{index}/_open", open_index},
    {kPost, "/_close", close_index},
    {kPost, "/{index}/_close", close_index},
    {kGet, "/_refresh", refresh},
    {kPost, "/_refresh", refresh},
    {kGet, "/{index}/_refresh", refresh},
    {kPost, "/{index}/_refresh", refresh},
    {kGet, "/_flush", flush},
    {kPost, "/_flush", flush},
    {kGet, "/{index}/_flush", flush},
    {kPost, "/{index}/_flush", flush},
    {kPost, "/_forcemerge", force_merge},
    {kPost, "/{index}/_forcemerge", force_merge},
    {kPost, "/_cache/clear", clear_cache},
    {kPost, "/{index}/_cache/clear", clear_cache},
    {kPut, "/{index}/_block/{block}", add_block},
    {kPut, "/{index}/_clone/{target}", resize_index},
    {kPost, "/{index}/_clone/{target}", resize_index},
    {kPut, "/{index}/_split/{target}", resize_index},
    {kPost, "/{index}/_split/{target}", resize_index},
    {kPut, "/{index}/_shrink/{target}", resize_index},
    {kPost, "/{index}/_shrink/{target}", resize_index},
    {kPost, "/{index}/_rollover", rollover},
    {kPost, "/{index}/_rollover/{new_index}", rollover},

    {kGet, "/_mapping", get_mapping},
    {kGet, "/_mappings", get_mapping},
    {kGet, "/{index}/_mapping", get_mapping},
    {kGet, "/{index}/_mappings", get_mapping},
    {kPut, "/{index}/_mapping", put_mapping},
    {kPost, "/{index}/_mapping", put_mapping},
    {kPut, "/{index}/_mappings", put_mapping},
    {kPost, "/{index}/_mappings", put_mapping},
    {kGet, "/_mapping/field/{fields}", get_field_mapping},
    {kGet, "/{index}/_mapping/field/{fields}", get_field_mapping},
    {kGet, "/_settings", get_settings},
    {kGet, "/_settings/{name}", get_settings},
    {kGet, "/{index}/_settings", get_settings},
    {kGet, "/{index}/_settings/{name}", get_settings},
    {kPut, "/_settings", put_settings},
    {kPut, "/{index}/_settings", put_settings},
    {kGet, "/_alias", get_alias},
    {kGet, "/_aliases", get_alias},
    {kGet, "/_alias/{name}", get_alias},
    {kGet, "/{index}/_alias", get_alias},
    {kGet, "/{index}/_alias/{name}", get_alias},
    {kHead, "/_alias/{name}", alias_exists},
    {kHead, "/{index}/_alias", alias_exists},
    {kHead, "/{index}/_alias/{name}", alias_exists},
    {kPost, "/_aliases", update_aliases},
    {kPut, "/_alias", put_alias},
    {kPut, "/_alias/{name}", put_alias},
    {kPost, "/_alias/{name}", put_alias},
    {kPut, "/_aliases/{name}", put_alias},
    {kPut, "/{index}/_alias", put_alias},
    {kPut, "/{index}/_alias/{name}", put_alias},
    {kPost, "/{index}/_alias/{name}", put_alias},
    {kPut, "/{index}/_aliases/{name}", put_alias},
    {kPost, "/{index}/_aliases/{name}", put_alias},
    {kDelete, "/{index}/_alias/{name}", delete_alias},
    {kDelete, "/{index}/_aliases/{name}", delete_alias},

    {kPut, "/_template/{name}", put_template},
    {kPost, "/_template/{name}", put_template},
    {kGet, "/_template", get_template},
    {kGet, "/_template/{name}", get_template},
    {kDelete, "/_template/{name}", delete_template},
    {kPut, "/_index_template/{name}", put_index_template},
    {kPost, "/_index_template/{name}", put_index_template},
    {kGet, "/_index_template", get_index_template},
    {kGet, "/_index_template/{name}", get_index_template},
    {kDelete, "/_index_template/{name}", delete_index_template},
    {kPost, "/_index_template/_simulate", simulate_template},
    {kPost, "/_index_template/_simulate/{name}", simulate_template},
    {kPost, "/_index_template/_simulate_index/{name}", simulate_index},
    {kPut, "/_component_template/{name}", put_component_template},
    {kPost, "/_component_template/{name}", put_component_template},
    {kGet, "/_component_template", get_component_template},
    {kGet, "/_component_template/{name}", get_component_template},
    {kDelete, "/_component_template/{name}", delete_component_template},

    {kGet, "/_stats", index_stats},
    {kGet, "/_stats/{metric}", index_stats},
    {kGet, "/{index}/_stats", index_stats},
    {kGet, "/{index}/_stats/{metric}", index_stats},
    {kGet, "/_segments", index_segments},
    {kGet, "/{index}/_segments", index_segments},
    {kGet, "/_recovery", index_recovery},
    {kGet, "/{index}/_recovery", index_recovery},
    {kGet, "/_shard_stores", shard_stores},
    {kGet, "/{index}/_shard_stores", shard_stores},

    {kPut, "/_snapshot/{repository}", put_repository},
    {kPost, "/_snapshot/{repository}", put_repository},
    {kGet, "/_snapshot", get_repository},
    {kGet, "/_snapshot/{repository}", get_repository},
    {kDelete, "/_snapshot/{repository}", delete_repository},
    {kPost, "/_snapshot/{repository}/_verify", verify_repository},
    {kPost, "/_snapshot/{repository}/_cleanup", cleanup_repository},
    {kGet, "/_snapshot/_status", snapshot_status},
    {kGet, "/_snapshot/{repository}/_status", snapshot_status},
    {kGet, "/_snapshot/{repository}/{snapshot}/_status", snapshot_status},
    {kPut, "/_snapshot/{repository}/{snapshot}", create_snapshot},
    {kPost, "/_snapshot/{repository}/{snapshot}", create_snapshot},
    {kGet, "/_snapshot/{repository}/{snapshot}", get_snapshots},
    {kDelete, "/_snapshot/{repository}/{snapshot}", delete_snapshot},
    {kPut, "/_snapshot/{repository}/{snapshot}/_clone/{target}", clone_snapshot},
    {kPost, "/_snapshot/{repository}/{snapshot}/_restore", restore_snapshot},

    {kPut, "/_ingest/pipeline/{id}", put_pipeline},
    {kGet, "/_ingest/pipeline", get_pipeline},
    {kGet, "/_ingest/pipeline/{id}", get_pipeline},
    {kDelete, "/_ingest/pipeline/{id}", delete_pipeline},
    {kGet, "/_ingest/pipeline/_simulate", simulate_pipeline},
    {kPost, "/_ingest/pipeline/_simulate", simulate_pipeline},
    {kGet, "/_ingest/pipeline/{id}/_simulate", simulate_pipeline},
    {kPost, "/_ingest/pipeline/{id}/_simulate", simulate_pipeline},
    {kPut, "/_scripts/{id}", put_script},
    {kPost, "/_scripts/{id}", put_script},
    {kGet, "/_scripts/{id}", get_script},
    {kDelete, "/_scripts/{id}", delete_script},
    {kPut, "/_scripts/{id}/{context}", put_script},
    {kPost, "/_scripts/{id}/{context}", put_script},
    {kGet, "/_script_language", script_languages},
    {kGet, "/_script_context", script_contexts},
    {kGet, "/_scripts/painless/_execute", execute_script},
    {kPost, "/_scripts/painless/_execute", execute_script},
    {kGet, "/_search/template", search_template},
    {kPost, "/_search/template", search_template},
    {kGet, "/{index}/_search/template", search_template},
    {kPost, "/{index}/_search/template", search_template},
    {kGet, "/_msearch/template", multi_search_template},
    {kPost, "/_msearch/template", multi_search_template},
    {kGet, "/{index}/_msearch/template", multi_search_template},
    {kPost, "/{index}/_msearch/template", multi_search_template},
    {kGet, "/_render/template", render_template},
    {kPost, "/_render/template", render_template},
    {kGet, "/_render/template/{id}", render_template},
    {kPost, "/_render/template/{id}", render_template},
};

// clang-format on

std::vector<std::string_view> segments_of(std::string_view path) {
    std::vector<std::string_view> out;
    for (std::size_t at = 1; at <= path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        if (end > at) {
            out.push_back(path.substr(at, end - at));
        }
        at = end + 1;
    }
    return out;
}

bool is_part(std::string_view segment) {
    return segment.starts_with('{');
}

/// How well a path fits: literal segments count, the earlier the more. -1: not at all.
int fit(const std::vector<std::string_view>& pattern, const std::vector<std::string_view>& path) {
    if (pattern.size() != path.size()) {
        return -1;
    }
    int score = 0;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        score *= 2;
        if (!is_part(pattern[i])) {
            if (pattern[i] != path[i]) {
                return -1;
            }
            ++score;
        } else if (pattern[i] == "{index}" && path[i].starts_with('_') && path[i] != "_all" && i == 0) {
            return -1;
        }
    }
    return score;
}

Result<std::map<std::string, std::string, std::less<>>>
parts_of(const std::vector<std::string_view>& pattern, const std::vector<std::string_view>& path) {
    std::map<std::string, std::string, std::less<>> out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (is_part(pattern[i])) {
            KUMO_TRY_ASSIGN(std::string value, wire::percent_decode(path[i]));
            out[std::string(pattern[i].substr(1, pattern[i].size() - 2))] = std::move(value);
        }
    }
    return out;
}

/// Routes with their patterns cut up, once.
const std::vector<std::pair<const Route*, std::vector<std::string_view>>>& cut_routes() {
    static const auto kCut = [] {
        std::vector<std::pair<const Route*, std::vector<std::string_view>>> out;
        for (const Route& route : kRoutes) {
            out.emplace_back(&route, segments_of(route.pattern));
        }
        return out;
    }();
    return kCut;
}

}  // namespace

std::span<const Route> routes() {
    return kRoutes;
}

Result<RouteMatch> find_route(wire::HttpMethod method, std::string_view path) {
    const std::vector<std::string_view> segments = segments_of(path);
    RouteMatch out;
    int best = -1;
    const std::vector<std::string_view>* pattern = nullptr;
    for (const auto& [route, cut] : cut_routes()) {
        const int score = fit(cut, segments);
        if (score < 0) {
            continue;
        }
        const bool fits = route->method == method || (method == kHead && route->method == kGet);
        if (!fits) {
            if (std::find(out.others.begin(), out.others.end(), route->method)
                == out.others.end()) {
                out.others.push_back(route->method);
            }
        } else if (score > best || (score == best && route->method == method && out.route->method != method)) {
            best = score;
            out.route = route;
            pattern = &cut;
        }
    }
    if (out.route != nullptr) {
        auto parts = parts_of(*pattern, segments);
        if (!parts.ok()) {
            return illegal_argument(parts.error().message);
        }
        out.parts = std::move(parts).value();
    }
    return out;
}

}  // namespace kumo::api_elastic
