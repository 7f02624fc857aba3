#pragma once

#include "base/bytes.h"
#include "kv/command/spec.h"

#include <span>
#include <vector>

namespace kumo::api_redis {

/// The arguments as others may see them (MONITOR, SLOWLOG): "(redacted)" for passwords and rules.
std::vector<ByteView> redacted(const kv::CommandSpec& spec, std::span<const ByteView> arguments);

}  // namespace kumo::api_redis
