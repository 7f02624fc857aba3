#include "search/text/norm.h"

#include <array>
#include <bit>

namespace kumo::search {
namespace {

// Lengths below this are stored as they are; 255 minus the largest 4-bit float of an int leaves
// exactly this many codes free.
constexpr std::uint32_t kExactBelow = 24;

/// A float with 4 significant bits (one implied) and 5 exponent bits, sortable as an integer.
std::uint32_t to_float4(std::uint32_t value) {
    if (value < 8) {
        return value;
    }
    auto shift = static_cast<std::uint32_t>(std::bit_width(value)) - 4;
    return ((value >> shift) & 7U) | ((shift + 1) << 3U);
}

constexpr std::uint32_t from_float4(std::uint32_t code) {
    std::uint32_t mantissa = code & 7U;
    std::uint32_t exponent = code >> 3U;
    return exponent == 0 ? mantissa : (mantissa | 8U) << (exponent - 1);
}

constexpr std::array<std::uint32_t, 256> make_lengths() {
    std::array<std::uint32_t, 256> lengths{};
    for (std::uint32_t i = 0; i < lengths.size(); ++i) {
        lengths[i] = i < kExactBelow ? i : kExactBelow + from_float4(i - kExactBelow);
    }
    return lengths;
}

constexpr std::array<std::uint32_t, 256> kLengths = make_lengths();

}  // namespace

std::uint8_t encode_norm(std::uint32_t length) noexcept {
    if (length < kExactBelow) {
        return static_cast<std::uint8_t>(length);
    }
    // Beyond the largest length that has a code (over two milliards) there is only the last one.
    std::uint32_t code = kExactBelow + to_float4(length - kExactBelow);
    return static_cast<std::uint8_t>(code < 255 ? code : 255);
}

std::uint32_t decode_norm(std::uint8_t norm) noexcept {
    return kLengths[norm];
}

}  // namespace kumo::search
