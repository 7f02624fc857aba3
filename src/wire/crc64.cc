#include "wire/crc64.h"

#include <array>
#include <cstddef>

namespace kumo::wire {

namespace {

constexpr std::uint64_t kReflectedPolynomial = 0x95AC9329AC4BC9B5ULL;
constexpr std::size_t kSlices = 8;

using Tables = std::array<std::array<std::uint64_t, 256>, kSlices>;

/// tables[k][b]: what the byte b does to the CRC when k more bytes follow it.
constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint64_t i = 0; i < 256; ++i) {
        std::uint64_t crc = i;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 1U) != 0 ? (crc >> 1U) ^ kReflectedPolynomial : crc >> 1U;
        }
        tables[0][i] = crc;
    }
    for (std::size_t slice = 1; slice < kSlices; ++slice) {
        for (std::size_t i = 0; i < 256; ++i) {
            const std::uint64_t before = tables[slice - 1][i];
            tables[slice][i] = (before >> 8U) ^ tables[0][before & 0xFFU];
        }
    }
    return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint64_t crc64(ByteView bytes, std::uint64_t seed) noexcept {
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t crc = seed;
    for (; left >= kSlices; left -= kSlices, at += kSlices) {
        const std::uint64_t word = crc ^ load_unaligned<std::uint64_t>(at);
        crc = 0;
        for (std::size_t i = 0; i < kSlices; ++i) {
            crc ^= kTables[kSlices - 1 - i][(word >> (8 * i)) & 0xFFU];
        }
    }
    for (; left > 0; --left, ++at) {
        crc = kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xFFU] ^ (crc >> 8U);
    }
    return crc;
}

}  // namespace kumo::wire
