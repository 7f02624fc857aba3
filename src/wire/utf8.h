#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <string>

/// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
/// Stateless; any thread.
namespace kumo::wire {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

/// One decoded code point and how many bytes it took.
struct DecodedCodePoint {
    char32_t code_point = kReplacementCharacter;
    std::uint8_t bytes = 0;  ///< 1..4; 0 only for an empty input.
    bool valid = false;      ///< False: `bytes` is the maximal invalid prefix to step over (>= 1).
};

/// True if all of `bytes` is well-formed.
bool utf8_valid(ByteView bytes) noexcept;

/// Offset of the first byte that breaks the encoding; bytes.size() if none does.
std::size_t utf8_valid_prefix(ByteView bytes) noexcept;

/// Decodes the first code point of `bytes`.
DecodedCodePoint utf8_decode(ByteView bytes) noexcept;

/// Appends the encoding of `code_point`; a surrogate or a value above U+10FFFF becomes U+FFFD.
void append_utf8(std::string& out, char32_t code_point);

/// The same text with every maximal invalid sequence replaced by U+FFFD (Unicode 15, 3.9).
std::string utf8_repair(ByteView bytes);

}  // namespace kumo::wire
