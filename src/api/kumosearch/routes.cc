#include "api/kumosearch/routes.h"

#include "api/kumosearch/handlers/document_parameters.h"
#include "api/kumosearch/handlers/handlers.h"
#include "wire/url.h"
#include "wire/utf8.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

constexpr std::size_t kWholeBodyBytesMax = std::size_t{32} << 20;
/// What is put into a named resource: that, and how clients indent it.
constexpr std::size_t kValueBodyBytesMax = 2 * node::kResourceBytesMax;
constexpr std::size_t kAggregateBodyBytesMax = std::size_t{16} << 20;

constexpr std::size_t kEventBodyBytesMax = std::size_t{64} << 10;

/// A handler that needs no body.
template <void (*kHandle)(const CallPtr&)>
std::unique_ptr<http::RequestSink> plain(const CallPtr& call) {
    kHandle(call);
    return nullptr;
}

/// A handler that needs the whole body.
template <void (*kHandle)(const CallPtr&, std::string), std::size_t kBytesMax = kWholeBodyBytesMax>
std::unique_ptr<http::RequestSink> whole(const CallPtr& call) {
    return http::collect_body(kBytesMax, [call](std::string body) {
        kHandle(call, std::move(body));
    });
}

/// The same for one that only reads the body.
template <
    void (*kHandle)(const CallPtr&, const std::string&),
    std::size_t kBytesMax = kWholeBodyBytesMax>
std::unique_ptr<http::RequestSink> whole(const CallPtr& call) {
    return http::collect_body(kBytesMax, [call](const std::string& body) { kHandle(call, body); });
}

using node::ResourceKind;

constexpr auto kGet = wire::HttpMethod::kGet;
constexpr auto kPost = wire::HttpMethod::kPost;
constexpr auto kPut = wire::HttpMethod::kPut;
constexpr auto kPatch = wire::HttpMethod::kPatch;
constexpr auto kDelete = wire::HttpMethod::kDelete;

