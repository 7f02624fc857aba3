#include "api/redis/service.h"
#include "base/assert.h"

namespace kumo::api_redis {

CallTable::CallTable() : by_id_(kv::command_count(), nullptr) {}

void CallTable::add(std::initializer_list<CallEntry> entries) {
    for (const CallEntry& entry : entries) {
        const std::size_t bar = entry.name.find('|');
        const kv::CommandSpec* spec = kv::find_command(entry.name.substr(0, bar));
        if (spec != nullptr && bar != std::string_view::npos) {
            spec = kv::find_subcommand(*spec, entry.name.substr(bar + 1));
        }
        KUMO_ASSERT(spec != nullptr);
        KUMO_ASSERT(by_id_[spec->id] == nullptr);
        by_id_[spec->id] = entry.handler;
    }
}

const CallTable& call_handlers() {
    static const CallTable table = [] {
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
        return made;
    }();
    return table;
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
