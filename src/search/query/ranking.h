#pragma once

#include "search/query/grouping.h"
#include "search/query/hit_order.h"
#include "search/query/matcher.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace kumo::search {

/// What there is to rank.
struct Ranked {
    const std::vector<PartMatches>& parts;  ///< Outlives the results.
    bool has_words;                         ///< Hits are `matches`, else `matched`.
};

/// Calls visit(part, doc, match) for every hit, newest first: where hits are equal, the best come
/// first. `match` is null if the query had no words.
template <typename Visit>
void for_each_hit(const Ranked& ranked, Visit visit) {
    for (std::size_t p = ranked.parts.size(); p-- > 0;) {
        const PartMatches& part = ranked.parts[p];
        if (ranked.has_words) {
            for (std::size_t i = part.matches.size(); i-- > 0;) {
                visit(p, part.matches[i].doc, &part.matches[i]);
            }
        } else {
            part.matched.for_each_backwards([&](std::size_t doc) {
                visit(p, static_cast<DocId>(doc), static_cast<const Match*>(nullptr));
            });
        }
    }
}

/// The best hits of all segments in order: at least the first `keep` of them, or all.
std::vector<RankedHit> rank(const HitOrder& order, const Ranked& ranked, std::size_t keep);

/// The best hit of each of the best groups, in order: at least the first `keep` groups, or all.
/// With buckets of text match, those are made of the groups' best hits.
std::vector<RankedHit>
rank_groups(const HitOrder& order, const Groups& groups, const Ranked& ranked, std::size_t keep);

/// Puts things that pins bring at their places among the ranked ones; those of one position
/// one after the other.
template <typename T>
void insert_at_positions(std::vector<std::pair<std::uint32_t, T>> pinned, std::vector<T>& ranked) {
    std::size_t at = 0;
    std::uint32_t last = 0;
    for (auto& [position, thing] : pinned) {
        at = position != last ? position - std::min(position, 1U) : at;
        last = position;
        at = std::min(at, ranked.size());
        ranked.insert(ranked.begin() + static_cast<std::ptrdiff_t>(at++), std::move(thing));
    }
}

/// Some hits of one group, in order.
struct RankedGroup {
    GroupId group = 0;
    std::vector<RankedHit> hits;
};

/// Completes the hits of each of these (different) groups by its best ones to `limit`.
void fill_groups(
    const HitOrder& order,
    const Groups& groups,
    const Ranked& ranked,
    std::size_t limit,
    std::vector<RankedGroup>& wanted
);

}  // namespace kumo::search
