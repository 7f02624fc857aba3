#pragma once

#include "base/bytes.h"
#include "base/random.h"
#include "kv/types/element.h"
#include "kv/types/encoding_limits.h"
#include "kv/types/function_ref.h"
#include "kv/types/internal/packed_or.h"
#include "kv/types/value.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace kumo::kv {

namespace internal {
class RankedTable;
}  // namespace internal

/// A sorted set: members in the order of (score, bytes). One packed block while small ("listpack"),
/// then a hash table and a counted B+-tree over the same entries ("skiplist" is what it is called).
///
/// Every range is a range of ranks: count_below() turns bounds of scores or of members into ranks
/// in O(log n), visit() and erase() work on ranks.
///
/// Thread rule: as kv::Value.
class ZsetValue final : public Value {
public:
    static constexpr Type kType = Type::kZset;

    enum class Outcome : std::uint8_t {
        kAdded,
        kMoved,  ///< It was there with another score.
        kSame,
    };

    ZsetValue();
    ~ZsetValue() override;

    Type type() const override { return kType; }

    std::string_view encoding() const override;
    std::size_t size() const override;
    std::size_t memory_bytes() const override;
    std::unique_ptr<Value> copy() const override;

    /// Adds the member or gives it another score. REQUIRES that score is a number (not NaN).
    Outcome set(ByteView member, double score, const EncodingLimits& limits);
    /// True if it was there.
    bool remove(ByteView member);
    std::optional<double> score(ByteView member) const;
    /// Members before it.
    std::optional<std::size_t> rank(ByteView member) const;

    /// How many scores are less than `score` (`inclusive`: or equal).
    std::size_t count_below(double score, bool inclusive) const;
    /// How many members are less than `member` (`inclusive`: or equal), by bytes: of use when all
    /// have the same score.
    std::size_t count_below(ByteView member, bool inclusive) const;

    /// Visits up to `count` members from the rank `first` on, towards lower ranks if `backwards`
    /// (then the first one visited is `first` as well). The visitor gives false to stop; it must
    /// not change the set.
    void visit(
        std::size_t first,
        std::size_t count,
        bool backwards,
        FunctionRef<bool(const Element&, double)> visitor
    ) const;

    /// Removes the ranks [first, first + count), as far as they exist.
    void erase(std::size_t first, std::size_t count);

    /// REQUIRES rank < size().
    std::pair<Element, double> at(std::size_t rank) const;

    /// One of the members, each as likely as any. REQUIRES size() > 0.
    std::pair<Element, double> random(Random& random) const;

    /// As SetValue::scan().
    std::uint64_t scan(
        std::uint64_t cursor,
        std::size_t count,
        FunctionRef<void(const Element&, double)> visitor
    ) const;

    /// What ZUNIONSTORE's like does with its result: the small form if it fits, else the large one.
    /// (A set that shrinks by removal stays large.)
    void convert_to_small_if_fits(const EncodingLimits& limits);

private:
    ZsetValue(const ZsetValue& other);

    void to_table(std::uint64_t seed);

    internal::PackedOr<internal::RankedTable> rep_;
};

}  // namespace kumo::kv
