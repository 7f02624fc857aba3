#include "consensus/raft.h"

#include "base/assert.h"
#include "consensus/internal/entry_bytes.h"
#include "consensus/internal/mutant.h"
#include "consensus/internal/quorum.h"

#include <algorithm>
#include <utility>

namespace kumo::consensus {

namespace {

/// How far behind a learner may be when it is made a voter.
constexpr Index kLearnerLagMax = 1000;

/// Only these are said by a leader of the term they carry.
bool is_from_leader(MessageType type) {
    return type == MessageType::kAppend || type == MessageType::kHeartbeat
           || type == MessageType::kSnapshot;
}

Error not_leader() {
    return Error{ErrorCode::kUnavailable, "this node does not lead"};
}

}  // namespace

Raft::Raft(
    const RaftOptions& options,
    const HardState& hard_state,
    const SnapshotMeta& snapshot,
    std::vector<Entry> entries,
    Duration jitter
)
    : options_(options),
      hard_(hard_state),
      handed_hard_(hard_state),
      log_(snapshot),
      commit_(snapshot.index),
      handed_applied_(snapshot.index),
      jitter_(jitter) {
    // A snapshot of a newer epoch was stored, and then there was no time for the hard state.
    if (hard_.epoch < snapshot.epoch) {
        hard_ = HardState{snapshot.epoch, snapshot.term, {}, false};
    }
    const auto reach = [this](Term term) {
        if (term > hard_.term) {
            hard_.term = term;  // The hard state of the same Ready was not written any more.
            hard_.vote = {};
        }
    };
    reach(snapshot.term);
    for (Entry& entry : entries) {
        reach(entry.term);
        log_.append(std::move(entry));
    }
    stable_ = log_.last();
    handed_ = log_.last();
    become_follower(hard_.term, {});
}

Message Raft::make(MessageType type, const NodeId& to) const {
    Message message;
    message.type = type;
    message.from = options_.id;
    message.to = to;
    message.epoch = hard_.epoch;
    message.term = hard_.term;
    return message;
}

// ---- time

void Raft::tick(Duration elapsed, Duration jitter) {
    jitter_ = jitter;
    if (role_ == Role::kLeader) {
        note_leadership();
        tick_leader(elapsed);
        return;
    }
    // The time that has passed began before whatever was heard since the last tick.
    quiet_ = std::exchange(led_since_tick_, false) && !planted(Mutant::kQuietRoundedUp)
                 ? Duration{}
                 : std::min(quiet_ + elapsed, kQuietMax);
    elapsed_ += elapsed;
    const bool alone = is_lone_voter() && role_ == Role::kFollower;
    if (elapsed_ < timeout_ && !alone) {
        return;
    }
    // Also for a node that may not campaign: who names a leader of long ago refuses others' votes.
    leader_ = {};
    elapsed_ = {};
    if (is_promotable()) {
        campaign(true, false);
    }
}

void Raft::tick_leader(Duration elapsed) {
    for (auto& [node, progress] : progress_) {
        progress.silent_for = node == options_.id ? Duration{} : progress.silent_for + elapsed;
    }
    if (!has_active_quorum()) {
        become_follower(hard_.term, {});
        return;
    }
    if (!transferee_.is_nil()) {
        elapsed_ += elapsed;
        if (elapsed_ >= options_.election_timeout) {
            transferee_ = {};
        }
    }
    since_beat_ += elapsed;
    if (since_beat_ >= options_.heartbeat_interval) {
        broadcast_heartbeat();
    }
}

void Raft::note_leadership() {
    quiet_ = {};
    led_since_tick_ = true;
}

bool Raft::has_active_quorum() const {
    return is_quorum(log_.configuration(), [this](const NodeId& node) {
        if (node == options_.id) {
            return true;
        }
        const auto found = progress_.find(node);
        return found != progress_.end() && found->second.silent_for < options_.election_timeout;
    });
}

// ---- the user's

Result<Index> Raft::propose(std::string data) {
    if (role_ != Role::kLeader || !transferee_.is_nil()) {
        return not_leader();
    }
    if (data.size() > kEntryBytesMax) {
        return Error{ErrorCode::kLimitExceeded, "a command is too large"};
    }
    Entry entry;
    entry.type = EntryType::kCommand;
    entry.data = std::move(data);
    const std::size_t bytes = bytes_of(entry);
    if (uncommitted_bytes_ > 0 && uncommitted_bytes_ + bytes > options_.uncommitted_bytes_max) {
        return Error{ErrorCode::kOverloaded, "too much waits for a majority"};
    }
    uncommitted_bytes_ += bytes;
    append_own(std::move(entry));
    broadcast_append();
    return log_.last();
}

Status Raft::propose_configuration(std::set<NodeId> voters, std::set<NodeId> learners) {
    if (role_ != Role::kLeader || !transferee_.is_nil()) {
        return not_leader();
    }
    if (voters.empty()) {
        return invalid_argument("a configuration needs a voter");
    }
    if (voters.contains(NodeId{}) || learners.contains(NodeId{})) {
        return invalid_argument("a member needs an id");
    }
    if (voters.size() > kMembersMax || learners.size() > kMembersMax) {
        return Error{ErrorCode::kLimitExceeded, "there are too many members"};
    }
    const Configuration& present = log_.configuration();
    if (present.is_joint() || !is_configuration_committed() || !is_ready_leader()) {
        return Error{ErrorCode::kConflict, "a change of the members is under way"};
    }
    for (const NodeId& voter : voters) {
        learners.erase(voter);
        if (!present.is_voter(voter) && !is_caught_up(voter)) {
            return Error{ErrorCode::kConflict, "a new voter has to follow as a learner first"};
        }
    }
    if (voters == present.voters && learners == present.learners) {
        return Error{ErrorCode::kAlreadyExists, "the members are these"};
    }
    Entry entry;
    entry.type = EntryType::kConfiguration;
    entry.configuration.learners = std::move(learners);
    if (voters != present.voters && !planted(Mutant::kNoJointPhase)) {
        entry.configuration.old_voters = present.voters;
    }
    entry.configuration.voters = std::move(voters);
    append_own(std::move(entry));
    broadcast_append();
    return {};
}

/// A voter with an empty log belongs to no epoch, so it could not even vote.
bool Raft::is_caught_up(const NodeId& node) const {
    const auto found = progress_.find(node);
    return found != progress_.end() && found->second.match >= log_.snapshot().index
           && found->second.match > 0 && found->second.match + kLearnerLagMax >= commit_;
}

Status Raft::transfer(const NodeId& to) {
    if (role_ != Role::kLeader || !transferee_.is_nil()) {
        return not_leader();
    }
    const Configuration& present = log_.configuration();
    if (to == options_.id || !present.voters.contains(to) || present.is_joint()) {
        return invalid_argument("only another voter can take over");
    }
    transferee_ = to;
    elapsed_ = {};
    if (progress_[to].match == log_.last()) {
        send_timeout_now(to);
    } else {
        send_append(to, true);
    }
    return {};
}

void Raft::force_single(const Uuid& epoch_id) {
    // The epoch first, alone: in the old one, a log that says "only I vote" would elect this node
    // against a majority that is still there. The configuration follows in persisted().
    newest_epoch_heard_ = std::max(newest_epoch_heard_, hard_.epoch.number) + 1;
    hard_.epoch = Epoch{newest_epoch_heard_, epoch_id};
    hard_.superseded = false;
    become_follower(hard_.term + 1, {});
    note_leadership();  // The majority of before has no part in this election.
    forcing_ = true;
}

void Raft::finish_force() {
    forcing_ = false;
    Entry entry;
    entry.type = EntryType::kConfiguration;
    entry.configuration.voters = {options_.id};
    append_own(std::move(entry));
    campaign(true, false);
}

void Raft::persisted(std::uint64_t sequence) {
    while (!persisting_.empty() && persisting_.front().sequence <= sequence) {
        const Persisting durable = persisting_.front();
        persisting_.pop_front();
        stable_ = std::max(stable_, durable.last);
        if (forcing_ && durable.epoch == hard_.epoch) {
            finish_force();
        }
        const bool voted = durable.vote == options_.id && durable.term == hard_.term;
        if (role_ == Role::kCandidate && voted && !votes_.contains(options_.id)) {
            votes_[options_.id] = true;
            count_votes();
        }
    }
    if (role_ == Role::kLeader) {
        Progress& own = progress_[options_.id];
        own.match = std::max(own.match, stable_);
        maybe_commit();
    }
}

void Raft::compact(Index index) {
    KUMO_ASSERT(index <= handed_applied_);
    if (index > log_.snapshot().index) {
        log_.compact(index, hard_.epoch);
    }
}

// ---- messages

void Raft::step(const Message& message) {
    if (message.to != options_.id || message.from == options_.id) {
        return;
    }
    if (message.epoch != hard_.epoch && !planted(Mutant::kNoEpochFencing)) {
        step_epoch(message);
    } else if (!hard_.superseded && step_term(message)) {
        step_current(message);
    }
}

/// Whether there is more to do: the message's term is the present one now, or a pre-vote's.
bool Raft::step_term(const Message& message) {
    const bool asks = message.type == MessageType::kVote || message.type == MessageType::kPreVote;
    if (message.term < hard_.term) {
        refuse_old_term(message);
        return false;
    }
    if (message.term == hard_.term) {
        return true;
    }
    if (asks && hears_leader() && !message.force) {
        return false;
    }
    const bool granted_pre_vote = message.type == MessageType::kPreVoteReply && !message.reject;
    if (message.type != MessageType::kPreVote && !granted_pre_vote) {
        become_follower(message.term, is_from_leader(message.type) ? message.from : NodeId{});
    }
    return true;
}

void Raft::refuse_old_term(const Message& message) {
    if (is_from_leader(message.type)) {
        // A leader of the past hears of the present term, and steps down. If it leads again by
        // then, this answers none of its probes: their numbers begin at 1.
        Message reply = make(MessageType::kAppendReply, message.from);
        reply.reject = true;
        reply.index = message.index;
        reply.hint = log_.last();
        send_after_persist(std::move(reply));
    } else if (message.type == MessageType::kPreVote) {
        Message reply = make(MessageType::kPreVoteReply, message.from);
        reply.reject = true;
        send_after_persist(std::move(reply));
    }
}

void Raft::step_current(const Message& message) {
    if (is_from_leader(message.type)) {
        if (role_ == Role::kLeader) {
            return;  // There is one leader a term: somebody lies.
        }
        follow(message);
    }
    switch (message.type) {
        case MessageType::kPreVote:
        case MessageType::kVote: on_vote_request(message); break;
        case MessageType::kPreVoteReply:
        case MessageType::kVoteReply: on_vote_reply(message); break;
        case MessageType::kAppend: on_append(message); break;
        case MessageType::kAppendReply: on_append_reply(message); break;
        case MessageType::kHeartbeat: on_heartbeat(message); break;
        case MessageType::kHeartbeatReply: on_heartbeat_reply(message); break;
        case MessageType::kSnapshot: on_snapshot(message); break;
        case MessageType::kTimeoutNow:
            if (role_ != Role::kLeader && is_promotable()) {
                campaign(false, true);
            }
            break;
        case MessageType::kStale: break;
    }
}

void Raft::leader_died(const NodeId& leader) {
    if (role_ == Role::kFollower && leader_ == leader && is_promotable()) {
        campaign(false, true);
    }
}

/// Votes and strays of another epoch mean nothing, so that forcing a minority by mistake cannot
/// take a working majority down. Only a leader of a newer epoch that has this node among its
/// members, which is an operator's doing, ends the old one here.
void Raft::step_epoch(const Message& message) {
    if (message.epoch < hard_.epoch) {
        step_older_epoch(message);
        return;
    }
    if (!is_from_leader(message.type)) {
        return;
    }
    newest_epoch_heard_ = std::max(newest_epoch_heard_, message.epoch.number);
    forcing_ = false;  // It is over before it began.
    if (!hard_.superseded) {
        hard_.superseded = true;
        become_follower(hard_.term, {});
    }
    if (message.type != MessageType::kSnapshot) {
        send_after_persist(make(MessageType::kStale, message.from));
        return;
    }
    if (message.snapshot.epoch != message.epoch) {
        return;
    }
    hard_ = HardState{message.epoch, message.term, {}, false};
    become_follower(message.term, message.from);
    install(message.snapshot);
    Message reply = make(MessageType::kAppendReply, message.from);
    reply.index = message.snapshot.index;
    send_after_persist(std::move(reply));
}

/// Who was left behind in an older epoch follows again by a snapshot only.
void Raft::step_older_epoch(const Message& message) {
    const auto found = progress_.find(message.from);
    const bool asks = role_ == Role::kLeader && message.type == MessageType::kStale;
    if (asks && found != progress_.end() && found->second.mode != Progress::Mode::kSnapshot
        && log_.snapshot().epoch == hard_.epoch) {
        found->second.match = 0;
        found->second.silent_for = {};
        send_snapshot(message.from, found->second);
    }
}

void Raft::follow(const Message& message) {
    if (role_ != Role::kFollower) {
        become_follower(hard_.term, message.from);
    }
    leader_ = message.from;
    elapsed_ = {};
    note_leadership();
}

void Raft::become_follower(Term term, const NodeId& leader) {
    if (term != hard_.term) {
        hard_.term = term;
        hard_.vote = {};
    }
    if (role_ == Role::kLeader) {
        note_leadership();
    }
    role_ = Role::kFollower;
    leader_ = leader;
    transferee_ = {};
    progress_.clear();
    pending_reads_.clear();
    votes_.clear();
    uncommitted_bytes_ = 0;
    elapsed_ = {};
    timeout_ = options_.election_timeout + jitter_;
}

// ---- output

bool Raft::is_ready_leader() const {
    return role_ == Role::kLeader && log_.term(commit_) == hard_.term;
}

/// What is not durable here is not applied here, whoever else has it.
Index Raft::applicable() const {
    return std::min(commit_, stable_);
}

bool Raft::has_ready() const {
    return hard_ != handed_hard_ || installed_ || handed_ < log_.last() || !messages_.empty()
           || !after_.empty() || !reads_.empty() || !lost_data_.empty()
           || applicable() > handed_applied_;
}

Ready Raft::take_ready() {
    Ready ready;
    ready.sequence = ++sequence_;
    ready.snapshot = std::exchange(installed_, std::nullopt);
    for (Index index = handed_ + 1; index <= log_.last(); ++index) {
        ready.entries.push_back(log_.at(index));
    }
    handed_ = log_.last();
    if (hard_ != handed_hard_) {
        handed_hard_ = hard_;
        ready.hard_state = hard_;
    }
    persisting_.push_back({sequence_, log_.last(), hard_.term, hard_.vote, hard_.epoch});
    ready.messages = std::exchange(messages_, {});
    ready.messages_after_persist = std::exchange(after_, {});
    if (planted(Mutant::kSendBeforeSync)) {
        for (Message& message : std::exchange(ready.messages_after_persist, {})) {
            ready.messages.push_back(std::move(message));
        }
    }
    ready.reads = std::exchange(reads_, {});
    ready.lost_data = std::exchange(lost_data_, {});
    while (handed_applied_ < applicable()) {
        ready.committed.push_back(log_.at(++handed_applied_));
    }
    return ready;
}

}  // namespace kumo::consensus
