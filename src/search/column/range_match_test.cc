#include "search/column/range_match.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace kumo::search {
namespace {

/// A code of that width, often one of the two ends.
std::uint64_t random_code(SeededRandom& random, std::uint32_t width) {
    const std::uint64_t largest = width == 8 ? UINT64_MAX : (std::uint64_t{1} << (width * 8)) - 1;
    if (random.chance(1, 4)) {
        return random.chance(1, 2) ? 0 : largest;
    }
    return random.next() & largest;
}

TEST(RangeMatch, EverySetFindsWhatIsInTheRange) {
    SeededRandom random(7);
    for (const std::uint32_t width : {1U, 2U, 4U, 8U}) {
        for (int round = 0; round < 60; ++round) {
            const std::size_t count = random.below(400);
            std::string codes(count * width, '\0');
            std::vector<std::uint64_t> values(count);
            for (std::size_t i = 0; i < count; ++i) {
                values[i] = random_code(random, width);
                std::memcpy(codes.data() + i * width, &values[i], width);
            }
            // A range may begin or end beyond what the width holds.
            const std::uint64_t low = random_code(random, random.chance(1, 5) ? 8 : width);
            const std::uint64_t span = random_code(random, random.chance(1, 5) ? 8 : width);
            const bool wraps = low + span < low;
            const std::uint64_t kept = wraps ? UINT64_MAX - low : span;
            for (const RangeMatch match : usable_range_matches()) {
                std::vector<std::uint64_t> words((count + 63) / 64 + 1);
                match({codes.data(), width, count, low, kept}, words.data());
                for (std::size_t i = 0; i < words.size() * 64; ++i) {
                    const bool wanted = i < count && values[i] >= low && values[i] - low <= kept;
                    ASSERT_EQ((words[i / 64] >> (i % 64) & 1U) != 0, wanted)
                        << width << ' ' << i << ' ' << count;
                }
            }
        }
    }
}

TEST(RangeMatch, AddsToWhatIsSet) {
    const std::string codes(130, '\5');
    for (const RangeMatch match : usable_range_matches()) {
        std::vector<std::uint64_t> words{1, 2, 4};
        match({codes.data(), 1, codes.size(), 6, 3}, words.data());
        EXPECT_EQ(words, (std::vector<std::uint64_t>{1, 2, 4}));
        match({codes.data(), 1, codes.size(), 5, 0}, words.data());
        EXPECT_EQ(words, (std::vector<std::uint64_t>{UINT64_MAX, UINT64_MAX, 7}));
    }
}

}  // namespace
}  // namespace kumo::search
