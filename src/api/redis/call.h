#pragma once

#include "api/redis/service.h"
#include "api/redis/session.h"
#include "base/bytes.h"
#include "kv/command/command_table.h"
#include "kv/command/context.h"
#include "kv/command/spec.h"
#include "wire/resp.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kumo::api_redis {

/// One run of a command that is not one on keys: about the connection or the server.
struct Call {
    Service& service;
    Session& session;
    const kv::CommandSpec& spec;
    std::span<const ByteView> arguments;
    wire::RespWriter& reply;
    bool in_script = false;
    bool error_counted = false;  ///< The error it answers is in the statistics already.

    std::size_t argc() const { return arguments.size(); }

    ByteView arg(std::size_t index) const { return arguments[index]; }

    bool arg_is(std::size_t index, ByteView word) const;

    void error(ByteView text) { reply.error(text); }

    void wrong_arguments();

    void syntax_error() { reply.error(kv::kSyntaxError); }

    /// False: the error has been written.
    bool integer(std::size_t index, std::int64_t* out, ByteView error_text = kv::kNotInteger);
};

using CallHandler = void (*)(Call&);

/// The commands of this module.
using CallTable = kv::CommandTable<CallHandler>;

const CallTable& call_handlers();

// One for each file of commands/.
void add_connection_calls(CallTable& table);
void add_client_calls(CallTable& table);
void add_transaction_calls(CallTable& table);
void add_pubsub_calls(CallTable& table);
void add_config_calls(CallTable& table);
void add_server_calls(CallTable& table);
void add_introspection_calls(CallTable& table);
void add_observation_calls(CallTable& table);
void add_persistence_calls(CallTable& table);
void add_tracking_calls(CallTable& table);
void add_debug_calls(CallTable& table);
void add_script_calls(CallTable& table);
void add_memory_calls(CallTable& table);
void add_cluster_calls(CallTable& table);
void add_slot_calls(CallTable& table);
void add_replication_calls(CallTable& table);
void add_acl_calls(CallTable& table);

/// What we say we are, to clients that look for features.
inline constexpr ByteView kRedisVersion = "7.0.15";

/// Whether a setting of "no", "yes", "local" lets this connection do it.
bool protected_action_allowed(ByteView setting, const Session& session);

/// A connection as CLIENT LIST shows it; `running`: the command of its that runs, or nothing.
std::string
describe_client(Service& service, const Session& session, std::span<const ByteView> running);

/// False: the name has blanks or line breaks; the error has been written.
bool set_client_name(Call& call, ByteView name);

/// The reply of HELP subcommands.
void reply_help(wire::RespWriter& reply, ByteView command, std::span<const std::string_view> lines);

}  // namespace kumo::api_redis
