// When keys end: EXPIRE and its like, TTL and its like, PERSIST (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/commands/expiry_argument.h"
#include "kv/keyspace/number.h"

#include <optional>
#include <string>

namespace kumo::kv {

namespace {

bool invalid_expiry(Context& ctx) {
    ctx.error("ERR invalid expire time in '" + ctx.spec().full_name() + "' command");
    return false;
}

bool to_absolute_ms(Context& ctx, const ExpiryArgument& argument, std::int64_t* at_ms) {
    const std::optional<std::int64_t> value = parse_integer(argument.text);
    if (!value.has_value()) {
        ctx.error(kNotInteger);
        return false;
    }
    std::int64_t ms = *value;
    if (argument.seconds && __builtin_mul_overflow(ms, 1000, &ms)) {
        return invalid_expiry(ctx);
    }
    if (!argument.absolute && __builtin_add_overflow(ms, ctx.now_ms(), &ms)) {
        return invalid_expiry(ctx);
    }
    *at_ms = ms;
    return true;
}

struct ExpireConditions {
    bool if_none = false;     ///< NX
    bool if_some = false;     ///< XX
    bool if_later = false;    ///< GT
    bool if_earlier = false;  ///< LT
};

bool read_conditions(Context& ctx, ExpireConditions* out) {
    for (std::size_t i = 3; i < ctx.argc(); ++i) {
        if (ctx.arg_is(i, "NX")) {
            out->if_none = true;
        } else if (ctx.arg_is(i, "XX")) {
            out->if_some = true;
        } else if (ctx.arg_is(i, "GT")) {
            out->if_later = true;
        } else if (ctx.arg_is(i, "LT")) {
            out->if_earlier = true;
        } else {
            ctx.error("ERR Unsupported option " + std::string(ctx.arg(i)));
            return false;
        }
    }
    if (out->if_none && (out->if_some || out->if_later || out->if_earlier)) {
        ctx.error("ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if (out->if_later && out->if_earlier) {
        ctx.error("ERR GT and LT options at the same time are not compatible");
        return false;
    }
    return true;
}

bool holds(const ExpireConditions& conditions, const Entry& entry, std::int64_t at_ms) {
    // A key without an expiry counts as one that ends never.
    if (!entry.has_expiry()) {
        return !conditions.if_some && !conditions.if_later;
    }
    return !conditions.if_none && (!conditions.if_later || at_ms > entry.expire_at_ms())
           && (!conditions.if_earlier || at_ms < entry.expire_at_ms());
}

void expire(Context& ctx, bool seconds, bool absolute) {
    ExpireConditions conditions;
    std::int64_t at_ms = 0;
    if (!read_conditions(ctx, &conditions)
        || !to_absolute_ms(ctx, {ctx.arg(2), seconds, absolute}, &at_ms)) {
        return;
    }
    const ByteView key = ctx.arg(1);
    Entry* entry = ctx.lookup_write(key);
    if (entry == nullptr || !holds(conditions, *entry, at_ms)) {
        ctx.reply.integer(0);
        return;
    }
    if (at_ms <= ctx.now_ms() && !ctx.replaying()) {
        ctx.erase(entry);
        ctx.changed(key, EventClass::kGeneric, "del");
        ctx.propagate({"DEL", key});
    } else {
        ctx.db().set_expiry(entry, at_ms);
        ctx.changed(key, EventClass::kGeneric, "expire");
        ctx.propagate({"PEXPIREAT", key, std::to_string(at_ms)});
    }
    ctx.reply.integer(1);
}

void do_expire(Context& ctx) {
    expire(ctx, true, false);
}

void do_pexpire(Context& ctx) {
    expire(ctx, false, false);
}

void do_expireat(Context& ctx) {
    expire(ctx, true, true);
}

void do_pexpireat(Context& ctx) {
    expire(ctx, false, true);
}

void time_to_live(Context& ctx, bool seconds, bool absolute) {
    const Entry* entry = ctx.lookup_untouched(ctx.arg(1));
    if (entry == nullptr || !entry->has_expiry()) {
        ctx.reply.integer(entry == nullptr ? -2 : -1);
        return;
    }
    std::int64_t ms = entry->expire_at_ms();
    if (!absolute) {
        ms = ms > ctx.now_ms() ? ms - ctx.now_ms() : 0;
    }
    ctx.reply.integer(seconds ? (ms + 500) / 1000 : ms);
}

void do_ttl(Context& ctx) {
    time_to_live(ctx, true, false);
}

void do_pttl(Context& ctx) {
    time_to_live(ctx, false, false);
}

void do_expiretime(Context& ctx) {
    time_to_live(ctx, true, true);
}

void do_pexpiretime(Context& ctx) {
    time_to_live(ctx, false, true);
}

void do_persist(Context& ctx) {
    Entry* entry = ctx.lookup_write(ctx.arg(1));
    if (entry == nullptr || !entry->has_expiry()) {
        ctx.reply.integer(0);
        return;
    }
    ctx.db().clear_expiry(entry);
    ctx.changed(ctx.arg(1), EventClass::kGeneric, "persist");
    ctx.reply.integer(1);
}

}  // namespace

bool resolve_expiry(Context& ctx, const ExpiryArgument& argument, std::int64_t* at_ms) {
    const std::optional<std::int64_t> value = parse_integer(argument.text);
    if (value.has_value() && *value <= 0) {
        return invalid_expiry(ctx);
    }
    return to_absolute_ms(ctx, argument, at_ms);
}

void add_expire_commands(HandlerTable& table) {
    table.add({
        {"expire", do_expire},
        {"expireat", do_expireat},
        {"expiretime", do_expiretime},
        {"persist", do_persist},
        {"pexpire", do_pexpire},
        {"pexpireat", do_pexpireat},
        {"pexpiretime", do_pexpiretime},
        {"pttl", do_pttl},
        {"ttl", do_ttl},
    });
}

}  // namespace kumo::kv
