// CLIENT and its subcommands but those of client-side caching (Redis 7.0).
#include "api/redis/access.h"
#include "api/redis/call.h"
#include "api/redis/replication/replication.h"
#include "api/redis/service.h"
#include "kv/command/words.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace kumo::api_redis {

namespace {

constexpr ByteView kBadName =
    "ERR Client names cannot contain spaces, newlines or special characters.";

bool printable(ByteView text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

enum class ClientType : std::uint8_t {
    kNormal,
    kReplica,
    kPubsub,
    kMaster
};

std::optional<ClientType> parse_type(ByteView text) {
    if (kv::same_word(text, "normal")) {
        return ClientType::kNormal;
    }
    if (kv::same_word(text, "slave") || kv::same_word(text, "replica")) {
        return ClientType::kReplica;
    }
    if (kv::same_word(text, "pubsub")) {
        return ClientType::kPubsub;
    }
    if (kv::same_word(text, "master")) {
        return ClientType::kMaster;
    }
    return std::nullopt;
}

ClientType type_of(const Session& session) {
    if (session.replica) {
        return ClientType::kReplica;
    }
    return session.subscriptions.any() ? ClientType::kPubsub : ClientType::kNormal;
}

// CLIENT LIST, INFO -----------------------------------------------------------------------------

std::string flags_of(const Session& session) {
    std::string out;
    const auto add = [&out](bool is, char flag) {
        if (is) {
            out.push_back(flag);
        }
    };
    add(session.replica, 'S');
    add(session.monitor, 'O');
    add(session.subscriptions.any(), 'P');
    add(session.transaction.open, 'x');
    add(session.blocked.has_value(), 'b');
    add(session.tracking.on, 't');
    add(session.tracking.broken_redirect, 'R');
    add(session.tracking.broadcast, 'B');
    add(session.transaction.watched_changed, 'd');
    add(session.close_after_reply, 'c');
    add(session.readonly, 'r');
    add(session.no_evict, 'e');
    return out.empty() ? "N" : out;
}

/// What a request takes on the wire as an array of bulk strings.
std::size_t encoded_bytes(std::span<const ByteView> arguments) {
    std::size_t sum = 3 + std::to_string(arguments.size()).size();
    for (const ByteView argument : arguments) {
        sum += 5 + std::to_string(argument.size()).size() + argument.size();
    }
    return sum;
}

}  // namespace

std::string
describe_client(Service& service, const Session& session, std::span<const ByteView> running) {
    const std::int64_t now = service.now_ms();
    const std::size_t queued =
        session.transaction.open ? session.transaction.queue.size() : static_cast<std::size_t>(-1);
    const std::size_t request =
        session.request_bytes() + (running.empty() ? 0 : encoded_bytes(running));
    const auto number = [](auto value) {
        return std::to_string(value);
    };
    std::string out =
        "id=" + number(session.id) + " addr=" + session.peer_text()
        + " laddr=" + session.local_text() + " fd=" + number(session.id + 7)
        + " name=" + session.name + " age=" + number((now - session.created_ms) / 1000)
        + " idle=" + number((now - session.last_used_ms) / 1000) + " flags=" + flags_of(session)
        + " db=" + number(session.db) + " sub=" + number(session.subscriptions.channels.size())
        + " psub=" + number(session.subscriptions.patterns.size())
        + " ssub=" + number(session.subscriptions.shard_channels.size()) + " multi="
        + (session.transaction.open ? number(queued) : "-1") + " qbuf=" + number(request)
        + " qbuf-free=" + number(session.query_buffer_capacity() - session.request_bytes())
        + " argv-mem=0 multi-mem=" + number(session.multi_bytes())
        + " rbs=16384 rbp=0 obl=0 oll=0 omem=" + number(session.output_bytes())
        + " tot-mem=" + number(session.memory_bytes()) + " events=r"
        + " cmd=" + (session.last_command == nullptr ? "NULL" : session.last_command->full_name())
        + " user=" + session.user->name()
        + " redir=" + (session.tracking.on ? number(session.tracking.redirect) : "-1")
        + " resp=" + number(session.reply.protocol());
    if (!session.library_name.empty() || !session.library_version.empty()) {
        out += " lib-name=" + session.library_name + " lib-ver=" + session.library_version;
    }
    return out;
}

namespace {

/// The connection to our master, which is no session.
std::string describe_master(Service& service) {
    MasterLink* link = service.replication().link();
    if (link == nullptr || link->peer_text().empty()) {
        return {};
    }
    return "id=0 addr=" + link->peer_text() + " laddr= fd=-1 name= age=0 idle="
           + std::to_string((service.now_ms() - link->last_heard_ms()) / 1000) + " flags=M db="
           + std::to_string(link->database())
           + " sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 "
             "obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=NULL user=(superuser) redir=-1 resp=2\n";
}

bool read_ids(Call& call, std::size_t from, std::vector<SessionId>* ids) {
    for (std::size_t i = from; i < call.argc(); ++i) {
        const auto id = kv::parse_integer(call.arg(i));
        if (!id.has_value() || *id < 0) {
            call.error("ERR Invalid client ID");
            return false;
        }
        ids->push_back(static_cast<SessionId>(*id));
    }
    return true;
}

struct ListWishes {
    std::optional<ClientType> type;
    std::optional<std::vector<SessionId>> ids;
};

bool read_list_options(Call& call, ListWishes* out) {
    if (call.argc() == 4 && call.arg_is(2, "TYPE")) {
        out->type = parse_type(call.arg(3));
        if (!out->type.has_value()) {
            call.error("ERR Unknown client type '" + std::string(call.arg(3)) + "'");
            return false;
        }
    } else if (call.argc() > 3 && call.arg_is(2, "ID")) {
        return read_ids(call, 3, &out->ids.emplace());
    } else if (call.argc() != 2) {
        call.syntax_error();
        return false;
    }
    return true;
}

void do_list(Call& call) {
    ListWishes wishes;
    if (!read_list_options(call, &wishes)) {
        return;
    }
    std::string out;
    const auto add = [&](const Session& session) {
        if (!session.closing() && (!wishes.type.has_value() || type_of(session) == *wishes.type)) {
            out += describe_client(
                       call.service,
                       session,
                       &session == &call.session ? call.arguments : std::span<const ByteView>()
                   )
                   + "\n";
        }
    };
    if (wishes.ids.has_value()) {
        for (const SessionId id : *wishes.ids) {
            if (const Session* session = call.service.session(id); session != nullptr) {
                add(*session);
            }
        }
        call.reply.verbatim("txt", out);
        return;
    }
    for (const auto& [id, session] : call.service.sessions()) {
        add(*session);
    }
    if (!wishes.type.has_value() || wishes.type == ClientType::kMaster) {
        out += describe_master(call.service);
    }
    call.reply.verbatim("txt", out);
}

void do_info(Call& call) {
    call.reply.verbatim("txt", describe_client(call.service, call.session, call.arguments) + "\n");
}

// CLIENT KILL -----------------------------------------------------------------------------------

struct KillFilter {
    std::optional<SessionId> id;
    std::optional<ClientType> type;
    ByteView address, local_address, user;
    bool skip_me = true;

