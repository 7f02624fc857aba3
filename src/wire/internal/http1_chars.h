#pragma once

#include "base/bytes.h"

#include <array>
#include <cstdint>

/// The character classes of RFC 9110 and RFC 9112. Stateless.
namespace kumo::wire::internal {

inline constexpr std::uint8_t kTokenChar = 1;   ///< RFC 9110 5.6.2 tchar.
inline constexpr std::uint8_t kValueChar = 2;   ///< Field value: visible, space, tab, >= 0x80.
inline constexpr std::uint8_t kTargetChar = 4;  ///< Request target: visible or >= 0x80; not '#'.
inline constexpr std::uint8_t kHostChar = 8;    ///< Host: reg-name, IP literal, port.
inline constexpr std::uint8_t kHexChar = 16;

constexpr std::array<std::uint8_t, 256> make_char_classes() {
    std::array<std::uint8_t, 256> table{};
    const auto mark = [&table](std::string_view chars, std::uint8_t bits) {
        for (const char c : chars) {
            auto& entry = table[static_cast<unsigned char>(c)];
            entry = static_cast<std::uint8_t>(entry | bits);
        }
    };
    for (std::size_t c = 0x21; c < 0x100; ++c) {
        if (c != 0x7F) {
            table[c] = kValueChar | kTargetChar;
        }
    }
    table['#'] = kValueChar;
    mark(" \t", kValueChar);
    constexpr std::string_view kAlnum =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    mark(kAlnum, kTokenChar | kHostChar);
    mark("!#$%&'*+-.^_`|~", kTokenChar);
    mark("-._~!$&'()*+;=:[]%", kHostChar);
    mark("0123456789abcdefABCDEF", kHexChar);
    return table;
}

inline constexpr std::array<std::uint8_t, 256> kCharClasses = make_char_classes();

inline bool is_class(char c, std::uint8_t bits) noexcept {
    return (kCharClasses[static_cast<unsigned char>(c)] & bits) != 0;
}

inline bool all_class(ByteView text, std::uint8_t bits) noexcept {
    for (const char c : text) {
        if (!is_class(c, bits)) {
            return false;
        }
    }
    return true;
}

}  // namespace kumo::wire::internal
