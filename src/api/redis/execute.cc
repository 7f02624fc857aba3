// The way of a command: which one it is, whether it may run, running it, what follows.
#include "api/redis/access.h"
#include "api/redis/call.h"
#include "api/redis/cluster/cluster.h"
#include "api/redis/internal/command_effects.h"
#include "api/redis/internal/redaction.h"
#include "api/redis/persistence/persistence.h"
#include "api/redis/replication/migrations.h"
#include "api/redis/replication/replication.h"
#include "api/redis/scripting.h"
#include "api/redis/service.h"
#include "base/assert.h"
#include "kv/command/handlers.h"
#include "kv/command/words.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <string>
#include <utility>

namespace kumo::api_redis {

namespace {

constexpr std::size_t kShownNameBytes = 128;
constexpr ByteView kNoAuth = "NOAUTH Authentication required.";
constexpr ByteView kOutOfMemory = "OOM command not allowed when used memory > 'maxmemory'.";

/// The beginnings of a command's arguments, for the error about an unknown one.
std::string quoted_beginnings(std::span<const ByteView> arguments) {
    std::string out;
    for (std::size_t i = 1; i < arguments.size() && out.size() < kShownNameBytes; ++i) {
        out.append("'").append(arguments[i].substr(0, kShownNameBytes - out.size())).append("' ");
    }
    return out;
}

bool arity_fits(const kv::CommandSpec& spec, std::size_t count) {
    const auto given = static_cast<std::int64_t>(count);
    return spec.arity >= 0 ? given == spec.arity : given >= -spec.arity;
}

bool is_command(const kv::CommandSpec& spec, std::string_view name) {
    return spec.parent == nullptr && spec.name == name;
}

/// These run at once in a transaction that is open.
bool runs_in_multi(const kv::CommandSpec& spec) {
    return is_command(spec, "exec") || is_command(spec, "discard") || is_command(spec, "multi")
           || is_command(spec, "watch") || is_command(spec, "quit") || is_command(spec, "reset");
}

bool allowed_while_subscribed(const kv::CommandSpec& spec) {
    constexpr std::string_view kNames[] = {
        "ping",
        "subscribe",
        "ssubscribe",
        "psubscribe",
        "unsubscribe",
        "sunsubscribe",
        "punsubscribe",
        "quit",
        "reset"};
    return std::any_of(std::begin(kNames), std::end(kNames), [&spec](std::string_view name) {
        return is_command(spec, name);
    });
}

bool may_write(std::uint32_t flags) {
    return (flags & (kv::kFlagWrite | kv::kFlagMayReplicate)) != 0;
}

/// It removes expired keys that it was not asked about: each on its own, not as one transaction.
bool touches_any_keys(const kv::CommandSpec& spec) {
    return is_command(spec, "scan") || is_command(spec, "randomkey");
}

}  // namespace

bool Call::arg_is(std::size_t index, ByteView word) const {
    return kv::same_word(arguments[index], word);
}

void Call::wrong_arguments() {
    reply.error("ERR wrong number of arguments for '" + spec.full_name() + "' command");
}

bool Call::integer(std::size_t index, std::int64_t* out, ByteView error_text) {
    const auto value = kv::parse_integer(arguments[index]);
    if (!value.has_value()) {
        reply.error(error_text);
        return false;
    }
    *out = *value;
    return true;
}

const kv::CommandSpec* Service::resolve(
    std::span<const ByteView> arguments,
    wire::RespWriter& reply,
    const kv::CommandSpec** refused
) {
    const kv::CommandSpec* spec = kv::find_command(arguments[0]);
    if (spec == nullptr) {
        reply.error(
            "ERR unknown command '" + std::string(arguments[0].substr(0, kShownNameBytes))
            + "', with args beginning with: " + quoted_beginnings(arguments)
        );
        return nullptr;
    }
    if (!spec->subcommands.empty() && arguments.size() > 1) {
        const kv::CommandSpec* sub = kv::find_subcommand(*spec, arguments[1]);
        if (sub == nullptr) {
            std::string container(spec->name);
            std::transform(container.begin(), container.end(), container.begin(), [](char c) {
                return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
            });
            reply.error(
                "ERR unknown subcommand '" + std::string(arguments[1].substr(0, kShownNameBytes))
                + "'. Try " + container + " HELP."
            );
            return nullptr;
        }
        spec = sub;
    }
    if (!arity_fits(*spec, arguments.size())) {
        reply.error("ERR wrong number of arguments for '" + spec->full_name() + "' command");
        if (refused != nullptr) {
            *refused = spec;
        }
        return nullptr;
    }
    return spec;
}

/// A command's flags; EXEC has those of what is queued, too, and a script those it declares.
std::uint32_t Service::flags_of(
    const Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) const {
    if (Scripting::is_script(spec)) {
        return scripting_->command_flags(spec, arguments);
    }
    return is_command(spec, "exec") ? session.transaction.flags | spec.flags : spec.flags;
}

void Service::reject(Session& session, const kv::CommandSpec* spec, ByteView error) {
    if (session.transaction.open) {
        session.transaction.broken = true;
    }
    if (spec != nullptr) {
        ++stats.commands[spec->id].rejected;
    }
    if (spec != nullptr && is_command(*spec, "exec")) {
        discard_transaction(session);
        session.reply.error("EXECABORT Transaction discarded because of: " + std::string(error));
        stats.count_error("-EXECABORT");
        return;
    }
    session.reply.error(error);
    stats.count_error(error);
}

// Whether it may run ----------------------------------------------------------------------------

bool Service::admit_user(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) {
    if (needs_authentication(session) && !spec.is(kv::kFlagNoAuth)) {
        reject(session, &spec, kNoAuth);
        return false;
    }
    if (session.transaction.open && spec.is(kv::kFlagNoMulti)) {
        reject(session, &spec, "ERR Command not allowed inside a transaction");
        return false;
    }
    if (!session.user->unlimited()) {
        if (const std::string why = access_->refusal(session, spec, arguments); !why.empty()) {
            reject(session, &spec, why);
            return false;
        }
    }
    return true;
}

bool Service::removes_expired() const {
    return cluster != nullptr ? cluster->runs() : !replication_->is_replica();
}

/// Why a replica, or a master without replicas, does not run the command now; empty: it does.
ByteView Service::replication_refusal(
    const Session& session,
    const kv::CommandSpec& spec,
    std::uint32_t flags
) const {
    const bool is_exec = is_command(spec, "exec");
    const std::uint32_t lacking = ~spec.flags | (is_exec ? session.transaction.lacking_flags : 0);
    if (replication_->loading() && (lacking & kv::kFlagLoading) != 0) {
        return "LOADING Redis is loading the dataset in memory";
    }
    if ((lacking & kv::kFlagStale) != 0) {
        if (const ByteView why = replication_->stale_refusal(); !why.empty()) {
            return why;
        }
    }
    return (flags & kv::kFlagWrite) != 0 ? replication_->write_refusal() : ByteView();
}

bool Service::admit_state(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) {
    if (scripting_->busy() && !spec.is(kv::kFlagAllowBusy)) {
        reject(session, &spec, scripting_->busy_text());
        return false;
    }
    const std::uint32_t flags = flags_of(session, spec, arguments);
    if (settings_cache_.memory_max > 0 && !make_room() && (flags & kv::kFlagDenyOom) != 0) {
        reject(session, &spec, kOutOfMemory);
        return false;
    }
    if (const ByteView why = replication_refusal(session, spec, flags); !why.empty()) {
        reject(session, &spec, why);
        return false;
    }
    if (may_write(flags) && persistence != nullptr) {
        if (const std::string why = persistence->write_refusal(); !why.empty()) {
            reject(session, &spec, why);
            return false;
        }
    }
    if (session.subscriptions.any() && session.reply.protocol() == 2
        && !allowed_while_subscribed(spec)) {
        reject(
            session, &spec,
            "ERR Can't execute '" + spec.full_name()
                + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in "
                  "this context"
        );
        return false;
    }
    return true;
}

bool Service::admit(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) {
    if (!admit_user(session, spec, arguments)) {
        return false;
    }
    if (kv::keyspace_handlers().find(spec) == nullptr && call_handlers().find(spec) == nullptr) {
        reject(
            session,
            &spec,
            "ERR '" + spec.full_name() + "' is not supported by this version of kumosearch"
        );
        return false;
    }
    return admit_state(session, spec, arguments);
}

/// In a cluster: here, or at another node, or not yet known (then it has been put aside).
bool Service::admit_place(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) {
    if (cluster == nullptr) {
        return true;
    }
    std::string error;
    switch (cluster->route(session, spec, arguments, &error)) {
        case Route::kHere: return true;
        case Route::kElsewhere: reject(session, &spec, error); return false;
        case Route::kLater: break;
    }
    // What is queued is looked at again by EXEC.
    if (session.transaction.open && !runs_in_multi(spec)) {
        return true;
    }
    park(session, spec, arguments, &parked_);
    return false;
}

/// The command is run by execute_kept(), for all of `among` at once or for each by whoever knows.
void Service::park(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    std::vector<SessionId>* among
) {
    session.block_reason = BlockReason::kPause;
    session.blocked = BlockedState{{&spec, {arguments.begin(), arguments.end()}}, {}, {}, {}};
    ++blocked_count_;
    if (among != nullptr) {
        among->push_back(session.id);
    }
}

void Service::queue_in_transaction(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) {
    Transaction& open = session.transaction;
    open.flags |= flags_of(session, spec, arguments);
    open.lacking_flags |= ~spec.flags;
    KeptRequest kept{&spec, {arguments.begin(), arguments.end()}};
    for (const std::string& argument : kept.arguments) {
        open.queued_bytes += argument.size() + sizeof(std::string);
    }
    open.queue.push_back(std::move(kept));
    session.reply.simple("QUEUED");
}

// Running it ------------------------------------------------------------------------------------

void Service::execute(Session& session, std::span<const ByteView> arguments) {
    if (stopping) {
        return;
    }
    session.reply_begin = session.reply.mark();
    const bool was_replica = session.replica;
    session.executing = true;
    session.last_used_ms = now_ms();
    ++session.commands;
    const kv::CommandSpec* refused = nullptr;
    const kv::CommandSpec* spec = resolve(arguments, session.reply, &refused);
    if (spec == nullptr) {
        if (refused != nullptr) {
            ++stats.commands[refused->id].rejected;
        }
        const std::string error(ByteView(session.reply.bytes()).substr(session.reply_begin));
        session.transaction.broken = session.transaction.broken || session.transaction.open;
        stats.count_error(error);
    } else {
        session.last_command = spec;
        const bool in_pause = paused() && !session.replica
                              && (pause_all_ || may_write(flags_of(session, *spec, arguments)));
        if (in_pause) {
            park(session, *spec, arguments, &paused_);
        } else if (migrations_->must_wait(session, *spec, arguments)) {
            park(session, *spec, arguments, nullptr);
        } else if (admit(session, *spec, arguments) && admit_place(session, *spec, arguments)) {
            if (session.transaction.open && !runs_in_multi(*spec)) {
                queue_in_transaction(session, *spec, arguments);
            } else {
                run(session, *spec, arguments);
            }
        }
    }
    session.executing = false;
    if (was_replica) {
        session.reply.rewind(session.reply_begin
        );  // An answer within the stream would be taken for a part of it.
    }
    if (session.reply_mode != ReplyMode::kOn && !session.closing()) {
        session.reply.rewind(session.reply_begin);
        if (session.reply_mode == ReplyMode::kSkip) {
            session.reply_mode = ReplyMode::kOn;
        } else if (session.reply_mode == ReplyMode::kSkipNext) {
            session.reply_mode = ReplyMode::kSkip;
        }
    }
    if (!session.after_reply.empty()) {
        session.reply.raw(std::exchange(session.after_reply, {}));
    }
}

void Service::run(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) {
    const bool outermost = depth_ == 0;
    if (outermost) {
        frozen_now_us_ = now_us();
        running_ = session.id;
        if (cluster != nullptr) {
            cluster->begin_script();
        }
    }
    ++depth_;
    // Scripts are shown before their commands, a transaction's commands before EXEC.
    const bool shown_first = Scripting::is_script(spec);
    if (shown_first) {
        feed_monitors(&session, session.db, spec, arguments);
    }
    call_handler(session, spec, arguments, session.reply);
    if (!shown_first) {
        feed_monitors(&session, session.db, spec, arguments);
    }
    --depth_;
    if (outermost) {
        if (touches_any_keys(spec)) {
            for (PropagatedCommand& change : std::exchange(pending_changes_, {})) {
                pending_changes_.push_back(std::move(change));
                flush_propagation();
            }
        }
        after_command(&session);
        running_ = 0;
        frozen_now_us_.reset();
    }
}

void Service::call_handler(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    wire::RespWriter& reply
) {
    const MonotonicTime begun = monotonic_now();
    const std::size_t mark = reply.mark();
    bool counted = false;
    if (const CallHandler handler = call_handlers().find(spec); handler != nullptr) {
        Call call{*this, session, spec, arguments, reply, &reply != &session.reply};
        handler(call);
        counted = call.error_counted;
    } else {
        run_keyspace(session, spec, arguments, reply, false);
    }
    const auto took = monotonic_now() - begun;
    const bool failed = reply.bytes().size() > mark && reply.bytes()[mark] == '-';
    if (failed && !counted) {
        stats.count_error(ByteView(reply.bytes()).substr(mark));
    }
    account(session, spec, arguments, static_cast<std::uint64_t>(took.count()), failed);
    remember_reads(session, spec, arguments, &reply != &session.reply);
    const bool of_client = spec.parent != nullptr && spec.parent->name == "client";
    if (!of_client && !session.transaction.open && !session.in_exec) {
        session.tracking.caching_set = false;
    }
}

void Service::run_keyspace(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    wire::RespWriter& reply,
    bool resumed
) {
    const kv::Context::Environment environment{
        .keyspace = keyspace,
        .effects = *effects_,
        .random = environment_.loop.random(),
        .db = session.db,
        .now_us = now_us(),
        .reads_every_key =
            session.user->unlimited() || session.user->check_with_every_key(spec, arguments),
        .followed = followed(),
        .may_block = depth_ == 1 && !session.in_exec && &reply == &session.reply,
        .resumed = resumed,
        .removes_expired = removes_expired() && !paused()};
    kv::Context context(environment, spec, arguments, reply);
    kv::keyspace_handlers().find(spec)(context);
    if (context.block_request().has_value()) {
        block(session, spec, arguments, std::move(*context.block_request()));
        return;
    }
    propagate_effects(context, session.db);
}

/// What a command did, for whoever keeps it.
void Service::propagate_effects(kv::Context& context, int db) {
    if (context.dirty() <= 0) {
        return;
    }
    stats.dirty += static_cast<std::uint64_t>(context.dirty());
    if (!followed()) {
        return;
    }
    if (!context.rewritten()) {
        propagate(db, {context.arguments().begin(), context.arguments().end()});
    }
    for (std::vector<std::string>& command : context.propagated()) {
        propagate(db, std::move(command));
    }
}

void Service::account(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    std::uint64_t nanoseconds,
    bool failed
) {
    ++stats.commands_processed;
    if (session.blocked.has_value()) {
        return;  // It is a call when it is over.
    }
    count_call(session, spec, arguments, nanoseconds, failed);
    add_latency(spec.is(kv::kFlagFast) ? "fast-command" : "command", nanoseconds);
}

void Service::count_call(
    const Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    std::uint64_t nanoseconds,
    bool failed
) {
    const std::uint64_t microseconds = nanoseconds / 1000;
    CommandStats& of = stats.commands[spec.id];
    ++of.calls;
    of.microseconds += microseconds;
    of.failed += failed ? 1 : 0;
    if (settings_cache_.latency_tracking) {
        if (of.histogram == nullptr) {
            of.histogram = std::make_unique<DurationHistogram>();
        }
        of.histogram->add(nanoseconds);
    }
    if (settings_cache_.slow_microseconds >= 0 && !spec.is(kv::kFlagSkipSlowlog)
        && microseconds >= static_cast<std::uint64_t>(settings_cache_.slow_microseconds)) {
        slow_log.add(
            {0,
             now_ms() / 1000,
             microseconds,
             SlowLog::shorten(redacted(spec, arguments)),
             session.peer_text(),
             session.name},
            static_cast<std::size_t>(settings.number("slowlog-max-len"))
        );
    }
}

void Service::add_latency(ByteView event, std::uint64_t nanoseconds) {
    const std::uint64_t milliseconds = nanoseconds / 1'000'000;
    if (settings_cache_.latency_milliseconds > 0
        && milliseconds >= static_cast<std::uint64_t>(settings_cache_.latency_milliseconds)) {
        latency.add(event, now_ms() / 1000, milliseconds);
    }
}

void Service::after_command(Session* session) {
    flush_propagation();
    if (!serving_ready_ && !ready_.empty()) {
        if (std::exchange(frozen_now_us_, {}).has_value()) {
            frozen_now_us_ = now_us();  // A long transaction's keys may have expired in its course.
        }
        serve_ready();
    }
    if (session != nullptr) {
        session->replication_offset = replication_->offset();
    }
}

// From scripts, logs and ourselves ----------------------------------------------------------------

void Service::call_from_script(
    Session& session,
    std::span<const ByteView> arguments,
    wire::RespWriter& reply
) {
    const kv::CommandSpec* spec = resolve(arguments, reply);
    if (spec == nullptr) {
        return;
    }
    if (std::string error;
        cluster != nullptr && !cluster->allows_in_script(session, *spec, arguments, &error)) {
        reply.error(error);
        return;
    }
    ++depth_;
    feed_monitors(nullptr, session.db, *spec, arguments);
    call_handler(session, *spec, arguments, reply);
    --depth_;
}

Status Service::replay(int* db, std::span<const ByteView> arguments) {
    wire::RespWriter answer;
    return run_replayed(db, resolve(arguments, answer), arguments, false);
}

Status Service::run_replayed(
    int* db,
    const kv::CommandSpec* spec,
    std::span<const ByteView> arguments,
    bool propagates
) {
    const kv::Handler handler = spec == nullptr ? nullptr : kv::keyspace_handlers().find(*spec);
    if (spec != nullptr && is_command(*spec, "select")) {
        const auto index = kv::parse_integer(arguments[1]);
        if (!index.has_value() || *index < 0 || *index >= keyspace.database_count()) {
            return Error{ErrorCode::kCorruption, "SELECT of a database that there is not"};
        }
        *db = static_cast<int>(*index);
        return {};
    }
    if (spec != nullptr && spec->parent != nullptr && spec->parent->name == "function") {
        if (propagates) {
            propagate(*db, {arguments.begin(), arguments.end()});
        }
        return replay_function(*spec, arguments);
    }
    if (handler == nullptr) {
        return Error{
            ErrorCode::kCorruption,
            "Unknown command '" + std::string(arguments[0].substr(0, kShownNameBytes))
                + "' reading the append only file"};
    }
    const kv::Context::Environment environment{
        .keyspace = keyspace,
        .effects = *effects_,
        .random = environment_.loop.random(),
        .db = *db,
        .now_us = now_us(),
        .replaying = true};
    wire::RespWriter answer;
    kv::Context context(environment, *spec, arguments, answer);
    handler(context);
    if (!propagates) {
        return {};
    }
    propagate_effects(context, *db);
    return answer.bytes().starts_with('-')
               ? Status(Error{ErrorCode::kConflict, answer.bytes().substr(1)})
               : Status();
}

Status Service::run_of_master(int* db, std::span<const ByteView> arguments) {
    wire::RespWriter answer;
    const kv::CommandSpec* spec = resolve(arguments, answer);
    if (spec == nullptr) {
        return Error{ErrorCode::kUnsupported, "there is no such command"};
    }
    ++stats.commands_processed;
    ++stats.commands[spec->id].calls;
    if (is_command(*spec, "ping") || is_command(*spec, "replconf")) {
        return {};
    }
    if (is_command(*spec, "publish") || is_command(*spec, "spublish")) {
        spec->name == "publish" ? publish(arguments[1], arguments[2])
                                : publish_shard(arguments[1], arguments[2]);
        return {};
    }
    if (!monitors_.empty()) {
        show_to_monitors(replication_->link()->peer_text(), *db, arguments);
    }
    frozen_now_us_ = now_us();
    ++depth_;
    Status done = run_replayed(db, spec, arguments, true);
    --depth_;
    frozen_now_us_.reset();
    return done;
}

void Service::end_of_unit() {
    after_command(nullptr);
}

Status Service::replay_function(const kv::CommandSpec& spec, std::span<const ByteView> arguments) {
    if (spec.name == "load") {
        return load_function(arguments.back());
    }
    if (spec.name == "delete") {
        (void)scripting_->libraries.remove(arguments[2]);
    } else if (spec.name == "flush") {
        scripting_->libraries.flush();
    } else if (spec.name == "restore") {
        using Policy = kv::FunctionLibraries::Policy;
        const bool flushes = arguments.size() > 3 && kv::same_word(arguments[3], "flush");
        return scripting_->restore_libraries(
            arguments[2],
            flushes ? Policy::kFlush : Policy::kReplace
        );
    }
    return {};
}

std::vector<std::string> Service::function_libraries() {
    std::vector<std::string> out;
    for (const auto& [name, library] : scripting_->libraries.libraries()) {
        out.push_back(library.code);
    }
    return out;
}

Status Service::load_function(ByteView code, bool replace) {
    auto loaded = scripting_->load_library(code, replace);
    return loaded.ok() ? Status() : Status(loaded.error());
}

void Service::empty() {
    effects_->on_flush(-1);
    for (int db = 0; db < keyspace.database_count(); ++db) {
        keyspace.database(db).clear();
    }
    scripting_->libraries.flush();
}

// What follows ----------------------------------------------------------------------------------

void Service::clear_functions() {
    scripting_->libraries.flush();
}

bool Service::followed() const {
    return std::any_of(feeds_.begin(), feeds_.end(), [](const ChangeFeed* feed) {
        return feed->follows();
    });
}

void Service::propagate(int db, std::vector<std::string> command) {
    if (followed()) {
        pending_changes_.push_back({db, std::move(command)});
    }
}

void Service::propagate_message(std::vector<std::string> command) {
    if (!feeds_.empty()) {
        pending_changes_.push_back({0, std::move(command), true});
    }
}

void Service::note_all_keys_go() {
    effects_->on_flush(-1);
}

void Service::flush_propagation() {
    if (pending_changes_.empty()) {
        return;
    }
    const auto changes = std::exchange(pending_changes_, {});
    for (ChangeFeed* feed : feeds_) {
        feed->on_changes(changes);
    }
}

void Service::delete_key(int db, kv::Entry* entry, kv::EventClass event_class, ByteView event) {
    const std::string key(entry->key());
    keyspace.database(db).erase(entry);
    announce_deletion(db, key, event_class, event);
}

void Service::announce_deletion(
    int db,
    const std::string& key,
    kv::EventClass event_class,
    ByteView event
) {
    effects_->on_changed(db, key);
    effects_->on_event(event_class, event, db, key);
    propagate(db, {"DEL", key});
}

// Transactions ----------------------------------------------------------------------------------

void Service::discard_transaction(Session& session) {
    unwatch_all(session);
    session.transaction = {};
}

void Service::execute_transaction(Call& call) {
    Session& session = call.session;
    if (session.transaction.broken) {
        discard_transaction(session);
        call.error("EXECABORT Transaction discarded because of previous errors.");
        return;
    }
    if (session.transaction.watched_changed || watched_key_expired(session)) {
        discard_transaction(session);
        call.reply.null_array();
        return;
    }
    // Watching ends before the first command: what it changes is nobody's business any more.
    const std::vector<KeptRequest> queue = std::move(session.transaction.queue);
    discard_transaction(session);
    call.reply.array(queue.size());
    for (const KeptRequest& request : queue) {
        const std::vector<ByteView> views = request.views();
        const std::size_t mark = call.reply.mark();
        session.in_exec = true;
        // What a user may do can have changed since the command was queued.
        const std::string why = session.user->unlimited()
                                    ? std::string()
                                    : access_->exec_refusal(session, *request.spec, views);
        if (why.empty()) {
            feed_monitors(&session, session.db, *request.spec, views);
            call_handler(session, *request.spec, views, call.reply);
        } else {
            ++stats.commands[request.spec->id].rejected;
            stats.count_error(why);
            call.error(why);
        }
        session.in_exec = false;
        if (call.reply.mark() == mark) {
            call.reply.null();  // A handler must answer: it cannot block here.
        }
    }
}

}  // namespace kumo::api_redis
