#include "wire/crc16.h"

#include <array>
#include <cstddef>

namespace kumo::wire {

namespace {

constexpr unsigned kPolynomial = 0x1021;

constexpr std::array<std::uint16_t, 256> make_table() {
    std::array<std::uint16_t, 256> table{};
    for (unsigned i = 0; i < 256; ++i) {
        unsigned crc = i << 8U;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ kPolynomial : crc << 1U;
        }
        table[i] = static_cast<std::uint16_t>(crc & 0xFFFFU);
    }
    return table;
}

constexpr std::array<std::uint16_t, 256> kTable = make_table();

}  // namespace

std::uint16_t crc16(ByteView bytes) noexcept {
    unsigned crc = 0;
    for (const char c : bytes) {
        crc = ((crc << 8U) ^ kTable[(crc >> 8U) ^ static_cast<unsigned char>(c)]) & 0xFFFFU;
    }
    return static_cast<std::uint16_t>(crc);
}

ByteView slot_part(ByteView key) noexcept {
    const std::size_t open = key.find('{');
    if (open == ByteView::npos) {
        return key;
    }
    const std::size_t close = key.find('}', open + 1);
    if (close == ByteView::npos || close == open + 1) {
        return key;
    }
    return key.substr(open + 1, close - open - 1);
}

std::uint16_t key_slot(ByteView key) noexcept {
    return static_cast<std::uint16_t>(crc16(slot_part(key)) % kSlotCount);
}

}  // namespace kumo::wire
