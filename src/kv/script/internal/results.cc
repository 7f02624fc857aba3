#include "kv/script/internal/lua.h"

#include <algorithm>
#include <limits>

// What scripts return, as replies.

namespace kumo::kv::internal {
namespace {

using wire::RespWriter;

std::string one_line(ByteView text) {
    std::string out(text);
    std::replace_if(
        out.begin(),
        out.end(),
        [](char c) { return c == '\r' || c == '\n'; },
        ' '
    );
    return out;
}

std::int64_t integer_of(double value) {
    const bool fits = value >= -9223372036854775808.0 && value < 9223372036854775808.0;
    return fits ? static_cast<std::int64_t>(value) : std::numeric_limits<std::int64_t>::min();
}

/// Pushes the raw field if it has that type, true; else pushes nothing.
bool push_field(lua_State* lua, const char* name, int type) {
    get_raw(lua, -1, name);
    if (lua_type(lua, -1) == type) {
        return true;
    }
    lua_pop(lua, 1);
    return false;
}

void write_boolean(lua_State* lua, RespWriter& reply) {
    const bool value = lua_toboolean(lua, -1) != 0;
    if (state_of(lua).protocol >= 3) {
        reply.boolean(value);
    } else if (value) {
        reply.integer(1);
    } else {
        reply.null();
    }
}

/// The map (or, without values, the set) on the top.
void write_pairs(lua_State* lua, bool values, RespWriter& reply) {
    std::size_t count = 0;
    lua_pushnil(lua);
    while (lua_next(lua, -2) != 0) {
        lua_pop(lua, 1);
        ++count;
    }
    if (values) {
        reply.map(count);
    } else {
        reply.set(count);
    }
    lua_pushnil(lua);
    while (lua_next(lua, -2) != 0) {
        lua_pushvalue(lua, -2);
        write_value(lua, reply);
        if (values) {
            write_value(lua, reply);
        } else {
            lua_pop(lua, 1);
        }
    }
}

void write_array(lua_State* lua, RespWriter& reply) {
    int count = 0;
    for (;; ++count) {
        lua_rawgeti(lua, -1, count + 1);
        const bool end = lua_isnil(lua, -1);
        lua_pop(lua, 1);
        if (end) {
            break;
        }
    }
    reply.array(static_cast<std::size_t>(count));
    for (int i = 1; i <= count; ++i) {
        lua_rawgeti(lua, -1, i);
        write_value(lua, reply);
    }
}

bool write_verbatim(lua_State* lua, RespWriter& reply) {
    bool written = false;
    if (push_field(lua, "string", LUA_TSTRING)) {
        lua_pushvalue(lua, -2);
        if (push_field(lua, "format", LUA_TSTRING)) {
            std::string format(text_at(lua, -1).substr(0, 3));
            format.resize(3, ' ');
            reply.verbatim(format, text_at(lua, -3));
            written = true;
            lua_pop(lua, 1);
        }
        lua_pop(lua, 2);
    }
    return written;
}

/// One of the tables that stand for another type of reply; false: none.
bool write_special(lua_State* lua, RespWriter& reply) {
    bool written = true;
    if (push_field(lua, "ok", LUA_TSTRING)) {
        reply.simple(one_line(text_at(lua, -1)));
    } else if (push_field(lua, "double", LUA_TNUMBER)) {
        reply.real(lua_tonumber(lua, -1));
    } else if (push_field(lua, "map", LUA_TTABLE)) {
        write_pairs(lua, true, reply);
    } else if (push_field(lua, "set", LUA_TTABLE)) {
        write_pairs(lua, false, reply);
    } else if (push_field(lua, "big_number", LUA_TSTRING)) {
        reply.big_number(one_line(text_at(lua, -1)));
    } else if (push_field(lua, "verbatim_string", LUA_TTABLE)) {
        written = write_verbatim(lua, reply);
    } else {
        return false;
    }
    lua_pop(lua, 1);
    return written;
}

WrittenValue write_table(lua_State* lua, RespWriter& reply) {
    if (push_field(lua, "err", LUA_TSTRING)) {
        lua_pop(lua, 1);
        const ErrorParts parts = error_parts(lua);
        reply.error(parts.text);
        return {true, parts.counted};
    }
    if (!write_special(lua, reply)) {
        write_array(lua, reply);
    }
    return {};
}

std::string text_field(lua_State* lua, const char* name) {
    std::string out;
    get_raw(lua, -1, name);
    if (lua_isstring(lua, -1) != 0) {
        out = text_at(lua, -1);  // A number (the line) too: the copy on the stack is changed only.
    }
    lua_pop(lua, 1);
    return out;
}

}  // namespace

WrittenValue write_value(lua_State* lua, RespWriter& reply) {
    WrittenValue written;
    if (lua_checkstack(lua, 6) == 0) {
        reply.error("ERR reached lua stack limit");
        lua_pop(lua, 1);
        return {true, false};
    }
    switch (lua_type(lua, -1)) {
        case LUA_TSTRING: reply.bulk(text_at(lua, -1)); break;
        case LUA_TBOOLEAN: write_boolean(lua, reply); break;
        case LUA_TNUMBER: reply.integer(integer_of(lua_tonumber(lua, -1))); break;
        case LUA_TTABLE: written = write_table(lua, reply); break;
        default: reply.null();
    }
    lua_pop(lua, 1);
    return written;
}

ErrorParts error_parts(lua_State* lua) {
    ErrorParts parts;
    if (lua_type(lua, -1) == LUA_TTABLE) {
        parts.text = text_field(lua, "err");
        parts.source = text_field(lua, "source");
        parts.line = text_field(lua, "line");
        get_raw(lua, -1, "ignore_error_stats_update");
        parts.counted = lua_toboolean(lua, -1) != 0;
        lua_pop(lua, 1);
    } else if (lua_isstring(lua, -1) != 0) {
        parts.text = "ERR " + std::string(text_at(lua, -1));
    }
    if (parts.text.empty()) {
        parts.text = "ERR unknown error";
    }
    return parts;
}

}  // namespace kumo::kv::internal
