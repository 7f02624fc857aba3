#pragma once

#include "consensus/types.h"

#include <cstddef>

namespace kumo::consensus {

/// What an entry counts for where limits are in bytes.
inline std::size_t bytes_of(const Entry& entry) {
    constexpr std::size_t kOverheadBytes = 64;
    const Configuration& members = entry.configuration;
    const std::size_t nodes =
        members.voters.size() + members.old_voters.size() + members.learners.size();
    return kOverheadBytes + entry.data.size() + (nodes * sizeof(NodeId));
}

}  // namespace kumo::consensus
