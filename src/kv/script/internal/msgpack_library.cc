#include "kv/script/internal/lua.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

// The module `cmsgpack`: values as MessagePack and back. Tables nested deeper than 16 become nil.
// Format: https://github.com/msgpack/msgpack/blob/master/spec.md

namespace kumo::kv::internal {
namespace {

constexpr int kDepthMax = 16;

// Writing.

void append_big_endian(std::string* out, std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = bytes; i > 0; --i) {
        out->push_back(static_cast<char>((value >> (8 * (i - 1))) & 0xFFU));
    }
}

void append_tagged(std::string* out, unsigned tag, std::uint64_t value, std::size_t bytes) {
    out->push_back(static_cast<char>(tag));
    append_big_endian(out, value, bytes);
}

void write_unsigned(std::string* out, std::uint64_t value) {
    if (value <= 0x7F) {
        out->push_back(static_cast<char>(value));
    } else if (value <= 0xFF) {
        append_tagged(out, 0xCC, value, 1);
    } else if (value <= 0xFFFF) {
        append_tagged(out, 0xCD, value, 2);
    } else if (value <= 0xFFFFFFFF) {
        append_tagged(out, 0xCE, value, 4);
    } else {
        append_tagged(out, 0xCF, value, 8);
    }
}

void write_integer(std::string* out, std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    if (value >= 0) {
        write_unsigned(out, bits);
    } else if (value >= -32) {
        out->push_back(static_cast<char>(value));
    } else if (value >= -128) {
        append_tagged(out, 0xD0, bits, 1);
    } else if (value >= -32768) {
        append_tagged(out, 0xD1, bits, 2);
    } else if (value >= std::numeric_limits<std::int32_t>::min()) {
        append_tagged(out, 0xD2, bits, 4);
    } else {
        append_tagged(out, 0xD3, bits, 8);
    }
}

bool is_int64(double value) {
    return value >= -9223372036854775808.0 && value < 9223372036854775808.0
           && std::floor(value) == value;
}

void write_number(std::string* out, double value) {
    const auto narrow = static_cast<float>(value);
    if (is_int64(value)) {
        write_integer(out, static_cast<std::int64_t>(value));
    } else if (static_cast<double>(narrow) == value) {
        append_tagged(out, 0xCA, std::bit_cast<std::uint32_t>(narrow), 4);
    } else {
        append_tagged(out, 0xCB, std::bit_cast<std::uint64_t>(value), 8);
    }
}

void write_string(std::string* out, ByteView text) {
    if (text.size() < 32) {
        out->push_back(static_cast<char>(0xA0U | text.size()));
    } else if (text.size() <= 0xFF) {
        append_tagged(out, 0xD9, text.size(), 1);
    } else if (text.size() <= 0xFFFF) {
        append_tagged(out, 0xDA, text.size(), 2);
    } else {
        append_tagged(out, 0xDB, text.size(), 4);
    }
    out->append(text);
}

/// The header of an array (fix 0x90, tag 0xDC) or a map (0x80, 0xDE).
void write_header(std::string* out, std::size_t count, unsigned fix, unsigned tag) {
    if (count <= 15) {
        out->push_back(static_cast<char>(fix | count));
    } else if (count <= 0xFFFF) {
        append_tagged(out, tag, count, 2);
    } else {
        append_tagged(out, tag + 1, count, 4);
    }
}

struct Shape {
    bool array;
    std::size_t count;
};

/// An array: its keys are 1, 2, ..., count.
Shape shape_of(lua_State* lua) {
    std::size_t count = 0;
    double highest = 0;
    bool array = true;
    lua_pushnil(lua);
    while (lua_next(lua, -2) != 0) {
        lua_pop(lua, 1);
        ++count;
        const double key = lua_type(lua, -1) == LUA_TNUMBER ? lua_tonumber(lua, -1) : 0;
        array = array && key >= 1 && is_int64(key);
        highest = std::max(highest, key);
    }
    return {array && highest == static_cast<double>(count), count};
}

void write_value(lua_State* lua, std::string* out, int depth);

void write_table(lua_State* lua, std::string* out, int depth) {
    luaL_checkstack(lua, 4, "in function mp_encode_lua_table");
    const Shape shape = shape_of(lua);
    write_header(out, shape.count, shape.array ? 0x90 : 0x80, shape.array ? 0xDC : 0xDE);
    if (shape.array) {
        for (std::size_t i = 1; i <= shape.count; ++i) {
            lua_rawgeti(lua, -1, static_cast<int>(i));
            write_value(lua, out, depth + 1);
        }
        return;
    }
    lua_pushnil(lua);
    while (lua_next(lua, -2) != 0) {
        lua_pushvalue(lua, -2);
        write_value(lua, out, depth + 1);
        write_value(lua, out, depth + 1);
    }
}

/// Takes the value from the top.
void write_value(lua_State* lua, std::string* out, int depth) {
    switch (lua_type(lua, -1)) {
        case LUA_TSTRING: write_string(out, text_at(lua, -1)); break;
        case LUA_TBOOLEAN:
            out->push_back(static_cast<char>(lua_toboolean(lua, -1) != 0 ? 0xC3 : 0xC2));
            break;
        case LUA_TNUMBER: write_number(out, lua_tonumber(lua, -1)); break;
        case LUA_TTABLE:
            if (depth < kDepthMax) {
                write_table(lua, out, depth);
                break;
            }
            out->push_back(static_cast<char>(0xC0));
            break;
        default: out->push_back(static_cast<char>(0xC0));
    }
    lua_pop(lua, 1);
}

int do_pack(lua_State* lua) {
    const int count = lua_gettop(lua);
    if (count == 0) {
        return luaL_argerror(lua, 0, "MessagePack pack needs input.");
    }
    luaL_checkstack(lua, 2, "Too many arguments for MessagePack pack.");
    std::string out;
    for (int i = 1; i <= count; ++i) {
        lua_pushvalue(lua, i);
        write_value(lua, &out, 0);
    }
    push(lua, out);
    return 1;
}

// Reading.

class Reader {
public:
    Reader(lua_State* lua, ByteView bytes) : lua_(lua), left_(bytes) {}

