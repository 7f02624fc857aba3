#include "kv/script/internal/read_only.h"

namespace kumo::kv::internal {
namespace {

// Addresses are keys that no script can make.
char g_behind_key;
char g_shown_key;

int on_write(lua_State* lua) {
    return luaL_error(lua, "%s", kReadOnlyText);
}

int on_unknown(lua_State* lua) {
    const char* name = lua_tostring(lua, 2);
    return luaL_error(
        lua,
        "Script attempted to access nonexistent global variable '%s'",
        name == nullptr ? "?" : name
    );
}

/// metatable[key] = the value on the top; the metatable is below it. Pops the value.
void set_hidden(lua_State* lua, void* key) {
    lua_pushlightuserdata(lua, key);
    lua_insert(lua, -2);
    lua_rawset(lua, -3);
}

}  // namespace

void make_read_only(lua_State* lua, bool shown_metatable) {
    lua_newtable(lua);  // The view, and its metatable.
    lua_newtable(lua);
    lua_pushvalue(lua, -3);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, on_write);
    lua_setfield(lua, -2, "__newindex");
    lua_pushvalue(lua, -3);
    set_hidden(lua, &g_behind_key);
    if (shown_metatable && lua_getmetatable(lua, -3) != 0) {
        make_read_only(lua);
        set_hidden(lua, &g_shown_key);
    }
    lua_setmetatable(lua, -2);
    lua_remove(lua, -2);
}

bool push_behind(lua_State* lua, int index) {
    if (lua_type(lua, index) != LUA_TTABLE || lua_getmetatable(lua, index) == 0) {
        return false;
    }
    lua_pushlightuserdata(lua, &g_behind_key);
    lua_rawget(lua, -2);
    lua_remove(lua, -2);
    if (lua_istable(lua, -1)) {
        return true;
    }
    lua_pop(lua, 1);
    return false;
}

void push_shown_metatable(lua_State* lua, int index) {
    lua_getmetatable(lua, index);
    lua_pushlightuserdata(lua, &g_shown_key);
    lua_rawget(lua, -2);
    lua_remove(lua, -2);
}

void refuse_unknown_fields(lua_State* lua) {
    lua_newtable(lua);
    lua_pushcfunction(lua, on_unknown);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
}

}  // namespace kumo::kv::internal
