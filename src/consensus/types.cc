#include "consensus/types.h"

namespace kumo::consensus {

std::set<NodeId> Configuration::members() const {
    std::set<NodeId> all = voters;
    all.insert(old_voters.begin(), old_voters.end());
    all.insert(learners.begin(), learners.end());
    return all;
}

}  // namespace kumo::consensus
