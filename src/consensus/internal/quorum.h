#pragma once

#include "consensus/types.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

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

/// The largest number that a majority has or exceeds; of nobody, there is no limit.
template <typename ValueOf>
std::uint64_t majority_value(const std::set<NodeId>& nodes, ValueOf value_of) {
    if (nodes.empty()) {
        return std::numeric_limits<std::uint64_t>::max();
    }
    std::vector<std::uint64_t> values;
    values.reserve(nodes.size());
    for (const NodeId& node : nodes) {
        values.push_back(value_of(node));
    }
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(nodes.size() / 2);
    std::nth_element(values.begin(), place, values.end(), std::greater<>());
    return *place;
}

/// Of both sets while the configuration is joint.
template <typename ValueOf>
std::uint64_t quorum_value(const Configuration& configuration, ValueOf value_of) {
    return std::min(
        majority_value(configuration.voters, value_of),
        majority_value(configuration.old_voters, value_of)
    );
}

}  // namespace kumo::consensus
