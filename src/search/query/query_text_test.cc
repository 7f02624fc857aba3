#include "search/query/query_text.h"

#include <gtest/gtest.h>

namespace kumo::search {
namespace {

using Words = std::vector<std::string>;

const Analyzer kAnalyzer({}, {});

TEST(QueryText, LeavesOutStopwordsThatStandAlone) {
    const WordSet stopwords = {"the", "of"};
    const auto parse = [&](std::string_view q) {
        QueryForms forms(kAnalyzer);
        return parse_query_text(q, forms, &stopwords);
    };
    EXPECT_EQ(parse("The Lord of rings").tokens, (Words{"lord", "rings"}));
    EXPECT_EQ(parse("lord \"of the\" rings").tokens, (Words{"lord", "of", "the", "rings"}));
    EXPECT_EQ(parse("lord \"of the\" rings").phrases, (std::vector<QueryRun>{{{"of", "the"}}}));
    EXPECT_EQ(parse("rings -of").excluded, (std::vector<QueryRun>{{{"of"}}}));
    const QueryText nothing = parse("the of -rings");
    EXPECT_TRUE(nothing.tokens.empty());
    EXPECT_FALSE(nothing.match_all);
    EXPECT_TRUE(parse("*").match_all);
    EXPECT_TRUE(parse("-rings").match_all);
}

TEST(QueryText, TakesWordsOutOfAQuery) {
    const WordSet words = {"old", "cafe"};
    const auto without = [&](std::string_view q) {
        return without_words(q, kAnalyzer, words);
    };
    EXPECT_EQ(without("Old books"), "books");
    EXPECT_EQ(without("caf\xc3\xa9 Books!"), "books");
    EXPECT_EQ(
        without("old \"old man\" -old -\"cafe old\" sea"),
        "\"old man\" -old -\"cafe old\" sea"
    );
    EXPECT_EQ(without("old"), "*");
    EXPECT_EQ(without(""), "*");
    EXPECT_EQ(without("old -"), "*");
    EXPECT_EQ(without("old \"x"), "x");
}

}  // namespace
}  // namespace kumo::search
