#include "kv/script/interpreter.h"

#include "base/assert.h"
#include "kv/script/internal/lua.h"

#include <array>
#include <cstdlib>
#include <utility>

namespace kumo::kv {
namespace {

using namespace internal;  // NOLINT(google-build-using-namespace): the parts of this class.

/// Lua's allocator: counts, and refuses what would pass the cap.
void* allocate(void* state_pointer, void* block, std::size_t old_size, std::size_t new_size) {
    State& state = *static_cast<State*>(state_pointer);
    if (new_size == 0) {
        std::free(block);  // NOLINT(cppcoreguidelines-no-malloc)
        state.bytes -= block == nullptr ? 0 : old_size;
        return nullptr;
    }
    old_size = block == nullptr ? 0 : old_size;
    if (new_size > old_size && new_size - old_size > state.limits.memory_bytes_max - state.bytes) {
        return nullptr;
    }
    void* moved = std::realloc(block, new_size);  // NOLINT(cppcoreguidelines-no-malloc)
    if (moved != nullptr) {
        state.bytes = state.bytes - old_size + new_size;
    }
    return moved;
}

void tick(lua_State* lua, lua_Debug* /*unused*/) {
    State& state = state_of(lua);
    if (state.host == nullptr) {
        return;
    }
    if (!state.stopped && state.host->on_tick() == ScriptHost::Verdict::kGoOn) {
        return;
    }
    // From now on at every line, so that no pcall() helps.
    state.stopped = true;
    lua_sethook(lua, tick, LUA_MASKLINE | LUA_MASKCOUNT, 1);
    if (state.loading != nullptr) {
        raise(lua, "FUNCTION LOAD timeout");
    }
    raise(
        lua,
        state.kind == Interpreter::Kind::kEval ? "Script killed by user with SCRIPT KILL."
                                               : "Script killed by user with FUNCTION KILL."
    );
}

/// Something runs as long as this lives.
class Running {
public:
    Running(State& state, ScriptHost& host) : state_(state) {
        KUMO_ASSERT(state.host == nullptr);
        state.host = &host;
        state.stopped = false;
        state.protocol = 2;
        lua_sethook(state.lua, tick, LUA_MASKCOUNT, state.limits.tick_instructions);
    }

    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    ~Running() {
        lua_sethook(state_.lua, nullptr, 0, 0);
        state_.host = nullptr;
        state_.loading = nullptr;
    }

private:
    State& state_;
};

/// Calls a function of ours in a protected call; what failed, without "ERR ", or empty.
template <typename Job>
std::string protect(lua_State* lua, Job& job) {
    std::string problem;
    const auto run = [](lua_State* inner) -> int {
        (*static_cast<Job*>(lua_touserdata(inner, 1)))(inner);
        return 0;
    };
    if (lua_cpcall(lua, run, const_cast<void*>(static_cast<const void*>(&job))) != 0) {
        problem = error_parts(lua).text;
        problem = problem.rfind("ERR ", 0) == 0 ? problem.substr(4) : problem;
    }
    lua_settop(lua, 0);
    return problem;
}

void push_strings(lua_State* lua, std::span<const ByteView> strings) {
    lua_createtable(lua, static_cast<int>(strings.size()), 0);
    int index = 0;
    for (const ByteView string : strings) {
        push(lua, string);
        lua_rawseti(lua, -2, ++index);
    }
}

std::string failure_text(lua_State* lua, ByteView name, const ErrorParts& parts) {
    if (!lua_istable(lua, -1)) {
        const std::string words =
            lua_isstring(lua, -1) != 0 ? std::string(text_at(lua, -1)) : "execution failure";
        return "ERR Error running script " + std::string(name) + ", " + words.substr(0, 100);
    }
    if (parts.source.empty() || parts.line.empty()) {
        return parts.text;
    }
    return parts.text + " script: " + std::string(name) + ", on " + parts.source + ":" + parts.line
           + ".";
}

}  // namespace

std::string_view script_flag_name(ScriptFlag flag) {
    switch (flag) {
        case kScriptNoWrites: return "no-writes";
        case kScriptAllowOom: return "allow-oom";
        case kScriptAllowStale: return "allow-stale";
        case kScriptNoCluster: return "no-cluster";
        case kScriptAllowCrossSlotKeys: return "allow-cross-slot-keys";
        case kScriptOldStyle: break;
    }
    return {};
}

std::uint32_t script_flag(ByteView name) {
    for (std::uint32_t flag = kScriptNoWrites; flag <= kScriptAllowCrossSlotKeys; flag <<= 1U) {
        if (script_flag_name(static_cast<ScriptFlag>(flag)) == name) {
            return flag;
        }
    }
    return 0;
}

Interpreter::Interpreter(Kind kind, const ScriptLimits& limits)
    : state_(std::make_unique<State>()) {
    state_->kind = kind;
    state_->limits = limits;
    state_->lua = lua_newstate(allocate, state_.get());
    KUMO_ASSERT(state_->lua != nullptr);
    const auto build = [](lua_State* lua) {
        build_sandbox(lua);
    };
    const std::string problem = protect(state_->lua, build);
    KUMO_ASSERT(problem.empty());
}

Interpreter::~Interpreter() {
    lua_close(state_->lua);
}

Result<int> Interpreter::compile(ByteView body) {
    int reference = LUA_NOREF;
    const char* name = state_->kind == Kind::kEval ? "@user_script" : "@user_function";
    const auto job = [&](lua_State* lua) {
        if (load_text(lua, body, name) != 0) {
            lua_error(lua);
        }
        reference = luaL_ref(lua, LUA_REGISTRYINDEX);
    };
    const std::string problem = protect(state_->lua, job);
    if (!problem.empty()) {
        return invalid_argument(problem);
    }
    return reference;
}

void Interpreter::forget(int reference) {
    const auto job = [&](lua_State* lua) {
        luaL_unref(lua, LUA_REGISTRYINDEX, reference);
    };
    (void)protect(state_->lua, job);
}

Result<std::vector<RegisteredFunction>> Interpreter::load_library(ByteView body, ScriptHost& host) {
    KUMO_ASSERT(state_->kind == Kind::kFunctions);
    std::vector<RegisteredFunction> functions;
    auto compiled = compile(body);
    if (!compiled.ok()) {
        return invalid_argument("Error compiling function: " + compiled.error().message);
    }
    const int chunk = compiled.value();
    std::string problem;
    {
        const Running running(*state_, host);
        state_->loading = &functions;
        const auto job = [&](lua_State* lua) {
            choose_globals(lua, true);
            lua_rawgeti(lua, LUA_REGISTRYINDEX, chunk);
            lua_call(lua, 0, 0);
        };
        problem = protect(state_->lua, job);
        const auto restore = [](lua_State* lua) {
            choose_globals(lua, false);
        };
        const std::string failed = protect(state_->lua, restore);
        KUMO_ASSERT(failed.empty());
    }
    forget(chunk);
    if (problem.empty()) {
        return functions;
    }
    for (const RegisteredFunction& function : functions) {
        forget(function.reference);
    }
    return invalid_argument("Error registering functions: ERR " + problem);
}

Interpreter::Outcome Interpreter::run(const Run& run, ScriptHost& host, wire::RespWriter& reply) {
    Outcome outcome;
    const std::size_t mark = reply.mark();
    const auto job = [&](lua_State* lua) {
        const bool eval = state_->kind == Kind::kEval;
        lua_pushcfunction(lua, on_error);
        lua_rawgeti(lua, LUA_REGISTRYINDEX, run.reference);
        push_strings(lua, run.keys);
        push_strings(lua, run.arguments);
        if (eval) {
            set_global(lua, "ARGV");
            set_global(lua, "KEYS");
        }
        if (lua_pcall(lua, eval ? 0 : 2, 1, 2) != 0) {
            const ErrorParts parts = error_parts(lua);
            reply.error(failure_text(lua, run.name, parts));
            outcome = {true, parts.counted};
            return;
        }
        const WrittenValue written = write_value(lua, reply);
        outcome = {written.error, written.counted};
    };
    seed_random(*state_, static_cast<std::int64_t>(run.seed & 0xFFFFFFFFU));
    const Running running(*state_, host);
    const std::string problem = protect(state_->lua, job);
    if (!problem.empty()) {
        reply.rewind(mark);
        reply.error("ERR Error running script " + std::string(run.name) + ", " + problem);
        outcome = {true, false};
    }
    if (++state_->runs % 50 == 0) {
        const auto collect = [](lua_State* lua) {
            lua_gc(lua, LUA_GCRESTART, 0);  // A script may have stopped it.
            lua_gc(lua, LUA_GCSTEP, 50);
        };
        (void)protect(state_->lua, collect);
    }
    return outcome;
}

bool Interpreter::running() const {
    return state_->host != nullptr;
}

std::size_t Interpreter::memory_bytes() const {
    return state_->bytes;
}

}  // namespace kumo::kv
