// Lists: https://redis.io/commands/?group=list (Redis 7.0). What takes elements out of them is in
// list_pop_commands.cc.
#include "kv/command/handlers.h"
#include "kv/commands/count_argument.h"
#include "kv/types/list.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace kumo::kv {

namespace {

constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();

void reply_size(Context& ctx, const ListValue& list) {
    ctx.reply.integer(static_cast<std::int64_t>(list.size()));
}

/// An index of the list, negative ones from its end; nothing: there is no such element.
std::optional<std::size_t> resolve_index(std::int64_t index, const ListValue& list) {
    const auto size = static_cast<std::int64_t>(list.size());
    if (index < 0) {
        index += size;
    }
    if (index < 0 || index >= size) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(index);
}

void push(Context& ctx, bool front, bool only_if_present) {
    const ByteView key = ctx.arg(1);
    ListValue* list = nullptr;
    if (!ctx.find_write<ListValue>(key, &list)) {
        return;
    }
    if (list == nullptr) {
        if (only_if_present) {
            ctx.reply.integer(0);
            return;
        }
        (void)ctx.find_or_make<ListValue>(key, &list);
    }
    for (std::size_t i = 2; i < ctx.argc(); ++i) {
        if (front) {
            list->push_front(ctx.arg(i), ctx.limits());
        } else {
            list->push_back(ctx.arg(i), ctx.limits());
        }
    }
    reply_size(ctx, *list);
    ctx.changed(
        key,
        EventClass::kList,
        front ? "lpush" : "rpush",
        static_cast<std::int64_t>(ctx.argc() - 2)
    );
    ctx.mark_ready(key);
}

void do_lpush(Context& ctx) {
    push(ctx, true, false);
}

void do_rpush(Context& ctx) {
    push(ctx, false, false);
}

void do_lpushx(Context& ctx) {
    push(ctx, true, true);
}

void do_rpushx(Context& ctx) {
    push(ctx, false, true);
}

void do_llen(Context& ctx) {
    ListValue* list = nullptr;
    if (ctx.find_read<ListValue>(ctx.arg(1), &list)) {
        ctx.reply.integer(list == nullptr ? 0 : static_cast<std::int64_t>(list->size()));
    }
}

void do_lindex(Context& ctx) {
    ListValue* list = nullptr;
    std::int64_t index = 0;
    if (!ctx.find_read<ListValue>(ctx.arg(1), &list)) {
        return;
    }
    if (list == nullptr) {
        ctx.reply.null();
        return;
    }
    if (!ctx.integer(2, &index)) {
        return;
    }
    const std::optional<std::size_t> at = resolve_index(index, *list);
    if (at.has_value()) {
        ctx.reply.bulk(list->at(*at).view());
    } else {
        ctx.reply.null();
    }
}

void do_lset(Context& ctx) {
    const ByteView key = ctx.arg(1);
    ListValue* list = nullptr;
    std::int64_t index = 0;
    if (!ctx.find_write<ListValue>(key, &list)) {
        return;
    }
    if (list == nullptr) {
        ctx.error(kNoSuchKey);
        return;
    }
    if (!ctx.integer(2, &index)) {
        return;
    }
    const std::optional<std::size_t> at = resolve_index(index, *list);
    if (!at.has_value()) {
        ctx.error(kOutOfRange);
        return;
    }
    list->set(*at, ctx.arg(3), ctx.limits());
    ctx.reply.ok();
    ctx.changed(key, EventClass::kList, "lset");
}

void do_lrange(Context& ctx) {
    std::int64_t start = 0;
    std::int64_t stop = 0;
    ListValue* list = nullptr;
    if (!ctx.integer(2, &start) || !ctx.integer(3, &stop)
        || !ctx.find_read<ListValue>(ctx.arg(1), &list)) {
        return;
    }
    if (list == nullptr) {
        ctx.reply.array(0);
        return;
    }
    const IndexRange range = resolve_range(start, stop, list->size());
    ctx.reply.array(range.count);
    list->visit(range.first, range.count, false, [&ctx](const Element& element) {
        ctx.reply.bulk(element.view());
        return true;
    });
}

void do_ltrim(Context& ctx) {
    const ByteView key = ctx.arg(1);
    std::int64_t start = 0;
    std::int64_t stop = 0;
    ListValue* list = nullptr;
    if (!ctx.integer(2, &start) || !ctx.integer(3, &stop)
        || !ctx.find_write<ListValue>(key, &list)) {
        return;
    }
    if (list != nullptr) {
        const std::size_t size = list->size();
        const IndexRange kept = resolve_range(start, stop, size);
        list->erase(kept.first + kept.count, size);
        list->erase(0, kept.first);
        ctx.changed(key, EventClass::kList, "ltrim", static_cast<std::int64_t>(size - kept.count));
        ctx.drop_if_empty(key, *list);
    }
    ctx.reply.ok();
}

void do_lrem(Context& ctx) {
    const ByteView key = ctx.arg(1);
    std::int64_t count = 0;
    ListValue* list = nullptr;
    if (!ctx.integer(2, &count) || !ctx.find_write<ListValue>(key, &list)) {
        return;
    }
    count = std::max(count, -kInt64Max);  // So that it has an opposite.
    std::size_t removed = 0;
    if (list != nullptr) {
        const bool from_back = count < 0;
        std::size_t most = list->size();
        if (count != 0) {
            most = std::min(most, static_cast<std::size_t>(from_back ? -count : count));
        }
        removed = list->remove_equal(ctx.arg(3), most, from_back);
    }
    if (removed > 0) {
        ctx.changed(key, EventClass::kList, "lrem", static_cast<std::int64_t>(removed));
        ctx.drop_if_empty(key, *list);
    }
    ctx.reply.integer(static_cast<std::int64_t>(removed));
}

void do_linsert(Context& ctx) {
    const ByteView key = ctx.arg(1);
    const bool after = ctx.arg_is(2, "AFTER");
    if (!after && !ctx.arg_is(2, "BEFORE")) {
        ctx.syntax_error();
        return;
    }
    ListValue* list = nullptr;
    if (!ctx.find_write<ListValue>(key, &list)) {
        return;
    }
    if (list == nullptr) {
        ctx.reply.integer(0);
        return;
    }
    const std::optional<std::size_t> at = list->find(ctx.arg(3), 0, false, list->size());
    if (!at.has_value()) {
        ctx.reply.integer(-1);
        return;
    }
    list->insert(*at + (after ? 1 : 0), ctx.arg(4), ctx.limits());
    ctx.changed(key, EventClass::kList, "linsert");
    reply_size(ctx, *list);
}

// LPOS ------------------------------------------------------------------------------------------

struct PositionOptions {
    std::int64_t rank = 1;
    std::int64_t count = -1;  ///< -1: not given, the answer is one position; 0: all.
    std::int64_t most = 0;    ///< Elements looked at; 0: all.
};

bool read_position_options(Context& ctx, PositionOptions* options) {
    for (std::size_t i = 3; i < ctx.argc(); i += 2) {
        const bool more = i + 1 < ctx.argc();
        if (more && ctx.arg_is(i, "RANK")) {
            if (!read_signed_count(ctx, i + 1, &options->rank)) {
                return false;
            }
            if (options->rank == 0) {
                ctx.error(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the "
                    "second ... or use negative to start from the end of the list"
                );
                return false;
            }
        } else if (more && ctx.arg_is(i, "COUNT")) {
            if (!ctx.integer_in(
                    i + 1,
                    0,
                    kInt64Max,
                    &options->count,
                    "ERR COUNT can't be negative"
                )) {
                return false;
            }
        } else if (more && ctx.arg_is(i, "MAXLEN")) {
            if (!ctx.integer_in(
                    i + 1,
                    0,
                    kInt64Max,
                    &options->most,
                    "ERR MAXLEN can't be negative"
                )) {
                return false;
            }
        } else {
            ctx.syntax_error();
            return false;
        }
    }
    return true;
}

/// The positions asked for, in the order in which they are met.
std::vector<std::size_t>
positions(const ListValue& list, ByteView wanted, const PositionOptions& options) {
    std::vector<std::size_t> found;
    const std::size_t size = list.size();
    const bool backwards = options.rank < 0;
    const auto limit = static_cast<std::size_t>(std::max<std::int64_t>(options.count, 0));
    const std::size_t wanted_count = options.count < 0 ? 1 : limit == 0 ? size : limit;
    std::int64_t to_skip = (backwards ? -options.rank : options.rank) - 1;
    std::size_t left =
        options.most == 0 ? size : std::min(size, static_cast<std::size_t>(options.most));
    std::size_t from = backwards && size > 0 ? size - 1 : 0;
    while (left > 0 && found.size() < wanted_count) {
        const std::optional<std::size_t> at = list.find(wanted, from, backwards, left);
        if (!at.has_value()) {
            break;
        }
        if (to_skip > 0) {
            --to_skip;
        } else {
            found.push_back(*at);
        }
        const std::size_t looked_at = (backwards ? from - *at : *at - from) + 1;
        left -= looked_at;
        from = backwards ? *at - 1 : *at + 1;  // Not used when nothing is left.
    }
    return found;
}

void do_lpos(Context& ctx) {
    PositionOptions options;
    ListValue* list = nullptr;
    if (!read_position_options(ctx, &options) || !ctx.find_read<ListValue>(ctx.arg(1), &list)) {
        return;
    }
    std::vector<std::size_t> found;
    if (list != nullptr) {
        found = positions(*list, ctx.arg(2), options);
    }
    if (options.count >= 0) {
        ctx.reply.array(found.size());
        for (const std::size_t at : found) {
            ctx.reply.integer(static_cast<std::int64_t>(at));
        }
    } else if (found.empty()) {
        ctx.reply.null();
    } else {
        ctx.reply.integer(static_cast<std::int64_t>(found.front()));
    }
}

}  // namespace

void add_list_commands(HandlerTable& table) {
    table.add({
        {"lpush", do_lpush},
        {"rpush", do_rpush},
        {"lpushx", do_lpushx},
        {"rpushx", do_rpushx},
        {"llen", do_llen},
        {"lindex", do_lindex},
        {"lset", do_lset},
        {"lrange", do_lrange},
        {"ltrim", do_ltrim},
        {"lrem", do_lrem},
        {"linsert", do_linsert},
        {"lpos", do_lpos},
    });
}

}  // namespace kumo::kv
