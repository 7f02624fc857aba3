// Transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH (Redis 7.0).
#include "api/redis/call.h"
#include "api/redis/service.h"

namespace kumo::api_redis {

namespace {

void do_multi(Call& call) {
    if (call.session.transaction.open) {
        call.error("ERR MULTI calls can not be nested");
        return;
    }
    call.session.transaction.open = true;
    call.reply.ok();
}

void do_exec(Call& call) {
    if (!call.session.transaction.open) {
        call.error("ERR EXEC without MULTI");
        return;
    }
    call.service.execute_transaction(call);
}

void do_discard(Call& call) {
    if (!call.session.transaction.open) {
        call.error("ERR DISCARD without MULTI");
        return;
    }
    call.service.discard_transaction(call.session);
    call.reply.ok();
}

void do_watch(Call& call) {
    if (call.session.transaction.open) {
        call.error("ERR WATCH inside MULTI is not allowed");
        return;
    }
    if (!call.session.transaction.watched_changed) {
        for (std::size_t i = 1; i < call.argc(); ++i) {
            call.service.watch(call.session, call.arg(i));
        }
    }
    call.reply.ok();
}

void do_unwatch(Call& call) {
    call.service.unwatch_all(call.session);
    call.reply.ok();
}

}  // namespace

void add_transaction_calls(CallTable& table) {
    table.add({
        {"discard", do_discard},
        {"exec", do_exec},
        {"multi", do_multi},
        {"unwatch", do_unwatch},
        {"watch", do_watch},
    });
}

}  // namespace kumo::api_redis
