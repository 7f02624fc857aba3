#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/handlers/task_run.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(20);

bool fits_any(const std::string& patterns, const std::string& name) {
    const std::vector<std::string> list = split_list(patterns);
    return list.empty() || std::any_of(list.begin(), list.end(), [&](const std::string& one) {
               return matches_wildcard(one, name);
           });
}

/// What nothing here measures of a task is 0.
Json resource_stats() {
    const Json none = Json::object({{"cpu_time_in_nanos", 0}, {"memory_in_bytes", 0}});
    Json out = Json::object();
    for (const char* const part : {"average", "total", "min", "max"}) {
        out[part] = none;
    }
    out["thread_info"] = Json::object({{"thread_executions", 1}, {"active_threads", 1}});
    return out;
}

bool names_self(const NodeView& self, const std::string& nodes) {
    const std::vector<std::string> list = split_list(nodes);
    return list.empty() || std::any_of(list.begin(), list.end(), [&](const std::string& one) {
               return one == "_all" || one == "_local" || matches_wildcard(one, self.id)
                      || matches_wildcard(one, self.name) || one == self.ip;
           });
}

/// The tasks of this node that a request names, as they are shown.
std::vector<std::shared_ptr<const Task>>
wanted_tasks(const Request& request, const NodeView& self) {
    std::string nodes = request.parameters.text("nodes");
    nodes = nodes.empty() ? request.parameters.text("node_id") : nodes;
    if (!names_self(self, nodes) || request.parameters.has("parent_task_id")) {
        return {};  // No task here has another one above it.
    }
    std::vector<std::shared_ptr<const Task>> out;
    for (auto& task : request.context.tasks.running()) {
        if (fits_any(request.parameters.text("actions"), task->action)) {
            out.push_back(std::move(task));
        }
    }
    return out;
}

Status check_task_id(const std::string& id) {
    const std::size_t colon = id.find(':');
    if (colon == std::string::npos || !Json(id.substr(colon + 1)).to_int64()) {
        return illegal_argument("malformed task id " + id);
    }
    return {};
}

Json shown(const Request& request, const NodeView& self, const Task& task, bool detailed) {
    Json out = task_json(request.context, self.id, task);
    if (detailed) {
        out["resource_stats"] = resource_stats();
    } else {
        out.erase("description");
    }
    return out;
}

Json node_entry(const NodeView& node) {
    return Json::object(
        {{"name", node.name},
         {"transport_address", node.transport},
         {"host", node.ip},
         {"ip", node.transport},
         {"roles", Json::array({"cluster_manager", "data", "ingest", "remote_cluster_client"})}}
    );
}

Json grouped(
    const Request& request,
    const NodeView& self,
    const std::string& group,
    bool detailed
) {
    Json list = Json::array();
    Json by_id = Json::object();
    for (const auto& task : wanted_tasks(request, self)) {
        Json one = shown(request, self, *task, detailed);
        if (group == "none") {
            list.push(std::move(one));
        } else {
            by_id[self.id + ":" + std::to_string(task->number)] = std::move(one);
        }
    }
    if (group == "none") {
        return Json::object({{"tasks", std::move(list)}});
    }
    if (group == "parents") {
        return Json::object({{"tasks", std::move(by_id)}});
    }
    Json nodes = Json::object();
    if (!by_id.empty()) {
        Json entry = node_entry(self);
        entry["tasks"] = std::move(by_id);
        nodes[self.id] = std::move(entry);
    }
    return Json::object({{"nodes", std::move(nodes)}});
}

Error no_such_task(const ClusterView& view, const std::string& id) {
    const std::string node = id.substr(0, id.find(':'));
    const bool known =
        std::any_of(view.nodes().begin(), view.nodes().end(), [&node](const NodeView& one) {
            return one.id == node;
        });
    return fault(
        "resource_not_found_exception",
        known ? "task [" + id + "] isn't running and hasn't stored its results"
              : "task [" + id + "] belongs to the node [" + node
                    + "] which isn't part of the cluster and there is no record of the task"
    );
}

/// As it is now: what has ended, what runs here, what another node has begun and not ended.
Result<Json> look_up(const Request& request, const std::string& id) {
    const ClusterView view = ClusterView::of(request.context);
    const Json kept = request.context.cluster.find("task/" + id);
    const Json* const completed = kept.find("completed");
    if (completed != nullptr && completed->as_bool()) {
        return kept;
    }
    const NodeView* const self = view.self();
    const std::string node = id.substr(0, id.find(':'));
    if (self != nullptr && node == self->id) {
        const auto number = Json(id.substr(id.find(':') + 1)).to_int64().value_or(0);
        if (const auto task = request.context.tasks.find(number)) {
            return Json::object({{"completed", false}, {"task", shown(request, *self, *task, true)}}
            );
        }
        return no_such_task(view, id);
    }
    const bool up =
        std::any_of(view.nodes().begin(), view.nodes().end(), [&node](const NodeView& one) {
            return one.id == node;
        });
    return up && completed != nullptr ? Result<Json>(kept) : no_such_task(view, id);
}

}  // namespace

