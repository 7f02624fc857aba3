#include "kv/keyspace/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::kv {
namespace {

TEST(Glob, MatchesAsRedisDoes) {
    EXPECT_TRUE(glob_matches("", ""));
    EXPECT_FALSE(glob_matches("", "a"));
    EXPECT_TRUE(glob_matches("*", ""));
    EXPECT_TRUE(glob_matches("h?llo", "hello"));
    EXPECT_FALSE(glob_matches("h?llo", "hllo"));
    EXPECT_TRUE(glob_matches("h*llo", "heeeello"));
    EXPECT_TRUE(glob_matches("*a*b*", "xxaxxbxx"));
    EXPECT_TRUE(glob_matches("h[ae]llo", "hallo"));
    EXPECT_FALSE(glob_matches("h[^e]llo", "hello"));
    EXPECT_TRUE(glob_matches("h[b-a]llo", "hallo"));
    EXPECT_TRUE(glob_matches("\\*", "*"));
    EXPECT_FALSE(glob_matches("\\*", "a"));
    EXPECT_TRUE(glob_matches("[\\]]", "]"));
    EXPECT_TRUE(glob_matches("ABC*", "abcd", true));
    EXPECT_FALSE(glob_matches("ABC*", "abcd", false));
}

TEST(Glob, TakesPatternsThatDoNotEnd) {
    EXPECT_TRUE(glob_matches("[a", "a"));
    EXPECT_FALSE(glob_matches("[", "a"));
    EXPECT_TRUE(glob_matches("\\", "\\"));
    EXPECT_FALSE(glob_matches("a[", "a"));
}

TEST(Glob, DoesNotExplodeOnManyStars) {
    const std::string pattern = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
    EXPECT_FALSE(glob_matches(pattern, std::string(5000, 'a')));
}

}  // namespace
}  // namespace kumo::kv
