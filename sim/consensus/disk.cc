#include "consensus/disk.h"

#include "consensus/internal/mutant.h"

#include <utility>

namespace kumo::consensus::sim {

void Disk::write(const Ready& ready, const History& snapshot_state) {
    last_sequence_ = ready.sequence;
    const bool hard_first = planted(Mutant::kHardStateFirst);
    if (ready.hard_state && hard_first) {
        pending_.push_back({ready.sequence, {}, false, {}, ready.hard_state});
    }
    if (ready.snapshot) {
        pending_.push_back(
            {ready.sequence, StoredSnapshot{*ready.snapshot, snapshot_state}, true, {}, {}}
        );
    }
    for (const Entry& entry : ready.entries) {
        pending_.push_back({ready.sequence, {}, false, entry, {}});
    }
    if (ready.hard_state && !hard_first) {
        pending_.push_back({ready.sequence, {}, false, {}, ready.hard_state});
    }
}

void Disk::write_snapshot(StoredSnapshot snapshot) {
    pending_.push_back({last_sequence_, std::move(snapshot), false, {}, {}});
}

void Disk::apply(const Write& write) {
    if (write.snapshot && write.snapshot->meta.index >= snapshot_.meta.index) {
        snapshot_ = *write.snapshot;
        if (write.replaces_log) {
            entries_.clear();
        } else {
            entries_.erase(entries_.begin(), entries_.upper_bound(snapshot_.meta.index));
        }
    } else if (write.snapshot && write.replaces_log) {
        snapshot_ = *write.snapshot;  // Of a newer epoch.
        entries_.clear();
    }
    if (write.entry) {
        entries_.erase(entries_.lower_bound(write.entry->index), entries_.end());
        entries_[write.entry->index] = *write.entry;
    }
    if (write.hard) {
        hard_ = *write.hard;
    }
}

void Disk::sync(std::uint64_t sequence) {
    while (!pending_.empty() && pending_.front().sequence <= sequence) {
        apply(pending_.front());
        pending_.pop_front();
    }
}

void Disk::crash(Random& random) {
    std::uint64_t kept = random.below(pending_.size() + 1);
    for (; kept > 0; --kept) {
        apply(pending_.front());
        pending_.pop_front();
    }
    pending_.clear();
    last_sequence_ = 0;
}

std::vector<Entry> Disk::entries() const {
    std::vector<Entry> entries;
    Index next = snapshot_.meta.index + 1;
    for (auto each = entries_.find(next); each != entries_.end() && each->first == next; ++each) {
        entries.push_back(each->second);
        ++next;
    }
    return entries;
}

void Disk::format(const StoredSnapshot& snapshot, const HardState& hard) {
    *this = Disk();
    snapshot_ = snapshot;
    hard_ = hard;
}

}  // namespace kumo::consensus::sim
