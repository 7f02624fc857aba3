#pragma once

#include "kv/command/context.h"

#include <cstddef>
#include <cstdint>

namespace kumo::kv {

inline constexpr ByteView kMustBePositive = "ERR value is out of range, must be positive";

/// A count whose sign says something, so that it must have an opposite: not the smallest number.
/// False: the error has been written.
bool read_signed_count(Context& ctx, std::size_t index, std::int64_t* out);

/// `numkeys key [key ...]` at `index`, and `*after`, the index of what follows the keys, which must
/// exist; as LMPOP and ZMPOP have it. False: the error has been written.
bool read_counted_keys(Context& ctx, std::size_t index, std::size_t* after);

/// `[COUNT n]` from `index` to the end, 1 if it is not there. False: the error has been written.
bool read_pop_count(Context& ctx, std::size_t index, std::int64_t* count);

/// The indexes `start` and `stop` with both ends, negative ones from the end, brought into a
/// sequence of `size` elements.
struct IndexRange {
    std::size_t first = 0;
    std::size_t count = 0;
};

IndexRange resolve_range(std::int64_t start, std::int64_t stop, std::size_t size);

/// For a command that waits for one of keys: as find_write(), but when it runs again, a key that
/// holds something else counts as absent.
template <typename V>
bool find_awaited(Context& ctx, ByteView key, V** out) {
    if (ctx.resumed()) {
        Entry* entry = ctx.lookup_write(key);
        const bool fits = entry != nullptr && entry->type() == V::kType;
        *out = fits ? &static_cast<V&>(entry->value()) : nullptr;
        return true;
    }
    return ctx.find_write<V>(key, out);
}

/// Waits for the arguments [first, last) as keys; where it cannot, answers as after a timeout.
void wait_for_keys(Context& ctx, std::size_t first, std::size_t last, std::int64_t timeout_ms);

/// `numkeys key [key ...] <first|second> [COUNT n]`: LMPOP, ZMPOP and their waiting forms.
struct PopFromMany {
    std::size_t first = 0;  ///< Of the keys.
    std::size_t last = 0;   ///< After them.
    bool second = false;    ///< The second of the two words stood there.
    std::int64_t count = 1;
};

/// Such a command, with `numkeys` at that index. `pop(key, value)` answers and propagates what it
/// took from a value that is not empty. `timeout`: the index of the waiting form's, 0 if it does
/// not wait.
template <typename V, typename Pop>
void pop_from_many(Context& ctx, const PopFromMany& request, std::size_t timeout, Pop pop) {
    std::int64_t timeout_ms = 0;
    if (timeout != 0 && !ctx.timeout(timeout, &timeout_ms)) {
        return;
    }
    for (std::size_t i = request.first; i < request.last; ++i) {
        V* value = nullptr;
        if (!find_awaited(ctx, ctx.arg(i), &value)) {
            return;
        }
        if (value != nullptr) {
            pop(ctx.arg(i), *value);
            return;
        }
    }
    if (timeout != 0) {
        wait_for_keys(ctx, request.first, request.last, timeout_ms);
    } else {
        ctx.reply.null_array();
    }
}

/// False: the error has been written.
bool read_pop_from_many(
    Context& ctx,
    std::size_t numkeys,
    ByteView first_word,
    ByteView second_word,
    PopFromMany* out
);

}  // namespace kumo::kv
