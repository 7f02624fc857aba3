#include "search/aggregation/internal/bucket_maker.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace kumo::search::aggregation {

void BucketDocs::add(std::size_t bucket, const PartDocs& part, std::size_t at) {
    DocSet& docs = docs_[bucket];
    if (docs.empty() || docs.back().index != part.index || docs.back().part != part.part) {
        docs.push_back({part.index, part.part, {}, {}});
    }
    if (!docs.back().docs.empty() && docs.back().docs.back() == part.docs[at]) {
        return;
    }
    docs.back().docs.push_back(part.docs[at]);
    if (!part.scores.empty()) {
        docs.back().scores.push_back(part.scores[at]);
    }
}

Status
run_children(Run& run, const Level& level, const BucketDocs& docs, std::vector<Bucket>& out) {
    KUMO_TRY(run.add_buckets(out.size()));
    if (level.empty()) {
        return {};
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        KUMO_TRY(run.check());
        KUMO_TRY_ASSIGN(out[i].children, level.run(run, docs.of(i)));
    }
    return {};
}

bool orders_by_child(const std::vector<Order>& order) {
    return std::any_of(order.begin(), order.end(), [](const Order& one) {
        return one.by == OrderBy::kChild;
    });
}

Status sort_buckets(const std::vector<Order>& order, std::vector<Bucket>& buckets) {
    std::vector<std::vector<double>> values(order.size());
    for (std::size_t o = 0; o < order.size(); ++o) {
        for (const Bucket& bucket : buckets) {
            if (order[o].by == OrderBy::kChild) {
                KUMO_TRY_ASSIGN(const double value, value_at(bucket, order[o].path));
                values[o].push_back(value);
            }
        }
    }
    std::vector<std::size_t> places(buckets.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    const auto compare = [&](std::size_t a, std::size_t b) {
        for (std::size_t o = 0; o < order.size(); ++o) {
            const bool up = order[o].ascending;
            int sign = 0;
            if (order[o].by == OrderBy::kCount) {
                const auto x = buckets[a].doc_count;
                const auto y = buckets[b].doc_count;
                sign = x == y ? 0 : (x < y ? -1 : 1);
            } else if (order[o].by == OrderBy::kKey) {
                sign = less(buckets[a].key, buckets[b].key)   ? -1
                       : less(buckets[b].key, buckets[a].key) ? 1
                                                              : 0;
            } else {
                const double x = values[o][a];
                const double y = values[o][b];
                if (std::isnan(x) || std::isnan(y)) {
                    // What has no value is last, whichever way.
                    if (std::isnan(x) != std::isnan(y)) {
                        return std::isnan(y);
                    }
                    continue;
                }
                sign = x == y ? 0 : (x < y ? -1 : 1);
            }
            if (sign != 0) {
                return up ? sign < 0 : sign > 0;
            }
        }
        return false;
    };
    std::stable_sort(places.begin(), places.end(), compare);
    std::vector<Bucket> sorted;
    sorted.reserve(buckets.size());
    for (const std::size_t place : places) {
        sorted.push_back(std::move(buckets[place]));
    }
    buckets = std::move(sorted);
    return {};
}

}  // namespace kumo::search::aggregation
