#include "search/query/text_world_test.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kumo::search {
namespace {

using Texts = TextWorld::Texts;

Field of_locale(std::string locale) {
    return {.name = "t", .locale = std::move(locale)};
}

TEST(Languages, ChineseIsSearchedWithoutSettings) {
    TextWorld world({of_locale("")});
    world.texts({"床前明月光，疑是地上霜。", "月明星稀", "明日有月", "舉頭望明月"});
    EXPECT_EQ(world.hits("明月"), (Texts{"舉頭望明月", "床前明月光，疑是地上霜。"}));
    EXPECT_EQ(world.hits("月").size(), 4U);
    EXPECT_EQ(world.hits("举头"), (Texts{"舉頭望明月"})) << "simplified finds traditional";
    EXPECT_EQ(world.hits("地上 明月"), (Texts{"床前明月光，疑是地上霜。"}));
    EXPECT_EQ(world.hits("月有明").size(), 1U) << "scattered, if they are nowhere together";
    EXPECT_EQ(world.hits("明月鶴").size(), 2U) << "fewer, if not all are there";
    world.request.match.drop_tokens_threshold = 0;
    EXPECT_TRUE(world.hits("月有明").empty());
    EXPECT_EQ(world.hits("\"明月光\"").size(), 1U);
    EXPECT_EQ(world.hits("月 -明月").size(), 2U);
}

TEST(Languages, SynonymsStandTogetherToo) {
    TextWorld world({of_locale("")});
    world.texts({"移动电话", "电动移话"});
    const SynonymRule rule{{}, {{"手", "机"}, {"移", "动", "电", "话"}}, ""};
    world.request.synonyms.push_back(std::make_shared<const SynonymSet>(std::vector<SynonymRule>{
        rule}));
    EXPECT_EQ(world.hits("手机"), (Texts{"移动电话"}));
}

TEST(Languages, WhatStandsTogetherIsMarkedTogether) {
    TextWorld world({of_locale("")});
    world.texts({"明：舉頭望明月，月光"});
    EXPECT_EQ(world.snippets("明月"), (Texts{"明：舉頭望<mark>明月</mark>，月光"}));
    EXPECT_EQ(world.snippets("举头"), (Texts{"明：<mark>舉頭</mark>望明月，月光"}));
    EXPECT_EQ(world.run("明月").hits[0].highlights[0].values[0].matched_tokens, (Texts{"明月"}));
}

TEST(Languages, JapaneseKoreanAndThaiAreSearchedWithoutSettings) {
    TextWorld world({of_locale("")});
    world.texts(
        {"東京タワーの夜景", "iPhone用ケース", "서울에서 만나요", "ภาษาไทยสวยงาม", "京都と東"}
    );
    EXPECT_EQ(world.hits("東京"), (Texts{"東京タワーの夜景"}));
    EXPECT_EQ(world.hits("ﾀﾜｰ"), (Texts{"東京タワーの夜景"})) << "narrow characters";
    EXPECT_EQ(world.hits("ケース"), (Texts{"iPhone用ケース"}));
    EXPECT_EQ(world.hits("iphone").size(), 1U);
    EXPECT_EQ(world.hits("서울 만나"), (Texts{"서울에서 만나요"}));
    EXPECT_EQ(world.hits("ไทย"), (Texts{"ภาษาไทยสวยงาม"}));
    EXPECT_EQ(world.snippets("ไทย"), (Texts{"ภาษา<mark>ไทย</mark>สวยงาม"}));
    EXPECT_TRUE(world.hits("ท").empty()) << "vowels are letters";
}

TEST(Languages, FiltersWantWhatStandsTogether) {
    TextWorld world({of_locale("")});
    world.texts({"明月", "月明", "望明月"});
    EXPECT_EQ(world.filtered(Filter::Kind::kWords, "明月"), (Texts{"望明月", "明月"}));
    EXPECT_EQ(world.filtered(Filter::Kind::kExact, "明月"), (Texts{"明月"}));
    EXPECT_EQ(world.filtered(Filter::Kind::kWordsPrefix, "望明"), (Texts{"望明月"}));
}

TEST(Languages, LocalesHaveWordsAndFormsOfTheirOwn) {
    TextWorld chinese({of_locale("zh")});
    chinese.texts({"北京大學的圖書館"});
    EXPECT_EQ(chinese.snippets("图书馆"), (Texts{"北京大學的<mark>圖書館</mark>"}));
    TextWorld japanese({of_locale("ja")});
    japanese.texts({"東京タワーへ行く", "ワタシの本"});
    EXPECT_EQ(japanese.hits("わたし"), (Texts{"ワタシの本"})) << "kana are one";
    EXPECT_EQ(japanese.snippets("東京"), (Texts{"<mark>東京</mark>タワーへ行く"}));
    TextWorld german({of_locale("de")});
    german.request.fields[0].num_typos = 0;
    german.texts({"Schöne Straße", "schon"});
    EXPECT_EQ(german.hits("schön"), (Texts{"Schöne Straße"})) << "marks count";
    EXPECT_EQ(german.hits("STRASSE"), (Texts{"Schöne Straße"}));
    TextWorld greek({of_locale("el")});
    greek.texts({"Καλημέρα κόσμε"});
    EXPECT_EQ(greek.snippets("καλημερα"), (Texts{"<mark>Καλημέρα</mark> κόσμε"}));
    TextWorld thai({of_locale("th")});
    thai.texts({"ภาษาไทยสวยงาม"});
    EXPECT_EQ(thai.hits("ภาษา สวย").size(), 1U);
}

TEST(Languages, SeparatorsHoldInEveryLocale) {
    TextWorld world({of_locale("fr")}, {"'", "-"});
    world.texts({"l'été au bord-de-mer"});
    EXPECT_EQ(world.hits("été").size(), 1U);
    EXPECT_EQ(world.snippets("bord de"), (Texts{"l'été au <mark>bord</mark>-<mark>de</mark>-mer"}));
}

TEST(Infix, FindsWordsThatHaveItInside) {
    TextWorld world({{.name = "t", .infix = true}});
    world.texts({"part AX-4471-B", "ax4471", "other 4471 exact", "x"});
    world.request.fields[0].num_typos = 0;
    EXPECT_EQ(world.hits("447"), (Texts{"other 4471 exact"})) << "off";
    world.request.fields[0].infix = InfixMode::kFallback;
    EXPECT_EQ(world.hits("447"), (Texts{"other 4471 exact"}));
    EXPECT_EQ(world.hits("71b"), (Texts{"part AX-4471-B"}));
    EXPECT_EQ(world.snippets("71b"), (Texts{"part AX-44<mark>71-B</mark>"}));
    world.request.fields[0].infix = InfixMode::kAlways;
    EXPECT_EQ(world.hits("4471"), (Texts{"other 4471 exact", "ax4471", "part AX-4471-B"}));
    world.request.match.drop_tokens_threshold = 0;
    EXPECT_EQ(world.hits("4471 art"), (Texts{"part AX-4471-B"})) << "every word";
    world.request.match.max_extra_suffix = 0;
    EXPECT_EQ(world.hits("4471"), (Texts{"other 4471 exact", "ax4471"}));
    world.request.match.max_extra_prefix = 1;
    EXPECT_EQ(world.hits("4471"), (Texts{"other 4471 exact"}));
}

TEST(Bm25, RanksByRareWordsAndLength) {
    TextWorld world({{.name = "t", .stem = true}, {.name = "b"}});
    world.request.match.text_match_type = TextMatchType::kBm25;
    world.texts({"the apple", "the pear", "the running apple of the running man", "the the the"});
    EXPECT_EQ(
        world.hits("the run apples"),
        (Texts{"the running apple of the running man", "the apple", "the the the", "the pear"})
    );
    EXPECT_EQ(world.run("the run apples").found, 4U);
    EXPECT_EQ(world.hits("aple"), (Texts{"the apple", "the running apple of the running man"}));
    EXPECT_EQ(world.hits("pea"), (Texts{"the pear"})) << "a beginning";
    EXPECT_EQ(world.hits("apple -man"), (Texts{"the apple"}));
    EXPECT_TRUE(world.hits("zzzzz").empty());
}

TEST(Bm25, IsTheFormula) {
    TextWorld world({{.name = "t"}});
    world.request.match.text_match_type = TextMatchType::kBm25;
    world.texts({"a b", "a a c d", "c", "d"});
    const SearchResult result = world.run("a");
    // idf = ln(1 + (4 - 2 + .5) / (2 + .5)) = ln 2; the average length is 2.
    const auto score = [](double tf, double length) {
        return std::log(2) * tf / (tf + 1.2 * (0.25 + 0.75 * length / 2)) * 1e6;
    };
    ASSERT_EQ(result.hits.size(), 2U);
    EXPECT_NEAR(static_cast<double>(result.hits[0].text_match->score), score(2, 4), 1);
    EXPECT_NEAR(static_cast<double>(result.hits[1].text_match->score), score(1, 2), 1);
}

TEST(Bm25, FieldsAreOneText) {
    TextWorld world({{.name = "t"}, {.name = "b"}});
    world.request.match.text_match_type = TextMatchType::kBm25;
    world.add(R"({"t":"a","b":"a x"})");
    world.add(R"({"t":"x","b":"a b"})");
    EXPECT_EQ(world.hits("a b"), (Texts{"x", "a"})) << "two words before one word twice";
    world.request.fields[1].relative_weight = 0.1F;
    EXPECT_EQ(world.hits("a"), (Texts{"a", "x"}));
}

TEST(Bm25, PairsOfCharactersCount) {
    TextWorld world({{.name = "t"}});
    world.request.match.text_match_type = TextMatchType::kBm25;
    world.texts({"月明", "望明月", "明有月"});
    EXPECT_EQ(world.hits("明月"), (Texts{"望明月"}));
    EXPECT_EQ(world.snippets("明月"), (Texts{"望<mark>明月</mark>"}));
}

}  // namespace
}  // namespace kumo::search
