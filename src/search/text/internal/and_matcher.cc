#include "search/text/internal/segment_query.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

namespace kumo::search {
namespace {

/// From this many candidates in one block on, intersecting whole vectors beats searching for each.
constexpr std::uint32_t kVectorCandidatesMin = 12;

}  // namespace

void AndMatcher::start(std::span<TermScorer*> terms, const Kernels& kernels) {
    terms_ = terms;
    kernels_ = &kernels;
    if (places_.size() < terms.size()) {
        places_.resize(terms.size());
    }
}

void AndMatcher::load_lead() {
    PostingsCursor& lead = terms_[0]->cursor();
    lead.load_docs();
    count_ = lead.size();
    std::memcpy(docs_.data(), lead.docs(), count_ * sizeof(DocId));
    std::iota(places_[0].index.begin(), places_[0].index.begin() + count_, 0U);
    std::fill_n(places_[0].block.begin(), count_, lead.block());
}

void AndMatcher::prune_lead(float need) {
    const float* scores = terms_[0]->score_block();
    std::uint32_t n = 0;
    for (std::uint32_t i = 0; i < count_; ++i) {
        docs_[n] = docs_[i];
        places_[0].index[n] = i;
        n += scores[i] > need ? 1 : 0;
    }
    count_ = n;
}

void AndMatcher::intersect() {
    for (std::uint32_t l = 1; l < terms_.size() && count_ != 0; ++l) {
        intersect_with(l);
    }
}

void AndMatcher::intersect_with(std::uint32_t l) {
    PostingsCursor& cursor = terms_[l]->cursor();
    kept_count_ = 0;
    for (std::uint32_t from = 0; from < count_ && cursor.seek_block(docs_[from]);) {
        const DocId last = cursor.block_last();
        std::uint32_t to = from + 1;
        while (to < count_ && docs_[to] <= last) {
            ++to;
        }
        std::uint32_t before = kept_count_;
        kept_count_ += cursor.is_bitset() && !cursor.docs_loaded() ? match_bitset(l, from, to)
                                                                   : match_docs(l, from, to);
        std::fill(
            places_[l].block.begin() + before,
            places_[l].block.begin() + kept_count_,
            cursor.block()
        );
        from = to;
    }
    keep(l, kept_count_);
}

/// Appends those of the candidates [from, to) that a bitset block has, without decoding it.
std::uint32_t AndMatcher::match_bitset(std::uint32_t l, std::uint32_t from, std::uint32_t to) {
    const PostingsCursor& cursor = terms_[l]->cursor();
    const DocId base = cursor.bitset_base();
    std::uint32_t* kept = kept_.data() + kept_count_;
    std::uint32_t* index = places_[l].index.data() + kept_count_;
    std::uint32_t found = 0;
    std::uint32_t ranked_words = 0;
    std::uint32_t rank = 0;
    for (std::uint32_t i = from; i < to; ++i) {
        if (docs_[i] < base) {
            continue;
        }
        const std::uint32_t word = (docs_[i] - base) / 64;
        const std::uint32_t bit = (docs_[i] - base) % 64;
        const std::uint64_t bits = cursor.bitset_word(word);
        if ((bits >> bit & 1U) == 0) {
            continue;
        }
        for (; ranked_words < word; ++ranked_words) {
            rank += static_cast<std::uint32_t>(std::popcount(cursor.bitset_word(ranked_words)));
        }
        kept[found] = i;
        const int below = std::popcount(bits & ((std::uint64_t{1} << bit) - 1));
        index[found++] = PostingsCursor::rank_in_block(rank + static_cast<std::uint32_t>(below));
    }
    return found;
}

/// The same for a block that is, or has to be, decoded.
std::uint32_t AndMatcher::match_docs(std::uint32_t l, std::uint32_t from, std::uint32_t to) {
    PostingsCursor& cursor = terms_[l]->cursor();
    cursor.load_docs();
    std::uint32_t* kept = kept_.data() + kept_count_;
    std::uint32_t* index = places_[l].index.data() + kept_count_;
    std::uint32_t found = 0;
    if (to - from >= kVectorCandidatesMin) {
        found = kernels_->intersect(
            docs_.data() + from,
            to - from,
            cursor.docs(),
            cursor.size(),
            kept,
            index
        );
        for (std::uint32_t i = 0; i < found; ++i) {
            kept[i] += from;
        }
        return found;
    }
    std::uint32_t at = 0;
    for (std::uint32_t i = from; i < to; ++i) {
        at = kernels_->lower_bound(cursor.docs(), at, docs_[i]);
        kept[found] = i;
        index[found] = at;
        found += cursor.docs()[at] == docs_[i] ? 1 : 0;
    }
    return found;
}

/// Drops all candidates but kept_, from the lists of the first `terms` terms.
void AndMatcher::keep(std::uint32_t terms, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        docs_[i] = docs_[kept_[i]];
    }
    for (std::uint32_t l = 0; l < terms; ++l) {
        for (std::uint32_t i = 0; i < count; ++i) {
            places_[l].block[i] = places_[l].block[kept_[i]];
            places_[l].index[i] = places_[l].index[kept_[i]];
        }
    }
    count_ = count;
}

void AndMatcher::filter(const SegmentQuery& query) {
    if (query.allows_all()) {
        return;
    }
    std::uint32_t n = 0;
    for (std::uint32_t i = 0; i < count_; ++i) {
        kept_[n] = i;
        n += query.allows(docs_[i]) ? 1 : 0;
    }
    keep(static_cast<std::uint32_t>(terms_.size()), n);
}

}  // namespace kumo::search
