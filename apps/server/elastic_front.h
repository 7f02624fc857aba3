#pragma once

#include "api/elastic/dialect.h"
#include "base/result.h"
#include "config.h"
#include "http/server.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/thread.h"
#include "io/worker_pool.h"
#include "node/node.h"

#include <memory>

namespace kumo::server {

/// The Elasticsearch dialect's port, loop and threads. Thread rule: made and stopped on one thread,
/// which is none of its own; the node and the network outlive it.
class ElasticFront {
public:
    /// Listens on the first free port of the range.
    static Result<std::unique_ptr<ElasticFront>>
    start(const Config& config, node::Node& node, io::Network& network, io::Fs& fs);

    /// As after stop().
    ~ElasticFront();
    ElasticFront(const ElasticFront&) = delete;
    ElasticFront& operator=(const ElasticFront&) = delete;

    const io::Address& address() const { return listener_->address(); }

    /// Takes no connections any more, and answers what is under way. The node still answers.
    void stop();

private:
    ElasticFront() = default;
    Status listen(const Config& config, io::Network& network);

    std::unique_ptr<io::Loop> loop_;
    std::unique_ptr<io::Loop> answers_;  ///< Where the node's answers to handlers arrive.
    std::unique_ptr<io::WorkerPool> pool_;
    std::unique_ptr<api_elastic::Dialect> dialect_;
    std::unique_ptr<http::Server> server_;
    std::unique_ptr<io::Listener> listener_;
    std::unique_ptr<io::Thread> thread_;
    std::unique_ptr<io::Thread> answers_thread_;
};

}  // namespace kumo::server