    std::size_t left() const { return left_.size(); }

    /// Pushes the next value; raises if there is none.
    void value() {
        luaL_checkstack(
            lua_,
            3,
            "too many return values at once; use unpack_one or unpack_limit instead."
        );
        const auto tag = static_cast<unsigned char>(take(1)[0]);
        if (tag <= 0x7F) {
            lua_pushnumber(lua_, tag);
        } else if (tag <= 0x8F) {
            map(tag & 0x0FU);
        } else if (tag <= 0x9F) {
            array(tag & 0x0FU);
        } else if (tag <= 0xBF) {
            push(lua_, take(tag & 0x1FU));
        } else if (tag >= 0xE0) {
            lua_pushnumber(lua_, static_cast<std::int8_t>(tag));
        } else {
            tagged(tag);
        }
    }

private:
    ByteView take(std::size_t size) {
        if (size > left_.size()) {
            luaL_error(lua_, "Missing bytes in input.");
        }
        const ByteView bytes = left_.substr(0, size);
        left_.remove_prefix(size);
        return bytes;
    }

    std::uint64_t number(std::size_t size) {
        std::uint64_t value = 0;
        for (const char c : take(size)) {
            value = (value << 8U) | static_cast<unsigned char>(c);
        }
        return value;
    }

    void tagged(unsigned tag) {
        switch (tag) {
            case 0xC0: lua_pushnil(lua_); break;
            case 0xC2:
            case 0xC3: lua_pushboolean(lua_, tag == 0xC3 ? 1 : 0); break;
            case 0xC4:
            case 0xD9: push(lua_, take(number(1))); break;
            case 0xC5:
            case 0xDA: push(lua_, take(number(2))); break;
            case 0xC6:
            case 0xDB: push(lua_, take(number(4))); break;
            case 0xDC: array(number(2)); break;
            case 0xDD: array(number(4)); break;
            case 0xDE: map(number(2)); break;
            case 0xDF: map(number(4)); break;
            default: lua_pushnumber(lua_, numeric(tag));
        }
    }

