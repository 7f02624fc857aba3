#pragma once

#include "consensus/types.h"

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace kumo::consensus {

/// The log in memory: a snapshot's place, the entries behind it, and the configurations that are in
/// force at each of them. Owned by a Raft.
class Log {
public:
    explicit Log(const SnapshotMeta& snapshot) { reset(snapshot); }

    /// Everything is replaced by a snapshot.
    void reset(const SnapshotMeta& snapshot);

    const SnapshotMeta& snapshot() const { return snapshot_; }

    Index last() const { return snapshot_.index + entries_.size(); }

    Term last_term() const { return entries_.empty() ? snapshot_.term : entries_.back().term; }

    /// Nothing for entries that are not there; the snapshot's own index has one.
    std::optional<Term> term(Index index) const;

    /// Requires: it is there, behind the snapshot.
    const Entry& at(Index index) const;

    /// Requires: index is last() + 1.
    void append(Entry entry);

    /// Drops everything from `from` on. Requires: behind the snapshot.
    void truncate(Index from);

    /// Moves the snapshot's place to an entry that is there.
    void compact(Index index, const Epoch& epoch);

    const Configuration& configuration() const { return configurations_.back().second; }

    Index configuration_index() const { return configurations_.back().first; }

    /// The configurations from the one in force at `index` on, oldest first.
    std::vector<const Configuration*> configurations_from(Index index) const;

private:
    SnapshotMeta snapshot_;
    std::deque<Entry> entries_;
    /// With the index they came at; the first is the snapshot's.
    std::vector<std::pair<Index, Configuration>> configurations_;
};

}  // namespace kumo::consensus
