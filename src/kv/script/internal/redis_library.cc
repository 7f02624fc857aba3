#include "kv/script/internal/lua.h"
#include "kv/script/internal/read_only.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

// The table `redis`.

namespace kumo::kv::internal {
namespace {

ScriptHost& host_of(lua_State* lua) {
    ScriptHost* host = state_of(lua).host;
    if (host == nullptr) {
        raise(lua, "redis.call/pcall can only be called inside a script invocation");
    }
    return *host;
}

/// The arguments as strings; raises (or, if not `raising`, pushes an error and returns false).
bool read_arguments(lua_State* lua, std::vector<std::string>* out, bool raising) {
    const int count = lua_gettop(lua);
    const char* problem = nullptr;
    if (count == 0) {
        problem = "Please specify at least one argument for this redis lib call";
    }
    out->reserve(static_cast<std::size_t>(count));
    for (int i = 1; i <= count && problem == nullptr; ++i) {
        if (lua_type(lua, i) == LUA_TNUMBER) {
            std::array<char, 64> text{};
            const int size = std::snprintf(text.data(), text.size(), "%.17g", lua_tonumber(lua, i));
            out->emplace_back(text.data(), static_cast<std::size_t>(size));
        } else if (lua_type(lua, i) == LUA_TSTRING) {
            out->emplace_back(text_at(lua, i));
        } else {
            problem = "Lua redis lib command arguments must be strings or integers";
        }
    }
    if (problem == nullptr) {
        return true;
    }
    if (raising) {
        raise(lua, problem);
    }
    push_error(lua, problem);
    return false;
}

int call(lua_State* lua, bool raising) {
    State& state = state_of(lua);
    ScriptHost& host = host_of(lua);
    std::vector<std::string> arguments;
    if (!read_arguments(lua, &arguments, raising)) {
        return 1;
    }
    const std::vector<ByteView> views(arguments.begin(), arguments.end());
    wire::RespWriter reply(state.protocol);
    host.call(views, reply);
    lua_settop(lua, 0);
    push_reply(lua, reply.bytes());
    if (raising && !reply.bytes().empty() && reply.bytes()[0] == '-') {
        return lua_error(lua);
    }
    return 1;
}

int do_call(lua_State* lua) {
    return call(lua, true);
}

int do_pcall(lua_State* lua) {
    return call(lua, false);
}

int do_sha1hex(lua_State* lua) {
    if (lua_gettop(lua) != 1) {
        raise(lua, "wrong number of arguments");
    }
    std::size_t size = 0;
    const char* bytes = lua_tolstring(lua, 1, &size);
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    SHA1(
        reinterpret_cast<const unsigned char*>(bytes == nullptr ? "" : bytes),
        size,
        digest.data()
    );
    static constexpr char kHex[] = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : digest) {
        text += kHex[byte >> 4U];
        text += kHex[byte & 15U];
    }
    push(lua, text);
    return 1;
}

int do_error_reply(lua_State* lua) {
    if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
        push_error(lua, "wrong number or type of arguments");
        return 1;
    }
    const std::string text(text_at(lua, 1));
    push_error(lua, !text.empty() && text[0] == '-' ? text : "-" + text);
    return 1;
}

int do_status_reply(lua_State* lua) {
    if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
        push_error(lua, "wrong number or type of arguments");
        return 1;
    }
    lua_newtable(lua);
    lua_pushvalue(lua, 1);
    lua_setfield(lua, -2, "ok");
    return 1;
}

int do_setresp(lua_State* lua) {
    if (lua_gettop(lua) != 1) {
        raise(lua, "redis.setresp() requires one argument.");
    }
    const double version = lua_tonumber(lua, 1);
    if (version != 2 && version != 3) {
        raise(lua, "RESP version must be 2 or 3.");
    }
    state_of(lua).protocol = static_cast<int>(version);
    return 0;
}

