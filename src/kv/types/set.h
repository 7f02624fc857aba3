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
#include <string>

namespace kumo::kv {

namespace internal {
class MemberTable;
}  // namespace internal

/// A set: a sorted array of integers ("intset") while all are integers and few, else what is called
/// "hashtable": in truth one packed block while there are few and short members, then a hash table.
///
/// The order of iteration follows from the seed and the history alone, so that copies that applied
/// the same operations give the same answers.
///
/// Thread rule: as kv::Value.
class SetValue final : public Value {
public:
    static constexpr Type kType = Type::kSet;

    SetValue();
    ~SetValue() override;

    Type type() const override { return kType; }

    std::string_view encoding() const override;
    std::size_t size() const override;
    std::size_t memory_bytes() const override;
    std::unique_ptr<Value> copy() const override;

    /// True if it was not there.
    bool add(ByteView member, const EncodingLimits& limits);
    /// True if it was there.
    bool remove(ByteView member);
    bool contains(ByteView member) const;

    /// Every member; the visitor gives false to stop. It must not change the set.
    void visit(FunctionRef<bool(const Element&)> visitor) const;

    /// One step of a scan: visits some members, at least about `count` if there are so many, and
    /// gives the cursor to go on from; 0 is the beginning and the end. A member that is there
    /// during the whole scan is visited at least once, whatever changes meanwhile. A small set is
    /// given at once.
    std::uint64_t
    scan(std::uint64_t cursor, std::size_t count, FunctionRef<void(const Element&)> visitor) const;

    /// One of the members, each as likely as any. REQUIRES size() > 0.
    Element random(Random& random) const;

private:
    SetValue(const SetValue& other);

    bool is_integers() const;
    bool add_integer(std::int64_t value, const EncodingLimits& limits);
    bool add_text(ByteView member, const EncodingLimits& limits);
    void integers_to_text();
    void to_table(std::uint64_t seed);

    internal::PackedOr<internal::MemberTable> rep_;
};

}  // namespace kumo::kv
