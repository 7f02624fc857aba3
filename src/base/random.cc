#include "base/random.h"

#include "base/assert.h"

#include <cerrno>

#include <sys/random.h>

namespace kumo {

namespace {

std::uint64_t split_mix(std::uint64_t& x) {
    x += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = x;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

std::uint64_t rotate_left(std::uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

}  // namespace

std::uint64_t Random::below(std::uint64_t bound) {
    KUMO_ASSERT(bound > 0);
    // The bias of a plain remainder is below bound / 2^64: nothing a schedule or a test can see.
    return next() % bound;
}

bool Random::chance(std::uint64_t numerator, std::uint64_t denominator) {
    return below(denominator) < numerator;
}

SeededRandom::SeededRandom(std::uint64_t seed) {
    for (auto& word : state_) {
        word = split_mix(seed);
    }
}

std::uint64_t SeededRandom::next() {
    const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate_left(state_[3], 45);
    return result;
}

void secure_random(std::span<unsigned char> out) {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t n = ::getrandom(out.data() + done, out.size() - done, 0);
        KUMO_ASSERT(n > 0 || errno == EINTR);
        done += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
}

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    secure_random({reinterpret_cast<unsigned char*>(&seed), sizeof(seed)});
    return seed;
}

}  // namespace kumo
