// Ranges of sorted sets: ZRANGE in all its forms, its older forms, counting and removing
// (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/commands/zset_bounds.h"
#include "kv/commands/zset_store.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace kumo::kv {

namespace {

/// A form of ZRANGE: what is not fixed is up to the options.
struct RangeForm {
    std::optional<RangeBy> by;
    std::optional<bool> backwards;
    bool store = false;
};

struct RangeOptions {
    std::optional<RangeBy> by;
    std::optional<bool> backwards;
    bool with_scores = false;
    std::int64_t offset = 0;
    std::int64_t limit = -1;  ///< Negative: none.
};

bool read_range_options(Context& ctx, const RangeForm& form, RangeOptions* out) {
    out->by = form.by;
    out->backwards = form.backwards;
    for (std::size_t i = form.store ? 5 : 4; i < ctx.argc(); ++i) {
        if (!form.store && ctx.arg_is(i, "WITHSCORES")) {
            out->with_scores = true;
        } else if (ctx.arg_is(i, "LIMIT") && i + 2 < ctx.argc()) {
            if (!ctx.integer(i + 1, &out->offset) || !ctx.integer(i + 2, &out->limit)) {
                return false;
            }
            i += 2;
        } else if (!out->backwards.has_value() && ctx.arg_is(i, "REV")) {
            out->backwards = true;
        } else if (!out->by.has_value() && ctx.arg_is(i, "BYLEX")) {
            out->by = RangeBy::kMember;
        } else if (!out->by.has_value() && ctx.arg_is(i, "BYSCORE")) {
            out->by = RangeBy::kScore;
        } else {
            ctx.syntax_error();
            return false;
        }
    }
    const RangeBy by = out->by.value_or(RangeBy::kRank);
    if (out->limit != -1 && by == RangeBy::kRank) {
        ctx.error(
            "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or "
            "BYLEX"
        );
        return false;
    }
    if (out->with_scores && by == RangeBy::kMember) {
        ctx.error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
        return false;
    }
    return true;
}

/// What LIMIT leaves of a range.
RankRange limited(RankRange range, const RangeOptions& options, bool backwards) {
    const std::size_t size = range.size();
    if (options.offset < 0 || static_cast<std::uint64_t>(options.offset) >= size) {
        return {range.first, range.first};
    }
    const auto skipped = static_cast<std::size_t>(options.offset);
    std::size_t count = size - skipped;
    if (options.limit >= 0 && static_cast<std::uint64_t>(options.limit) < count) {
        count = static_cast<std::size_t>(options.limit);
    }
    if (backwards) {
        return {range.last - skipped - count, range.last - skipped};
    }
    return {range.first + skipped, range.first + skipped + count};
}

void reply_range(
    Context& ctx,
    const ZsetValue& zset,
    RankRange range,
    bool backwards,
    bool with_scores
) {
    const bool nested = with_scores && ctx.reply.protocol() >= 3;
    ctx.reply.array(with_scores && !nested ? range.size() * 2 : range.size());
    if (range.size() == 0) {
        return;
    }
    zset.visit(
        backwards ? range.last - 1 : range.first,
        range.size(),
        backwards,
        [&](const Element& member, double score) {
            if (nested) {
                ctx.reply.array(2);
            }
            ctx.reply.bulk(member.view());
            if (with_scores) {
                ctx.reply.real(score);
            }
            return true;
        }
    );
}

void store_range(Context& ctx, const ZsetValue* zset, RankRange range) {
    auto result = std::make_unique<ZsetValue>();
    if (zset != nullptr) {
        zset->visit(range.first, range.size(), false, [&](const Element& member, double score) {
            result->set(member.view(), score, ctx.limits());
            return true;
        });
    }
    store_zset(ctx, ctx.arg(1), std::move(result), "zrangestore");
}

void range(Context& ctx, const RangeForm& form) {
    const std::size_t key = form.store ? 2 : 1;
    RangeOptions options;
    if (!read_range_options(ctx, form, &options)) {
        return;
    }
    const bool backwards = options.backwards.value_or(false);
    const RangeBy by = options.by.value_or(RangeBy::kRank);
    // Backwards, the bounds that are values stand the other way round.
    const bool swapped = backwards && by != RangeBy::kRank;
    ZsetBounds bounds;
    ZsetValue* zset = nullptr;
    if (!bounds.read(ctx, by, key + (swapped ? 2 : 1), key + (swapped ? 1 : 2))
        || !ctx.find_read<ZsetValue>(ctx.arg(key), &zset)) {
        return;
    }
    RankRange ranks;
    if (zset != nullptr) {
        ranks = limited(bounds.resolve(*zset, backwards), options, backwards);
    }
    if (form.store) {
        store_range(ctx, zset, ranks);
    } else if (zset == nullptr) {
        ctx.reply.array(0);
    } else {
        reply_range(ctx, *zset, ranks, backwards, options.with_scores);
    }
}

void do_zrange(Context& ctx) {
    range(ctx, {});
}

void do_zrangestore(Context& ctx) {
    range(ctx, {std::nullopt, std::nullopt, true});
}

void do_zrevrange(Context& ctx) {
    range(ctx, {RangeBy::kRank, true});
}

void do_zrangebyscore(Context& ctx) {
    range(ctx, {RangeBy::kScore, false});
}

void do_zrevrangebyscore(Context& ctx) {
    range(ctx, {RangeBy::kScore, true});
}

void do_zrangebylex(Context& ctx) {
    range(ctx, {RangeBy::kMember, false});
}

void do_zrevrangebylex(Context& ctx) {
    range(ctx, {RangeBy::kMember, true});
}

// Counting and removing -------------------------------------------------------------------------

void count(Context& ctx, RangeBy by) {
    ZsetBounds bounds;
    ZsetValue* zset = nullptr;
    if (!bounds.read(ctx, by, 2, 3) || !ctx.find_read<ZsetValue>(ctx.arg(1), &zset)) {
        return;
    }
    const std::size_t found = zset == nullptr ? 0 : bounds.resolve(*zset, false).size();
    ctx.reply.integer(static_cast<std::int64_t>(found));
}

void do_zcount(Context& ctx) {
    count(ctx, RangeBy::kScore);
}

void do_zlexcount(Context& ctx) {
    count(ctx, RangeBy::kMember);
}

void remove_range(Context& ctx, RangeBy by, ByteView event) {
    ZsetBounds bounds;
    ZsetValue* zset = nullptr;
    if (!bounds.read(ctx, by, 2, 3) || !ctx.find_write<ZsetValue>(ctx.arg(1), &zset)) {
        return;
    }
    std::int64_t removed = 0;
    if (zset != nullptr) {
        const RankRange ranks = bounds.resolve(*zset, false);
        removed = static_cast<std::int64_t>(ranks.size());
        zset->erase(ranks.first, ranks.size());
    }
    if (removed > 0) {
        ctx.changed(ctx.arg(1), EventClass::kZset, event, removed);
        ctx.drop_if_empty(ctx.arg(1), *zset);
    }
    ctx.reply.integer(removed);
}

void do_zremrangebyrank(Context& ctx) {
    remove_range(ctx, RangeBy::kRank, "zremrangebyrank");
}

void do_zremrangebyscore(Context& ctx) {
    remove_range(ctx, RangeBy::kScore, "zremrangebyscore");
}

void do_zremrangebylex(Context& ctx) {
    remove_range(ctx, RangeBy::kMember, "zremrangebylex");
}

}  // namespace

