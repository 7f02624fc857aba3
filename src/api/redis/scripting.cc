#include "api/redis/scripting.h"

#include "api/redis/access.h"
#include "api/redis/call.h"
#include "api/redis/replication/replication.h"
#include "api/redis/service.h"
#include "base/log.h"
#include "kv/command/handlers.h"
#include "kv/command/words.h"

#include <algorithm>
#include <chrono>

namespace kumo::api_redis {

namespace {

constexpr std::int64_t kLoadMillisecondsMax = 500;

std::int64_t milliseconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

/// XREAD and XREADGROUP that would wait.
bool would_block(const kv::CommandSpec& spec, std::span<const ByteView> arguments) {
    if (spec.name != "xread" && spec.name != "xreadgroup") {
        return false;
    }
    for (const ByteView argument : arguments.subspan(1)) {
        if (kv::same_word(argument, "streams")) {
            return false;
        }
        if (kv::same_word(argument, "block")) {
            return true;
        }
    }
    return false;
}

const kv::CommandSpec* find_spec(std::span<const ByteView> arguments) {
    const kv::CommandSpec* spec = kv::find_command(arguments[0]);
    if (spec != nullptr && !spec->subcommands.empty() && arguments.size() > 1) {
        spec = kv::find_subcommand(*spec, arguments[1]);
    }
    return spec;
}

bool arity_fits(const kv::CommandSpec& spec, std::size_t given) {
    const auto count = static_cast<std::int64_t>(given);
    return spec.arity >= 0 ? count == spec.arity : count >= -spec.arity;
}

}  // namespace

Scripting::Scripting(Service& service)
    : scripts(kv::ScriptLimits{}), libraries(kv::ScriptLimits{}), service_(service) {}

// Which script ------------------------------------------------------------------------------------

bool Scripting::split(Call& call, ByteView not_a_number, Split* out) {
    std::int64_t count = 0;
    if (!call.integer(2, &count, not_a_number)) {
        return false;
    }
    if (count > static_cast<std::int64_t>(call.argc()) - 3) {
        call.error("ERR Number of keys can't be greater than number of args");
        return false;
    }
    if (count < 0) {
        call.error("ERR Number of keys can't be negative");
        return false;
    }
    const auto begin = call.arguments.begin() + 3;
    out->keys.assign(begin, begin + count);
    out->arguments.assign(begin + count, call.arguments.end());
    return true;
}

void Scripting::eval(Call& call, bool by_sha1, bool read_only) {
    Split parts;
    if (!split(call, kv::kNotInteger, &parts)) {
        return;
    }
    const kv::ScriptCache::Script* script = nullptr;
    if (by_sha1) {
        script = scripts.find(call.arg(1));
        if (script == nullptr) {
            call.error("NOSCRIPT No matching script. Please use EVAL.");
            return;
        }
    } else {
        const auto loaded = scripts.load(call.arg(1));
        if (!loaded.ok()) {
            call.error("ERR " + loaded.error().message);
            return;
        }
        script = loaded.value();
    }
    if (may_run(call, script->flags, read_only)) {
        run(call, scripts.interpreter(), script->reference, script->flags, parts, script->sha1);
    }
}

void Scripting::call_function(Call& call, bool read_only) {
    const kv::RegisteredFunction* function = libraries.find(call.arg(1));
    if (function == nullptr) {
        call.error("ERR Function not found");
        return;
    }
    Split parts;
    if (split(call, "ERR Bad number of keys provided", &parts)
        && may_run(call, function->flags, read_only)) {
        run(call,
            libraries.interpreter(),
            function->reference,
            function->flags,
            parts,
            function->name);
    }
}

std::uint32_t
Scripting::command_flags(const kv::CommandSpec& spec, std::span<const ByteView> arguments) {
    std::uint32_t declared = kv::kScriptOldStyle;
    if (spec.name.starts_with("fcall")) {
        const kv::RegisteredFunction* function = libraries.find(arguments[1]);
        declared = function == nullptr ? declared : function->flags;
    } else if (spec.name.starts_with("evalsha")) {
        const kv::ScriptCache::Script* script = scripts.find(arguments[1]);
        declared = script == nullptr ? declared : script->flags;
    } else {
        declared = kv::ScriptCache::declared_flags(arguments[1]);
    }
    if ((declared & kv::kScriptOldStyle) != 0) {
        return spec.flags;
    }
    const std::uint32_t quiet = spec.flags & ~(kv::kFlagWrite | kv::kFlagMayReplicate);
    return (declared & kv::kScriptNoWrites) != 0 ? quiet : quiet | kv::kFlagWrite;
}

// Whether it may run ------------------------------------------------------------------------------

bool Scripting::may_run(Call& call, std::uint32_t flags, bool read_only) {
    read_only_ = read_only || (flags & kv::kScriptNoWrites) != 0;
    const ByteView stale = service_.replication().stale_refusal();
    if ((flags & kv::kScriptOldStyle) != 0) {
        if (!stale.empty()) {
            call.error(stale);
        }
        return stale.empty();
    }
    if ((flags & kv::kScriptNoCluster) != 0 && service_.settings.flag("cluster-enabled")) {
        call.error("ERR Can not run script on cluster, 'no-cluster' flag is set.");
        return false;
    }
    if (!stale.empty() && (flags & kv::kScriptAllowStale) == 0) {
        call.error(
            "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and "
            "'allow-stale' flag is not set on the script."
        );
        return false;
    }
    if ((flags & kv::kScriptNoWrites) != 0) {
        return true;
    }
    if (service_.replication().is_replica() && !service_.replication().write_refusal().empty()) {
        call.error("READONLY Can not run script with write flag on readonly replica");
        return false;
    }
    if (read_only) {
        call.error("ERR Can not execute a script with write flag using *_ro command.");
        return false;
    }
    if ((flags & kv::kScriptAllowOom) == 0 && !service_.make_room()) {
        call.error(
            "OOM allow-oom flag is not set on the script, can not run it when used memory > "
            "'maxmemory'"
        );
        return false;
    }
    if (const ByteView why = service_.replication().write_refusal(); !why.empty()) {
        call.error(why);
        return false;
    }
    return true;
}

void Scripting::run(
    Call& call,
    kv::Interpreter& interpreter,
    int reference,
    std::uint32_t flags,
    const Split& split,
    ByteView name
) {
    session_ = &call.session;
    flags_ = flags;
    wrote_ = kill_ = busy_ = false;
    begun_ = service_.monotonic_now();
    running_ = {
        &interpreter == &libraries.interpreter(),
        std::string(name),
        {call.arguments.begin(), call.arguments.end()},
        0,
        &call.spec};
    const int db = call.session.db;
    kv::Interpreter::Run what;
    what.reference = reference;
    what.name = running_.name;
    what.keys = split.keys;
    what.arguments = split.arguments;
    what.seed = service_.random().next();
    const kv::Interpreter::Outcome outcome = interpreter.run(what, *this, call.reply);
    call.error_counted = outcome.error_counted;
    call.session.db = db;  // SELECT is the script's own.
    session_ = nullptr;
    busy_ = false;
}

Result<std::string> Scripting::load_library(ByteView code, bool replace) {
    begun_ = service_.monotonic_now();
    loading_ = true;
    auto loaded = libraries.load(code, replace, *this);
    loading_ = false;
    return loaded;
}

Status Scripting::restore_libraries(ByteView payload, kv::FunctionLibraries::Policy policy) {
    begun_ = service_.monotonic_now();
    loading_ = true;
    Status restored = libraries.restore(payload, policy, *this);
    loading_ = false;
    return restored;
}

ByteView Scripting::busy_text() const {
    return running_.function
               ? "BUSY Redis is busy running a script. You can only call FUNCTION KILL or "
                 "SHUTDOWN NOSAVE."
               : "BUSY Redis is busy running a script. You can only call SCRIPT KILL or "
                 "SHUTDOWN NOSAVE.";
}

void Scripting::kill(Call& call, bool function) {
    if (session_ == nullptr) {
        call.error("NOTBUSY No scripts in execution right now.");
    } else if (function != running_.function) {
        call.error(busy_text());
    } else if (wrote_) {
        call.error(
            "UNKILLABLE Sorry the script already executed write commands against the dataset. You "
            "can either wait the script termination or kill the server in a hard way using the "
            "SHUTDOWN NOSAVE command."
        );
    } else {
        kill_ = true;
        call.reply.ok();
    }
}

std::int64_t Scripting::elapsed_ms() const {
    return milliseconds(service_.monotonic_now() - begun_);
}

const Scripting::Running* Scripting::running() {
    if (session_ == nullptr) {
        return nullptr;
    }
    running_.milliseconds = elapsed_ms();
    return &running_;
}

// What its commands may do ------------------------------------------------------------------------

std::string Scripting::refusal(const kv::CommandSpec& spec, std::span<const ByteView> arguments) {
    if (spec.is(kv::kFlagNoscript) && !service_.deny_scripts_disabled) {
        return "ERR This Redis command is not allowed from script";
    }
    if (!session_->user->unlimited()) {
        std::string why = service_.access().script_refusal(*session_, spec, arguments);
        if (!why.empty()) {
            return why;
        }
    }
    if (would_block(spec, arguments)) {
        return "ERR " + spec.full_name() + " command is not allowed with BLOCK option from scripts";
    }
    if (!spec.is(kv::kFlagStale) && !service_.replication().stale_refusal().empty()) {
        return "ERR Can not execute the command on a stale replica";
    }
    if (read_only_ && (spec.is(kv::kFlagWrite) || spec.is(kv::kFlagMayReplicate))) {
        return "ERR Write commands are not allowed from read-only scripts.";
    }
    if (spec.is(kv::kFlagWrite)) {
        if (const ByteView why = service_.replication().write_refusal(); !why.empty()) {
            return std::string(why);
        }
    }
    const bool needs_room =
        spec.is(kv::kFlagDenyOom) && (flags_ & kv::kScriptAllowOom) == 0 && !wrote_;
    if (needs_room && !service_.make_room()) {
        return "OOM command not allowed when used memory > 'maxmemory'.";
    }
    return {};
}

void Scripting::call(std::span<const ByteView> arguments, wire::RespWriter& reply) {
    const kv::CommandSpec* spec = find_spec(arguments);
    std::string error;
    if (session_ == nullptr) {
        error = "ERR redis.call/pcall can only be called inside a script invocation";
    } else if (spec == nullptr) {
        error = "ERR Unknown Redis command called from script";
    } else if (!arity_fits(*spec, arguments.size())) {
        error = "ERR Wrong number of args calling Redis command from script";
    } else {
        error = refusal(*spec, arguments);
        if (error.empty() && kv::keyspace_handlers().find(*spec) == nullptr
            && call_handlers().find(*spec) == nullptr) {
            error = "ERR Unknown Redis command called from script";
        }
        service_.stats.commands[spec->id].rejected += error.empty() ? 0 : 1;
    }
    if (!error.empty() || spec == nullptr || session_ == nullptr) {
        service_.stats.count_error(error);
        reply.error(error);
        return;
    }
    wrote_ = wrote_ || spec->is(kv::kFlagWrite);
    service_.call_from_script(*session_, arguments, reply);
}

Result<bool> Scripting::acl_allows(std::span<const ByteView> arguments) {
    const kv::CommandSpec* spec = find_spec(arguments);
    if (spec == nullptr) {
        return not_found("no such command");
    }
    // While a library is loaded nobody's script runs.
    return session_ == nullptr || session_->user->check(*spec, arguments).allowed();
}

void Scripting::log(int level, ByteView text) {
    if (level >= 3) {
        log_warn("script: " + std::string(text));
    } else {
        log_info("script: " + std::string(text));
    }
}

void Scripting::set_replication(kv::ScriptReplication /*what*/) {}

// A script that runs for long ---------------------------------------------------------------------

kv::ScriptHost::Verdict Scripting::on_tick() {
    const std::int64_t elapsed = elapsed_ms();
    if (loading_) {
        return elapsed > kLoadMillisecondsMax ? Verdict::kStop : Verdict::kGoOn;
    }
    if (elapsed > service_.settings.number("busy-reply-threshold")) {
        busy_ = true;
        service_.let_others_in();
    }
    return kill_ ? Verdict::kStop : Verdict::kGoOn;
}

}  // namespace kumo::api_redis
