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
#include <string>
#include <utility>

namespace kumo::kv {

namespace internal {
class FieldTable;
}  // namespace internal

/// A hash: one packed block of fields and values in the order they were added ("listpack"), then a
/// hash table ("hashtable"). The order of iteration follows from the seed and the history alone.
///
/// Thread rule: as kv::Value.
class HashValue final : public Value {
public:
    static constexpr Type kType = Type::kHash;

    HashValue();
    ~HashValue() override;

    Type type() const override { return kType; }

    std::string_view encoding() const override;
    std::size_t size() const override;
    std::size_t memory_bytes() const override;
    std::unique_ptr<Value> copy() const override;

    /// What a command is about to write decides the form beforehand, as in Redis: if one of the
    /// texts is too long for the small form, the hash is converted even if it is not written in the
    /// end.
    void make_room_for(ByteView text, const EncodingLimits& limits);

    /// True if the field is new. Calls make_room_for() for both.
    bool set(ByteView field, ByteView value, const EncodingLimits& limits);
    std::optional<Element> get(ByteView field) const;
    bool contains(ByteView field) const;
    /// True if it was there.
    bool remove(ByteView field);

    /// Every field with its value; the visitor gives false to stop. It must not change the hash.
    void visit(FunctionRef<bool(const Element&, const Element&)> visitor) const;

    /// As SetValue::scan().
    std::uint64_t scan(
        std::uint64_t cursor,
        std::size_t count,
        FunctionRef<void(const Element&, const Element&)> visitor
    ) const;

    /// One of the fields, each as likely as any. REQUIRES size() > 0.
    std::pair<Element, Element> random(Random& random) const;

private:
    HashValue(const HashValue& other);

    void to_table(std::uint64_t seed);

    internal::PackedOr<internal::FieldTable> rep_;
};

}  // namespace kumo::kv
