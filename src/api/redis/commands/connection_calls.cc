// Connections: AUTH, HELLO, PING, ECHO, SELECT, QUIT, RESET (Redis 7.0).
#include "api/redis/access.h"
#include "api/redis/call.h"
#include "api/redis/service.h"
#include "kv/keyspace/number.h"

#include <string>

namespace kumo::api_redis {

namespace {

constexpr ByteView kWrongPassword = "WRONGPASS invalid username-password pair or user is disabled.";

bool check_password(Call& call, ByteView user, ByteView password) {
    return call.service.access().authenticate(call.session, call.arg(0), user, password);
}

void do_auth(Call& call) {
    if (call.argc() > 3) {
        call.syntax_error();
        return;
    }
    if (call.argc() == 2 && call.service.access().users().default_user()->no_password()) {
        call.error(
            "ERR AUTH <password> called without any password configured for the default user. Are "
            "you sure your configuration is correct?"
        );
        return;
    }
    const ByteView user = call.argc() == 3 ? call.arg(1) : ByteView("default");
    if (check_password(call, user, call.arg(call.argc() - 1))) {
        call.reply.ok();
    } else {
        call.error(kWrongPassword);
    }
}

void reply_hello(Call& call) {
    const bool cluster = call.service.settings.flag("cluster-enabled");
    wire::RespWriter& reply = call.reply;
    reply.map(7);
    reply.bulk("server");
    reply.bulk("redis");
    reply.bulk("version");
    reply.bulk(kRedisVersion);
    reply.bulk("proto");
    reply.integer(reply.protocol());
    reply.bulk("id");
    reply.integer(static_cast<std::int64_t>(call.session.id));
    reply.bulk("mode");
    reply.bulk(cluster ? "cluster" : "standalone");
    reply.bulk("role");
    reply.bulk("master");
    reply.bulk("modules");
    reply.array(0);
}

struct HelloOptions {
    std::int64_t protocol = 0;
    bool auth = false;
    ByteView user, password;
    ByteView name;
};

bool read_hello(Call& call, HelloOptions* out) {
    if (call.argc() > 1) {
        const auto wanted = kv::parse_integer(call.arg(1));
        if (!wanted.has_value()) {
            call.error("ERR Protocol version is not an integer or out of range");
            return false;
        }
        if (*wanted < 2 || *wanted > 3) {
            call.error("NOPROTO unsupported protocol version");
            return false;
        }
        out->protocol = *wanted;
    }
    for (std::size_t i = 2; i < call.argc(); ++i) {
        if (call.arg_is(i, "AUTH") && i + 2 < call.argc()) {
            out->auth = true;
            out->user = call.arg(i + 1);
            out->password = call.arg(i + 2);
            i += 2;
        } else if (call.arg_is(i, "SETNAME") && i + 1 < call.argc()) {
            out->name = call.arg(++i);
        } else {
            call.error("ERR Syntax error in HELLO option '" + std::string(call.arg(i)) + "'");
            return false;
        }
    }
    return true;
}

void do_hello(Call& call) {
    HelloOptions options;
    if (!read_hello(call, &options)) {
        return;
    }
    if (options.auth && !check_password(call, options.user, options.password)) {
        call.error(kWrongPassword);
        return;
    }
    if (!call.session.authenticated) {
        call.error(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the "
            "HELLO "
            "<proto> AUTH <user> <pass> option can be used to authenticate the client and select "
            "the "
            "RESP protocol version at the same time"
        );
        return;
    }
    if (options.name.data() != nullptr && !set_client_name(call, options.name)) {
        return;
    }
    if (options.protocol != 0) {
        call.reply.set_protocol(static_cast<int>(options.protocol));
    }
    reply_hello(call);
}

void do_ping(Call& call) {
    if (call.argc() > 2) {
        call.wrong_arguments();
        return;
    }
    if (call.session.subscriptions.any() && call.reply.protocol() == 2) {
        call.reply.array(2);
        call.reply.bulk("pong");
        call.reply.bulk(call.argc() == 2 ? call.arg(1) : ByteView{});
    } else if (call.argc() == 2) {
        call.reply.bulk(call.arg(1));
    } else {
        call.reply.simple("PONG");
    }
}

void do_echo(Call& call) {
    call.reply.bulk(call.arg(1));
}

void do_select(Call& call) {
    const auto index = kv::parse_integer(call.arg(1));
    if (!index.has_value()) {
        call.error("ERR invalid DB index");
        return;
    }
    if (call.service.settings.flag("cluster-enabled") && *index != 0) {
        call.error("ERR SELECT is not allowed in cluster mode");
        return;
    }
    if (*index < 0 || *index >= call.service.keyspace.database_count()) {
        call.error("ERR DB index is out of range");
        return;
    }
    call.session.db = static_cast<int>(*index);
    call.reply.ok();
}

void do_quit(Call& call) {
    call.reply.ok();
    call.session.close_after_reply = true;
}

void do_reset(Call& call) {
    Session& session = call.session;
    call.service.discard_transaction(session);
    call.service.channels.remove(session.id, session.subscriptions);
    call.service.stop_tracking(session);
    call.service.stop_monitoring(session);
    session.db = 0;
    session.name.clear();
    session.asking = false;
    session.readonly = false;
    session.no_evict = false;
    session.reply_mode = ReplyMode::kOn;
    call.service.access().begin(session);
    call.reply.set_protocol(2);
    call.reply.simple("RESET");
}

}  // namespace

void add_connection_calls(CallTable& table) {
    table.add({
        {"auth", do_auth},
        {"echo", do_echo},
        {"hello", do_hello},
        {"ping", do_ping},
        {"quit", do_quit},
        {"reset", do_reset},
        {"select", do_select},
    });
}

}  // namespace kumo::api_redis
