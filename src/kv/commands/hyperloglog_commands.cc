// PFADD, PFCOUNT, PFMERGE (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/types/hyperloglog.h"

#include <optional>
#include <string>

namespace kumo::kv {

namespace {

/// The key's value, an empty one if it is absent. False: the error has been written.
bool decode_entry(Context& ctx, const Entry* entry, HyperLogLog* out) {
    if (entry == nullptr) {
        return true;
    }
    if (!entry->is_string()) {
        ctx.wrong_type();
        return false;
    }
    if (!HyperLogLog::recognizes(entry->string())) {
        ctx.error("WRONGTYPE Key is not a valid HyperLogLog string value.");
        return false;
    }
    const auto decoded = HyperLogLog::decode(entry->string());
    if (!decoded.has_value()) {
        ctx.error("INVALIDOBJ Corrupted HLL object detected");
        return false;
    }
    *out = *decoded;
    return true;
}

void store(
    Context& ctx,
    ByteView key,
    const HyperLogLog& value,
    std::optional<std::uint64_t> count = std::nullopt
) {
    const bool is_new = ctx.db().find(key) == nullptr;
    ctx.db().set_string(key, value.encode(count), StringEncoding::kRaw, true);
    if (is_new) {
        ctx.notify_new(key);
    }
}

void do_pfadd(Context& ctx) {
    const Entry* entry = ctx.lookup_write(ctx.arg(1));
    HyperLogLog value;
    if (!decode_entry(ctx, entry, &value)) {
        return;
    }
    std::int64_t changes = entry == nullptr ? 1 : 0;
    for (std::size_t i = 2; i < ctx.argc(); ++i) {
        changes += value.add(ctx.arg(i)) ? 1 : 0;
    }
    if (changes > 0) {
        store(ctx, ctx.arg(1), value);
        ctx.changed(ctx.arg(1), EventClass::kString, "pfadd", changes);
    }
    ctx.reply.integer(changes > 0 ? 1 : 0);
}

void do_pfcount(Context& ctx) {
    HyperLogLog value;
    if (ctx.argc() > 2) {
        for (std::size_t i = 1; i < ctx.argc(); ++i) {
            HyperLogLog other;
            if (!decode_entry(ctx, ctx.lookup_read(ctx.arg(i)), &other)) {
                return;
            }
            value.merge(other);
        }
        ctx.reply.integer(static_cast<std::int64_t>(value.count()));
        return;
    }
    const Entry* entry = ctx.lookup_read(ctx.arg(1));
    if (entry == nullptr) {
        ctx.reply.integer(0);
        return;
    }
    if (entry->is_string() && HyperLogLog::recognizes(entry->string())) {
        if (const auto cached = HyperLogLog::cached_count(entry->string()); cached.has_value()) {
            ctx.reply.integer(static_cast<std::int64_t>(*cached));
            return;
        }
    }
    if (!decode_entry(ctx, entry, &value)) {
        return;
    }
    const std::uint64_t count = value.count();
    store(ctx, ctx.arg(1), value, count);
    ctx.mark_changed(ctx.arg(1));
    ctx.add_dirty(1);
    ctx.reply.integer(static_cast<std::int64_t>(count));
}

void do_pfmerge(Context& ctx) {
    HyperLogLog value;
    for (std::size_t i = 1; i < ctx.argc(); ++i) {
        HyperLogLog other;
        if (!decode_entry(ctx, ctx.lookup_read(ctx.arg(i)), &other)) {
            return;
        }
        value.merge(other);
    }
    store(ctx, ctx.arg(1), value);
    ctx.changed(ctx.arg(1), EventClass::kString, "pfadd");
    ctx.reply.ok();
}

}  // namespace

void add_hyperloglog_commands(HandlerTable& table) {
    table.add({
        {"pfadd", do_pfadd},
        {"pfcount", do_pfcount},
        {"pfmerge", do_pfmerge},
    });
}

}  // namespace kumo::kv
