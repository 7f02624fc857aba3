#pragma once

#include "api/elastic/cluster_view.h"
#include "api/elastic/request.h"
#include "api/elastic/tasks.h"

#include <functional>
#include <string>

namespace kumo::api_elastic {

/// Results of tasks that the cluster keeps; the oldest go first.
inline constexpr std::size_t kTaskResultsMax = 500;
/// A larger result is kept without what it says in detail.
inline constexpr std::size_t kTaskResultBytesMax = std::size_t{256} << 10;

struct TaskKind {
    std::string action;
    std::string description;
    bool cancellable = false;
};

using TaskWork = std::function<Result<Answer>(const Request& request, const Task& task)>;

/// Does the work as a task, here and now; with `wait_for_completion=false` behind the answer, which
/// is then {"task": id}, and whose result any node gives out (`GET /_tasks/{id}`).
Result<Answer> run_as_task(const Request& request, TaskKind kind, TaskWork work);

/// "node:number"; empty node: this one is not in the cluster.
std::string task_id(const ClusterView& view, const Task& task);

Json task_json(const Context& context, const std::string& node, const Task& task);

}  // namespace kumo::api_elastic
