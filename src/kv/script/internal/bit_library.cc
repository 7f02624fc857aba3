#include "kv/script/internal/lua.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

// The module `bit`: operations on 32 bits, results are signed.

namespace kumo::kv::internal {
namespace {

/// Modulo 2^32, rounded to nearest.
std::uint32_t bits_at(lua_State* lua, int index) {
    const double value = luaL_checknumber(lua, index);
    const double wrapped = std::fmod(std::nearbyint(value), 4294967296.0);
    if (!(wrapped == wrapped)) {
        return 0;  // Not a number, infinite.
    }
    return static_cast<std::uint32_t>(static_cast<std::int64_t>(wrapped));
}

int answer(lua_State* lua, std::uint32_t bits) {
    lua_pushnumber(lua, static_cast<std::int32_t>(bits));
    return 1;
}

int do_tobit(lua_State* lua) {
    return answer(lua, bits_at(lua, 1));
}

int do_bnot(lua_State* lua) {
    return answer(lua, ~bits_at(lua, 1));
}

template <typename Combine>
int fold(lua_State* lua, Combine combine) {
    std::uint32_t bits = bits_at(lua, 1);
    for (int i = lua_gettop(lua); i > 1; --i) {
        bits = combine(bits, bits_at(lua, i));
    }
    return answer(lua, bits);
}

int do_band(lua_State* lua) {
    return fold(lua, [](std::uint32_t a, std::uint32_t b) { return a & b; });
}

int do_bor(lua_State* lua) {
    return fold(lua, [](std::uint32_t a, std::uint32_t b) { return a | b; });
}

int do_bxor(lua_State* lua) {
    return fold(lua, [](std::uint32_t a, std::uint32_t b) { return a ^ b; });
}

unsigned shift_at(lua_State* lua) {
    return bits_at(lua, 2) & 31U;
}

std::uint32_t rotated(std::uint32_t bits, unsigned by) {
    return by == 0 ? bits : (bits << by) | (bits >> (32 - by));
}

int do_lshift(lua_State* lua) {
    return answer(lua, bits_at(lua, 1) << shift_at(lua));
}

int do_rshift(lua_State* lua) {
    return answer(lua, bits_at(lua, 1) >> shift_at(lua));
}

int do_arshift(lua_State* lua) {
    const auto value = static_cast<std::int32_t>(bits_at(lua, 1));
    return answer(lua, static_cast<std::uint32_t>(value >> shift_at(lua)));
}

int do_rol(lua_State* lua) {
    return answer(lua, rotated(bits_at(lua, 1), shift_at(lua)));
}

int do_ror(lua_State* lua) {
    return answer(lua, rotated(bits_at(lua, 1), (32 - shift_at(lua)) & 31U));
}

int do_bswap(lua_State* lua) {
    const std::uint32_t b = bits_at(lua, 1);
    return answer(lua, (b >> 24U) | ((b >> 8U) & 0xFF00U) | ((b & 0xFF00U) << 8U) | (b << 24U));
}

/// Digits of the argument 2, 8 without it; negative: in capitals.
int do_tohex(lua_State* lua) {
    std::uint32_t bits = bits_at(lua, 1);
    const auto wanted = lua_isnone(lua, 2)
                            ? 8
                            : static_cast<std::int64_t>(static_cast<std::int32_t>(bits_at(lua, 2)));
    const char* digits = wanted < 0 ? "0123456789ABCDEF" : "0123456789abcdef";
    const auto count = static_cast<std::size_t>(std::min<std::int64_t>(8, std::abs(wanted)));
    std::array<char, 8> text{};
    for (std::size_t i = count; i > 0; --i) {
        text[i - 1] = digits[bits & 15U];
        bits >>= 4U;
    }
    lua_pushlstring(lua, text.data(), count);
    return 1;
}

}  // namespace

void push_bit_library(lua_State* lua) {
    static constexpr luaL_Reg kFunctions[] = {
        {"tobit", do_tobit},
        {"bnot", do_bnot},
        {"band", do_band},
        {"bor", do_bor},
        {"bxor", do_bxor},
        {"lshift", do_lshift},
        {"rshift", do_rshift},
        {"arshift", do_arshift},
        {"rol", do_rol},
        {"ror", do_ror},
        {"bswap", do_bswap},
        {"tohex", do_tohex},
        {nullptr, nullptr}};
    lua_newtable(lua);
    set_functions(lua, kFunctions);
}

}  // namespace kumo::kv::internal
