#include "kv/script/internal/lua.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

// The module `struct`: values to bytes and back by a format, as C lays structures out.
//   < > order of bytes   !n alignment   x a zero byte   b B h H l L T iN IN integers
//   f d reals            cN N bytes     s bytes and a zero

namespace kumo::kv::internal {
namespace {

constexpr std::size_t kIntegerBytesMax = 32;
constexpr std::size_t kAlignmentMax = 8;

/// Reads a format from its beginning to its end.
class Format {
public:
    struct Item {
        char kind;
        std::size_t size;     ///< 0: s, c0, or what changes the layout only.
        std::size_t padding;  ///< Before it.
    };

    Format(lua_State* lua, const char* text) : lua_(lua), text_(text) {}

    bool big_endian() const { return big_endian_; }

    /// False: the end. `offset`: where the item would begin.
    bool next(std::size_t offset, Item* item) {
        if (*text_ == '\0') {
            return false;
        }
        item->kind = *text_++;
        item->size = size_of(item->kind);
        item->padding = padding(offset, *item);
        return true;
    }

    /// For what is no item: changes the layout, or is an error.
    void control(char kind) {
        switch (kind) {
            case ' ': break;
            case '>': big_endian_ = true; break;
            case '<': big_endian_ = false; break;
            case '!': {
                const std::size_t wanted = number(kAlignmentMax);
                if (wanted == 0 || (wanted & (wanted - 1)) != 0) {
                    luaL_error(lua_, "alignment is not a power of 2");
                }
                alignment_ = wanted;
                break;
            }
            default:
                luaL_argerror(lua_, 1, lua_pushfstring(lua_, "invalid format option '%c'", kind));
        }
    }

private:
    std::size_t number(std::size_t otherwise) {
        if (*text_ < '0' || *text_ > '9') {
            return otherwise;
        }
        std::size_t value = 0;
        while (*text_ >= '0' && *text_ <= '9') {
            value = value * 10 + static_cast<std::size_t>(*text_++ - '0');
            if (value > std::numeric_limits<int>::max()) {
                luaL_error(lua_, "integral size overflow");
            }
        }
        return value;
    }

    std::size_t size_of(char kind) {
        switch (kind) {
            case 'b':
            case 'B':
            case 'x': return 1;
            case 'h':
            case 'H': return 2;
            case 'l':
            case 'L':
            case 'T':
            case 'd': return 8;
            case 'f': return 4;
            case 'c': return number(1);
            case 'i':
            case 'I': {
                const std::size_t size = number(4);
                if (size > kIntegerBytesMax) {
                    luaL_error(
                        lua_,
                        "integral size %d is larger than limit of %d",
                        static_cast<int>(size),
                        static_cast<int>(kIntegerBytesMax)
                    );
                }
                return size;
            }
            default: return 0;
        }
    }

    std::size_t padding(std::size_t offset, const Item& item) const {
        if (item.size == 0 || item.kind == 'c') {
            return 0;
        }
        const std::size_t unit = std::min(item.size, alignment_);
        return (unit - (offset & (unit - 1))) & (unit - 1);
    }

    lua_State* lua_;
    const char* text_;
    std::size_t alignment_ = 1;
    bool big_endian_ = false;
};

bool is_integer(char kind) {
    return kind != '\0' && std::strchr("bBhHlLTiI", kind) != nullptr;
}

bool is_signed(char kind) {
    return kind >= 'a' && kind <= 'z';
}

/// As C's casts where they are defined, saturated else.
std::uint64_t integer_of(double value) {
    if (!(value == value)) {
        return 0;
    }
    if (value < 0) {
        return value <= -9223372036854775808.0
                   ? std::uint64_t{1} << 63U
                   : static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
    }
    return value >= 18446744073709551616.0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(value);
}

void append(std::string* out, std::string bytes, bool big_endian) {
    if (big_endian) {
        std::reverse(bytes.begin(), bytes.end());
    }
    out->append(bytes);
}

void pack_integer(std::string* out, std::uint64_t value, std::size_t size, bool big_endian) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) {
        bytes.push_back(static_cast<char>(value & 0xFFU));
        value >>= 8U;
    }
    append(out, std::move(bytes), big_endian);
}

template <typename Real>
void pack_real(std::string* out, double value, bool big_endian) {
    std::string bytes;
    append_fixed(bytes, static_cast<Real>(value));
    append(out, std::move(bytes), big_endian);
}

/// Returns how many arguments the item took.
int pack_item(
    lua_State* lua,
    int argument,
    const Format::Item& item,
    Format& format,
    std::string* out
) {
    if (is_integer(item.kind)) {
        pack_integer(
            out,
            integer_of(luaL_checknumber(lua, argument)),
            item.size,
            format.big_endian()
        );
        return 1;
    }
    std::size_t size = 0;
    switch (item.kind) {
        case 'x': out->push_back('\0'); return 0;
        case 'f':
            pack_real<float>(out, luaL_checknumber(lua, argument), format.big_endian());
            return 1;
        case 'd':
            pack_real<double>(out, luaL_checknumber(lua, argument), format.big_endian());
            return 1;
        case 'c':
        case 's': {
            const char* bytes = luaL_checklstring(lua, argument, &size);
            const std::size_t wanted = item.size == 0 ? size : item.size;
            luaL_argcheck(lua, size >= wanted, argument, "string too short");
            out->append(bytes, wanted);
            if (item.kind == 's') {
                out->push_back('\0');
            }
            return 1;
        }
        default: format.control(item.kind); return 0;
    }
}

