#pragma once

#include "api/kumosearch/auth/authenticator.h"
#include "api/kumosearch/call.h"
#include "api/kumosearch/options.h"
#include "api/kumosearch/stats.h"
#include "base/clock.h"
#include "http/handler.h"
#include "io/worker_pool.h"
#include "node/node.h"
#include "wire/http1_fields.h"

#include <memory>
#include <optional>
#include <string>

namespace kumo::api_kumosearch {

struct Route;

/// The kumosearch HTTP dialect: finds the route, checks the caller, translates requests into calls
/// of the node and its answers into JSON. Decides nothing about documents.
///
/// One instance serves any number of loops at once: it is immutable but for its counters, which
/// are atomic. It outlives every server that uses it; the node and the pool outlive it.
class Dialect final : public http::RequestHandler {
public:
    Dialect(node::Node& node, io::WorkerPool& pool, const Clock& clock, DialectOptions options);

    std::unique_ptr<http::RequestSink>
    on_request(const wire::HttpRequestHead& head, http::ResponsePtr response) override;

    /// Deletes the keys that have expired and asked for it. For a timer on `loop`.
    void delete_expired_keys(io::Loop& loop) const;

    /// Writes what was counted into the rules' collections. For a timer on `loop`.
    void flush_analytics(io::Loop& loop);

    /// What is not flushed, for a file, if it has changed since the last call. Any thread.
    std::optional<std::string> analytics_changes() { return analytics_.changes(); }

private:
    std::optional<Error> find_handler(const wire::HttpRequestHead& head, Call& call) const;
    bool is_limited(const Call& call) const;
    std::optional<Error> check_call(const wire::HttpRequestHead& head, Call& call) const;
    static std::unique_ptr<http::RequestSink>
    dispatch(const std::optional<Error>& refused, const CallPtr& call);
    bool may_be_news(const std::optional<Error>& refused, const Call& call) const;
    Status authorize(const Route& route, Call& call) const;
    std::string allow_origin(const wire::HttpRequestHead& head) const;
    void answer_preflight(const wire::HttpRequestHead& head, const Call& call) const;

    DialectOptions options_;
    Authenticator authenticator_;
    Authenticator rusage_key_;  ///< Its only key; open if there is none.
    RequestStats stats_;
    LiveSettings live_;
    QueryCache cache_;
    RateLimiter limiter_;
    Analytics analytics_;
    Context context_;
};

}  // namespace kumo::api_kumosearch
