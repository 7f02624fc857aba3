#include "search/text/internal/segment_query.h"

#include <algorithm>
#include <bit>

namespace kumo::search {
namespace {

/// Documents whose scores are summed up at once; 16 KiB of floats stay in the first-level cache.
constexpr DocId kAccumulate = 4096;

/// Windows of several essential lists are at least this wide, so that finding bounds and sorting
/// lists pays.
constexpr DocId kWindowMin = 1024;

}  // namespace

void top_of_term(const SegmentQuery& query, TopK& top) {
    TermScorer& term = *query.terms[0];
    for (std::uint32_t block = 0; block < term.blocks(); ++block) {
        term.cursor().set_block(block);
        if (!top.wants(term.block_bound() * kBoundSlack)) {
            continue;
        }
        const float* scores = term.score_block();
        const DocId* docs = term.cursor().docs();
        for (std::uint32_t i = 0; i < term.cursor().size(); ++i) {
            if (top.wants(scores[i]) && query.allows(docs[i])) {
                top.add(scores[i], docs[i]);
            }
        }
    }
}

OrRanker::OrRanker() : scores_(kAccumulate) {}

void OrRanker::run(const SegmentQuery& query, TopK& top) {
    query_ = &query;
    top_ = &top;
    by_max_.assign(query.terms.begin(), query.terms.end());
    std::sort(by_max_.begin(), by_max_.end(), [](const TermScorer* a, const TermScorer* b) {
        return a->max_score() < b->max_score();
    });
    lists_.resize(by_max_.size());
    bound_through_.resize(by_max_.size() + 1);
    window_ = 0;
    while (window_ < query.doc_limit && next_window()) {
        if (rank_window()) {
            if (essential_ + 1 == lists_.size()) {
                scan_single();
            } else {
                for (DocId low = window_; low <= window_end_; low += kAccumulate) {
                    scan_blocks(low, std::min(low + kAccumulate - 1, window_end_));
                }
            }
        }
        window_ = window_end_ + 1;
    }
}

/// Sets window_end_: to the nearest end of a block of the lists that are essential by their overall
/// bounds. False when nothing more can enter.
bool OrRanker::next_window() {
    float sum = 0;
    std::size_t first = 0;
    while (first < by_max_.size()) {
        sum += by_max_[first]->max_score();
        if (top_->wants(sum * kBoundSlack)) {
            break;
        }
        ++first;
    }
    if (first == by_max_.size()) {
        return false;
    }
    DocId end = query_->doc_limit - 1;
    bool any = false;
    for (std::size_t l = first; l < by_max_.size(); ++l) {
        PostingsCursor& cursor = by_max_[l]->cursor();
        if (cursor.seek_block(window_)) {
            any = true;
            end = std::min(end, cursor.block_last());
        }
    }
    const DocId least = first + 1 == by_max_.size() ? 0 : kWindowMin;
    window_end_ = std::min(std::max(end, window_ + least), query_->doc_limit - 1);
    return any;
}

/// Bounds the lists in the window and parts them into non-essential and essential. False if no
/// document of the window can enter.
bool OrRanker::rank_window() {
    float total = 0;
    for (std::size_t l = 0; l < by_max_.size(); ++l) {
        float bound = by_max_[l]->range_bound(window_, window_end_);
        lists_[l] = {bound, by_max_[l]};
        total += bound;
    }
    if (!top_->wants(total * kBoundSlack)) {
        return false;
    }
    std::sort(lists_.begin(), lists_.end(), [](const Bounded& a, const Bounded& b) {
        return a.bound < b.bound;
    });
    for (std::size_t l = 0; l < lists_.size(); ++l) {
        bound_through_[l + 1] = bound_through_[l] + lists_[l].bound;
    }
    essential_ = 0;
    while (essential_ < lists_.size() && !top_->wants(bound_through_[essential_ + 1] * kBoundSlack)
    ) {
        ++essential_;
    }
    return essential_ < lists_.size();
}

/// Adds what the non-essential lists give to a document's score, as long as it can still enter.
void OrRanker::finish(DocId doc, float score) {
    if (!query_->allows(doc)) {
        return;
    }
    for (std::uint32_t l = essential_; l-- > 0;) {
        if (!top_->wants((score + bound_through_[l + 1]) * kBoundSlack)) {
            return;
        }
        std::uint32_t i = 0;
        if (lists_[l].term->probe(doc, i)) {
            score += lists_[l].term->score_at(i, lists_[l].term->norm_weight(doc));
        }
    }
    if (top_->wants(score)) {
        top_->add(score, doc);
    }
}

/// One essential list: its documents need no array.
void OrRanker::scan_single() {
    TermScorer& term = *lists_[essential_].term;
    PostingsCursor& cursor = term.cursor();
    const float others = bound_through_[essential_];
    for (DocId low = window_; low <= window_end_ && cursor.seek_block(low);
         low = cursor.block_last() + 1) {
        if (cursor.block_floor() > window_end_) {
            return;
        }
        if (!top_->wants((term.block_bound() + others) * kBoundSlack)) {
            continue;
        }
        const float* scores = term.score_block();
        const DocId* docs = cursor.docs();
        std::uint32_t i = docs[0] < low ? term.lower_bound(0, low) : 0;
        for (; i < cursor.size() && docs[i] <= window_end_; ++i) {
            if (top_->wants((scores[i] + others) * kBoundSlack)) {
                finish(docs[i], scores[i]);
            }
        }
    }
}

void OrRanker::scan_blocks(DocId low, DocId high) {
    std::fill_n(scores_.begin(), (high - low) / 64 * 64 + 64, 0.0F);
    bool any = false;
    for (std::size_t l = essential_; l < lists_.size(); ++l) {
        any = accumulate(*lists_[l].term, low, high) || any;
    }
    if (any) {
        collect(low, high);
    }
}

bool OrRanker::accumulate(TermScorer& term, DocId low, DocId high) {
    PostingsCursor& cursor = term.cursor();
    bool any = false;
    for (DocId from = low; from <= high && cursor.seek_block(from);
         from = cursor.block_last() + 1) {
        if (cursor.block_floor() > high) {
            break;
        }
        const float* scores = term.score_block();
        const DocId* docs = cursor.docs();
        std::uint32_t i = docs[0] < from ? term.lower_bound(0, from) : 0;
        std::uint32_t end = cursor.size();
        if (docs[end - 1] > high) {
            end = term.lower_bound(i, high + 1);
        }
        float* sums = scores_.data();
        for (; i < end; ++i) {
            sums[docs[i] - low] += scores[i];
        }
        any = true;
    }
    return any;
}

void OrRanker::collect(DocId low, DocId high) {
    const float others = bound_through_[essential_];
    for (DocId first = low; first <= high; first += 64) {
        const float* sums = scores_.data() + (first - low);
        const float need = std::max(top_->threshold() / kBoundSlack - others, 0.0F);
        for (std::uint64_t bits = query_->kernels->above(sums, need); bits != 0; bits &= bits - 1) {
            auto i = static_cast<std::uint32_t>(std::countr_zero(bits));
            if (top_->wants((sums[i] + others) * kBoundSlack)) {
                finish(first + i, sums[i]);
            }
        }
    }
}

}  // namespace kumo::search
