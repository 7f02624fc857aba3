#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "search/index/index.h"
#include "search/join/join_keys.h"
#include "search/query/request.h"

namespace kumo::search {

/// Runs one search over one snapshot, on the calling thread. Stateless; any thread.
/// kInvalidArgument for a request that does not fit the schema (the dialect has usually said so in
/// its own words before). The collections it joins have their snapshots; `tables` (may be null) are
/// what earlier requests have made for joins.
Result<SearchResult> search(
    const Snapshot& snapshot,
    const SearchRequest& request,
    const Clock& clock,
    KeyTables* tables = nullptr
);

/// The ids of the documents that pass the filter, oldest first, at most `max` of them.
Result<std::vector<std::string>>
matching_ids(const Snapshot& snapshot, const Filter& filter, std::size_t max);

/// Calls `visit` with every stored document that passes the filter, in order of the segments,
/// until it returns false. For exports: hold the snapshot and go on from `Position`.
struct ScanPosition {
    std::size_t part = 0;
    std::uint32_t doc = 0;
};

/// Appends up to `max` documents (JSON objects) from `position` on and moves it. Fewer means the
/// end was reached.
Status scan_documents(
    const Snapshot& snapshot,
    const Filter& filter,
    std::size_t max,
    ScanPosition& position,
    std::vector<std::string>& out
);

}  // namespace kumo::search
