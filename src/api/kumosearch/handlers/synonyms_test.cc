#include "api/kumosearch/internal/api_world_test.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

const std::string kSet = R"({"items":[
    {"id":"dark","root":"gloom","synonyms":["darkness"]},
    {"id":"good","synonyms":["good","great","very fine"]}]})";

const std::string kShown =
    R"({"items":[{"id":"dark","root":"gloom","synonyms":["darkness"]},)"
    R"({"id":"good","root":"","synonyms":["good","great","very fine"]}],"name":"words"})";

class Synonyms : public testing::Test {
protected:
    void SetUp() override { world.add_books(); }

    std::string ids(const std::string& query) {
        const Answer answer = world.get(
            "/collections/books/documents/search?query_by=title&drop_tokens_threshold=0&num_typos=0"
            "&prefix=false&"
            + query
        );
        const auto parsed = wire::JsonDocument::parse(answer.body);
        if (answer.status != 200 || !parsed.ok()) {
            return message(answer);
        }
        std::string out;
        for (const wire::JsonValue hit : parsed.value().root().find("hits").as_array()) {
            out += std::string(hit.find("document").find("id").as_string()) + " ";
        }
        return out;
    }

    ApiWorld world;
};

TEST_F(Synonyms, SetsArePutShownAndDeleted) {
    EXPECT_EQ(world.get("/synonym_sets").body, "[]");
    EXPECT_EQ(world.put("/synonym_sets/words", kSet).body, kShown);
    EXPECT_EQ(world.get("/synonym_sets/words").body, kShown);
    EXPECT_EQ(world.get("/synonym_sets").body, "[" + kShown + "]");
    EXPECT_EQ(world.remove("/synonym_sets/words").body, R"({"name":"words"})");
    for (const Answer& answer :
         {world.get("/synonym_sets/words"),
          world.remove("/synonym_sets/words"),
          world.get("/synonym_sets/words/items"),
          world.get("/synonym_sets/words/items/a"),
          world.remove("/synonym_sets/words/items/a"),
          world.put("/synonym_sets/words/items/a", R"({"synonyms":["a"]})")}) {
        EXPECT_EQ(answer.status, 404);
        EXPECT_EQ(message(answer), "Synonym index not found");
    }
}

TEST_F(Synonyms, ItemsOfASetArePutShownAndDeleted) {
    ASSERT_EQ(world.put("/synonym_sets/words", kSet).status, 200);
    const std::string items = "/synonym_sets/words/items";
    EXPECT_EQ(
        world
            .put(
                items + "/new",
                R"({"synonyms": ["a b"], "locale": "de", "symbols_to_index": ["+"]})"
            )
            .body,
        R"({"synonyms":["a b"],"locale":"de","symbols_to_index":["+"],"id":"new"})"
    );
    const std::string shown =
        R"({"id":"new","locale":"de","root":"","symbols_to_index":["+"],"synonyms":["a b"]})";
    EXPECT_EQ(world.get(items + "/new").body, shown);
    EXPECT_EQ(world.get(items + "?offset=2&limit=5").body, "[" + shown + "]");
    EXPECT_EQ(message(world.get(items + "?offset=3")), "Invalid offset param.");
    EXPECT_EQ(message(world.get(items + "?limit=x")), "Limit param should be unsigned integer.");
    EXPECT_EQ(world.remove(items + "/new").body, R"({"id":"new"})");
    EXPECT_EQ(world.get("/synonym_sets/words").body, kShown);
    EXPECT_EQ(message(world.remove(items + "/new")), "Could not find that `id`.");
    EXPECT_EQ(message(world.get(items + "/new")), "Not Found");
}

