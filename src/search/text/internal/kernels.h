#pragma once

#include "search/text/doc.h"

#include <cstdint>
#include <vector>

/// The inner loops of BM25 for several instruction sets, chosen once at run time: the binary runs
/// on any x86-64-v2 machine and uses AVX2 or AVX-512 where they are. All sets compute the same;
/// the tests compare them.
namespace kumo::search {

/// What score_block() scores: `count` (<= 128) postings of one block.
struct ScoreBlockInput {
    const DocId* docs;
    const std::uint32_t* tfs;
    std::uint32_t count;
    const std::uint8_t* norms;
    const float* norm_weight;  ///< 256 entries.
    float weight;
};

struct Kernels {
    const char* name;

    /// scores[i] = weight * tf / (tf + norm_weight[norms[doc]]). May write up to 16 floats past
    /// `count`; reads 3 bytes past a norm.
    void (*score_block)(const ScoreBlockInput& in, float* scores);

    /// Bit i tells whether values[i] > bound, for 64 values.
    std::uint64_t (*above)(const float* values, float bound);

    /// The first i >= from with docs[i] >= target. Requires that there is one among the documents
    /// or the 16 kPadDoc behind them.
    std::uint32_t (*lower_bound)(const DocId* docs, std::uint32_t from, DocId target);

    /// Ascending a and b: writes the indices of equal elements, ascending, to in_a and in_b and
    /// returns their number. Both may be read up to 16 elements past their end, b must be followed
    /// by 16 kPadDoc; in_a and in_b need room for 16 more than the result.
    std::uint32_t (*intersect
    )(const DocId* a,
      std::uint32_t a_count,
      const DocId* b,
      std::uint32_t b_count,
      std::uint32_t* in_a,
      std::uint32_t* in_b);

    std::uint64_t (*count_bits)(const std::uint64_t* words, std::uint64_t count);
};

/// The best set this machine runs.
const Kernels& kernels();

/// Every set this machine runs, for tests.
std::vector<const Kernels*> usable_kernels();

}  // namespace kumo::search
