#pragma once

#include "api/elastic/json.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kumo::api_elastic {

/// Work that others may ask about and cancel while it runs. Immutable but for what is atomic.
struct Task {
    std::int64_t number = 0;  ///< Its id is "node:number".
    std::string action;       ///< "indices:data/write/reindex"
    std::string description;
    bool cancellable = false;
    std::string opaque_id;
    std::int64_t started_at = 0;  ///< Milliseconds since the epoch.
    MonotonicTime begin{};
    mutable std::atomic<bool> cancelled{false};
};

/// What runs at this node. Guards itself; any thread.
class Tasks {
public:
    explicit Tasks(const Clock& clock);

    /// In the list for as long as the result, which the caller holds, lives.
    std::shared_ptr<const Task>
    begin(std::string action, std::string description, bool cancellable, std::string opaque_id);

    std::vector<std::shared_ptr<const Task>> running();
    /// Null if none of that number runs (any more).
    std::shared_ptr<const Task> find(std::int64_t number);

private:
    const Clock& clock_;
    Mutex mutex_;
    std::int64_t next_ KUMO_GUARDED_BY(mutex_);
    std::map<std::int64_t, std::weak_ptr<const Task>> running_ KUMO_GUARDED_BY(mutex_);
};

}  // namespace kumo::api_elastic
