#pragma once

#include "base/random.h"
#include "consensus/types.h"

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace kumo::consensus::sim {

/// The user's state: the ids of the commands applied, in order.
using History = std::vector<std::uint64_t>;

struct StoredSnapshot {
    SnapshotMeta meta;
    History state;
};

/// A node's disk: what is durable, and what was written and not synced yet. A crash keeps any
/// prefix of the latter.
class Disk {
public:
    /// Queues what a Ready wants stored, in the order that it wants.
    void write(const Ready& ready, const History& snapshot_state);
    void write_snapshot(StoredSnapshot snapshot);

    /// Everything up to this Ready is durable.
    void sync(std::uint64_t sequence);

    void crash(Random& random);

    const StoredSnapshot& snapshot() const { return snapshot_; }

    HardState hard_state() const { return hard_; }

    /// Those behind the snapshot, as far as they follow on each other.
    std::vector<Entry> entries() const;

    void format(const StoredSnapshot& snapshot, const HardState& hard);

private:
    struct Write {
        std::uint64_t sequence = 0;
        std::optional<StoredSnapshot> snapshot;
        bool replaces_log = false;
        std::optional<Entry> entry;
        std::optional<HardState> hard;
    };

    void apply(const Write& write);

    StoredSnapshot snapshot_;
    std::map<Index, Entry> entries_;
    HardState hard_;
    std::deque<Write> pending_;
    std::uint64_t last_sequence_ = 0;
};

}  // namespace kumo::consensus::sim
