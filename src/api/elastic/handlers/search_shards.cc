#include "api/elastic/cluster_view.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/routing.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// A filter of an alias with what it leaves out: boosts.
Json spelled_out(const Json& query) {
    if (!query.is_object() || query.size() != 1) {
        return query;
    }
    const auto& [kind, options] = query.members().front();
    if (kind == "match_all") {
        return Json::object({{kind, Json::object({{"boost", 1.0}})}});
    }
    if (kind != "term" || !options.is_object() || options.size() != 1) {
        return query;
    }
    const auto& [field, value] = options.members().front();
    Json full = value.is_object() ? value : Json::object({{"value", value}});
    if (std::as_const(full).find("boost") == nullptr) {
        full["boost"] = 1.0;
    }
    return Json::object({{kind, Json::object({{field, std::move(full)}})}});
}

Json shown_alias_filter(const ResolvedIndex& one) {
    const Json filter = alias_filter(one);
    const Json* const all = filter.at_path("bool.should");
    if (all == nullptr || all->empty()) {
        return {};
    }
    if (all->size() == 1) {
        return spelled_out(all->items().front());
    }
    Json should = Json::array();
    for (const Json& query : all->items()) {
        should.push(spelled_out(query));
    }
    return Json::object(
        {{"bool",
          Json::object({{"should", should}, {"adjust_pure_negative", true}, {"boost", 1.0}})}}
    );
}

/// Which shards "preference" lets through: "_shards:0,2".
std::optional<std::set<std::int64_t>> preferred_shards(const std::string& preference) {
    constexpr std::string_view kPrefix = "_shards:";
    if (!preference.starts_with(kPrefix)) {
        return std::nullopt;
    }
    std::set<std::int64_t> out;
    const std::string list = preference.substr(kPrefix.size());
    for (const std::string& one : split_list(list.substr(0, list.find('|')))) {
        out.insert(Json(one).to_int64().value_or(-1));
    }
    return out;
}

struct ShardSlice {
    std::int64_t id = 0;
    std::int64_t max = 1;
};

Result<ShardSlice> shard_slice(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    ShardSlice out;
    const Json* const slice = body.find("slice");
    if (slice == nullptr) {
        return out;
    }
    const Json* const id = slice->find("id");
    const Json* const max = slice->find("max");
    out.id = id == nullptr ? -1 : id->to_int64().value_or(-1);
    out.max = max == nullptr ? 0 : max->to_int64().value_or(0);
    if (out.id < 0 || out.max <= 1 || out.id >= out.max) {
        return illegal_argument("max must be greater than id");
    }
    return out;
}

}  // namespace

Result<Answer> search_shards(const Request& request) {
    KUMO_TRY_ASSIGN(const ShardSlice slice, shard_slice(request));
    const auto preferred = preferred_shards(request.parameters.text("preference"));
    const std::string routing = request.parameters.text("routing");
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, IndicesOptions::of_reads()));
    const ClusterView view = ClusterView::of(request.context);
    Json nodes = Json::object();
    for (const NodeView& node : view.nodes()) {
        nodes[node.id] = Json::object(
            {{"name", node.name},
             {"ephemeral_id", node.id},
             {"transport_address", node.transport},
             {"attributes", Json::object()}}
        );
    }
    Json of_indices = Json::object();
    Json shards = Json::array();
    for (const ResolvedIndex& one : indices) {
        Json entry = Json::object();
        if (!one.aliases.empty()) {
            Json aliases = Json::array();
            for (const std::string& alias :
                 std::set<std::string>(one.aliases.begin(), one.aliases.end())) {
                aliases.push(alias);
            }
            entry["aliases"] = std::move(aliases);
        }
        if (const Json filter = shown_alias_filter(one); !filter.is_null()) {
            entry["filter"] = filter;
        }
        of_indices[one.index->name] = std::move(entry);
        std::set<std::int64_t> routed;
        for (const std::string& value : split_list(routing)) {
            routed.insert(shard_of(*one.index, "", value));
        }
        std::map<std::int64_t, Json> groups;
        for (const CopyView& copy : view.copies(*one.index)) {
            const bool wanted = (!preferred || preferred->count(copy.shard) > 0)
                                && (routed.empty() || routed.count(copy.shard) > 0);
            if (copy.node != nullptr && wanted) {
                groups[copy.shard].push(Json::object(
                    {{"state", "STARTED"},
                     {"primary", copy.primary},
                     {"node", copy.node->id},
                     {"relocating_node", Json()},
                     {"shard", copy.shard},
                     {"index", copy.index},
                     {"allocation_id", Json::object({{"id", copy.node->id}})}}
                ));
            }
        }
        std::int64_t place = 0;
        for (auto& [number, group] : groups) {
            if (place++ % slice.max == slice.id % slice.max) {
                shards.push(std::move(group));
            }
        }
    }
    return Answer(Json::object(
        {{"nodes", std::move(nodes)},
         {"indices", std::move(of_indices)},
         {"shards", std::move(shards)}}
    ));
}

}  // namespace kumo::api_elastic
