// What clients hear of what commands did: WATCH, client-side caching, keyspace events, messages.
#include "api/redis/internal/command_effects.h"
#include "api/redis/internal/redaction.h"
#include "api/redis/replication/migrations.h"
#include "api/redis/replication/replication.h"
#include "api/redis/scripting.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace kumo::api_redis {

namespace {

constexpr std::string_view kClasses = "g$lshzxetmnd";

void append_quoted(std::string& out, ByteView text) {
    out.push_back('"');
    for (const char c : text) {
        switch (c) {
            case '\\':
            case '"':
                out.push_back('\\');
                out.push_back(c);
                break;
            case '\n': out.append("\\n"); break;
            case '\r': out.append("\\r"); break;
            case '\t': out.append("\\t"); break;
            case '\a': out.append("\\a"); break;
            case '\b': out.append("\\b"); break;
            default:
                if (c >= ' ' && c <= '~') {
                    out.push_back(c);
                } else {
                    std::array<char, 5> escape{};
                    (void)std::snprintf(
                        escape.data(),
                        escape.size(),
                        "\\x%02x",
                        static_cast<unsigned char>(c)
                    );
                    out.append(escape.data());
                }
        }
    }
    out.push_back('"');
}

}  // namespace

unsigned event_bit(kv::EventClass event_class) {
    const std::size_t at = kClasses.find(static_cast<char>(event_class));
    return 1U << static_cast<unsigned>(at);
}

unsigned event_mask(ByteView flags) {
    unsigned mask = 0;
    for (const char c : flags) {
        if (c == 'K') {
            mask |= kEventKeyspace;
        } else if (c == 'E') {
            mask |= kEventKeyevent;
        } else if (c == 'A') {
            for (const char each : std::string_view("g$lshzxetd")) {
                mask |= event_bit(static_cast<kv::EventClass>(each));
            }
        } else {
            mask |= event_bit(static_cast<kv::EventClass>(c));
        }
    }
    // Events without a place to go to, or none to send, are none.
    const unsigned places = kEventKeyspace | kEventKeyevent;
    return (mask & places) == 0 || (mask & ~places) == 0 ? 0 : mask;
}

void Service::note_event(kv::EventClass event_class, ByteView event, int db, ByteView key) {
    if ((event_flags_ & event_bit(event_class)) == 0) {
        return;
    }
    const std::string place = "@" + std::to_string(db) + "__:";
    if ((event_flags_ & kEventKeyspace) != 0) {
        publish("__keyspace" + place + std::string(key), event);
    }
    if ((event_flags_ & kEventKeyevent) != 0) {
        publish("__keyevent" + place + std::string(event), key);
    }
}

// Messages --------------------------------------------------------------------------------------

void Service::deliver(
    SessionId id,
    ByteView pattern,
    ByteView channel,
    ByteView message,
    bool shard
) {
    Session* to = session(id);
    if (to == nullptr) {
        return;
    }
    wire::RespWriter out(to->reply.protocol());
    if (pattern.data() != nullptr) {
        out.push(4);
        out.bulk("pmessage");
        out.bulk(pattern);
    } else {
        out.push(3);
        out.bulk(shard ? "smessage" : "message");
    }
    out.bulk(channel);
    out.bulk(message);
    push(*to, out.bytes());
}

void Service::push(Session& to, ByteView bytes) {
    if (!to.executing) {
        to.reply.raw(bytes);
        flush_later(to);
    } else if (running_ != to.id && to.reply.mark() == to.reply_begin) {
        // Its command waits to be admitted: what that evicted is told before the answer.
        to.reply.raw(bytes);
        to.reply_begin = to.reply.mark();
    } else {
        to.after_reply.append(bytes);
    }
    note_memory(to);
}

std::size_t Service::publish(ByteView channel, ByteView message) {
    if (channels.quiet()) {
        return 0;
    }
    return channels.publish(
        channel,
        message,
        [this](SessionId id, ByteView pattern, ByteView to, ByteView text) {
            deliver(id, pattern, to, text, false);
        }
    );
}

std::size_t Service::publish_shard(ByteView channel, ByteView message) {
    return channels.publish_shard(
        channel,
        message,
        [this](SessionId id, ByteView pattern, ByteView to, ByteView text) {
            deliver(id, pattern, to, text, true);
        }
    );
}

void Service::feed_monitors(
    const Session* from,
    int db,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) {
    if (monitors_.empty() || spec.is(kv::kFlagAdmin)) {
        return;
    }
    const auto shown = redacted(spec, arguments);
    show_to_monitors(from == nullptr ? "lua" : from->peer_text(), db, shown);
}

