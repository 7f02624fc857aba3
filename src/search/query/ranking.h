#pragma once

#include "search/query/grouping.h"
#include "search/query/hit_order.h"
#include "search/query/matcher.h"

#include <cstdint>
#include <vector>

namespace kumo::search {

/// What there is to rank.
struct Ranked {
    const std::vector<PartMatches>& parts;  ///< Outlives the results.
    bool has_words;                         ///< Hits are `matches`, else `matched`.
};

/// The best hits of all segments in order: at least the first `keep` of them, or all.
std::vector<RankedHit> rank(const HitOrder& order, const Ranked& ranked, std::size_t keep);

/// The best hit of each of the best groups, in order: at least the first `keep` groups, or all.
/// With buckets of text match, those are made of the groups' best hits.
std::vector<RankedHit>
rank_groups(const HitOrder& order, const Groups& groups, const Ranked& ranked, std::size_t keep);

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
