// Strings: https://redis.io/commands/?group=string (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/commands/expiry_argument.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace kumo::kv {

namespace {

constexpr ByteView kTooLong = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";

/// False: the key holds something else; the error has been written.
bool string_or_absent(Context& ctx, const Entry* entry) {
    if (entry != nullptr && !entry->is_string()) {
        ctx.wrong_type();
        return false;
    }
    return true;
}

void reply_string_or_null(Context& ctx, const Entry* entry) {
    if (entry == nullptr) {
        ctx.reply.null();
    } else {
        ctx.reply.bulk(entry->string());
    }
}

Entry* store_string(Context& ctx, ByteView key, ByteView value, bool keep_expiry) {
    const bool is_new = ctx.db().find(key) == nullptr;
    Entry* entry = ctx.db().set_string(key, value, natural_encoding(value), keep_expiry);
    if (is_new) {
        ctx.notify_new(key);
    }
    return entry;
}

// SET and its like ------------------------------------------------------------------------------

struct SetOptions {
    bool only_if_absent = false;
    bool only_if_present = false;
    bool get = false;
    bool keep_expiry = false;
    bool persist = false;  ///< GETEX only.
    ExpiryArgument expiry;
};

/// EX, PX, EXAT, PXAT at `*i`; false: not one of them.
bool read_expiry_option(Context& ctx, std::size_t* i, ExpiryArgument* expiry) {
    if (*i + 1 >= ctx.argc()) {
        return false;
    }
    if (ctx.arg_is(*i, "EX")) {
        *expiry = {ctx.arg(*i + 1), true, false};
    } else if (ctx.arg_is(*i, "PX")) {
        *expiry = {ctx.arg(*i + 1), false, false};
    } else if (ctx.arg_is(*i, "EXAT")) {
        *expiry = {ctx.arg(*i + 1), true, true};
    } else if (ctx.arg_is(*i, "PXAT")) {
        *expiry = {ctx.arg(*i + 1), false, true};
    } else {
        return false;
    }
    ++*i;
    return true;
}

bool read_set_options(Context& ctx, SetOptions* options) {
    for (std::size_t i = 3; i < ctx.argc(); ++i) {
        if (ctx.arg_is(i, "NX") && !options->only_if_present) {
            options->only_if_absent = true;
        } else if (ctx.arg_is(i, "XX") && !options->only_if_absent) {
            options->only_if_present = true;
        } else if (ctx.arg_is(i, "GET")) {
            options->get = true;
        } else if (ctx.arg_is(i, "KEEPTTL") && !options->expiry.given()) {
            options->keep_expiry = true;
        } else if (options->keep_expiry || options->expiry.given()
                   || !read_expiry_option(ctx, &i, &options->expiry)) {
            ctx.syntax_error();
            return false;
        }
    }
    return true;
}

/// `expire_at_ms` below 0: none.
void propagate_set(Context& ctx, ByteView value, std::int64_t expire_at_ms, bool keep_expiry) {
    if (expire_at_ms >= 0) {
        ctx.propagate({"SET", ctx.arg(1), value, "PXAT", std::to_string(expire_at_ms)});
    } else if (keep_expiry) {
        ctx.propagate({"SET", ctx.arg(1), value, "KEEPTTL"});
    }
}

/// What SET, SETEX, PSETEX do once everything is known to be in order.
void store_set(Context& ctx, ByteView value, const SetOptions& options, std::int64_t at_ms) {
    const ByteView key = ctx.arg(1);
    Entry* entry = store_string(ctx, key, value, options.keep_expiry);
    if (options.expiry.given()) {
        ctx.db().set_expiry(entry, at_ms);
    }
    ctx.changed(key, EventClass::kString, "set");
    if (options.expiry.given()) {
        ctx.notify(EventClass::kGeneric, "expire", key);
        propagate_set(ctx, value, at_ms, false);
    }
}

void do_set(Context& ctx) {
    SetOptions options;
    std::int64_t at_ms = -1;
    if (!read_set_options(ctx, &options)
        || (options.expiry.given() && !resolve_expiry(ctx, options.expiry, &at_ms))) {
        return;
    }
    const Entry* old = options.get ? ctx.lookup_read(ctx.arg(1)) : ctx.lookup_write(ctx.arg(1));
    if (options.get) {
        if (!string_or_absent(ctx, old)) {
            return;
        }
        reply_string_or_null(ctx, old);
    }
    if ((options.only_if_absent && old != nullptr) || (options.only_if_present && old == nullptr)) {
        if (!options.get) {
            ctx.reply.null();
        }
        return;
    }
    store_set(ctx, ctx.arg(2), options, at_ms);
    if (!options.get) {
        ctx.reply.ok();
    } else if (!options.expiry.given()) {
        // Replicas need no answer; and what GET would have read is of no use to them.
        if (options.keep_expiry) {
            ctx.propagate({"SET", ctx.arg(1), ctx.arg(2), "KEEPTTL"});
        } else {
            ctx.propagate({"SET", ctx.arg(1), ctx.arg(2)});
        }
    }
}

void do_setnx(Context& ctx) {
    if (ctx.lookup_write(ctx.arg(1)) != nullptr) {
        ctx.reply.integer(0);
        return;
    }
    store_set(ctx, ctx.arg(2), {}, -1);
    ctx.reply.integer(1);
}

void set_with_expiry(Context& ctx, bool seconds) {
    SetOptions options;
    options.expiry = {ctx.arg(2), seconds, false};
    std::int64_t at_ms = -1;
    if (!resolve_expiry(ctx, options.expiry, &at_ms)) {
        return;
    }
    (void)ctx.lookup_write(ctx.arg(1));
    store_set(ctx, ctx.arg(3), options, at_ms);
    ctx.reply.ok();
}

void do_setex(Context& ctx) {
    set_with_expiry(ctx, true);
}

void do_psetex(Context& ctx) {
    set_with_expiry(ctx, false);
}

// Reading ---------------------------------------------------------------------------------------

void do_get(Context& ctx) {
    const Entry* entry = ctx.lookup_read(ctx.arg(1));
    if (string_or_absent(ctx, entry)) {
        reply_string_or_null(ctx, entry);
    }
}

void do_getset(Context& ctx) {
    const Entry* entry = ctx.lookup_read(ctx.arg(1));
    if (!string_or_absent(ctx, entry)) {
        return;
    }
    reply_string_or_null(ctx, entry);
    (void)store_string(ctx, ctx.arg(1), ctx.arg(2), false);
    ctx.changed(ctx.arg(1), EventClass::kString, "set");
    ctx.propagate({"SET", ctx.arg(1), ctx.arg(2)});
}

void do_getdel(Context& ctx) {
    Entry* entry = ctx.lookup_read(ctx.arg(1));
    if (!string_or_absent(ctx, entry)) {
        return;
    }
    reply_string_or_null(ctx, entry);
    if (entry != nullptr) {
        ctx.erase(entry);
        ctx.changed(ctx.arg(1), EventClass::kGeneric, "del");
        ctx.propagate({"DEL", ctx.arg(1)});
    }
}

bool read_getex_options(Context& ctx, SetOptions* options) {
    for (std::size_t i = 2; i < ctx.argc(); ++i) {
        if (options->persist || options->expiry.given()) {
            ctx.syntax_error();
            return false;
        }
        if (ctx.arg_is(i, "PERSIST")) {
            options->persist = true;
        } else if (!read_expiry_option(ctx, &i, &options->expiry)) {
            ctx.syntax_error();
            return false;
        }
    }
    return true;
}

void getex_expiry(Context& ctx, Entry* entry, std::int64_t at_ms) {
    const ByteView key = ctx.arg(1);
    if (at_ms <= ctx.now_ms() && !ctx.replaying()) {
        ctx.erase(entry);
        ctx.changed(key, EventClass::kGeneric, "del");
        ctx.propagate({"DEL", key});
        return;
    }
    ctx.db().set_expiry(entry, at_ms);
    ctx.changed(key, EventClass::kGeneric, "expire");
    ctx.propagate({"PEXPIREAT", key, std::to_string(at_ms)});
}

void do_getex(Context& ctx) {
    SetOptions options;
    if (!read_getex_options(ctx, &options)) {
        return;
    }
    Entry* entry = ctx.lookup_read(ctx.arg(1));
    if (entry == nullptr) {
        ctx.reply.null();
        return;
    }
    std::int64_t at_ms = -1;
    if (!string_or_absent(ctx, entry)
        || (options.expiry.given() && !resolve_expiry(ctx, options.expiry, &at_ms))) {
        return;
    }
    ctx.reply.bulk(entry->string());
    if (options.expiry.given()) {
        getex_expiry(ctx, entry, at_ms);
    } else if (options.persist && entry->has_expiry()) {
        ctx.db().clear_expiry(entry);
        ctx.changed(ctx.arg(1), EventClass::kGeneric, "persist");
        ctx.propagate({"PERSIST", ctx.arg(1)});
    }
}

void do_mget(Context& ctx) {
    ctx.reply.array(ctx.argc() - 1);
    for (std::size_t i = 1; i < ctx.argc(); ++i) {
        const Entry* entry = ctx.lookup_read(ctx.arg(i));
        reply_string_or_null(ctx, entry != nullptr && entry->is_string() ? entry : nullptr);
    }
}

void do_strlen(Context& ctx) {
    const Entry* entry = ctx.lookup_read(ctx.arg(1));
    if (string_or_absent(ctx, entry)) {
        ctx.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(entry->string().size()));
    }
}

