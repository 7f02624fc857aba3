#include "kv/types/zset.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kumo::kv {
namespace {

using Pairs = std::vector<std::pair<double, std::string>>;

Pairs forwards(const ZsetValue& zset) {
    Pairs out;
    zset.visit(0, SIZE_MAX, false, [&](const Element& member, double score) {
        out.emplace_back(score, member.view());
        return true;
    });
    return out;
}

Pairs backwards(const ZsetValue& zset) {
    Pairs out;
    if (zset.size() > 0) {
        zset.visit(zset.size() - 1, SIZE_MAX, true, [&](const Element& member, double score) {
            out.emplace_back(score, member.view());
            return true;
        });
    }
    std::reverse(out.begin(), out.end());
    return out;
}

Pairs sorted(const std::map<std::string, double>& model) {
    Pairs out;
    for (const auto& [member, score] : model) {
        out.emplace_back(score, member);
    }
    std::sort(out.begin(), out.end());
    return out;
}

void expect_ranks(const ZsetValue& zset, const Pairs& wanted, Random& random) {
    ASSERT_EQ(forwards(zset), wanted);
    ASSERT_EQ(backwards(zset), wanted);
    for (int i = 0; i < 20 && !wanted.empty(); ++i) {
        const std::size_t rank = random.below(wanted.size());
        const auto [member, score] = zset.at(rank);
        ASSERT_EQ(member.view(), wanted[rank].second);
        ASSERT_EQ(score, wanted[rank].first);
        ASSERT_EQ(zset.rank(wanted[rank].second), rank);
        const auto below = [score = score](const auto& pair) {
            return pair.first < score;
        };
        const auto up_to = [score = score](const auto& pair) {
            return pair.first <= score;
        };
        ASSERT_EQ(
            zset.count_below(score, false),
            static_cast<std::size_t>(std::count_if(wanted.begin(), wanted.end(), below))
        );
        ASSERT_EQ(
            zset.count_below(score, true),
            static_cast<std::size_t>(std::count_if(wanted.begin(), wanted.end(), up_to))
        );
    }
}

TEST(ZsetValue, DoesAsASortedVectorDoes) {
    for (const std::uint64_t range : {50, 1000, 20000}) {
        EncodingLimits limits;
        SeededRandom random(range);
        ZsetValue zset;
        std::map<std::string, double> model;
        for (std::uint64_t step = 0; step < 8 * range; ++step) {
            const std::string member = "m" + std::to_string(random.below(range));
            const double score = static_cast<double>(random.below(range / 4)) / 4;
            if (random.chance((step / (2 * range)) % 2 == 0 ? 4 : 1, 5)) {
                const auto outcome = zset.set(member, score, limits);
                const auto old = model.find(member);
                const auto wanted = old == model.end()     ? ZsetValue::Outcome::kAdded
                                    : old->second == score ? ZsetValue::Outcome::kSame
                                                           : ZsetValue::Outcome::kMoved;
                ASSERT_EQ(outcome, wanted);
                model[member] = score;
            } else {
                ASSERT_EQ(zset.remove(member), model.erase(member) == 1);
            }
            ASSERT_EQ(zset.size(), model.size());
            if (step % range == 0) {
                expect_ranks(zset, sorted(model), random);
            }
        }
        const auto copied = zset.copy();
        Pairs left = sorted(model);
        const std::size_t first = left.size() / 3;
        zset.erase(first, left.size() / 3);
        left.erase(
            left.begin() + static_cast<std::ptrdiff_t>(first),
            left.begin() + static_cast<std::ptrdiff_t>(first + model.size() / 3)
        );
        expect_ranks(zset, left, random);
        zset.erase(0, SIZE_MAX);
        EXPECT_EQ(zset.size(), 0U);
        EXPECT_EQ(forwards(static_cast<const ZsetValue&>(*copied)), sorted(model));
        zset.set("again", 1, limits);
        EXPECT_EQ(zset.rank("again"), 0U);
    }
}

TEST(ZsetValue, EmptiesFromEveryDirection) {
    EncodingLimits limits;
    limits.zset_max_listpack_entries = 0;
    for (const int direction : {0, 1, 2}) {
        SeededRandom random(9);
        ZsetValue zset;
        Pairs model;
        for (int i = 0; i < 5000; ++i) {
            const std::string member = std::to_string(i);
            zset.set(member, i, limits);
            model.emplace_back(i, member);
        }
        while (!model.empty()) {
            const std::size_t at = direction == 0   ? 0
                                   : direction == 1 ? model.size() - 1
                                                    : random.below(model.size());
            ASSERT_TRUE(zset.remove(model[at].second));
            model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
            if (model.size() % 500 == 0) {
                expect_ranks(zset, model, random);
            }
        }
        EXPECT_EQ(zset.size(), 0U);
    }
}

TEST(ZsetValue, CountsByMemberWhenScoresAreEqual) {
    for (const std::size_t entries : {128, 0}) {
        EncodingLimits limits;
        limits.zset_max_listpack_entries = entries;
        ZsetValue zset;
        for (const char* member : {"a", "b", "c", "d"}) {
            zset.set(member, 0, limits);
        }
        EXPECT_EQ(zset.count_below("b", false), 1U);
        EXPECT_EQ(zset.count_below("b", true), 2U);
        EXPECT_EQ(zset.count_below("", true), 0U);
        EXPECT_EQ(zset.count_below("z", false), 4U);
    }
}

TEST(ZsetValue, TellsTheEncodingsOfRedis) {
    const EncodingLimits limits;
    ZsetValue zset;
    for (int i = 0; i < 128; ++i) {
        zset.set(std::to_string(i), i * 0.1, limits);
    }
    EXPECT_EQ(zset.encoding(), "listpack");
    zset.set("x", std::numeric_limits<double>::infinity(), limits);
    EXPECT_EQ(zset.encoding(), "skiplist");
    zset.remove("x");
    EXPECT_EQ(zset.encoding(), "skiplist");
    const Pairs before = forwards(zset);
    zset.convert_to_small_if_fits(limits);
    EXPECT_EQ(zset.encoding(), "listpack");
    EXPECT_EQ(forwards(zset), before);
    zset.set(std::string(65, 'x'), 1, limits);
    EXPECT_EQ(zset.encoding(), "skiplist");
}

TEST(ZsetValue, AScanSeesEveryMember) {
    const EncodingLimits limits;
    ZsetValue zset;
    for (int i = 0; i < 3000; ++i) {
        zset.set("m" + std::to_string(i), i, limits);
    }
    std::map<std::string, double> seen;
    std::uint64_t cursor = 0;
    do {
        cursor = zset.scan(cursor, 10, [&](const Element& member, double score) {
            seen.emplace(member.view(), score);
        });
    } while (cursor != 0);
    EXPECT_EQ(sorted(seen), forwards(zset));
}

}  // namespace
}  // namespace kumo::kv
