// What the server is and can do: COMMAND, INFO (Redis 7.0).
#include "api/redis/call.h"
#include "api/redis/commands/info.h"
#include "api/redis/service.h"
#include "kv/command/introspection.h"

namespace kumo::api_redis {

namespace {

void do_command(Call& call) {
    kv::answer_command(call.arguments, call.reply);
}

void do_info(Call& call) {
    call.reply.verbatim("txt", info_text(call.service, call.arguments.subspan(1)));
}

}  // namespace

void add_introspection_calls(CallTable& table) {
    table.add({
        {"command", do_command},
        {"command|count", do_command},
        {"command|docs", do_command},
        {"command|getkeys", do_command},
        {"command|getkeysandflags", do_command},
        {"command|help", do_command},
        {"command|info", do_command},
        {"command|list", do_command},
        {"info", do_info},
    });
}

}  // namespace kumo::api_redis