void do_getrange(Context& ctx) {
    std::int64_t start = 0;
    std::int64_t end = 0;
    if (!ctx.integer(2, &start) || !ctx.integer(3, &end)) {
        return;
    }
    const Entry* entry = ctx.lookup_read(ctx.arg(1));
    if (!string_or_absent(ctx, entry)) {
        return;
    }
    const ByteView text = entry == nullptr ? ByteView{} : entry->string();
    const auto size = static_cast<std::int64_t>(text.size());
    if (start < 0 && end < 0 && start > end) {
        ctx.reply.bulk({});
        return;
    }
    start = std::max<std::int64_t>(start < 0 ? size + start : start, 0);
    end = std::min(std::max<std::int64_t>(end < 0 ? size + end : end, 0), size - 1);
    if (start > end || size == 0) {
        ctx.reply.bulk({});
        return;
    }
    ctx.reply.bulk(
        text.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start + 1))
    );
}

// Editing ---------------------------------------------------------------------------------------

bool fits(Context& ctx, std::size_t size) {
    if (!ctx.replaying() && size > ctx.keyspace().settings.string_bytes_max) {
        ctx.error(kTooLong);
        return false;
    }
    return true;
}

void do_setrange(Context& ctx) {
    const ByteView key = ctx.arg(1);
    const ByteView piece = ctx.arg(3);
    std::int64_t offset = 0;
    if (!ctx.integer(2, &offset)) {
        return;
    }
    if (offset < 0) {
        ctx.error("ERR offset is out of range");
        return;
    }
    Entry* entry = ctx.lookup_write(key);
    if (!string_or_absent(ctx, entry)) {
        return;
    }
    const std::size_t old_size = entry == nullptr ? 0 : entry->string().size();
    if (piece.empty()) {
        ctx.reply.integer(static_cast<std::int64_t>(old_size));
        return;
    }
    const auto at = static_cast<std::size_t>(offset);
    if (at > SIZE_MAX - piece.size() || !fits(ctx, at + piece.size())) {
        if (at > SIZE_MAX - piece.size()) {
            ctx.error(kTooLong);
        }
        return;
    }
    if (entry == nullptr) {
        entry = store_string(ctx, key, {}, false);
    }
    char* data = nullptr;
    const std::size_t size = std::max(old_size, at + piece.size());
    ctx.db().resize_string(entry, size, &data);
    std::copy(piece.begin(), piece.end(), data + at);
    ctx.changed(key, EventClass::kString, "setrange");
    ctx.reply.integer(static_cast<std::int64_t>(size));
}

