// What takes elements out of lists, at once or waiting for them (Redis 7.0). A command that may
// wait reaches replicas and logs as the one that does not.
#include "kv/command/handlers.h"
#include "kv/commands/count_argument.h"
#include "kv/types/list.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace kumo::kv {

namespace {

enum class End : bool {
    kFront,
    kBack
};

bool read_end(Context& ctx, std::size_t index, End* end) {
    if (ctx.arg_is(index, "LEFT")) {
        *end = End::kFront;
    } else if (ctx.arg_is(index, "RIGHT")) {
        *end = End::kBack;
    } else {
        ctx.syntax_error();
        return false;
    }
    return true;
}

ByteView end_name(End end) {
    return end == End::kFront ? "LEFT" : "RIGHT";
}

ByteView pop_name(End end) {
    return end == End::kFront ? "LPOP" : "RPOP";
}

/// Requires: the list is not empty.
std::string take(ListValue& list, End end) {
    return (end == End::kFront ? list.pop_front() : list.pop_back()).value_or("");
}

/// Tells that elements were taken; a list that became empty goes.
void tell_taken(Context& ctx, ByteView key, const ListValue& list, End end, std::size_t count) {
    ctx.changed(
        key,
        EventClass::kList,
        end == End::kFront ? "lpop" : "rpop",
        static_cast<std::int64_t>(count)
    );
    ctx.drop_if_empty(key, list);
}

/// Answers with up to `most` elements as an array, and removes them. Returns how many.
std::size_t take_many(Context& ctx, ByteView key, ListValue& list, End end, std::int64_t most) {
    const std::size_t size = list.size();
    const std::size_t count =
        static_cast<std::uint64_t>(most) < size ? static_cast<std::size_t>(most) : size;
    const bool front = end == End::kFront;
    ctx.reply.array(count);
    list.visit(front ? 0 : size - 1, count, !front, [&ctx](const Element& element) {
        ctx.reply.bulk(element.view());
        return true;
    });
    list.erase(front ? 0 : size - count, count);
    tell_taken(ctx, key, list, end, count);
    return count;
}

void pop(Context& ctx, End end) {
    const ByteView key = ctx.arg(1);
    const bool counted = ctx.argc() == 3;
    std::int64_t count = 0;
    if (ctx.argc() > 3) {
        ctx.wrong_arguments();
        return;
    }
    if (counted
        && !ctx.integer_in(
            2,
            0,
            std::numeric_limits<std::int64_t>::max(),
            &count,
            kMustBePositive
        )) {
        return;
    }
    ListValue* list = nullptr;
    if (!ctx.find_write<ListValue>(key, &list)) {
        return;
    }
    if (list == nullptr) {
        counted ? ctx.reply.null_array() : ctx.reply.null();
    } else if (!counted) {
        ctx.reply.bulk(take(*list, end));
        tell_taken(ctx, key, *list, end, 1);
    } else if (count == 0) {
        ctx.reply.array(0);
    } else {
        take_many(ctx, key, *list, end, count);
    }
}

void do_lpop(Context& ctx) {
    pop(ctx, End::kFront);
}

void do_rpop(Context& ctx) {
    pop(ctx, End::kBack);
}

void blocking_pop(Context& ctx, End end) {
    std::int64_t timeout_ms = 0;
    const std::size_t last = ctx.argc() - 1;
    if (!ctx.timeout(last, &timeout_ms)) {
        return;
    }
    for (std::size_t i = 1; i < last; ++i) {
        const ByteView key = ctx.arg(i);
        ListValue* list = nullptr;
        if (!find_awaited(ctx, key, &list)) {
            return;
        }
        if (list == nullptr) {
            continue;
        }
        ctx.reply.array(2);
        ctx.reply.bulk(key);
        ctx.reply.bulk(take(*list, end));
        tell_taken(ctx, key, *list, end, 1);
        ctx.propagate({pop_name(end), key});
        return;
    }
    wait_for_keys(ctx, 1, last, timeout_ms);
}

void do_blpop(Context& ctx) {
    blocking_pop(ctx, End::kFront);
}

void do_brpop(Context& ctx) {
    blocking_pop(ctx, End::kBack);
}

// From one list to another ----------------------------------------------------------------------

struct Move {
    End from = End::kBack;
    End to = End::kFront;
};

/// Moves an element of `list`, which is not empty, from the key argument 1 to argument 2. False:
/// that holds something else; the error has been written.
bool move_element(Context& ctx, ListValue& list, Move move) {
    const ByteView source = ctx.arg(1);
    const ByteView destination = ctx.arg(2);
    ListValue* target = nullptr;
    if (!ctx.find_or_make<ListValue>(destination, &target)) {
        return false;
    }
    const std::string element = take(list, move.from);
    if (move.to == End::kFront) {
        target->push_front(element, ctx.limits());
    } else {
        target->push_back(element, ctx.limits());
    }
    ctx.changed(destination, EventClass::kList, move.to == End::kFront ? "lpush" : "rpush", 0);
    ctx.mark_ready(destination);
    ctx.reply.bulk(element);
    tell_taken(ctx, source, list, move.from, 1);
    return true;
}

void move_now(Context& ctx, Move move) {
    ListValue* list = nullptr;
    if (!ctx.find_write<ListValue>(ctx.arg(1), &list)) {
        return;
    }
    if (list == nullptr) {
        ctx.reply.null();
        return;
    }
    move_element(ctx, *list, move);
}

void do_lmove(Context& ctx) {
    Move move;
    if (read_end(ctx, 3, &move.from) && read_end(ctx, 4, &move.to)) {
        move_now(ctx, move);
    }
}

void do_rpoplpush(Context& ctx) {
    move_now(ctx, {End::kBack, End::kFront});
}

/// True: the element has been moved, and the caller says how that is propagated.
bool move_waiting(Context& ctx, Move move, std::int64_t timeout_ms) {
    ListValue* list = nullptr;
    if (!find_awaited(ctx, ctx.arg(1), &list)) {
        return false;
    }
    if (list != nullptr) {
        return move_element(ctx, *list, move);
    }
    if (ctx.may_block()) {
        wait_for_keys(ctx, 1, 2, timeout_ms);
    } else {
        ctx.reply.null();
    }
    return false;
}

void do_blmove(Context& ctx) {
    Move move;
    std::int64_t timeout_ms = 0;
    if (!read_end(ctx, 3, &move.from) || !read_end(ctx, 4, &move.to)
        || !ctx.timeout(5, &timeout_ms)) {
        return;
    }
    if (move_waiting(ctx, move, timeout_ms)) {
        ctx.propagate({"LMOVE", ctx.arg(1), ctx.arg(2), end_name(move.from), end_name(move.to)});
    }
}

void do_brpoplpush(Context& ctx) {
    std::int64_t timeout_ms = 0;
    if (ctx.timeout(3, &timeout_ms) && move_waiting(ctx, {End::kBack, End::kFront}, timeout_ms)) {
        ctx.propagate({"RPOPLPUSH", ctx.arg(1), ctx.arg(2)});
    }
}

// From the first of several lists ---------------------------------------------------------------

/// `numkeys` at that index; see pop_from_many() for `timeout`.
void mpop(Context& ctx, std::size_t numkeys, std::size_t timeout) {
    PopFromMany request;
    if (!read_pop_from_many(ctx, numkeys, "LEFT", "RIGHT", &request)) {
        return;
    }
    const End end = request.second ? End::kBack : End::kFront;
    pop_from_many<ListValue>(ctx, request, timeout, [&](ByteView key, ListValue& list) {
        ctx.reply.array(2);
        ctx.reply.bulk(key);
        const std::size_t count = take_many(ctx, key, list, end, request.count);
        ctx.propagate({pop_name(end), key, std::to_string(count)});
    });
}

void do_lmpop(Context& ctx) {
    mpop(ctx, 1, 0);
}

void do_blmpop(Context& ctx) {
    mpop(ctx, 2, 1);
}

}  // namespace

void add_list_pop_commands(HandlerTable& table) {
    table.add({
        {"lpop", do_lpop},
        {"rpop", do_rpop},
        {"blpop", do_blpop},
        {"brpop", do_brpop},
        {"lmove", do_lmove},
        {"rpoplpush", do_rpoplpush},
        {"blmove", do_blmove},
        {"brpoplpush", do_brpoplpush},
        {"lmpop", do_lmpop},
        {"blmpop", do_blmpop},
    });
}

}  // namespace kumo::kv
