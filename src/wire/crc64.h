#pragma once

#include "base/bytes.h"

#include <cstdint>

namespace kumo::wire {

/// CRC-64 as RDB files and DUMP payloads carry it: Jones's polynomial 0xad93d23594c935a9,
/// reflected, initial value 0. `seed` is the CRC of what came before: crc64(a + b) == crc64(b,
/// crc64(a)). Eight bytes a step. Stateless.
std::uint64_t crc64(ByteView bytes, std::uint64_t seed = 0) noexcept;

}  // namespace kumo::wire
