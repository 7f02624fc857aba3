#pragma once

#include "search/index/index.h"
#include "search/query/matcher.h"
#include "search/query/request.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace kumo::search {

/// One hit in its final place, before its document is fetched.
struct RankedHit {
    std::size_t part = 0;
    DocId doc = 0;
    const Match* match = nullptr;  ///< Null when the query had no words.
    bool curated = false;
};

/// The best hits of all segments in the request's order: at least the first `offset + limit` of
/// them, or all. Ties go newest first; in a united snapshot, where
/// each part of the collection has an order of arrival of its own, the latest of each part come
/// first, in the order of the parts, then the second latest. `parts` outlives the result.
std::vector<RankedHit> rank(
    const Snapshot& snapshot,
    const SearchRequest& request,
    const std::vector<PartMatches>& parts,
    bool has_words
);

/// Hits that are kept for re-ranking by buckets.
inline constexpr std::size_t kBucketedHits = 250;

}  // namespace kumo::search