int do_set_repl(lua_State* lua) {
    if (lua_gettop(lua) != 1) {
        raise(lua, "redis.set_repl() requires two arguments.");
    }
    const int flags = static_cast<int>(lua_tointeger(lua, 1));
    if ((flags & ~kScriptReplAll) != 0) {
        raise(lua, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
    }
    host_of(lua).set_replication(static_cast<ScriptReplication>(flags));
    return 0;
}

int do_log(lua_State* lua) {
    const int count = lua_gettop(lua);
    if (count < 2) {
        raise(lua, "redis.log() requires two arguments or more.");
    }
    if (lua_isnumber(lua, 1) == 0) {
        raise(lua, "First argument must be a number (log level).");
    }
    const double level = lua_tonumber(lua, 1);
    if (!(level >= 0 && level <= 3)) {
        raise(lua, "Invalid debug level.");
    }
    std::string text;
    for (int i = 2; i <= count; ++i) {
        if (lua_isstring(lua, i) != 0) {
            text += (text.empty() ? "" : " ") + std::string(text_at(lua, i));
        }
    }
    host_of(lua).log(static_cast<int>(level), text);
    return 0;
}

int do_acl_check_cmd(lua_State* lua) {
    std::vector<std::string> arguments;
    read_arguments(lua, &arguments, true);
    const std::vector<ByteView> views(arguments.begin(), arguments.end());
    const auto allowed = host_of(lua).acl_allows(views);
    if (!allowed.ok()) {
        raise(lua, "Invalid command passed to redis.acl_check_cmd()");
    }
    lua_pushboolean(lua, allowed.value() ? 1 : 0);
    return 1;
}

int do_replicate_commands(lua_State* lua) {
    lua_pushboolean(lua, 1);
    return 1;
}

/// No debugger listens.
int do_breakpoint(lua_State* lua) {
    lua_pushboolean(lua, 0);
    return 1;
}

int do_debug(lua_State*) {
    return 0;
}

void set_number(lua_State* lua, const char* name, int value) {
    lua_pushnumber(lua, value);
    lua_setfield(lua, -2, name);
}

void add_common(lua_State* lua) {
    static constexpr luaL_Reg kFunctions[] = {{"log", do_log}, {nullptr, nullptr}};
    set_functions(lua, kFunctions);
    set_number(lua, "LOG_DEBUG", 0);
    set_number(lua, "LOG_VERBOSE", 1);
    set_number(lua, "LOG_NOTICE", 2);
    set_number(lua, "LOG_WARNING", 3);
    lua_pushliteral(lua, "7.0.15");
    lua_setfield(lua, -2, "REDIS_VERSION");
    set_number(lua, "REDIS_VERSION_NUM", 0x0007000F);
}

// redis.register_function()

constexpr const char* kBadName =
    "Library names can only contain letters, numbers, or underscores(_) and must be at least one "
    "character long";

bool is_name(ByteView name) {
    const auto allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
               || c == '_';
    };
    bool good = !name.empty();
    for (const char c : name) {
        good = good && allowed(c);
    }
    return good;
}

/// The flags in the table on the top.
std::uint32_t read_flags(lua_State* lua) {
    std::uint32_t flags = 0;
    for (int i = 1;; ++i) {
        lua_rawgeti(lua, -1, i);
        if (lua_isnil(lua, -1)) {
            lua_pop(lua, 1);
            return flags;
        }
        const std::uint32_t flag =
            lua_type(lua, -1) == LUA_TSTRING ? script_flag(text_at(lua, -1)) : 0;
        if (flag == 0) {
            raise(lua, "unknown flag given");
        }
        flags |= flag;
        lua_pop(lua, 1);
    }
}

bool named(ByteView key, ByteView name) {
    return key.size() == name.size()
           && std::equal(key.begin(), key.end(), name.begin(), [](char a, char b) {
                  return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
              });
}

/// The named argument whose value is on the top; a callback replaces what is at `callback`.
void read_named(lua_State* lua, ByteView key, int callback, RegisteredFunction* function) {
    if (named(key, "function_name")) {
        if (lua_type(lua, -1) != LUA_TSTRING) {
            raise(lua, "function_name argument given to redis.register_function must be a string");
        }
        function->name = text_at(lua, -1);
    } else if (named(key, "description")) {
        if (lua_type(lua, -1) != LUA_TSTRING) {
            raise(lua, "description argument given to redis.register_function must be a string");
        }
        function->description = text_at(lua, -1);
        function->has_description = true;
    } else if (named(key, "callback")) {
        if (!lua_isfunction(lua, -1)) {
            raise(lua, "callback argument given to redis.register_function must be a function");
        }
        lua_pushvalue(lua, -1);
        lua_replace(lua, callback);
    } else if (named(key, "flags")) {
        if (!lua_istable(lua, -1)) {
            raise(
                lua,
                "flags argument to redis.register_function must be a table representing "
                "function flags"
            );
        }
        function->flags = read_flags(lua);
    } else {
        raise(lua, "unknown argument given to redis.register_function");
    }
}

