#pragma once

#include "kv/command/spec.h"
#include "wire/resp.h"

#include <span>

namespace kumo::kv {

/// COMMAND and its subcommands: COUNT, INFO, DOCS, LIST, GETKEYS, GETKEYSANDFLAGS, HELP.
/// `arguments` begins with "COMMAND"; the number of arguments fits the table. Writes exactly one
/// reply. Stateless.
void answer_command(std::span<const ByteView> arguments, wire::RespWriter& reply);

/// By "get" or "client|setname", in any case. nullptr: there is none.
const CommandSpec* find_by_full_name(ByteView name);

}  // namespace kumo::kv