    bool matches(const Session& session) const {
        return (!id.has_value() || session.id == *id)
               && (!type.has_value() || type_of(session) == *type)
               && (address.data() == nullptr || session.peer_text() == address)
               && (local_address.data() == nullptr || session.local_text() == local_address)
               && (user.data() == nullptr || session.user->name() == user);
    }
};

bool read_kill_option(Call& call, std::size_t i, KillFilter* filter) {
    const ByteView value = call.arg(i + 1);
    if (call.arg_is(i, "ID")) {
        const auto id = kv::parse_integer(value);
        if (!id.has_value() || *id < 1) {
            call.error("ERR client-id should be greater than 0");
            return false;
        }
        filter->id = static_cast<SessionId>(*id);
    } else if (call.arg_is(i, "TYPE")) {
        filter->type = parse_type(value);
        if (!filter->type.has_value()) {
            call.error("ERR Unknown client type '" + std::string(value) + "'");
            return false;
        }
    } else if (call.arg_is(i, "ADDR")) {
        filter->address = value;
    } else if (call.arg_is(i, "LADDR")) {
        filter->local_address = value;
    } else if (call.arg_is(i, "USER")) {
        filter->user = value;
        if (call.service.access().users().find(value) == nullptr) {
            call.error("ERR No such user '" + std::string(value) + "'");
            return false;
        }
    } else if (call.arg_is(i, "SKIPME") && (kv::same_word(value, "yes") || kv::same_word(value, "no"))) {
        filter->skip_me = kv::same_word(value, "yes");
    } else {
        call.syntax_error();
        return false;
    }
    return true;
}

std::size_t kill_matching(Call& call, const KillFilter& filter) {
    std::vector<SessionId> found;
    for (const auto& [id, session] : call.service.sessions()) {
        if (!session->closing() && filter.matches(*session)
            && !(filter.skip_me && id == call.session.id)) {
            found.push_back(id);
        }
    }
    for (const SessionId id : found) {
        Session* session = call.service.session(id);
        if (session == &call.session) {
            session->close_after_reply = true;
        } else {
            session->close_gently();
        }
    }
    return found.size();
}

void do_kill(Call& call) {
    KillFilter filter;
    if (call.argc() == 3) {
        filter.address = call.arg(2);
        filter.skip_me = false;
        if (kill_matching(call, filter) == 0) {
            call.error("ERR No such client");
        } else {
            call.reply.ok();
        }
        return;
    }
    if (call.argc() % 2 != 0) {
        call.syntax_error();
        return;
    }
    for (std::size_t i = 2; i < call.argc(); i += 2) {
        if (!read_kill_option(call, i, &filter)) {
            return;
        }
    }
    std::size_t killed = kill_matching(call, filter);
    if (filter.type == ClientType::kMaster && call.service.replication().reconnect()) {
        ++killed;
    }
    call.reply.integer(static_cast<std::int64_t>(killed));
}

// The rest --------------------------------------------------------------------------------------

void do_id(Call& call) {
    call.reply.integer(static_cast<std::int64_t>(call.session.id));
}

void do_setname(Call& call) {
    if (set_client_name(call, call.arg(2))) {
        call.reply.ok();
    }
}

void do_getname(Call& call) {
    if (call.session.name.empty()) {
        call.reply.null();
    } else {
        call.reply.bulk(call.session.name);
    }
}

void do_setinfo(Call& call) {
    const bool name = call.arg_is(2, "LIB-NAME");
    if (!name && !call.arg_is(2, "LIB-VER")) {
        call.error("ERR Unrecognized option '" + std::string(call.arg(2)) + "'");
        return;
    }
    if (!printable(call.arg(3))) {
        call.error(
            "ERR " + std::string(name ? "lib-name" : "lib-ver")
            + " cannot contain spaces, newlines or special characters."
        );
        return;
    }
    (name ? call.session.library_name : call.session.library_version) = call.arg(3);
    call.reply.ok();
}

void do_reply(Call& call) {
    if (call.arg_is(2, "ON")) {
        call.session.reply_mode = ReplyMode::kOn;
        call.reply.ok();
    } else if (call.arg_is(2, "OFF")) {
        call.session.reply_mode = ReplyMode::kOff;
    } else if (call.arg_is(2, "SKIP")) {
        if (call.session.reply_mode == ReplyMode::kOn) {
            call.session.reply_mode = ReplyMode::kSkipNext;
        }
    } else {
        call.syntax_error();
    }
}

void do_pause(Call& call) {
    bool all = true;
    if (call.argc() == 4) {
        if (call.arg_is(3, "WRITE")) {
            all = false;
        } else if (!call.arg_is(3, "ALL")) {
            call.error("ERR CLIENT PAUSE mode must be WRITE or ALL");
            return;
        }
    } else if (call.argc() > 4) {
        call.wrong_arguments();
        return;
    }
    const auto milliseconds = kv::parse_integer(call.arg(2));
    if (!milliseconds.has_value()) {
        call.error("ERR timeout is not an integer or out of range");
        return;
    }
    std::int64_t until = 0;
    if (*milliseconds < 0 || __builtin_add_overflow(call.service.now_ms(), *milliseconds, &until)) {
        call.error(*milliseconds < 0 ? "ERR timeout is negative" : "ERR timeout is out of range");
        return;
    }
    call.service.pause(until, all);
    call.reply.ok();
}

void do_unpause(Call& call) {
    call.service.unpause();
    call.reply.ok();
}

void do_unblock(Call& call) {
    bool with_error = false;
    if (call.argc() == 4) {
        if (call.arg_is(3, "ERROR")) {
            with_error = true;
        } else if (!call.arg_is(3, "TIMEOUT")) {
            call.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
            return;
        }
    }
    std::int64_t id = 0;
    if (!call.integer(2, &id)) {
        return;
    }
    Session* session = call.service.session(static_cast<SessionId>(id));
    if (session == nullptr || session->block_reason != BlockReason::kKeys) {
        call.reply.integer(0);
        return;
    }
    call.service.unblock(
        *session,
        with_error ? "UNBLOCKED client unblocked via CLIENT UNBLOCK" : ""
    );
    call.reply.integer(1);
}

void do_no_evict(Call& call) {
    if (!call.arg_is(2, "ON") && !call.arg_is(2, "OFF")) {
        call.syntax_error();
        return;
    }
    call.session.no_evict = call.arg_is(2, "ON");
    call.reply.ok();
}

void do_help(Call& call) {
    constexpr std::string_view kLines[] = {
        "CACHING (YES|NO)",
        "    For the next command: track the keys it reads, or do not (OPTIN, OPTOUT).",
        "GETREDIR",
        "    The client that invalidation messages of this one go to.",
        "GETNAME",
        "    The name of this connection.",
        "ID",
        "    The id of this connection.",
        "INFO",
        "    What CLIENT LIST says of this connection.",
        "KILL <ip:port>",
        "    Close the connection from that address.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Close the connections that all options fit. Options are:",
        "    * ADDR <ip:port>",
        "    * LADDR <ip:port>",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "    * USER <username>",
        "    * SKIPME (YES|NO)",
        "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB) | ID <id> ...]",
        "    All connections, a line each.",
        "NO-EVICT (ON|OFF)",
        "    Whether this connection is spared when clients use too much memory.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Let all commands, or those that write, wait that many milliseconds.",
        "REPLY (ON|OFF|SKIP)",
        "    Whether commands are answered.",
        "SETINFO <option> <value>",
        "    LIB-NAME or LIB-VER: the library the connection uses.",
        "SETNAME <name>",
        "    Name this connection.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
        "         [OPTIN] [OPTOUT] [NOLOOP]",
        "    Tell this connection when keys change that it has read.",
        "TRACKINGINFO",
        "    How this connection tracks keys.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    Let a blocked connection go on, as on a timeout or with an error.",
        "UNPAUSE",
        "    End a pause."};
    reply_help(call.reply, "CLIENT", kLines);
}

}  // namespace

bool set_client_name(Call& call, ByteView name) {
    if (!printable(name)) {
        call.error(kBadName);
        return false;
    }
    call.session.name = name;
    return true;
}

void add_client_calls(CallTable& table) {
    table.add({
        {"client|getname", do_getname},
        {"client|help", do_help},
        {"client|id", do_id},
        {"client|info", do_info},
        {"client|kill", do_kill},
        {"client|list", do_list},
        {"client|no-evict", do_no_evict},
        {"client|pause", do_pause},
        {"client|reply", do_reply},
        {"client|setinfo", do_setinfo},
        {"client|setname", do_setname},
        {"client|unblock", do_unblock},
        {"client|unpause", do_unpause},
    });
}

}  // namespace kumo::api_redis
