#pragma once

#include "search/query/hit_order.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kumo::search {

/// Keeps the best hits in a bounded heap.
class BestHits {
public:
    BestHits(const HitOrder& order, std::size_t keep) : keep_(keep), better_{&order} {
        heap_.reserve(std::min<std::size_t>(keep, 4096));
    }

    void add(const ScoredHit& hit) {
        if (heap_.size() < keep_) {
            heap_.push_back(hit);
            std::push_heap(heap_.begin(), heap_.end(), better_);
            return;
        }
        if (!heap_.empty() && better_(hit, heap_.front())) {
            std::pop_heap(heap_.begin(), heap_.end(), better_);
            heap_.back() = hit;
            std::push_heap(heap_.begin(), heap_.end(), better_);
        }
    }

    /// Whether a hit with this first number is worse than all that are kept, and those are as many
    /// as are wanted.
    bool is_hopeless(std::int64_t first_number) const {
        return heap_.size() == keep_ && !heap_.empty() && first_number < heap_[0].numbers[0];
    }

    /// The first number that a hit needs at least; nothing while fewer are kept than wanted.
    std::optional<std::int64_t> first_number_needed() const {
        return heap_.size() == keep_ && !heap_.empty() ? std::optional(heap_[0].numbers[0])
                                                       : std::nullopt;
    }

    /// Best first.
    std::vector<ScoredHit> take() {
        std::sort_heap(heap_.begin(), heap_.end(), better_);
        return std::move(heap_);
    }

private:
    struct Better {
        const HitOrder* order;

        bool operator()(const ScoredHit& a, const ScoredHit& b) const {
            return order->better(a, b);
        }
    };

    std::size_t keep_;
    Better better_;
    std::vector<ScoredHit> heap_;
};

/// Keeps the best hit of each of the best groups (whatever `Id` tells apart). A group that was
/// pushed out comes back only by a hit better than all it had before, so nothing need be remembered
/// of it.
template <typename Id>
class BestOfEach {
public:
    BestOfEach(const HitOrder& order, std::size_t keep) : keep_(keep), entries_(Better{&order}) {}

    void add(const ScoredHit& hit, Id id) {
        const Entry entry{hit, id};
        const Better better = entries_.key_comp();
        if (keep_ == 0 || (entries_.size() == keep_ && !better(entry, *entries_.rbegin()))) {
            return;
        }
        if (const auto known = places_.find(id); known != places_.end()) {
            if (!better(entry, *known->second)) {
                return;
            }
            entries_.erase(known->second);
            places_.erase(known);
        }
        if (entries_.size() == keep_) {
            const auto worst = std::prev(entries_.end());
            places_.erase(worst->id);
            entries_.erase(worst);
        }
        places_.emplace(id, entries_.insert(entry).first);
    }

    bool is_hopeless(std::int64_t first_number) const {
        return entries_.size() == keep_ && !entries_.empty()
               && first_number < entries_.rbegin()->hit.numbers[0];
    }

    /// Best first.
    std::vector<ScoredHit> take() const {
        std::vector<ScoredHit> out;
        out.reserve(entries_.size());
        for (const Entry& entry : entries_) {
            out.push_back(entry.hit);
        }
        return out;
    }

private:
    struct Entry {
        ScoredHit hit;
        Id id;
    };

    struct Better {
        const HitOrder* order;

        bool operator()(const Entry& a, const Entry& b) const {
            return order->better(a.hit, b.hit);
        }
    };

    std::size_t keep_;
    std::set<Entry, Better> entries_;
    std::unordered_map<Id, typename std::set<Entry, Better>::iterator> places_;
};

}  // namespace kumo::search
