#pragma once

#include "base/bytes.h"
#include "kv/script/interpreter.h"

#include <lua.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// We link the Lua that is compiled as C++ (liblua5.1-c++): its errors are exceptions, so
// destructors run when lua_error() leaves a function of ours. What must hold all the same: no call
// into Lua outside of a protected call, and nothing here is noexcept that Lua may throw through.

namespace kumo::kv {

/// What the functions of one state share. Found through the allocator's argument.
struct Interpreter::State {
    Kind kind = Kind::kEval;
    ScriptLimits limits;
    lua_State* lua = nullptr;
    std::size_t bytes = 0;
    ScriptHost* host = nullptr;  ///< Not null: something runs.
    int protocol = 2;            ///< Of redis.setresp().
    std::uint64_t random = 0;    ///< The 48 bits of math.random()'s generator.
    bool stopped = false;        ///< The host has said so.
    std::uint64_t runs = 0;
    std::vector<RegisteredFunction>* loading = nullptr;  ///< Where FUNCTION LOAD collects.
};

namespace internal {

using State = Interpreter::State;

State& state_of(lua_State* lua);

inline void push(lua_State* lua, ByteView text) {
    lua_pushlstring(lua, text.data(), text.size());
}

/// Requires: a string (or number) at `index`. Valid while it is on the stack.
inline ByteView text_at(lua_State* lua, int index) {
    std::size_t size = 0;
    const char* bytes = lua_tolstring(lua, index, &size);
    return {bytes, size};
}

/// Raw field of the table at `index`, on the top.
inline void get_raw(lua_State* lua, int index, const char* name) {
    lua_pushstring(lua, name);
    lua_rawget(lua, index < 0 && index > LUA_REGISTRYINDEX ? index - 1 : index);
}

/// Pushes {err = text}: "-CODE words" keeps its code, "words" gets ERR.
void push_error(lua_State* lua, ByteView text);

/// Ends the script (or pcall) with push_error(text).
[[noreturn]] void raise(lua_State* lua, ByteView text);

/// Adds a table's functions; the table is on the top.
void set_functions(lua_State* lua, const luaL_Reg* functions);

// What the sandbox is made of. Each pushes one table, or changes the table on the top.
void open_base(lua_State* lua);    ///< On the table of globals on the top.
void open_random(lua_State* lua);  ///< On the table `math` on the top.
void push_redis_library(lua_State* lua);
void push_load_library(lua_State* lua);  ///< What a library sees while it is loaded.
void push_bit_library(lua_State* lua);
void push_struct_library(lua_State* lua);
void push_msgpack_library(lua_State* lua);
void push_json_library(lua_State* lua);

/// Makes the globals of the state. Raises.
void build_sandbox(lua_State* lua);
/// What scripts of Kind::kFunctions see as globals: while loading, and else.
void choose_globals(lua_State* lua, bool loading);
/// Sets a global, around the protection, to the value on the top; pops it.
void set_global(lua_State* lua, const char* name);

void seed_random(State& state, std::int64_t seed);

/// Compiles text, never bytecode; as luaL_loadbuffer().
int load_text(lua_State* lua, ByteView text, const char* name);

/// Pushes the value that a complete RESP reply is in Lua; raises if it cannot.
void push_reply(lua_State* lua, ByteView reply);

/// Writes the value on the top as a reply and pops it. Returns whether it was an error that a
/// command had raised and somebody has counted.
struct WrittenValue {
    bool error = false;
    bool counted = false;
};

WrittenValue write_value(lua_State* lua, wire::RespWriter& reply);

/// What the table or string on the top says as an error: fields of redis's error objects.
struct ErrorParts {
    std::string text;  ///< With its code, without '-'.
    std::string source;
    std::string line;
    bool counted = false;
};

ErrorParts error_parts(lua_State* lua);

/// The error handler of every run: adds where it happened.
int on_error(lua_State* lua);

}  // namespace internal
}  // namespace kumo::kv
