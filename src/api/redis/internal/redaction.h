#pragma once

#include "base/bytes.h"
#include "kv/command/spec.h"

#include <span>
#include <vector>

namespace kumo::api_redis {

/// A command as MONITOR and SLOWLOG show it: "(redacted)" in place of passwords and the like.
std::vector<ByteView>
shown_arguments(const kv::CommandSpec& spec, std::span<const ByteView> arguments);

}  // namespace kumo::api_redis
