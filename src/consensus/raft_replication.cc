#include "consensus/internal/entry_bytes.h"
#include "consensus/internal/mutant.h"
#include "consensus/internal/quorum.h"
#include "consensus/raft.h"

#include <algorithm>
#include <utility>

namespace kumo::consensus {

namespace {

/// Answers to heartbeats in a row without progress: what was sent is sent again.
constexpr unsigned kBeatsStalledMax = 2;

}  // namespace

// ---- the leader

void Raft::append_own(Entry entry) {
    entry.term = hard_.term;
    entry.index = log_.last() + 1;
    const bool is_configuration = entry.type == EntryType::kConfiguration;
    log_.append(std::move(entry));
    if (is_configuration && role_ == Role::kLeader) {
        sync_progress();
    }
}

/// Of a number that is kept of each member: what a quorum has reached.
std::uint64_t Raft::progress_quorum(std::uint64_t Progress::*value) const {
    return quorum_value(log_.configuration(), [&](const NodeId& node) {
        const auto found = progress_.find(node);
        return found == progress_.end() ? 0 : found->second.*value;
    });
}

/// Entries of older terms commit only with one of this term (Raft, 5.4.2). Terms do not go down in
/// a log: if the last entry that a quorum has is of an older one, so are all before it.
void Raft::maybe_commit() {
    if (role_ != Role::kLeader) {
        return;
    }
    const Index index = std::min(progress_quorum(&Progress::match), log_.last());
    const bool own = log_.term(index) == hard_.term || planted(Mutant::kCommitOldTerm);
    if (index <= commit_ || !own) {
        return;
    }
    for (Index each = commit_ + 1; each <= index; ++each) {
        const Entry& entry = log_.at(each);
        if (entry.type == EntryType::kCommand && entry.term == hard_.term) {
            uncommitted_bytes_ -= std::min(uncommitted_bytes_, bytes_of(entry));
        }
    }
    commit_ = index;
    after_commit();
}

void Raft::after_commit() {
    if (is_configuration_committed() && log_.configuration().is_joint()) {
        Entry entry;
        entry.type = EntryType::kConfiguration;
        entry.configuration = log_.configuration();
        entry.configuration.old_voters.clear();
        append_own(std::move(entry));
    }
    broadcast_append();
    if (is_configuration_committed() && !log_.configuration().is_voter(options_.id)) {
        become_follower(hard_.term, {});  // Removed; the others have been told.
    }
}

void Raft::broadcast_append() {
    std::vector<NodeId> nodes;
    for (const auto& [node, progress] : progress_) {
        if (node != options_.id) {
            nodes.push_back(node);
        }
    }
    for (const NodeId& node : nodes) {
        send_append(node, true);
    }
}

void Raft::broadcast_heartbeat() {
    since_beat_ = {};
    const std::uint64_t round = pending_reads_.empty() ? 0 : pending_reads_.rbegin()->first;
    for (const auto& [node, progress] : progress_) {
        if (node == options_.id) {
            continue;
        }
        Message message = make(MessageType::kHeartbeat, node);
        message.commit = std::min(progress.match, commit_);
        message.round = round;
        send(std::move(message));
    }
}

bool Raft::may_send(const Progress& progress) const {
    switch (progress.mode) {
        case Progress::Mode::kSnapshot: return false;
        case Progress::Mode::kProbe: return !progress.probe_sent;
        case Progress::Mode::kReplicate:
            return progress.in_flight.size() < options_.appends_in_flight_max;
    }
    return false;
}

/// Whether something with entries was sent.
bool Raft::send_append(const NodeId& to, bool even_empty) {
    const auto found = progress_.find(to);
    if (found == progress_.end() || !may_send(found->second)) {
        return false;
    }
    Progress& progress = found->second;
    const auto previous_term = log_.term(progress.next - 1);
    if (!previous_term) {
        send_snapshot(to, progress);
        return false;
    }
    Message message = make(MessageType::kAppend, to);
    message.index = progress.next - 1;
    message.log_term = *previous_term;
    message.commit = commit_;
    message.round = progress.probe;
    if (!progress.lost_data) {
        message.entries = entries_to_send(progress.next);
    }
    const bool has_entries = !message.entries.empty();
    if (!has_entries && !even_empty) {
        return false;
    }
    if (has_entries && progress.mode == Progress::Mode::kReplicate) {
        progress.next = message.entries.back().index + 1;
        progress.in_flight.push_back(message.entries.back().index);
    } else if (has_entries) {
        progress.probe_sent = true;
    }
    send(std::move(message));
    return has_entries;
}

std::vector<Entry> Raft::entries_to_send(Index from) const {
    std::vector<Entry> entries;
    std::size_t bytes = 0;
    for (Index index = from; index <= log_.last() && entries.size() < kAppendEntriesMax; ++index) {
        const Entry& entry = log_.at(index);
        bytes += bytes_of(entry);
        if (!entries.empty() && bytes > options_.append_bytes_max) {
            break;
        }
        entries.push_back(entry);
    }
    return entries;
}

void Raft::begin_probe(Progress& progress, Index next) {
    progress.mode = Progress::Mode::kProbe;
    progress.next = next;
    progress.probe = ++probes_;
    progress.probe_sent = false;
    progress.in_flight.clear();
}

void Raft::send_snapshot(const NodeId& to, Progress& progress) {
    if (progress.silent_for >= options_.election_timeout || log_.snapshot().index == 0) {
        return;  // Nobody there to take it.
    }
    progress.mode = Progress::Mode::kSnapshot;
    progress.pending_snapshot = log_.snapshot().index;
    progress.in_flight.clear();
    Message message = make(MessageType::kSnapshot, to);
    message.snapshot = log_.snapshot();
    send(std::move(message));
}

void Raft::snapshot_done(const NodeId& to, bool delivered) {
    const auto found = progress_.find(to);
    if (found == progress_.end() || found->second.mode != Progress::Mode::kSnapshot) {
        return;
    }
    Progress& progress = found->second;
    const Index there = delivered ? progress.pending_snapshot : Index{0};
    begin_probe(progress, std::max(progress.match, there) + 1);
    progress.pending_snapshot = 0;
    progress.probe_sent = true;  // Until it answers a heartbeat.
}

void Raft::send_timeout_now(const NodeId& to) {
    send(make(MessageType::kTimeoutNow, to));
}

/// A follower has answered. Nothing for a stranger, or if this node does not lead.
Progress* Raft::hear(const NodeId& node) {
    const auto found = progress_.find(node);
    if (role_ != Role::kLeader || found == progress_.end()) {
        return nullptr;
    }
    found->second.silent_for = {};
    found->second.probe_sent = false;
    return &found->second;
}

void Raft::on_append_reply(const Message& message) {
    Progress* const heard = hear(message.from);
    if (heard == nullptr) {
        return;
    }
    Progress& progress = *heard;
    if (message.reject) {
        on_append_rejected(progress, message);
        return;
    }
    if (message.index > log_.last()) {
        return;  // Nobody can have what this leader has not.
    }
    const bool moved = message.index > progress.match;
    progress.lost_data = progress.lost_data && message.index < progress.match;
    progress.match = std::max(progress.match, message.index);
    progress.next = std::max(progress.next, message.index + 1);
    const bool caught_up =
        progress.mode == Progress::Mode::kSnapshot && progress.match >= progress.pending_snapshot;
    if ((progress.mode == Progress::Mode::kProbe && moved) || caught_up) {
        progress.mode = Progress::Mode::kReplicate;
        progress.next = progress.match + 1;
        progress.pending_snapshot = 0;
        progress.in_flight.clear();
    }
    while (!progress.in_flight.empty() && progress.in_flight.front() <= message.index) {
        progress.in_flight.pop_front();
    }
    const Index before = commit_;
    maybe_commit();
    if (role_ != Role::kLeader) {
        return;
    }
    while (commit_ == before && send_append(message.from, false)) {
    }
    const auto still = progress_.find(message.from);
    if (message.from == transferee_ && still != progress_.end()
        && still->second.match == log_.last()) {
        send_timeout_now(message.from);
    }
}

void Raft::on_append_rejected(Progress& progress, const Message& message) {
    if (message.round != progress.probe) {
        return;  // Late.
    }
    if (progress.mode == Progress::Mode::kReplicate) {
        if (message.index <= progress.match) {
            return;  // As well.
        }
        begin_probe(progress, progress.match + 1);
    } else if (progress.mode == Progress::Mode::kProbe && progress.next - 1 == message.index) {
        if (message.index <= progress.match) {
            if (!progress.lost_data) {
                lost_data_.push_back(message.from);
            }
            progress.lost_data = true;
            progress.probe_sent = true;
            return;
        }
        // Entries of a term above the follower's last cannot match.
        Index agree = std::min(message.hint, log_.last());
        while (agree > log_.snapshot().index && *log_.term(agree) > message.hint_term) {
            --agree;
        }
        progress.next = std::max(std::min(message.index, agree + 1), progress.match + 1);
    } else {
        return;
    }
    send_append(message.from, true);
}

void Raft::on_heartbeat_reply(const Message& message) {
    Progress* const heard = hear(message.from);
    if (heard == nullptr) {
        return;
    }
    Progress& progress = *heard;
    if (progress.match < log_.last()) {
        // Replies come in order: an append whose reply has not come by now was lost, or its reply.
        const bool stalled = progress.mode == Progress::Mode::kReplicate
                             && !progress.in_flight.empty()
                             && progress.match == progress.match_at_beat;
        progress.beats_stalled = stalled ? progress.beats_stalled + 1 : 0;
        progress.match_at_beat = progress.match;
        if (progress.beats_stalled >= kBeatsStalledMax) {
            progress.beats_stalled = 0;
            begin_probe(progress, progress.match + 1);
        }
        send_append(message.from, true);
    }
    if (message.round > progress.confirmed_round && message.round <= round_) {
        progress.confirmed_round = message.round;
        check_reads();
    }
}

// ---- reads

Status Raft::read_index(std::uint64_t context, bool soon) {
    if (role_ != Role::kLeader || (!is_ready_leader() && !planted(Mutant::kReadBeforeOwnCommit))) {
        return Error{ErrorCode::kUnavailable, "this node does not lead, or not yet"};
    }
    if (planted(Mutant::kReadWithoutRound)) {
        reads_.push_back({context, commit_});
        return {};
    }
    if (pending_reads_.size() >= options_.pending_reads_max) {
        return Error{ErrorCode::kOverloaded, "too many reads wait for a majority"};
    }
    pending_reads_[++round_] = ReadState{context, commit_};
    progress_[options_.id].confirmed_round = round_;
    if (soon) {
        broadcast_heartbeat();
    }
    check_reads();
    return {};
}

/// A round that is confirmed confirms all that began before it.
void Raft::check_reads() {
    const std::uint64_t confirmed = progress_quorum(&Progress::confirmed_round);
    const auto end = pending_reads_.upper_bound(confirmed);
    for (auto read = pending_reads_.begin(); read != end; ++read) {
        reads_.push_back(read->second);
    }
    pending_reads_.erase(pending_reads_.begin(), end);
}

// ---- the follower

void Raft::on_append(const Message& message) {
    Message reply = make(MessageType::kAppendReply, message.from);
    if (message.index < commit_) {
        reply.index = commit_;
        send_after_persist(std::move(reply));
        return;
    }
    const auto own_term = log_.term(message.index);
    if ((own_term && *own_term == message.log_term) || planted(Mutant::kNoPreviousEntryCheck)) {
        on_matching_append(message);
        return;
    }
    reply.reject = true;
    reply.index = message.index;
    reply.round = message.round;
    reply.hint = std::min(message.index, log_.last());
    while (reply.hint > log_.snapshot().index && *log_.term(reply.hint) > message.log_term) {
        --reply.hint;
    }
    reply.hint_term = log_.term(reply.hint).value_or(0);
    send_after_persist(std::move(reply));
}

void Raft::on_matching_append(const Message& message) {
    Index last = message.index;
    for (const Entry& entry : message.entries) {
        const auto own_term = log_.term(entry.index);
        if (!own_term || *own_term != entry.term) {
            if (own_term) {
                if (entry.index <= commit_) {
                    return;  // Nobody may overwrite what is committed: somebody lies.
                }
                log_.truncate(entry.index);
                stable_ = std::min(stable_, entry.index - 1);
                handed_ = std::min(handed_, entry.index - 1);
                for (Persisting& record : persisting_) {
                    record.last = std::min(record.last, entry.index - 1);
                }
            }
            if (entry.index != log_.last() + 1) {
                return;  // A hole.
            }
            log_.append(entry);
        }
        last = entry.index;
    }
    commit_ = std::max(commit_, std::min(message.commit, last));
    Message reply = make(MessageType::kAppendReply, message.from);
    reply.index = last;
    send_after_persist(std::move(reply));
}

void Raft::on_heartbeat(const Message& message) {
    commit_ = std::max(commit_, std::min(message.commit, log_.last()));
    Message reply = make(MessageType::kHeartbeatReply, message.from);
    reply.round = message.round;
    send_after_persist(std::move(reply));
}

void Raft::on_snapshot(const Message& message) {
    Message reply = make(MessageType::kAppendReply, message.from);
    const SnapshotMeta& snapshot = message.snapshot;
    if (snapshot.epoch == hard_.epoch && snapshot.index > commit_) {
        if (log_.term(snapshot.index) == snapshot.term) {
            commit_ = snapshot.index;  // It is all here.
        } else {
            install(snapshot);
        }
    }
    reply.index = commit_;
    send_after_persist(std::move(reply));
}

void Raft::install(const SnapshotMeta& snapshot) {
    log_.reset(snapshot);
    installed_ = snapshot;
    commit_ = snapshot.index;
    stable_ = snapshot.index;
    handed_ = snapshot.index;
    handed_applied_ = snapshot.index;
    for (Persisting& record : persisting_) {
        record.last = 0;
    }
}

}  // namespace kumo::consensus
