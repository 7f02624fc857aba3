#include "api/redis/replication/migrations.h"

#include "api/redis/call.h"
#include "api/redis/service.h"
#include "kv/aof/aof_writer.h"
#include "kv/keyspace/number.h"
#include "kv/rdb/value_codec.h"

#include <algorithm>
#include <utility>

namespace kumo::api_redis {

namespace {

constexpr std::size_t kLinksKept = 64;
constexpr std::int64_t kKeptMs = 10'000;
constexpr std::int64_t kTimeoutMsDefault = 1000;

}  // namespace

Migrations::Migrations(Service& service)
    : service_(service), asking_(service.settings.flag("cluster-enabled")) {
    service_.add_periodic([this] { close_idle(); });
}

Migrations::~Migrations() = default;

// The command -------------------------------------------------------------------------------------

bool Migrations::read_options(Call& call, Migration* out) {
    for (std::size_t i = 6; i < call.argc(); ++i) {
        const std::size_t more = call.argc() - i - 1;
        if (call.arg_is(i, "copy")) {
            out->copy = true;
        } else if (call.arg_is(i, "replace")) {
            out->replace = true;
        } else if (call.arg_is(i, "auth") && more >= 1) {
            out->authentication = {"AUTH", std::string(call.arg(i + 1))};
            i += 1;
        } else if (call.arg_is(i, "auth2") && more >= 2) {
            out->authentication = {
                "AUTH",
                std::string(call.arg(i + 1)),
                std::string(call.arg(i + 2))};
            i += 2;
        } else if (call.arg_is(i, "keys")) {
            if (!call.arg(3).empty()) {
                call.error(
                    "ERR When using MIGRATE KEYS option, the key argument must be set to the "
                    "empty string"
                );
                return false;
            }
            out->keys.assign(
                call.arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                call.arguments.end()
            );
            return true;
        } else {
            call.syntax_error();
            return false;
        }
    }
    return true;
}

bool Migrations::read(Call& call, Migration* out) {
    out->keys = {std::string(call.arg(3))};
    std::int64_t port = 0;
    if (!read_options(call, out) || !call.integer(5, &out->timeout_ms)
        || !call.integer(4, &out->target_db) || !call.integer(2, &port)) {
        return false;
    }
    out->host = call.arg(1);
    out->port = static_cast<std::uint16_t>(port);
    out->timeout_ms = out->timeout_ms <= 0 ? kTimeoutMsDefault : out->timeout_ms;
    return true;
}

/// Of the keys that were named, those that are there.
void Migrations::take_existing(Call& call, Migration* migration) {
    const kv::Database& database = service_.keyspace.database(call.session.db);
    std::set<std::string> seen;
    std::erase_if(migration->keys, [&](const std::string& key) {
        const kv::Entry* entry = database.find(key);
        return entry == nullptr || entry->expired(service_.now_ms()) || !seen.insert(key).second;
    });
}

void Migrations::do_migrate(Call& call) {
    auto migration = std::make_unique<Migration>();
    if (!read(call, migration.get())) {
        return;
    }
    if (call.in_script || call.session.in_exec) {
        call.error("ERR MIGRATE is not allowed in transactions and scripts");
        return;
    }
    take_existing(call, migration.get());
    if (migration->keys.empty()) {
        call.reply.simple("NOKEY");
        return;
    }
    migration->id = next_id_++;
    migration->session = call.session.id;
    migration->db = call.session.db;
    if (!migration->copy) {
        for (const std::string& key : migration->keys) {
            moving_.emplace(Key(migration->db, key), migration.get());
        }
    }
    service_.hold(call.session, 0, {});
    Migration& started = *running_.emplace(migration->id, std::move(migration)).first->second;
    // The client is answered in a later turn at the earliest.
    service_.loop().post([this, id = started.id] {
        if (const auto at = running_.find(id); at != running_.end()) {
            start(*at->second);
        }
    });
}

void Migrations::start(Migration& migration) {
    const auto kept = std::find_if(idle_.begin(), idle_.end(), [&](const auto& link) {
        return link->leads_to(migration.host, migration.port);
    });
    if (kept != idle_.end()) {
        migration.link = std::move(*kept);
        idle_.erase(kept);
    } else {
        migration.link =
            std::make_unique<MigrationLink>(service_, *this, migration.host, migration.port);
    }
    migration.link->begin(migration);
}

void Migrations::retry(Migration& migration) {
    migration.retried = true;
    migration.sent = 0;
    migration.unanswered.clear();
    service_.loop().post([gone = std::shared_ptr<MigrationLink>(std::move(migration.link))] {});
    migration.link =
        std::make_unique<MigrationLink>(service_, *this, migration.host, migration.port);
    migration.link->begin(migration);
}

// Key by key --------------------------------------------------------------------------------------

std::string Migrations::next_restore(Migration& migration) {
    const kv::Database& database = service_.keyspace.database(migration.db);
    while (migration.sent < migration.keys.size()) {
        const std::string& key = migration.keys[migration.sent++];
        const kv::Entry* entry = database.find(key);
        const std::int64_t now = service_.now_ms();
        if (entry == nullptr || entry->expired(now)) {
            continue;
        }
        const std::int64_t left =
            entry->has_expiry() ? std::max<std::int64_t>(entry->expire_at_ms() - now, 1) : 0;
        const std::string payload = entry->is_string() ? kv::dump_payload(entry->string())
                                                       : kv::dump_payload(entry->value());
        const std::string ttl = std::to_string(left);
        std::vector<ByteView> words = {asking_ ? "RESTORE-ASKING" : "RESTORE", key, ttl, payload};
        if (migration.replace) {
            words.emplace_back("REPLACE");
        }
        std::string out;
        kv::append_aof_command(words, &out);
        migration.changed.erase(key);  // What was before is in the payload.
        migration.unanswered.push_back(key);
        return out;
    }
    return {};
}

void Migrations::on_restored(Migration& migration, ByteView answer) {
    const std::string key = std::move(migration.unanswered.front());
    migration.unanswered.pop_front();
    if (answer[0] == '-') {
        if (migration.error.empty()) {
            migration.error =
                "ERR Target instance replied with error: " + std::string(answer.substr(1));
        }
    } else if (!migration.copy) {
        remove_moved(migration, key);
    }
}

void Migrations::remove_moved(Migration& migration, const std::string& key) {
    if (migration.changed.contains(key)) {
        if (migration.error.empty()) {
            migration.error = "ERR the key '" + key.substr(0, 128)
                              + "' was changed while it was migrated: it is here and at the target";
        }
        return;
    }
    moving_.erase(Key(migration.db, key));
    kv::Entry* entry = service_.keyspace.database(migration.db).find(key);
    if (entry != nullptr) {
        service_.delete_key(migration.db, entry, kv::EventClass::kGeneric, "del");
        ++service_.stats.dirty;
        service_.end_of_unit();
    }
}

void Migrations::finish(Migration& migration, ByteView error) {
    if (!error.empty() && migration.error.empty()) {
        migration.error = error;
    }
    if (migration.link->connected() && error.empty() && idle_.size() < kLinksKept) {
        migration.link->rest();
        idle_.push_back(std::move(migration.link));
    } else {
        migration.link->rest();
        // It may be the caller.
        service_.loop().post([gone = std::shared_ptr<MigrationLink>(std::move(migration.link))] {});
    }
    const auto ended = running_.extract(migration.id);
    let_go(migration);
    Session* session = service_.session(migration.session);
    if (session == nullptr) {
        return;
    }
    if (migration.error.empty()) {
        session->reply.ok();
    } else {
        session->reply.error(migration.error);
        service_.stats.count_error(migration.error);
    }
    service_.release(*session);
}

void Migrations::let_go(Migration& migration) {
    std::erase_if(moving_, [&migration](const auto& entry) { return entry.second == &migration; });
    for (const SessionId id : std::exchange(waiting_, {})) {
        service_.execute_kept(id);  // It waits again, if another of its keys is on its way.
    }
}

void Migrations::close_idle() {
    std::erase_if(idle_, [this](const std::unique_ptr<MigrationLink>& link) {
        return !link->connected() || service_.now_ms() - link->rests_since_ms() > kKeptMs;
    });
}

// Others ------------------------------------------------------------------------------------------

void Migrations::note_changed(int db, ByteView key) {
    const auto at = moving_.find(Key(db, key));
    if (at != moving_.end()) {
        at->second->changed.insert(std::string(key));
    }
}

void Migrations::on_swapped() {
    for (const auto& [key, migration] : moving_) {
        migration->changed.insert(key.second);
    }
}

bool Migrations::any_moving(
    int db,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) const {
    if (spec.is(kv::kFlagReadonly)) {
        return false;
    }
    const auto keys = kv::find_keys(spec, arguments);
    return keys.ok()
           && std::any_of(keys.value().begin(), keys.value().end(), [&](const kv::KeyRef& key) {
                  return moving_.contains(Key(db, arguments[key.index]));
              });
}

bool Migrations::must_wait(
    const Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) {
    if (moving_.empty()) {
        return false;
    }
    bool waits = !session.transaction.open && any_moving(session.db, spec, arguments);
    if (session.transaction.open && spec.name == "exec") {
        for (const KeptRequest& request : session.transaction.queue) {
            waits = waits || any_moving(session.db, *request.spec, request.views());
        }
    }
    if (waits) {
        waiting_.push_back(session.id);
    }
    return waits;
}

}  // namespace kumo::api_redis
