#pragma once

#include "api/elastic/request.h"
#include "base/result.h"

/// The handlers of all routes (routes.cc), by the files they are in.
namespace kumo::api_elastic {

// documents.cc
Result<Answer> index_document(const Request& request);
Result<Answer> create_document(const Request& request);
Result<Answer> get_one(const Request& request);
Result<Answer> get_source(const Request& request);
Result<Answer> delete_one(const Request& request);
Result<Answer> update_one(const Request& request);
Result<Answer> get_many(const Request& request);

// bulk.cc
Result<Answer> bulk(const Request& request);

// indices.cc
Result<Answer> put_index(const Request& request);
Result<Answer> get_index(const Request& request);
Result<Answer> delete_index(const Request& request);
Result<Answer> index_exists(const Request& request);
Result<Answer> open_index(const Request& request);
Result<Answer> close_index(const Request& request);
Result<Answer> refresh(const Request& request);
Result<Answer> flush(const Request& request);
Result<Answer> force_merge(const Request& request);
Result<Answer> clear_cache(const Request& request);
Result<Answer> add_block(const Request& request);
Result<Answer> rollover(const Request& request);

// resize.cc
Result<Answer> resize_index(const Request& request);

// mappings.cc
Result<Answer> get_mapping(const Request& request);
Result<Answer> put_mapping(const Request& request);
Result<Answer> get_field_mapping(const Request& request);

// settings.cc
Result<Answer> get_settings(const Request& request);
Result<Answer> put_settings(const Request& request);

// aliases.cc
Result<Answer> get_alias(const Request& request);
Result<Answer> alias_exists(const Request& request);
Result<Answer> put_alias(const Request& request);
Result<Answer> delete_alias(const Request& request);
Result<Answer> update_aliases(const Request& request);

// templates.cc
Result<Answer> put_template(const Request& request);
Result<Answer> get_template(const Request& request);
Result<Answer> delete_template(const Request& request);
Result<Answer> put_index_template(const Request& request);
Result<Answer> get_index_template(const Request& request);
Result<Answer> delete_index_template(const Request& request);
Result<Answer> put_component_template(const Request& request);
Result<Answer> get_component_template(const Request& request);
Result<Answer> delete_component_template(const Request& request);
Result<Answer> simulate_template(const Request& request);
Result<Answer> simulate_index(const Request& request);

// cluster.cc
Result<Answer> root(const Request& request);
Result<Answer> cluster_health(const Request& request);
Result<Answer> cluster_state(const Request& request);
Result<Answer> cluster_stats(const Request& request);
Result<Answer> get_cluster_settings(const Request& request);
Result<Answer> put_cluster_settings(const Request& request);
Result<Answer> pending_tasks(const Request& request);
Result<Answer> reroute(const Request& request);
Result<Answer> allocation_explain(const Request& request);
Result<Answer> remote_info(const Request& request);
Result<Answer> put_voting_exclusions(const Request& request);
Result<Answer> delete_voting_exclusions(const Request& request);

// nodes.cc
Result<Answer> nodes_info(const Request& request);
Result<Answer> nodes_stats(const Request& request);
Result<Answer> nodes_usage(const Request& request);
Result<Answer> reload_secure_settings(const Request& request);

// tasks.cc
Result<Answer> list_tasks(const Request& request);
Result<Answer> get_task(const Request& request);
Result<Answer> cancel_tasks(const Request& request);
Result<Answer> rethrottle(const Request& request);

// index_stats.cc
Result<Answer> index_stats(const Request& request);
Result<Answer> index_segments(const Request& request);
Result<Answer> index_recovery(const Request& request);
Result<Answer> shard_stores(const Request& request);

// cat.cc
Result<Answer> cat_help(const Request& request);
Result<Answer> cat_aliases(const Request& request);
Result<Answer> cat_allocation(const Request& request);
Result<Answer> cat_cluster_manager(const Request& request);
Result<Answer> cat_count(const Request& request);
Result<Answer> cat_fielddata(const Request& request);
Result<Answer> cat_health(const Request& request);
Result<Answer> cat_indices(const Request& request);
Result<Answer> cat_nodeattrs(const Request& request);
Result<Answer> cat_nodes(const Request& request);
Result<Answer> cat_pending_tasks(const Request& request);
Result<Answer> cat_plugins(const Request& request);
Result<Answer> cat_recovery(const Request& request);
Result<Answer> cat_repositories(const Request& request);
Result<Answer> cat_segments(const Request& request);
Result<Answer> cat_shards(const Request& request);
Result<Answer> cat_snapshots(const Request& request);
Result<Answer> cat_tasks(const Request& request);
Result<Answer> cat_templates(const Request& request);
Result<Answer> cat_thread_pool(const Request& request);

// search.cc
/// What a search of this body answers.
Result<Json> run_search(const Request& request, const Json& body);
Result<Answer> search(const Request& request);
Result<Answer> multi_search(const Request& request);
Result<Answer> count(const Request& request);
Result<Answer> scroll(const Request& request);
Result<Answer> clear_scroll(const Request& request);
Result<Answer> open_point_in_time(const Request& request);
Result<Answer> close_point_in_time(const Request& request);
Result<Answer> list_points_in_time(const Request& request);
Result<Answer> validate_query(const Request& request);
Result<Answer> explain(const Request& request);

// field_caps.cc
Result<Answer> field_caps(const Request& request);

// search_shards.cc
Result<Answer> search_shards(const Request& request);

// by_query.cc
Result<Answer> delete_by_query(const Request& request);
Result<Answer> update_by_query(const Request& request);
Result<Answer> reindex(const Request& request);

// analyze.cc
Result<Answer> analyze(const Request& request);

// repositories.cc, snapshots.cc (cat_snapshots too)
Result<Answer> put_repository(const Request& request);
Result<Answer> get_repository(const Request& request);
Result<Answer> delete_repository(const Request& request);
Result<Answer> verify_repository(const Request& request);
Result<Answer> cleanup_repository(const Request& request);
Result<Answer> create_snapshot(const Request& request);
Result<Answer> get_snapshots(const Request& request);
Result<Answer> delete_snapshot(const Request& request);
Result<Answer> clone_snapshot(const Request& request);
Result<Answer> snapshot_status(const Request& request);
Result<Answer> restore_snapshot(const Request& request);

// pipelines.cc
Result<Answer> put_pipeline(const Request& request);
Result<Answer> get_pipeline(const Request& request);
Result<Answer> delete_pipeline(const Request& request);
Result<Answer> simulate_pipeline(const Request& request);

// scripts.cc
Result<Answer> put_script(const Request& request);
Result<Answer> get_script(const Request& request);
Result<Answer> delete_script(const Request& request);
Result<Answer> script_languages(const Request& request);
Result<Answer> script_contexts(const Request& request);
Result<Answer> execute_script(const Request& request);

// search_templates.cc
Result<Answer> search_template(const Request& request);
Result<Answer> multi_search_template(const Request& request);
Result<Answer> render_template(const Request& request);

// resolve_index.cc
Result<Answer> resolve_index(const Request& request);

// data_streams.cc
Result<Answer> put_data_stream(const Request& request);
Result<Answer> get_data_stream(const Request& request);
Result<Answer> delete_data_stream(const Request& request);
Result<Answer> data_stream_stats(const Request& request);

}  // namespace kumo::api_elastic
