// DEBUG as far as test suites and operators use it. It must be allowed by `enable-debug-command`.
#include "api/redis/call.h"
#include "api/redis/service.h"
#include "kv/keyspace/number.h"

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

namespace kumo::api_redis {

namespace {

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

void debug_accepted(Call& call) {
    call.reply.ok();
}

struct DebugCommand {
    std::string_view name;
    std::size_t arguments_min;
    CallHandler handler;
};

const DebugCommand kDebugCommands[] = {
    {"sleep", 3, debug_sleep},
    {"set-active-expire", 3, debug_set_active_expire},
    {"populate", 3, debug_populate},
    {"protocol", 3, debug_protocol},
    {"log", 3, debug_accepted},
    {"set-disable-deny-scripts", 3, debug_accepted},
    {"quicklist-packed-threshold", 3, debug_accepted},
    {"stringmatch-len", 4, debug_accepted},
    {"pause-cron", 3, debug_accepted},
    {"jmap", 2, debug_accepted},
    {"drop-cluster-packet-filter", 3, debug_accepted},
    {"replybuffer", 3, debug_accepted},
    {"set-skip-checksum-validation", 3, debug_accepted},
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