Result<Answer> list_tasks(const Request& request) {
    const ClusterView view = ClusterView::of(request.context);
    const std::string group = request.parameters.text("group_by", "nodes");
    if (group != "nodes" && group != "parents" && group != "none") {
        return illegal_argument(
            "GroupBy enum value must be one of [nodes, parents, none], got " + group
        );
    }
    KUMO_TRY_ASSIGN(const bool detailed, request.parameters.flag("detailed", false));
    const NodeView* const self = view.self();
    const auto own =
        request.context.tasks.begin("cluster:monitor/tasks/lists", "", false, request.opaque_id);
    if (self == nullptr) {
        return Answer(Json::object({{"nodes", Json::object()}}));
    }
    return Answer(grouped(request, *self, group, detailed));
}

Result<Answer> get_task(const Request& request) {
    const std::string id = request.part("task_id");
    KUMO_TRY(check_task_id(id));
    KUMO_TRY_ASSIGN(const bool waits, request.parameters.flag("wait_for_completion", false));
    KUMO_TRY_ASSIGN(
        const Duration timeout,
        request.parameters.time("timeout", std::chrono::seconds(30))
    );
    const MonotonicTime until = request.context.clock.monotonic_now() + timeout;
    while (true) {
        KUMO_TRY_ASSIGN(Json found, look_up(request, id));
        if (!waits || found.find("completed")->as_bool()) {
            return Answer(std::move(found));
        }
        if (request.context.clock.monotonic_now() >= until) {
            return fault("timeout_exception", "Timed out waiting for completion of [" + id + "]");
        }
        std::this_thread::sleep_for(kPollInterval);
    }
}

Result<Answer> cancel_tasks(const Request& request) {
    const std::string id = request.part("task_id");
    const ClusterView view = ClusterView::of(request.context);
    const NodeView* const self = view.self();
    if (!id.empty()) {
        KUMO_TRY(check_task_id(id));
    }
    Json out = Json::object({{"nodes", Json::object()}});
    if (self == nullptr) {
        return Answer(std::move(out));
    }
    std::vector<std::shared_ptr<const Task>> wanted;
    if (id.empty()) {
        wanted = wanted_tasks(request, *self);
    } else if (id.substr(0, id.find(':')) == self->id) {
        auto task =
            request.context.tasks.find(Json(id.substr(id.find(':') + 1)).to_int64().value_or(0));
        if (task != nullptr && !task->cancellable) {
            return illegal_argument("task [" + id + "] doesn't support cancellation");
        }
        if (task != nullptr) {
            wanted.push_back(std::move(task));
        }
    }
    Json tasks = Json::object();
    for (const auto& task : wanted) {
        if (task->cancellable) {
            task->cancelled.store(true);
            tasks[self->id + ":" + std::to_string(task->number)] =
                shown(request, *self, *task, false);
        }
    }
    if (!tasks.empty()) {
        Json entry = node_entry(*self);
        entry["tasks"] = std::move(tasks);
        out["nodes"][self->id] = std::move(entry);
    } else if (!id.empty()) {
        const Fault why =
            fault_of(fault("resource_not_found_exception", "task [" + id + "] is not found"));
        out["node_failures"] = Json::array({Json::object(
            {{"type", "failed_node_exception"},
             {"reason", "Failed node [" + id.substr(0, id.find(':')) + "]"},
             {"caused_by", cause_json(why)}}
        )});
    }
    return Answer(std::move(out));
}

/// Nothing here is slowed down on purpose: the rate is taken and changes nothing.
Result<Answer> rethrottle(const Request& request) {
    const std::string id = request.part("task_id");
    KUMO_TRY(check_task_id(id));
    const std::string rate = request.parameters.text("requests_per_second");
    if (rate.empty()) {
        return illegal_argument("requests_per_second is a required parameter");
    }
    const auto number = Json(rate).to_double();
    if (!number || (*number <= 0 && *number != -1)) {
        return illegal_argument(
            "[requests_per_second] must be a float greater than 0. Use -1 to disable throttling."
        );
    }
    const ClusterView view = ClusterView::of(request.context);
    const NodeView* const self = view.self();
    const auto task =
        request.context.tasks.find(Json(id.substr(id.find(':') + 1)).to_int64().value_or(0));
    if (self == nullptr || task == nullptr || id.substr(0, id.find(':')) != self->id) {
        const Fault why = fault_of(no_such_task(view, id));
        return Answer(Json::object(
            {{"nodes", Json::object()},
             {"node_failures",
              Json::array({Json::object(
                  {{"type", "failed_node_exception"},
                   {"reason", "Failed node [" + id.substr(0, id.find(':')) + "]"},
                   {"caused_by", cause_json(why)}}
              )})}}
        ));
    }
    Json entry = node_entry(*self);
    entry["tasks"] = Json::object({{id, shown(request, *self, *task, false)}});
    return Answer(Json::object({{"nodes", Json::object({{self->id, std::move(entry)}})}}));
}

}  // namespace kumo::api_elastic
