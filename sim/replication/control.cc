#include "replication/cluster.h"

#include <algorithm>
#include <utility>

// The control plane as its users see it: one log of commands; a leader that changes, and that may
// not know yet that it is none any more; rounds that are confirmed only for the one that leads.

namespace kumo::cluster::sim {

namespace {

constexpr std::int64_t kMillisecond = 1000;

}  // namespace

void Cluster::apply_entry(State& state, const ControlEntry& entry) {
    if (entry.adds_shard) {
        (void)add_shard(state, entry.mode, entry.min_in_sync);
    } else {
        (void)cluster::apply(state, entry.command);
    }
}

bool Cluster::has_quorum(std::size_t i) const {
    std::size_t reached = 0;
    for (std::size_t j = 0; j < nodes_count_; ++j) {
        const bool talks = i == j || (!cut_[i][j] && !cut_[j][i]);
        reached += talks && awake(j) ? 1U : 0U;
    }
    return awake(i) && reached > nodes_count_ / 2;
}

/// The leader is none any more; it learns of that when it gets to it.
void Cluster::depose() {
    const std::size_t old = *control_leader_;
    const std::uint64_t term = control_term_;
    control_leader_.reset();
    control_pause_until_ = now_ + static_cast<Time>(random_.below(800)) * kMillisecond;
    const auto most = static_cast<std::uint64_t>(ignorance_max_ - (100 * kMillisecond));
    at(now_ + (100 * kMillisecond) + static_cast<Time>(random_.below(most)), [this, old, term] {
        Node& node = nodes_[old];
        if (node.up && node.leads_term == term) {
            node.coordinator->end();
            node.leads_term = 0;
        }
    });
}

void Cluster::control_step() {
    const bool by_chance = mix_ == Mix::kAnything && random_.chance(1, 4000);
    if (control_leader_ && (!has_quorum(*control_leader_) || by_chance)) {
        depose();
    }
    if (control_leader_ || now_ < control_pause_until_) {
        return;
    }
    const std::size_t i = next_leader_.value_or(random_.below(nodes_count_));
    next_leader_.reset();
    Node& node = nodes_[i];
    if (!has_quorum(i) || !node.up) {
        return;
    }
    control_leader_ = i;
    ++control_term_;
    ++outcome_.leader_changes;
    node.leads_term = control_term_;
    node.coordinator->end();
    node.coordinator->begin(monotonic(node));
    if (now_ >= node.deaf_until) {
        adopt_state(i);  // It has all that was committed before it, and mostly has applied that.
    }
    trace(control_term_ + (i << 50U));
}

void Cluster::commit(const ControlEntry& entry) {
    const State before = control_state_;
    control_log_.push_back(entry);
    if (std::holds_alternative<Fence>(entry.command)) {
        ++outcome_.fences;
    }
    apply_entry(control_state_, entry);
    check_state(before);
    if (now_ >= nodes_[*control_leader_].deaf_until) {
        adopt_state(*control_leader_);
    }
}

void Cluster::commit_proposed(const Command& command) {
    std::string bytes;
    append_command(bytes, command);
    wire::ByteReader in(bytes);
    const auto decoded = read_command(in);
    if (!decoded || !in.at_end()) {
        fail("a command did not survive its bytes");
        return;
    }
    commit({*decoded, false, now_, AckMode::kSync, 1});
}

Cluster::Time Cluster::commit_delay() {
    Time delay = static_cast<Time>(1 + random_.below(8)) * kMillisecond;
    if (commit_lag_max_ > 0) {
        delay += static_cast<Time>(random_.below(static_cast<std::uint64_t>(commit_lag_max_)));
    }
    return delay;
}

void Cluster::propose(std::size_t from, const Command& command) {
    if (!control_leader_) {
        return;
    }
    const Time delay = commit_delay();
    const auto decide = [this, command] {
        if (control_leader_ && has_quorum(*control_leader_)) {
            commit_proposed(command);
        }
    };
    send(from, *control_leader_, Channel::kControl, [this, decide, delay] {
        at(now_ + delay, decide);
    });
}

/// Into its own log: in order, and nothing of it is committed behind what the next leader does.
void Cluster::propose_as_leader(const Command& command) {
    leader_commits_at_ = std::max(leader_commits_at_, now_ + commit_delay());
    at(leader_commits_at_, [this, command, leader = control_leader_, term = control_term_] {
        if (control_leader_ == leader && control_term_ == term && has_quorum(*leader)) {
            commit_proposed(command);
        }
    });
}

void Cluster::confirm_round(
    std::size_t from,
    std::uint64_t term,
    std::uint64_t context,
    Time wait
) {
    const Time delay = wait + static_cast<Time>(1 + random_.below(20)) * kMillisecond;
    at(now_ + delay, [this, from, term, context, index = control_log_.size()] {
        Node& node = nodes_[from];
        const bool leads = control_leader_ == from && control_term_ == term && has_quorum(from);
        if (leads && node.leads_term == term) {
            node.coordinator->on_round(context, index);
            drain_coordinator(from);
        }
    });
}

}  // namespace kumo::cluster::sim
