// EVAL, FCALL, SCRIPT, FUNCTION (Redis 7.0).
#include "api/redis/call.h"
#include "api/redis/scripting.h"
#include "api/redis/service.h"
#include "kv/keyspace/glob.h"

#include <string>

namespace kumo::api_redis {

namespace {

Scripting& of(Call& call) {
    return call.service.scripting();
}

void do_eval(Call& call) {
    of(call).eval(call, false, false);
}

void do_eval_ro(Call& call) {
    of(call).eval(call, false, true);
}

void do_evalsha(Call& call) {
    of(call).eval(call, true, false);
}

void do_evalsha_ro(Call& call) {
    of(call).eval(call, true, true);
}

void do_fcall(Call& call) {
    of(call).call_function(call, false);
}

void do_fcall_ro(Call& call) {
    of(call).call_function(call, true);
}

void unknown_or_wrong(Call& call, ByteView command) {
    call.error(
        "ERR unknown subcommand or wrong number of arguments for '" + std::string(call.arg(1))
        + "'. Try " + std::string(command) + " HELP."
    );
}

// SCRIPT

void do_script_load(Call& call) {
    const auto loaded = of(call).scripts.load(call.arg(2));
    if (!loaded.ok()) {
        call.error("ERR " + loaded.error().message);
        return;
    }
    call.reply.bulk(loaded.value()->sha1);
}

void do_script_exists(Call& call) {
    call.reply.array(call.argc() - 2);
    for (std::size_t i = 2; i < call.argc(); ++i) {
        call.reply.integer(of(call).scripts.find(call.arg(i)) != nullptr ? 1 : 0);
    }
}

/// [SYNC | ASYNC]
bool flush_mode_fits(Call& call) {
    return call.argc() == 2 || call.arg_is(2, "sync") || call.arg_is(2, "async");
}

void do_script_flush(Call& call) {
    if (call.argc() > 3 || !flush_mode_fits(call)) {
        call.error("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
        return;
    }
    of(call).scripts.flush();
    call.reply.ok();
}

void do_script_kill(Call& call) {
    of(call).kill(call, false);
}

void do_script_debug(Call& call) {
    if (call.arg_is(2, "no")) {
        call.reply.ok();
    } else {
        call.error("ERR Use SCRIPT DEBUG YES/SYNC/NO");
    }
}

void do_script_help(Call& call) {
    static constexpr std::string_view kLines[] = {
        "EXISTS <sha1> [<sha1> ...]",
        "    Says which scripts are known.",
        "FLUSH [ASYNC|SYNC]",
        "    Forgets all scripts.",
        "KILL",
        "    Stops the script that runs, unless it has written.",
        "LOAD <script>",
        "    Makes a script known without running it.",
    };
    reply_help(call.reply, "SCRIPT", kLines);
}

// FUNCTION

void do_function_load(Call& call) {
    bool replace = false;
    for (std::size_t i = 2; i + 1 < call.argc(); ++i) {
        if (!call.arg_is(i, "replace")) {
            call.error("ERR Unknown option given: " + std::string(call.arg(i)));
            return;
        }
        replace = true;
    }
    const auto loaded = of(call).load_library(call.arg(call.argc() - 1), replace);
    if (!loaded.ok()) {
        call.error("ERR " + loaded.error().message);
        return;
    }
    ++call.service.stats.dirty;
    call.service.propagate(call.session.db, {call.arguments.begin(), call.arguments.end()});
    call.reply.bulk(loaded.value());
}

void do_function_delete(Call& call) {
    if (!of(call).libraries.remove(call.arg(2))) {
        call.error("ERR Library not found");
        return;
    }
    ++call.service.stats.dirty;
    call.service.propagate(call.session.db, {call.arguments.begin(), call.arguments.end()});
    call.reply.ok();
}

void do_function_flush(Call& call) {
    if (call.argc() > 3) {
        unknown_or_wrong(call, "FUNCTION");
        return;
    }
    if (!flush_mode_fits(call)) {
        call.error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
        return;
    }
    of(call).libraries.flush();
    ++call.service.stats.dirty;
    call.service.propagate(call.session.db, {call.arguments.begin(), call.arguments.end()});
    call.reply.ok();
}

void write_function(const kv::RegisteredFunction& function, wire::RespWriter& reply) {
    reply.map(3);
    reply.bulk("name");
    reply.bulk(function.name);
    reply.bulk("description");
    if (function.has_description) {
        reply.bulk(function.description);
    } else {
        reply.null();
    }
    reply.bulk("flags");
    std::vector<std::string_view> flags;
    for (std::uint32_t bit = 1; bit <= kv::kScriptAllowCrossSlotKeys; bit <<= 1U) {
        if ((function.flags & bit) != 0) {
            flags.push_back(kv::script_flag_name(static_cast<kv::ScriptFlag>(bit)));
        }
    }
    reply.set(flags.size());
    for (const std::string_view flag : flags) {
        reply.simple(flag);
    }
}

void write_library(
    const kv::FunctionLibraries::Library& library,
    bool with_code,
    wire::RespWriter& reply
) {
    reply.map(with_code ? 4 : 3);
    reply.bulk("library_name");
    reply.bulk(library.name);
    reply.bulk("engine");
    reply.bulk("LUA");
    reply.bulk("functions");
    reply.array(library.functions.size());
    for (const kv::RegisteredFunction& function : library.functions) {
        write_function(function, reply);
    }
    if (with_code) {
        reply.bulk("library_code");
        reply.bulk(library.code);
    }
}

void do_function_list(Call& call) {
    bool with_code = false;
    ByteView pattern;
    bool has_pattern = false;
    for (std::size_t i = 2; i < call.argc(); ++i) {
        if (!with_code && call.arg_is(i, "withcode")) {
            with_code = true;
        } else if (!has_pattern && call.arg_is(i, "libraryname")) {
            if (++i == call.argc()) {
                call.error("ERR library name argument was not given");
                return;
            }
            pattern = call.arg(i);
            has_pattern = true;
        } else {
            call.error("ERR Unknown argument " + std::string(call.arg(i)));
            return;
        }
    }
    std::vector<const kv::FunctionLibraries::Library*> chosen;
    for (const auto& [name, library] : of(call).libraries.libraries()) {
        if (!has_pattern || kv::glob_matches(pattern, name, true)) {
            chosen.push_back(&library);
        }
    }
    call.reply.array(chosen.size());
    for (const auto* library : chosen) {
        write_library(*library, with_code, call.reply);
    }
}

void do_function_dump(Call& call) {
    call.reply.bulk(of(call).libraries.dump());
}

void do_function_restore(Call& call) {
    using Policy = kv::FunctionLibraries::Policy;
    if (call.argc() > 4) {
        unknown_or_wrong(call, "FUNCTION");
        return;
    }
    Policy policy = Policy::kAppend;
    if (call.argc() == 4) {
        if (call.arg_is(3, "flush")) {
            policy = Policy::kFlush;
        } else if (call.arg_is(3, "replace")) {
            policy = Policy::kReplace;
        } else if (!call.arg_is(3, "append")) {
            call.error(
                "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."
            );
            return;
        }
    }
    const Status restored = of(call).restore_libraries(call.arg(2), policy);
    if (!restored.ok()) {
        call.error("ERR " + restored.error().message);
        return;
    }
    ++call.service.stats.dirty;
    call.service.propagate(call.session.db, {call.arguments.begin(), call.arguments.end()});
    call.reply.ok();
}

void do_function_stats(Call& call) {
    wire::RespWriter& reply = call.reply;
    reply.map(2);
    reply.bulk("running_script");
    if (const Scripting::Running* running = of(call).running()) {
        reply.map(3);
        reply.bulk("name");
        reply.bulk(running->name);
        reply.bulk("command");
        reply.array(running->command.size());
        for (const std::string& word : running->command) {
            reply.bulk(word);
        }
        reply.bulk("duration_ms");
        reply.integer(running->milliseconds);
    } else {
        reply.null();
    }
    reply.bulk("engines");
    reply.map(1);
    reply.bulk("LUA");
    reply.map(2);
    reply.bulk("libraries_count");
    reply.integer(static_cast<std::int64_t>(of(call).libraries.libraries().size()));
    reply.bulk("functions_count");
    reply.integer(static_cast<std::int64_t>(of(call).libraries.function_count()));
}

void do_function_kill(Call& call) {
    of(call).kill(call, true);
}

void do_function_help(Call& call) {
    static constexpr std::string_view kLines[] = {
        "DELETE <library>",
        "    Removes a library.",
        "DUMP",
        "    Shows all libraries as bytes.",
        "FLUSH [ASYNC|SYNC]",
        "    Removes all libraries.",
        "KILL",
        "    Stops the function that runs, unless it has written.",
        "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
        "    Lists libraries and their functions.",
        "LOAD [REPLACE] <code>",
        "    Adds a library.",
        "RESTORE <bytes> [FLUSH|APPEND|REPLACE]",
        "    Adds the libraries of a DUMP.",
        "STATS",
        "    Shows what runs, and what engines there are.",
    };
    reply_help(call.reply, "FUNCTION", kLines);
}

}  // namespace

void add_script_calls(CallTable& table) {
    table.add({
        {"eval", do_eval},
        {"eval_ro", do_eval_ro},
        {"evalsha", do_evalsha},
        {"evalsha_ro", do_evalsha_ro},
        {"fcall", do_fcall},
        {"fcall_ro", do_fcall_ro},
        {"script|load", do_script_load},
        {"script|exists", do_script_exists},
        {"script|flush", do_script_flush},
        {"script|kill", do_script_kill},
        {"script|debug", do_script_debug},
        {"script|help", do_script_help},
        {"function|load", do_function_load},
        {"function|delete", do_function_delete},
        {"function|flush", do_function_flush},
        {"function|list", do_function_list},
        {"function|dump", do_function_dump},
        {"function|restore", do_function_restore},
        {"function|stats", do_function_stats},
        {"function|kill", do_function_kill},
        {"function|help", do_function_help},
    });
}

}  // namespace kumo::api_redis
