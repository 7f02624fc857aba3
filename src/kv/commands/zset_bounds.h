#pragma once

#include "kv/command/context.h"
#include "kv/types/zset.h"

#include <cstddef>
#include <cstdint>

namespace kumo::kv {

/// What the two bounds of a range of a sorted set are.
enum class RangeBy : std::uint8_t {
    kRank,
    kScore,
    kMember
};

/// Ranks [first, last) of a sorted set.
struct RankRange {
    std::size_t first = 0;
    std::size_t last = 0;

    std::size_t size() const { return last - first; }
};

/// The two bounds, before there is a set to apply them to.
class ZsetBounds {
public:
    /// From two arguments. False: the error has been written.
    bool read(Context& ctx, RangeBy by, std::size_t low, std::size_t high);

    /// The lowest rank first. `backwards`: bounds that are ranks count from the highest member.
    RankRange resolve(const ZsetValue& zset, bool backwards) const;

private:
    enum class Edge : std::uint8_t {
        kValue,
        kLowest,
        kHighest
    };

    struct Bound {
        Edge edge = Edge::kValue;
        bool inclusive = true;
        double score = 0;
        ByteView member;
    };

    static bool read_score(ByteView text, Bound* out);
    static bool read_member(ByteView text, Bound* out);
    std::size_t below(const ZsetValue& zset, const Bound& bound, bool inclusive) const;

    RangeBy by_ = RangeBy::kRank;
    Bound low_;
    Bound high_;
    std::int64_t start_ = 0;
    std::int64_t stop_ = 0;
};

}  // namespace kumo::kv
