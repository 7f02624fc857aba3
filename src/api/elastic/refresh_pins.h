#pragma once

#include "base/clock.h"
#include "base/mutex.h"
#include "node/node.h"
#include "search/index/index.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace kumo::api_elastic {

/// This API promises that what is written is not seen by searches before a refresh, which comes by
/// itself each second. The engine shows what is acknowledged at once; so a write that asks for no
/// refresh pins, for searches through this node, the snapshot from before it, for at most that
/// second. Other nodes' searches are never older than they have to be. Guards itself; any thread.
class RefreshPins {
public:
    RefreshPins(node::Node& node, const Clock& clock) : node_(node), clock_(clock) {}

    /// A write to the index begins that asks for no refresh. `interval`: how long it may stay
    /// unseen; negative: until somebody refreshes.
    void before_write(const std::string& index, Duration interval);
    void refresh(std::string_view index);

    /// What a search of the index sees. kNotFound, kUnavailable.
    Result<std::shared_ptr<const search::Snapshot>> snapshot(const std::string& index);

private:
    struct Pin {
        std::shared_ptr<const search::Snapshot> snapshot;
        MonotonicTime until;
        bool for_ever = false;
    };

    node::Node& node_;
    const Clock& clock_;
    Mutex mutex_;
    std::map<std::string, Pin, std::less<>> pins_ KUMO_GUARDED_BY(mutex_);
};

}  // namespace kumo::api_elastic
