#include "consensus/internal/log.h"

#include "base/assert.h"
#include "consensus/internal/mutant.h"

namespace kumo::consensus {

void Log::reset(const SnapshotMeta& snapshot) {
    snapshot_ = snapshot;
    entries_.clear();
    configurations_.clear();
    configurations_.emplace_back(snapshot.index, snapshot.configuration);
}

std::optional<Term> Log::term(Index index) const {
    if (index == snapshot_.index) {
        return snapshot_.term;
    }
    if (index < snapshot_.index || index > last()) {
        return std::nullopt;
    }
    return at(index).term;
}

const Entry& Log::at(Index index) const {
    KUMO_ASSERT(index > snapshot_.index && index <= last());
    return entries_[index - snapshot_.index - 1];
}

void Log::append(Entry entry) {
    KUMO_ASSERT(entry.index == last() + 1);
    if (entry.type == EntryType::kConfiguration) {
        configurations_.emplace_back(entry.index, entry.configuration);
    }
    entries_.push_back(std::move(entry));
}

void Log::truncate(Index from) {
    KUMO_ASSERT(from > snapshot_.index);
    while (last() >= from) {
        entries_.pop_back();
    }
    if (planted(Mutant::kNoConfigurationRollBack)) {
        return;
    }
    while (configurations_.size() > 1 && configurations_.back().first >= from) {
        configurations_.pop_back();
    }
}

void Log::compact(Index index, const Epoch& epoch) {
    KUMO_ASSERT(index > snapshot_.index && index <= last());
    snapshot_.epoch = epoch;
    snapshot_.term = at(index).term;
    while (configurations_.size() > 1 && configurations_[1].first <= index) {
        configurations_.erase(configurations_.begin());
    }
    configurations_.front().first = index;
    snapshot_.configuration = configurations_.front().second;
    while (snapshot_.index < index) {
        entries_.pop_front();
        ++snapshot_.index;
    }
}

std::vector<const Configuration*> Log::configurations_from(Index index) const {
    std::vector<const Configuration*> found;
    for (std::size_t i = 0; i < configurations_.size(); ++i) {
        const bool superseded =
            i + 1 < configurations_.size() && configurations_[i + 1].first <= index;
        if (!superseded) {
            found.push_back(&configurations_[i].second);
        }
    }
    return found;
}

}  // namespace kumo::consensus
