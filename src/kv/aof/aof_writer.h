#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <span>
#include <string>

namespace kumo::kv {

// What an increment of an append-only file consists of. Its base is an RDB file (RdbWriter) whose
// aux field "aof-base" is 1.

/// A command as RESP. Two of them with MULTI before and EXEC behind are taken together or not at
/// all.
void append_aof_command(std::span<const ByteView> arguments, std::string* out);

/// When the commands behind it were written.
void append_aof_timestamp(std::int64_t unix_seconds, std::string* out);

}  // namespace kumo::kv