TEST_F(Synonyms, ThatAreBadAreRefused) {
    const auto refusal = [&](const std::string& body) {
        const Answer answer = world.put("/synonym_sets/s", body);
        EXPECT_EQ(answer.status, 400) << body;
        return message(answer);
    };
    const auto item = [&](const std::string& members) {
        return refusal(R"({"items":[{"id":"a",)" + members + "}]}");
    };
    EXPECT_EQ(refusal("x"), "Bad JSON.");
    EXPECT_EQ(refusal("[]"), "Bad JSON.");
    EXPECT_EQ(refusal("{}"), "Missing or invalid 'items' field");
    EXPECT_EQ(refusal(R"({"items":[{"synonyms":["a"]}]})"), "Missing `id` field.");
    const std::string none = "Could not find an array of `synonyms`";
    EXPECT_EQ(item(R"("root":"a")"), none);
    EXPECT_EQ(item(R"("synonyms":[])"), none);
    EXPECT_EQ(item(R"("synonyms":"a")"), none);
    const std::string invalid = "Could not find a valid string array of `synonyms`";
    EXPECT_EQ(item(R"("synonyms":["a",1])"), invalid);
    EXPECT_EQ(item(R"("synonyms":[[]])"), invalid);
    EXPECT_EQ(item(R"("synonyms":["a"],"root":1)"), "Key `root` should be a string.");
    EXPECT_EQ(item(R"("synonyms":["a"],"locale":1)"), "Synonym `locale` should be a string.");
    EXPECT_EQ(
        item(R"("synonyms":["a"],"symbols_to_index":"+")"),
        "Synonym `symbols_to_index` should be an array of strings."
    );
    EXPECT_EQ(
        item(R"("synonyms":["a"],"symbols_to_index":["++"])"),
        "Synonym `symbols_to_index` should be an array of single character symbols."
    );
    EXPECT_EQ(
        world.put("/synonym_sets/s", R"({"items":[{"id":"a","synonyms":["a"],"root":["x","y"]}]})")
            .body,
        R"({"items":[{"id":"a","root":"x y","synonyms":["a"]}],"name":"s"})"
    );
}

TEST_F(Synonyms, SearchesUseTheSetsThatTheyName) {
    ASSERT_EQ(world.put("/synonym_sets/words", kSet).status, 200);
    EXPECT_EQ(ids("q=gloom"), "");
    EXPECT_EQ(ids("q=gloom&synonym_sets=words"), "1 ");
    EXPECT_EQ(ids("q=darkness&synonym_sets=words"), "1 ");
    EXPECT_EQ(ids("q=great+omens&synonym_sets=words"), "3 ");
    EXPECT_EQ(ids("q=very+fine+omens&synonym_sets=words"), "3 ");
    EXPECT_EQ(ids("q=gloom&synonym_sets=words&enable_synonyms=false"), "");
    EXPECT_EQ(ids("q=gloom&synonym_sets=none"), "Synonym index not found");
    EXPECT_EQ(ids("q=glo&synonym_sets=words"), "");
    EXPECT_EQ(ids("q=glo&synonym_sets=words&synonym_prefix=true"), "1 ");
    EXPECT_EQ(ids("q=gluom&synonym_sets=words"), "");
    EXPECT_EQ(ids("q=gluom&synonym_sets=words&synonym_num_typos=1"), "1 ");
    EXPECT_EQ(
        ids("q=gluom&synonym_num_typos=3"),
        "Value of `synonym_num_typos` must not be greater than 2."
    );
    EXPECT_NE(
        world.get("/collections/books/documents/search?q=gloom&query_by=title&synonym_sets=words")
            .body.find("<mark>Darkness</mark>"),
        std::string::npos
    );
    // A changed set is used at once.
    ASSERT_EQ(world.put("/synonym_sets/words", R"({"items":[]})").status, 200);
    EXPECT_EQ(ids("q=gloom&synonym_sets=words"), "");
}

