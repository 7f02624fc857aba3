#pragma once

#include "search/text/internal/term_scorer.h"
#include "search/text/internal/top_k.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

/// The algorithms of BM25 on one segment. Each takes the query's terms as opened TermScorers and
/// leaves their cursors anywhere.
namespace kumo::search {

/// One query on one segment.
struct SegmentQuery {
    std::span<TermScorer*> terms;
    DocId doc_limit;
    const std::uint64_t* filter;  ///< Bitmap of documents that may match; null: all.
    DocPages deleted;
    const Kernels* kernels;
    std::uint64_t* matches = nullptr;  ///< If given, AndRanker sets the bits of what it counts.

    bool allows_all() const { return filter == nullptr && deleted.empty(); }

    bool allows(DocId doc) const {
        return (filter == nullptr || (filter[doc / 64] >> (doc % 64) & 1U) != 0)
               && !has_doc(deleted, doc);
    }

    /// Takes the documents that may not match out of a bitmap.
    void restrict(std::uint64_t* words) const {
        const std::uint64_t size = (std::uint64_t{doc_limit} + 63) / 64;
        for (std::uint64_t i = 0; filter != nullptr && i < size; ++i) {
            words[i] &= filter[i];
        }
        remove_docs(deleted, words, size);
    }
};

/// Top-k of a single term: skips blocks by their bounds.
void top_of_term(const SegmentQuery& query, TopK& top);

/// Top-k of any-of: block-max MaxScore in windows of documents. In a window, the lists that could
/// not lift a document over the threshold together (non-essential) are only probed; the others add
/// their scores into an array that is then compared with the threshold many lanes at a time.
class OrRanker {
public:
    OrRanker();
    void run(const SegmentQuery& query, TopK& top);

private:
    /// A list and what it can add to a document's score in the current window.
    struct Bounded {
        float bound;
        TermScorer* term;
    };

    bool next_window();
    bool rank_window();
    void scan_single();
    void scan_blocks(DocId low, DocId high);
    bool accumulate(TermScorer& term, DocId low, DocId high);
    void collect(DocId low, DocId high);
    void finish(DocId doc, float score);

    const SegmentQuery* query_ = nullptr;
    TopK* top_ = nullptr;
    std::vector<TermScorer*> by_max_;
    std::vector<Bounded> lists_;        // ascending by bound in the window
    std::vector<float> bound_through_;  // [i] = sum of the bounds of lists_[0..i)
    std::uint32_t essential_ = 0;       // the first essential list
    DocId window_ = 0;
    DocId window_end_ = 0;  // inclusive
    std::vector<float> scores_;
};

/// The documents that all terms share, a block of the rarest term at a time.
class AndMatcher {
public:
    /// Terms in ascending order of df.
    void start(std::span<TermScorer*> terms, const Kernels& kernels);

    /// Candidates: the lead term's documents in its current block.
    void load_lead();

    /// Keeps those candidates whose lead score is more than `need`.
    void prune_lead(float need);

    /// Keeps those that all other terms have too.
    void intersect();

    /// Keeps those that the query allows.
    void filter(const SegmentQuery& query);

    std::uint32_t count() const { return count_; }

    DocId doc(std::uint32_t i) const { return docs_[i]; }

    /// Puts term l's cursor on the block of candidate i and says where in it the candidate is.
    std::uint32_t seat(std::uint32_t l, std::uint32_t i) {
        terms_[l]->cursor().set_block(places_[l].block[i]);
        return places_[l].index[i];
    }

private:
    static constexpr std::uint32_t kRoom = kPostingBlock + 32;

    /// Where each candidate lies in one term's list.
    struct Places {
        std::array<std::uint32_t, kRoom> block;
        std::array<std::uint32_t, kRoom> index;
    };

    void intersect_with(std::uint32_t l);
    std::uint32_t match_bitset(std::uint32_t l, std::uint32_t from, std::uint32_t to);
    std::uint32_t match_docs(std::uint32_t l, std::uint32_t from, std::uint32_t to);
    void keep(std::uint32_t terms, std::uint32_t count);

    std::span<TermScorer*> terms_;
    const Kernels* kernels_ = nullptr;
    std::uint32_t count_ = 0;
    std::array<DocId, kRoom> docs_{};
    std::array<std::uint32_t, kRoom> kept_{};
    std::uint32_t kept_count_ = 0;
    std::vector<Places> places_;
};

/// All-of and phrases. With `count`, visits every match and returns their number; without, only
/// what can enter `top` and returns 0. `top` may be null.
class AndRanker {
public:
    std::uint64_t all_of(const SegmentQuery& query, TopK* top, bool count);

    /// The terms' order is the phrase's.
    std::uint64_t phrase(const SegmentQuery& query, TopK* top, bool count);

private:
    /// A term of a phrase and its place in it.
    struct Placed {
        TermScorer* term;
        std::uint32_t offset;
    };

    void start(const SegmentQuery& query);
    bool lead_block_can_enter(const TopK& top, float& need);
    void score_candidates(TopK& top, float need);
    float phrase_score(std::uint32_t i, std::uint32_t tf) const;
    bool phrase_can_enter(std::uint32_t i, const TopK& top);
    bool phrase_block_can_enter(const TopK& top);
    std::uint64_t phrase_candidates(const SegmentQuery& query, TopK* top, bool count);
    void note_matches(const SegmentQuery& query) const;
    std::uint32_t phrase_count(std::uint32_t i);

    AndMatcher matcher_;
    std::vector<TermScorer*> terms_;      // ascending by df
    std::vector<std::uint32_t> offsets_;  // of terms_ in the phrase
    float other_max_ = 0;                 // sum of max_score() of all but the lead
    float weight_ = 0;                    // sum of the terms' weights
    std::vector<std::uint64_t> places_;   // [term * kPostingBlock + candidate], of its positions
    std::vector<std::uint32_t> starts_;
    std::vector<std::uint32_t> positions_;
};

/// Counting all-of by bitsets. Keeps its words between queries.
class AndCounter {
public:
    /// Whether the terms' sizes make this the faster way.
    static bool pays(const SegmentQuery& query);

    std::uint64_t count(const SegmentQuery& query);

private:
    std::vector<std::uint64_t> words_;
    std::vector<std::uint64_t> other_;
};

/// Counting any-of by bitsets, and by inclusion and exclusion for two terms of unlike size. Keeps
/// its words between queries.
class OrCounter {
public:
    std::uint64_t count(const SegmentQuery& query);

    /// Sets the bits of the documents that match; `words` has no bit set yet.
    static void find(const SegmentQuery& query, std::uint64_t* words);

private:
    AndRanker and_ranker_;
    std::vector<std::uint64_t> words_;
};

}  // namespace kumo::search
