#include "wire/murmur3.h"

namespace kumo::wire {

namespace {

constexpr std::uint32_t rotate_left(std::uint32_t x, int k) {
    return (x << k) | (x >> (32 - k));
}

constexpr std::uint32_t scramble(std::uint32_t k) {
    k *= 0xcc9e2d51U;
    k = rotate_left(k, 15);
    return k * 0x1b873593U;
}

}  // namespace

std::uint32_t murmur3_32(ByteView bytes, std::uint32_t seed) noexcept {
    std::uint32_t h = seed;
    std::size_t i = 0;
    for (; i + 4 <= bytes.size(); i += 4) {
        h ^= scramble(load_unaligned<std::uint32_t>(bytes.data() + i));
        h = rotate_left(h, 13) * 5 + 0xe6546b64U;
    }
    std::uint32_t tail = 0;
    for (std::size_t left = bytes.size() - i; left > 0; --left) {
        tail = (tail << 8) | static_cast<unsigned char>(bytes[i + left - 1]);
    }
    h ^= scramble(tail);
    h ^= static_cast<std::uint32_t>(bytes.size());
    h ^= h >> 16;
    h *= 0x85ebca6bU;
    h ^= h >> 13;
    h *= 0xc2b2ae35U;
    return h ^ (h >> 16);
}

}  // namespace kumo::wire
