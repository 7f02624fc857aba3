#include "kv/script/internal/lua.h"
#include "kv/script/internal/read_only.h"

#include <cstdlib>
#include <string>

namespace kumo::kv::internal {
namespace {

// Keys of the registry.
char g_globals_key;       // The table behind the globals.
char g_view_key;          // The globals as scripts have them.
char g_load_globals_key;  // The table behind, while a library is loaded.

void get_registered(lua_State* lua, void* key) {
    lua_pushlightuserdata(lua, key);
    lua_rawget(lua, LUA_REGISTRYINDEX);
}

/// Pops the value.
void set_registered(lua_State* lua, void* key) {
    lua_pushlightuserdata(lua, key);
    lua_insert(lua, -2);
    lua_rawset(lua, LUA_REGISTRYINDEX);
}

void open(lua_State* lua, lua_CFunction library, const char* name) {
    lua_pushcfunction(lua, library);
    lua_pushstring(lua, name);
    lua_call(lua, 1, 0);
}

/// table[name] = the value on the top; pops it. The table is at `index`.
void set_raw(lua_State* lua, int index, const char* name) {
    lua_pushstring(lua, name);
    lua_insert(lua, -2);
    lua_rawset(lua, index);
}

/// Pushes a new table with what scripts may have of Lua's own globals.
void push_allowed_globals(lua_State* lua) {
    static constexpr const char* kAllowed[] = {
        "assert",   "collectgarbage", "coroutine",  "error",  "gcinfo",       "getmetatable",
        "ipairs",   "load",           "loadstring", "next",   "pairs",        "pcall",
        "rawequal", "rawget",         "rawset",     "select", "setmetatable", "tonumber",
        "tostring", "type",           "unpack",     "xpcall", "_VERSION",     "string",
        "math",     "table"};
    lua_newtable(lua);
    for (const char* name : kAllowed) {
        lua_getfield(lua, LUA_GLOBALSINDEX, name);
        lua_setfield(lua, -2, name);
    }
}

/// The clock is all of `os`.
void add_os(lua_State* lua) {
    open(lua, luaopen_os, LUA_OSLIBNAME);
    lua_newtable(lua);
    lua_getfield(lua, LUA_GLOBALSINDEX, LUA_OSLIBNAME);
    lua_getfield(lua, -1, "clock");
    lua_remove(lua, -2);
    lua_setfield(lua, -2, "clock");
    lua_setfield(lua, -2, LUA_OSLIBNAME);
}

/// Makes each library of the table on the top read-only.
void protect_libraries(lua_State* lua) {
    static constexpr const char* kLibraries[] = {
        "string",
        "math",
        "table",
        "os",
        "coroutine",
        "redis",
        "bit",
        "cjson",
        "cmsgpack",
        "struct"};
    for (const char* name : kLibraries) {
        lua_getfield(lua, -1, name);
        make_read_only(lua);
        lua_setfield(lua, -2, name);
    }
}

/// Strings have methods, and nobody can change which. The globals are on the top.
void protect_strings(lua_State* lua) {
    lua_pushliteral(lua, "");
    lua_getmetatable(lua, -1);
    lua_getfield(lua, -3, "string");
    lua_setfield(lua, -2, "__index");
    lua_pushvalue(lua, -1);
    make_read_only(lua);
    lua_setfield(lua, -2, "__metatable");
    lua_pop(lua, 2);
}

void add_libraries(lua_State* lua) {
    push_redis_library(lua);
    lua_setfield(lua, -2, "redis");
    push_bit_library(lua);
    lua_setfield(lua, -2, "bit");
    push_json_library(lua);
    lua_setfield(lua, -2, "cjson");
    push_msgpack_library(lua);
    lua_setfield(lua, -2, "cmsgpack");
    push_struct_library(lua);
    lua_setfield(lua, -2, "struct");
}

void build_load_globals(lua_State* lua) {
    lua_newtable(lua);
    push_load_library(lua);
    make_read_only(lua);
    lua_setfield(lua, -2, "redis");
    refuse_unknown_fields(lua);
    set_registered(lua, &g_load_globals_key);
}

}  // namespace

void set_functions(lua_State* lua, const luaL_Reg* functions) {
    for (; functions->name != nullptr; ++functions) {
        lua_pushcfunction(lua, functions->func);
        lua_setfield(lua, -2, functions->name);
    }
}

void build_sandbox(lua_State* lua) {
    open(lua, luaopen_base, "");
    open(lua, luaopen_table, LUA_TABLIBNAME);
    open(lua, luaopen_string, LUA_STRLIBNAME);
    open(lua, luaopen_math, LUA_MATHLIBNAME);
    push_allowed_globals(lua);
    add_os(lua);
    open_base(lua);
    lua_getfield(lua, -1, LUA_MATHLIBNAME);
    open_random(lua);
    lua_pop(lua, 1);
    add_libraries(lua);
    protect_libraries(lua);
    protect_strings(lua);
    refuse_unknown_fields(lua);
    lua_pushvalue(lua, -1);
    set_registered(lua, &g_globals_key);
    make_read_only(lua, true);
    lua_pushvalue(lua, -1);
    set_registered(lua, &g_view_key);
    lua_pushvalue(lua, -1);
    set_global(lua, "_G");
    lua_replace(lua, LUA_GLOBALSINDEX);
    if (state_of(lua).kind == Interpreter::Kind::kFunctions) {
        build_load_globals(lua);
    }
    lua_gc(lua, LUA_GCCOLLECT, 0);
}

void choose_globals(lua_State* lua, bool loading) {
    get_registered(lua, &g_view_key);
    lua_getmetatable(lua, -1);
    get_registered(lua, loading ? &g_load_globals_key : &g_globals_key);
    lua_setfield(lua, -2, "__index");
    lua_pop(lua, 2);
}

void set_global(lua_State* lua, const char* name) {
    get_registered(lua, &g_globals_key);
    lua_insert(lua, -2);
    set_raw(lua, lua_gettop(lua) - 1, name);
    lua_pop(lua, 1);
}

State& state_of(lua_State* lua) {
    void* state = nullptr;
    lua_getallocf(lua, &state);
    return *static_cast<State*>(state);
}

void push_error(lua_State* lua, ByteView text) {
    ByteView code = "ERR";
    if (!text.empty() && text.front() == '-') {
        text.remove_prefix(1);
        const std::size_t space = text.find(' ');
        if (space != ByteView::npos) {
            code = text.substr(0, space);
            text.remove_prefix(space + 1);
        }
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
        text.remove_suffix(1);
    }
    lua_newtable(lua);
    push(lua, std::string(code) + " " + std::string(text));
    lua_setfield(lua, -2, "err");
}

void raise(lua_State* lua, ByteView text) {
    push_error(lua, text);
    lua_error(lua);
    std::abort();  // lua_error() does not return.
}

int on_error(lua_State* lua) {
    lua_Debug where{};
    bool known = lua_getstack(lua, 1, &where) != 0 && lua_getinfo(lua, "nSl", &where) != 0;
    if (known && ByteView(where.what) == "C") {
        known = lua_getstack(lua, 2, &where) != 0 && lua_getinfo(lua, "nSl", &where) != 0;
    }
    if (!lua_istable(lua, 1)) {
        const char* text = lua_tostring(lua, 1);
        const std::string words =
            "ERR " + std::string(text == nullptr ? luaL_typename(lua, 1) : text);
        lua_newtable(lua);
        push(lua, words);
        lua_setfield(lua, -2, "err");
        lua_replace(lua, 1);
    }
    lua_settop(lua, 1);
    if (push_behind(lua, 1)) {
        return 1;
    }
    if (known) {
        lua_pushstring(lua, where.source);
        set_raw(lua, 1, "source");
        lua_pushnumber(lua, where.currentline);
        set_raw(lua, 1, "line");
    }
    return 1;
}

}  // namespace kumo::kv::internal
