#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <optional>
#include <string>

namespace kumo::kv {

// LZF, the compression of strings in RDB files. A control byte below 32 announces that many bytes
// plus one as they are; another one holds a length (upper 3 bits, 7: one more byte follows) and the
// upper 5 bits of a distance, whose lower 8 follow: copy length + 2 bytes from distance + 1 bytes
// back.

/// Nothing if the result would not be at least four bytes shorter.
std::optional<std::string> lzf_compress(ByteView bytes);

/// Replaces *out with the `out_bytes` bytes that `bytes` stands for. False: it does not stand for
/// that many. Allocates nothing for sizes that `bytes` cannot reach.
bool lzf_decompress(ByteView bytes, std::size_t out_bytes, std::string* out);

}  // namespace kumo::kv
