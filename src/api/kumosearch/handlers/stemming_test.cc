#include "api/kumosearch/internal/api_world_test.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

TEST(Stemming, DictionariesAreKept) {
    ApiWorld world;
    const std::string import = "/stemming/dictionaries/import?id=plurals";
    const std::string lines = R"({"word": "people", "root": "person"}
{"word": "geese", "root": "goose"})";
    const Answer imported = world.post(import, lines + "\n\n");
    EXPECT_EQ(imported.status, 200);
    EXPECT_EQ(imported.body, lines);
    EXPECT_NE(imported.headers.find("text/plain"), std::string::npos);
    world.post(import, R"({"root": "mouse", "word": "mice"}
{"root": "a goose", "word": "geese"})");
    EXPECT_EQ(
        world.get("/stemming/dictionaries/plurals").body,
        R"({"id":"plurals","words":[{"root":"a goose","word":"geese"},)"
        R"({"root":"mouse","word":"mice"},{"root":"person","word":"people"}]})"
    );
    EXPECT_EQ(world.get("/stemming/dictionaries").body, R"({"dictionaries":["plurals"]})");
    EXPECT_EQ(world.remove("/stemming/dictionaries/plurals").body, R"({"id":"plurals"})");
    EXPECT_EQ(world.remove("/stemming/dictionaries/plurals").status, 404);
    EXPECT_EQ(world.get("/stemming/dictionaries/plurals").status, 404);
    EXPECT_EQ(world.get("/stemming/dictionaries").body, R"({"dictionaries":[]})");
}

TEST(Stemming, FieldsHaveTheStemsOfADictionary) {
    ApiWorld world;
    const std::string import = "/stemming/dictionaries/import?id=plurals";
    const std::string fields =
        R"("fields":[{"name":"t","type":"string","stem_dictionary":"plurals"}])";
    EXPECT_EQ(world.post("/collections", R"({"name":"c",)" + fields + "}").status, 400);
    world.post(import, R"({"word": "people", "root": "person"})");
    const Answer made = world.post("/collections", R"({"name":"c",)" + fields + "}");
    EXPECT_EQ(made.status, 201);
    EXPECT_NE(made.body.find(R"("stem":true,"stem_dictionary":"plurals")"), std::string::npos);
    world.post("/collections/c/documents", R"({"t":"People and mice"})");
    const auto found = [&](const std::string& q) {
        return world.get("/collections/c/documents/search?query_by=t&num_typos=0&q=" + q).body;
    };
    EXPECT_NE(found("person").find("<mark>People</mark> and mice"), std::string::npos);
    // The collection has what the dictionary said when the field was declared.
    world.post(import, R"({"word": "mice", "root": "mouse"})");
    world.post("/collections/c/documents", R"({"t":"mice"})");
    EXPECT_NE(found("mouse").find("\"found\":0"), std::string::npos);
    EXPECT_NE(found("mice").find("\"found\":2"), std::string::npos);
    const std::string again = R"({"fields":[{"name":"t","drop":true},)"
                              R"({"name":"t","type":"string","stem_dictionary":"plurals"}]})";
    EXPECT_EQ(world.patch("/collections/c", again).status, 200);
    EXPECT_NE(found("mouse").find("\"found\":2"), std::string::npos);
    EXPECT_NE(found("person").find("\"found\":1"), std::string::npos);
}

TEST(Stemming, FieldsHaveTheStemsOfTheirLanguage) {
    ApiWorld world;
    world.post(
        "/collections",
        R"({"name":"c","fields":[{"name":"t","type":"string[]","stem":true,"facet":true}]})"
    );
    world.post("/collections/c/documents", R"({"t":["running shoes","walks"]})");
    const auto found = [&](const std::string& query) {
        return world.get("/collections/c/documents/search?query_by=t&" + query).body;
    };
    EXPECT_NE(found("q=walking").find("<mark>walks</mark>"), std::string::npos);
    EXPECT_NE(found("q=*&filter_by=t:runs").find("\"found\":1"), std::string::npos);
    EXPECT_NE(
        found("q=*&facet_by=t&facet_query=t:runs").find("<mark>run</mark>ning"),
        std::string::npos
    );
}

TEST(Stemming, LargeDictionariesHaveSeveralParts) {
    ApiWorld world;
    std::string lines;
    for (int i = 0; i < 20'000; ++i) {
        const std::string n = std::to_string(i);
        lines += R"({"word": "words)" + n + R"(", "root": "word)" + n + "\"}\n";
    }
    EXPECT_EQ(world.post("/stemming/dictionaries/import?id=large", lines).status, 200);
    const std::string all = world.get("/stemming/dictionaries/large").body;
    std::size_t count = 0;
    for (std::size_t at = 0; (at = all.find("\"root\"", at)) != std::string::npos; ++at) {
        ++count;
    }
    EXPECT_EQ(count, 20'000U);
    const auto stored = world.node().resource(node::ResourceKind::kStemmingDictionary, "large");
    EXPECT_GT(stored->items().size(), 2U);
}

TEST(Stemming, RefusesWhatIsNoDictionary) {
    ApiWorld world;
    const std::string import = "/stemming/dictionaries/import";
    EXPECT_EQ(
        message(world.post(import, "{}")),
        "Parameter `id` must be provided while importing dictionary words."
    );
    EXPECT_EQ(
        message(world.post(import + "?id=x&batch_size=0", "{}")),
        "Parameter `batch_size` must be a positive integer."
    );
    for (const char* body :
         {"", "\n", "[", R"({"word": 1, "root": "x"})", R"({"word": "", "root": "x"})"}) {
        EXPECT_EQ(message(world.post(import + "?id=x", body)), "Invalid dictionary format.")
            << body;
    }
    const Answer half =
        world.post(import + "?id=x", "{\"word\": \"a\", \"root\": \"b\"}\n{\"word\": \"a\"}");
    EXPECT_EQ(half.status, 400);
    EXPECT_EQ(message(half), "dictionary lines should contain `word` and `root` values.");
    EXPECT_EQ(world.get("/stemming/dictionaries").body, R"({"dictionaries":[]})");
}

}  // namespace
}  // namespace kumo::api_kumosearch
