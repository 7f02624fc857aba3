// Sorted sets: members and scores, and what takes members out (Redis 7.0). Ranges are in
// zset_range_commands.cc, unions and their like in zset_algebra_commands.cc.
#include "base/assert.h"
#include "kv/command/handlers.h"
#include "kv/commands/count_argument.h"
#include "kv/commands/random_pairs.h"
#include "kv/commands/scan_options.h"
#include "kv/types/zset.h"

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::kv {

namespace {

constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();

using MemberPair = std::pair<Element, double>;

// ZADD, ZINCRBY ---------------------------------------------------------------------------------

struct AddOptions {
    bool only_if_absent = false;
    bool only_if_present = false;
    bool only_if_greater = false;
    bool only_if_less = false;
    bool count_changed = false;
    bool increment = false;
    std::size_t first = 2;  ///< Of the scores and members.
};

bool read_add_options(Context& ctx, AddOptions* options) {
    std::size_t i = 2;
    for (; i < ctx.argc(); ++i) {
        if (ctx.arg_is(i, "NX")) {
            options->only_if_absent = true;
        } else if (ctx.arg_is(i, "XX")) {
            options->only_if_present = true;
        } else if (ctx.arg_is(i, "GT")) {
            options->only_if_greater = true;
        } else if (ctx.arg_is(i, "LT")) {
            options->only_if_less = true;
        } else if (ctx.arg_is(i, "CH")) {
            options->count_changed = true;
        } else if (ctx.arg_is(i, "INCR")) {
            options->increment = true;
        } else {
            break;
        }
    }
    options->first = i;
    const std::size_t left = ctx.argc() - i;
    if (left == 0 || left % 2 != 0) {
        ctx.syntax_error();
        return false;
    }
    const bool nx = options->only_if_absent;
    const bool gt = options->only_if_greater;
    const bool lt = options->only_if_less;
    if (nx && options->only_if_present) {
        ctx.error("ERR XX and NX options at the same time are not compatible");
        return false;
    }
    if ((gt && nx) || (lt && nx) || (gt && lt)) {
        ctx.error("ERR GT, LT, and/or NX options at the same time are not compatible");
        return false;
    }
    if (options->increment && left > 2) {
        ctx.error("ERR INCR option supports a single increment-element pair");
        return false;
    }
    return true;
}

/// The score the member gets; nothing: the options forbid it. NaN: it would be none.
std::optional<double>
new_score(const AddOptions& options, std::optional<double> old, double given) {
    if (!old.has_value()) {
        return options.only_if_present ? std::nullopt : std::optional(given);
    }
    const double score = options.increment ? *old + given : given;
    if (options.only_if_absent || (options.only_if_greater && score <= *old)
        || (options.only_if_less && score >= *old)) {
        return std::nullopt;
    }
    return score;
}

struct AddResult {
    std::int64_t added = 0;
    std::int64_t moved = 0;
    std::optional<double> last_score;
};

/// False: the error has been written.
bool add_members(
    Context& ctx,
    const AddOptions& options,
    const std::vector<double>& scores,
    AddResult* result
) {
    const ByteView key = ctx.arg(1);
    ZsetValue* zset = nullptr;
    if (!ctx.find_write<ZsetValue>(key, &zset)) {
        return false;
    }
    if (zset == nullptr) {
        if (options.only_if_present) {
            return true;
        }
        (void)ctx.find_or_make<ZsetValue>(key, &zset);
        KUMO_ASSERT(zset != nullptr);
    }
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const ByteView member = ctx.arg(options.first + (2 * i) + 1);
        const auto score = new_score(options, zset->score(member), scores[i]);
        if (!score.has_value()) {
            continue;
        }
        if (std::isnan(*score)) {
            ctx.error("ERR resulting score is not a number (NaN)");
            return false;
        }
        const ZsetValue::Outcome outcome = zset->set(member, *score, ctx.limits());
        result->added += outcome == ZsetValue::Outcome::kAdded ? 1 : 0;
        result->moved += outcome == ZsetValue::Outcome::kMoved ? 1 : 0;
        result->last_score = score;
    }
    return true;
}

void add(Context& ctx, const AddOptions& options) {
    std::vector<double> scores((ctx.argc() - options.first) / 2);
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (!ctx.real(options.first + (2 * i), &scores[i])) {
            return;
        }
    }
    AddResult result;
    if (!add_members(ctx, options, scores, &result)) {
        return;
    }
    const std::int64_t changes = result.added + result.moved;
    if (!options.increment) {
        ctx.reply.integer(options.count_changed ? changes : result.added);
    } else if (result.last_score.has_value()) {
        ctx.reply.real(*result.last_score);
    } else {
        ctx.reply.null();
    }
    if (changes > 0) {
        ctx.changed(ctx.arg(1), EventClass::kZset, options.increment ? "zincr" : "zadd", changes);
        ctx.mark_ready(ctx.arg(1));
    }
}

