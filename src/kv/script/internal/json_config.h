#pragma once

#include "kv/script/internal/lua.h"

namespace kumo::kv::internal {

/// What the module `cjson` can be told; one for each table that cjson.new() makes. Lives in
/// userdata, the upvalue 1 of the module's functions.
struct JsonConfig {
    enum class Invalid : int {
        kRefused = 0,
        kWritten = 1,
        kNull = 2
    };

    int sparse_convert = 0;
    int sparse_ratio = 2;
    int sparse_safe = 10;
    int encode_depth_max = 1000;
    int decode_depth_max = 1000;
    int number_precision = 14;
    int keep_buffer = 1;
    Invalid encode_invalid = Invalid::kRefused;
    int decode_invalid = 1;
};

inline JsonConfig& json_config(lua_State* lua) {
    return *static_cast<JsonConfig*>(lua_touserdata(lua, lua_upvalueindex(1)));
}

int json_encode(lua_State* lua);
int json_decode(lua_State* lua);

}  // namespace kumo::kv::internal
