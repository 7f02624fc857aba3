#pragma once

#include "search/index/index.h"

#include <memory>
#include <span>

namespace kumo::search {

/// The snapshots of a collection's parts as one: whatever runs on it has the answers, counts and
/// statistics of one index with all documents. Segments stay in the order of the parts, and within
/// each oldest first, so documents of equal rank and equal place in their part's order of arrival
/// are told apart by their part. `applied_seq` is 0: every part has its own.
///
/// Costs a few words a segment; no document is copied. Requires at least one; the only one is the
/// answer itself.
std::shared_ptr<const Snapshot> unite(std::span<const std::shared_ptr<const Snapshot>> snapshots);

}  // namespace kumo::search
