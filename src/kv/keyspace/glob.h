#pragma once

#include "base/bytes.h"

namespace kumo::kv {

/// Redis's patterns: `*`, `?`, `[abc]`, `[^a-z]`, `\x`. Iterative: time is at most the product of
/// both lengths, whatever the pattern (no recursion on stars).
bool glob_matches(ByteView pattern, ByteView text, bool ignore_case = false);

}  // namespace kumo::kv
