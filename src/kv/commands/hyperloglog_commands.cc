// PFADD, PFCOUNT, PFMERGE, PFDEBUG, PFSELFTEST (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/types/hyperloglog.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

namespace kumo::kv {

namespace {

constexpr ByteView kCorrupt = "INVALIDOBJ Corrupted HLL object detected";

/// False: the error has been written. An absent entry passes.
bool check_entry(Context& ctx, const Entry* entry) {
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
    return true;
}

/// The key's value, an empty one if it is absent. False: the error has been written.
bool decode_entry(Context& ctx, const Entry* entry, HyperLogLog* out) {
    if (!check_entry(ctx, entry)) {
        return false;
    }
    if (entry == nullptr) {
        return true;
    }
    const auto decoded = HyperLogLog::decode(entry->string());
    if (!decoded.has_value()) {
        ctx.error(kCorrupt);
        return false;
    }
    *out = *decoded;
    return true;
}

void store_text(Context& ctx, ByteView key, ByteView text) {
    const bool is_new = ctx.db().find(key) == nullptr;
    ctx.db().set_string(key, text, StringEncoding::kRaw, true);
    if (is_new) {
        ctx.notify_new(key);
    }
}

void store(
    Context& ctx,
    ByteView key,
    const HyperLogLog& value,
    std::optional<std::uint64_t> count = std::nullopt
) {
    store_text(ctx, key, value.encode(count, ctx.limits().hll_sparse_bytes_max));
}

void do_pfadd(Context& ctx) {
    const Entry* entry = ctx.lookup_write(ctx.arg(1));
    if (!check_entry(ctx, entry)) {
        return;
    }
    const std::size_t runs_max = ctx.limits().hll_sparse_bytes_max;
    std::string text =
        entry == nullptr ? HyperLogLog().encode(0, runs_max) : std::string(entry->string());
    std::int64_t changes = entry == nullptr ? 1 : 0;
    for (std::size_t i = 2; i < ctx.argc(); ++i) {
        const HyperLogLog::Added outcome = HyperLogLog::add_to(&text, ctx.arg(i), runs_max);
        if (outcome == HyperLogLog::Added::kCorrupt) {
            ctx.error(kCorrupt);
            return;
        }
        changes += outcome == HyperLogLog::Added::kChanged ? 1 : 0;
    }
    if (changes > 0) {
        store_text(ctx, ctx.arg(1), text);
        ctx.changed(ctx.arg(1), EventClass::kString, "pfadd", changes);
    }
    ctx.reply.integer(changes > 0 ? 1 : 0);
}

void count_union(Context& ctx) {
    HyperLogLog value;
    for (std::size_t i = 1; i < ctx.argc(); ++i) {
        HyperLogLog other;
        if (!decode_entry(ctx, ctx.lookup_read(ctx.arg(i)), &other)) {
            return;
        }
        value.merge(other);
    }
    ctx.reply.integer(static_cast<std::int64_t>(value.count()));
}

void do_pfcount(Context& ctx) {
    if (ctx.argc() > 2) {
        count_union(ctx);
        return;
    }
    const Entry* entry = ctx.lookup_read(ctx.arg(1));
    if (!check_entry(ctx, entry)) {
        return;
    }
    if (entry == nullptr) {
        ctx.reply.integer(0);
        return;
    }
    if (const auto cached = HyperLogLog::cached_count(entry->string()); cached.has_value()) {
        ctx.reply.integer(static_cast<std::int64_t>(*cached));
        return;
    }
    HyperLogLog value;
    if (!decode_entry(ctx, entry, &value)) {
        return;
    }
    const std::uint64_t count = value.count();
    std::string text(entry->string());
    HyperLogLog::cache_count(&text, count);
    store_text(ctx, ctx.arg(1), text);
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

// Looking inside --------------------------------------------------------------------------------

/// Makes it dense; true: it was not.
bool make_dense(Context& ctx, ByteView key, HyperLogLog* value) {
    if (value->dense()) {
        return false;
    }
    value->make_dense();
    store(ctx, key, *value);
    ctx.mark_changed(key);
    ctx.add_dirty(1);
    return true;
}

void do_pfdebug(Context& ctx) {
    const ByteView key = ctx.arg(2);
    const Entry* entry = ctx.lookup_write(key);
    if (entry == nullptr) {
        ctx.error("ERR The specified key does not exist");
        return;
    }
    HyperLogLog value;
    if (!decode_entry(ctx, entry, &value)) {
        return;
    }
    if (ctx.arg_is(1, "GETREG")) {
        make_dense(ctx, key, &value);
        ctx.reply.array(HyperLogLog::kRegisters);
        for (const std::uint8_t rank : value.registers()) {
            ctx.reply.integer(rank);
        }
    } else if (ctx.arg_is(1, "DECODE")) {
        if (value.dense()) {
            ctx.error("ERR HLL encoding is not sparse");
        } else {
            ctx.reply.bulk(HyperLogLog::describe_runs(entry->string()));
        }
    } else if (ctx.arg_is(1, "ENCODING")) {
        ctx.reply.simple(value.dense() ? "dense" : "sparse");
    } else if (ctx.arg_is(1, "TODENSE")) {
        ctx.reply.integer(make_dense(ctx, key, &value) ? 1 : 0);
    } else {
        ctx.error("ERR Unknown PFDEBUG subcommand '" + std::string(ctx.arg(1)) + "'");
    }
}

/// The same elements in both forms and decoded: the same registers, and a count that is at most
/// six standard errors (1.04 / sqrt(16384)) off.
void do_pfselftest(Context& ctx) {
    constexpr std::uint64_t kElements = 100'000;
    constexpr double kErrorMax = 6 * 1.04 / 128;
    HyperLogLog plain;
    std::string sparse = HyperLogLog().encode(0, ctx.limits().hll_sparse_bytes_max);
    HyperLogLog forced;
    forced.make_dense();
    std::string dense = forced.encode(0, 0);
    for (std::uint64_t i = 1; i <= kElements; ++i) {
        const std::string element = std::to_string(ctx.random().next());
        plain.add(element);
        HyperLogLog::add_to(&sparse, element, ctx.limits().hll_sparse_bytes_max);
        HyperLogLog::add_to(&dense, element, 0);
        if ((i & (i - 1)) != 0 && i != kElements) {
            continue;
        }
        const auto of_sparse = HyperLogLog::decode(sparse);
        const auto of_dense = HyperLogLog::decode(dense);
        if (!of_sparse.has_value() || !of_dense.has_value()
            || of_sparse->registers() != plain.registers()
            || of_dense->registers() != plain.registers()) {
            ctx.error("TESTFAILED registers differ after " + std::to_string(i) + " elements");
            return;
        }
        const double counted = static_cast<double>(plain.count());
        const double off = std::abs(counted - static_cast<double>(i));
        if (off > std::max(static_cast<double>(i) * kErrorMax, 2.0)) {
            ctx.error(
                "TESTFAILED " + std::to_string(i) + " elements are counted as "
                + std::to_string(plain.count())
            );
            return;
        }
    }
    ctx.reply.ok();
}

}  // namespace

void add_hyperloglog_commands(HandlerTable& table) {
    table.add({
        {"pfadd", do_pfadd},
        {"pfcount", do_pfcount},
        {"pfdebug", do_pfdebug},
        {"pfmerge", do_pfmerge},
        {"pfselftest", do_pfselftest},
    });
}

}  // namespace kumo::kv
