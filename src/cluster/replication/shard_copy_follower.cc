#include "cluster/internal/mutant.h"
#include "cluster/replication/shard_copy.h"

#include <algorithm>
#include <utility>

namespace kumo::cluster {

void ShardCopy::on_prepare(const NodeId& from, const Prepare& prepare) {
    if (prepare.copy != copy_) {
        return;
    }
    if (prepare.term < term_ && !planted(Mutant::kNoTermCheck)) {
        output_.sends.emplace_back(from, CopyMessage{shard_id_, StaleTerm{term_}});
        return;
    }
    if (prepare.term > term_) {
        enter_term(prepare.term);
    }
    if (role_ != CopyRole::kFollower) {
        return;  // There is one primary a term: somebody lies.
    }
    if (tainted_ || is_tainted_by(prepare)) {
        taint(prepare.previous_seq);
        return;
    }
    leader_ = from;
    if (!matches(prepare)) {
        send_mismatch(from, prepare);
        return;
    }
    leader_attempt_ = prepare.attempt;
    take_entries(prepare);
    if (!tainted_) {
        send_ack(from);
    }
}

/// Requires: no match. The last entry before the Prepare's that its primary's log can have: what is
/// of a later term than the Prepare's there cannot be in it. So a search takes as many messages as
/// there are terms, not entries.
Seq ShardCopy::hint_for(const Prepare& prepare) const {
    const Seq sure = is_async() ? log_.base() : committed_;
    Seq hint = std::min(prepare.previous_seq - 1, log_.last());
    while (hint > sure && *log_.term(hint) > prepare.previous_term) {
        --hint;
    }
    return std::max(hint, sure);
}

/// kAsync: another entry stands where one is applied. What is in the checkpoint has no terms any
/// more, but they only grow along a log.
bool ShardCopy::is_tainted_by(const Prepare& prepare) const {
    if (!is_async() || planted(Mutant::kTrustTaintedCopy)) {
        return false;
    }
    if (prepare.previous_seq < log_.base()) {
        return prepare.previous_term > *log_.term(log_.base());
    }
    const auto own = log_.term(prepare.previous_seq);
    return prepare.previous_seq <= handed_applied_ && own && *own != prepare.previous_term;
}

void ShardCopy::taint(Seq from) {
    if (!tainted_) {
        tainted_ = true;
        leader_ = {};
        lose(from);
        ask_for_another_copy(now_);
    }
}

void ShardCopy::lose(Seq from) {
    const Seq first = output_.lost ? std::min(from, output_.lost->from) : from;
    output_.lost = LostRange{first, log_.last(), log_.term(first).value_or(log_.last_term())};
}

/// What a client asked this copy's primary to say. A copy that has promised a later term says so.
void ShardCopy::on_term_query(const NodeId& from, const TermQuery& query) {
    if (query.copy != copy_) {
        return;
    }
    if (query.term < term_) {
        output_.sends.emplace_back(from, CopyMessage{shard_id_, StaleTerm{term_}});
        return;
    }
    if (query.term > term_) {
        enter_term(query.term);
    }
    const TermAnswer answer{term_, copy_, query.read};
    output_.sends.emplace_back(from, CopyMessage{shard_id_, answer});
}

/// What is committed is equal everywhere, so only what lies behind it has to be compared.
bool ShardCopy::matches(const Prepare& prepare) const {
    const Seq sure = is_async() ? log_.base() : committed_ + 1;
    if (prepare.previous_seq < sure || planted(Mutant::kNoLogMatching)) {
        return prepare.previous_seq <= log_.last();
    }
    const auto term = log_.term(prepare.previous_seq);
    return term && *term == prepare.previous_term;
}

void ShardCopy::take_entries(const Prepare& prepare) {
    Seq last = prepare.previous_seq;
    for (const EntryPtr& entry : prepare.entries) {
        const Seq sure = is_async() ? log_.base() : committed_ + 1;
        if (entry->seq < sure) {
            if (is_async() && entry->term > *log_.term(sure)) {
                taint(entry->seq);
                return;
            }
            last = entry->seq;
            continue;
        }
        const auto own = log_.term(entry->seq);
        const bool same = own && (*own == entry->term || planted(Mutant::kNoLogMatching));
        if (own && !same && is_async() && entry->seq <= handed_applied_
            && !planted(Mutant::kTrustTaintedCopy)) {
            taint(entry->seq);
            return;
        }
        if (own && !same) {
            cut_conflict(entry->seq);
        }
        if (!same) {
            append(entry);
        }
        last = entry->seq;
    }
    verified_ = std::max(verified_, last);
    committed_ = std::max(committed_, std::min(prepare.committed, last));
}

/// Drops everything from `from` on: the primary has another entry there.
void ShardCopy::cut_conflict(Seq from) {
    if (is_async()) {
        lose(from);
        committed_ = std::min(committed_, from - 1);
    }
    if (from > log_.base()) {
        log_.truncate(from);
    }
    forget_from(from);
    persisted_ = std::min(persisted_, from - 1);
    output_.cut = std::min(output_.cut.value_or(from), from);
    std::erase_if(output_.appends, [&](const EntryPtr& each) { return each->seq >= from; });
}

Ack ShardCopy::make_ack() const {
    Ack ack;
    ack.term = term_;
    ack.copy = copy_;
    ack.incarnation = incarnation_;
    ack.match = is_async() ? verified_ : std::max(verified_, committed_);
    if (!planted(Mutant::kAckBeforeDurable)) {
        ack.match = std::min(ack.match, persisted_);
    }
    ack.committed = is_async() ? std::min(committed_, verified_) : committed_;
    ack.attempt = leader_attempt_;
    return ack;
}

void ShardCopy::send_ack(const NodeId& to) {
    output_.sends.emplace_back(to, CopyMessage{shard_id_, make_ack()});
}

void ShardCopy::send_mismatch(const NodeId& to, const Prepare& prepare) {
    Ack ack = make_ack();
    ack.attempt = prepare.attempt;
    ack.mismatch = true;
    ack.rejected = prepare.previous_seq;
    ack.hint = hint_for(prepare);
    ack.hint_term = log_.term(ack.hint).value_or(0);
    output_.sends.emplace_back(to, CopyMessage{shard_id_, ack});
}

}  // namespace kumo::cluster
