#pragma once

#include "cluster/replication/log_entry.h"

#include <cstddef>
#include <deque>
#include <optional>

namespace kumo::cluster {

/// The end of a shard's log in memory: entries behind a place whose term is known. Owned by a
/// ShardCopy.
class CopyLog {
public:
    CopyLog() = default;

    /// Empty, behind `seq`.
    CopyLog(Seq seq, Term term) : base_(seq), base_term_(term) {}

    Seq base() const { return base_; }

    Seq last() const { return base_ + entries_.size(); }

    Term last_term() const { return entries_.empty() ? base_term_ : entries_.back()->term; }

    std::size_t bytes() const { return bytes_; }

    /// Nothing for what is not in memory; the base has one.
    std::optional<Term> term(Seq seq) const;

    /// Requires: it is in memory.
    const EntryPtr& at(Seq seq) const;

    /// Requires: entry->seq is last() + 1.
    void append(EntryPtr entry);

    /// Drops everything from `from` on. Requires: behind the base.
    void truncate(Seq from);

    /// Forgets everything up to `seq`.
    void trim(Seq seq);

private:
    Seq base_ = 0;
    Term base_term_ = 0;
    std::deque<EntryPtr> entries_;
    std::size_t bytes_ = 0;
};

}  // namespace kumo::cluster
