#include "kv/script/internal/lua.h"
#include "kv/script/internal/read_only.h"

#include <limits>

// The functions of Lua's base library that must know of read-only tables, bytecode, or limits.

namespace kumo::kv::internal {
namespace {

constexpr lua_Integer kIntegerMax = std::numeric_limits<int>::max();

/// If the argument 1 is a read-only view, it becomes the table behind it.
void look_behind(lua_State* lua) {
    if (push_behind(lua, 1)) {
        lua_replace(lua, 1);
    }
}

int raise_plain(lua_State* lua, const char* text) {
    lua_pushstring(lua, text);
    return lua_error(lua);
}

void refuse_read_only(lua_State* lua) {
    if (push_behind(lua, 1)) {
        raise_plain(lua, kReadOnlyText);
    }
}

int do_rawget(lua_State* lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    luaL_checkany(lua, 2);
    lua_settop(lua, 2);
    look_behind(lua);
    lua_rawget(lua, 1);
    return 1;
}

int do_rawset(lua_State* lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    luaL_checkany(lua, 2);
    luaL_checkany(lua, 3);
    lua_settop(lua, 3);
    refuse_read_only(lua);
    lua_rawset(lua, 1);
    return 1;
}

int do_next(lua_State* lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 2);
    look_behind(lua);
    if (lua_next(lua, 1) != 0) {
        return 2;
    }
    lua_pushnil(lua);
    return 1;
}

/// Its upvalue is do_next.
int do_pairs(lua_State* lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_pushvalue(lua, 1);
    lua_pushnil(lua);
    return 3;
}

int do_getmetatable(lua_State* lua) {
    luaL_checkany(lua, 1);
    if (push_behind(lua, 1)) {
        push_shown_metatable(lua, 1);
        return 1;
    }
    if (lua_getmetatable(lua, 1) == 0) {
        lua_pushnil(lua);
        return 1;
    }
    luaL_getmetafield(lua, 1, "__metatable");  // Pushes nothing if there is none.
    return 1;
}

int do_setmetatable(lua_State* lua) {
    const int type = lua_type(lua, 2);
    luaL_checktype(lua, 1, LUA_TTABLE);
    luaL_argcheck(lua, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table expected");
    refuse_read_only(lua);
    if (luaL_getmetafield(lua, 1, "__metatable") != 0) {
        return luaL_error(lua, "cannot change a protected metatable");
    }
    lua_settop(lua, 2);
    lua_setmetatable(lua, 1);
    return 1;
}

/// Its upvalue is Lua's own.
int do_table_insert(lua_State* lua) {
    refuse_read_only(lua);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, lua_gettop(lua) - 1, 0);
    return 0;
}

/// An error that a command has raised arrives as its text.
int do_pcall(lua_State* lua) {
    luaL_checkany(lua, 1);
    lua_pushboolean(lua, 1);
    lua_insert(lua, 1);
    if (lua_pcall(lua, lua_gettop(lua) - 2, LUA_MULTRET, 0) != 0) {
        if (lua_istable(lua, -1)) {
            get_raw(lua, -1, "err");
            if (lua_isstring(lua, -1) != 0) {
                lua_replace(lua, -2);
            } else {
                lua_pop(lua, 1);
            }
        }
        lua_pushboolean(lua, 0);
        lua_replace(lua, 1);
    }
    return lua_gettop(lua);
}

/// Its upvalue is the script's error handler. Lua calls handlers where the error was raised: if
/// that is the hook that stops the script, nothing could stop the handler.
int handle_error(lua_State* lua) {
    if (state_of(lua).stopped) {
        return 1;
    }
    lua_settop(lua, 1);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, 1, 1);
    return 1;
}

int do_xpcall(lua_State* lua) {
    luaL_checkany(lua, 2);
    lua_settop(lua, 2);
    lua_pushcclosure(lua, handle_error, 1);
    lua_insert(lua, 1);
    const int status = lua_pcall(lua, 0, LUA_MULTRET, 1);
    lua_pushboolean(lua, status == 0 ? 1 : 0);
    lua_replace(lua, 1);
    return lua_gettop(lua);
}

