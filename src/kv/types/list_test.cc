#include "kv/types/list.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace kumo::kv {
namespace {

std::vector<std::string> texts(const ListValue& list) {
    std::vector<std::string> out;
    list.visit(0, SIZE_MAX, false, [&](const Element& element) {
        out.emplace_back(element.view());
        return true;
    });
    return out;
}

std::vector<std::string> backwards(const ListValue& list) {
    std::vector<std::string> out;
    if (list.size() > 0) {
        list.visit(list.size() - 1, SIZE_MAX, true, [&](const Element& element) {
            out.emplace_back(element.view());
            return true;
        });
    }
    std::reverse(out.begin(), out.end());
    return out;
}

/// One random change to both.
void change(
    Random& random,
    ListValue& list,
    std::vector<std::string>& model,
    const EncodingLimits& limits
) {
    std::string text = random.chance(1, 2) ? std::to_string(random.below(20))
                                           : std::string(random.below(300), 'v');
    const std::size_t at = random.below(model.size() + 1);
    const auto where = model.begin() + static_cast<std::ptrdiff_t>(at);
    switch (random.below(9)) {
        case 0:
        case 1:
            list.push_front(text, limits);
            model.insert(model.begin(), text);
            break;
        case 2:
        case 3:
            list.push_back(text, limits);
            model.push_back(text);
            break;
        case 4:
            if (!model.empty()) {
                EXPECT_EQ(list.pop_front(), model.front());
                model.erase(model.begin());
            }
            break;
        case 5:
            if (!model.empty()) {
                EXPECT_EQ(list.pop_back(), model.back());
                model.pop_back();
            }
            break;
        case 6:
            list.insert(at, text, limits);
            model.insert(where, text);
            break;
        case 7:
            if (at < model.size()) {
                list.set(at, text, limits);
                *where = text;
            }
            break;
        default: {
            const std::size_t count = random.below(6);
            list.erase(at, count);
            const std::size_t removed = std::min(count, model.size() - at);
            model.erase(where, where + static_cast<std::ptrdiff_t>(removed));
        }
    }
}

TEST(ListValue, DoesAsAVectorDoesWithSmallBlocksAndLarge) {
    for (const std::int64_t setting : {-2, -1, 3, 1, 0}) {
        EncodingLimits limits;
        limits.list_max_listpack_size = setting;
        SeededRandom random(static_cast<std::uint64_t>(setting + 10));
        ListValue list;
        std::vector<std::string> model;
        for (int step = 0; step < 3000; ++step) {
            change(random, list, model, limits);
            ASSERT_EQ(list.size(), model.size());
            if (step % 20 == 0) {
                ASSERT_EQ(texts(list), model);
                ASSERT_EQ(backwards(list), model);
            }
            if (!model.empty()) {
                const std::size_t at = random.below(model.size());
                ASSERT_EQ(list.at(at).view(), model[at]);
            }
        }
        const auto copied = list.copy();
        list.push_back("one more", limits);
        EXPECT_EQ(copied->size(), model.size());
    }
}

TEST(ListValue, RemovesEqualOnesFromEitherEnd) {
    EncodingLimits limits;
    limits.list_max_listpack_size = 2;
    ListValue list;
    for (const char* text : {"1", "a", "1", "1", "b", "1", "c"}) {
        list.push_back(text, limits);
    }
    EXPECT_EQ(list.remove_equal("1", 1, true), 1U);
    EXPECT_EQ(texts(list), (std::vector<std::string>{"1", "a", "1", "1", "b", "c"}));
    EXPECT_EQ(list.remove_equal("1", 2, false), 2U);
    EXPECT_EQ(texts(list), (std::vector<std::string>{"a", "1", "b", "c"}));
    EXPECT_EQ(list.remove_equal("1", SIZE_MAX, false), 1U);
    EXPECT_EQ(list.remove_equal("1", SIZE_MAX, true), 0U);
    EXPECT_EQ(texts(list), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(ListValue, FindsBothWays) {
    const EncodingLimits limits;
    ListValue list;
    for (const char* text : {"a", "b", "c", "a", "d"}) {
        list.push_back(text, limits);
    }
    EXPECT_EQ(list.find("a", 0, false, SIZE_MAX), 0U);
    EXPECT_EQ(list.find("a", 1, false, SIZE_MAX), 3U);
    EXPECT_EQ(list.find("a", 4, true, SIZE_MAX), 3U);
    EXPECT_EQ(list.find("a", 2, true, SIZE_MAX), 0U);
    EXPECT_FALSE(list.find("a", 1, false, 2).has_value());
    EXPECT_FALSE(list.find("x", 0, false, SIZE_MAX).has_value());
}

TEST(ListValue, HoldsElementsLargerThanABlock) {
    const EncodingLimits limits;
    ListValue list;
    const std::string large(100000, 'q');
    list.push_back("a", limits);
    list.push_back(large, limits);
    list.push_back("b", limits);
    EXPECT_EQ(list.node_count(), 3U);
    EXPECT_EQ(list.at(1).view(), large);
    list.insert(1, large, limits);
    EXPECT_EQ(texts(list), (std::vector<std::string>{"a", large, large, "b"}));
}

}  // namespace
}  // namespace kumo::kv
