#pragma once

#include "api/elastic/options.h"
#include "base/clock.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/worker_pool.h"
#include "node/node.h"

#include <functional>
#include <future>
#include <memory>
#include <utility>

namespace kumo::api_elastic {

class IndexStore;
class ClusterStore;
class SearchContexts;
class RefreshPins;
class Tasks;
class Usage;

/// What every handler works with. Immutable but for what says otherwise; outlives every request.
struct Context {
    node::Node& node;
    const Clock& clock;
    const Options& options;
    io::Fs& fs;      ///< For repositories.
    io::Loop& loop;  ///< Where the node's answers arrive.
    IndexStore& indices;
    ClusterStore& cluster;
    SearchContexts& contexts;
    RefreshPins& pins;
    Tasks& tasks;
    Usage& usage;
    io::WorkerPool& pool;  ///< Handlers run on it; for what goes on behind an answer.
};

/// Calls the node and waits for its answer: `start(reply)`. Not on the loop.
template <typename T>
Result<T> wait_for(const std::function<void(node::Reply<T>)>& start) {
    const auto promise = std::make_shared<std::promise<Result<T>>>();
    auto answer = promise->get_future();
    start([promise](Result<T> result) { promise->set_value(std::move(result)); });
    return answer.get();
}

}  // namespace kumo::api_elastic
