#include "search/text/internal/term_scorer.h"

#include <algorithm>
#include <bit>

namespace kumo::search {
namespace {

/// How many blocks range_bound() looks at before it settles for the term's bound.
constexpr std::uint32_t kRangeBlocksMax = 24;

}  // namespace

void TermScorer::open(
    const TextReader& text,
    TermHandle term,
    const ScoreContext& context,
    float weight
) {
    text.open(term, cursor_);
    context_ = context;
    weight_ = weight;
    cursor_.prepare_bounds(context.norms, *context.norm_weight);
    bound_weight_ = cursor_.stores_bounds() ? weight * context.bound_scale : weight;
    max_score_ = std::min(weight, bound_weight_ * cursor_.view().best_factor);
    scored_block_ = kNotScored;
    probed_block_ = kNotScored;
}

float TermScorer::range_bound(DocId low, DocId high) {
    if (!cursor_.seek_block(low)) {
        return 0;
    }
    const PostingsView& view = cursor_.view();
    float best = 0;
    for (std::uint32_t block = cursor_.block(), n = 0; block < view.blocks; ++block, ++n) {
        if (n == kRangeBlocksMax) {
            return max_score_;
        }
        best = std::max(best, view.max_factor[block]);
        if (view.last_doc[block] >= high) {
            break;
        }
    }
    return std::min(weight_, bound_weight_ * best);
}

const float* TermScorer::score_block() {
    cursor_.load_docs();
    if (scored_block_ != cursor_.block()) {
        cursor_.load_tfs();
        scored_block_ = cursor_.block();
        context_.kernels->score_block(
            {cursor_.docs(),
             cursor_.tfs(),
             cursor_.size(),
             context_.norms,
             context_.norm_weight->data(),
             weight_},
            scores_.data()
        );
    }
    return scores_.data();
}

bool TermScorer::probe_bitset(DocId doc, std::uint32_t& i) const {
    const DocId base = cursor_.bitset_base();
    if (doc < base) {
        return false;
    }
    const std::uint32_t word = (doc - base) / 64;
    const std::uint64_t bits = cursor_.bitset_word(word);
    const std::uint32_t bit = (doc - base) % 64;
    if ((bits >> bit & 1U) == 0) {
        return false;
    }
    int rank = std::popcount(bits & ((std::uint64_t{1} << bit) - 1));
    for (std::uint32_t w = 0; w < word; ++w) {
        rank += std::popcount(cursor_.bitset_word(w));
    }
    i = PostingsCursor::rank_in_block(static_cast<std::uint32_t>(rank));
    return true;
}

bool TermScorer::probe(DocId doc, std::uint32_t& i) {
    if (!cursor_.seek_block(doc)) {
        return false;
    }
    if (cursor_.is_bitset() && !cursor_.docs_loaded()) {
        return probe_bitset(doc, i);
    }
    cursor_.load_docs();
    if (probed_block_ != cursor_.block()) {
        probed_block_ = cursor_.block();
        probe_from_ = 0;
    }
    probe_from_ = lower_bound(probe_from_, doc);
    i = probe_from_;
    return cursor_.docs()[i] == doc;
}

}  // namespace kumo::search
