#include "api/elastic/cluster_view.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::api_elastic {

namespace {

constexpr const char* kSameShard = "a copy of this shard is already allocated to this node";

Json decider(const char* name, const char* decision, const std::string& why) {
    return Json::object({{"decider", name}, {"decision", decision}, {"explanation", why}});
}

Json node_decision(const NodeView& node, std::int64_t rank, const CopyView& copy) {
    return Json::object(
        {{"node_id", node.id},
         {"node_name", node.name},
         {"transport_address", node.transport},
         {"node_attributes", Json::object()},
         {"node_decision", "no"},
         {"weight_ranking", rank},
         {"deciders",
          Json::array({decider(
              "same_shard",
              "NO",
              std::string(kSameShard) + " [[" + copy.index + "][" + std::to_string(copy.shard)
                  + "]]"
          )})}}
    );
}

Json explain_unassigned(const ClusterView& view, const CopyView& copy) {
    Json decisions = Json::array();
    std::int64_t rank = 1;
    for (const NodeView& node : view.nodes()) {
        decisions.push(node_decision(node, rank++, copy));
    }
    return Json::object(
        {{"index", copy.index},
         {"shard", copy.shard},
         {"primary", copy.primary},
         {"current_state", "unassigned"},
         {"unassigned_info",
          Json::object(
              {{"reason", "INDEX_CREATED"},
               {"at", "1970-01-01T00:00:00.000Z"},
               {"last_allocation_status", "no_attempt"}}
          )},
         {"can_allocate", "no"},
         {"allocate_explanation",
          "cannot allocate because allocation is not permitted to any of the nodes"},
         {"node_allocation_decisions", std::move(decisions)}}
    );
}

Json explain_started(const CopyView& copy) {
    return Json::object(
        {{"index", copy.index},
         {"shard", copy.shard},
         {"primary", copy.primary},
         {"current_state", "started"},
         {"current_node",
          Json::object(
              {{"id", copy.node->id},
               {"name", copy.node->name},
               {"transport_address", copy.node->transport},
               {"attributes", Json::object()},
               {"weight_ranking", 1}}
          )},
         {"can_remain_on_current_node", "yes"},
         {"can_rebalance_cluster", "no"},
         {"can_rebalance_cluster_decisions",
          Json::array({decider(
              "rebalance_only_when_active",
              "NO",
              "rebalancing is not allowed until all replicas in the cluster are active"
          )})},
         {"can_rebalance_to_other_node", "no"},
         {"rebalance_explanation", "rebalancing is not allowed"}}
    );
}

/// Checks one command of a reroute: "move", "cancel", ...
Status check_command(const Request& request, const std::string& name, const Json& options) {
    static const std::vector<std::string_view> kCommands =
        {"move", "cancel", "allocate_replica", "allocate_stale_primary", "allocate_empty_primary"};
    if (std::find(kCommands.begin(), kCommands.end(), name) == kCommands.end()) {
        return fault(
            "parse_exception",
            "unknown_named_object_exception: unknown field [" + name + "]"
        );
    }
    const Json* const index = options.find("index");
    if (index != nullptr && request.context.indices.find(index->text()) == nullptr) {
        return no_such_index(index->text());
    }
    return {};
}

Json explanation(const std::string& name, const Json& options) {
    const auto text = [&options](std::string_view member) {
        const Json* const value = options.find(member);
        return value == nullptr ? std::string() : value->text();
    };
    Json parameters = Json::object();
    for (const auto& [option, value] : options.members()) {
        parameters[option] = value;
    }
    if (name == "cancel" && parameters.find("allow_primary") == nullptr) {
        parameters["allow_primary"] = false;
    }
    return Json::object(
        {{"command", name},
         {"parameters", std::move(parameters)},
         {"decisions",
          Json::array({decider(
              (name + "_allocation_command").c_str(),
              "NO",
              "can't " + name + " " + text("shard") + ", failed to find it on node {" + text("node")
                  + "}"
          )})}}
    );
}

}  // namespace

/// Which node has which copy follows from how many nodes there are: commands that would change it
/// are explained, or refused.
Result<Answer> reroute(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    KUMO_TRY_ASSIGN(const bool explain, request.parameters.flag("explain", false));
    KUMO_TRY_ASSIGN(const bool dry, request.parameters.flag("dry_run", false));
    Json explanations = Json::array();
    const Json* const commands = body.find("commands");
    for (const Json& entry : commands == nullptr ? Json::Array() : commands->items()) {
        if (!entry.is_object() || entry.size() != 1) {
            return fault("parse_exception", "a command is an object with one member");
        }
        const auto& [name, options] = entry.members().front();
        KUMO_TRY(check_command(request, name, options));
        if (!explain && !dry) {
            return illegal_argument(
                "[" + name
                + "_allocation] copies follow the nodes that are up; they are not moved by hand"
            );
        }
        explanations.push(explanation(name, options));
    }
    Request state{request.context};
    state.path = request.path;
    const std::string metric = request.parameters.text("metric");
    state.parts["metric"] =
        metric.empty()
            ? "version,nodes,master_node,cluster_manager_node,routing_table,routing_nodes,blocks"
            : metric;
    KUMO_TRY_ASSIGN(const Answer now, cluster_state(state));
    Json out = acknowledged();
    out["state"] = now.body;
    if (explain) {
        out["explanations"] = std::move(explanations);
    }
    return Answer(std::move(out));
}

namespace {

/// "include_disk_info": the disks that decisions would be made by, if they were.
Answer with_disks(const Request& request, const ClusterView& view, Json explained) {
    if (!request.parameters.flag_or("include_disk_info", false)) {
        return Answer(std::move(explained));
    }
    Json nodes = Json::object();
    for (const NodeView& node : view.nodes()) {
        nodes[node.id] = Json::object({{"node_name", node.name}});
    }
    explained["cluster_info"] = Json::object(
        {{"nodes", std::move(nodes)},
         {"shard_sizes", Json::object()},
         {"shard_paths", Json::object()},
         {"reserved_sizes", Json::array()}}
    );
    return Answer(std::move(explained));
}

}  // namespace

Result<Answer> allocation_explain(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    const ClusterView view = ClusterView::of(request.context);
    if (body.is_null() || body.empty()) {
        for (const IndexPtr& index : request.context.indices.all()) {
            for (const CopyView& copy : view.copies(*index)) {
                if (copy.node == nullptr) {
                    return with_disks(request, view, explain_unassigned(view, copy));
                }
            }
        }
        return illegal_argument(
            "unable to find any unassigned shards to explain "
            "[ClusterAllocationExplainRequest[useAnyUnassignedShard=true]"
        );
    }
    const Json* const name = body.find("index");
    const Json* const shard = body.find("shard");
    const Json* const primary = body.find("primary");
    if (name == nullptr || shard == nullptr || primary == nullptr) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: index, shard and primary are to be given together;"
        );
    }
    const IndexPtr index = request.context.indices.find(name->text());
    if (index == nullptr) {
        return no_such_index(name->text());
    }
    for (const CopyView& copy : view.copies(*index)) {
        if (copy.shard == shard->to_int64().value_or(-1)
            && copy.primary == primary->to_bool().value_or(false)) {
            return with_disks(
                request,
                view,
                copy.node == nullptr ? explain_unassigned(view, copy) : explain_started(copy)
            );
        }
    }
    return illegal_argument(
        "No shard was specified in the request which means the response should explain a "
        "randomly-chosen unassigned shard, but there are none"
    );
}

}  // namespace kumo::api_elastic
