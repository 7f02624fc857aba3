#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "search/index/index.h"
#include "search/join/join_keys.h"
#include "search/query/request.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace kumo::search {

/// One search of a union. Searches over the same documents have the same snapshot, not equal ones.
struct UnionPart {
    std::shared_ptr<const Snapshot> snapshot;
    SearchRequest request;  ///< Its offset and limit mean nothing.
};

/// Several searches whose hits are put together in one order.
struct UnionRequest {
    std::vector<UnionPart> searches;
    bool remove_duplicates = true;  ///< A document counts once, as its best hit.
    std::uint64_t offset = 0;
    std::uint64_t limit = 10;
};

inline constexpr std::size_t kUnionSearchesMax = 1000;

struct UnionHit {
    std::size_t search = 0;  ///< Index of the search it is of.
    Hit hit;
};

struct UnionResult {
    std::uint64_t found = 0;   ///< Exact; without duplicates if they are removed.
    std::uint64_t out_of = 0;  ///< Documents in all of the different snapshots.
    std::vector<std::uint64_t> found_by_search;
    std::vector<UnionHit> hits;
    bool cut_off = false;  ///< The time limit ended one of them early.
};

/// Runs them on the calling thread. Text match counts as a key of a search without words too, with
/// a score of 0. Documents that searches pin have their positions in the whole, those of earlier
/// searches first. Stateless; any thread. kInvalidArgument if the searches do not sort by the same
/// types in the same orders, or for what has no meaning in a union: groups, facets, buckets.
Result<UnionResult>
search_union(const UnionRequest& request, const Clock& clock, KeyTables* tables = nullptr);

}  // namespace kumo::search
