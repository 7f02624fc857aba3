// Keys of any type: DEL, EXISTS, TYPE, RENAME, COPY, MOVE, KEYS, RANDOMKEY, FLUSHDB... (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/keyspace/glob.h"
#include "kv/keyspace/number.h"

#include <string>
#include <utility>

namespace kumo::kv {

namespace {

/// How many expired keys RANDOMKEY and its like meet before they take what they get.
constexpr int kRandomTries = 100;

void delete_keys(Context& ctx) {
    std::int64_t deleted = 0;
    for (std::size_t i = 1; i < ctx.argc(); ++i) {
        Entry* entry = ctx.lookup_quiet(ctx.arg(i));
        if (entry != nullptr) {
            ctx.erase(entry);
            ctx.changed(ctx.arg(i), EventClass::kGeneric, "del");
            ++deleted;
        }
    }
    ctx.reply.integer(deleted);
}

void count_existing(Context& ctx, Entry* (Context::*lookup)(ByteView)) {
    std::int64_t count = 0;
    for (std::size_t i = 1; i < ctx.argc(); ++i) {
        count += (ctx.*lookup)(ctx.arg(i)) != nullptr ? 1 : 0;
    }
    ctx.reply.integer(count);
}

void do_exists(Context& ctx) {
    count_existing(ctx, &Context::lookup_untouched);
}

void do_touch(Context& ctx) {
    count_existing(ctx, &Context::lookup_read);
}

void do_type(Context& ctx) {
    const Entry* entry = ctx.lookup_untouched(ctx.arg(1));
    ctx.reply.simple(entry == nullptr ? "none" : type_name(entry->type()));
}

// Names -----------------------------------------------------------------------------------------

/// Gives `from` the name `to`; what was there is gone.
void move_entry(Context& ctx, ByteView from, ByteView to) {
    if (Entry* old = ctx.lookup_quiet(to); old != nullptr) {
        ctx.erase(old);
    }
    ctx.db().rename(ctx.db().find(from), to);
    ctx.mark_changed(from);
    ctx.mark_changed(to);
    ctx.notify(EventClass::kGeneric, "rename_from", from);
    ctx.notify(EventClass::kGeneric, "rename_to", to);
    ctx.mark_ready(to);
    ctx.add_dirty(1);
}

void rename(Context& ctx, bool only_if_absent) {
    const ByteView from = ctx.arg(1);
    const ByteView to = ctx.arg(2);
    if (ctx.lookup_write(from) == nullptr) {
        ctx.error(kNoSuchKey);
        return;
    }
    if (from == to || (only_if_absent && ctx.lookup_write(to) != nullptr)) {
        if (only_if_absent) {
            ctx.reply.integer(0);
        } else {
            ctx.reply.ok();
        }
        return;
    }
    move_entry(ctx, from, to);
    if (only_if_absent) {
        ctx.reply.integer(1);
    } else {
        ctx.reply.ok();
    }
}

void do_rename(Context& ctx) {
    rename(ctx, false);
}

void do_renamenx(Context& ctx) {
    rename(ctx, true);
}

// Other databases -------------------------------------------------------------------------------

bool read_database(Context& ctx, std::size_t index, int* db) {
    const auto value = parse_integer(ctx.arg(index));
    if (!value.has_value()) {
        ctx.error(kNotInteger);
        return false;
    }
    if (*value < 0 || *value >= ctx.keyspace().database_count()) {
        ctx.error("ERR DB index is out of range");
        return false;
    }
    *db = static_cast<int>(*value);
    return true;
}

/// The entry of another database, unless it is expired.
Entry* find_live(Context& ctx, int db, ByteView key) {
    Entry* entry = ctx.keyspace().database(db).find(key);
    return entry == nullptr || ctx.drop_if_expired(db, entry) ? nullptr : entry;
}

void do_move(Context& ctx) {
    if (ctx.keyspace().slotted()) {
        ctx.error("ERR MOVE is not allowed in cluster mode");
        return;
    }
    int to = 0;
    if (!read_database(ctx, 2, &to)) {
        return;
    }
    if (to == ctx.db_index()) {
        ctx.error("ERR source and destination objects are the same");
        return;
    }
    const ByteView key = ctx.arg(1);
    Entry* entry = ctx.lookup_write(key);
    if (entry == nullptr || find_live(ctx, to, key) != nullptr) {
        ctx.reply.integer(0);
        return;
    }
    ctx.keyspace().database(to).adopt(ctx.db().extract(entry));
    Effects& effects = ctx.effects();
    effects.on_changed(ctx.db_index(), key);
    effects.on_changed(to, key);
    ctx.notify(EventClass::kGeneric, "move_from", key);
    effects.on_event(EventClass::kGeneric, "move_to", to, key);
    effects.on_ready(to, key);
    ctx.add_dirty(1);
    ctx.reply.integer(1);
}

struct CopyOptions {
    int db = 0;
    bool replace = false;
};

bool read_copy_options(Context& ctx, CopyOptions* options) {
    options->db = ctx.db_index();
    for (std::size_t i = 3; i < ctx.argc(); ++i) {
        if (ctx.arg_is(i, "REPLACE")) {
            options->replace = true;
        } else if (ctx.arg_is(i, "DB") && i + 1 < ctx.argc()) {
            if (!read_database(ctx, ++i, &options->db)) {
                return false;
            }
        } else {
            ctx.syntax_error();
            return false;
        }
    }
    return true;
}

void do_copy(Context& ctx) {
    CopyOptions options;
    if (!read_copy_options(ctx, &options)) {
        return;
    }
    if (ctx.keyspace().slotted() && options.db != 0) {
        ctx.error("ERR Copying to another database is not allowed in cluster mode");
        return;
    }
    const ByteView from = ctx.arg(1);
    const ByteView to = ctx.arg(2);
    if (from == to && options.db == ctx.db_index()) {
        ctx.error("ERR source and destination objects are the same");
        return;
    }
    Entry* source = ctx.lookup_read(from);
    Entry* old = source == nullptr ? nullptr : find_live(ctx, options.db, to);
    if (source == nullptr || (old != nullptr && !options.replace)) {
        ctx.reply.integer(0);
        return;
    }
    Database& target = ctx.keyspace().database(options.db);
    if (old != nullptr) {
        target.erase(old);
        source = ctx.db().find(from);
    }
    Entry* made =
        source->is_string()
            ? target.set_string(to, std::string(source->string()), source->string_encoding(), false)
            : target.set_value(to, source->value().copy(), false);
    source = ctx.db().find(from);
    made->set_access(source->access());
    if (source->has_expiry()) {
        target.set_expiry(made, source->expire_at_ms());
    }
    Effects& effects = ctx.effects();
    effects.on_changed(options.db, to);
    effects.on_event(EventClass::kGeneric, "copy_to", options.db, to);
    effects.on_ready(options.db, to);
    ctx.add_dirty(1);
    ctx.reply.integer(1);
}

void do_swapdb(Context& ctx) {
    if (ctx.keyspace().slotted()) {
        ctx.error("ERR SWAPDB is not allowed in cluster mode");
        return;
    }
    const auto first = parse_integer(ctx.arg(1));
    const auto second = parse_integer(ctx.arg(2));
    if (!first.has_value() || !second.has_value()) {
        ctx.error(first.has_value() ? "ERR invalid second DB index" : "ERR invalid first DB index");
        return;
    }
    const std::int64_t count = ctx.keyspace().database_count();
    if (*first < 0 || *first >= count || *second < 0 || *second >= count) {
        ctx.error("ERR DB index is out of range");
        return;
    }
    if (*first != *second) {
        ctx.keyspace().swap(static_cast<int>(*first), static_cast<int>(*second));
        ctx.effects().on_swapped(static_cast<int>(*first), static_cast<int>(*second));
    }
    ctx.add_dirty(1);
    ctx.reply.ok();
}

// All keys --------------------------------------------------------------------------------------

void do_dbsize(Context& ctx) {
    ctx.reply.integer(static_cast<std::int64_t>(ctx.db().size()));
}

void do_keys(Context& ctx) {
    const ByteView pattern = ctx.arg(1);
    const std::size_t mark = ctx.reply.mark();
    std::size_t count = 0;
    ScanCursor cursor = 0;
    do {
        cursor = ctx.db().scan(cursor, [&](Entry* entry) {
            if ((pattern == "*" || glob_matches(pattern, entry->key()))
                && !entry->expired(ctx.now_ms())) {
                ctx.reply.bulk(entry->key());
                ++count;
            }
        });
    } while (cursor != 0);
    ctx.reply.insert_array(mark, count);
}

void do_randomkey(Context& ctx) {
    for (int tries = 0; ctx.db().size() > 0 && tries < kRandomTries; ++tries) {
        Entry* entry = ctx.db().random(ctx.random());
        if (!ctx.drop_if_expired(entry)) {
            ctx.reply.bulk(entry->key());
            return;
        }
    }
    ctx.reply.null();
}

bool read_flush_option(Context& ctx) {
    if (ctx.argc() == 1 || (ctx.argc() == 2 && (ctx.arg_is(1, "ASYNC") || ctx.arg_is(1, "SYNC")))) {
        return true;
    }
    ctx.syntax_error();
    return false;
}

void do_flushdb(Context& ctx) {
    if (!read_flush_option(ctx)) {
        return;
    }
    ctx.effects().on_flush(ctx.db_index());
    ctx.db().clear();
    // Replicas empty theirs whether or not there was something here.
    ctx.add_dirty(1);
    ctx.reply.ok();
}

void do_flushall(Context& ctx) {
    if (!read_flush_option(ctx)) {
        return;
    }
    ctx.effects().on_flush(-1);
    for (int db = 0; db < ctx.keyspace().database_count(); ++db) {
        ctx.keyspace().database(db).clear();
    }
    ctx.add_dirty(1);
    ctx.reply.ok();
}

}  // namespace

void add_key_commands(HandlerTable& table) {
    table.add({
        {"copy", do_copy},
        {"dbsize", do_dbsize},
        {"del", delete_keys},
        {"exists", do_exists},
        {"flushall", do_flushall},
        {"flushdb", do_flushdb},
        {"keys", do_keys},
        {"move", do_move},
        {"randomkey", do_randomkey},
        {"rename", do_rename},
        {"renamenx", do_renamenx},
        {"swapdb", do_swapdb},
        {"touch", do_touch},
        {"type", do_type},
        {"unlink", delete_keys},
    });
}

}  // namespace kumo::kv
