#include "search/analysis/chain.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kumo::search {
namespace {

std::vector<std::string> tokens(const std::string& chain, const std::string& text) {
    std::vector<std::string> out;
    const auto made = AnalysisChain::make(chain);
    EXPECT_TRUE(made.ok()) << chain;
    if (made.ok()) {
        for (const ChainToken& token : made.value()->tokens(text)) {
            out.push_back(token.text + "@" + std::to_string(token.position));
        }
    }
    return out;
}

using List = std::vector<std::string>;

TEST(AnalysisChain, StandardWordsInLowerCase) {
    const std::string chain =
        R"({"tokenizer":{"type":"standard"},"filter":[{"type":"lowercase"}]})";
    EXPECT_EQ(
        tokens(chain, "The 2 QUICK Brown-Foxes jumped over the lazy dog's bone."),
        (List{
            "the@0",
            "2@1",
            "quick@2",
            "brown@3",
            "foxes@4",
            "jumped@5",
            "over@6",
            "the@7",
            "lazy@8",
            "dog's@9",
            "bone@10"})
    );
    EXPECT_EQ(tokens(chain, "東京 タワー"), (List{"東@0", "京@1", "タワー@2"}));
}

TEST(AnalysisChain, StopWordsLeaveGaps) {
    EXPECT_EQ(
        tokens(
            R"({"tokenizer":{"type":"lowercase"},"filter":[{"type":"stop","stopwords":"_english_"}]})",
            "This is the End"
        ),
        (List{"end@3"})
    );
}

TEST(AnalysisChain, GramsShinglesAndSynonyms) {
    EXPECT_EQ(
        tokens(R"({"tokenizer":{"type":"edge_ngram","min_gram":"2","max_gram":3}})", "quick"),
        (List{"qu@0", "qui@1"})
    );
    EXPECT_EQ(
        tokens(R"({"tokenizer":{"type":"whitespace"},"filter":[{"type":"shingle"}]})", "a b c"),
        (List{"a@0", "a b@0", "b@1", "b c@1", "c@2"})
    );
    EXPECT_EQ(
        tokens(
            R"({"tokenizer":{"type":"whitespace"},"filter":[{"type":"synonym","synonyms":["car, auto"]}]})",
            "my car"
        ),
        (List{"my@0", "car@1", "auto@1"})
    );
}

TEST(AnalysisChain, CharacterFiltersKeepPlaces) {
    const auto chain = AnalysisChain::make(
        R"({"char_filter":[{"type":"html_strip"}],"tokenizer":{"type":"whitespace"}})"
    );
    ASSERT_TRUE(chain.ok());
    const ChainTokens found = chain.value()->tokens("<b>bold</b> x");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].text, "bold");
    EXPECT_EQ(found[0].begin, 3U);
    EXPECT_EQ(found[1].begin, 12U);
}

TEST(AnalysisChain, SaysWhatItHasNot) {
    EXPECT_EQ(
        AnalysisChain::make(R"({"tokenizer":{"type":"icu_tokenizer"}})").error().code,
        ErrorCode::kUnsupported
    );
    EXPECT_FALSE(
        AnalysisChain::make(R"({"tokenizer":{"type":"ngram","min_gram":3,"max_gram":2}})").ok()
    );
    EXPECT_FALSE(AnalysisChain::make(R"({"tokenizer":{"type":"pattern","pattern":"("}})").ok());
    EXPECT_FALSE(AnalysisChain::make("[]]").ok());
}

TEST(AnalysisChain, TakesWhateverText) {
    const auto chain = AnalysisChain::make(
        R"({"tokenizer":{"type":"standard"},"filter":[{"type":"asciifolding"},{"type":"stemmer"}]})"
    );
    ASSERT_TRUE(chain.ok());
    EXPECT_TRUE(chain.value()->tokens("").empty());
    (void)chain.value()->tokens(std::string("\xFF\xC0 a\0b", 6));
    (void)chain.value()->tokens(std::string(10'000, 'x'));
}

}  // namespace
}  // namespace kumo::search
