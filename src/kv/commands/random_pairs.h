#pragma once

#include "kv/command/context.h"
#include "kv/commands/count_argument.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace kumo::kv {

/// What one answer of random members may take: a client could ask for any number of them.
inline constexpr std::size_t kRandomReplyBytesMax = std::size_t{1} << 30U;

/// Visits `count` (at most collection.size()) different pairs of a collection, in any order.
/// `visit_all(f)` gives f every pair.
template <typename Pair, typename Collection, typename VisitAll, typename Emit>
void sample_pairs(
    Random& random,
    const Collection& collection,
    std::size_t count,
    VisitAll visit_all,
    Emit emit
) {
    const std::size_t size = collection.size();
    if (count * 3 < size) {
        std::unordered_set<std::string> seen;
        while (seen.size() < count) {
            const Pair pair = collection.random(random);
            if (seen.emplace(pair.first.view()).second) {
                emit(pair);
            }
        }
        return;
    }
    std::vector<Pair> pairs;
    pairs.reserve(size);
    visit_all([&pairs](const auto& first, const auto& second) {
        pairs.emplace_back(first, second);
        return true;
    });
    for (std::size_t i = 0; i < count; ++i) {
        if (count < size) {
            std::swap(pairs[i], pairs[i + random.below(size - i)]);
        }
        emit(pairs[i]);
    }
}

/// `key [count [<both_word>]]`.
struct RandomRequest {
    bool counted = false;
    bool both = false;
    std::int64_t count = 0;
};

/// False: the error has been written.
inline bool read_random_request(Context& ctx, ByteView both_word, RandomRequest* out) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 2;
    out->counted = ctx.argc() >= 3;
    out->both = ctx.argc() == 4;
    if (out->counted && !read_signed_count(ctx, 2, &out->count)) {
        return false;
    }
    if (ctx.argc() > 4 || (out->both && !ctx.arg_is(3, both_word))) {
        ctx.syntax_error();
        return false;
    }
    if (out->both && (out->count < -kMost || out->count > kMost)) {
        ctx.error("ERR value is out of range");
        return false;
    }
    return true;
}

/// HRANDFIELD's and ZRANDMEMBER's answer with a count: different pairs if it is positive, else any,
/// as many as asked for. `write_second(pair)` writes a pair's other half.
template <typename Pair, typename Collection, typename VisitAll, typename WriteSecond>
void reply_random_pairs(
    Context& ctx,
    const Collection& collection,
    std::int64_t count,
    bool both,
    VisitAll visit_all,
    WriteSecond write_second
) {
    const bool nested = both && ctx.reply.protocol() >= 3;
    const std::size_t mark = ctx.reply.mark();
    const auto emit = [&](const Pair& pair) {
        if (nested) {
            ctx.reply.array(2);
        }
        ctx.reply.bulk(pair.first.view());
        if (both) {
            write_second(pair);
        }
    };
    const std::size_t each = both && !nested ? 2 : 1;
    if (count >= 0) {
        const std::size_t size = collection.size();
        const std::size_t wanted =
            static_cast<std::uint64_t>(count) < size ? static_cast<std::size_t>(count) : size;
        ctx.reply.array(wanted * each);
        sample_pairs<Pair>(ctx.random(), collection, wanted, visit_all, emit);
        return;
    }
    ctx.reply.array(static_cast<std::size_t>(-count) * each);
    for (std::int64_t i = count; i < 0; ++i) {
        emit(collection.random(ctx.random()));
        if (ctx.reply.mark() - mark > kRandomReplyBytesMax) {
            ctx.reply.rewind(mark);
            ctx.error("ERR value is out of range");
            return;
        }
    }
}

}  // namespace kumo::kv
