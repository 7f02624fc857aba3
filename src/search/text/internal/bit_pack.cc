#include "search/text/internal/bit_pack.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <utility>

#include <emmintrin.h>

namespace kumo::search {
namespace {

struct Plain {
    __m128i plus;

    __m128i operator()(__m128i v) const { return _mm_add_epi32(v, plus); }
};

struct Gaps {
    __m128i before;  // the last value so far, in all lanes

    __m128i operator()(__m128i v) {
        v = _mm_add_epi32(v, _mm_set1_epi32(1));
        v = _mm_add_epi32(v, _mm_slli_si128(v, 4));
        v = _mm_add_epi32(v, _mm_slli_si128(v, 8));
        v = _mm_add_epi32(v, before);
        before = _mm_shuffle_epi32(v, 0xFF);
        return v;
    }
};

/// The row-th group of four values of width kBits.
template <int kBits, int kRow>
__m128i load_row(const __m128i* in) {
    if constexpr (kBits == 0) {
        return _mm_setzero_si128();
    } else {
        constexpr int kBit = kRow * kBits;
        constexpr int kWord = kBit / 32;
        constexpr int kShift = kBit % 32;
        __m128i v = _mm_srli_epi32(_mm_loadu_si128(in + kWord), kShift);
        if constexpr (kShift + kBits > 32) {
            v = _mm_or_si128(v, _mm_slli_epi32(_mm_loadu_si128(in + kWord + 1), 32 - kShift));
        }
        if constexpr (kBits < 32) {
            v = _mm_and_si128(v, _mm_set1_epi32(static_cast<int>((1U << kBits) - 1)));
        }
        return v;
    }
}

template <int kBits, typename Step, int... kRows>
void unpack_rows(
    const std::uint8_t* in,
    std::uint32_t* out,
    Step step,
    std::integer_sequence<int, kRows...> /**/
) {
    const auto* from = reinterpret_cast<const __m128i*>(in);
    auto* to = reinterpret_cast<__m128i*>(out);
    (_mm_storeu_si128(to + kRows, step(load_row<kBits, kRows>(from))), ...);
}

template <int kBits, typename Step>
void unpack_width(const std::uint8_t* in, std::uint32_t* out, Step step) {
    unpack_rows<kBits>(in, out, step, std::make_integer_sequence<int, 32>{});
}

template <typename Step>
using Unpacker = void (*)(const std::uint8_t*, std::uint32_t*, Step);

template <typename Step, int... kWidths>
constexpr std::array<Unpacker<Step>, 33> make_unpackers(std::integer_sequence<int, kWidths...> /**/
) {
    return {unpack_width<kWidths, Step>...};
}

template <typename Step>
constexpr std::array<Unpacker<Step>, 33> kUnpackers =
    make_unpackers<Step>(std::make_integer_sequence<int, 33>{});

}  // namespace

std::uint32_t bits_needed(const std::uint32_t* values, std::uint32_t count) noexcept {
    std::uint32_t all = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        all |= values[i];
    }
    return static_cast<std::uint32_t>(std::bit_width(all));
}

void pack(const std::uint32_t* values, std::uint32_t bits, std::uint8_t* out) noexcept {
    std::memset(out, 0, packed_bytes(bits));
    if (bits == 0) {
        return;
    }
    auto* words = reinterpret_cast<std::uint32_t*>(out);
    for (std::uint32_t e = 0; e < kPackCount; ++e) {
        std::uint32_t bit = (e >> 2U) * bits;
        std::uint32_t at = (bit >> 5U) * 4 + (e & 3U);
        std::uint32_t shift = bit & 31U;
        words[at] |= values[e] << shift;
        if (shift + bits > 32) {
            words[at + 4] |= values[e] >> (32 - shift);
        }
    }
}

void unpack(const std::uint8_t* in, std::uint32_t bits, std::uint32_t* out) noexcept {
    kUnpackers<Plain>[bits](in, out, Plain{_mm_setzero_si128()});
}

void unpack_plus(
    const std::uint8_t* in,
    std::uint32_t bits,
    std::uint32_t plus,
    std::uint32_t* out
) noexcept {
    kUnpackers<Plain>[bits](in, out, Plain{_mm_set1_epi32(static_cast<int>(plus))});
}

void unpack_gaps(
    const std::uint8_t* in,
    std::uint32_t bits,
    std::uint32_t before,
    std::uint32_t* out
) noexcept {
    kUnpackers<Gaps>[bits](in, out, Gaps{_mm_set1_epi32(static_cast<int>(before))});
}

}  // namespace kumo::search
