#include "search/query/text_world_test.h"

#include <gtest/gtest.h>

namespace kumo::search {
namespace {

using Texts = TextWorld::Texts;

Field stemmed(std::string name, std::string locale = "") {
    Field field;
    field.name = std::move(name);
    field.locale = std::move(locale);
    field.stem = true;
    return field;
}

StemDictionary dictionary_of(StemDictionary::Roots roots) {
    return {"roots", std::make_shared<const StemDictionary::Roots>(std::move(roots))};
}

TEST(Stemming, FindsWordsByTheirStems) {
    TextWorld world({stemmed("t")});
    world.texts({"Running shoes", "he ran", "a run", "shoe runs", "ruins"});
    EXPECT_EQ(world.hits("runs"), (Texts{"shoe runs", "a run", "Running shoes"}));
    EXPECT_EQ(world.hits("shoes run").size(), 2U);
    EXPECT_EQ(world.hits("shoe -running"), (Texts{}));
    EXPECT_EQ(world.hits("\"run shoes\""), (Texts{"Running shoes"}));
}

TEST(Stemming, MarksTheWordAsItIsWritten) {
    TextWorld world({stemmed("t")});
    world.texts({"The joggers were Running fast"});
    EXPECT_EQ(world.snippets("runs"), (Texts{"The joggers were <mark>Running</mark> fast"}));
    EXPECT_EQ(world.snippets("ru"), (Texts{"The joggers were <mark>Ru</mark>nning fast"}));
}

TEST(Stemming, TyposAreInTheStem) {
    TextWorld world({stemmed("t")});
    world.texts({"beautiful gardens", "other"});
    EXPECT_EQ(world.hits("beuatiful gardening"), (Texts{"beautiful gardens"}));
}

TEST(Stemming, FieldsWithAndWithoutStemsAreSearchedTogether) {
    TextWorld world({stemmed("t"), {.name = "plain"}});
    world.add(R"({"t":"one","plain":"running"})");
    world.add(R"({"t":"two runs","plain":"x"})");
    world.add(R"({"t":"three","plain":"run"})");
    world.add(R"({"t":"four run","plain":"running"})");
    world.request.fields[0].prefix = false;
    world.request.fields[1].prefix = false;
    EXPECT_EQ(world.hits("running"), (Texts{"four run", "one", "two runs"}));
    EXPECT_EQ(world.hits("run"), (Texts{"three", "four run", "two runs"}));
    std::swap(world.request.fields[0], world.request.fields[1]);
    EXPECT_EQ(world.hits("running").size(), 3U) << "whichever is first";
}

TEST(Stemming, FiltersUseStems) {
    TextWorld world({stemmed("t")});
    world.texts({"running shoes", "run", "walks"});
    EXPECT_EQ(world.filtered(Filter::Kind::kWords, "runs"), (Texts{"run", "running shoes"}));
    EXPECT_EQ(world.filtered(Filter::Kind::kExact, "runs"), (Texts{"run"}));
    EXPECT_EQ(world.filtered(Filter::Kind::kStartsWith, "runs shoe"), (Texts{"running shoes"}));
}

TEST(Stemming, TheLocaleSaysTheLanguage) {
    TextWorld german({stemmed("t", "de")});
    german.texts({"Die Häuser", "Das Haus"});
    EXPECT_EQ(german.hits("häusern").size(), 2U) << "Snowball's German takes the umlaut away";
    TextWorld russian({stemmed("t", "ru")});
    russian.texts({"Книги и журналы", "книга"});
    EXPECT_EQ(russian.hits("книгу").size(), 2U);
    EXPECT_EQ(russian.snippets("книгу").front(), "<mark>книга</mark>");
    EXPECT_EQ(russian.hits("knig").size(), 2U) << "indexed in Latin letters";
}

TEST(Stemming, SynonymsAreStemmedWhereTheFieldIs) {
    TextWorld world({stemmed("t")});
    world.texts({"trainers", "boots"});
    world.request.synonyms.push_back(std::make_shared<const SynonymSet>(std::vector<SynonymRule>{
        {{}, {{"shoes"}, {"trainers"}}, ""}}));
    EXPECT_EQ(world.hits("shoes"), (Texts{"trainers"}));
}

TEST(Stemming, ADictionaryHasRootsOfItsOwn) {
    Field field = stemmed("t");
    field.stem_dictionary =
        dictionary_of({{"people", "person"}, {"geese", "goose"}, {"nothing", ""}});
    TextWorld world({field});
    world.request.fields[0].num_typos = 0;
    world.texts({"Two people", "a person", "geese running", "nothing"});
    EXPECT_EQ(world.hits("person").size(), 2U);
    EXPECT_EQ(world.hits("people").size(), 2U);
    EXPECT_EQ(world.hits("goose"), (Texts{"geese running"}));
    EXPECT_EQ(world.hits("run").size(), 1U) << "a beginning";
    EXPECT_EQ(world.hits("runs").size(), 0U) << "the language's stems do not count";
    EXPECT_EQ(world.hits("nothing").size(), 1U);
    EXPECT_EQ(world.snippets("person").back(), "Two <mark>people</mark>");
}

}  // namespace
}  // namespace kumo::search
