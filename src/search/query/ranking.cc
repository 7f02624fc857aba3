#include "search/query/ranking.h"

#include "search/query/best_hits.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace kumo::search {

namespace {

/// Whether the first key alone says that a hit is not among the best.
template <typename Best>
bool is_hopeless(
    const HitOrder& order,
    const Best& best,
    std::size_t part,
    DocId doc,
    const Match* match
) {
    return order.has_first_number() && best.is_hopeless(order.first_number(part, doc, match));
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

/// Documents that are looked at together: as many as a column's zone has.
constexpr std::uint32_t kTogether = 4096;

/// Adds the hits of a part that match no words and are ordered by a column first: of most documents
/// only that column is looked at, many at a time.
void add_by_column(
    const HitOrder& order,
    const PartMatches& matches,
    std::size_t part,
    BestHits& best
) {
    const ColumnReader& column = *order.first_column(part);
    const auto docs = static_cast<std::uint32_t>(matches.matched.size());
    std::vector<std::uint32_t> hopeful;
    for (std::uint32_t end = docs; end > 0;) {
        const std::uint32_t begin = (end - 1) / kTogether * kTogether;
        hopeful.clear();
        if (const auto needed = best.first_number_needed()) {
            // Numbers are turned so that larger is better: ~ turns them back.
            const bool least = order.first_descends();
            const std::int64_t bound = least ? *needed : ~*needed;
            column.find_beyond(matches.matched, {begin, end}, bound, least, hopeful);
        } else {
            matches.matched.for_each_in(begin, end, [&](std::size_t doc) {
                hopeful.push_back(static_cast<std::uint32_t>(doc));
            });
        }
        std::reverse(hopeful.begin(), hopeful.end());
        for (const std::uint32_t doc : hopeful) {
            if (!is_hopeless(order, best, part, doc, nullptr)) {
                best.add(order.score(part, doc, nullptr));
            }
        }
        end = begin;
    }
}

}  // namespace

std::vector<RankedHit> rank(const HitOrder& order, const Ranked& ranked, std::size_t keep) {
    BestHits best(order, kept(order, keep));
    if (!ranked.has_words && !ranked.parts.empty() && order.first_column(0) != nullptr) {
        for (std::size_t p = ranked.parts.size(); p-- > 0;) {
            add_by_column(order, ranked.parts[p], p, best);
        }
        return finish(order, best.take());
    }
    for_each_hit(ranked, [&](std::size_t part, DocId doc, const Match* match) {
        if (!is_hopeless(order, best, part, doc, match)) {
            best.add(order.score(part, doc, match));
        }
    });
    return finish(order, best.take());
}

std::vector<RankedHit>
rank_groups(const HitOrder& order, const Groups& groups, const Ranked& ranked, std::size_t keep) {
    BestOfEach<GroupId> best(order, kept(order, keep));
    for_each_hit(ranked, [&](std::size_t part, DocId doc, const Match* match) {
        if (!is_hopeless(order, best, part, doc, match)) {
            best.add(order.score(part, doc, match), groups.of(part, doc));
        }
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
