#pragma once

#include "base/bytes.h"
#include "kv/types/element.h"
#include "kv/types/encoding_limits.h"
#include "kv/types/function_ref.h"
#include "kv/types/internal/packed_or.h"
#include "kv/types/value.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace kumo::kv {

/// A list: one packed block while it fits one, then a deque of blocks. Both ends in O(1); an index
/// is sought over the blocks' counts from the nearer end. Elements are moved only inside a block.
///
/// Thread rule: as kv::Value.
class ListValue final : public Value {
public:
    static constexpr Type kType = Type::kList;

    ListValue() = default;

    Type type() const override { return kType; }

    /// Always "quicklist", as in Redis 7.0.
    std::string_view encoding() const override { return "quicklist"; }

    std::size_t size() const override;
    std::size_t memory_bytes() const override;
    std::unique_ptr<Value> copy() const override;

    void push_front(ByteView element, const EncodingLimits& limits);
    void push_back(ByteView element, const EncodingLimits& limits);
    /// Nothing if the list is empty.
    std::optional<std::string> pop_front();
    std::optional<std::string> pop_back();

    /// REQUIRES index < size() for both.
    Element at(std::size_t index) const;
    void set(std::size_t index, ByteView element, const EncodingLimits& limits);

    /// Before the element that is at `index`; at the end if index == size(). REQUIRES index <=
    /// size().
    void insert(std::size_t index, ByteView element, const EncodingLimits& limits);

    /// Removes `count` elements from `first` on; what does not exist is not removed.
    void erase(std::size_t first, std::size_t count);

    /// Removes elements equal to `element`: the first `most` of them, from the back if `from_back`.
    /// Returns how many.
    std::size_t remove_equal(ByteView element, std::size_t most, bool from_back);

    /// Visits up to `count` elements from `first` on, towards the front if `backwards` (then the
    /// first one visited is `first` as well). The visitor gives false to stop.
    void visit(
        std::size_t first,
        std::size_t count,
        bool backwards,
        FunctionRef<bool(const Element&)> visitor
    ) const;

    /// The first index at or after `from` (at or before it, if backwards) whose element equals
    /// `element`, looking at no more than `most` elements.
    std::optional<std::size_t>
    find(ByteView element, std::size_t from, bool backwards, std::size_t most) const;

    /// Blocks, for DEBUG OBJECT.
    std::size_t node_count() const;

private:
    struct Chain {
        std::deque<internal::Packed> nodes;
        std::size_t size = 0;
    };

    struct Place {
        std::size_t node = 0;
        std::size_t offset = 0;  ///< In the node's block.
    };

    ListValue(const ListValue& other);

    const internal::Packed& node(std::size_t at) const;
    internal::Packed& node(std::size_t at);
    Place seek(std::size_t index) const;
    Chain& chain();
    void insert_in(Place place, ByteView element, const EncodingLimits& limits);
    void drop_if_empty(std::size_t node_index);
    std::optional<std::string> pop(std::size_t node_index, bool back);
    void counted(std::size_t removed);

    internal::PackedOr<Chain> rep_;
};

}  // namespace kumo::kv
