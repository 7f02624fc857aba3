#include "search/text/internal/kernels_impl.h"

#include <bit>

#include <immintrin.h>

#define KUMO_AVX2 __attribute__((target("avx2")))

namespace kumo::search {
namespace {

KUMO_AVX2 __m256i load(const std::uint32_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

KUMO_AVX2 void score_block(const ScoreBlockInput& in, float* scores) {
    const __m256 weight = _mm256_set1_ps(in.weight);
    const __m256i low_byte = _mm256_set1_epi32(255);
    const __m256i last = _mm256_set1_epi32(static_cast<int>(in.count));
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const auto* norms = reinterpret_cast<const int*>(in.norms);
    for (std::uint32_t i = 0; i < in.count; i += 8) {
        // Lanes past the end read document 0's norm, which always exists.
        __m256i used = _mm256_cmpgt_epi32(
            last,
            _mm256_add_epi32(lanes, _mm256_set1_epi32(static_cast<int>(i)))
        );
        __m256i docs = _mm256_and_si256(load(in.docs + i), used);
        __m256i norm = _mm256_and_si256(_mm256_i32gather_epi32(norms, docs, 1), low_byte);
        __m256 norm_weight = _mm256_i32gather_ps(in.norm_weight, norm, 4);
        __m256 tf = _mm256_cvtepi32_ps(load(in.tfs + i));
        __m256 factor = _mm256_div_ps(tf, _mm256_add_ps(tf, norm_weight));
        _mm256_storeu_ps(scores + i, _mm256_mul_ps(weight, factor));
    }
}

KUMO_AVX2 std::uint64_t above(const float* values, float bound) {
    const __m256 limit = _mm256_set1_ps(bound);
    std::uint64_t bits = 0;
    for (std::uint32_t i = 0; i < 64; i += 8) {
        __m256 greater = _mm256_cmp_ps(_mm256_loadu_ps(values + i), limit, _CMP_GT_OQ);
        bits |= std::uint64_t{static_cast<unsigned>(_mm256_movemask_ps(greater))} << i;
    }
    return bits;
}

KUMO_AVX2 std::uint32_t lower_bound(const DocId* docs, std::uint32_t from, DocId target) {
    const __m256i before = _mm256_set1_epi32(static_cast<int>(target) - 1);
    for (;; from += 8) {
        auto reached = static_cast<unsigned>(
            _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(load(docs + from), before)))
        );
        if (reached != 0) {
            return from + static_cast<std::uint32_t>(std::countr_zero(reached));
        }
    }
}

/// Writes base + i for every set bit i of an 8-bit mask.
KUMO_AVX2 void put_positions(std::uint32_t* out, unsigned mask, std::uint32_t base) {
    __m128i bytes = _mm_loadl_epi64(
        reinterpret_cast<const __m128i*>(static_cast<const void*>(kBitPositions.at[mask]))
    );
    __m256i positions =
        _mm256_add_epi32(_mm256_cvtepu8_epi32(bytes), _mm256_set1_epi32(static_cast<int>(base)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), positions);
}

/// Compares 8 elements with 8 by turning one side around. Pads of b never equal a document, and
/// what lies past the end of a is masked.
KUMO_AVX2 std::uint32_t intersect(
    const DocId* a,
    std::uint32_t a_count,
    const DocId* b,
    std::uint32_t b_count,
    std::uint32_t* in_a,
    std::uint32_t* in_b
) {
    const __m256i turn = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0);
    std::uint32_t found = 0;
    std::uint32_t i = 0;
    std::uint32_t j = 0;
    while (i < a_count && j < b_count) {
        const std::uint32_t left = a_count - i;
        const std::uint32_t used = left < 8 ? left : 8;
        const __m256i from_a = load(a + i);
        __m256i from_b = load(b + j);
        unsigned mask_a = 0;
        unsigned mask_b = 0;
        for (unsigned r = 0; r < 8; ++r) {
            auto equal =
                static_cast<unsigned>(
                    _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(from_a, from_b)))
                )
                & (0xFFU >> (8 - used));
            mask_a |= equal;
            mask_b |= ((equal << r) | (equal >> (8 - r))) & 0xFFU;
            from_b = _mm256_permutevar8x32_epi32(from_b, turn);
        }
        if (mask_a != 0) {
            put_positions(in_a + found, mask_a, i);
            put_positions(in_b + found, mask_b, j);
            found += static_cast<std::uint32_t>(std::popcount(mask_a));
        }
        const DocId last_a = a[i + used - 1];
        const DocId last_b = b[j + 7];
        i += last_a <= last_b ? used : 0;
        j += last_b <= last_a ? 8 : 0;
    }
    return found;
}

KUMO_AVX2 std::uint64_t count_bits(const std::uint64_t* words, std::uint64_t count) {
    std::uint64_t bits = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        bits += static_cast<std::uint64_t>(__builtin_popcountll(words[i]));
    }
    return bits;
}

}  // namespace

const Kernels kAvx2Kernels{"avx2", score_block, above, lower_bound, intersect, count_bits};

}  // namespace kumo::search
