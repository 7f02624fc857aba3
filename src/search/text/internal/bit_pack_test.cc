#include "search/text/internal/bit_pack.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace kumo::search {
namespace {

std::array<std::uint32_t, kPackCount> random_values(std::uint32_t bits, std::uint64_t seed) {
    std::array<std::uint32_t, kPackCount> values{};
    std::uint64_t state = seed;
    for (std::uint32_t& value : values) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        value = static_cast<std::uint32_t>((state >> 31U) & ((std::uint64_t{1} << bits) - 1));
    }
    return values;
}

TEST(BitPack, RoundTripsEveryWidth) {
    for (std::uint32_t bits = 0; bits <= 32; ++bits) {
        auto values = random_values(bits, bits + 1);
        std::vector<std::uint32_t> packed(packed_bytes(bits) / 4 + 1, 0xAAAAAAAAU);
        auto* bytes = reinterpret_cast<std::uint8_t*>(packed.data());
        pack(values.data(), bits, bytes);
        EXPECT_EQ(packed.back(), 0xAAAAAAAAU) << "wrote past the end at width " << bits;
        EXPECT_LE(bits_needed(values.data(), kPackCount), bits);

        std::array<std::uint32_t, kPackCount> out{};
        unpack(bytes, bits, out.data());
        EXPECT_EQ(out, values) << "width " << bits;
        for (std::uint32_t e = 0; e < kPackCount; ++e) {
            EXPECT_EQ(unpack_one(bytes, bits, e), values[e]) << "width " << bits;
        }
    }
}

TEST(BitPack, SumsGaps) {
    for (std::uint32_t bits = 0; bits <= 32; ++bits) {
        auto gaps = random_values(bits, 77 + bits);
        std::vector<std::uint32_t> packed(packed_bytes(bits) / 4 + 1);
        auto* bytes = reinterpret_cast<std::uint8_t*>(packed.data());
        pack(gaps.data(), bits, bytes);
        std::array<std::uint32_t, kPackCount> out{};
        unpack_gaps(bytes, bits, 1000, out.data());
        std::uint32_t expect = 1000;
        for (std::uint32_t e = 0; e < kPackCount; ++e) {
            expect += gaps[e] + 1;
            EXPECT_EQ(out[e], expect) << "width " << bits;
        }
        unpack_plus(bytes, bits, 5, out.data());
        EXPECT_EQ(out[17], gaps[17] + 5);
    }
}

}  // namespace
}  // namespace kumo::search
