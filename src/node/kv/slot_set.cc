#include "node/kv/slot_set.h"

#include "wire/byte_reader.h"
#include "wire/varint.h"

#include <bit>

namespace kumo::node {

void SlotSet::insert(const SlotSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) {
        words_[i] |= other.words_[i];
    }
}

void SlotSet::erase(const SlotSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) {
        words_[i] &= ~other.words_[i];
    }
}

SlotSet SlotSet::all() {
    SlotSet slots;
    slots.words_.fill(~std::uint64_t{0});
    return slots;
}

std::size_t SlotSet::size() const {
    std::size_t count = 0;
    for (const std::uint64_t word : words_) {
        count += static_cast<std::size_t>(std::popcount(word));
    }
    return count;
}

std::optional<std::uint16_t> SlotSet::first_common(const SlotSet& other) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
        const std::uint64_t both = words_[i] & other.words_[i];
        if (both != 0) {
            return static_cast<std::uint16_t>(
                i * kBits + static_cast<std::size_t>(std::countr_zero(both))
            );
        }
    }
    return std::nullopt;
}

std::vector<SlotSet::Range> SlotSet::ranges() const {
    std::vector<Range> out;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
        if (slot % kBits == 0 && words_[slot / kBits] == 0) {
            slot += kBits - 1;
        } else if (contains(slot) && !out.empty() && out.back().second + 1 == slot) {
            out.back().second = slot;
        } else if (contains(slot)) {
            out.emplace_back(slot, slot);
        }
    }
    return out;
}

void append_slots(std::string& out, const SlotSet& slots) {
    std::string bytes;
    for (const auto& [first, last] : slots.ranges()) {
        wire::append_varint(bytes, first);
        wire::append_varint(bytes, last);
    }
    wire::append_sized(out, bytes);
}

std::optional<SlotSet> decode_slots(ByteView bytes) {
    wire::ByteReader in(bytes);
    SlotSet slots;
    while (in.ok() && !in.at_end()) {
        const std::uint64_t first = in.below_or_at(kSlots - 1);
        const std::uint64_t last = in.below_or_at(kSlots - 1);
        for (std::uint64_t slot = first; slot <= last && in.ok(); ++slot) {
            slots.insert(static_cast<std::uint16_t>(slot));
        }
    }
    return in.ok() ? std::optional(slots) : std::nullopt;
}

}  // namespace kumo::node
