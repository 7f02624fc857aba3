// Hashes: https://redis.io/commands/?group=hash (Redis 7.0).
#include "base/assert.h"
#include "kv/command/handlers.h"
#include "kv/commands/count_argument.h"
#include "kv/commands/random_pairs.h"
#include "kv/commands/scan_options.h"
#include "kv/keyspace/number.h"
#include "kv/types/hash.h"

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace kumo::kv {

namespace {

using FieldPair = std::pair<Element, Element>;

void reply_value(Context& ctx, const std::optional<Element>& value) {
    if (value.has_value()) {
        ctx.reply.bulk(value->view());
    } else {
        ctx.reply.null();
    }
}

// Writing ---------------------------------------------------------------------------------------

/// False: the error has been written.
bool set_fields(Context& ctx, std::int64_t* added) {
    const ByteView key = ctx.arg(1);
    if (ctx.argc() % 2 != 0) {
        ctx.wrong_arguments();
        return false;
    }
    HashValue* hash = nullptr;
    if (!ctx.find_or_make<HashValue>(key, &hash)) {
        return false;
    }
    for (std::size_t i = 2; i < ctx.argc(); ++i) {
        hash->make_room_for(ctx.arg(i), ctx.limits());
    }
    for (std::size_t i = 2; i < ctx.argc(); i += 2) {
        *added += hash->set(ctx.arg(i), ctx.arg(i + 1), ctx.limits()) ? 1 : 0;
    }
    ctx.changed(key, EventClass::kHash, "hset", static_cast<std::int64_t>((ctx.argc() - 2) / 2));
    return true;
}

void do_hset(Context& ctx) {
    std::int64_t added = 0;
    if (set_fields(ctx, &added)) {
        ctx.reply.integer(added);
    }
}

void do_hmset(Context& ctx) {
    std::int64_t added = 0;
    if (set_fields(ctx, &added)) {
        ctx.reply.ok();
    }
}

void do_hsetnx(Context& ctx) {
    const ByteView key = ctx.arg(1);
    HashValue* hash = nullptr;
    if (!ctx.find_or_make<HashValue>(key, &hash)) {
        return;
    }
    if (hash->contains(ctx.arg(2))) {
        ctx.reply.integer(0);
        return;
    }
    hash->set(ctx.arg(2), ctx.arg(3), ctx.limits());
    ctx.reply.integer(1);
    ctx.changed(key, EventClass::kHash, "hset");
}

void do_hdel(Context& ctx) {
    const ByteView key = ctx.arg(1);
    HashValue* hash = nullptr;
    if (!ctx.find_write<HashValue>(key, &hash)) {
        return;
    }
    std::int64_t removed = 0;
    for (std::size_t i = 2; hash != nullptr && i < ctx.argc(); ++i) {
        removed += hash->remove(ctx.arg(i)) ? 1 : 0;
    }
    if (removed > 0) {
        ctx.changed(key, EventClass::kHash, "hdel", removed);
        ctx.drop_if_empty(key, *hash);
    }
    ctx.reply.integer(removed);
}

void do_hincrby(Context& ctx) {
    const ByteView key = ctx.arg(1);
    std::int64_t by = 0;
    HashValue* hash = nullptr;
    if (!ctx.integer(3, &by) || !ctx.find_write<HashValue>(key, &hash)) {
        return;
    }
    std::int64_t value = 0;
    if (hash != nullptr) {
        if (const std::optional<Element> old = hash->get(ctx.arg(2)); old.has_value()) {
            const std::optional<std::int64_t> number = parse_integer(old->view());
            if (!number.has_value()) {
                ctx.error("ERR hash value is not an integer");
                return;
            }
            value = *number;
        }
    }
    if (__builtin_add_overflow(value, by, &value)) {
        ctx.error("ERR increment or decrement would overflow");
        return;
    }
    (void)ctx.find_or_make<HashValue>(key, &hash);
    hash->set(ctx.arg(2), std::to_string(value), ctx.limits());
    ctx.reply.integer(value);
    ctx.changed(key, EventClass::kHash, "hincrby");
}

void do_hincrbyfloat(Context& ctx) {
    const ByteView key = ctx.arg(1);
    const std::optional<long double> by = parse_long_double(ctx.arg(3));
    if (!by.has_value()) {
        ctx.error(kNotFloat);
        return;
    }
    if (std::isinf(*by)) {
        ctx.error("ERR value is NaN or Infinity");
        return;
    }
    HashValue* hash = nullptr;
    if (!ctx.find_write<HashValue>(key, &hash)) {
        return;
    }
    long double value = *by;
    if (hash != nullptr) {
        if (const std::optional<Element> old = hash->get(ctx.arg(2)); old.has_value()) {
            const std::optional<long double> number = parse_long_double(old->view());
            if (!number.has_value()) {
                ctx.error("ERR hash value is not a float");
                return;
            }
            value += *number;
        }
    }
    if (std::isnan(value) || std::isinf(value)) {
        ctx.error("ERR increment would produce NaN or Infinity");
        return;
    }
    const std::string text = format_long_double(value);
    (void)ctx.find_or_make<HashValue>(key, &hash);
    KUMO_ASSERT(hash != nullptr);
    hash->set(ctx.arg(2), text, ctx.limits());
    ctx.reply.bulk(text);
    ctx.changed(key, EventClass::kHash, "hincrbyfloat");
    ctx.propagate({"HSET", key, ctx.arg(2), text});
}

// Reading ---------------------------------------------------------------------------------------

void do_hget(Context& ctx) {
    HashValue* hash = nullptr;
    if (ctx.find_read<HashValue>(ctx.arg(1), &hash)) {
        reply_value(ctx, hash == nullptr ? std::nullopt : hash->get(ctx.arg(2)));
    }
}

void do_hmget(Context& ctx) {
    HashValue* hash = nullptr;
    if (!ctx.find_read<HashValue>(ctx.arg(1), &hash)) {
        return;
    }
    ctx.reply.array(ctx.argc() - 2);
    for (std::size_t i = 2; i < ctx.argc(); ++i) {
        reply_value(ctx, hash == nullptr ? std::nullopt : hash->get(ctx.arg(i)));
    }
}

void reply_all(Context& ctx, bool fields, bool values) {
    HashValue* hash = nullptr;
    if (!ctx.find_read<HashValue>(ctx.arg(1), &hash)) {
        return;
    }
    const std::size_t size = hash == nullptr ? 0 : hash->size();
    if (fields && values) {
        ctx.reply.map(size);
    } else {
        ctx.reply.array(size);
    }
    if (hash == nullptr) {
        return;
    }
    hash->visit([&](const Element& field, const Element& value) {
        if (fields) {
            ctx.reply.bulk(field.view());
        }
        if (values) {
            ctx.reply.bulk(value.view());
        }
        return true;
    });
}

void do_hgetall(Context& ctx) {
    reply_all(ctx, true, true);
}

void do_hkeys(Context& ctx) {
    reply_all(ctx, true, false);
}

void do_hvals(Context& ctx) {
    reply_all(ctx, false, true);
}

void do_hlen(Context& ctx) {
    HashValue* hash = nullptr;
    if (ctx.find_read<HashValue>(ctx.arg(1), &hash)) {
        ctx.reply.integer(hash == nullptr ? 0 : static_cast<std::int64_t>(hash->size()));
    }
}

void do_hstrlen(Context& ctx) {
    HashValue* hash = nullptr;
    if (!ctx.find_read<HashValue>(ctx.arg(1), &hash)) {
        return;
    }
    const auto value = hash == nullptr ? std::nullopt : hash->get(ctx.arg(2));
    ctx.reply.integer(value.has_value() ? static_cast<std::int64_t>(value->view().size()) : 0);
}

void do_hexists(Context& ctx) {
    HashValue* hash = nullptr;
    if (ctx.find_read<HashValue>(ctx.arg(1), &hash)) {
        ctx.reply.integer(hash != nullptr && hash->contains(ctx.arg(2)) ? 1 : 0);
    }
}

void do_hrandfield(Context& ctx) {
    RandomRequest request;
    if (!read_random_request(ctx, "WITHVALUES", &request)) {
        return;
    }
    HashValue* hash = nullptr;
    if (!ctx.find_read<HashValue>(ctx.arg(1), &hash)) {
        return;
    }
    if (hash == nullptr) {
        request.counted ? ctx.reply.array(0) : ctx.reply.null();
    } else if (!request.counted) {
        ctx.reply.bulk(hash->random(ctx.random()).first.view());
    } else {
        reply_random_pairs<FieldPair>(
            ctx,
            *hash,
            request.count,
            request.both,
            [hash](auto f) { hash->visit(f); },
            [&ctx](const FieldPair& pair) { ctx.reply.bulk(pair.second.view()); }
        );
    }
}

void do_hscan(Context& ctx) {
    ScanCursor cursor = 0;
    HashValue* hash = nullptr;
    if (!read_scan_cursor(ctx, 2, &cursor) || !ctx.find_read<HashValue>(ctx.arg(1), &hash)) {
        return;
    }
    if (hash == nullptr) {
        ctx.reply.array(2);
        ctx.reply.bulk("0");
        ctx.reply.array(0);
        return;
    }
    ScanOptions options;
    if (!read_scan_options(ctx, 3, false, &options)) {
        return;
    }
    wire::RespWriter pairs(ctx.reply.protocol());
    std::size_t found = 0;
    cursor = hash->scan(
        cursor,
        static_cast<std::size_t>(options.count),
        [&](const Element& field, const Element& value) {
            if (options.matches(field.view())) {
                pairs.bulk(field.view());
                pairs.bulk(value.view());
                found += 2;
            }
        }
    );
    ctx.reply.array(2);
    ctx.reply.bulk(std::to_string(cursor));
    ctx.reply.array(found);
    ctx.reply.raw(pairs.bytes());
}

}  // namespace

void add_hash_commands(HandlerTable& table) {
    table.add({
        {"hset", do_hset},
        {"hsetnx", do_hsetnx},
        {"hmset", do_hmset},
        {"hget", do_hget},
        {"hmget", do_hmget},
        {"hgetall", do_hgetall},
        {"hkeys", do_hkeys},
        {"hvals", do_hvals},
        {"hlen", do_hlen},
        {"hstrlen", do_hstrlen},
        {"hexists", do_hexists},
        {"hdel", do_hdel},
        {"hincrby", do_hincrby},
        {"hincrbyfloat", do_hincrbyfloat},
        {"hrandfield", do_hrandfield},
        {"hscan", do_hscan},
    });
}

}  // namespace kumo::kv