void do_append(Context& ctx) {
    const ByteView key = ctx.arg(1);
    const ByteView piece = ctx.arg(2);
    Entry* entry = ctx.lookup_write(key);
    if (!string_or_absent(ctx, entry)) {
        return;
    }
    std::size_t size = piece.size();
    if (entry == nullptr) {
        store_string(ctx, key, piece, false);
    } else {
        const std::size_t old_size = entry->string().size();
        size += old_size;
        if (!fits(ctx, size)) {
            return;
        }
        char* data = nullptr;
        ctx.db().resize_string(entry, size, &data);
        std::copy(piece.begin(), piece.end(), data + old_size);
    }
    ctx.changed(key, EventClass::kString, "append");
    ctx.reply.integer(static_cast<std::int64_t>(size));
}

// Numbers ---------------------------------------------------------------------------------------

void increment(Context& ctx, std::int64_t by) {
    const ByteView key = ctx.arg(1);
    Entry* entry = ctx.lookup_write(key);
    if (!string_or_absent(ctx, entry)) {
        return;
    }
    const std::optional<std::int64_t> old = entry == nullptr ? 0 : parse_integer(entry->string());
    if (!old.has_value()) {
        ctx.error(kNotInteger);
        return;
    }
    std::int64_t value = 0;
    if (__builtin_add_overflow(*old, by, &value)) {
        ctx.error("ERR increment or decrement would overflow");
        return;
    }
    const std::string text = std::to_string(value);
    if (entry == nullptr) {
        store_string(ctx, key, text, false);
    } else {
        ctx.db().replace_string(entry, text, StringEncoding::kInt);
    }
    ctx.changed(key, EventClass::kString, "incrby");
    ctx.reply.integer(value);
}

