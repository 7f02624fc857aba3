#pragma once

#include "base/clock.h"
#include "consensus/raft.h"
#include "node/state.h"

#include <map>
#include <memory>
#include <string>

namespace kumo::node {

/// A cluster of one on its way into another cluster: what it was before it left, until it has
/// arrived.
struct Departure {
    std::string address;  ///< Of a member of the cluster that it goes to.
    bool left = false;
    MonotonicTime until;
    std::unique_ptr<consensus::Raft> raft;
    std::shared_ptr<const State> state;
    std::map<consensus::Index, std::shared_ptr<const State>> snapshots;
};

}  // namespace kumo::node