TEST_F(Synonyms, OfACollectionAreItsOwn) {
    const std::string path = "/collections/books/synonyms";
    EXPECT_EQ(world.get(path).body, R"({"synonyms":[]})");
    EXPECT_EQ(
        world.put(path + "/a", R"({"root":"gloom","synonyms":["darkness"]})").body,
        R"({"root":"gloom","synonyms":["darkness"],"id":"a"})"
    );
    const std::string shown = R"({"id":"a","root":"gloom","synonyms":["darkness"]})";
    EXPECT_EQ(world.get(path).body, "{\"synonyms\":[" + shown + "]}");
    EXPECT_EQ(world.get(path + "/a").body, shown);
    EXPECT_EQ(world.get("/synonym_sets").body, "[]");
    EXPECT_EQ(ids("q=gloom"), "1 ");
    EXPECT_EQ(ids("q=gloom&enable_synonyms=false"), "");
    EXPECT_EQ(world.remove(path + "/a").body, R"({"id":"a"})");
    EXPECT_EQ(message(world.remove(path + "/a")), "Could not find that `id`.");
    EXPECT_EQ(message(world.get(path + "/a")), "Not Found");
    EXPECT_EQ(ids("q=gloom"), "");
    for (const Answer& answer :
         {world.get("/collections/none/synonyms"),
          world.get("/collections/none/synonyms/a"),
          world.put("/collections/none/synonyms/a", R"({"synonyms":["a"]})"),
          world.remove("/collections/none/synonyms/a")}) {
        EXPECT_EQ(answer.status, 404);
        EXPECT_EQ(message(answer), "No collection with name `none` found.");
    }
    // A collection of the same name begins without.
    ASSERT_EQ(world.put(path + "/a", R"({"synonyms":["x","y"]})").status, 200);
    ASSERT_EQ(world.remove("/collections/books").status, 200);
    world.add_books();
    EXPECT_EQ(world.get(path).body, R"({"synonyms":[]})");
}

TEST_F(Synonyms, RankAsTheWordsTheyStandForUnlessTheyAreDemoted) {
    ASSERT_EQ(
        world
            .post(
                "/collections/books/documents/import",
                R"({"id":"a","title":"usa","authors":[],"year":1}
{"id":"b","title":"united states","authors":[],"year":1}
{"id":"c","title":"usa today","authors":[],"year":1}
{"id":"d","title":"united states today","authors":[],"year":1}
{"id":"e","title":"states of the united today","authors":[],"year":1}
{"id":"f","title":"united kingdom","authors":[],"year":1})"
            )
            .status,
        200
    );
    ASSERT_EQ(
        world.put("/collections/books/synonyms/a", R"({"synonyms":["usa","united states"]})")
            .status,
        200
    );
    EXPECT_EQ(ids("q=usa&sort_by=_text_match:desc"), "b a d c e ");
    EXPECT_EQ(ids("q=usa&sort_by=_text_match:desc&drop_tokens_threshold=100"), "b a d c e f ");
    EXPECT_EQ(ids("q=united+states&sort_by=_text_match:desc"), "b a d c e ");
    EXPECT_EQ(ids("q=usa&sort_by=_text_match:desc&demote_synonym_match=true"), "a b c d e ");
}

TEST_F(Synonyms, KeysNeedTheirActions) {
    ASSERT_EQ(
        world
            .post(
                "/keys",
                R"({"actions":["synonyms:list"],"collections":["books"],"value":"for-lists"})"
            )
            .status,
        201
    );
    const auto status = [&](wire::HttpMethod method, const std::string& target) {
        return world.ask_as("for-lists", method, target, "{}").status;
    };
    EXPECT_EQ(status(wire::HttpMethod::kGet, "/collections/books/synonyms"), 200);
    EXPECT_EQ(status(wire::HttpMethod::kGet, "/collections/books/synonyms/a"), 401);
    EXPECT_EQ(status(wire::HttpMethod::kPut, "/collections/books/synonyms/a"), 401);
    EXPECT_EQ(status(wire::HttpMethod::kGet, "/collections/other/synonyms"), 401);
    EXPECT_EQ(status(wire::HttpMethod::kGet, "/synonym_sets"), 401);
}

}  // namespace
}  // namespace kumo::api_kumosearch
