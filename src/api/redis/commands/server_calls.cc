// The server: TIME, LOLWUT, SHUTDOWN, READONLY (Redis 7.0).
#include "api/redis/call.h"
#include "api/redis/service.h"
#include "kv/keyspace/number.h"

#include <string>

namespace kumo::api_redis {

namespace {

void do_time(Call& call) {
    const std::int64_t now = call.service.now_us();
    call.reply.array(2);
    call.reply.bulk_integer(now / 1'000'000);
    call.reply.bulk_integer(now % 1'000'000);
}

void do_lolwut(Call& call) {
    call.reply.verbatim(
        "txt",
        "kumosearch, speaking Redis ver. " + std::string(kRedisVersion) + "\n"
    );
}

void do_shutdown(Call& call) {
    bool save = !call.service.settings.text("save").empty();
    bool abort = false;
    bool force = false;
    for (std::size_t i = 1; i < call.argc(); ++i) {
        if (call.arg_is(i, "NOSAVE")) {
            save = false;
        } else if (call.arg_is(i, "SAVE")) {
            save = true;
        } else if (call.arg_is(i, "ABORT")) {
            abort = true;
        } else if (call.arg_is(i, "FORCE")) {
            force = true;
        } else if (!call.arg_is(i, "NOW")) {
            call.syntax_error();
            return;
        }
    }
    if (abort) {
        call.error("ERR No shutdown in progress.");
        return;
    }
    if (!call.service.environment().shutdown(save, force).ok()) {
        call.error("ERR Errors trying to SHUTDOWN. Check logs.");
        return;
    }
    // There is no answer: the connection ends.
    call.session.close_after_reply = true;
}

void do_readonly(Call& call) {
    if (!call.service.settings.flag("cluster-enabled")) {
        call.error("ERR This instance has cluster support disabled");
        return;
    }
    call.session.readonly = call.spec.name == "readonly";
    call.reply.ok();
}

void do_asking(Call& call) {
    if (!call.service.settings.flag("cluster-enabled")) {
        call.error("ERR This instance has cluster support disabled");
        return;
    }
    call.session.asking = true;
    call.reply.ok();
}

void do_module_list(Call& call) {
    call.reply.array(0);
}

}  // namespace

void add_server_calls(CallTable& table) {
    table.add({
        {"asking", do_asking},
        {"lolwut", do_lolwut},
        {"module|list", do_module_list},
        {"readonly", do_readonly},
        {"readwrite", do_readonly},
        {"shutdown", do_shutdown},
        {"time", do_time},
    });
}

}  // namespace kumo::api_redis
