#include "kv/script/internal/json_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>

namespace kumo::kv::internal {
namespace {

class Writer {
public:
    Writer(lua_State* lua, const JsonConfig& config) : lua_(lua), config_(config) {}

    const std::string& text() const { return out_; }

    /// Takes the value from the top.
    void value(int depth) {
        switch (lua_type(lua_, -1)) {
            case LUA_TSTRING: string(text_at(lua_, -1)); break;
            case LUA_TNUMBER: number(); break;
            case LUA_TBOOLEAN: out_ += lua_toboolean(lua_, -1) != 0 ? "true" : "false"; break;
            case LUA_TTABLE: table(depth + 1); break;
            case LUA_TNIL: out_ += "null"; break;
            case LUA_TLIGHTUSERDATA:
                if (lua_touserdata(lua_, -1) == nullptr) {
                    out_ += "null";
                    break;
                }
                refuse("type not supported");
                break;
            default: refuse("type not supported");
        }
        lua_pop(lua_, 1);
    }

private:
    void refuse(const char* why) {
        luaL_error(lua_, "Cannot serialise %s: %s", luaL_typename(lua_, -1), why);
    }

    void string(ByteView text) {
        static constexpr char kHex[] = "0123456789abcdef";
        out_ += '"';
        for (const char c : text) {
            const auto byte = static_cast<unsigned char>(c);
            switch (c) {
                case '"': out_ += "\\\""; break;
                case '\\': out_ += "\\\\"; break;
                case '/': out_ += "\\/"; break;
                case '\b': out_ += "\\b"; break;
                case '\t': out_ += "\\t"; break;
                case '\n': out_ += "\\n"; break;
                case '\f': out_ += "\\f"; break;
                case '\r': out_ += "\\r"; break;
                default:
                    if (byte < 0x20 || byte == 0x7F) {
                        out_ += "\\u00";
                        out_ += kHex[byte >> 4U];
                        out_ += kHex[byte & 15U];
                    } else {
                        out_ += c;
                    }
            }
        }
        out_ += '"';
    }

    void number() {
        const double value = lua_tonumber(lua_, -1);
        if (!std::isfinite(value)) {
            switch (config_.encode_invalid) {
                case JsonConfig::Invalid::kRefused: refuse("must not be NaN or Inf"); break;
                case JsonConfig::Invalid::kNull: out_ += "null"; return;
                case JsonConfig::Invalid::kWritten:
                    out_ += std::isnan(value) ? "nan" : (value < 0 ? "-inf" : "inf");
                    return;
            }
        }
        std::array<char, 40> text{};
        const int size =
            std::snprintf(text.data(), text.size(), "%.*g", config_.number_precision, value);
        out_.append(text.data(), static_cast<std::size_t>(size));
    }

    /// The highest index if all keys are indexes, -1 if it is an object.
    double array_length() {
        double highest = 0;
        double count = 0;
        lua_pushnil(lua_);
        while (lua_next(lua_, -2) != 0) {
            lua_pop(lua_, 1);
            const double key = lua_type(lua_, -1) == LUA_TNUMBER ? lua_tonumber(lua_, -1) : 0;
            if (!(key >= 1) || std::floor(key) != key) {
                lua_pop(lua_, 1);
                return -1;
            }
            highest = std::max(highest, key);
            ++count;
        }
        if (config_.sparse_ratio > 0 && highest > count * config_.sparse_ratio
            && highest > config_.sparse_safe) {
            if (config_.sparse_convert == 0) {
                refuse("excessively sparse array");
            }
            return -1;
        }
        return highest;
    }

    void table(int depth) {
        if (depth > config_.encode_depth_max || lua_checkstack(lua_, 4) == 0) {
            luaL_error(lua_, "Cannot serialise, excessive depth (%d)", depth);
        }
        const double length = array_length();
        if (length > 0) {
            array(static_cast<int>(length), depth);
        } else {
            object(depth);
        }
    }

    void array(int length, int depth) {
        char separator = '[';
        for (int i = 1; i <= length; ++i) {
            out_ += separator;
            separator = ',';
            lua_rawgeti(lua_, -1, i);
            value(depth);
        }
        out_ += ']';
    }

    void object(int depth) {
        out_ += '{';
        bool first = true;
        lua_pushnil(lua_);
        while (lua_next(lua_, -2) != 0) {
            if (!first) {
                out_ += ',';
            }
            first = false;
            lua_pushvalue(lua_, -2);
            key();
            out_ += ':';
            value(depth);
        }
        out_ += '}';
    }

    /// Takes the key from the top.
    void key() {
        if (lua_type(lua_, -1) == LUA_TNUMBER) {
            out_ += '"';
            number();
            out_ += '"';
        } else if (lua_type(lua_, -1) == LUA_TSTRING) {
            string(text_at(lua_, -1));
        } else {
            refuse("table key must be a number or string");
        }
        lua_pop(lua_, 1);
    }

    lua_State* lua_;
    const JsonConfig& config_;
    std::string out_;
};

}  // namespace

int json_encode(lua_State* lua) {
    luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
    Writer writer(lua, json_config(lua));
    lua_pushvalue(lua, 1);
    writer.value(0);
    push(lua, writer.text());
    return 1;
}

}  // namespace kumo::kv::internal
