#include "node/control/voters.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace kumo::node {

namespace {

/// Two of two is no better than one of one, but the log is on two disks.
std::size_t wanted(std::size_t possible) {
    const std::size_t most =
        std::min(possible, possible < kManyNodes ? kVotersMax : kVotersOfManyMax);
    return most > 2 && most % 2 == 0 ? most - 1 : most;
}

}  // namespace

std::set<cluster::NodeId> choose_voters(const std::vector<VoterCandidate>& candidates) {
    std::vector<const VoterCandidate*> left;
    for (const VoterCandidate& each : candidates) {
        if (each.votes || each.fit) {
            left.push_back(&each);
        }
    }
    const std::size_t size = wanted(left.size());
    std::set<cluster::NodeId> voters;
    std::map<std::string, std::size_t> of_zone;
    while (voters.size() < size) {
        // Who leads; those that are lost last; a zone of its own; then whoever votes already.
        const auto best =
            std::min_element(left.begin(), left.end(), [&](const auto* a, const auto* b) {
                const auto rank = [&](const VoterCandidate& one) {
                    return std::tuple(!one.leads, one.lost, of_zone[one.zone], !one.votes, one.id);
                };
                return rank(*a) < rank(*b);
            });
        voters.insert((*best)->id);
        ++of_zone[(*best)->zone];
        left.erase(best);
    }
    return voters;
}

}  // namespace kumo::node
