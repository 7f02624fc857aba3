#include "wire/crc32c.h"

#include <array>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

namespace kumo::wire {

namespace {

constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78U;

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 1U) != 0 ? (crc >> 1) ^ kReflectedPolynomial : crc >> 1;
        }
        table[i] = crc;
    }
    return table;
}

constexpr std::array<std::uint32_t, 256> kTable = make_table();

}  // namespace

std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t seed) noexcept {
    std::uint32_t crc = ~seed;
    for (const char c : bytes) {
        crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFFU] ^ (crc >> 8);
    }
    return ~crc;
}

#if defined(__SSE4_2__)

std::uint32_t crc32c(ByteView bytes, std::uint32_t seed) noexcept {
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t crc = ~seed;
    while (left >= sizeof(std::uint64_t)) {
        crc = _mm_crc32_u64(crc, load_unaligned<std::uint64_t>(at));
        at += sizeof(std::uint64_t);
        left -= sizeof(std::uint64_t);
    }
    auto narrow = static_cast<std::uint32_t>(crc);
    for (; left > 0; --left, ++at) {
        narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*at));
    }
    return ~narrow;
}

#else

std::uint32_t crc32c(ByteView bytes, std::uint32_t seed) noexcept {
    return crc32c_portable(bytes, seed);
}

#endif

}  // namespace kumo::wire
