#include "search/column/range_match.h"

#include "base/bytes.h"

#include <limits>

#include <immintrin.h>

#define KUMO_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))
#define KUMO_AVX2 __attribute__((target("avx2")))

// AVX-512 compares 64 documents by one to eight instructions. With AVX2 there is no unsigned
// comparison: `min(x, span) == x` says the same for 1, 2 and 4 bytes.

namespace kumo::search {
namespace {

constexpr std::size_t kWordDocs = 64;

template <typename Code>
std::uint64_t match_some(const RangeMatchInput& in, std::size_t from, std::size_t count) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto code = load_unaligned<Code>(in.codes + (from + i) * sizeof(Code));
        bits |= std::uint64_t{code - in.low <= in.span} << i;
    }
    return bits;
}

std::uint64_t match_word(const RangeMatchInput& in, std::size_t from, std::size_t count) {
    switch (in.width) {
        case 1: return match_some<std::uint8_t>(in, from, count);
        case 2: return match_some<std::uint16_t>(in, from, count);
        case 4: return match_some<std::uint32_t>(in, from, count);
        default: return match_some<std::uint64_t>(in, from, count);
    }
}

/// Narrows the range to what codes of that width can be. False if none can match.
template <typename Code>
bool narrow(const RangeMatchInput& in, Code& low, Code& span) {
    constexpr std::uint64_t kLargest = std::numeric_limits<Code>::max();
    if (in.low > kLargest) {
        return false;
    }
    low = static_cast<Code>(in.low);
    span = static_cast<Code>(in.span < kLargest - in.low ? in.span : kLargest - in.low);
    return true;
}

void match_plain(const RangeMatchInput& in, std::uint64_t* words) {
    for (std::size_t from = 0; from < in.count; from += kWordDocs) {
        const std::size_t left = in.count - from;
        words[from / kWordDocs] |= match_word(in, from, left < kWordDocs ? left : kWordDocs);
    }
}

/// The codes behind the last whole word.
void match_rest(const RangeMatchInput& in, std::uint64_t* words) {
    const std::size_t whole = in.count / kWordDocs;
    if (in.count % kWordDocs != 0) {
        words[whole] |= match_word(in, whole * kWordDocs, in.count % kWordDocs);
    }
}

// ---- AVX2

KUMO_AVX2 __m256i load_avx2(const char* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

KUMO_AVX2 void match_bytes_avx2(const RangeMatchInput& in, std::uint64_t* words) {
    std::uint8_t low = 0;
    std::uint8_t span = 0;
    if (!narrow(in, low, span)) {
        return;
    }
    const __m256i lows = _mm256_set1_epi8(static_cast<char>(low));
    const __m256i spans = _mm256_set1_epi8(static_cast<char>(span));
    for (std::size_t w = 0; w < in.count / kWordDocs; ++w) {
        for (unsigned i = 0; i < 2; ++i) {
            const char* from = in.codes + w * 64 + std::size_t{i} * 32;
            const __m256i x = _mm256_sub_epi8(load_avx2(from), lows);
            const __m256i fits = _mm256_cmpeq_epi8(_mm256_min_epu8(x, spans), x);
            const auto bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(fits));
            words[w] |= std::uint64_t{bits} << (i * 32);
        }
    }
}

KUMO_AVX2 __m256i fits_avx2(const char* from, __m256i lows, __m256i spans) {
    const __m256i x = _mm256_sub_epi16(load_avx2(from), lows);
    return _mm256_cmpeq_epi16(_mm256_min_epu16(x, spans), x);
}

KUMO_AVX2 void match_shorts_avx2(const RangeMatchInput& in, std::uint64_t* words) {
    std::uint16_t low = 0;
    std::uint16_t span = 0;
    if (!narrow(in, low, span)) {
        return;
    }
    const __m256i lows = _mm256_set1_epi16(static_cast<std::int16_t>(low));
    const __m256i spans = _mm256_set1_epi16(static_cast<std::int16_t>(span));
    for (std::size_t w = 0; w < in.count / kWordDocs; ++w) {
        for (unsigned i = 0; i < 2; ++i) {
            const char* from = in.codes + w * 128 + std::size_t{i} * 64;
            // Packing works in each 128-bit lane: put the quarters back in order.
            const __m256i both =
                _mm256_packs_epi16(fits_avx2(from, lows, spans), fits_avx2(from + 32, lows, spans));
            const __m256i ordered = _mm256_permute4x64_epi64(both, 0xD8);
            const auto bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(ordered));
            words[w] |= std::uint64_t{bits} << (i * 32);
        }
    }
}