/// Leaves the callback on the top.
void read_table(lua_State* lua, RegisteredFunction* function) {
    if (!lua_istable(lua, 1)) {
        raise(
            lua,
            "calling redis.register_function with a single argument is only applicable to Lua "
            "table (representing named arguments)."
        );
    }
    lua_pushnil(lua);
    const int callback = lua_gettop(lua);
    bool has_name = false;
    lua_pushnil(lua);
    while (lua_next(lua, 1) != 0) {
        if (lua_type(lua, -2) != LUA_TSTRING) {
            raise(lua, "named argument key given to redis.register_function is not a string");
        }
        has_name = has_name || named(text_at(lua, -2), "function_name");
        read_named(lua, text_at(lua, -2), callback, function);
        lua_pop(lua, 1);
    }
    if (!has_name) {
        raise(lua, "redis.register_function must get a function name argument");
    }
    if (lua_isnil(lua, -1)) {
        raise(lua, "redis.register_function must get a callback argument");
    }
}

/// Leaves the callback on the top.
void read_positional(lua_State* lua, RegisteredFunction* function) {
    if (lua_type(lua, 1) != LUA_TSTRING) {
        raise(lua, "first argument to redis.register_function must be a string");
    }
    if (!lua_isfunction(lua, 2)) {
        raise(lua, "second argument to redis.register_function must be a function");
    }
    function->name = text_at(lua, 1);
}

int do_register_function(lua_State* lua) {
    State& state = state_of(lua);
    if (state.loading == nullptr) {
        raise(lua, "redis.register_function can only be called on FUNCTION LOAD command");
    }
    const int count = lua_gettop(lua);
    if (count < 1 || count > 2) {
        raise(lua, "wrong number of arguments to redis.register_function");
    }
    RegisteredFunction function;
    if (count == 1) {
        read_table(lua, &function);
    } else {
        read_positional(lua, &function);
    }
    if (!is_name(function.name)) {
        raise(lua, kBadName);
    }
    for (const RegisteredFunction& other : *state.loading) {
        if (other.name == function.name) {
            raise(lua, "Function already exists in the library");
        }
    }
    function.reference = luaL_ref(lua, LUA_REGISTRYINDEX);
    state.loading->push_back(std::move(function));
    return 0;
}

}  // namespace

void push_redis_library(lua_State* lua) {
    static constexpr luaL_Reg kFunctions[] = {
        {"call", do_call},
        {"pcall", do_pcall},
        {"sha1hex", do_sha1hex},
        {"error_reply", do_error_reply},
        {"status_reply", do_status_reply},
        {"setresp", do_setresp},
        {"set_repl", do_set_repl},
        {"acl_check_cmd", do_acl_check_cmd},
        {nullptr, nullptr},
    };
    static constexpr luaL_Reg kEvalOnly[] = {
        {"replicate_commands", do_replicate_commands},
        {"breakpoint", do_breakpoint},
        {"debug", do_debug},
        {nullptr, nullptr},
    };
    lua_newtable(lua);
    set_functions(lua, kFunctions);
    if (state_of(lua).kind == Interpreter::Kind::kEval) {
        set_functions(lua, kEvalOnly);
    }
    add_common(lua);
    set_number(lua, "REPL_NONE", kScriptReplNone);
    set_number(lua, "REPL_AOF", kScriptReplAof);
    set_number(lua, "REPL_SLAVE", kScriptReplReplica);
    set_number(lua, "REPL_REPLICA", kScriptReplReplica);
    set_number(lua, "REPL_ALL", kScriptReplAll);
}

void push_load_library(lua_State* lua) {
    static constexpr luaL_Reg kFunctions[] = {
        {"register_function", do_register_function},
        {nullptr, nullptr}};
    lua_newtable(lua);
    set_functions(lua, kFunctions);
    add_common(lua);
    refuse_unknown_fields(lua);
}

}  // namespace kumo::kv::internal
