#pragma once

#include "search/aggregation/aggregation.h"
#include "search/aggregation/internal/bucket_maker.h"

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace kumo::search::aggregation {

struct KeyHash {
    std::size_t operator()(const Key& key) const;
};

/// For how many documents each key is there.
using KeyCounts = std::unordered_map<Key, std::uint64_t, KeyHash>;

Result<KeyCounts> count_keys(Run& run, const Values& values, const DocSet& docs);

/// The documents that have each of the keys, by its place.
Result<BucketDocs> gather_docs(
    Run& run,
    const Values& values,
    const DocSet& docs,
    const std::unordered_map<Key, std::size_t, KeyHash>& places
);

}  // namespace kumo::search::aggregation
