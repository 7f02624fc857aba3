// DEBUG as far as test suites and operators use it. It must be allowed by `enable-debug-command`.
#include "api/redis/call.h"
#include "api/redis/internal/digest.h"
#include "api/redis/persistence/persistence.h"
#include "api/redis/service.h"
#include "base/log.h"
#include "kv/keyspace/access.h"
#include "kv/keyspace/glob.h"
#include "kv/keyspace/number.h"
#include "kv/rdb/value_codec.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace kumo::api_redis {

namespace {

/// Ends as a crash would: at once, with nothing said or written.
[[noreturn]] void crash(int signal) {
    (void)std::signal(signal, SIG_DFL);
    (void)std::raise(signal);
    std::abort();
}

void debug_segfault(Call& /*call*/) {
    crash(SIGSEGV);
}

void debug_panic(Call& /*call*/) {
    crash(SIGABRT);
}

void debug_sleep(Call& call) {
    const auto seconds = kv::parse_double(call.arg(2));
    if (!seconds.has_value() || *seconds < 0) {
        call.syntax_error();
        return;
    }
    // The whole point is that the loop stands still.
    std::this_thread::sleep_for(std::chrono::duration<double>(*seconds));
    call.reply.ok();
}

void debug_set_active_expire(Call& call) {
    call.service.active_expire = call.arg(2) != "0";
    call.reply.ok();
}

void debug_populate(Call& call) {
    std::int64_t count = 0;
    std::int64_t size = 0;
    if (!call.integer(2, &count, "ERR value is out of range, must be positive")
        || (call.argc() > 4 && !call.integer(4, &size))) {
        return;
    }
    const std::string prefix = call.argc() > 3 ? std::string(call.arg(3)) : "key";
    kv::Database& database = call.service.keyspace.database(call.session.db);
    for (std::int64_t i = 0; i < count; ++i) {
        const std::string key = prefix + ":" + std::to_string(i);
        if (database.find(key) != nullptr) {
            continue;
        }
        std::string value = "value:" + std::to_string(i);
        if (size > 0) {
            value.resize(static_cast<std::size_t>(size), '\0');
        }
        database.set_string(key, value, kv::natural_encoding(value), false);
    }
    call.reply.ok();
}

void debug_protocol(Call& call) {
    wire::RespWriter& out = call.reply;
    if (call.arg_is(2, "string")) {
        out.bulk("Hello World");
    } else if (call.arg_is(2, "integer")) {
        out.integer(12345);
    } else if (call.arg_is(2, "double")) {
        out.real(3.141);
    } else if (call.arg_is(2, "null")) {
        out.null();
    } else if (call.arg_is(2, "array") || call.arg_is(2, "set")) {
        call.arg_is(2, "set") ? out.set(3) : out.array(3);
        for (int i = 0; i < 3; ++i) {
            out.integer(i);
        }
    } else if (call.arg_is(2, "map")) {
        out.map(3);
        for (int i = 0; i < 3; ++i) {
            out.integer(i);
            out.boolean(i == 1);
        }
    } else if (call.arg_is(2, "attrib")) {
        if (out.protocol() >= 3) {
            out.attribute(1);
            out.bulk("key-popularity");
            out.array(2);
            out.bulk("key:123");
            out.integer(90);
        }
        out.bulk("Some real reply following the attribute");
    } else if (call.arg_is(2, "push")) {
        out.push(2);
        out.bulk("server-cpu-usage");
        out.integer(42);
    } else if (call.arg_is(2, "verbatim")) {
        out.verbatim("txt", "This is a verbatim\nstring");
    } else if (call.arg_is(2, "bignum")) {
        out.big_number("1234567999999999999999999999999999999");
    } else if (call.arg_is(2, "true") || call.arg_is(2, "false")) {
        out.boolean(call.arg_is(2, "true"));
    } else {
        call.error(
            "ERR Wrong protocol type name. Please use one of the following: string|integer|double|"
            "null|array|set|map|attrib|push|verbatim|true|false"
        );
    }
}

void debug_error(Call& call) {
    call.error(call.arg(2));
}

void debug_pause_cron(Call& call) {
    call.service.cron_paused = call.arg(2) != "0";
    call.reply.ok();
}

void debug_deny_scripts(Call& call) {
    call.service.deny_scripts_disabled = call.arg(2) != "0";
    call.reply.ok();
}

void debug_skip_checksums(Call& call) {
    call.service.keyspace.settings.checks_dumps = call.arg(2) == "0";
    call.reply.ok();
}

// Files -------------------------------------------------------------------------------------------

void answer_load(Call& call, const Status& loaded, ByteView what) {
    if (!loaded.ok()) {
        log_error("DEBUG: " + loaded.error().message);
        call.error(what);
        return;
    }
    call.reply.ok();
}

void debug_reload(Call& call) {
    Persistence::Reload how;
    for (std::size_t i = 2; i < call.argc(); ++i) {
        if (call.arg_is(i, "NOSAVE")) {
            how.save = false;
        } else if (call.arg_is(i, "NOFLUSH")) {
            how.flush = false;
        } else if (call.arg_is(i, "MERGE")) {
            how.merge = true;
        } else {
            call.error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
            return;
        }
    }
    if (call.service.persistence == nullptr) {
        call.error("ERR this server keeps no files");
        return;
    }
    answer_load(
        call,
        call.service.persistence->reload(how),
        "ERR Error trying to load the RDB dump, check server logs."
    );
}

void debug_loadaof(Call& call) {
    if (call.service.persistence == nullptr) {
        call.error("ERR this server keeps no files");
        return;
    }
    // A node of a cluster has no append-only file: its keys are written and read anew.
    answer_load(
        call,
        call.service.cluster == nullptr ? call.service.persistence->reload_aof()
                                        : call.service.persistence->reload({}),
        "ERR Error trying to load the AOF files, check server logs."
    );
}

// Looking inside ----------------------------------------------------------------------------------

const kv::Entry* find(Call& call, ByteView key) {
    return call.service.keyspace.database(call.session.db).find(key);
}

void debug_digest(Call& call) {
    call.reply.simple(keyspace_digest(call.service.keyspace));
}

void debug_digest_value(Call& call) {
    call.reply.array(call.argc() - 2);
    for (std::size_t i = 2; i < call.argc(); ++i) {
        const kv::Entry* entry = find(call, call.arg(i));
        call.reply.simple(entry == nullptr ? std::string(40, '0') : value_digest(*entry));
    }
}

/// The bytes of a value in an RDB file: a DUMP payload's without its type, version and checksum.
std::size_t serialized_bytes(const kv::Entry& entry) {
    constexpr std::size_t kEnvelopeBytes = 11;
    const std::string payload =
        entry.is_string() ? kv::dump_payload(entry.string()) : kv::dump_payload(entry.value());
    return payload.size() - kEnvelopeBytes;
}

void debug_object(Call& call) {
    const kv::Entry* entry = find(call, call.arg(2));
    if (entry == nullptr) {
        call.error(kv::kNoSuchKey);
        return;
    }
    const std::int64_t now = call.service.now_ms();
    char text[160];
    const int length = std::snprintf(
        text,
        sizeof(text),
        "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%u lru_seconds_idle:%u",
        static_cast<const void*>(entry),
        std::string(kv::encoding_name(*entry)).c_str(),
        serialized_bytes(*entry),
        entry->access(),
        kv::idle_seconds(entry->access(), now)
    );
    call.reply.simple(ByteView(text, static_cast<std::size_t>(length)));
}

/// The table of a database: what it holds and how much room it has.
void debug_htstats(Call& call) {
    const auto db = kv::parse_integer(call.arg(2));
    if (!db.has_value() || *db < 0 || *db >= call.service.keyspace.database_count()) {
        call.error("ERR Out of range database");
        return;
    }
    const kv::Database& database = call.service.keyspace.database(static_cast<int>(*db));
    call.reply.verbatim(
        "txt",
        "[Dictionary HT]\nnumber of elements: " + std::to_string(database.size())
            + "\nelements that expire: " + std::to_string(database.volatile_size())
            + "\nbytes of the table: " + std::to_string(database.table_bytes()) + "\n"
    );
}

void debug_stringmatch_len(Call& call) {
    std::int64_t length = 0;
    if (!call.integer(2, &length)) {
        return;
    }
    constexpr std::int64_t kLengthMax = 1 << 20;
    const std::string text(
        static_cast<std::size_t>(std::clamp<std::int64_t>(length, 0, kLengthMax)),
        'a'
    );
    call.reply.integer(kv::glob_matches(call.arg(3), text) ? 1 : 0);
}

// Knobs of parts that this server has not: lists have no blocks of one element, replies no buffer
// that shrinks.
void debug_accepted(Call& call) {
    call.reply.ok();
}

void debug_help(Call& call) {
    constexpr std::string_view kLines[] = {
        "DIGEST",
        "    A digest of all keys and values.",
        "DIGEST-VALUE <key> [<key> ...]",
        "    Digests of the values.",
        "ERROR <text>",
        "    Answers with that error.",
        "HTSTATS <dbid>",
        "    The table of a database.",
        "LOADAOF",
        "    Empties the keyspace and reads the append-only file.",
        "LOG <message>",
        "    Writes the message into the server's log.",
        "OBJECT <key>",
        "    How the value lies in memory.",
        "PANIC",
        "    Ends as a failed check would.",
        "PAUSE-CRON <0|1>",
        "    Stops what runs regularly.",
        "POPULATE <count> [<prefix>] [<size>]",
        "    Makes that many keys of strings.",
        "PROTOCOL <type>",
        "    Answers with a value of that type.",
        "RELOAD [NOSAVE] [NOFLUSH] [MERGE]",
        "    Saves, empties the keyspace and loads the RDB file.",
        "SEGFAULT",
        "    Ends as a crash would.",
        "SET-ACTIVE-EXPIRE <0|1>",
        "    Whether expired keys are looked for.",
        "SET-DISABLE-DENY-SCRIPTS <0|1>",
        "    Whether scripts may run commands that they must not.",
        "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
        "    Whether RESTORE trusts a payload's version and checksum.",
        "SLEEP <seconds>",
        "    Stands still.",
        "STRINGMATCH-LEN <length> <pattern>",
        "    Matches a text of so many letters a."};
    reply_help(call.reply, "DEBUG", kLines);
}

void debug_log(Call& call) {
    log_warn("DEBUG LOG: " + std::string(call.arg(2)));
    call.reply.ok();
}

struct DebugCommand {
    std::string_view name;
    std::size_t arguments_min;
    CallHandler handler;
};

const DebugCommand kDebugCommands[] = {
    {"digest", 2, debug_digest},
    {"digest-value", 2, debug_digest_value},
    {"drop-cluster-packet-filter", 3, debug_accepted},
    {"error", 3, debug_error},
    {"help", 2, debug_help},
    {"htstats", 3, debug_htstats},
    {"loadaof", 2, debug_loadaof},
    {"log", 3, debug_log},
    {"object", 3, debug_object},
    {"panic", 2, debug_panic},
    {"pause-cron", 3, debug_pause_cron},
    {"populate", 3, debug_populate},
    {"protocol", 3, debug_protocol},
    {"quicklist-packed-threshold", 3, debug_accepted},
    {"reload", 2, debug_reload},
    {"replybuffer", 3, debug_accepted},
    {"segfault", 2, debug_segfault},
    {"set-active-expire", 3, debug_set_active_expire},
    {"set-disable-deny-scripts", 3, debug_deny_scripts},
    {"set-skip-checksum-validation", 3, debug_skip_checksums},
    {"sleep", 3, debug_sleep},
    {"stringmatch-len", 4, debug_stringmatch_len},
};

void do_debug(Call& call) {
    if (!protected_action_allowed(
            call.service.settings.text("enable-debug-command"),
            call.session
        )) {
        call.error(
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to "
            "\"local\", "
            "you can run it from a local connection, otherwise you need to set this option in the "
            "configuration file, and then restart the server."
        );
        return;
    }
    for (const DebugCommand& command : kDebugCommands) {
        if (call.arg_is(1, command.name) && call.argc() >= command.arguments_min) {
            command.handler(call);
            return;
        }
    }
    call.error(
        "ERR unknown subcommand or wrong number of arguments for '" + std::string(call.arg(1))
        + "'. Try DEBUG HELP."
    );
}

}  // namespace

void add_debug_calls(CallTable& table) {
    table.add({{"debug", do_debug}});
}

}  // namespace kumo::api_redis
