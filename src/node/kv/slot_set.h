#pragma once

#include "base/bytes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::node {

/// How many hash slots the keys of a cluster are spread over.
inline constexpr std::uint16_t kSlots = 16384;

/// Some of the slots. A plain value.
class SlotSet {
public:
    /// From the first to the last, both included.
    using Range = std::pair<std::uint16_t, std::uint16_t>;

    bool contains(std::uint16_t slot) const {
        return (words_[slot / kBits] >> (slot % kBits) & 1U) != 0;
    }

    void insert(std::uint16_t slot) { words_[slot / kBits] |= std::uint64_t{1} << (slot % kBits); }

    void erase(std::uint16_t slot) {
        words_[slot / kBits] &= ~(std::uint64_t{1} << (slot % kBits));
    }

    void insert(const SlotSet& other);
    void erase(const SlotSet& other);

    std::size_t size() const;

    bool empty() const { return size() == 0; }

    /// Every slot.
    static SlotSet all();

    /// The lowest one that both have.
    std::optional<std::uint16_t> first_common(const SlotSet& other) const;

    /// Ascending; neighbours are one range.
    std::vector<Range> ranges() const;

    bool operator==(const SlotSet&) const = default;

private:
    static constexpr std::size_t kBits = 64;
    std::array<std::uint64_t, kSlots / kBits> words_{};
};

void append_slots(std::string& out, const SlotSet& slots);
/// Nothing if the bytes are no ranges, or slots out of range.
std::optional<SlotSet> decode_slots(ByteView bytes);

}  // namespace kumo::node
