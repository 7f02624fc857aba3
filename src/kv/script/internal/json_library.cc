#include "kv/script/internal/json_config.h"

#include <limits>
#include <new>

// The module `cjson`: JSON to values and back. Empty tables are objects; null is a light userdata.

namespace kumo::kv::internal {
namespace {

constexpr int kIntMax = std::numeric_limits<int>::max();

void check_arguments(lua_State* lua, int most) {
    luaL_argcheck(lua, lua_gettop(lua) <= most, most + 1, "found too many arguments");
    lua_settop(lua, most);
}

/// Takes a new value from the argument, if there is one; pushes the value in force.
int integer_option(lua_State* lua, int index, int* setting, int low, int high) {
    if (!lua_isnil(lua, index)) {
        const lua_Integer value = luaL_checkinteger(lua, index);
        luaL_argcheck(
            lua,
            low <= value && value <= high,
            index,
            lua_pushfstring(lua, "expected integer between %d and %d", low, high)
        );
        *setting = static_cast<int>(value);
    }
    lua_pushinteger(lua, *setting);
    return 1;
}

int boolean_option(lua_State* lua, int index, int* setting) {
    if (!lua_isnil(lua, index)) {
        luaL_checktype(lua, index, LUA_TBOOLEAN);
        *setting = lua_toboolean(lua, index);
    }
    lua_pushboolean(lua, *setting);
    return 1;
}

int do_sparse_array(lua_State* lua) {
    check_arguments(lua, 3);
    JsonConfig& config = json_config(lua);
    boolean_option(lua, 1, &config.sparse_convert);
    integer_option(lua, 2, &config.sparse_ratio, 0, kIntMax);
    integer_option(lua, 3, &config.sparse_safe, 0, kIntMax);
    return 3;
}

int do_encode_max_depth(lua_State* lua) {
    check_arguments(lua, 1);
    return integer_option(lua, 1, &json_config(lua).encode_depth_max, 1, kIntMax);
}

int do_decode_max_depth(lua_State* lua) {
    check_arguments(lua, 1);
    return integer_option(lua, 1, &json_config(lua).decode_depth_max, 1, kIntMax);
}

int do_number_precision(lua_State* lua) {
    check_arguments(lua, 1);
    return integer_option(lua, 1, &json_config(lua).number_precision, 1, 14);
}

int do_keep_buffer(lua_State* lua) {
    check_arguments(lua, 1);
    return boolean_option(lua, 1, &json_config(lua).keep_buffer);
}

int do_encode_invalid_numbers(lua_State* lua) {
    check_arguments(lua, 1);
    JsonConfig& config = json_config(lua);
    if (lua_type(lua, 1) == LUA_TSTRING) {
        static constexpr const char* kNames[] = {"off", "on", "null", nullptr};
        config.encode_invalid =
            static_cast<JsonConfig::Invalid>(luaL_checkoption(lua, 1, nullptr, kNames));
    } else if (!lua_isnil(lua, 1)) {
        luaL_checktype(lua, 1, LUA_TBOOLEAN);
        config.encode_invalid = lua_toboolean(lua, 1) != 0 ? JsonConfig::Invalid::kWritten
                                                           : JsonConfig::Invalid::kRefused;
    }
    if (config.encode_invalid == JsonConfig::Invalid::kNull) {
        lua_pushliteral(lua, "null");
    } else {
        lua_pushboolean(lua, static_cast<int>(config.encode_invalid));
    }
    return 1;
}

int do_decode_invalid_numbers(lua_State* lua) {
    check_arguments(lua, 1);
    return boolean_option(lua, 1, &json_config(lua).decode_invalid);
}

int do_new(lua_State* lua) {
    push_json_library(lua);
    return 1;
}

}  // namespace

void push_json_library(lua_State* lua) {
    static constexpr luaL_Reg kFunctions[] = {
        {"encode", json_encode},
        {"decode", json_decode},
        {"encode_sparse_array", do_sparse_array},
        {"encode_max_depth", do_encode_max_depth},
        {"decode_max_depth", do_decode_max_depth},
        {"encode_number_precision", do_number_precision},
        {"encode_keep_buffer", do_keep_buffer},
        {"encode_invalid_numbers", do_encode_invalid_numbers},
        {"decode_invalid_numbers", do_decode_invalid_numbers},
        {"new", do_new},
    };
    lua_newtable(lua);
    new (lua_newuserdata(lua, sizeof(JsonConfig))) JsonConfig();
    for (const luaL_Reg& function : kFunctions) {
        lua_pushvalue(lua, -1);
        lua_pushcclosure(lua, function.func, 1);
        lua_setfield(lua, -3, function.name);
    }
    lua_pop(lua, 1);
    lua_pushlightuserdata(lua, nullptr);
    lua_setfield(lua, -2, "null");
    lua_pushliteral(lua, "cjson");
    lua_setfield(lua, -2, "_NAME");
    lua_pushliteral(lua, "2.1.0");
    lua_setfield(lua, -2, "_VERSION");
}

}  // namespace kumo::kv::internal
