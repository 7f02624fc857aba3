#include "kv/commands/count_argument.h"

#include "kv/keyspace/number.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace kumo::kv {

bool read_signed_count(Context& ctx, std::size_t index, std::int64_t* out) {
    if (!ctx.integer(index, out)) {
        return false;
    }
    if (*out == std::numeric_limits<std::int64_t>::min()) {
        ctx.error(
            "ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807"
        );
        return false;
    }
    return true;
}

bool read_counted_keys(Context& ctx, std::size_t index, std::size_t* after) {
    std::int64_t count = 0;
    if (!ctx.integer_in(
            index,
            1,
            std::numeric_limits<std::int64_t>::max(),
            &count,
            "ERR numkeys should be greater than 0"
        )) {
        return false;
    }
    // At least one argument must be left behind the keys.
    if (static_cast<std::uint64_t>(count) >= ctx.argc() - index - 1) {
        ctx.syntax_error();
        return false;
    }
    *after = index + 1 + static_cast<std::size_t>(count);
    return true;
}

bool read_pop_count(Context& ctx, std::size_t index, std::int64_t* count) {
    *count = 1;
    bool given = false;
    for (std::size_t i = index; i < ctx.argc(); i += 2) {
        if (given || !ctx.arg_is(i, "COUNT") || i + 1 >= ctx.argc()) {
            ctx.syntax_error();
            return false;
        }
        if (!ctx.integer_in(
                i + 1,
                1,
                std::numeric_limits<std::int64_t>::max(),
                count,
                "ERR count should be greater than 0"
            )) {
            return false;
        }
        given = true;
    }
    return true;
}

bool read_pop_from_many(
    Context& ctx,
    std::size_t numkeys,
    ByteView first_word,
    ByteView second_word,
    PopFromMany* out
) {
    out->first = numkeys + 1;
    if (!read_counted_keys(ctx, numkeys, &out->last)) {
        return false;
    }
    out->second = ctx.arg_is(out->last, second_word);
    if (!out->second && !ctx.arg_is(out->last, first_word)) {
        ctx.syntax_error();
        return false;
    }
    return read_pop_count(ctx, out->last + 1, &out->count);
}

IndexRange resolve_range(std::int64_t start, std::int64_t stop, std::size_t size) {
    const auto length = static_cast<std::int64_t>(size);
    if (start < 0) {
        start = std::max<std::int64_t>(start + length, 0);
    }
    if (stop < 0) {
        stop += length;
    }
    if (start > stop || start >= length) {
        return {};
    }
    stop = std::min(stop, length - 1);
    return {static_cast<std::size_t>(start), static_cast<std::size_t>(stop - start + 1)};
}

void wait_for_keys(Context& ctx, std::size_t first, std::size_t last, std::int64_t timeout_ms) {
    if (!ctx.may_block()) {
        ctx.reply.null_array();
        return;
    }
    BlockRequest request;
    request.timeout_ms = timeout_ms;
    for (std::size_t i = first; i < last; ++i) {
        request.keys.emplace_back(ctx.arg(i));
    }
    ctx.block(std::move(request));
}

}  // namespace kumo::kv
