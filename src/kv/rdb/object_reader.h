#pragma once

#include "base/result.h"
#include "kv/rdb/object_visitor.h"
#include "kv/rdb/rdb_format.h"
#include "kv/rdb/rdb_input.h"

#include <cstdint>

namespace kumo::kv {

/// Reads one value whose type byte was `type`, of any form that Redis 7.2, KeyDB 6.3 or Valkey 9
/// write, and tells the visitor. The number of its elements (a string and a stream: 1): 0 is a
/// value that must not exist, for the caller to judge. kCorruption: damaged; kUnsupported: a
/// module's, KeyDB's cron job, or a type that is not known.
Result<std::uint64_t> read_object(RdbInput& input, std::uint8_t type, ObjectVisitor& visitor);

/// A value that cannot be understood but be stepped over: kModule2, kCron. False: another one.
bool skip_object(RdbInput& input, std::uint8_t type);

/// The parts of a module's value or auxiliary data, to their end.
void skip_module_parts(RdbInput& input);

namespace internal {

Status read_stream(RdbInput& input, RdbType type, ObjectVisitor& visitor);

}  // namespace internal

}  // namespace kumo::kv
