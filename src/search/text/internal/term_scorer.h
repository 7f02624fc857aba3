#pragma once

#include "search/text/internal/kernels.h"
#include "search/text/postings_cursor.h"
#include "search/text/text_reader.h"

#include <array>
#include <cstdint>

namespace kumo::search {

/// What all terms of a query share in one segment.
struct ScoreContext {
    const std::uint8_t* norms;
    const std::array<float, 256>* norm_weight;
    const Kernels* kernels;
    float bound_scale;  ///< Stored bounds times this hold for norm_weight. At least 1.
};

/// Bounds are multiplied by this before they are compared: sums of the same numbers in another
/// order differ by less.
inline constexpr float kBoundSlack = 1.00001F;

/// One term of a BM25 query in one segment: a cursor used block by block, with scores and upper
/// bounds. One owner; reused from query to query.
class TermScorer {
public:
    /// The reader must outlive the use.
    void open(const TextReader& text, TermHandle term, const ScoreContext& context, float weight);

    PostingsCursor& cursor() { return cursor_; }

    std::uint32_t df() const { return cursor_.doc_count(); }

    std::uint32_t blocks() const { return cursor_.view().blocks; }

    /// No document scores more.
    float max_score() const { return max_score_; }

    /// No document of the current block scores more.
    float block_bound() const { return bound_of(cursor_.block()); }

    /// No document in [low, high] scores more. Moves the cursor to low's block.
    float range_bound(DocId low, DocId high);

    /// The scores of the current block's documents.
    const float* score_block();

    float norm_weight(DocId doc) const { return (*context_.norm_weight)[context_.norms[doc]]; }

    float score(std::uint32_t tf, float norm_weight) const {
        auto f = static_cast<float>(tf);
        return weight_ * (f / (f + norm_weight));
    }

    /// The score of the i-th document of the current block.
    float score_at(std::uint32_t i, float norm_weight) {
        return score(cursor_.tf_at(i), norm_weight);
    }

    float weight() const { return weight_; }

    /// First document of the loaded block at or past target, from index `from` on.
    std::uint32_t lower_bound(std::uint32_t from, DocId target) const {
        return context_.kernels->lower_bound(cursor_.docs(), from, target);
    }

    /// Whether the term is in `doc`, and where in the (then current) block. Documents asked for
    /// ascend.
    bool probe(DocId doc, std::uint32_t& i);

private:
    static constexpr std::uint32_t kNotScored = 0xFFFFFFFFU;

    float bound_of(std::uint32_t block) const {
        return std::min(weight_, bound_weight_ * cursor_.view().max_factor[block]);
    }

    bool probe_bitset(DocId doc, std::uint32_t& i) const;

    PostingsCursor cursor_;
    ScoreContext context_{};
    float weight_ = 0;
    float bound_weight_ = 0;
    float max_score_ = 0;
    std::uint32_t scored_block_ = kNotScored;
    std::uint32_t probed_block_ = kNotScored;
    std::uint32_t probe_from_ = 0;
    alignas(64) std::array<float, kPostingBlock + 16> scores_{};
};

}  // namespace kumo::search
