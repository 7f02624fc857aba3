#include "search/analysis/analyzer.h"

#include <gtest/gtest.h>

namespace kumo::search {
namespace {

std::string words(std::string_view text, const Analyzer& analyzer) {
    TokenBuffer buffer;
    analyzer.analyze(text, buffer);
    std::string out;
    for (const AnalyzedToken& token : buffer.tokens) {
        out += out.empty() ? "" : "|";
        out += buffer.term(token);
    }
    return out;
}

std::string words(std::string_view text) {
    return words(text, Analyzer({}, {}));
}

TEST(Analyzer, SplitsOnSpaceAndDeletesPunctuation) {
    EXPECT_EQ(words("Hello,  World!\tNon-stick\npan"), "hello|world|nonstick|pan");
    EXPECT_EQ(words(" -- !! "), "");
    EXPECT_EQ(words(""), "");
}

TEST(Analyzer, FoldsLatinLetters) {
    EXPECT_EQ(words("Café Straße Ærø ŁÓDŹ naïve Ĳssel"), "cafe|strasse|aero|lodz|naive|ijssel");
    EXPECT_EQ(words("cafe\xCC\x81"), "cafe") << "combining acute";
}

TEST(Analyzer, KeepsOtherScripts) {
    EXPECT_EQ(words("Привет МИР"), "привет|мир");
    EXPECT_EQ(words("東京タワー ok"), "东|京|タ|ワ|ー|ok");
}

TEST(Analyzer, ObeysSeparatorsAndSymbols) {
    EXPECT_EQ(words("non-stick c++", Analyzer({"-"}, {"+"})), "non|stick|c++");
}

TEST(Analyzer, PointsIntoTheSource) {
    const std::string_view text = "The Café (new)";
    TokenBuffer buffer;
    Analyzer({}, {}).analyze(text, buffer);
    ASSERT_EQ(buffer.tokens.size(), 3U);
    EXPECT_EQ(text.substr(buffer.tokens[1].source_begin, 5), "Café");
    EXPECT_EQ(buffer.tokens[2].source_begin, 11U);
    EXPECT_EQ(buffer.tokens[2].source_end, 14U);
    EXPECT_EQ(buffer.tokens[2].position, 2U);
}

TEST(Analyzer, CutsLongTokensBetweenCodePoints) {
    const std::string word(99, 'a');
    EXPECT_EQ(words(word + "bc"), word + "b");
    EXPECT_EQ(words(word + "я"), word);
}

TEST(Analyzer, SkipsInvalidUtf8) {
    EXPECT_EQ(words("a\xFF\xC3 b\xE2\x82"), "a|b");
}

}  // namespace
}  // namespace kumo::search
