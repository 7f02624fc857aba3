#pragma once

#include "base/bytes.h"
#include "wire/resp.h"

#include <span>

namespace kumo::kv::internal {

/// COMMAND DOCS [name ...]; names that nobody has are left out.
void answer_docs(std::span<const ByteView> arguments, wire::RespWriter& reply);

}  // namespace kumo::kv::internal
