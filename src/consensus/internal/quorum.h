#pragma once

#include "consensus/types.h"

#include <cstddef>

namespace kumo::consensus {

/// Whether `predicate` holds for a majority; of nobody, yes.
template <typename Predicate>
bool is_majority(const std::set<NodeId>& nodes, Predicate predicate) {
    std::size_t count = 0;
    for (const NodeId& node : nodes) {
        count += predicate(node) ? 1U : 0U;
    }
    return nodes.empty() || count > nodes.size() / 2;
}

/// Of both sets while the configuration is joint.
template <typename Predicate>
bool is_quorum(const Configuration& configuration, Predicate predicate) {
    return is_majority(configuration.voters, predicate)
           && is_majority(configuration.old_voters, predicate);
}

}  // namespace kumo::consensus
