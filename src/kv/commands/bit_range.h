#pragma once

#include "kv/command/context.h"

#include <cstddef>
#include <cstdint>

namespace kumo::kv {

/// A bit's place, or "#n" for the n-th field of `width` bits (0: not allowed). False: the error has
/// been written.
bool read_bit_offset(Context& ctx, std::size_t index, unsigned width, std::uint64_t* out);

/// The bytes of the key's string, made `size` long, ready to be changed; the key is made if absent.
/// Requires: absent or a string.
char* editable_string(Context& ctx, ByteView key, std::size_t size);

}  // namespace kumo::kv
