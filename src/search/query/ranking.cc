#include "search/query/ranking.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <unordered_map>
#include <utility>

namespace kumo::search {

namespace {

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

/// Keeps the best groups, each by its best hit. A group that was pushed out comes back only by a
/// hit better than all it had before, so nothing need be remembered of it.
class BestGroups {
public:
    BestGroups(const HitOrder& order, std::size_t keep) : keep_(keep), entries_(Better{&order}) {}

    void add(const ScoredHit& hit, GroupId group) {
        const Entry entry{hit, group};
        const Better better = entries_.key_comp();
        if (keep_ == 0 || (entries_.size() == keep_ && !better(entry, *entries_.rbegin()))) {
            return;
        }
        if (const auto known = places_.find(group); known != places_.end()) {
            if (!better(entry, *known->second)) {
                return;
            }
            entries_.erase(known->second);
            places_.erase(known);
        }
        if (entries_.size() == keep_) {
            const auto worst = std::prev(entries_.end());
            places_.erase(worst->group);
            entries_.erase(worst);
        }
        places_.emplace(group, entries_.insert(entry).first);
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
        GroupId group;
    };

    struct Better {
        const HitOrder* order;

        bool operator()(const Entry& a, const Entry& b) const {
            return order->better(a.hit, b.hit);
        }
    };

    std::size_t keep_;
    std::set<Entry, Better> entries_;
    std::unordered_map<GroupId, std::set<Entry, Better>::iterator> places_;
};

template <typename Visit>
void for_each_hit(const Ranked& ranked, Visit visit) {
    for (std::size_t p = 0; p < ranked.parts.size(); ++p) {
        if (ranked.has_words) {
            for (const Match& match : ranked.parts[p].matches) {
                visit(p, match.doc, &match);
            }
        } else {
            ranked.parts[p].matched.for_each([&](std::size_t doc) {
                visit(p, static_cast<DocId>(doc), static_cast<const Match*>(nullptr));
            });
        }
    }
}

std::size_t kept(const HitOrder& order, std::size_t keep) {
    return order.has_buckets() ? std::max(keep, HitOrder::kBucketedHits) : keep;
}

std::vector<RankedHit> finish(const HitOrder& order, std::vector<ScoredHit> hits) {
    order.apply_buckets(hits);
    std::vector<RankedHit> out;
    out.reserve(hits.size());
    for (const ScoredHit& hit : hits) {
        out.push_back(hit.hit);
    }
    return out;
}

}  // namespace

std::vector<RankedHit> rank(const HitOrder& order, const Ranked& ranked, std::size_t keep) {
    BestHits best(order, kept(order, keep));
    for_each_hit(ranked, [&](std::size_t part, DocId doc, const Match* match) {
        best.add(order.score(part, doc, match));
    });
    return finish(order, best.take());
}

std::vector<RankedHit>
rank_groups(const HitOrder& order, const Groups& groups, const Ranked& ranked, std::size_t keep) {
    BestGroups best(order, kept(order, keep));
    for_each_hit(ranked, [&](std::size_t part, DocId doc, const Match* match) {
        best.add(order.score(part, doc, match), groups.of(part, doc));
    });
    return finish(order, best.take());
}

void fill_groups(
    const HitOrder& order,
    const Groups& groups,
    const Ranked& ranked,
    std::size_t limit,
    std::vector<RankedGroup>& wanted
) {
    std::unordered_map<GroupId, BestHits> best;
    for (RankedGroup& group : wanted) {
        group.hits.resize(std::min(group.hits.size(), limit));
        best.try_emplace(group.group, order, limit - group.hits.size());
    }
    for_each_hit(ranked, [&](std::size_t part, DocId doc, const Match* match) {
        if (const auto at = best.find(groups.of(part, doc)); at != best.end()) {
            at->second.add(order.score(part, doc, match));
        }
    });
    for (RankedGroup& group : wanted) {
        for (const ScoredHit& hit : best.at(group.group).take()) {
            group.hits.push_back(hit.hit);
        }
    }
}

}  // namespace kumo::search
