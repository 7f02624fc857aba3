#include "api/redis/call.h"
#include "api/redis/service.h"

namespace kumo::api_redis {

const CallTable& call_handlers() {
    static const CallTable kTable = [] {
        CallTable made;
        add_connection_calls(made);
        add_client_calls(made);
        add_transaction_calls(made);
        add_pubsub_calls(made);
        add_config_calls(made);
        add_server_calls(made);
        add_introspection_calls(made);
        add_observation_calls(made);
        add_persistence_calls(made);
        add_tracking_calls(made);
        add_debug_calls(made);
        add_script_calls(made);
        add_memory_calls(made);
        add_cluster_calls(made);
        add_slot_calls(made);
        add_replication_calls(made);
        add_acl_calls(made);
        return made;
    }();
    return kTable;
}

void reply_help(
    wire::RespWriter& reply,
    ByteView command,
    std::span<const std::string_view> lines
) {
    reply.array(lines.size() + 3);
    reply.simple(
        std::string(command) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    );
    for (const std::string_view line : lines) {
        reply.simple(line);
    }
    reply.simple("HELP");
    reply.simple("    Prints this help.");
}

}  // namespace kumo::api_redis
