// A key's value as bytes: DUMP, RESTORE (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/keyspace/access.h"
#include "kv/keyspace/number.h"
#include "kv/rdb/value_codec.h"

#include <string>
#include <utility>
#include <vector>

namespace kumo::kv {

namespace {

void do_dump(Context& ctx) {
    const Entry* entry = ctx.lookup_read(ctx.arg(1));
    if (entry == nullptr) {
        ctx.reply.null();
        return;
    }
    ctx.reply.bulk(
        entry->is_string() ? dump_payload(entry->string()) : dump_payload(entry->value())
    );
}

struct RestoreOptions {
    bool replace = false;
    bool absolute = false;
    std::int64_t idle_seconds = -1;
    std::int64_t frequency = -1;
};

bool read_restore_options(Context& ctx, RestoreOptions* out) {
    for (std::size_t i = 4; i < ctx.argc(); ++i) {
        const bool more = i + 1 < ctx.argc();
        if (ctx.arg_is(i, "REPLACE")) {
            out->replace = true;
        } else if (ctx.arg_is(i, "ABSTTL")) {
            out->absolute = true;
        } else if (ctx.arg_is(i, "IDLETIME") && more && out->frequency < 0) {
            if (!ctx.integer(++i, &out->idle_seconds)) {
                return false;
            }
            if (out->idle_seconds < 0) {
                ctx.error("ERR Invalid IDLETIME value, must be >= 0");
                return false;
            }
        } else if (ctx.arg_is(i, "FREQ") && more && out->idle_seconds < 0) {
            if (!ctx.integer(++i, &out->frequency)) {
                return false;
            }
            if (out->frequency < 0 || out->frequency > 255) {
                ctx.error("ERR Invalid FREQ value, must be >= 0 and <= 255");
                return false;
            }
        } else {
            ctx.syntax_error();
            return false;
        }
    }
    return true;
}

/// When the key ends; 0: never. False: the error has been written.
bool read_restore_expiry(Context& ctx, const RestoreOptions& options, std::int64_t* at_ms) {
    if (!ctx.integer(2, at_ms)) {
        return false;
    }
    if (*at_ms < 0) {
        ctx.error("ERR Invalid TTL value, must be >= 0");
        return false;
    }
    if (*at_ms > 0 && !options.absolute && __builtin_add_overflow(*at_ms, ctx.now_ms(), at_ms)) {
        ctx.error("ERR Invalid TTL value, must be >= 0");
        return false;
    }
    return true;
}

void apply_access(Context& ctx, Entry* entry, const RestoreOptions& options) {
    const bool lfu = is_lfu(ctx.keyspace().settings.policy);
    if (lfu && options.frequency >= 0) {
        entry->set_access(
            access_of_frequency(static_cast<std::uint32_t>(options.frequency), ctx.now_ms())
        );
    } else if (!lfu && options.idle_seconds >= 0) {
        entry->set_access(
            access_of_idle(static_cast<std::uint32_t>(options.idle_seconds), ctx.now_ms())
        );
    }
}

void do_restore(Context& ctx) {
    const ByteView key = ctx.arg(1);
    RestoreOptions options;
    if (!read_restore_options(ctx, &options)) {
        return;
    }
    Entry* old = ctx.lookup_write(key);
    if (old != nullptr && !options.replace) {
        ctx.error("BUSYKEY Target key name already exists.");
        return;
    }
    std::int64_t at_ms = 0;
    if (!read_restore_expiry(ctx, options, &at_ms)) {
        return;
    }
    Result<RestoredValue> restored =
        restore_payload(ctx.arg(3), ctx.limits(), ctx.keyspace().settings.checks_dumps);
    if (!restored.ok()) {
        ctx.error(restored.error().message);
        return;
    }
    if (old != nullptr) {
        ctx.erase(old);
    }
    if (at_ms > 0 && at_ms <= ctx.now_ms() && !ctx.replaying()) {
        // It is over already: what was there is gone, and nothing takes its place.
        if (old != nullptr) {
            ctx.changed(key, EventClass::kGeneric, "del");
            ctx.propagate({"DEL", key});
        }
        ctx.reply.ok();
        return;
    }
    RestoredValue& value = restored.value();
    Entry* entry =
        value.value == nullptr
            ? ctx.db().set_string(key, value.string, natural_encoding(value.string), false)
            : ctx.db().set_value(key, std::move(value.value), false);
    entry->set_access(initial_access(ctx.keyspace().settings, ctx.now_ms()));
    if (at_ms > 0) {
        entry = ctx.db().set_expiry(entry, at_ms);
    }
    apply_access(ctx, entry, options);
    ctx.changed(key, EventClass::kGeneric, "restore");
    ctx.mark_ready(key);
    if (at_ms > 0 && !options.absolute) {
        std::vector<std::string> command(ctx.arguments().begin(), ctx.arguments().end());
        command[2] = std::to_string(at_ms);
        command.emplace_back("ABSTTL");
        ctx.propagate(std::move(command));
    }
    ctx.reply.ok();
}

}  // namespace

void add_dump_commands(HandlerTable& table) {
    table.add({
        {"dump", do_dump},
        {"restore", do_restore},
        {"restore-asking", do_restore},
    });
}

}  // namespace kumo::kv
