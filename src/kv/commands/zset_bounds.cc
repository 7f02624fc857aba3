#include "kv/commands/zset_bounds.h"

#include "kv/commands/count_argument.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

namespace kumo::kv {

bool ZsetBounds::read_score(ByteView text, Bound* out) {
    out->inclusive = text.empty() || text.front() != '(';
    const std::string digits(out->inclusive ? text : text.substr(1));
    char* end = nullptr;
    out->score = std::strtod(digits.c_str(), &end);
    return *end == '\0' && !std::isnan(out->score);
}

bool ZsetBounds::read_member(ByteView text, Bound* out) {
    if (text == "-" || text == "+") {
        out->edge = text == "-" ? Edge::kLowest : Edge::kHighest;
        return true;
    }
    if (text.empty() || (text.front() != '(' && text.front() != '[')) {
        return false;
    }
    out->inclusive = text.front() == '[';
    out->member = text.substr(1);
    return true;
}

bool ZsetBounds::read(Context& ctx, RangeBy by, std::size_t low, std::size_t high) {
    by_ = by;
    if (by == RangeBy::kRank) {
        return ctx.integer(low, &start_) && ctx.integer(high, &stop_);
    }
    if (by == RangeBy::kScore) {
        if (!read_score(ctx.arg(low), &low_) || !read_score(ctx.arg(high), &high_)) {
            ctx.error("ERR min or max is not a float");
            return false;
        }
        return true;
    }
    if (!read_member(ctx.arg(low), &low_) || !read_member(ctx.arg(high), &high_)) {
        ctx.error("ERR min or max not valid string range item");
        return false;
    }
    return true;
}

std::size_t ZsetBounds::below(const ZsetValue& zset, const Bound& bound, bool inclusive) const {
    if (bound.edge != Edge::kValue) {
        return bound.edge == Edge::kLowest ? 0 : zset.size();
    }
    return by_ == RangeBy::kScore ? zset.count_below(bound.score, inclusive)
                                  : zset.count_below(bound.member, inclusive);
}

RankRange ZsetBounds::resolve(const ZsetValue& zset, bool backwards) const {
    if (by_ == RangeBy::kRank) {
        const IndexRange range = resolve_range(start_, stop_, zset.size());
        if (backwards) {
            const std::size_t last = zset.size() - range.first;
            return {last - range.count, last};
        }
        return {range.first, range.first + range.count};
    }
    const std::size_t first = below(zset, low_, !low_.inclusive);
    return {first, std::max(first, below(zset, high_, high_.inclusive))};
}

}  // namespace kumo::kv
