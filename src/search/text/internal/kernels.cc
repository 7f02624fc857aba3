#include "search/text/internal/kernels.h"

#include "search/text/internal/kernels_impl.h"

#include <bit>

#include <emmintrin.h>

namespace kumo::search {
namespace {

void score_block(const ScoreBlockInput& in, float* scores) {
    for (std::uint32_t i = 0; i < in.count; ++i) {
        auto tf = static_cast<float>(in.tfs[i]);
        scores[i] = in.weight * (tf / (tf + in.norm_weight[in.norms[in.docs[i]]]));
    }
}

std::uint64_t above(const float* values, float bound) {
    const __m128 limit = _mm_set1_ps(bound);
    std::uint64_t bits = 0;
    for (std::uint32_t i = 0; i < 64; i += 4) {
        auto four =
            static_cast<unsigned>(_mm_movemask_ps(_mm_cmpgt_ps(_mm_loadu_ps(values + i), limit)));
        bits |= std::uint64_t{four} << i;
    }
    return bits;
}

std::uint32_t lower_bound(const DocId* docs, std::uint32_t from, DocId target) {
    const __m128i before = _mm_set1_epi32(static_cast<int>(target) - 1);
    for (;; from += 4) {
        __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i*>(docs + from));
        auto reached =
            static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpgt_epi32(four, before))));
        if (reached != 0) {
            return from + static_cast<std::uint32_t>(std::countr_zero(reached));
        }
    }
}

std::uint32_t intersect(
    const DocId* a,
    std::uint32_t a_count,
    const DocId* b,
    std::uint32_t b_count,
    std::uint32_t* in_a,
    std::uint32_t* in_b
) {
    std::uint32_t found = 0;
    std::uint32_t j = 0;
    for (std::uint32_t i = 0; i < a_count && j < b_count; ++i) {
        j = lower_bound(b, j, a[i]);
        in_a[found] = i;
        in_b[found] = j;
        found += b[j] == a[i] ? 1 : 0;
    }
    return found;
}

std::uint64_t count_bits(const std::uint64_t* words, std::uint64_t count) {
    std::uint64_t bits = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        bits += static_cast<std::uint64_t>(std::popcount(words[i]));
    }
    return bits;
}

constexpr BitPositions make_bit_positions() {
    BitPositions out{};
    for (std::uint32_t mask = 0; mask < 256; ++mask) {
        std::uint32_t n = 0;
        for (std::uint32_t bit = 0; bit < 8; ++bit) {
            if ((mask >> bit & 1U) != 0) {
                out.at[mask][n++] = static_cast<std::uint8_t>(bit);
            }
        }
    }
    return out;
}

const Kernels& choose() {
    return *usable_kernels().back();
}

}  // namespace

const BitPositions kBitPositions = make_bit_positions();

const Kernels kBaseKernels{"base", score_block, above, lower_bound, intersect, count_bits};

std::vector<const Kernels*> usable_kernels() {
    std::vector<const Kernels*> sets{&kBaseKernels};
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") == 0 || __builtin_cpu_supports("fma") == 0) {
        return sets;
    }
    sets.push_back(&kAvx2Kernels);
    if (__builtin_cpu_supports("avx512f") == 0 || __builtin_cpu_supports("avx512bw") == 0
        || __builtin_cpu_supports("avx512dq") == 0 || __builtin_cpu_supports("avx512vl") == 0
        || __builtin_cpu_supports("avx512vpopcntdq") == 0) {
        return sets;
    }
    sets.push_back(&kAvx512Kernels);
    if (__builtin_cpu_supports("avx512vp2intersect") != 0) {
        sets.push_back(&kIntersectKernels);
    }
    return sets;
}

const Kernels& kernels() {
    static const Kernels& best = choose();
    return best;
}

}  // namespace kumo::search
