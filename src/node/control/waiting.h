#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "cluster/coordinator/lease.h"
#include "node/state.h"

#include <cstdint>
#include <functional>
#include <string>

namespace kumo::node {

/// A command of this node that has not been applied here yet.
struct WaitingProposal {
    std::string proposal;
    std::uint64_t number = 0;
    MonotonicTime deadline;
    MonotonicTime sent_at;
    std::function<void(Result<Change>)> done;
};

/// For a heartbeat to ride on.
struct WaitingGrant {
    cluster::Grant grant;
    MonotonicTime since;
};

}  // namespace kumo::node
