#pragma once

#include "base/bytes.h"

#include <cstdint>

namespace kumo::wire {

/// MurmurHash3_x86_32 (Austin Appleby, public domain). Document routing is defined by it, so it
/// must never change. Not for hash tables that an attacker may fill. Stateless.
std::uint32_t murmur3_32(ByteView bytes, std::uint32_t seed = 0) noexcept;

}  // namespace kumo::wire