void do_zadd(Context& ctx) {
    AddOptions options;
    if (read_add_options(ctx, &options)) {
        add(ctx, options);
    }
}

void do_zincrby(Context& ctx) {
    AddOptions options;
    options.increment = true;
    add(ctx, options);
}

void do_zrem(Context& ctx) {
    const ByteView key = ctx.arg(1);
    ZsetValue* zset = nullptr;
    if (!ctx.find_write<ZsetValue>(key, &zset)) {
        return;
    }
    std::int64_t removed = 0;
    for (std::size_t i = 2; zset != nullptr && i < ctx.argc(); ++i) {
        removed += zset->remove(ctx.arg(i)) ? 1 : 0;
    }
    if (removed > 0) {
        ctx.changed(key, EventClass::kZset, "zrem", removed);
        ctx.drop_if_empty(key, *zset);
    }
    ctx.reply.integer(removed);
}

// Reading ---------------------------------------------------------------------------------------

void reply_score(Context& ctx, const ZsetValue* zset, ByteView member) {
    const auto score = zset == nullptr ? std::nullopt : zset->score(member);
    if (score.has_value()) {
        ctx.reply.real(*score);
    } else {
        ctx.reply.null();
    }
}

void do_zcard(Context& ctx) {
    ZsetValue* zset = nullptr;
    if (ctx.find_read<ZsetValue>(ctx.arg(1), &zset)) {
        ctx.reply.integer(zset == nullptr ? 0 : static_cast<std::int64_t>(zset->size()));
    }
}

void do_zscore(Context& ctx) {
    ZsetValue* zset = nullptr;
    if (ctx.find_read<ZsetValue>(ctx.arg(1), &zset)) {
        reply_score(ctx, zset, ctx.arg(2));
    }
}

void do_zmscore(Context& ctx) {
    ZsetValue* zset = nullptr;
    if (!ctx.find_read<ZsetValue>(ctx.arg(1), &zset)) {
        return;
    }
    ctx.reply.array(ctx.argc() - 2);
    for (std::size_t i = 2; i < ctx.argc(); ++i) {
        reply_score(ctx, zset, ctx.arg(i));
    }
}

void rank(Context& ctx, bool backwards) {
    ZsetValue* zset = nullptr;
    if (!ctx.find_read<ZsetValue>(ctx.arg(1), &zset)) {
        return;
    }
    const auto at = zset == nullptr ? std::nullopt : zset->rank(ctx.arg(2));
    if (at.has_value()) {
        ctx.reply.integer(static_cast<std::int64_t>(backwards ? zset->size() - 1 - *at : *at));
    } else {
        ctx.reply.null();
    }
}

void do_zrank(Context& ctx) {
    rank(ctx, false);
}

void do_zrevrank(Context& ctx) {
    rank(ctx, true);
}

void do_zrandmember(Context& ctx) {
    RandomRequest request;
    if (!read_random_request(ctx, "WITHSCORES", &request)) {
        return;
    }
    ZsetValue* zset = nullptr;
    if (!ctx.find_read<ZsetValue>(ctx.arg(1), &zset)) {
        return;
    }
    if (zset == nullptr) {
        request.counted ? ctx.reply.array(0) : ctx.reply.null();
    } else if (!request.counted) {
        ctx.reply.bulk(zset->random(ctx.random()).first.view());
    } else {
        reply_random_pairs<MemberPair>(
            ctx,
            *zset,
            request.count,
            request.both,
            [zset](auto f) { zset->visit(0, zset->size(), false, f); },
            [&ctx](const MemberPair& pair) { ctx.reply.real(pair.second); }
        );
    }
}

