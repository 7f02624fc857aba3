#pragma once

#include "wire/internal/json_tree.h"

#include <cstddef>

/// Strings and numbers of a text that stands in padded memory (kTextPaddingBytes). Stateless.
namespace kumo::wire::internal {

/// The first '"' or '\' at or after `at`. Requires that there is one.
const char* find_quote_or_backslash(const char* at) noexcept;

/// Result of unescape(): the closing quote and the end of the output. If an escape is wrong,
/// `out_end` is null and `text_end` is the escape's backslash.
struct Unescaped {
    const char* text_end;
    char* out_end;
};

/// Copies the string that begins at `at` (after its opening quote) to `out`, which has room for as
/// many bytes. Requires a closing quote.
Unescaped unescape(const char* at, char* out) noexcept;

/// Reads the number at `at` by RFC 8259's grammar into the node's type and value. Gives the end of
/// the number, or null with `why` set. `text_end` is the end of the text, followed by a zero.
const char*
read_number(const char* at, const char* text_end, JsonNode& node, const char*& why) noexcept;

}  // namespace kumo::wire::internal