void Service::show_to_monitors(
    const std::string& from,
    int db,
    std::span<const ByteView> arguments
) {
    const std::int64_t now = now_us();
    std::array<char, 64> head{};
    (void)std::snprintf(
        head.data(),
        head.size(),
        "+%lld.%06lld [%d ",
        static_cast<long long>(now / 1'000'000),
        static_cast<long long>(now % 1'000'000),
        db
    );
    std::string line = head.data() + from + "]";
    for (const ByteView argument : arguments) {
        line.push_back(' ');
        append_quoted(line, argument);
    }
    line.append("\r\n");
    for (const SessionId id : monitors_) {
        if (Session* to = session(id); to != nullptr) {
            to->reply.raw(line);
            flush_later(*to);
        }
    }
}

void Service::start_monitoring(Session& session) {
    if (!session.monitor) {
        session.monitor = true;
        monitors_.push_back(session.id);
    }
}

void Service::stop_monitoring(Session& session) {
    session.monitor = false;
    std::erase(monitors_, session.id);
}

// WATCH -----------------------------------------------------------------------------------------

void Service::watch(Session& session, ByteView key) {
    const kv::Entry* entry = keyspace.database(session.db).find(key);
    const bool expired = entry != nullptr && entry->expired(now_ms());
    if (session.transaction.watched.emplace(std::pair(session.db, key), expired).second) {
        watched_.add(session.db, key, session.id);
    }
}

void Service::unwatch_all(Session& session) {
    for (const auto& [key, expired] : session.transaction.watched) {
        watched_.remove(key.first, key.second, session.id);
    }
    session.transaction.watched.clear();
    session.transaction.watched_changed = false;
}

bool Service::watched_key_expired(Session& session) {
    return std::any_of(
        session.transaction.watched.begin(),
        session.transaction.watched.end(),
        [this](const auto& watched) {
            const auto& [key, was_expired] = watched;
            const kv::Entry* entry = keyspace.database(key.first).find(key.second);
            return !was_expired && entry != nullptr && entry->expired(now_ms());
        }
    );
}

/// The key is another one now, or none. One that was expired and is gone, or is expired still, or
/// one that was not there and is expired, is as absent as before.
void Service::touch_watchers(int db, ByteView key, bool was_there) {
    const kv::Entry* entry = keyspace.database(db).find(key);
    const bool expired = entry != nullptr && entry->expired(now_ms());
    for (const SessionId id : watched_.sessions(db, key)) {
        Transaction& transaction = sessions_.at(id)->transaction;
        bool& was_expired = transaction.watched.find(std::pair(db, std::string(key)))->second;
        const bool was_absent = was_expired || !was_there;
        if (was_absent && (entry == nullptr || expired)) {
            was_expired = expired;
        } else {
            transaction.watched_changed = true;
        }
    }
}

void Service::note_changed(int db, ByteView key) {
    migrations_->on_changed(db, key);
    if (!watched_.empty()) {
        touch_watchers(db, key, true);
    }
    if (!blocked_.empty()) {
        note_ready(db, key);
    }
    if (tracking.keys() > 0) {
        const std::string name(key);
        for (const SessionId id : tracking.take(key)) {
            const Session* to = session(id);
            if (to != nullptr && to->tracking.on && !to->tracking.broadcast
                && !(to->tracking.no_loop && id == running_)) {
                push_invalidation(id, std::span(&name, 1), false);
            }
        }
    }
    if (tracking.prefixes() > 0) {
        if (!tracking.has_noted()) {
            environment_.loop.defer([this] { send_noted_invalidations(); });
        }
        tracking.note_change(key, running_);
    }
}

std::vector<std::string> Service::keys_of_interest(const std::function<bool(ByteView)>& wanted
) const {
    std::vector<std::string> out = watched_.keys_of(0);
    std::erase_if(out, [&](const std::string& key) {
        return !wanted(key) || keyspace.database(0).find(key) == nullptr;
    });
    tracking.visit_keys([&](const std::string& key) {
        if (wanted(key)) {
            out.push_back(key);
        }
    });
    return out;
}