void do_zscan(Context& ctx) {
    ScanCursor cursor = 0;
    ZsetValue* zset = nullptr;
    if (!read_scan_cursor(ctx, 2, &cursor) || !ctx.find_read<ZsetValue>(ctx.arg(1), &zset)) {
        return;
    }
    if (zset == nullptr) {
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
    cursor = zset->scan(
        cursor,
        static_cast<std::size_t>(options.count),
        [&](const Element& member, double score) {
            if (options.matches(member.view())) {
                pairs.bulk(member.view());
                pairs.bulk(wire::format_double(score));
                found += 2;
            }
        }
    );
    ctx.reply.array(2);
    ctx.reply.bulk(std::to_string(cursor));
    ctx.reply.array(found);
    ctx.reply.raw(pairs.bytes());
}

// Taking out ------------------------------------------------------------------------------------

ByteView pop_name(bool highest) {
    return highest ? "ZPOPMAX" : "ZPOPMIN";
}

/// Writes `count` (at most size()) members with their scores, without a header, and removes them.
void take(
    Context& ctx,
    ByteView key,
    ZsetValue& zset,
    bool highest,
    std::size_t count,
    bool nested
) {
    const std::size_t size = zset.size();
    zset.visit(highest ? size - 1 : 0, count, highest, [&](const Element& member, double score) {
        if (nested) {
            ctx.reply.array(2);
        }
        ctx.reply.bulk(member.view());
        ctx.reply.real(score);
        return true;
    });
    zset.erase(highest ? size - count : 0, count);
    ctx.changed(
        key,
        EventClass::kZset,
        highest ? "zpopmax" : "zpopmin",
        static_cast<std::int64_t>(count)
    );
    ctx.drop_if_empty(key, zset);
}

std::size_t at_most(std::int64_t count, const ZsetValue& zset) {
    return static_cast<std::uint64_t>(count) < zset.size() ? static_cast<std::size_t>(count)
                                                           : zset.size();
}

void pop(Context& ctx, bool highest) {
    if (ctx.argc() > 3) {
        ctx.syntax_error();
        return;
    }
    const bool counted = ctx.argc() == 3;
    std::int64_t count = 1;
    if (counted && !ctx.integer_in(2, 0, kInt64Max, &count, kMustBePositive)) {
        return;
    }
    ZsetValue* zset = nullptr;
    if (!ctx.find_write<ZsetValue>(ctx.arg(1), &zset)) {
        return;
    }
    if (zset == nullptr || count == 0) {
        ctx.reply.array(0);
        return;
    }
    const bool nested = counted && ctx.reply.protocol() >= 3;
    const std::size_t taken = at_most(count, *zset);
    ctx.reply.array(nested ? taken : taken * 2);
    take(ctx, ctx.arg(1), *zset, highest, taken, nested);
}

void do_zpopmin(Context& ctx) {
    pop(ctx, false);
}

void do_zpopmax(Context& ctx) {
    pop(ctx, true);
}

void blocking_pop(Context& ctx, bool highest) {
    std::int64_t timeout_ms = 0;
    const std::size_t last = ctx.argc() - 1;
    if (!ctx.timeout(last, &timeout_ms)) {
        return;
    }
    for (std::size_t i = 1; i < last; ++i) {
        ZsetValue* zset = nullptr;
        if (!find_awaited(ctx, ctx.arg(i), &zset)) {
            return;
        }
        if (zset == nullptr) {
            continue;
        }
        ctx.reply.array(3);
        ctx.reply.bulk(ctx.arg(i));
        take(ctx, ctx.arg(i), *zset, highest, 1, false);
        ctx.propagate({pop_name(highest), ctx.arg(i)});
        return;
    }
    wait_for_keys(ctx, 1, last, timeout_ms);
}

void do_bzpopmin(Context& ctx) {
    blocking_pop(ctx, false);
}

void do_bzpopmax(Context& ctx) {
    blocking_pop(ctx, true);
}

/// `numkeys` at that index; see pop_from_many() for `timeout`.
void mpop(Context& ctx, std::size_t numkeys, std::size_t timeout) {
    PopFromMany request;
    if (!read_pop_from_many(ctx, numkeys, "MIN", "MAX", &request)) {
        return;
    }
    const bool highest = request.second;
    pop_from_many<ZsetValue>(ctx, request, timeout, [&](ByteView key, ZsetValue& zset) {
        const std::size_t count = at_most(request.count, zset);
        ctx.reply.array(2);
        ctx.reply.bulk(key);
        ctx.reply.array(count);
        take(ctx, key, zset, highest, count, true);
        ctx.propagate({pop_name(highest), key, std::to_string(count)});
    });
}

void do_zmpop(Context& ctx) {
    mpop(ctx, 1, 0);
}

void do_bzmpop(Context& ctx) {
    mpop(ctx, 2, 1);
}

}  // namespace

void add_zset_commands(HandlerTable& table) {
    table.add({
        {"zadd", do_zadd},
        {"zincrby", do_zincrby},
        {"zrem", do_zrem},
        {"zcard", do_zcard},
        {"zscore", do_zscore},
        {"zmscore", do_zmscore},
        {"zrank", do_zrank},
        {"zrevrank", do_zrevrank},
        {"zrandmember", do_zrandmember},
        {"zscan", do_zscan},
        {"zpopmin", do_zpopmin},
        {"zpopmax", do_zpopmax},
        {"bzpopmin", do_bzpopmin},
        {"bzpopmax", do_bzpopmax},
        {"zmpop", do_zmpop},
        {"bzmpop", do_bzmpop},
    });
}

}  // namespace kumo::kv
