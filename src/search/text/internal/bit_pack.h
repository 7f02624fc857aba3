#pragma once

#include <cstdint>

/// Packing of 128 integers of b bits (0 to 32) into 16 * b bytes, four interleaved 32-bit lanes:
/// element e lies in lane e % 4, bits (e / 4) * b onwards. One SSE2 instruction stream unpacks all
/// four lanes, and any single element is found in constant time. (Lemire & Boytsov, "Decoding
/// billions of integers per second through vectorization", 2015; the layout of simdcomp.)
/// Stateless.
namespace kumo::search {

inline constexpr std::uint32_t kPackCount = 128;

/// Bits needed for the largest of the values.
std::uint32_t bits_needed(const std::uint32_t* values, std::uint32_t count) noexcept;

constexpr std::uint32_t packed_bytes(std::uint32_t bits) {
    return bits * 16;
}

/// Writes packed_bytes(bits) bytes. Requires that each of the 128 values fits in `bits`.
void pack(const std::uint32_t* values, std::uint32_t bits, std::uint8_t* out) noexcept;

/// Reads packed_bytes(bits) bytes. Requires bits <= 32.
void unpack(const std::uint8_t* in, std::uint32_t bits, std::uint32_t* out) noexcept;

/// The same, adding `plus` to each value.
void unpack_plus(
    const std::uint8_t* in,
    std::uint32_t bits,
    std::uint32_t plus,
    std::uint32_t* out
) noexcept;

/// Ascending values stored as gaps less one: out[i] = out[i - 1] + 1 + gap, out[-1] = `before`.
void unpack_gaps(
    const std::uint8_t* in,
    std::uint32_t bits,
    std::uint32_t before,
    std::uint32_t* out
) noexcept;

/// Element e alone.
inline std::uint32_t
unpack_one(const std::uint8_t* in, std::uint32_t bits, std::uint32_t e) noexcept {
    if (bits == 0) {
        return 0;
    }
    const auto* words = reinterpret_cast<const std::uint32_t*>(in) + (e & 3U);
    std::uint32_t bit = (e >> 2U) * bits;
    std::uint32_t word = bit >> 5U;
    std::uint32_t shift = bit & 31U;
    std::uint64_t value = words[std::uint64_t{word} * 4] >> shift;
    if (shift + bits > 32) {
        value |= std::uint64_t{words[std::uint64_t{word} * 4 + 4]} << (32 - shift);
    }
    return static_cast<std::uint32_t>(value & ((std::uint64_t{1} << bits) - 1));
}

}  // namespace kumo::search