int do_pack(lua_State* lua) {
    Format format(lua, luaL_checkstring(lua, 1));
    std::string out;
    int argument = 2;
    Format::Item item{};
    while (format.next(out.size(), &item)) {
        out.append(item.padding, '\0');
        argument += pack_item(lua, argument, item, format, &out);
    }
    push(lua, out);
    return 1;
}

double unpack_integer(ByteView bytes, char kind, bool big_endian) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char c = bytes[big_endian ? i : bytes.size() - 1 - i];
        value = (value << 8U) | static_cast<unsigned char>(c);
    }
    if (!is_signed(kind)) {
        return static_cast<double>(value);
    }
    if (bytes.size() < 8 && !bytes.empty()) {
        const std::uint64_t sign = std::uint64_t{1} << (bytes.size() * 8 - 1);
        value = (value ^ sign) - sign;
    }
    return static_cast<double>(static_cast<std::int64_t>(value));
}

template <typename Real>
double unpack_real(ByteView bytes, bool big_endian) {
    std::string copy(bytes);
    if (big_endian) {
        std::reverse(copy.begin(), copy.end());
    }
    return static_cast<double>(load_unaligned<Real>(copy.data()));
}

struct Cursor {
    ByteView data;
    std::size_t at = 0;

    ByteView take(lua_State* lua, std::size_t size) {
        luaL_argcheck(
            lua,
            at <= data.size() && size <= data.size() - at,
            2,
            "data string too short"
        );
        at += size;
        return data.substr(at - size, size);
    }
};

/// Returns how many values it pushed (or took back).
int unpack_item(
    lua_State* lua,
    int pushed,
    const Format::Item& item,
    Format& format,
    Cursor* cursor
) {
    if (is_integer(item.kind)) {
        const ByteView bytes = cursor->take(lua, item.size);
        lua_pushnumber(lua, unpack_integer(bytes, item.kind, format.big_endian()));
        return 1;
    }
    switch (item.kind) {
        case 'x': cursor->take(lua, 1); return 0;
        case 'f':
            lua_pushnumber(lua, unpack_real<float>(cursor->take(lua, 4), format.big_endian()));
            return 1;
        case 'd':
            lua_pushnumber(lua, unpack_real<double>(cursor->take(lua, 8), format.big_endian()));
            return 1;
        case 'c': {
            if (item.size > 0) {
                push(lua, cursor->take(lua, item.size));
                return 1;
            }
            if (pushed == 0 || lua_type(lua, -1) != LUA_TNUMBER) {
                luaL_error(lua, "format 'c0' needs a previous size");
            }
            const double size = lua_tonumber(lua, -1);
            luaL_argcheck(
                lua,
                size >= 0 && size <= static_cast<double>(cursor->data.size()),
                2,
                "data string too short"
            );
            lua_pop(lua, 1);
            push(lua, cursor->take(lua, static_cast<std::size_t>(size)));
            return 0;
        }
        case 's': {
            const ByteView rest = cursor->data.substr(std::min(cursor->at, cursor->data.size()));
            const std::size_t end = rest.find('\0');
            if (end == ByteView::npos) {
                luaL_error(lua, "unfinished string in data");
            }
            push(lua, rest.substr(0, end));
            cursor->at += end + 1;
            return 1;
        }
        default: format.control(item.kind); return 0;
    }
}

int do_unpack(lua_State* lua) {
    Format format(lua, luaL_checkstring(lua, 1));
    std::size_t size = 0;
    const char* bytes = luaL_checklstring(lua, 2, &size);
    const lua_Integer position = luaL_optinteger(lua, 3, 1);
    luaL_argcheck(lua, position > 0, 3, "offset must be 1 or greater");
    lua_settop(lua, 2);
    Cursor cursor{{bytes, size}, static_cast<std::size_t>(position - 1)};
    int pushed = 0;
    Format::Item item{};
    while (format.next(cursor.at, &item)) {
        luaL_checkstack(lua, 2, "too many results");
        cursor.at += item.padding;
        pushed += unpack_item(lua, pushed, item, format, &cursor);
    }
    lua_pushinteger(lua, static_cast<lua_Integer>(cursor.at + 1));
    return pushed + 1;
}

int do_size(lua_State* lua) {
    Format format(lua, luaL_checkstring(lua, 1));
    std::size_t total = 0;
    Format::Item item{};
    while (format.next(total, &item)) {
        if (item.kind == 's') {
            return luaL_argerror(lua, 1, "variable-size format");
        }
        if (item.kind == 'c' && item.size == 0) {
            return luaL_argerror(lua, 1, "variable-length format");
        }
        if (item.size == 0) {
            format.control(item.kind);
        }
        total += item.padding + item.size;
    }
    lua_pushinteger(lua, static_cast<lua_Integer>(total));
    return 1;
}

}  // namespace

void push_struct_library(lua_State* lua) {
    static constexpr luaL_Reg kFunctions[] = {
        {"pack", do_pack},
        {"unpack", do_unpack},
        {"size", do_size},
        {nullptr, nullptr}};
    lua_newtable(lua);
    set_functions(lua, kFunctions);
}

}  // namespace kumo::kv::internal
