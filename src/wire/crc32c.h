#pragma once

#include "base/bytes.h"

#include <cstdint>

namespace kumo::wire {

/// CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected, RFC 3720 appendix B.4) of `bytes`.
/// `seed` is the CRC of what came before, so crc32c(a + b) == crc32c(b, crc32c(a)).
/// Uses the SSE4.2 instruction where the compiler's target has it, a table elsewhere. Stateless.
std::uint32_t crc32c(ByteView bytes, std::uint32_t seed = 0) noexcept;

/// The table form, always available. For the test that holds the two forms equal.
std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t seed = 0) noexcept;

}  // namespace kumo::wire