int do_unpack(lua_State* lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    const lua_Integer first = luaL_optinteger(lua, 2, 1);
    const lua_Integer last = lua_isnoneornil(lua, 3) ? static_cast<lua_Integer>(lua_objlen(lua, 1))
                                                     : luaL_checkinteger(lua, 3);
    if (first > last) {
        return 0;
    }
    constexpr lua_Integer kResultsMax = LUAI_MAXCSTACK;
    const bool fits = first >= -kIntegerMax && last <= kIntegerMax && last - first < kResultsMax;
    if (!fits || lua_checkstack(lua, static_cast<int>(last - first + 1)) == 0) {
        return luaL_error(lua, "too many results to unpack");
    }
    for (lua_Integer i = first; i <= last; ++i) {
        lua_rawgeti(lua, 1, static_cast<int>(i));
    }
    return static_cast<int>(last - first + 1);
}

/// What a load that failed returns: nil, words.
int load_result(lua_State* lua, int status) {
    if (status == 0) {
        return 1;
    }
    lua_pushnil(lua);
    lua_insert(lua, -2);
    return 2;
}

int do_loadstring(lua_State* lua) {
    std::size_t size = 0;
    const char* bytes = luaL_checklstring(lua, 1, &size);
    const char* name = luaL_optstring(lua, 2, bytes);
    return load_result(lua, load_text(lua, {bytes, size}, name));
}

int do_load(lua_State* lua) {
    luaL_checktype(lua, 1, LUA_TFUNCTION);
    const char* name = luaL_optstring(lua, 2, "=(load)");
    lua_settop(lua, 3);
    lua_pushliteral(lua, "");  // What the function has given so far.
    while (true) {
        lua_pushvalue(lua, 1);
        lua_call(lua, 0, 1);
        if (lua_isnil(lua, -1)) {
            break;
        }
        if (lua_isstring(lua, -1) == 0) {
            return luaL_error(lua, "reader function must return a string");
        }
        if (lua_objlen(lua, -1) == 0) {
            break;
        }
        lua_concat(lua, 2);
    }
    lua_pop(lua, 1);
    return load_result(lua, load_text(lua, text_at(lua, -1), name));
}

}  // namespace

int load_text(lua_State* lua, ByteView text, const char* name) {
    if (!text.empty() && text.front() == LUA_SIGNATURE[0]) {
        lua_pushliteral(lua, "attempt to load chunk with wrong mode");
        return LUA_ERRSYNTAX;
    }
    // Lua 5.1's parser holds the chunk's name where its collector does not see it: no collection
    // meanwhile.
    lua_gc(lua, LUA_GCSTOP, 0);
    const int status = luaL_loadbuffer(lua, text.data(), text.size(), name);
    lua_gc(lua, LUA_GCRESTART, 0);
    return status;
}

void open_base(lua_State* lua) {
    static constexpr luaL_Reg kFunctions[] = {
        {"rawget", do_rawget},
        {"rawset", do_rawset},
        {"next", do_next},
        {"getmetatable", do_getmetatable},
        {"setmetatable", do_setmetatable},
        {"pcall", do_pcall},
        {"xpcall", do_xpcall},
        {"unpack", do_unpack},
        {"loadstring", do_loadstring},
        {"load", do_load},
        {nullptr, nullptr},
    };
    set_functions(lua, kFunctions);
    lua_pushcfunction(lua, do_next);
    lua_pushcclosure(lua, do_pairs, 1);
    lua_setfield(lua, -2, "pairs");
    lua_getfield(lua, -1, "table");
    lua_getfield(lua, -1, "insert");
    lua_pushcclosure(lua, do_table_insert, 1);
    lua_setfield(lua, -2, "insert");
    lua_pop(lua, 1);
}

}  // namespace kumo::kv::internal
