#pragma once

#include "base/clock.h"
#include "cluster/state/state.h"

#include <cstdint>
#include <optional>

namespace kumo::cluster {

/// Leases (docs/design/004-cluster.md, R9). The leader fences a node that it has not heard for
/// `fence_after`; the node itself stops serving `lease` after it sent the request that was granted.
/// The second is sooner than the first even if one clock runs 1 % fast and the other 1 % slow.
struct LeaseOptions {
    Duration lease = std::chrono::milliseconds(2000);
    Duration fence_after = std::chrono::milliseconds(2200);
    Duration beacon_interval = std::chrono::milliseconds(250);
};

/// From a node to the leader: "I am here".
struct LeaseRequest {
    NodeId node;
    std::uint64_t incarnation = 0;
    std::int64_t sent = 0;  ///< Nanoseconds of the node's own clock; comes back in the grant.
};

/// The leader's answer, after a round that began behind the request has confirmed its leadership.
struct Grant {
    std::uint64_t incarnation = 0;
    std::int64_t sent = 0;
    std::uint64_t state_index = 0;  ///< Good only for a node that has applied this much.
};

/// The node's side. Time is the node's boot-time clock, read afresh for every question: a flag that
/// a timer keeps would be stale after a pause. Owned by one thread.
class Lease {
public:
    explicit Lease(const LeaseOptions& options) : options_(options) {}

    /// A grant for the run with this incarnation. It counts when the state is there.
    void on_grant(const Grant& grant, std::uint64_t incarnation, std::int64_t now);

    /// The node has applied that much.
    void on_applied(std::uint64_t index);

    /// The run has been given another incarnation, or was told that it is fenced.
    void drop();

    /// The node may serve before this; 0: never.
    std::int64_t deadline() const { return deadline_; }

private:
    const LeaseOptions options_;
    std::int64_t deadline_ = 0;
    std::uint64_t applied_ = 0;
    std::optional<Grant> waiting_;
    std::int64_t waiting_received_ = 0;
};

}  // namespace kumo::cluster
