#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kumo {

/// A source of random numbers, given to whoever needs one. Not for secrets: see secure_random().
/// Loop-owned: one instance belongs to one thread.
class Random {
public:
    virtual ~Random() = default;
    virtual std::uint64_t next() = 0;

    /// Uniform in [0, bound). Requires bound > 0.
    std::uint64_t below(std::uint64_t bound);

    /// True with probability numerator/denominator.
    bool chance(std::uint64_t numerator, std::uint64_t denominator);
};

/// xoshiro256** (Blackman & Vigna 2018), seeded by SplitMix64: the whole sequence follows from the
/// seed, which is what the simulator and the tests need.
class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed);
    std::uint64_t next() override;

private:
    std::uint64_t state_[4] = {};
};

/// Fills `out` from the kernel's generator (getrandom). For keys and salts. Any thread.
void secure_random(std::span<unsigned char> out);

/// A seed for a SeededRandom, from the kernel.
std::uint64_t random_seed();

}  // namespace kumo