void do_incr(Context& ctx) {
    increment(ctx, 1);
}

void do_decr(Context& ctx) {
    increment(ctx, -1);
}

void do_incrby(Context& ctx) {
    std::int64_t by = 0;
    if (ctx.integer(2, &by)) {
        increment(ctx, by);
    }
}

void do_decrby(Context& ctx) {
    std::int64_t by = 0;
    if (!ctx.integer(2, &by)) {
        return;
    }
    if (by == std::numeric_limits<std::int64_t>::min()) {
        ctx.error("ERR decrement would overflow");
        return;
    }
    increment(ctx, -by);
}

void do_incrbyfloat(Context& ctx) {
    const ByteView key = ctx.arg(1);
    Entry* entry = ctx.lookup_write(key);
    if (!string_or_absent(ctx, entry)) {
        return;
    }
    const std::optional<long double> old =
        entry == nullptr ? 0.0L : parse_long_double(entry->string());
    const std::optional<long double> by = parse_long_double(ctx.arg(2));
    if (!old.has_value() || !by.has_value()) {
        ctx.error(kNotFloat);
        return;
    }
    const long double value = *old + *by;
    if (std::isnan(value) || std::isinf(value)) {
        ctx.error("ERR increment would produce NaN or Infinity");
        return;
    }
    const std::string text = format_long_double(value);
    if (entry == nullptr) {
        store_string(ctx, key, text, false);
    } else {
        ctx.db().replace_string(entry, text, natural_encoding(text));
    }
    ctx.changed(key, EventClass::kString, "incrbyfloat");
    ctx.propagate({"SET", key, text, "KEEPTTL"});
    ctx.reply.bulk(text);
}

// Several at once -------------------------------------------------------------------------------

void set_pairs(Context& ctx) {
    for (std::size_t i = 1; i + 1 < ctx.argc(); i += 2) {
        (void)ctx.lookup_write(ctx.arg(i));
        store_string(ctx, ctx.arg(i), ctx.arg(i + 1), false);
        ctx.changed(ctx.arg(i), EventClass::kString, "set");
    }
}

void do_mset(Context& ctx) {
    if (ctx.argc() % 2 == 0) {
        ctx.wrong_arguments();
        return;
    }
    set_pairs(ctx);
    ctx.reply.ok();
}

void do_msetnx(Context& ctx) {
    if (ctx.argc() % 2 == 0) {
        ctx.wrong_arguments();
        return;
    }
    for (std::size_t i = 1; i < ctx.argc(); i += 2) {
        if (ctx.lookup_write(ctx.arg(i)) != nullptr) {
            ctx.reply.integer(0);
            return;
        }
    }
    set_pairs(ctx);
    ctx.reply.integer(1);
}

}  // namespace

void add_string_commands(HandlerTable& table) {
    table.add({
        {"append", do_append},
        {"decr", do_decr},
        {"decrby", do_decrby},
        {"get", do_get},
        {"getdel", do_getdel},
        {"getex", do_getex},
        {"getrange", do_getrange},
        {"getset", do_getset},
        {"incr", do_incr},
        {"incrby", do_incrby},
        {"incrbyfloat", do_incrbyfloat},
        {"mget", do_mget},
        {"mset", do_mset},
        {"msetnx", do_msetnx},
        {"psetex", do_psetex},
        {"set", do_set},
        {"setex", do_setex},
        {"setnx", do_setnx},
        {"setrange", do_setrange},
        {"strlen", do_strlen},
        {"substr", do_getrange},
    });
}

}  // namespace kumo::kv
