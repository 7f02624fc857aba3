#include "api/elastic/handlers/task_run.h"

#include "api/elastic/context.h"
#include "api/elastic/fault.h"
#include "api/elastic/index_store.h"

#include <utility>

namespace kumo::api_elastic {

namespace {

std::string key_of(const std::string& id) {
    return "task/" + id;
}

/// Ids end in numbers that grow, so that the oldest have the smallest.
std::int64_t number_of(const std::string& id) {
    return Json(id.substr(id.find(':') + 1)).to_int64().value_or(0);
}

void forget_old(const Context& context) {
    auto all = context.cluster.list("task/");
    while (all.size() > kTaskResultsMax) {
        auto oldest = all.begin();
        for (auto at = all.begin(); at != all.end(); ++at) {
            oldest = number_of(at->first) < number_of(oldest->first) ? at : oldest;
        }
        (void)context.cluster.remove(key_of(oldest->first));
        all.erase(oldest);
    }
}

Json result_json(
    const Context& context,
    const std::string& id,
    const Task& task,
    Result<Answer> answer
) {
    Json out = Json::object(
        {{"completed", true}, {"task", task_json(context, id.substr(0, id.find(':')), task)}}
    );
    if (!answer.ok()) {
        out["error"] = error_json(fault_of(answer.error()));
        return out;
    }
    Json response = std::move(answer.value().body);
    if (response.dump().size() > kTaskResultBytesMax) {
        response["failures"] = Json::array();
    }
    if (response.dump().size() > kTaskResultBytesMax) {
        response = Json::object();
    }
    out["response"] = std::move(response);
    return out;
}

}  // namespace

std::string task_id(const ClusterView& view, const Task& task) {
    const NodeView* const self = view.self();
    return (self == nullptr ? "" : self->id) + ":" + std::to_string(task.number);
}

Json task_json(const Context& context, const std::string& node, const Task& task) {
    Json headers = Json::object();
    if (!task.opaque_id.empty()) {
        headers["X-Opaque-Id"] = task.opaque_id;
    }
    const auto running = context.clock.monotonic_now() - task.begin;
    return Json::object(
        {{"node", node},
         {"id", task.number},
         {"type", "transport"},
         {"action", task.action},
         {"description", task.description},
         {"start_time_in_millis", task.started_at},
         {"running_time_in_nanos", running.count()},
         {"cancellable", task.cancellable},
         {"cancelled", task.cancelled.load()},
         {"headers", std::move(headers)}}
    );
}

Result<Answer> run_as_task(const Request& request, TaskKind kind, TaskWork work) {
    KUMO_TRY_ASSIGN(const bool waits, request.parameters.flag("wait_for_completion", true));
    const Context& context = request.context;
    const auto task = context.tasks.begin(
        std::move(kind.action),
        std::move(kind.description),
        kind.cancellable,
        request.opaque_id
    );
    if (waits) {
        return work(request, *task);
    }
    const std::string id = task_id(ClusterView::of(context), *task);
    KUMO_TRY(context.cluster.put(
        key_of(id),
        Json::object(
            {{"completed", false}, {"task", task_json(context, id.substr(0, id.find(':')), *task)}}
        )
    ));
    // The request's copy lives as long as the work does.
    const Status queued = context.pool.submit([request, task, id, work = std::move(work)] {
        const Context& of = request.context;
        (void)of.cluster.put(key_of(id), result_json(of, id, *task, work(request, *task)));
        forget_old(of);
    });
    if (!queued.ok()) {
        (void)context.cluster.remove(key_of(id));
        return fault("rejected_execution_exception", "rejected execution: the queue is full");
    }
    return Answer(Json::object({{"task", id}}));
}

}  // namespace kumo::api_elastic
