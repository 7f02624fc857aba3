#pragma once

#include "base/bytes.h"
#include "kv/command/context.h"

#include <cstdint>

namespace kumo::kv {

/// A time to live, or a point in time, as a command's arguments give it.
struct ExpiryArgument {
    ByteView text = {};
    bool seconds = false;   ///< Else milliseconds.
    bool absolute = false;  ///< Since the Unix epoch, else from now.

    bool given() const { return text.data() != nullptr; }
};

/// As a point in time in milliseconds. False: it is no number, not positive or too large; Redis's
/// error
/// ("ERR invalid expire time in 'set' command") has been written.
bool resolve_expiry(Context& ctx, const ExpiryArgument& argument, std::int64_t* at_ms);

}  // namespace kumo::kv
