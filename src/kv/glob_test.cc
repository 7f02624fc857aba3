#include "kv/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::kv {
namespace {

TEST(Glob, MatchesAsRedisDoes) {
    EXPECT_TRUE(glob_match("", ""));
    EXPECT_FALSE(glob_match("", "a"));
    EXPECT_TRUE(glob_match("*", ""));
    EXPECT_TRUE(glob_match("h?llo", "hello"));
    EXPECT_FALSE(glob_match("h?llo", "hllo"));
    EXPECT_TRUE(glob_match("h*llo", "heeeello"));
    EXPECT_TRUE(glob_match("*a*b*", "xxaxxbxx"));
    EXPECT_TRUE(glob_match("h[ae]llo", "hallo"));
    EXPECT_FALSE(glob_match("h[^e]llo", "hello"));
    EXPECT_TRUE(glob_match("h[b-a]llo", "hallo"));
    EXPECT_TRUE(glob_match("\\*", "*"));
    EXPECT_FALSE(glob_match("\\*", "a"));
    EXPECT_TRUE(glob_match("[\\]]", "]"));
    EXPECT_TRUE(glob_match("ABC*", "abcd", true));
    EXPECT_FALSE(glob_match("ABC*", "abcd", false));
}

TEST(Glob, TakesPatternsThatDoNotEnd) {
    EXPECT_TRUE(glob_match("[a", "a"));
    EXPECT_FALSE(glob_match("[", "a"));
    EXPECT_TRUE(glob_match("\\", "\\"));
    EXPECT_FALSE(glob_match("a[", "a"));
}

TEST(Glob, DoesNotExplodeOnManyStars) {
    const std::string pattern = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
    EXPECT_FALSE(glob_match(pattern, std::string(5000, 'a')));
}

}  // namespace
}  // namespace kumo::kv
