#include "kv/types/set.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace kumo::kv {
namespace {

std::set<std::string> members(const SetValue& set) {
    std::set<std::string> out;
    set.visit([&](const Element& member) {
        EXPECT_TRUE(out.emplace(member.view()).second);
        return true;
    });
    return out;
}

TEST(SetValue, TellsTheEncodingsOfRedis) {
    const EncodingLimits limits;
    SetValue numbers;
    for (int i = 0; i < 512; ++i) {
        EXPECT_TRUE(numbers.add(std::to_string(i * 100000), limits));
    }
    EXPECT_EQ(numbers.encoding(), "intset");
    EXPECT_FALSE(numbers.add("100000", limits));
    EXPECT_TRUE(numbers.add("7", limits));
    EXPECT_EQ(numbers.encoding(), "hashtable");
    EXPECT_EQ(numbers.size(), 513U);

    SetValue mixed;
    EXPECT_TRUE(mixed.add("-5", limits));
    EXPECT_TRUE(mixed.add("9223372036854775807", limits));
    EXPECT_EQ(mixed.encoding(), "intset");
    EXPECT_TRUE(mixed.add("007", limits));
    EXPECT_EQ(mixed.encoding(), "hashtable");
    EXPECT_EQ(members(mixed), (std::set<std::string>{"-5", "9223372036854775807", "007"}));
}

TEST(SetValue, DoesAsAStdSetDoes) {
    for (const std::uint64_t range : {30, 300, 3000}) {
        for (const bool numbers : {true, false}) {
            EncodingLimits limits;
            limits.hash_seed = range;
            SeededRandom random(range);
            SetValue set;
            std::set<std::string> model;
            for (std::uint64_t step = 0; step < 20 * range; ++step) {
                const std::string member =
                    (numbers ? "" : "m") + std::to_string(random.below(range));
                const bool growing = (step / (4 * range)) % 2 == 0;
                if (random.chance(growing ? 3 : 1, 4)) {
                    ASSERT_EQ(set.add(member, limits), model.insert(member).second);
                } else {
                    ASSERT_EQ(set.remove(member), model.erase(member) == 1);
                }
                ASSERT_EQ(set.size(), model.size());
                ASSERT_EQ(set.contains(member), model.contains(member));
            }
            EXPECT_EQ(members(set), model);
            const auto copied = set.copy();
            set.add("one more", limits);
            EXPECT_EQ(members(static_cast<const SetValue&>(*copied)), model);
        }
    }
}

TEST(SetValue, AScanSeesAllThatStaysWhateverComesAndGoes) {
    const EncodingLimits limits;
    SeededRandom random(11);
    for (int round = 0; round < 60; ++round) {
        SetValue set;
        const std::size_t staying = 10 + random.below(400);
        for (std::size_t i = 0; i < staying; ++i) {
            set.add("stays" + std::to_string(i), limits);
        }
        std::set<std::string> seen;
        std::uint64_t cursor = 0;
        std::size_t passing = round % 2 == 0 ? 0 : 4000;
        for (std::size_t i = 0; i < passing; ++i) {
            set.add("passes" + std::to_string(i), limits);
        }
        do {
            cursor = set.scan(cursor, 1 + random.below(20), [&](const Element& member) {
                seen.emplace(member.view());
            });
            for (std::size_t i = random.below(150); i > 0; --i) {
                if (round % 2 == 0) {
                    set.add("passes" + std::to_string(passing++), limits);
                } else if (passing > 0) {
                    set.remove("passes" + std::to_string(--passing));
                }
            }
            passing = std::min<std::size_t>(passing, 40000);
        } while (cursor != 0);
        for (std::size_t i = 0; i < staying; ++i) {
            ASSERT_TRUE(seen.contains("stays" + std::to_string(i))) << i;
        }
    }
}

TEST(SetValue, RandomMembersAreFair) {
    const EncodingLimits limits;
    for (const std::size_t count : {5, 1000}) {
        SeededRandom random(3);
        SetValue set;
        for (std::size_t i = 0; i < count; ++i) {
            set.add("m" + std::to_string(i), limits);
        }
        std::map<std::string, int> drawn;
        for (std::size_t i = 0; i < count * 100; ++i) {
            ++drawn[std::string(set.random(random).view())];
        }
        EXPECT_EQ(drawn.size(), count);
        double chi_square = 0;
        for (const auto& [member, times] : drawn) {
            chi_square += (times - 100.0) * (times - 100.0) / 100.0;
        }
        // Its mean is count - 1 and its deviation the root of twice that.
        EXPECT_LT(chi_square, static_cast<double>(count) * 1.3 + 20);
    }
}

TEST(SetValue, TheSameHistoryGivesTheSameOrder) {
    EncodingLimits limits;
    limits.hash_seed = 5;
    SetValue first;
    SetValue second;
    for (SetValue* set : {&first, &second}) {
        for (int i = 0; i < 2000; ++i) {
            set->add("m" + std::to_string(i), limits);
        }
        for (int i = 0; i < 900; ++i) {
            set->remove("m" + std::to_string(2 * i));
        }
    }
    std::string orders[2];
    first.visit([&](const Element& member) { return orders[0].append(member.view()), true; });
    second.visit([&](const Element& member) { return orders[1].append(member.view()), true; });
    EXPECT_EQ(orders[0], orders[1]);
}

}  // namespace
}  // namespace kumo::kv
