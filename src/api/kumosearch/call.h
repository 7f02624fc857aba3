#pragma once

#include "api/kumosearch/analytics/analytics.h"
#include "api/kumosearch/auth/authenticator.h"
#include "api/kumosearch/limits/rate_limiter.h"
#include "api/kumosearch/live_settings.h"
#include "api/kumosearch/options.h"
#include "api/kumosearch/parameters.h"
#include "api/kumosearch/query_cache.h"
#include "api/kumosearch/stats.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/handler.h"
#include "io/worker_pool.h"
#include "node/node.h"
#include "wire/http1_fields.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kumo::api_kumosearch {

inline constexpr ByteView kPlainContentType = "text/plain; charset=utf-8";

/// What every handler works with. Immutable but for what says otherwise; outlives every call.
struct Context {
    node::Node& node;
    io::WorkerPool& pool;  ///< For exports.
    const Clock& clock;
    const DialectOptions& options;
    const Authenticator& authenticator;
    RequestStats& stats;
    LiveSettings& live;
    QueryCache& cache;
    RateLimiter& limiter;
    Analytics& analytics;
};

/// One request on its way from the router to its answer. Shared by whoever works on it.
/// Loop-owned by the connection's loop.
struct Call {
    const Context& context;
    http::ResponsePtr response;
    wire::HttpMethod method{};
    std::string full_path{};          ///< As it was sent, without the query string.
    std::vector<std::string> path{};  ///< The path's parameters, decoded, in order.
    Parameters parameters{};
    std::string credential{};  ///< The key it came with, for multi_search; never logged.
    Grant grant{};
    std::string allow_origin{};                  ///< The value of the CORS header; empty: none.
    std::size_t route = RequestStats::kNoRoute;  ///< Its kind in the statistics.
    MonotonicTime started{};
    std::string user{};      ///< Who asks, as clients say it; empty if they do not.
    std::string searches{};  ///< Those of a multi_search, for the log; empty if nobody logs them.

    io::Loop& loop() const { return response->loop(); }

    /// The collection the path names. Requires a route with one.
    const std::string& collection() const { return path.front(); }
};

using CallPtr = std::shared_ptr<Call>;

/// The answer: JSON, with the headers every answer has.
void answer(const Call& call, int status, std::string json);

/// {"message": ...}
void answer_message(const Call& call, int status, ByteView message);

/// The error's status and {"message": ...}.
void answer_error(const Call& call, const Error& error);

/// The headers of an answer of this type.
http::Headers answer_headers(const Call& call, ByteView content_type);

/// Counts the request as answered now, and logs it if somebody wants that.
void count_answer(const Call& call, int status);

}  // namespace kumo::api_kumosearch
