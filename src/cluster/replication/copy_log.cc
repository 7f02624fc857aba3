#include "cluster/replication/copy_log.h"

#include "base/assert.h"

#include <utility>

namespace kumo::cluster {

namespace {

constexpr std::size_t kEntryOverheadBytes = 128;

std::size_t bytes_of(const LogEntry& entry) {
    return kEntryOverheadBytes + entry.operation.size();
}

}  // namespace

std::optional<Term> CopyLog::term(Seq seq) const {
    if (seq == base_) {
        return base_term_;
    }
    if (seq < base_ || seq > last()) {
        return std::nullopt;
    }
    return at(seq)->term;
}

const EntryPtr& CopyLog::at(Seq seq) const {
    KUMO_ASSERT(seq > base_ && seq <= last());
    return entries_[seq - base_ - 1];
}

void CopyLog::append(EntryPtr entry) {
    KUMO_ASSERT(entry->seq == last() + 1);
    bytes_ += bytes_of(*entry);
    entries_.push_back(std::move(entry));
}

void CopyLog::truncate(Seq from) {
    KUMO_ASSERT(from > base_);
    while (last() >= from) {
        bytes_ -= bytes_of(*entries_.back());
        entries_.pop_back();
    }
}

void CopyLog::trim(Seq seq) {
    while (base_ < seq && !entries_.empty()) {
        base_term_ = entries_.front()->term;
        bytes_ -= bytes_of(*entries_.front());
        entries_.pop_front();
        ++base_;
    }
}

}  // namespace kumo::cluster
