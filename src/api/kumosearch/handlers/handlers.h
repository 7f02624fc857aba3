#pragma once

#include "api/kumosearch/call.h"
#include "http/handler.h"
#include "node/resource.h"

#include <memory>
#include <string>

/// What the routes do. Each answers its call exactly once, now or later, on the call's loop, or
/// drops it when the connection is gone.
namespace kumo::api_kumosearch {

// status.cc
void get_health(const CallPtr& call);
void get_debug(const CallPtr& call);
void get_status(const CallPtr& call);
void get_cluster(const CallPtr& call);
void take_snapshot(const CallPtr& call);
void vote(const CallPtr& call);
void reset_peers(const CallPtr& call);
void drain(const CallPtr& call);
void get_stats(const CallPtr& call);
void get_metrics(const CallPtr& call);
void get_health_with_usage(const CallPtr& call);
void change_config(const CallPtr& call, const std::string& body);
void clear_cache(const CallPtr& call);
void compact(const CallPtr& call);
/// For routes of documented features that are not built.
void not_supported(const CallPtr& call);

// metrics.cc
void get_prometheus(const CallPtr& call);

// collections.cc
void create_collection(const CallPtr& call, const std::string& body);
void list_collections(const CallPtr& call);
void get_collection(const CallPtr& call);
void update_collection(const CallPtr& call, const std::string& body);
void list_schema_changes(const CallPtr& call);
void delete_collection(const CallPtr& call);

// documents.cc
void write_document(const CallPtr& call, std::string body);
void update_documents(const CallPtr& call, std::string body);
void delete_documents(const CallPtr& call);
void get_document(const CallPtr& call);
void update_document(const CallPtr& call, std::string body);
void delete_document(const CallPtr& call);

// import.cc, export.cc
std::unique_ptr<http::RequestSink> import_documents(const CallPtr& call);
void export_documents(const CallPtr& call);

// search.cc, multi_search.cc
void search_collection(const CallPtr& call);
std::unique_ptr<http::RequestSink> multi_search(const CallPtr& call);

// values.cc: aliases, presets and stopwords
template <node::ResourceKind kKind>
void list_values(const CallPtr& call);
template <node::ResourceKind kKind>
void get_value(const CallPtr& call);
template <node::ResourceKind kKind>
void put_value(const CallPtr& call, const std::string& body);
template <node::ResourceKind kKind>
void delete_value(const CallPtr& call);

// sets.cc: synonyms and curations
template <node::ResourceKind kKind>
void list_sets(const CallPtr& call);
template <node::ResourceKind kKind>
void get_set(const CallPtr& call);
template <node::ResourceKind kKind>
void put_set(const CallPtr& call, const std::string& body);
template <node::ResourceKind kKind>
void delete_set(const CallPtr& call);
template <node::ResourceKind kKind>
void list_items(const CallPtr& call);
template <node::ResourceKind kKind>
void get_item(const CallPtr& call);
template <node::ResourceKind kKind>
void put_item(const CallPtr& call, const std::string& body);
template <node::ResourceKind kKind>
void delete_item(const CallPtr& call);

// analytics.cc
void create_rules(const CallPtr& call, const std::string& body);
void list_rules(const CallPtr& call);
void get_rule(const CallPtr& call);
void put_rule(const CallPtr& call, const std::string& body);
void delete_rule(const CallPtr& call);
void create_event(const CallPtr& call, const std::string& body);
void get_events(const CallPtr& call);
void flush_events(const CallPtr& call);
void aggregate_events(const CallPtr& call, const std::string& body);
void get_analytics_status(const CallPtr& call);

// stemming.cc
void import_dictionary(const CallPtr& call, const std::string& body);
void list_dictionaries(const CallPtr& call);
void get_dictionary(const CallPtr& call);
void delete_dictionary(const CallPtr& call);

// limits.cc
void list_limits(const CallPtr& call);
void get_limit(const CallPtr& call);
void create_limit(const CallPtr& call, const std::string& body);
void put_limit(const CallPtr& call, const std::string& body);
void delete_limit(const CallPtr& call);
void list_bans(const CallPtr& call);
void list_exceeds(const CallPtr& call);
void delete_ban(const CallPtr& call);
void delete_exceed(const CallPtr& call);

// keys.cc
void list_keys(const CallPtr& call);
void create_key(const CallPtr& call, std::string body);
void get_key(const CallPtr& call);
void delete_key(const CallPtr& call);

}  // namespace kumo::api_kumosearch
