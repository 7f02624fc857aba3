#pragma once

#include "api/elastic/context.h"
#include "api/elastic/index_store.h"
#include "api/elastic/options.h"
#include "api/elastic/refresh_pins.h"
#include "api/elastic/request.h"
#include "api/elastic/search_contexts.h"
#include "api/elastic/tasks.h"
#include "api/elastic/usage.h"
#include "http/handler.h"
#include "io/worker_pool.h"
#include "node/node.h"

#include <memory>
#include <string>

namespace kumo::api_elastic {

/// Request bodies: `http.max_content_length`.
inline constexpr std::size_t kBodyBytesMax = std::size_t{100} << 20;

/// The Elasticsearch / OpenSearch dialect over HTTP. Requests wait for the node on threads of their
/// own (`pool`, which nobody else uses), so that handlers read from top to bottom.
///
/// One instance serves any number of loops: its parts are immutable or guard themselves. It
/// outlives every server that uses it; the node, the pool and the loop outlive it.
class Dialect final : public http::RequestHandler {
public:
    Dialect(
        node::Node& node,
        io::WorkerPool& pool,
        io::Fs& fs,
        io::Loop& loop,
        const Clock& clock,
        Options options
    );

    std::unique_ptr<http::RequestSink>
    on_request(const wire::HttpRequestHead& head, http::ResponsePtr response) override;

private:
    Options options_;
    io::WorkerPool& pool_;
    IndexStore indices_;
    ClusterStore cluster_;
    SearchContexts contexts_;
    RefreshPins pins_;
    Tasks tasks_;
    Usage usage_;
    Context context_;
};

}  // namespace kumo::api_elastic
