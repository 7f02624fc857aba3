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

std::string localized(std::string_view text, std::string locale, bool stem = false) {
    AnalysisOptions options;
    options.symbols_to_index = {"+"};
    options.token_separators = {"_"};
    options.locale = std::move(locale);
    options.stem = stem;
    return words(text, Analyzer(options));
}

TEST(Analyzer, CutsScriptsWithoutSpaces) {
    EXPECT_EQ(words("ภาษาไทย ลาว"), "ภาษา|ไทย|ลาว");
    EXPECT_EQ(words("ｶﾞｷ 漢字"), "カ|キ|汉|字") << "narrow kana, whose marks stand alone";
    TokenBuffer buffer;
    Analyzer({}, {}).analyze("a明月 光iP手機", buffer);
    std::string joined;
    for (const AnalyzedToken& token : buffer.tokens) {
        joined += token.joined ? '1' : '0';
    }
    EXPECT_EQ(joined, "0010001") << "a 明 月 光 ip 手 機";
}

TEST(Analyzer, KeepsVowelsThatAreMarks) {
    EXPECT_EQ(words("हिन्दी"), "हिन्दी");
    EXPECT_EQ(words("مُحَمَّد"), "محمد");
}

TEST(Analyzer, HasWordsOfALocale) {
    EXPECT_EQ(localized("Schöne GROẞE Äpfel!", "de"), "schöne|grosse|äpfel");
    EXPECT_EQ(localized("c++ a_b, x", "fr"), "c++|a|b|x");
    EXPECT_EQ(localized("北京大學", "zh"), "北京|大学");
    EXPECT_EQ(localized("Привет", "ru"), "privet");
    EXPECT_EQ(localized("كتاب\xE2\x80\x8Cها", "fa"), "كتاب|ها");
    EXPECT_EQ(localized("a\xFF ok \xE2\x82", "de"), "a|ok");
    EXPECT_EQ(localized("running", "en", true), "run");
    EXPECT_EQ(localized("", "ja"), "");
}

TEST(Analyzer, KnowsHowFarABeginningGoes) {
    const Analyzer plain({}, {});
    EXPECT_EQ(plain.prefix_end("non-stick", 4), 5U);
    EXPECT_EQ(plain.prefix_end("Straße", 5), 6U) << "both of ss";
    EXPECT_EQ(plain.prefix_end("ab", 9), 2U);
}

}  // namespace
}  // namespace kumo::search
