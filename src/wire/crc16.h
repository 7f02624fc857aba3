#pragma once

#include "base/bytes.h"

#include <cstdint>

namespace kumo::wire {

/// CRC-16/XMODEM: polynomial 0x1021, initial value 0, not reflected. Stateless.
std::uint16_t crc16(ByteView bytes) noexcept;

/// How many hash slots a Redis Cluster has.
inline constexpr std::uint16_t kSlotCount = 16384;

/// What of a key decides its slot: the bytes between the first '{' and the first '}' behind it,
/// unless there are none; then the whole key. A view into `key`.
ByteView slot_part(ByteView key) noexcept;

/// The slot of a key, below kSlotCount.
std::uint16_t key_slot(ByteView key) noexcept;

}  // namespace kumo::wire
