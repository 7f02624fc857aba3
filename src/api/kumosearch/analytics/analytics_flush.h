#pragma once

#include "api/kumosearch/analytics/analytics.h"
#include "api/kumosearch/options.h"
#include "io/loop.h"
#include "node/node.h"

#include <deque>
#include <functional>

namespace kumo::api_kumosearch {

/// Where events of log rules go, made when the first one comes.
inline constexpr const char* kEventsCollection = "kumosearch_analytics_events";

/// Writes what is pending into the rules' collections, by writes like any others: counts are
/// increments, so that nodes that flush at the same time do not undo each other. What could not be
/// written is given back; what a rule that is gone has counted is dropped. All of it outlives the
/// run. `done` runs on the loop.
void flush_analytics(
    Analytics& analytics,
    node::Node& node,
    const Clock& clock,
    const DialectOptions& options,
    io::Loop& loop,
    std::function<void()> done
);

/// Writes logged events into their collection, as a flush would. What could not be written is
/// given to `analytics`, which keeps it for the next flush. `done` runs on the loop.
void write_events(
    Analytics& analytics,
    node::Node& node,
    const DialectOptions& options,
    io::Loop& loop,
    std::deque<AnalyticsPending::Event> events,
    std::function<void()> done
);

}  // namespace kumo::api_kumosearch
