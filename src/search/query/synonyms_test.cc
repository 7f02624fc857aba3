#include "search/query/synonyms.h"

#include <gtest/gtest.h>

namespace kumo::search {
namespace {

using Words = SynonymSet::Words;
using Ways = std::vector<Words>;

Ways expand(const SynonymSet& set, const Words& words, const SynonymOptions& options = {}) {
    Ways out;
    set.expand(words, options, out);
    return out;
}

TEST(SynonymSet, RootsAreReplacedOneWay) {
    const SynonymSet set({{{"shoes"}, {{"boots"}, {"running", "trainers"}}, ""}});
    EXPECT_EQ(
        expand(set, {"red", "shoes"}),
        (Ways{{"red", "boots"}, {"red", "running", "trainers"}})
    );
    EXPECT_TRUE(expand(set, {"boots"}).empty());
    EXPECT_TRUE(expand(set, {}).empty());
}

TEST(SynonymSet, WithoutARootEachMeansEachOther) {
    const SynonymSet set({{{}, {{"usa"}, {"united", "states"}}, ""}});
    EXPECT_EQ(expand(set, {"usa"}), (Ways{{"united", "states"}}));
    EXPECT_EQ(expand(set, {"the", "united", "states"}), (Ways{{"the", "usa"}}));
    EXPECT_TRUE(expand(set, {"united"}).empty());
}

TEST(SynonymSet, RulesCombine) {
    const SynonymSet set({{{"a"}, {{"b"}}, ""}, {{"c"}, {{"d"}}, ""}});
    EXPECT_EQ(expand(set, {"a", "c"}), (Ways{{"a", "d"}, {"b", "c"}, {"b", "d"}}));
}

TEST(SynonymSet, RulesInCirclesEnd) {
    const SynonymSet set({{{"a"}, {{"b"}}, ""}, {{"b"}, {{"a", "a"}}, ""}, {{"a"}, {{"a"}}, ""}});
    EXPECT_EQ(expand(set, {"a"}), (Ways{{"b"}}));
    EXPECT_EQ(expand(set, {"b"}), (Ways{{"a", "a"}}));
}

TEST(SynonymSet, LocalesAreApart) {
    const SynonymSet set({{{"a"}, {{"b"}}, "de"}});
    EXPECT_TRUE(expand(set, {"a"}).empty());
    EXPECT_EQ(expand(set, {"a"}, {.locale = "de"}).size(), 1U);
}

TEST(SynonymSet, BeginningsAndTyposCountIfTheyMay) {
    const SynonymSet set({{{"sneakers"}, {{"shoes"}}, ""}});
    EXPECT_TRUE(expand(set, {"sneak"}).empty());
    EXPECT_EQ(expand(set, {"sneak"}, {.prefix = true}), (Ways{{"shoes"}}));
    EXPECT_TRUE(expand(set, {"snaekers"}).empty());
    EXPECT_EQ(expand(set, {"snaekers"}, {.num_typos = 1}), (Ways{{"shoes"}}));
    EXPECT_TRUE(expand(set, {"snaek"}, {.num_typos = 1}).empty());
    EXPECT_EQ(expand(set, {"snaek"}, {.prefix = true, .num_typos = 1}), (Ways{{"shoes"}}));
    EXPECT_TRUE(expand(set, {"sn"}, {.prefix = false, .num_typos = 2}).empty());
}

TEST(SynonymSet, WhatIsMadeOfAQueryIsBounded) {
    std::vector<SynonymRule> rules;
    Words query;
    for (int i = 0; i < 64; ++i) {
        const std::string word = "w" + std::to_string(i);
        query.push_back(word);
        SynonymRule rule{{word}, {}, ""};
        for (int j = 0; j < 200; ++j) {
            rule.synonyms.push_back({word + "s" + std::to_string(j)});
        }
        rule.synonyms.emplace_back(100, "long");
        rule.synonyms.push_back({});
        rules.push_back(rule);
        rules.push_back(rule);
    }
    const SynonymSet set(rules);
    EXPECT_EQ(expand(set, query).size(), SynonymSet::kVariantsMax);
    EXPECT_EQ(
        expand(set, query, {.prefix = true, .num_typos = 2}).size(),
        SynonymSet::kVariantsMax
    );
}

TEST(SynonymSet, DistancesAreThoseOfTypos) {
    EXPECT_TRUE(is_near("", "", 0, false));
    EXPECT_TRUE(is_near("abc", "abdc", 1, false));
    EXPECT_TRUE(is_near("abcd", "abdc", 1, false));
    EXPECT_FALSE(is_near("abcd", "badc", 1, false));
    EXPECT_TRUE(is_near("abcd", "badc", 2, false));
    EXPECT_TRUE(is_near(
        "\xc3\xa9"
        "a",
        "ea",
        1,
        false
    ));
    EXPECT_TRUE(is_near("axc", "abcdef", 1, true));
    EXPECT_FALSE(is_near(std::string(100, 'a'), std::string(101, 'a'), 1, false));
}

}  // namespace
}  // namespace kumo::search