void store_zset(Context& ctx, ByteView key, std::unique_ptr<ZsetValue> zset, ByteView event) {
    const std::size_t size = zset->size();
    Entry* old = ctx.lookup_write(key);
    if (size > 0) {
        zset->convert_to_small_if_fits(ctx.limits());
        ctx.put(key, std::move(zset));
        if (old == nullptr) {
            ctx.notify_new(key);
        }
        ctx.changed(key, EventClass::kZset, event);
        ctx.mark_ready(key);
    } else if (old != nullptr) {
        ctx.erase(old);
        ctx.changed(key, EventClass::kGeneric, "del");
    }
    ctx.reply.integer(static_cast<std::int64_t>(size));
}

void add_zset_range_commands(HandlerTable& table) {
    table.add({
        {"zrange", do_zrange},
        {"zrangestore", do_zrangestore},
        {"zrevrange", do_zrevrange},
        {"zrangebyscore", do_zrangebyscore},
        {"zrevrangebyscore", do_zrevrangebyscore},
        {"zrangebylex", do_zrangebylex},
        {"zrevrangebylex", do_zrevrangebylex},
        {"zcount", do_zcount},
        {"zlexcount", do_zlexcount},
        {"zremrangebyrank", do_zremrangebyrank},
        {"zremrangebyscore", do_zremrangebyscore},
        {"zremrangebylex", do_zremrangebylex},
    });
}

}  // namespace kumo::kv