KUMO_AVX2 void match_ints_avx2(const RangeMatchInput& in, std::uint64_t* words) {
    std::uint32_t low = 0;
    std::uint32_t span = 0;
    if (!narrow(in, low, span)) {
        return;
    }
    const __m256i lows = _mm256_set1_epi32(static_cast<int>(low));
    const __m256i spans = _mm256_set1_epi32(static_cast<int>(span));
    for (std::size_t w = 0; w < in.count / kWordDocs; ++w) {
        for (unsigned i = 0; i < 8; ++i) {
            const char* from = in.codes + w * 256 + std::size_t{i} * 32;
            const __m256i x = _mm256_sub_epi32(load_avx2(from), lows);
            const __m256i fits = _mm256_cmpeq_epi32(_mm256_min_epu32(x, spans), x);
            const int bits = _mm256_movemask_ps(_mm256_castsi256_ps(fits));
            words[w] |= std::uint64_t{static_cast<std::uint8_t>(bits)} << (i * 8);
        }
    }
}

void match_avx2(const RangeMatchInput& in, std::uint64_t* words) {
    switch (in.width) {
        case 1: match_bytes_avx2(in, words); break;
        case 2: match_shorts_avx2(in, words); break;
        case 4: match_ints_avx2(in, words); break;
        default: match_plain(in, words); return;
    }
    match_rest(in, words);
}

// ---- AVX-512

KUMO_AVX512 __m512i load_avx512(const char* from) {
    return _mm512_loadu_si512(from);
}

KUMO_AVX512 void match_bytes(const RangeMatchInput& in, std::uint64_t* words) {
    std::uint8_t low = 0;
    std::uint8_t span = 0;
    if (!narrow(in, low, span)) {
        return;
    }
    const __m512i lows = _mm512_set1_epi8(static_cast<char>(low));
    const __m512i spans = _mm512_set1_epi8(static_cast<char>(span));
    const std::size_t whole = in.count / kWordDocs;
    for (std::size_t w = 0; w < whole; ++w) {
        const __m512i x = _mm512_sub_epi8(load_avx512(in.codes + w * 64), lows);
        words[w] |= _mm512_cmple_epu8_mask(x, spans);
    }
}

KUMO_AVX512 void match_shorts(const RangeMatchInput& in, std::uint64_t* words) {
    std::uint16_t low = 0;
    std::uint16_t span = 0;
    if (!narrow(in, low, span)) {
        return;
    }
    const __m512i lows = _mm512_set1_epi16(static_cast<std::int16_t>(low));
    const __m512i spans = _mm512_set1_epi16(static_cast<std::int16_t>(span));
    const std::size_t whole = in.count / kWordDocs;
    for (std::size_t w = 0; w < whole; ++w) {
        for (unsigned i = 0; i < 2; ++i) {
            const __m512i x =
                _mm512_sub_epi16(load_avx512(in.codes + w * 128 + std::size_t{i} * 64), lows);
            words[w] |= std::uint64_t{_mm512_cmple_epu16_mask(x, spans)} << (i * 32);
        }
    }
}

KUMO_AVX512 void match_ints(const RangeMatchInput& in, std::uint64_t* words) {
    std::uint32_t low = 0;
    std::uint32_t span = 0;
    if (!narrow(in, low, span)) {
        return;
    }
    const __m512i lows = _mm512_set1_epi32(static_cast<int>(low));
    const __m512i spans = _mm512_set1_epi32(static_cast<int>(span));
    const std::size_t whole = in.count / kWordDocs;
    for (std::size_t w = 0; w < whole; ++w) {
        for (unsigned i = 0; i < 4; ++i) {
            const __m512i x =
                _mm512_sub_epi32(load_avx512(in.codes + w * 256 + std::size_t{i} * 64), lows);
            words[w] |= std::uint64_t{_mm512_cmple_epu32_mask(x, spans)} << (i * 16);
        }
    }
}

KUMO_AVX512 void match_longs(const RangeMatchInput& in, std::uint64_t* words) {
    const __m512i lows = _mm512_set1_epi64(static_cast<std::int64_t>(in.low));
    const __m512i spans = _mm512_set1_epi64(static_cast<std::int64_t>(in.span));
    const std::size_t whole = in.count / kWordDocs;
    for (std::size_t w = 0; w < whole; ++w) {
        for (unsigned i = 0; i < 8; ++i) {
            const __m512i x =
                _mm512_sub_epi64(load_avx512(in.codes + w * 512 + std::size_t{i} * 64), lows);
            words[w] |= std::uint64_t{_mm512_cmple_epu64_mask(x, spans)} << (i * 8);
        }
    }
}

void match_avx512(const RangeMatchInput& in, std::uint64_t* words) {
    switch (in.width) {
        case 1: match_bytes(in, words); break;
        case 2: match_shorts(in, words); break;
        case 4: match_ints(in, words); break;
        default: match_longs(in, words); break;
    }
    match_rest(in, words);
}

}  // namespace

std::vector<RangeMatch> usable_range_matches() {
    std::vector<RangeMatch> all{match_plain};
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") != 0) {
        all.push_back(match_avx2);
    }
    if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0
        && __builtin_cpu_supports("avx512vl") != 0) {
        all.push_back(match_avx512);
    }
    return all;
}

RangeMatch range_match() {
    static const RangeMatch kBest = usable_range_matches().back();
    return kBest;
}

}  // namespace kumo::search
