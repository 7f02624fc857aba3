#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "kv/rdb/object_visitor.h"

#include <string>

namespace kumo::kv {

/// RESTORE's answers to payloads it does not take.
inline constexpr ByteView kDumpVersionOrChecksum = "ERR DUMP payload version or checksum are wrong";
inline constexpr ByteView kDumpBadData = "ERR Bad data format";

/// Puts the version (2 bytes) and the checksum (8) behind a value's type and bytes: a DUMP payload.
/// The version is 9, which Redis 7, KeyDB 6 and Valkey all take.
void seal_dump(std::string* payload);

/// Whether the payload has a version that we read and the checksum of its bytes.
bool dump_is_sound(ByteView payload);

/// Reads the value of a DUMP payload (of Redis to 7.2, KeyDB 6.3, Valkey 9). The error's text is
/// what RESTORE answers; why a value was refused is lost, as in Redis. `check_envelope`: false
/// trusts version and checksum (DEBUG SET-SKIP-CHECKSUM-VALIDATION).
Status read_dump(ByteView payload, ObjectVisitor& visitor, bool check_envelope = true);

}  // namespace kumo::kv
