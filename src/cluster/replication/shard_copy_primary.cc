#include "base/assert.h"
#include "cluster/internal/mutant.h"
#include "cluster/replication/shard_copy.h"

#include <algorithm>
#include <string>
#include <utility>

namespace kumo::cluster {

namespace {

constexpr Duration kExpandDelayMin = std::chrono::milliseconds(200);
/// Of a copy that held writes up: adding it again may cost them as much once more.
constexpr Duration kExpandDelayMax = std::chrono::seconds(30);
/// Of one that was refused: it may be another change that came first.
constexpr Duration kRefusedDelayMax = std::chrono::seconds(8);
/// Whoever has not answered for as many times as it is asked is not proposed: it would hold writes
/// up, or be refused.
constexpr int kUnansweredMax = 3;
/// A copy that has behaved for this long is trusted as on the first day.
constexpr Duration kExpandDelayForgotten = std::chrono::minutes(5);
constexpr std::size_t kEntryOverheadBytes = 64;

std::size_t bytes_of(const LogEntry& entry) {
    return kEntryOverheadBytes + entry.operation.size();
}

}  // namespace

void ShardCopy::become_primary() {
    role_ = CopyRole::kStarting;
    began_term_ = term_;
    peers_.clear();
    pending_.reset();
    handover_sent_at_.reset();
    auto entry = std::make_shared<LogEntry>();
    entry->term = term_;
    entry->seq = log_.last() + 1;
    entry->no_op = true;
    no_op_ = entry->seq;
    append(std::move(entry));
    uncommitted_bytes_ = 0;
    for (Seq seq = committed_ + 1; seq <= log_.last(); ++seq) {
        uncommitted_bytes_ += bytes_of(*log_.at(seq));
    }
    if (planted(Mutant::kReadBeforeNoOp)) {
        role_ = CopyRole::kActive;
    }
}

Result<Seq>
ShardCopy::propose(const RequestId& request, std::int64_t time_ms, std::string operation) {
    if (role_ != CopyRole::kActive) {
        return Error{ErrorCode::kUnavailable, "this copy is not the shard's primary"};
    }
    const auto known = find_request(request);
    if (known) {
        return *known;
    }
    if (is_short()) {
        return Error{
            ErrorCode::kUnavailable,
            "the shard has " + std::to_string(view_.in_sync.size()) + " of the "
                + std::to_string(view_.min_in_sync) + " copies in sync that a write needs"};
    }
    if (uncommitted_bytes_ >= options_.uncommitted_bytes_max) {
        return Error{ErrorCode::kOverloaded, "the shard's copies do not keep up"};
    }
    auto entry = std::make_shared<LogEntry>();
    entry->term = term_;
    entry->seq = log_.last() + 1;
    entry->time_ms = time_ms;
    entry->request = request;
    entry->operation = std::move(operation);
    const Seq seq = entry->seq;
    uncommitted_bytes_ += bytes_of(*entry);
    append(std::move(entry));
    return seq;
}

bool ShardCopy::withdraw(Seq from) {
    const bool seen = std::any_of(peers_.begin(), peers_.end(), [from](const auto& each) {
        return each.second.next > from || each.second.match >= from;
    });
    if (role_ == CopyRole::kFollower || seen || from <= no_op_ || from <= committed_) {
        return false;
    }
    for (Seq seq = from; seq <= log_.last(); ++seq) {
        uncommitted_bytes_ -= bytes_of(*log_.at(seq));
    }
    log_.truncate(from);
    forget_from(from);
    std::erase_if(output_.appends, [from](const EntryPtr& each) { return each->seq >= from; });
    return true;
}

// ---- the other copies

void ShardCopy::sync_peers() {
    std::erase_if(peers_, [this](const auto& each) {
        const auto found = view_.copies.find(each.first);
        return found == view_.copies.end() || found->second != each.second.copy;
    });
    for (const auto& [node, copy] : view_.copies) {
        if (node == options_.node || peers_.contains(node)) {
            continue;
        }
        Peer& peer = peers_[node];
        peer.copy = copy;
        peer.next = log_.last() + 1;
        peer.expand_delay = kExpandDelayMin;
    }
}

void ShardCopy::restart_peer(Peer& peer) {
    ++peer.attempt;
    peer.probing = true;
    peer.probe_sent = false;
    peer.next = std::max(peer.match, log_.base()) + 1;
    peer.in_flight = 0;
    peer.sent.clear();
}

void ShardCopy::reset_connection(const NodeId& node) {
    const auto found = peers_.find(node);
    if (found != peers_.end()) {
        restart_peer(found->second);
        found->second.committed_told = found->second.committed_acked;
    }
}

void ShardCopy::on_ack(const NodeId& from, const Ack& ack) {
    if (ack.term > term_) {
        enter_term(ack.term);
        return;
    }
    const auto found = peers_.find(from);
    if (role_ == CopyRole::kFollower || ack.term != term_ || found == peers_.end()
        || found->second.copy != ack.copy || ack.incarnation < found->second.incarnation) {
        return;
    }
    Peer& peer = found->second;
    if (ack.incarnation > peer.incarnation) {
        // Another run: what the one before has said is not known to be true any more.
        peer.incarnation = ack.incarnation;
        peer.match = 0;
        peer.committed_acked = 0;
        peer.expand_after = {};
        peer.expand_delay = kExpandDelayMin;
        restart_peer(peer);
    }
    peer.heard_at = now_;
    note_match(peer, ack);
    const bool is_late = ack.attempt != peer.attempt;
    if (ack.mismatch && !is_late) {
        on_mismatch(peer, ack);
    } else if (!is_late) {
        on_match(peer);
    }
    peer.next = std::max(peer.next, peer.match + 1);
    advance_commit();
    maybe_expand(now_);
}

void ShardCopy::note_match(Peer& peer, const Ack& ack) {
    const bool moved = ack.match > peer.match;
    peer.match = std::max(peer.match, std::min(ack.match, log_.last()));
    peer.committed_acked = std::max(peer.committed_acked, std::min(ack.committed, committed_));
    while (!peer.sent.empty() && peer.sent.front().first <= peer.match) {
        peer.in_flight -= peer.sent.front().second;
        peer.sent.pop_front();
    }
    if (peer.match >= log_.last()) {
        peer.waiting_since.reset();
    } else if (moved) {
        peer.waiting_since = now_;
    }
}

void ShardCopy::on_match(Peer& peer) {
    if (peer.probing) {
        peer.probing = false;
        peer.probe_sent = false;
        // They agree at the probe, even if the copy does not have that much durably yet.
        peer.next = std::max(peer.match, log_.base()) + 1;
    }
}

/// Moves the place where the two logs may agree back.
void ShardCopy::on_mismatch(Peer& peer, const Ack& ack) {
    if (ack.rejected <= peer.match) {
        return;  // Late: more is known by now.
    }
    if (!peer.probing) {
        restart_peer(peer);
    } else if (peer.probe_sent && ack.rejected == peer.next - 1) {
        peer.probe_sent = false;
        peer.next = std::min(peer.next - 1, ack.hint + 1);
        // Entries of later terms than the copy's there cannot be in its log.
        while (peer.next > peer.match + 1 && log_.term(peer.next - 1).value_or(0) > ack.hint_term) {
            --peer.next;
        }
    }
}

/// Whether there may be more to send.
bool ShardCopy::send_to(const NodeId& node, Peer& peer) {
    if (peer.installing || (peer.probing && peer.probe_sent)) {
        return false;
    }
    const auto previous_term = log_.term(peer.next - 1);
    if (!previous_term) {
        peer.installing = true;
        peer.hold = log_.base();
        output_.installs.push_back(node);
        return false;
    }
    const bool nothing_new = peer.next > log_.last() && peer.committed_told >= committed_;
    const bool full = peer.in_flight >= options_.in_flight_bytes_max
                      || peer.sent.size() >= options_.prepares_in_flight_max;
    if ((nothing_new && !peer.probing) || full) {
        return false;
    }
    Prepare prepare = make_prepare(peer, *previous_term);
    const bool has_entries = !prepare.entries.empty();
    peer.probe_sent = peer.probing;
    peer.committed_told = committed_;
    peer.sent_at = now_;
    if (!peer.waiting_since && peer.match < log_.last()) {
        peer.waiting_since = now_;
    }
    output_.sends.emplace_back(node, CopyMessage{shard_id_, std::move(prepare)});
    return has_entries && peer.next <= log_.last();
}

/// What comes next for the peer, counted as sent.
Prepare ShardCopy::make_prepare(Peer& peer, Term previous_term) {
    Prepare prepare;
    prepare.term = term_;
    prepare.copy = peer.copy;
    prepare.previous_seq = peer.next - 1;
    prepare.previous_term = previous_term;
    prepare.committed = committed_;
    prepare.attempt = peer.attempt;
    std::size_t bytes = 0;
    for (Seq seq = peer.next; seq <= log_.last() && !peer.probing; ++seq) {
        const EntryPtr& entry = log_.at(seq);
        const std::size_t more = bytes_of(*entry);
        if (!prepare.entries.empty()
            && (bytes + more > options_.prepare_bytes_max
                || prepare.entries.size() >= kPrepareEntriesMax)) {
            break;
        }
        bytes += more;
        prepare.entries.push_back(entry);
    }
    if (!prepare.entries.empty()) {
        peer.next = prepare.entries.back()->seq + 1;
        peer.sent.emplace_back(peer.next - 1, bytes);
        peer.in_flight += bytes;
    }
    return prepare;
}

void ShardCopy::flush() {
    for (auto& [node, peer] : peers_) {
        while (send_to(node, peer)) {
        }
    }
}

void ShardCopy::install_done(const NodeId& node, CopyId copy, Seq seq, bool delivered) {
    const auto found = peers_.find(node);
    if (found == peers_.end() || found->second.copy != copy || !found->second.installing) {
        return;
    }
    Peer& peer = found->second;
    peer.installing = false;
    restart_peer(peer);
    if (delivered) {
        peer.next = std::max(peer.next, seq + 1);
    }
}

// ---- commit

/// The highest entry that enough members of a set have.
Seq ShardCopy::commit_of(const std::set<NodeId>& set) const {
    if (is_async() || planted(Mutant::kAckBeforeCopies)) {
        return persisted_;
    }
    std::vector<Seq> matches;
    for (const NodeId& node : set) {
        const auto found = peers_.find(node);
        const Seq other = found == peers_.end() ? 0 : found->second.match;
        matches.push_back(node == options_.node ? persisted_ : other);
    }
    if (matches.empty()) {
        return 0;
    }
    std::sort(matches.begin(), matches.end(), std::greater<>());
    return matches[quorum(view_.mode, matches.size()) - 1];
}

void ShardCopy::advance_commit() {
    if (role_ == CopyRole::kFollower) {
        return;
    }
    std::set<NodeId> in_sync = view_.in_sync;
    if (planted(Mutant::kShrinkBeforeCommit) && pending_
        && pending_->command.in_sync.size() < in_sync.size()) {
        in_sync = pending_->command.in_sync;
    }
    Seq seq = commit_of(in_sync);
    if (pending_ && !planted(Mutant::kNoUnionOnExpand)) {
        seq = std::min(seq, commit_of(pending_->command.in_sync));
    }
    if (is_short()) {
        if (planted(Mutant::kMinInSyncGatesNoOp)) {
            return;
        }
        // The term begins all the same: otherwise no copy could ever be added again.
        seq = std::min(seq, no_op_);
    }
    // Entries of older terms commit with one of this term.
    if (seq >= no_op_ && seq > committed_) {
        commit(seq);
    }
    if (role_ == CopyRole::kStarting && committed_ >= no_op_) {
        role_ = view_.phase == Phase::kHandover ? CopyRole::kDraining : CopyRole::kActive;
    }
    drain();
}

void ShardCopy::commit(Seq seq) {
    while (committed_ < seq) {
        uncommitted_bytes_ -= bytes_of(*log_.at(++committed_));
    }
}

/// Before a handover: everything is committed, and the target has it. From then on this copy is
/// silent until the control plane has spoken, however long that takes.
void ShardCopy::drain() {
    if (role_ != CopyRole::kDraining && role_ != CopyRole::kStopped) {
        return;
    }
    const auto target = peers_.find(view_.target);
    const bool has_all = target != peers_.end() && target->second.match == log_.last();
    if (committed_ != log_.last() || !has_all || pending_) {
        return;
    }
    role_ = CopyRole::kStopped;
    if (!handover_sent_at_ || now_ - *handover_sent_at_ >= options_.propose_again_after) {
        if (handover_sent_at_ && planted(Mutant::kResumeByItself)) {
            role_ = CopyRole::kActive;
            return;
        }
        handover_sent_at_ = now_;
        output_.proposals.emplace_back(CompleteHandover{shard_id_, view_.version});
    }
}

// ---- the in-sync set

/// `refilled`: blank members that have everything again.
void ShardCopy::propose_set(std::set<NodeId> in_sync, const std::set<NodeId>& refilled) {
    ProposeInSync command;
    command.shard = shard_id_;
    command.version = view_.version;
    command.term = term_;
    for (const NodeId& node : in_sync) {
        const auto peer = peers_.find(node);
        const bool had = view_.in_sync.contains(node) && !refilled.contains(node);
        if (!had && peer != peers_.end()) {
            command.added[node] = peer->second.incarnation;
        }
    }
    command.in_sync = std::move(in_sync);
    pending_ = PendingSet{view_.version, command, now_};
    output_.proposals.emplace_back(std::move(command));
    advance_commit();
}

/// The version has changed: the wish was granted, or never will be.
void ShardCopy::on_set_decided() {
    if (view_.in_sync != pending_->command.in_sync) {
        for (const auto& [node, incarnation] : pending_->command.added) {
            const auto peer = peers_.find(node);
            if (peer != peers_.end()) {
                delay_expand(peer->second, kRefusedDelayMax);
            }
        }
    }
    pending_.reset();
}

void ShardCopy::delay_expand(Peer& peer, Duration delay_max) const {
    if (now_ - peer.expand_after >= kExpandDelayForgotten) {
        peer.expand_delay = kExpandDelayMin;
    }
    peer.expand_after = now_ + std::min(peer.expand_delay, delay_max);
    peer.expand_delay = std::max(peer.expand_delay, std::min(peer.expand_delay * 2, delay_max));
}

/// Whoever is elected among those who are left has to find everything that is committed.
bool ShardCopy::may_shrink_to(const std::set<NodeId>& left) const {
    if (view_.mode != AckMode::kMajority) {
        return true;
    }
    // What older terms have committed is not known before this one's first entry commits.
    const Seq needed = std::max(committed_, no_op_ - 1);
    const auto holds = std::count_if(left.begin(), left.end(), [&](const NodeId& node) {
        return !view_.blank.contains(node) && match_of(node).value_or(0) >= needed;
    });
    return static_cast<std::size_t>(holds) >= quorum(view_.mode, left.size());
}

void ShardCopy::maybe_shrink(MonotonicTime now) {
    if (pending_ || role_ == CopyRole::kStopped || view_.phase != Phase::kNormal) {
        return;
    }
    std::set<NodeId> left = view_.in_sync;
    for (const NodeId& node : view_.in_sync) {
        const auto peer = peers_.find(node);
        if (node == options_.node || peer == peers_.end()) {
            continue;
        }
        const auto& since = peer->second.waiting_since;
        if (since && now - *since >= options_.in_sync_lag) {
            left.erase(node);
            delay_expand(peer->second, kExpandDelayMax);
        }
    }
    if (left.size() < view_.in_sync.size() && may_shrink_to(left)) {
        propose_set(std::move(left));
    }
}

void ShardCopy::maybe_expand(MonotonicTime now) {
    if (pending_ || role_ != CopyRole::kActive || view_.phase != Phase::kNormal) {
        return;
    }
    std::set<NodeId> more = view_.in_sync;
    std::set<NodeId> refilled;
    for (const auto& [node, peer] : peers_) {
        if (is_full_member(node)) {
            continue;
        }
        const bool has_all =
            (peer.match >= committed_ && peer.match >= no_op_) || planted(Mutant::kExpandTooEarly);
        const bool is_there =
            peer.heard_at && now - *peer.heard_at < kUnansweredMax * options_.resend_after;
        const bool ready = is_there && has_all && peer.incarnation > 0 && now >= peer.expand_after;
        if (ready) {
            const bool is_new = more.insert(node).second;
            if (!is_new) {
                refilled.insert(node);
            }
        }
    }
    if (more.size() > view_.in_sync.size() || !refilled.empty()) {
        propose_set(std::move(more), refilled);
    }
}

bool ShardCopy::is_idle() const {
    if (applicable() > handed_applied_ || view_.phase != Phase::kNormal) {
        return false;
    }
    if (role_ == CopyRole::kFollower) {
        return !has_output() && !tainted_;
    }
    const bool rests = role_ == CopyRole::kActive && !pending_ && strict_reads_.empty()
                       && committed_ == log_.last() && output_.proposals.empty();
    return rests && std::all_of(peers_.begin(), peers_.end(), [this](const auto& each) {
               const Peer& peer = each.second;
               return !peer.probing && !peer.installing && !peer.waiting_since
                      && peer.in_flight == 0 && peer.match == log_.last()
                      && peer.committed_acked == committed_ && view_.in_sync.contains(each.first);
           });
}

// ---- reads without a clock

/// Everybody whom the control plane may count: one of them is in every later term's quorum.
std::set<NodeId> ShardCopy::counted() const {
    std::set<NodeId> all = view_.in_sync;
    if (pending_ && !planted(Mutant::kStrictReadNotPending)) {
        all.insert(pending_->command.in_sync.begin(), pending_->command.in_sync.end());
    }
    all.erase(options_.node);
    if (planted(Mutant::kStrictReadAsksOne) && !all.empty()) {
        return {*all.begin()};
    }
    return all;
}

Result<std::uint64_t> ShardCopy::begin_strict_read() {
    if (role_ != CopyRole::kActive) {
        return Error{ErrorCode::kUnavailable, "this copy is not the shard's primary"};
    }
    if (strict_reads_.size() >= options_.strict_reads_max) {
        return Error{ErrorCode::kOverloaded, "too many reads wait for the other copies"};
    }
    const std::uint64_t number = next_read_++;
    Confirming read{committed_, {}, now_};
    for (const NodeId& node : counted()) {
        const auto copy = view_.copies.find(node);
        const CopyId id = copy == view_.copies.end() ? CopyId{} : copy->second;
        read.missing[node] = id;
        output_.sends.emplace_back(node, CopyMessage{shard_id_, TermQuery{term_, id, number}});
    }
    if (read.missing.empty()) {
        output_.reads.push_back({number, committed_});
    } else {
        strict_reads_[number] = std::move(read);
    }
    return number;
}

void ShardCopy::on_term_answer(const NodeId& from, const TermAnswer& answer) {
    const auto found = strict_reads_.find(answer.read);
    if (role_ != CopyRole::kActive || answer.term != term_ || found == strict_reads_.end()) {
        return;
    }
    auto& missing = found->second.missing;
    const auto asked = missing.find(from);
    if (asked == missing.end() || asked->second != answer.copy) {
        return;
    }
    missing.erase(asked);
    if (missing.empty()) {
        output_.reads.push_back({found->first, found->second.seq});
        strict_reads_.erase(found);
    }
}

void ShardCopy::end_strict_reads(MonotonicTime now) {
    std::erase_if(strict_reads_, [&](const auto& each) {
        const bool is_over = now - each.second.since >= options_.strict_read_timeout;
        if (is_over) {
            output_.reads.push_back({each.first, std::nullopt});
        }
        return is_over;
    });
}

void ShardCopy::drop_strict_reads() {
    for (const auto& [number, read] : strict_reads_) {
        output_.reads.push_back({number, std::nullopt});
    }
    strict_reads_.clear();
}

}  // namespace kumo::cluster