// clang-format off
const Route kRoutes[] = {
    {kGet, "/health", "health:list", Access::kPublic, plain<get_health>},
    {kGet, "/debug", "debug:list", Access::kAlways, plain<get_debug>},
    {kGet, "/stats.json", "stats.json:list", Access::kAlways, plain<get_stats>},
    {kGet, "/metrics.json", "metrics.json:list", Access::kAlways, plain<get_metrics>},
    {kGet, "/metrics", "metrics:list", Access::kAlways, plain<get_prometheus>},

    {kPost, "/collections", "collections:create", Access::kChecked, whole<create_collection>},
    {kGet, "/collections", "collections:list", Access::kChecked, plain<list_collections>},
    {kGet, "/collections/:collection", "collections:get", Access::kCollection, plain<get_collection>},
    {kPatch, "/collections/:collection", "collections:update", Access::kCollection, whole<update_collection>},
    {kDelete, "/collections/:collection", "collections:delete", Access::kCollection, plain<delete_collection>},

    {kPost, "/collections/:collection/documents", "documents:create", Access::kCollection, whole<write_document, kDocumentBytesMax>},
    {kPatch, "/collections/:collection/documents", "documents:update", Access::kCollection, whole<update_documents, kDocumentBytesMax>},
    {kDelete, "/collections/:collection/documents", "documents:delete", Access::kCollection, plain<delete_documents>},
    {kPost, "/collections/:collection/documents/import", "documents:import", Access::kCollection, import_documents},
    {kGet, "/collections/:collection/documents/export", "documents:export", Access::kCollection, plain<export_documents>},
    {kGet, "/collections/:collection/documents/search", "documents:search", Access::kCollection, plain<search_collection>},
    {kGet, "/collections/:collection/documents/:id", "documents:get", Access::kCollection, plain<get_document>},
    {kPatch, "/collections/:collection/documents/:id", "documents:update", Access::kCollection, whole<update_document, kDocumentBytesMax>},
    {kDelete, "/collections/:collection/documents/:id", "documents:delete", Access::kCollection, plain<delete_document>},
    {kPost, "/multi_search", "documents:search", Access::kSearches, multi_search},

    {kGet, "/keys", "keys:list", Access::kGlobal, plain<list_keys>},
    {kPost, "/keys", "keys:create", Access::kGlobal, whole<create_key>},
    {kGet, "/keys/:id", "keys:get", Access::kGlobal, plain<get_key>},
    {kDelete, "/keys/:id", "keys:delete", Access::kGlobal, plain<delete_key>},

    {kGet, "/aliases", "aliases:list", Access::kGlobal, plain<list_values<ResourceKind::kAlias>>},
    {kGet, "/aliases/:alias", "aliases:get", Access::kGlobal, plain<get_value<ResourceKind::kAlias>>},
    {kPut, "/aliases/:alias", "aliases:upsert", Access::kGlobal, whole<put_value<ResourceKind::kAlias>, kValueBodyBytesMax>},
    {kDelete, "/aliases/:alias", "aliases:delete", Access::kGlobal, plain<delete_value<ResourceKind::kAlias>>},
    {kGet, "/presets", "presets:list", Access::kGlobal, plain<list_values<ResourceKind::kPreset>>},
    {kGet, "/presets/:preset", "presets:get", Access::kGlobal, plain<get_value<ResourceKind::kPreset>>},
    {kPut, "/presets/:preset", "presets:upsert", Access::kGlobal, whole<put_value<ResourceKind::kPreset>, kValueBodyBytesMax>},
    {kDelete, "/presets/:preset", "presets:delete", Access::kGlobal, plain<delete_value<ResourceKind::kPreset>>},
    {kGet, "/stopwords", "stopwords:list", Access::kGlobal, plain<list_values<ResourceKind::kStopwords>>},
    {kGet, "/stopwords/:set", "stopwords:get", Access::kGlobal, plain<get_value<ResourceKind::kStopwords>>},
    {kPut, "/stopwords/:set", "stopwords:upsert", Access::kGlobal, whole<put_value<ResourceKind::kStopwords>, kValueBodyBytesMax>},
    {kDelete, "/stopwords/:set", "stopwords:delete", Access::kGlobal, plain<delete_value<ResourceKind::kStopwords>>},

    {kGet, "/synonym_sets", "synonym_sets:list", Access::kGlobal, plain<list_sets<ResourceKind::kSynonymSet>>},
    {kGet, "/synonym_sets/:set", "synonym_sets:get", Access::kGlobal, plain<get_set<ResourceKind::kSynonymSet>>},
    {kPut, "/synonym_sets/:set", "synonym_sets:upsert", Access::kGlobal, whole<put_set<ResourceKind::kSynonymSet>, kValueBodyBytesMax>},
    {kDelete, "/synonym_sets/:set", "synonym_sets:delete", Access::kGlobal, plain<delete_set<ResourceKind::kSynonymSet>>},
    {kGet, "/synonym_sets/:set/items", "synonym_sets/items:list", Access::kGlobal, plain<list_items<ResourceKind::kSynonymSet>>},
    {kGet, "/synonym_sets/:set/items/:item", "synonym_sets/items:get", Access::kGlobal, plain<get_item<ResourceKind::kSynonymSet>>},
    {kPut, "/synonym_sets/:set/items/:item", "synonym_sets/items:upsert", Access::kGlobal, whole<put_item<ResourceKind::kSynonymSet>, kValueBodyBytesMax>},
    {kDelete, "/synonym_sets/:set/items/:item", "synonym_sets/items:delete", Access::kGlobal, plain<delete_item<ResourceKind::kSynonymSet>>},

    {kGet, "/collections/:collection/synonyms", "synonyms:list", Access::kCollection, plain<list_items<ResourceKind::kCollectionSynonyms>>},
    {kGet, "/collections/:collection/synonyms/:id", "synonyms:get", Access::kCollection, plain<get_item<ResourceKind::kCollectionSynonyms>>},
    {kPut, "/collections/:collection/synonyms/:id", "synonyms:upsert", Access::kCollection, whole<put_item<ResourceKind::kCollectionSynonyms>, kValueBodyBytesMax>},
    {kDelete, "/collections/:collection/synonyms/:id", "synonyms:delete", Access::kCollection, plain<delete_item<ResourceKind::kCollectionSynonyms>>},

    {kGet, "/curation_sets", "curation_sets:list", Access::kGlobal, plain<list_sets<ResourceKind::kCurationSet>>},
    {kGet, "/curation_sets/:set", "curation_sets:get", Access::kGlobal, plain<get_set<ResourceKind::kCurationSet>>},
    {kPut, "/curation_sets/:set", "curation_sets:upsert", Access::kGlobal, whole<put_set<ResourceKind::kCurationSet>, kValueBodyBytesMax>},
    {kDelete, "/curation_sets/:set", "curation_sets:delete", Access::kGlobal, plain<delete_set<ResourceKind::kCurationSet>>},
    {kGet, "/curation_sets/:set/items", "curation_sets/items:list", Access::kGlobal, plain<list_items<ResourceKind::kCurationSet>>},
    {kGet, "/curation_sets/:set/items/:item", "curation_sets/items:get", Access::kGlobal, plain<get_item<ResourceKind::kCurationSet>>},
    {kPut, "/curation_sets/:set/items/:item", "curation_sets/items:upsert", Access::kGlobal, whole<put_item<ResourceKind::kCurationSet>, kValueBodyBytesMax>},
    {kDelete, "/curation_sets/:set/items/:item", "curation_sets/items:delete", Access::kGlobal, plain<delete_item<ResourceKind::kCurationSet>>},

    {kGet, "/collections/:collection/overrides", "overrides:list", Access::kCollection, plain<list_items<ResourceKind::kCollectionCurations>>},
    {kGet, "/collections/:collection/overrides/:id", "overrides:get", Access::kCollection, plain<get_item<ResourceKind::kCollectionCurations>>},
    {kPut, "/collections/:collection/overrides/:id", "overrides:upsert", Access::kCollection, whole<put_item<ResourceKind::kCollectionCurations>, kValueBodyBytesMax>},
    {kDelete, "/collections/:collection/overrides/:id", "overrides:delete", Access::kCollection, plain<delete_item<ResourceKind::kCollectionCurations>>},

    {kGet, "/analytics/rules", "analytics/rules:list", Access::kGlobal, plain<list_rules>},
    {kPost, "/analytics/rules", "analytics/rules:create", Access::kGlobal, whole<create_rules, kValueBodyBytesMax>},
    {kGet, "/analytics/rules/:rule", "analytics/rules:get", Access::kGlobal, plain<get_rule>},
    {kPut, "/analytics/rules/:rule", "analytics/rules:upsert", Access::kGlobal, whole<put_rule, kValueBodyBytesMax>},
    {kDelete, "/analytics/rules/:rule", "analytics/rules:delete", Access::kGlobal, plain<delete_rule>},
    {kPost, "/analytics/events", "analytics/events:create", Access::kGlobal, whole<create_event, kEventBodyBytesMax>},
    {kGet, "/analytics/events", "analytics/events:list", Access::kGlobal, plain<get_events>},
    {kPost, "/analytics/aggregate_events", "analytics/aggregate_events:create", Access::kGlobal, whole<aggregate_events, kAggregateBodyBytesMax>},
    {kPost, "/analytics/flush", "analytics/flush:create", Access::kGlobal, plain<flush_events>},
    {kGet, "/analytics/status", "analytics/status:list", Access::kGlobal, plain<get_analytics_status>},

    {kGet, "/stemming/dictionaries", "stemming/dictionaries:list", Access::kGlobal, plain<list_dictionaries>},
    {kPost, "/stemming/dictionaries/import", "stemming/dictionaries/import:create", Access::kGlobal, whole<import_dictionary, 2 * node::kResourceBytesMax>},
    {kGet, "/stemming/dictionaries/:id", "stemming/dictionaries:get", Access::kGlobal, plain<get_dictionary>},
    {kDelete, "/stemming/dictionaries/:id", "stemming/dictionaries:delete", Access::kGlobal, plain<delete_dictionary>},

    {kGet, "/limits", "limits:list", Access::kGlobal, plain<list_limits>},
    {kGet, "/limits/active", "limits/active:list", Access::kGlobal, plain<list_bans>},
    {kDelete, "/limits/active/:id", "limits/active:delete", Access::kGlobal, plain<delete_ban>},
    {kGet, "/limits/exceeds", "limits/exceeds:list", Access::kGlobal, plain<list_exceeds>},
    {kDelete, "/limits/exceeds/:id", "limits/exceeds:delete", Access::kGlobal, plain<delete_exceed>},
    {kPost, "/limits", "limits:create", Access::kGlobal, whole<create_limit, kValueBodyBytesMax>},
    {kGet, "/limits/:id", "limits:get", Access::kGlobal, plain<get_limit>},
    {kPut, "/limits/:id", "limits:upsert", Access::kGlobal, whole<put_limit, kValueBodyBytesMax>},
    {kDelete, "/limits/:id", "limits:delete", Access::kGlobal, plain<delete_limit>},

    {kPost, "/operations/snapshot", "operations/snapshot:create", Access::kGlobal, plain<take_snapshot>},
    {kPost, "/operations/vote", "operations/vote:create", Access::kGlobal, plain<vote>},
    {kPost, "/operations/drain", "operations/drain:create", Access::kGlobal, plain<drain>},
    {kPost, "/operations/cache/clear", "operations/cache/clear:create", Access::kAlways, plain<clear_cache>},
    {kPost, "/operations/db/compact", "operations/db/compact:create", Access::kAlways, plain<compact>},
    {kPost, "/operations/reset_peers", "operations/reset_peers:create", Access::kAlways, plain<reset_peers>},
    {kGet, "/operations/schema_changes", "operations/schema_changes:list", Access::kGlobal, plain<list_schema_changes>},
    {kPost, "/config", "config:create", Access::kAlways, whole<change_config, kValueBodyBytesMax>},
    {kGet, "/status", "status:list", Access::kAlways, plain<get_status>},
    {kGet, "/operations/cluster", "operations/cluster:list", Access::kAlways, plain<get_cluster>},
    {kGet, "/health_with_rusage", "health_with_rusage:list", Access::kAlways, plain<get_health_with_usage>},
    {kGet, "/conversations/models", "conversations/models:list", Access::kGlobal, plain<not_supported>},
    {kPost, "/conversations/models", "conversations/models:create", Access::kGlobal, plain<not_supported>},
    {kGet, "/nl_search_models", "nl_search_models:list", Access::kGlobal, plain<not_supported>},
    {kPost, "/nl_search_models", "nl_search_models:create", Access::kGlobal, plain<not_supported>},
    {kGet, "/personalization/models", "personalization/models:list", Access::kGlobal, plain<not_supported>},
    {kPost, "/personalization/models", "personalization/models:create", Access::kGlobal, plain<not_supported>},
};
// clang-format on

