#pragma once

#include "kv/script/internal/lua.h"

// Redis makes tables read-only with a patch of Lua's virtual machine. Debian's Lua has none, so a
// read-only table is an empty one in front of it: reads go through __index, writes find no key and
// end in __newindex. What looks at tables without metamethods (rawget, rawset, next, pairs,
// setmetatable, getmetatable, table.insert) is replaced by functions that know (base_library.cc);
// what cannot be replaced safely (getfenv, setfenv, debug, newproxy) scripts do not have.

namespace kumo::kv::internal {

inline constexpr const char* kReadOnlyText = "Attempt to modify a readonly table";

/// Replaces the table on the top by a read-only view of it. `shown_metatable`: whether
/// getmetatable() shows the table's own metatable (read-only), else it shows none.
void make_read_only(lua_State* lua, bool shown_metatable = false);

/// If the value at `index` is a read-only view: pushes the table behind it, true. Else pushes
/// nothing.
bool push_behind(lua_State* lua, int index);
/// The metatable that getmetatable() shows of a view; nil if none. Requires: a view at `index`.
void push_shown_metatable(lua_State* lua, int index);

/// Reading a field that is not there is an error: for the table on the top.
void refuse_unknown_fields(lua_State* lua);

}  // namespace kumo::kv::internal