void Service::note_flush(int db) {
    for (int at = db < 0 ? 0 : db; at < (db < 0 ? keyspace.database_count() : db + 1); ++at) {
        for (const std::string& key : watched_.keys_of(at)) {
            if (keyspace.database(at).find(key) == nullptr) {
                continue;
            }
            for (const SessionId id : watched_.sessions(at, key)) {
                Transaction& transaction = sessions_.at(id)->transaction;
                bool& was_expired = transaction.watched.find(std::pair(at, key))->second;
                transaction.watched_changed = transaction.watched_changed || !was_expired;
                was_expired = false;
            }
        }
        for (const std::string& key : blocked_.keys_of(at)) {
            note_ready(at, key);
        }
    }
    tracking.take_all();
    for (const auto& [id, open] : sessions_) {
        if (open->tracking.on && !open->closing()) {
            push_invalidation(id, {}, true);
        }
    }
}

void Service::note_swapped(int first, int second) {
    migrations_->on_swapped();
    for (const int db : {first, second}) {
        const int other = db == first ? second : first;
        for (const std::string& key : watched_.keys_of(db)) {
            const bool was_there = keyspace.database(other).find(key) != nullptr;
            if (was_there || keyspace.database(db).find(key) != nullptr) {
                touch_watchers(db, key, was_there);
            }
        }
        for (const std::string& key : blocked_.keys_of(db)) {
            note_ready(db, key);
        }
    }
}

// Client-side caching ---------------------------------------------------------------------------

void Service::push_invalidation(SessionId id, std::span<const std::string> keys, bool flush) {
    Session* owner = session(id);
    if (owner == nullptr) {
        return;
    }
    Session* to = owner;
    if (owner->tracking.redirect != 0) {
        to = session(owner->tracking.redirect);
        if (to == nullptr) {
            owner->tracking.broken_redirect = true;
            if (owner->reply.protocol() >= 3) {
                wire::RespWriter out(3);
                out.push(2);
                out.bulk("tracking-redir-broken");
                out.integer(static_cast<std::int64_t>(owner->tracking.redirect));
                push(*owner, out.bytes());
            }
            return;
        }
    }
    wire::RespWriter out(to->reply.protocol());
    if (to->reply.protocol() >= 3) {
        out.push(2);
        out.bulk("invalidate");
    } else if (owner->tracking.redirect != 0 && to->subscriptions.any()) {
        out.push(3);
        out.bulk("message");
        out.bulk("__redis__:invalidate");
    } else {
        return;
    }
    if (flush) {
        out.null_array();
    } else {
        out.array(keys.size());
        for (const std::string& key : keys) {
            out.bulk(key);
        }
    }
    push(*to, out.bytes());
}

void Service::send_noted_invalidations() {
    const auto gathered = tracking.take_noted([this](SessionId id) {
        const Session* open = session(id);
        return open != nullptr && open->tracking.no_loop;
    });
    for (const TrackingTable::Gathered& one : gathered) {
        push_invalidation(one.session, one.keys, false);
    }
}

void Service::trim_tracking() {
    const auto most = static_cast<std::size_t>(settings.number("tracking-table-max-keys"));
    while (most > 0 && tracking.keys() > most) {
        const std::string key = tracking.any_key();
        for (const SessionId id : tracking.take(key)) {
            push_invalidation(id, std::span(&key, 1), false);
        }
    }
}

void Service::remember_reads(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    bool in_script
) {
    const Tracking& of = session.tracking;
    if (!of.on || of.broadcast || !spec.is(kv::kFlagReadonly) || (of.opt_in && !of.caching_set)
        || (of.opt_out && of.caching_set) || Scripting::is_script(spec)) {
        return;
    }
    if (in_script) {
        // What it reads are the keys it declared.
        const Scripting::Running& script = *scripting_->running();
        const std::vector<ByteView> declared(script.command.begin(), script.command.end());
        remember_keys(session, *script.spec, declared);
    } else {
        remember_keys(session, spec, arguments);
    }
}

void Service::remember_keys(
    const Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) {
    const auto keys = kv::find_keys(spec, arguments);
    if (!keys.ok()) {
        return;
    }
    for (const kv::KeyRef& key : keys.value()) {
        tracking.remember(arguments[key.index], session.id);
    }
    trim_tracking();
}

void Service::set_tracking(Session& session, const Tracking& wanted) {
    for (const std::string& prefix : wanted.prefixes) {
        tracking.add_prefix(prefix, session.id);
    }
    session.tracking = wanted;
}

void Service::stop_tracking(Session& session) {
    for (const std::string& prefix : session.tracking.prefixes) {
        tracking.remove_prefix(prefix, session.id);
    }
    session.tracking = {};
}

}  // namespace kumo::api_redis
