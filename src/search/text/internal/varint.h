#pragma once

#include <cstdint>

namespace kumo::search {

/// Reads a varint of 32 bits (wire/varint.h writes them) before `end` and moves `at` past it. False
/// on a cut or overlong one.
inline bool read_varint(const std::uint8_t*& at, const std::uint8_t* end, std::uint32_t& value) {
    value = 0;
    for (std::uint32_t shift = 0; shift < 35; shift += 7) {
        if (at == end) {
            return false;
        }
        std::uint32_t byte = *at++;
        value |= (byte & 0x7FU) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

}  // namespace kumo::search
