#include "search/text/internal/kernels_impl.h"

#include <bit>

#include <immintrin.h>

#define KUMO_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq")))
#define KUMO_INTERSECT __attribute__((target("avx512f,avx512vl,avx512vp2intersect")))

namespace kumo::search {
namespace {

KUMO_AVX512 void score_block(const ScoreBlockInput& in, float* scores) {
    const __m512 weight = _mm512_set1_ps(in.weight);
    const __m512i low_byte = _mm512_set1_epi32(255);
    for (std::uint32_t i = 0; i < in.count; i += 16) {
        const std::uint32_t left = in.count - i;
        auto used = static_cast<__mmask16>(left >= 16 ? 0xFFFFU : (1U << left) - 1);
        __m512i docs = _mm512_maskz_loadu_epi32(used, in.docs + i);
        __m512i norm = _mm512_and_si512(
            _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), used, docs, in.norms, 1),
            low_byte
        );
        __m512 norm_weight = _mm512_i32gather_ps(norm, in.norm_weight, 4);
        __m512 tf = _mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(used, in.tfs + i));
        __m512 factor = _mm512_div_ps(tf, _mm512_add_ps(tf, norm_weight));
        _mm512_storeu_ps(scores + i, _mm512_mul_ps(weight, factor));
    }
}

KUMO_AVX512 std::uint64_t above(const float* values, float bound) {
    const __m512 limit = _mm512_set1_ps(bound);
    std::uint64_t bits = 0;
    for (std::uint32_t i = 0; i < 64; i += 16) {
        __mmask16 greater = _mm512_cmp_ps_mask(_mm512_loadu_ps(values + i), limit, _CMP_GT_OQ);
        bits |= std::uint64_t{greater} << i;
    }
    return bits;
}

KUMO_AVX512 std::uint32_t lower_bound(const DocId* docs, std::uint32_t from, DocId target) {
    const __m512i wanted = _mm512_set1_epi32(static_cast<int>(target));
    for (;; from += 16) {
        unsigned reached = _mm512_cmpge_epu32_mask(_mm512_loadu_si512(docs + from), wanted);
        if (reached != 0) {
            return from + static_cast<std::uint32_t>(std::countr_zero(reached));
        }
    }
}

KUMO_AVX512 std::uint64_t count_bits(const std::uint64_t* words, std::uint64_t count) {
    __m512i sum = _mm512_setzero_si512();
    std::uint64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_loadu_si512(words + i)));
    }
    auto rest = static_cast<__mmask8>((1U << (count - i)) - 1);
    sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_maskz_loadu_epi64(rest, words + i)));
    // Not _mm512_reduce_add_epi64: gcc 12 warns inside it.
    alignas(64) std::uint64_t lanes[8];
    _mm512_store_si512(lanes, sum);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3] + lanes[4] + lanes[5] + lanes[6] + lanes[7];
}

KUMO_INTERSECT std::uint32_t intersect(
    const DocId* a,
    std::uint32_t a_count,
    const DocId* b,
    std::uint32_t b_count,
    std::uint32_t* in_a,
    std::uint32_t* in_b
) {
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    std::uint32_t found = 0;
    std::uint32_t i = 0;
    std::uint32_t j = 0;
    while (i < a_count && j < b_count) {
        const std::uint32_t left = a_count - i;
        const std::uint32_t used = left < 16 ? left : 16;
        // What lies past the end of a becomes a number that is neither a document nor a pad.
        __m512i from_a = _mm512_mask_loadu_epi32(
            _mm512_set1_epi32(-2),
            static_cast<__mmask16>(0xFFFFU >> (16 - used)),
            a + i
        );
        __m512i from_b = _mm512_loadu_si512(b + j);
        __mmask16 mask_a = 0;
        __mmask16 mask_b = 0;
        _mm512_2intersect_epi32(from_a, from_b, &mask_a, &mask_b);
        if (mask_a != 0) {
            __m512i at_a = _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int>(i)));
            __m512i at_b = _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int>(j)));
            _mm512_storeu_si512(in_a + found, _mm512_maskz_compress_epi32(mask_a, at_a));
            _mm512_storeu_si512(in_b + found, _mm512_maskz_compress_epi32(mask_b, at_b));
            found += static_cast<std::uint32_t>(std::popcount(std::uint32_t{mask_a}));
        }
        const DocId last_a = a[i + used - 1];
        const DocId last_b = b[j + 15];
        i += last_a <= last_b ? used : 0;
        j += last_b <= last_a ? 16 : 0;
    }
    return found;
}

/// Without VP2INTERSECT nothing of AVX-512 beats comparing eight with eight.
std::uint32_t intersect_narrow(
    const DocId* a,
    std::uint32_t a_count,
    const DocId* b,
    std::uint32_t b_count,
    std::uint32_t* in_a,
    std::uint32_t* in_b
) {
    return kAvx2Kernels.intersect(a, a_count, b, b_count, in_a, in_b);
}

}  // namespace

const Kernels
    kAvx512Kernels{"avx512", score_block, above, lower_bound, intersect_narrow, count_bits};

const Kernels kIntersectKernels{
    "avx512+vp2intersect",
    score_block,
    above,
    lower_bound,
    intersect,
    count_bits};

}  // namespace kumo::search
