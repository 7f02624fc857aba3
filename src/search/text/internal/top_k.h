#pragma once

#include "search/text/bm25.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace kumo::search {

/// The best k documents seen so far. Documents come in ascending order of (segment, document), so
/// one that only equals the worst kept score never replaces it. One owner.
class TopK {
public:
    explicit TopK(std::uint32_t k) : k_(k) {}

    void set_segment(std::uint32_t segment) { segment_ = segment; }

    /// Tells that at least k documents score more than `score`, unless it is 0.
    void prime(float score) { threshold_ = score > 0 ? score : threshold_; }

    bool full() const { return hits_.size() == k_; }

    bool can_prune() const { return threshold_ >= 0; }

    /// Scores at or below this cannot enter. Negative while anything can.
    float threshold() const { return threshold_; }

    bool wants(float score) const { return score > threshold_; }

    /// Requires wants(score).
    void add(float score, DocId doc) {
        if (full()) {
            std::pop_heap(hits_.begin(), hits_.end(), Better{});
            hits_.pop_back();
        }
        hits_.push_back({score, segment_, doc});
        std::push_heap(hits_.begin(), hits_.end(), Better{});
        if (full()) {
            threshold_ = std::max(threshold_, hits_.front().score);
        }
    }

    /// Best first. The object is spent afterwards.
    std::vector<Bm25Hit> take() {
        std::sort_heap(hits_.begin(), hits_.end(), Better{});
        return std::move(hits_);
    }

private:
    // A type, not a function: the heap functions inline it.
    struct Better {
        bool operator()(const Bm25Hit& a, const Bm25Hit& b) const {
            if (a.score != b.score) {
                return a.score > b.score;
            }
            return a.segment != b.segment ? a.segment < b.segment : a.doc < b.doc;
        }
    };

    std::uint32_t k_;
    std::uint32_t segment_ = 0;
    float threshold_ = -1;
    std::vector<Bm25Hit> hits_;
};

}  // namespace kumo::search
