#include "base/assert.h"
#include "kv/script/internal/lua.h"

#include <charconv>
#include <cstdlib>

// What commands answer, as Lua values.

namespace kumo::kv::internal {
namespace {

class Reader {
public:
    Reader(lua_State* lua, ByteView reply) : lua_(lua), left_(reply) {}

    /// Pushes one value.
    void value() {
        luaL_checkstack(lua_, 6, "a reply is nested too deeply");
        const ByteView line = next_line();
        const ByteView rest = line.substr(1);
        switch (line[0]) {
            case '+': field("ok", rest); break;
            case '-': error(rest); break;
            case ':': lua_pushnumber(lua_, static_cast<double>(number(rest))); break;
            case '$': bulk(number(rest)); break;
            case '*':
            case '>': array(number(rest)); break;
            case '%': map(number(rest)); break;
            case '~': set(number(rest)); break;
            case '|': attribute(number(rest)); break;
            case '_': lua_pushnil(lua_); break;
            case '#': lua_pushboolean(lua_, rest == "t" ? 1 : 0); break;
            case ',': real(rest); break;
            case '(': field("big_number", rest); break;
            case '=': verbatim(number(rest)); break;
            default: KUMO_ASSERT(false);
        }
    }

private:
    ByteView next_line() {
        const std::size_t end = left_.find("\r\n");
        KUMO_ASSERT(end != ByteView::npos && end > 0);
        const ByteView line = left_.substr(0, end);
        left_.remove_prefix(end + 2);
        return line;
    }

    static std::int64_t number(ByteView digits) {
        std::int64_t value = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return value;
    }

    ByteView bytes(std::int64_t size) {
        const auto wanted = static_cast<std::size_t>(size);
        KUMO_ASSERT(size >= 0 && left_.size() >= wanted + 2);
        const ByteView out = left_.substr(0, wanted);
        left_.remove_prefix(wanted + 2);
        return out;
    }

    /// {name = text}
    void field(const char* name, ByteView text) {
        lua_newtable(lua_);
        push(lua_, text);
        lua_setfield(lua_, -2, name);
    }

    void error(ByteView text) {
        push_error(lua_, "-" + std::string(text));
        lua_pushboolean(lua_, 1);
        lua_setfield(lua_, -2, "ignore_error_stats_update");
    }

    void bulk(std::int64_t size) {
        if (size < 0) {
            lua_pushboolean(lua_, 0);
        } else {
            push(lua_, bytes(size));
        }
    }

    void array(std::int64_t size) {
        if (size < 0) {
            lua_pushboolean(lua_, 0);
            return;
        }
        lua_createtable(lua_, static_cast<int>(size), 0);
        for (int i = 1; i <= size; ++i) {
            value();
            lua_rawseti(lua_, -2, i);
        }
    }

    /// {map = {k = v}}
    void map(std::int64_t size) {
        lua_newtable(lua_);
        lua_createtable(lua_, 0, static_cast<int>(size));
        for (std::int64_t i = 0; i < size; ++i) {
            value();
            value();
            lua_rawset(lua_, -3);
        }
        lua_setfield(lua_, -2, "map");
    }

    /// {set = {k = true}}
    void set(std::int64_t size) {
        lua_newtable(lua_);
        lua_createtable(lua_, 0, static_cast<int>(size));
        for (std::int64_t i = 0; i < size; ++i) {
            value();
            lua_pushboolean(lua_, 1);
            lua_rawset(lua_, -3);
        }
        lua_setfield(lua_, -2, "set");
    }

    /// Scripts see the value it is about only.
    void attribute(std::int64_t size) {
        for (std::int64_t i = 0; i < 2 * size; ++i) {
            value();
            lua_pop(lua_, 1);
        }
        value();
    }

    void real(ByteView text) {
        lua_newtable(lua_);
        lua_pushnumber(lua_, std::strtod(std::string(text).c_str(), nullptr));
        lua_setfield(lua_, -2, "double");
    }

    void verbatim(std::int64_t size) {
        const ByteView all = bytes(size);
        lua_newtable(lua_);
        field("string", all.substr(4));
        push(lua_, all.substr(0, 3));
        lua_setfield(lua_, -2, "format");
        lua_setfield(lua_, -2, "verbatim_string");
    }

    lua_State* lua_;
    ByteView left_;
};

}  // namespace

void push_reply(lua_State* lua, ByteView reply) {
    Reader(lua, reply).value();
}

}  // namespace kumo::kv::internal
