#include "cluster/replication/shard_copy.h"

#include "base/assert.h"
#include "cluster/internal/mutant.h"

#include <algorithm>
#include <utility>

namespace kumo::cluster {

namespace {

/// Between ticks of a process that runs.
constexpr Duration kTickGapMax = std::chrono::milliseconds(500);

}  // namespace

ShardCopy::ShardCopy(
    const CopyOptions& options,
    ShardId shard,
    CopyId copy,
    CopyLog log,
    const RequestWindow& remembered
)
    : options_(options),
      shard_id_(shard),
      copy_(copy),
      log_(std::move(log)),
      term_(log_.last_term()),
      persisted_(log_.last()),
      committed_(log_.base()),
      handed_applied_(log_.base()),
      checkpoint_(log_.base()) {
    for (const auto& [seq, request] : remembered) {
        remember(seq, request);
    }
    for (Seq seq = log_.base() + 1; seq <= log_.last(); ++seq) {
        remember(seq, log_.at(seq)->request);
    }
}

void ShardCopy::on_state(const Shard& shard, std::uint64_t incarnation) {
    if (has_view_ && shard.version < view_.version) {
        return;
    }
    if (shard.version != view_.version) {
        reported_at_.reset();
        handover_sent_at_.reset();  // It named the version before.
    }
    doubt_those_who_left(shard.in_sync);
    view_ = shard;
    has_view_ = true;
    incarnation_ = incarnation;
    const bool promises = shard.phase != Phase::kElecting || !planted(Mutant::kNoTermPromise);
    if (shard.term > term_ && promises) {
        enter_term(shard.term);
    }
    if (shard.phase == Phase::kElecting) {
        answer_election(now_);
    }
    if (pending_ && shard.version != pending_->version) {
        on_set_decided();
    }
    const auto own = shard.copies.find(options_.node);
    const bool mine = shard.primary == options_.node && shard.primary_incarnation == incarnation
                      && shard.term == term_ && own != shard.copies.end() && own->second == copy_;
    if (!mine) {
        step_down();
        return;
    }
    if (role_ == CopyRole::kFollower && began_term_ < term_) {
        become_primary();
    }
    if (role_ == CopyRole::kFollower) {
        return;
    }
    sync_peers();
    if (shard.phase == Phase::kHandover && role_ == CopyRole::kActive) {
        role_ = CopyRole::kDraining;
    } else if (shard.phase == Phase::kNormal && (role_ == CopyRole::kDraining || role_ == CopyRole::kStopped)) {
        role_ = CopyRole::kActive;  // The control plane has said so.
    }
    advance_commit();
}

/// Who is not in sync any more may be dead: it has to answer before it is proposed again. Proposing
/// it all the same would be refused each time, and make its return wait longer and longer.
void ShardCopy::doubt_those_who_left(const std::set<NodeId>& in_sync) {
    for (auto& [node, peer] : peers_) {
        if (view_.in_sync.contains(node) && !in_sync.contains(node)) {
            peer.heard_at.reset();
            restart_peer(peer);
        }
    }
}

void ShardCopy::enter_term(Term term) {
    term_ = term;
    verified_ = planted(Mutant::kTruncateToCommitted) ? committed_ : 0;
    leader_ = {};
    if (planted(Mutant::kTruncateToCommitted) && log_.last() > committed_) {
        log_.truncate(committed_ + 1);
        forget_from(committed_ + 1);
        persisted_ = std::min(persisted_, committed_);
        output_.cut = committed_ + 1;
        std::erase_if(output_.appends, [&](const auto& each) { return each->seq > committed_; });
    }
    step_down();
}

/// In sync, as the run and the copy that the control plane knows.
bool ShardCopy::is_member(const Shard& shard) const {
    const auto own = shard.copies.find(options_.node);
    return own != shard.copies.end() && own->second == copy_
           && shard.in_sync.contains(options_.node) && !shard.blank.contains(options_.node);
}

/// The promise comes first: this copy is in the election's term by now, and refuses what is older.
/// It need not be on disk. A run that comes after this one learns a state with its registration in
/// it before it says anything, and that was committed after the election had begun.
void ShardCopy::answer_election(MonotonicTime now) {
    const bool promised = term_ == view_.term || planted(Mutant::kNoTermPromise);
    const auto known = view_.log_ends.find(options_.node);
    const bool answered =
        known != view_.log_ends.end() && known->second.incarnation == incarnation_;
    const bool waits = reported_at_ && now - *reported_at_ < options_.propose_again_after;
    if (!promised || tainted_ || answered || waits || !is_member(view_)) {
        return;
    }
    reported_at_ = now;
    const LogEnd end{incarnation_, log_.term(persisted_).value_or(0), persisted_};
    output_.proposals.emplace_back(ReportLog{shard_id_, view_.term, options_.node, copy_, end});
}

void ShardCopy::ask_for_another_copy(MonotonicTime now) {
    const bool waits = reported_at_ && now - *reported_at_ < options_.propose_again_after;
    if (!tainted_ || waits) {
        return;
    }
    reported_at_ = now;
    output_.proposals.emplace_back(ReplaceCopy{shard_id_, options_.node, copy_});
}

void ShardCopy::step_down() {
    if (role_ == CopyRole::kFollower) {
        return;
    }
    role_ = CopyRole::kFollower;
    output_.lost_role = true;
    peers_.clear();
    pending_.reset();
    handover_sent_at_.reset();
    drop_strict_reads();
}

void ShardCopy::append(EntryPtr entry) {
    remember(entry->seq, entry->request);
    output_.appends.push_back(entry);
    log_.append(std::move(entry));
}

void ShardCopy::remember(Seq seq, const RequestId& request) {
    if (request.node.is_nil()) {
        return;
    }
    requests_[request] = seq;
    request_order_.emplace_back(seq, request);
    while (request_order_.size() > options_.requests_remembered) {
        forget(request_order_.front());
        request_order_.pop_front();
    }
}

void ShardCopy::forget_from(Seq from) {
    while (!request_order_.empty() && request_order_.back().first >= from) {
        forget(request_order_.back());
        request_order_.pop_back();
    }
}

/// Unless the request stands at another place by now.
void ShardCopy::forget(const RequestWindow::value_type& remembered) {
    const auto found = requests_.find(remembered.second);
    if (found != requests_.end() && found->second == remembered.first) {
        requests_.erase(found);
    }
}

std::optional<Seq> ShardCopy::find_request(const RequestId& request) const {
    const auto found = requests_.find(request);
    const bool known = found != requests_.end() && !planted(Mutant::kForgetRequests);
    return known ? std::optional(found->second) : std::nullopt;
}

RequestWindow ShardCopy::requests_until(Seq seq) const {
    RequestWindow window;
    for (const auto& each : request_order_) {
        if (each.first <= seq) {
            window.push_back(each);
        }
    }
    return window;
}

std::optional<Seq> ShardCopy::match_of(const NodeId& node) const {
    if (node == options_.node) {
        return persisted_;
    }
    const auto found = peers_.find(node);
    return found == peers_.end() ? std::nullopt : std::optional(found->second.match);
}

void ShardCopy::persisted(Seq seq) {
    if (seq <= persisted_) {
        return;
    }
    persisted_ = std::min(seq, log_.last());
    if (role_ == CopyRole::kFollower) {
        if (!leader_.is_nil()) {
            send_ack(leader_);
        }
    } else {
        advance_commit();
    }
}

void ShardCopy::receive(const NodeId& from, const CopyMessage& message) {
    if (!has_view_ || message.shard != shard_id_) {
        return;
    }
    if (const auto* prepare = std::get_if<Prepare>(&message.body)) {
        on_prepare(from, *prepare);
    } else if (const auto* ack = std::get_if<Ack>(&message.body)) {
        on_ack(from, *ack);
    } else if (const auto* query = std::get_if<TermQuery>(&message.body)) {
        on_term_query(from, *query);
    } else if (const auto* answer = std::get_if<TermAnswer>(&message.body)) {
        on_term_answer(from, *answer);
    } else if (std::get<StaleTerm>(message.body).term > term_) {
        enter_term(std::get<StaleTerm>(message.body).term);
    }
}

void ShardCopy::forgive_pause(Duration gap) {
    for (auto& [node, peer] : peers_) {
        peer.sent_at += gap;
        if (peer.waiting_since) {
            *peer.waiting_since += gap;
        }
        if (peer.heard_at) {
            *peer.heard_at += gap;
        }
    }
    if (pending_) {
        pending_->sent_at += gap;
    }
}

void ShardCopy::tick(MonotonicTime now) {
    if (now - now_ > kTickGapMax) {
        forgive_pause(now - now_);
    }
    now_ = now;
    if (view_.phase == Phase::kElecting) {
        answer_election(now);
    }
    if (role_ == CopyRole::kFollower) {
        ask_for_another_copy(now);
        return;
    }
    for (auto& [node, peer] : peers_) {
        if (now - peer.sent_at < options_.resend_after) {
            continue;
        }
        peer.committed_told = peer.committed_acked;
        // Whoever is to be added is asked whether it is still there.
        if (peer.in_flight > 0 || peer.probe_sent || !is_full_member(node)) {
            restart_peer(peer);
        }
    }
    if (pending_ && now - pending_->sent_at >= options_.propose_again_after) {
        pending_->sent_at = now;
        output_.proposals.emplace_back(pending_->command);
    }
    end_strict_reads(now);
    maybe_shrink(now);
    maybe_expand(now);
    drain();
}

void ShardCopy::applied(Seq seq) {
    checkpoint_ = std::max(checkpoint_, seq);
    trim();
}

/// What is in the checkpoint goes, unless another copy may still want it.
void ShardCopy::trim() {
    Seq wanted = std::min(handed_applied_, checkpoint_);
    Seq held = wanted;
    for (const auto& [node, peer] : peers_) {
        wanted = std::min(wanted, peer.match);
        held = peer.installing ? std::min(held, peer.hold) : held;
    }
    log_.trim(wanted);
    while (log_.bytes() > options_.tail_bytes_max && log_.base() < held) {
        log_.trim(log_.base() + 1);
    }
}

/// What is not durable here is not applied here.
Seq ShardCopy::applicable() const {
    if (planted(Mutant::kApplyBeforeCommit)) {
        return persisted_;
    }
    return tainted_ ? handed_applied_ : std::min(committed_, persisted_);
}

bool ShardCopy::has_output() const {
    return output_.cut || !output_.appends.empty() || !output_.sends.empty()
           || !output_.proposals.empty() || !output_.installs.empty() || output_.lost_role
           || output_.lost || !output_.reads.empty() || applicable() > handed_applied_
           || role_ != CopyRole::kFollower;
}

CopyOutput ShardCopy::take_output() {
    if (role_ != CopyRole::kFollower) {
        flush();
    }
    while (handed_applied_ < applicable()) {
        output_.committed.push_back(log_.at(++handed_applied_));
    }
    return std::exchange(output_, {});
}

}  // namespace kumo::cluster
