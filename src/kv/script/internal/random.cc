#include "kv/script/internal/lua.h"

#include <cmath>

// math.random() and math.randomseed() on a generator of our own, so that a seed gives the same
// numbers on every machine: the 48-bit linear congruence of POSIX's lrand48(), as Redis does.

namespace kumo::kv::internal {
namespace {

constexpr std::uint64_t kMask = (std::uint64_t{1} << 48U) - 1;
constexpr double kRandomMax = 2147483647;

/// Below 2^31.
std::uint32_t next_random(State& state) {
    state.random = (state.random * 0x5DEECE66DU + 0xB) & kMask;
    return static_cast<std::uint32_t>(state.random >> 17U);
}

int do_random(lua_State* lua) {
    const double unit = std::fmod(next_random(state_of(lua)), kRandomMax) / kRandomMax;
    switch (lua_gettop(lua)) {
        case 0: lua_pushnumber(lua, unit); return 1;
        case 1: {
            const int high = luaL_checkint(lua, 1);
            luaL_argcheck(lua, 1 <= high, 1, "interval is empty");
            lua_pushnumber(lua, std::floor(unit * high) + 1);
            return 1;
        }
        case 2: {
            const int low = luaL_checkint(lua, 1);
            const int high = luaL_checkint(lua, 2);
            luaL_argcheck(lua, low <= high, 2, "interval is empty");
            const double width = static_cast<double>(high) - low + 1;
            lua_pushnumber(lua, std::floor(unit * width) + low);
            return 1;
        }
        default: return luaL_error(lua, "wrong number of arguments");
    }
}

int do_randomseed(lua_State* lua) {
    seed_random(state_of(lua), luaL_checkint(lua, 1));
    return 0;
}

}  // namespace

void seed_random(State& state, std::int64_t seed) {
    state.random = ((static_cast<std::uint64_t>(seed) << 16U) + 0x330EU) & kMask;
}

void open_random(lua_State* lua) {
    static constexpr luaL_Reg kFunctions[] = {
        {"random", do_random},
        {"randomseed", do_randomseed},
        {nullptr, nullptr}};
    set_functions(lua, kFunctions);
}

}  // namespace kumo::kv::internal
