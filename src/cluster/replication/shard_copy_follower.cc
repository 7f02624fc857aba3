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
    leader_ = from;
    if (!matches(prepare)) {
        send_mismatch(from, prepare);
        return;
    }
    leader_attempt_ = prepare.attempt;
    take_entries(prepare);
    send_ack(from);
}

/// Requires: no match. The last entry before the Prepare's that its primary's log can have: what is
/// of a later term than the Prepare's there cannot be in it. So a search takes as many messages as
/// there are terms, not entries.
Seq ShardCopy::hint_for(const Prepare& prepare) const {
    Seq hint = std::min(prepare.previous_seq - 1, log_.last());
    while (hint > committed_ && *log_.term(hint) > prepare.previous_term) {
        --hint;
    }
    return std::max(hint, committed_);
}

/// What is committed is equal everywhere, so only what lies behind it has to be compared.
bool ShardCopy::matches(const Prepare& prepare) const {
    if (prepare.previous_seq <= committed_ || planted(Mutant::kNoLogMatching)) {
        return prepare.previous_seq <= log_.last();
    }
    const auto term = log_.term(prepare.previous_seq);
    return term && *term == prepare.previous_term;
}

void ShardCopy::take_entries(const Prepare& prepare) {
    Seq last = prepare.previous_seq;
    for (const EntryPtr& entry : prepare.entries) {
        if (entry->seq <= committed_) {
            last = entry->seq;
            continue;
        }
        const auto own = log_.term(entry->seq);
        const bool same = own && (*own == entry->term || planted(Mutant::kNoLogMatching));
        if (own && !same) {
            log_.truncate(entry->seq);
            forget_from(entry->seq);
            persisted_ = std::min(persisted_, entry->seq - 1);
            output_.cut = std::min(output_.cut.value_or(entry->seq), entry->seq);
            std::erase_if(output_.appends, [&](const EntryPtr& each) {
                return each->seq >= entry->seq;
            });
        }
        if (!same) {
            append(entry);
        }
        last = entry->seq;
    }
    verified_ = std::max(verified_, last);
    committed_ = std::max(committed_, std::min(prepare.committed, last));
}

Ack ShardCopy::make_ack() const {
    Ack ack;
    ack.term = term_;
    ack.copy = copy_;
    ack.incarnation = incarnation_;
    ack.match = std::max(verified_, committed_);
    if (!planted(Mutant::kAckBeforeDurable)) {
        ack.match = std::min(ack.match, persisted_);
    }
    ack.committed = committed_;
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
