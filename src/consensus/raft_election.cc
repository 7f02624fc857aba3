#include "consensus/internal/mutant.h"
#include "consensus/internal/quorum.h"
#include "consensus/raft.h"

#include <algorithm>
#include <utility>

namespace kumo::consensus {

/// A node that an uncommitted configuration in its own log removes must still run: it may be the
/// only one with the longest log (Ongaro's thesis, 4.2.2).
bool Raft::is_promotable() const {
    if (hard_.superseded) {
        return false;
    }
    const auto configurations = log_.configurations_from(commit_);
    return std::any_of(configurations.begin(), configurations.end(), [this](const auto* one) {
        return one->is_voter(options_.id);
    });
}

bool Raft::is_lone_voter() const {
    const Configuration& present = log_.configuration();
    return !present.is_joint() && present.voters.size() == 1 && present.is_voter(options_.id);
}

bool Raft::hears_leader() const {
    return !leader_.is_nil() && (role_ == Role::kLeader || elapsed_ < options_.election_timeout);
}

void Raft::campaign(bool pre_vote, bool force) {
    become_follower(hard_.term, {});
    const Term term = hard_.term + 1;
    if (pre_vote) {
        role_ = Role::kPreCandidate;
        votes_[options_.id] = true;
        count_votes();
        if (role_ == Role::kPreCandidate) {
            ask_for_votes(MessageType::kPreVote, term, force);
        }
        return;
    }
    role_ = Role::kCandidate;
    quiet_of_voters_ = kQuietMax;
    hard_.term = term;
    hard_.vote = options_.id;
    if (planted(Mutant::kOwnVoteAtOnce)) {
        votes_[options_.id] = true;
        count_votes();
    }
    if (role_ == Role::kCandidate) {
        ask_for_votes(MessageType::kVote, term, force);
    }
}

/// After the term, the vote and the log they speak of are durable.
void Raft::ask_for_votes(MessageType type, Term term, bool force) {
    for (const NodeId& node : log_.configuration().members()) {
        if (node == options_.id || !log_.configuration().is_voter(node)) {
            continue;
        }
        Message message = make(type, node);
        message.term = term;
        message.index = log_.last();
        message.log_term = log_.last_term();
        message.force = force;
        send_after_persist(std::move(message));
    }
}

void Raft::on_vote_request(const Message& message) {
    const bool pre_vote = message.type == MessageType::kPreVote;
    const bool refuses = pre_vote && hears_leader() && !message.force;
    const bool free_vote = hard_.vote == message.from || (hard_.vote.is_nil() && leader_.is_nil());
    const bool may =
        pre_vote ? message.term > hard_.term : free_vote || planted(Mutant::kDoubleVote);
    const bool up_to_date =
        message.log_term > log_.last_term()
        || (message.log_term == log_.last_term() && message.index >= log_.last())
        || planted(Mutant::kVoteWithoutLogCheck);
    Message reply =
        make(pre_vote ? MessageType::kPreVoteReply : MessageType::kVoteReply, message.from);
    if (!refuses && may && up_to_date) {
        reply.term = message.term;
        if (!pre_vote) {
            hard_.vote = message.from;
            reply.quiet = quiet_;
            elapsed_ = {};
            timeout_ = options_.election_timeout + jitter_;
        }
    } else {
        reply.reject = true;
    }
    send_after_persist(std::move(reply));
}

void Raft::on_vote_reply(const Message& message) {
    if (message.type == MessageType::kPreVoteReply) {
        const bool of_this_try = message.reject || message.term == hard_.term + 1;
        if (role_ != Role::kPreCandidate || !of_this_try) {
            return;
        }
    } else if (role_ != Role::kCandidate) {
        return;
    }
    votes_.emplace(message.from, !message.reject);
    if (!message.reject && role_ == Role::kCandidate) {
        quiet_of_voters_ = std::min(quiet_of_voters_, message.quiet);
    }
    count_votes();
}

void Raft::count_votes() {
    const auto voted = [this](bool granted) {
        return [this, granted](const NodeId& node) {
            const auto found = votes_.find(node);
            return found != votes_.end() && found->second == granted;
        };
    };
    const Configuration& present = log_.configuration();
    if (is_quorum(present, voted(true))) {
        if (role_ == Role::kPreCandidate) {
            campaign(false, false);
        } else {
            become_leader();
        }
        return;
    }
    const auto is_lost = [&](const std::set<NodeId>& voters) {
        return !voters.empty() && is_majority(voters, voted(false));
    };
    if (is_lost(present.voters) || is_lost(present.old_voters)) {
        become_follower(hard_.term, {});
    }
}

void Raft::become_leader() {
    role_ = Role::kLeader;
    quiet_before_election_ =
        planted(Mutant::kQuietOfOneself) ? quiet_ : std::min(quiet_, quiet_of_voters_);
    leader_ = options_.id;
    transferee_ = {};
    elapsed_ = {};
    since_beat_ = {};
    votes_.clear();
    progress_.clear();
    pending_reads_.clear();
    uncommitted_bytes_ = 0;
    sync_progress();
    append_own({});
    broadcast_append();
}

/// One progress for each member, and for this node.
void Raft::sync_progress() {
    std::set<NodeId> members = log_.configuration().members();
    members.insert(options_.id);
    for (const NodeId& node : members) {
        const auto [found, is_new] = progress_.try_emplace(node);
        if (is_new) {
            begin_probe(found->second, log_.last() + 1);
            found->second.match = node == options_.id ? stable_ : 0;
        }
    }
    std::erase_if(progress_, [&](const auto& each) { return !members.contains(each.first); });
}

}  // namespace kumo::consensus
