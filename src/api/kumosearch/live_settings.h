#pragma once

#include "api/kumosearch/options.h"
#include "base/result.h"
#include "wire/json.h"

#include <atomic>
#include <cstdint>

namespace kumo::api_kumosearch {

/// The settings that POST /config changes while the server runs: of this node, until it ends.
/// Thread rule: any thread; each is independent.
struct LiveSettings {
    explicit LiveSettings(const DialectOptions& options);

    std::atomic<std::int64_t> log_slow_requests_ms;  ///< Below 0: never.
    std::atomic<std::int64_t> log_slow_searches_ms;
    std::atomic<std::int64_t> healthy_read_lag;
    std::atomic<std::int64_t> healthy_write_lag;
    std::atomic<std::int64_t> cache_entries_max;
    std::atomic<std::int64_t> embedding_cache_entries_max;
    std::atomic<bool> enable_search_logging;
    std::atomic<bool> skip_writes;
};

/// Changes what the object names; anything else in it is of no interest. kInvalidArgument in the
/// words clients know: then nothing is changed.
Status change_settings(LiveSettings& settings, wire::JsonValue object);

}  // namespace kumo::api_kumosearch
