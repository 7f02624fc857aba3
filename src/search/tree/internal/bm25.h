#pragma once

#include "search/tree/evaluation.h"

#include <array>
#include <cstdint>

namespace kumo::search::tree {

/// ln(1 + (N - df + 0.5) / (df + 0.5)), as a float.
float inverse_frequency(std::uint64_t docs, std::uint64_t df);

/// The scores of one term or phrase over all segments: BM25 in Lucene's order of operations, with
/// the factor k1 + 1. Immutable.
class TermWeight {
public:
    /// `idf`: of the term, or the sum of a phrase's.
    TermWeight(const FieldStatistics& field, float idf, float boost);

    float score(float frequency, std::uint8_t norm) const {
        return weight_ - weight_ / (1 + frequency * inverse_norm_[norm]);
    }

private:
    float weight_;
    std::array<float, 256> inverse_norm_{};
};

/// The norm of a text of one token: for fields without norms.
inline constexpr std::uint8_t kNormOfOne = 1;

}  // namespace kumo::search::tree
