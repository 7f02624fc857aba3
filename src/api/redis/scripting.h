#pragma once

#include "base/clock.h"
#include "kv/command/spec.h"
#include "kv/script/function_libraries.h"
#include "kv/script/script_cache.h"
#include "kv/script/script_host.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kumo::api_redis {

class Service;
class Session;
struct Call;

/// EVAL and FCALL: which script, whether it may run, and what its commands may do. A script that
/// runs for longer than `busy-reply-threshold` lets others in, who are told BUSY.
///
/// Thread rule: loop-owned.
class Scripting final : public kv::ScriptHost {
public:
    explicit Scripting(Service& service);

    /// EVAL, EVALSHA and their _RO forms.
    void eval(Call& call, bool by_sha1, bool read_only);
    /// FCALL, FCALL_RO.
    void call_function(Call& call, bool read_only);
    /// SCRIPT KILL, FUNCTION KILL.
    void kill(Call& call, bool function);

    /// FUNCTION LOAD and FUNCTION RESTORE run code too: what they run is stopped after half a
    /// second.
    Result<std::string> load_library(ByteView code, bool replace);
    Status restore_libraries(ByteView payload, kv::FunctionLibraries::Policy policy);

    /// The server ends: what runs is stopped.
    void stop() { kill_ = true; }

    /// What others are told meanwhile.
    ByteView busy_text() const;

    /// EVAL and FCALL, in all their forms.
    static bool is_script(const kv::CommandSpec& spec) { return spec.is(kv::kFlagSkipMonitor); }

    /// The command's flags, with those that the script declares in place of what any script may do.
    /// REQUIRES is_script(spec).
    std::uint32_t command_flags(const kv::CommandSpec& spec, std::span<const ByteView> arguments);

    /// A script runs, and has for too long.
    bool busy() const { return busy_; }

    /// What runs, for FUNCTION STATS.
    struct Running {
        bool function = false;
        std::string name;
        std::vector<std::string> command;
        std::int64_t milliseconds = 0;
        const kv::CommandSpec* spec = nullptr;
    };

    /// nullptr: nothing runs.
    const Running* running();

    kv::ScriptCache scripts;
    kv::FunctionLibraries libraries;

    // What a script sees.
    void call(std::span<const ByteView> arguments, wire::RespWriter& reply) override;
    Result<bool> acl_allows(std::span<const ByteView> arguments) override;
    Verdict on_tick() override;
    void log(int level, ByteView text) override;
    void set_replication(kv::ScriptReplication what) override;

private:
    /// The keys and the other arguments of EVAL and FCALL, from their number on.
    struct Split {
        std::vector<ByteView> keys;
        std::vector<ByteView> arguments;
    };

    bool split(Call& call, ByteView not_a_number, Split* out);
    bool may_run(Call& call, std::uint32_t flags, bool read_only);
    void run(
        Call& call,
        kv::Interpreter& interpreter,
        int reference,
        std::uint32_t flags,
        const Split& split,
        ByteView name
    );
    std::string refusal(const kv::CommandSpec& spec, std::span<const ByteView> arguments);
    std::int64_t elapsed_ms() const;

    Service& service_;
    Session* session_ = nullptr;  ///< Whose script runs; nullptr: none, or a library is loaded.
    std::uint32_t flags_ = 0;
    bool read_only_ = false;
    bool wrote_ = false;
    bool kill_ = false;
    bool busy_ = false;
    bool loading_ = false;
    MonotonicTime begun_;
    Running running_;
};

}  // namespace kumo::api_redis