    double numeric(unsigned tag) {
        switch (tag) {
            case 0xCA: return std::bit_cast<float>(static_cast<std::uint32_t>(number(4)));
            case 0xCB: return std::bit_cast<double>(number(8));
            case 0xCC: return static_cast<double>(number(1));
            case 0xCD: return static_cast<double>(number(2));
            case 0xCE: return static_cast<double>(number(4));
            case 0xCF: return static_cast<double>(number(8));
            case 0xD0: return static_cast<std::int8_t>(number(1));
            case 0xD1: return static_cast<std::int16_t>(number(2));
            case 0xD2: return static_cast<std::int32_t>(number(4));
            case 0xD3: return static_cast<double>(static_cast<std::int64_t>(number(8)));
            default: luaL_error(lua_, "Bad data format in input."); return 0;
        }
    }

    void array(std::uint64_t count) {
        lua_newtable(lua_);
        for (std::uint64_t i = 1; i <= count; ++i) {
            value();
            lua_rawseti(lua_, -2, static_cast<int>(std::min<std::uint64_t>(i, kIntMax)));
        }
    }

    void map(std::uint64_t count) {
        lua_newtable(lua_);
        for (std::uint64_t i = 0; i < count; ++i) {
            value();
            value();
            lua_settable(lua_, -3);
        }
    }

    static constexpr std::uint64_t kIntMax = std::numeric_limits<int>::max();

    lua_State* lua_;
    ByteView left_;
};

/// `limit` 0 with `offset` 0: everything, without the offset of the rest before it.
int unpack(lua_State* lua, int limit, int offset) {
    std::size_t size = 0;
    const char* bytes = luaL_checklstring(lua, 1, &size);
    if (offset < 0 || limit < 0) {
        return luaL_error(
            lua,
            "Invalid request to unpack with offset of %d and limit of %d.",
            offset,
            static_cast<int>(size)
        );
    }
    if (static_cast<std::size_t>(offset) > size) {
        return luaL_error(
            lua,
            "Start offset %d greater than input length %d.",
            offset,
            static_cast<int>(size)
        );
    }
    lua_settop(lua, 1);
    const bool everything = limit == 0 && offset == 0;
    Reader reader(lua, ByteView(bytes, size).substr(static_cast<std::size_t>(offset)));
    int count = 0;
    while (reader.left() > 0 && (everything || count < limit)) {
        reader.value();
        ++count;
    }
    if (everything) {
        return count;
    }
    luaL_checkstack(lua, 1, "in function unpack");
    lua_pushinteger(lua, reader.left() == 0 ? -1 : static_cast<lua_Integer>(size - reader.left()));
    lua_insert(lua, 2);
    return count + 1;
}

int do_unpack(lua_State* lua) {
    return unpack(lua, 0, 0);
}

int do_unpack_one(lua_State* lua) {
    return unpack(lua, 1, luaL_optint(lua, 2, 0));
}

int do_unpack_limit(lua_State* lua) {
    return unpack(lua, luaL_checkint(lua, 2), luaL_optint(lua, 3, 0));
}

}  // namespace

void push_msgpack_library(lua_State* lua) {
    static constexpr luaL_Reg kFunctions[] = {
        {"pack", do_pack},
        {"unpack", do_unpack},
        {"unpack_one", do_unpack_one},
        {"unpack_limit", do_unpack_limit},
        {nullptr, nullptr},
    };
    lua_newtable(lua);
    set_functions(lua, kFunctions);
    lua_pushliteral(lua, "cmsgpack");
    lua_setfield(lua, -2, "_NAME");
    lua_pushliteral(lua, "lua-cmsgpack 0.4.0");
    lua_setfield(lua, -2, "_VERSION");
    lua_pushliteral(lua, "kumosearch's own");
    lua_setfield(lua, -2, "_COPYRIGHT");
    lua_pushliteral(lua, "MessagePack for scripts");
    lua_setfield(lua, -2, "_DESCRIPTION");
}

}  // namespace kumo::kv::internal
