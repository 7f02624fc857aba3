// Files: SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE (Redis 7.0).
#include "api/redis/persistence/persistence.h"
#include "api/redis/service.h"

#include <string>

namespace kumo::api_redis {

namespace {

/// nullptr: the error has been written.
Persistence* files_of(Call& call) {
    if (call.service.persistence == nullptr) {
        call.error("ERR this server keeps no files");
    }
    return call.service.persistence;
}

void answer(Call& call, const Status& status, ByteView text) {
    if (!status.ok()) {
        call.error("ERR " + status.error().message);
    } else if (text.empty()) {
        call.reply.ok();
    } else {
        call.reply.simple(text);
    }
}

void do_save(Call& call) {
    if (Persistence* files = files_of(call); files != nullptr) {
        answer(call, files->save(), {});
    }
}

void do_bgsave(Call& call) {
    if (call.argc() > 2 || (call.argc() == 2 && !call.arg_is(1, "SCHEDULE"))) {
        call.syntax_error();
        return;
    }
    if (Persistence* files = files_of(call); files != nullptr) {
        answer(call, files->begin_save(), "Background saving started");
    }
}

void do_bgrewriteaof(Call& call) {
    if (Persistence* files = files_of(call); files != nullptr) {
        answer(call, files->begin_rewrite(), "Background append only file rewriting started");
    }
}

void do_lastsave(Call& call) {
    call.reply.integer(call.service.last_save_seconds);
}

}  // namespace

void add_persistence_calls(CallTable& table) {
    table.add({
        {"bgrewriteaof", do_bgrewriteaof},
        {"bgsave", do_bgsave},
        {"lastsave", do_lastsave},
        {"save", do_save},
    });
}

}  // namespace kumo::api_redis
