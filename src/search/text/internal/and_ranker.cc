#include "search/text/internal/segment_query.h"

#include <algorithm>
#include <numeric>

namespace kumo::search {

void AndRanker::start(const SegmentQuery& query) {
    std::vector<Placed> placed;
    for (std::uint32_t i = 0; i < query.terms.size(); ++i) {
        placed.push_back({query.terms[i], i});
    }
    std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
        return a.term->df() < b.term->df();
    });
    terms_.clear();
    offsets_.clear();
    other_max_ = 0;
    weight_ = 0;
    for (const Placed& each : placed) {
        other_max_ += terms_.empty() ? 0 : each.term->max_score();
        weight_ += each.term->weight();
        terms_.push_back(each.term);
        offsets_.push_back(each.offset);
        each.term->cursor().set_block(0);
    }
    matcher_.start(terms_, *query.kernels);
}

/// Whether a document of the lead's current block can enter; if so, `need` is what it must score
/// for the lead term alone.
bool AndRanker::lead_block_can_enter(const TopK& top, float& need) {
    TermScorer& lead = *terms_[0];
    const float bound = lead.block_bound();
    if (!top.wants((bound + other_max_) * kBoundSlack)) {
        return false;
    }
    const DocId low = lead.cursor().block_floor();
    const DocId high = lead.cursor().block_last();
    float others = 0;
    for (std::size_t l = 1; l < terms_.size(); ++l) {
        others += terms_[l]->range_bound(low, high);
    }
    need = top.threshold() / kBoundSlack - others;
    return top.wants((bound + others) * kBoundSlack);
}

/// Scores the candidates whose lead score alone is more than `need`.
void AndRanker::score_candidates(TopK& top, float need) {
    const float* lead_scores = terms_[0]->score_block();
    for (std::uint32_t i = 0; i < matcher_.count(); ++i) {
        float score = lead_scores[matcher_.seat(0, i)];
        if (score <= need) {
            continue;
        }
        const float norm_weight = terms_[0]->norm_weight(matcher_.doc(i));
        for (std::uint32_t l = 1; l < terms_.size(); ++l) {
            score += terms_[l]->score_at(matcher_.seat(l, i), norm_weight);
        }
        if (top.wants(score)) {
            top.add(score, matcher_.doc(i));
        }
    }
}

void AndRanker::note_matches(const SegmentQuery& query) const {
    for (std::uint32_t i = 0; query.matches != nullptr && i < matcher_.count(); ++i) {
        query.matches[matcher_.doc(i) / 64] |= std::uint64_t{1} << (matcher_.doc(i) % 64);
    }
}

std::uint64_t AndRanker::all_of(const SegmentQuery& query, TopK* top, bool count) {
    start(query);
    TermScorer& lead = *terms_[0];
    std::uint64_t matches = 0;
    for (std::uint32_t block = 0; block < lead.blocks(); ++block) {
        lead.cursor().set_block(block);
        float need = -1;
        const bool bounded = top != nullptr && top->can_prune();
        const bool rank = top != nullptr && (!bounded || lead_block_can_enter(*top, need));
        if (!rank && !count) {
            continue;
        }
        matcher_.load_lead();
        if (bounded && !count) {
            matcher_.prune_lead(need);
        }
        matcher_.intersect();
        matcher_.filter(query);
        matches += matcher_.count();
        note_matches(query);
        if (rank && matcher_.count() != 0) {
            score_candidates(*top, need);
        }
    }
    return count ? matches : 0;
}

float AndRanker::phrase_score(std::uint32_t i, std::uint32_t tf) const {
    auto f = static_cast<float>(tf);
    return weight_ * (f / (f + terms_[0]->norm_weight(matcher_.doc(i))));
}

/// A phrase occurs at most as often as its rarest word in the document.
bool AndRanker::phrase_can_enter(std::uint32_t i, const TopK& top) {
    std::uint32_t least = 0xFFFFFFFFU;
    for (std::uint32_t l = 0; l < terms_.size(); ++l) {
        least = std::min(least, terms_[l]->cursor().tf_at(matcher_.seat(l, i)));
    }
    return top.wants(phrase_score(i, least) * kBoundSlack);
}

/// How often the phrase occurs in candidate i.
std::uint32_t AndRanker::phrase_count(std::uint32_t i) {
    terms_[0]->cursor().positions_at(matcher_.seat(0, i), starts_);
    // A start may wrap below zero here; it then matches nothing.
    for (std::uint32_t& start : starts_) {
        start -= offsets_[0];
    }
    for (std::uint32_t l = 1; l < terms_.size() && !starts_.empty(); ++l) {
        terms_[l]->cursor().positions_at(matcher_.seat(l, i), positions_);
        std::size_t at = 0;
        std::size_t kept = 0;
        for (std::uint32_t start : starts_) {
            const auto wanted = static_cast<std::int64_t>(static_cast<std::int32_t>(start))
                                + std::int64_t{offsets_[l]};
            while (at < positions_.size() && positions_[at] < wanted) {
                ++at;
            }
            if (at < positions_.size() && positions_[at] == wanted) {
                starts_[kept++] = start;
            }
        }
        starts_.resize(kept);
    }
    return static_cast<std::uint32_t>(starts_.size());
}

/// A phrase's factor is at most that of each of its words: whether a document of the lead's current
/// block can enter, by what is known of the words there.
bool AndRanker::phrase_block_can_enter(const TopK& top) {
    const TermScorer& lead = *terms_[0];
    float factor = lead.block_bound() / lead.weight();
    if (!top.wants(weight_ * factor * kBoundSlack)) {
        return false;
    }
    const DocId low = terms_[0]->cursor().block_floor();
    const DocId high = terms_[0]->cursor().block_last();
    for (std::size_t l = 1; l < terms_.size(); ++l) {
        factor = std::min(factor, terms_[l]->range_bound(low, high) / terms_[l]->weight());
    }
    return top.wants(weight_ * factor * kBoundSlack);
}

/// Of the candidates, how many have the phrase; ranks those.
std::uint64_t AndRanker::phrase_candidates(const SegmentQuery& query, TopK* top, bool count) {
    std::uint64_t matches = 0;
    for (std::uint32_t i = 0; i < matcher_.count(); ++i) {
        if (!count && !phrase_can_enter(i, *top)) {
            continue;
        }
        const std::uint32_t tf = phrase_count(i);
        if (tf == 0) {
            continue;
        }
        ++matches;
        const DocId doc = matcher_.doc(i);
        if (query.matches != nullptr) {
            query.matches[doc / 64] |= std::uint64_t{1} << (doc % 64);
        }
        const float score = top == nullptr ? 0 : phrase_score(i, tf);
        if (top != nullptr && top->wants(score)) {
            top->add(score, doc);
        }
    }
    return matches;
}

std::uint64_t AndRanker::phrase(const SegmentQuery& query, TopK* top, bool count) {
    start(query);
    TermScorer& lead = *terms_[0];
    std::uint64_t matches = 0;
    for (std::uint32_t block = 0; block < lead.blocks(); ++block) {
        lead.cursor().set_block(block);
        const bool bounded = !count && top->can_prune();
        if (bounded && !phrase_block_can_enter(*top)) {
            continue;
        }
        matcher_.load_lead();
        if (bounded) {
            matcher_.prune_lead(top->threshold() / kBoundSlack * lead.weight() / weight_);
        }
        matcher_.intersect();
        matcher_.filter(query);
        matches += phrase_candidates(query, top, count);
    }
    return count ? matches : 0;
}

}  // namespace kumo::search
