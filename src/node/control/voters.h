#pragma once

#include "cluster/state/state.h"

#include <set>
#include <string>
#include <vector>

namespace kumo::node {

/// More make elections and commits slower, and no safer: any two may fail.
inline constexpr std::size_t kVotersMax = 5;

/// Of that many nodes three may well fail at once.
inline constexpr std::size_t kManyNodes = 10;
inline constexpr std::size_t kVotersOfManyMax = 7;

/// A member of the control plane, as its leader sees it.
struct VoterCandidate {
    cluster::NodeId id;
    std::string zone;
    bool leads = false;
    bool votes = false;
    bool fit = false;   ///< Up, with the whole log: it may begin to vote.
    bool lost = false;  ///< Down for so long that another one is to vote in its place.
};

/// Who is to vote. An odd number, as far as there are enough: an even one tolerates no more
/// failures than the odd one below. Spread over zones, so that losing one does the least. Whoever
/// votes goes on, unless it is lost and another one is fit, there are too many, or a zone has too
/// many: changes are rare. Stateless.
std::set<cluster::NodeId> choose_voters(const std::vector<VoterCandidate>& candidates);

}  // namespace kumo::node
