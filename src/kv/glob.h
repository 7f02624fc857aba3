#pragma once

#include "base/bytes.h"

namespace kumo::kv {

/// Redis's patterns: * ? [abc] [^a-z] and \ for the next character. Time is bounded by the product
/// of both lengths: only the last * is gone back to. Stateless.
bool glob_match(ByteView pattern, ByteView text, bool ignore_case = false);

}  // namespace kumo::kv
