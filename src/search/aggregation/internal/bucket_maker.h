#pragma once

#include "search/aggregation/aggregation.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kumo::search::aggregation {

/// The documents of several buckets, gathered in one pass over all of them. One owner.
class BucketDocs {
public:
    explicit BucketDocs(std::size_t buckets) : docs_(buckets) {}

    /// Documents of a segment come together, ascending; a document once.
    void add(std::size_t bucket, const PartDocs& part, std::size_t at);

    const DocSet& of(std::size_t bucket) const { return docs_[bucket]; }

    void grow(std::size_t buckets) { docs_.resize(buckets); }

private:
    std::vector<DocSet> docs_;
};

/// Runs `level` on the documents of each bucket. Buckets are counted against the limit here.
Status run_children(Run& run, const Level& level, const BucketDocs& docs, std::vector<Bucket>& out);

/// Sorts by the orders, one after the other. kInvalidArgument for a path that is not there.
Status sort_buckets(const std::vector<Order>& order, std::vector<Bucket>& buckets);

bool orders_by_child(const std::vector<Order>& order);

}  // namespace kumo::search::aggregation
