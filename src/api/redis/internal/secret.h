#pragma once

#include "base/bytes.h"

namespace kumo::api_redis {

/// Compared in a time that does not depend on where they differ.
bool same_secret(ByteView known, ByteView given);

}  // namespace kumo::api_redis