static_assert(std::size(kRoutes) <= RequestStats::kNoRoute);
static_assert(!std::is_default_constructible_v<Action>, "a route cannot do without");

/// Takes the next segment off the front of a path that starts with '/'.
std::string_view take_segment(std::string_view& path) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    return segment;
}

/// Whether the path fits the pattern; collects the path's parameters.
bool fits(std::string_view pattern, std::string_view path, std::vector<std::string_view>& out) {
    out.clear();
    while (!pattern.empty() && !path.empty()) {
        const std::string_view wanted = take_segment(pattern);
        const std::string_view given = take_segment(path);
        if (wanted.starts_with(':') && !given.empty()) {
            out.push_back(given);
        } else if (wanted != given) {
            return false;
        }
    }
    return pattern.empty() && path.empty();
}

}  // namespace

std::span<const Route> routes() {
    return kRoutes;
}

std::optional<RouteMatch> find_route(wire::HttpMethod method, std::string_view path) {
    if (method == wire::HttpMethod::kHead) {
        method = wire::HttpMethod::kGet;
    }
    if (!path.starts_with('/')) {
        return std::nullopt;
    }
    if (path.size() > 1 && path.ends_with('/')) {
        path.remove_suffix(1);
    }
    std::vector<std::string_view> parameters;
    for (std::size_t i = 0; i < std::size(kRoutes); ++i) {
        if (kRoutes[i].method != method || !fits(kRoutes[i].pattern, path, parameters)) {
            continue;
        }
        RouteMatch match{i, {}};
        for (const std::string_view parameter : parameters) {
            auto decoded = wire::percent_decode(parameter);
            if (!decoded.ok() || !wire::utf8_valid(decoded.value())) {
                return std::nullopt;
            }
            match.path.push_back(std::move(decoded).value());
        }
        return match;
    }
    return std::nullopt;
}

}  // namespace kumo::api_kumosearch
