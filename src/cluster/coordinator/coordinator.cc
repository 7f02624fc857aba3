#include "cluster/coordinator/coordinator.h"

#include "cluster/internal/mutant.h"

#include <algorithm>
#include <utility>

namespace kumo::cluster {

namespace {

/// Rounds that were never confirmed: the leadership is in doubt, and requests come again.
constexpr std::size_t kRoundsMax = 256;

/// One clock may run 1 % fast and the other 1 % slow: a fiftieth of a time is not sure.
constexpr int kDriftShare = 50;

/// A new leader gives everybody the time for so many requests.
constexpr int kBeaconsToWait = 2;

}  // namespace

void Coordinator::begin(MonotonicTime now, Duration quiet) {
    if (leading_) {
        return;
    }
    leading_ = true;
    const Duration sure = quiet - (quiet / kDriftShare);
    const Duration most =
        options_.lease.fence_after - (kBeaconsToWait * options_.lease.beacon_interval);
    began_ = now - std::clamp(sure, Duration{}, std::max(most, Duration{}));
    if (planted(Mutant::kNewLeaderDoesNotWait)) {
        began_ = {};
    }
    heard_.clear();
    granted_.clear();
    fencing_.clear();
    unfencing_.clear();
    unsettled_.clear();
    draining_.clear();
    rounds_.clear();
    if (state_ != nullptr) {
        find_unsettled();
    }
}

void Coordinator::end() {
    leading_ = false;
    output_ = {};
}

void Coordinator::on_state(std::shared_ptr<const State> state, std::uint64_t index) {
    state_ = std::move(state);
    index_ = index;
    std::erase_if(fencing_, [this](const auto& each) {
        const Member* member = find_member(*state_, each.first);
        return member == nullptr || member->fenced;
    });
    std::erase_if(unfencing_, [this](const auto& each) {
        const Member* member = find_member(*state_, each.first);
        return member == nullptr || !member->fenced;
    });
    if (leading_) {
        find_unsettled();
    }
    grant_confirmed();
}

MonotonicTime Coordinator::last_heard(const NodeId& node) const {
    const auto found = heard_.find(node);
    return found == heard_.end() ? began_ : std::max(began_, found->second);
}

std::optional<Duration> Coordinator::silence(const NodeId& node, MonotonicTime now) const {
    return leading_ ? std::optional(Duration(now - last_heard(node))) : std::nullopt;
}

void Coordinator::on_request(const LeaseRequest& request, MonotonicTime now) {
    const Member* member = state_ == nullptr ? nullptr : find_member(*state_, request.node);
    if (!leading_ || member == nullptr || member->incarnation != request.incarnation) {
        return;
    }
    heard_[request.node] = now;
    const Round round{request, now, is_urgent(request.node, now), {}};
    if (planted(Mutant::kGrantWithoutRound)) {
        grant(round);
        return;
    }
    if (rounds_.size() >= kRoundsMax) {
        rounds_.erase(rounds_.begin());
    }
    const std::uint64_t context = next_round_++;
    rounds_[context] = round;
    output_.rounds.push_back({context, round.soon});
}

/// Whether the node has no lease by this leader, or will soon have none.
bool Coordinator::is_urgent(const NodeId& node, MonotonicTime now) const {
    const auto found = granted_.find(node);
    return found == granted_.end() || now - found->second > options_.lease.lease / 2;
}

void Coordinator::on_round(std::uint64_t context, std::uint64_t index) {
    const auto found = rounds_.find(context);
    if (!leading_ || found == rounds_.end()) {
        return;
    }
    found->second.confirmed_at = planted(Mutant::kGrantBeforeApplied) ? 0 : index;
    grant_confirmed();
}

void Coordinator::grant_confirmed() {
    if (!leading_) {
        return;
    }
    std::erase_if(rounds_, [this](const auto& each) {
        const Round& round = each.second;
        if (!round.confirmed_at || *round.confirmed_at > index_) {
            return false;
        }
        grant(round);
        return true;
    });
}

void Coordinator::grant(const Round& round) {
    const LeaseRequest& request = round.request;
    const Member* member = find_member(*state_, request.node);
    if (member == nullptr || member->incarnation != request.incarnation
        || (fencing_.contains(request.node) && !planted(Mutant::kGrantWhileFencing))) {
        return;
    }
    if (!member->fenced) {
        granted_[request.node] = std::max(granted_[request.node], round.received);
        const Grant grant{request.incarnation, request.sent, index_};
        output_.grants.push_back({request.node, grant, round.soon});
        return;
    }
    const bool enough = state_->members.size() >= state_->members_expected;
    if (enough && !unfencing_.contains(request.node)) {
        unfencing_[request.node] = heard_[request.node];
        output_.proposals.emplace_back(Unfence{request.node, request.incarnation});
    }
}

void Coordinator::tick(MonotonicTime now) {
    if (!leading_ || state_ == nullptr) {
        return;
    }
    const auto is_old = [&](const auto& each) {
        return now - each.second >= options_.propose_again_after;
    };
    std::erase_if(unfencing_, is_old);
    fence_silent(now);
    watch_unsettled(now);
    drain(now);
}

/// One command for all of them, and so for all their shards.
void Coordinator::fence_silent(MonotonicTime now) {
    const LeaseOptions& lease = options_.lease;
    const Duration limit = planted(Mutant::kNoDriftMargin) ? lease.lease : lease.fence_after;
    Fence command;
    for (const auto& [node, member] : state_->members) {
        if (member->fenced || now - last_heard(node) <= limit) {
            continue;
        }
        const auto proposed = fencing_.find(node);
        if (proposed == fencing_.end() || now - proposed->second >= options_.propose_again_after) {
            command.nodes.insert(node);
            fencing_[node] = now;
        }
    }
    if (!command.nodes.empty()) {
        output_.proposals.emplace_back(std::move(command));
    }
}

/// Most states have none, and there may be many shards: they are looked for when the state changes.
void Coordinator::find_unsettled() {
    std::map<ShardId, Watched> found;
    for (const auto& [id, shard] : state_->shards) {
        if (shard->phase == Phase::kNormal) {
            continue;
        }
        Watched watched{shard->phase, shard->term, shard->version, {}};
        const auto before = unsettled_.find(id);
        if (before != unsettled_.end() && before->second.phase == shard->phase
            && before->second.term == shard->term) {
            watched.since = before->second.since;
        }
        found.emplace(id, watched);
    }
    unsettled_ = std::move(found);
}

void Coordinator::watch_unsettled(MonotonicTime now) {
    for (auto& [id, watched] : unsettled_) {
        const bool elects = watched.phase == Phase::kElecting;
        if (elects && find_shard(*state_, id)->mode != AckMode::kAsync) {
            continue;
        }
        if (!watched.since) {
            watched.since = now;
        } else if (elects && now - *watched.since >= options_.election_timeout) {
            watched.since = now;
            output_.proposals.emplace_back(EndElection{id, watched.version});
        } else if (!elects && now - *watched.since >= options_.handover_timeout) {
            watched.since = now;
            output_.proposals.emplace_back(AbortHandover{id, watched.version});
        }
    }
}

/// A node that is to hold no primaries hands them to others in sync, one by one.
void Coordinator::drain(MonotonicTime now) {
    const bool any =
        std::any_of(state_->members.begin(), state_->members.end(), [](const auto& each) {
            return each.second->draining && !each.second->fenced;
        });
    if (!any) {
        draining_.clear();
        return;
    }
    for (const auto& [id, shard] : state_->shards) {
        const Member* primary = find_member(*state_, shard->primary);
        if (primary == nullptr || !primary->draining || shard->phase != Phase::kNormal) {
            continue;
        }
        const auto tried = draining_.find(id);
        if (tried != draining_.end() && now - tried->second < options_.propose_again_after) {
            continue;
        }
        const auto target =
            std::find_if(shard->in_sync.begin(), shard->in_sync.end(), [&](const NodeId& node) {
                const Member* member = find_member(*state_, node);
                return member != nullptr && !member->fenced && !member->draining;
            });
        if (target != shard->in_sync.end()) {
            draining_[id] = now;
            output_.proposals.emplace_back(BeginHandover{id, *target});
        }
    }
}

}  // namespace kumo::cluster
