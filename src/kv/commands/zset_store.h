#pragma once

#include "kv/command/context.h"
#include "kv/types/zset.h"

#include <memory>

namespace kumo::kv {

/// Makes the set the value of the key (an empty one: removes the key) and answers with its size.
void store_zset(Context& ctx, ByteView key, std::unique_ptr<ZsetValue> zset, ByteView event);

}  // namespace kumo::kv
