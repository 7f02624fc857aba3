#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "kv/script/script_host.h"
#include "wire/resp.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kumo::kv {

struct ScriptLimits {
    std::size_t memory_bytes_max = std::size_t{1} << 30U;
    int tick_instructions = 100'000;
};

/// A function that FUNCTION LOAD has registered.
struct RegisteredFunction {
    std::string name;
    std::string description;
    bool has_description = false;
    std::uint32_t flags = 0;  ///< ScriptFlag.
    int reference = 0;        ///< Interpreter's handle.
};

/// What a script says it does or needs, in its first line or at redis.register_function().
enum ScriptFlag : std::uint32_t {
    kScriptNoWrites = 1U << 0,
    kScriptAllowOom = 1U << 1,
    kScriptAllowStale = 1U << 2,
    kScriptNoCluster = 1U << 3,
    kScriptAllowCrossSlotKeys = 1U << 4,
    kScriptOldStyle = 1U << 5,  ///< An EVAL without a first line "#!": nothing is known of it.
};

/// "no-writes"; empty: not one flag's name.
std::string_view script_flag_name(ScriptFlag flag);
/// 0: no flag has that name.
std::uint32_t script_flag(ByteView name);

/// One Lua 5.1 state in Redis's sandbox: scripts may compute, and call commands through their host;
/// they cannot change what is global, see the file system, or load bytecode. Memory is capped: a
/// script that wants more ends with an error, the process does not.
///
/// How tables become read-only without a patch of Lua: internal/read_only.h.
///
/// Thread rule: loop-owned.
class Interpreter {
public:
    enum class Kind : std::uint8_t {
        kEval,       ///< KEYS and ARGV are global.
        kFunctions,  ///< KEYS and ARGV are the function's arguments; libraries are loaded.
    };

    struct Run {
        int reference = 0;
        ByteView name;  ///< The script's SHA1 or the function's name: errors tell it.
        std::span<const ByteView> keys;
        std::span<const ByteView> arguments;
        std::uint64_t seed = 0;  ///< Of math.random().
    };

    struct Outcome {
        bool failed = false;
        /// The error's text came from a command: whoever counts errors has counted it.
        bool error_counted = false;
    };

    Interpreter(Kind kind, const ScriptLimits& limits);
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;
    ~Interpreter();

    /// A handle of the compiled chunk. kInvalidArgument: the compiler's words.
    Result<int> compile(ByteView body);
    void forget(int reference);

    /// Runs a library's chunk, which must register functions. Those of a library that fails are
    /// forgotten. `host` needs log() and on_tick() only. Requires: Kind::kFunctions.
    Result<std::vector<RegisteredFunction>> load_library(ByteView body, ScriptHost& host);

    /// Writes exactly one reply: what the script returned, or the error that ended it. Not to be
    /// called from a host's function.
    Outcome run(const Run& run, ScriptHost& host, wire::RespWriter& reply);

    bool running() const;
    std::size_t memory_bytes() const;

    struct State;

private:
    std::unique_ptr<State> state_;
};

}  // namespace kumo::kv
