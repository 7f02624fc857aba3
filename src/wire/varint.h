#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <optional>
#include <string>

namespace kumo::wire {

/// LEB128: seven bits a byte, least significant first, the high bit says that more follow.
/// Stateless; any thread.
inline constexpr std::size_t kVarintBytesMax = 10;

/// Appends `value` in its shortest form.
inline void append_varint(std::string& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<char>(static_cast<unsigned char>(value | 0x80)));
        value >>= 7;
    }
    out.push_back(static_cast<char>(value));
}

/// Takes a varint off the front of `in`. Nothing, and `in` unchanged, if the bytes end early or
/// the value does not fit 64 bits.
inline std::optional<std::uint64_t> read_varint(ByteView& in) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < in.size() && i < kVarintBytesMax; ++i) {
        const auto byte = static_cast<unsigned char>(in[i]);
        if (i == kVarintBytesMax - 1 && byte > 1) {
            return std::nullopt;
        }
        value |= static_cast<std::uint64_t>(byte & 0x7FU) << (7 * i);
        if (byte < 0x80) {
            in.remove_prefix(i + 1);
            return value;
        }
    }
    return std::nullopt;
}

/// Maps small negative and positive numbers to small unsigned ones: 0, -1, 1, -2 -> 0, 1, 2, 3.
constexpr std::uint64_t zigzag_encode(std::int64_t value) noexcept {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

constexpr std::int64_t zigzag_decode(std::uint64_t value) noexcept {
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

/// Appends the length as a varint, then the bytes.
inline void append_sized(std::string& out, ByteView bytes) {
    append_varint(out, bytes.size());
    out.append(bytes);
}

/// Takes a sized string off the front of `in`; the view points into the same memory. Nothing, and
/// `in` unchanged, if the length is damaged or larger than what follows.
inline std::optional<ByteView> read_sized(ByteView& in) {
    ByteView rest = in;
    const auto size = read_varint(rest);
    if (!size || *size > rest.size()) {
        return std::nullopt;
    }
    const ByteView bytes = rest.substr(0, *size);
    in = rest.substr(*size);
    return bytes;
}

}  // namespace kumo::wire
