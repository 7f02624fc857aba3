#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

/// Numbers about the machine and the process, by the names of /metrics.json, as text.
using Metrics = std::vector<std::pair<std::string, std::string>>;

/// What the dialect is told at start. A value.
struct DialectOptions {
    std::string api_key{};  ///< The bootstrap key. Empty: no authentication (loopback only).
    bool enable_cors = true;
    std::vector<std::string> cors_domains{};  ///< Origins to allow; empty: all.
    std::uint32_t filter_by_max_ops = 100;
    std::uint32_t max_per_page = 250;
    std::uint32_t max_group_limit = 99;
    std::string compat_version = "30.2";  ///< The version of the API we answer as.
    std::string version{};                ///< Our own.
    bool skip_writes = false;
    bool enable_access_logging = false;
    bool enable_search_logging = false;
    std::int64_t log_slow_requests_ms = -1;  ///< Below 0: never.
    std::int64_t log_slow_searches_ms = 30'000;
    std::int64_t healthy_read_lag = 1000;
    std::int64_t healthy_write_lag = 500;
    std::int64_t cache_entries_max = 1000;  ///< Of the cache of answers.
    std::int64_t embedding_cache_entries_max = 100;
    bool enable_search_analytics = false;  ///< Searches are counted under the rules there are.
    std::uint32_t analytics_minute_rate_limit = 5;  ///< Events of one address.
    std::int64_t analytics_ttl_seconds = std::int64_t{4} * 7 * 24 * 3600;  ///< Of logged events.
    std::string analytics_pending{};  ///< What the run before has not flushed, or empty.
    /// A key that is good for /health_with_rusage only. Empty: none.
    std::string health_rusage_api_key{};
    /// Reads the machine's numbers; called on any loop's thread. May be empty.
    std::function<Metrics()> metrics{};
    /// Reads numbers for /metrics, by names without "kumosearch_". The same.
    std::function<Metrics()> gauges{};
};

}  // namespace kumo::api_kumosearch
