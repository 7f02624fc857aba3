#include "api/kumosearch/internal/api_world_test.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

class Values : public testing::Test {
protected:
    void SetUp() override { world.add_books(); }

    /// A key for searching one collection.
    std::string key_for(const std::string& collection) {
        const Answer made = world.post(
            "/keys",
            R"({"actions":["documents:search"],"collections":[")" + collection
                + R"("],"value":"for-)" + collection + "\"}"
        );
        EXPECT_EQ(made.status, 201);
        return "for-" + collection;
    }

    std::string found(const std::string& query) {
        const Answer answer = world.get("/collections/books/documents/search?" + query);
        return answer.status == 200 ? member(answer.body, "found") : message(answer);
    }

    ApiWorld world;
};

TEST_F(Values, AliasesAreListedShownPutAndDeleted) {
    EXPECT_EQ(world.get("/aliases").body, R"({"aliases":[]})");
    const std::string shown = R"({"collection_name":"books","name":"current"})";
    EXPECT_EQ(world.put("/aliases/current", R"({"collection_name": "books"})").body, shown);
    EXPECT_EQ(world.get("/aliases/current").body, shown);
    EXPECT_EQ(world.get("/aliases").body, "{\"aliases\":[" + shown + "]}");
    EXPECT_EQ(world.remove("/aliases/current").body, shown);
    for (const Answer& answer : {world.remove("/aliases/current"), world.get("/aliases/current")}) {
        EXPECT_EQ(answer.status, 404);
        EXPECT_EQ(message(answer), "Collection not found");
    }
}

TEST_F(Values, AliasesThatAreBadAreRefused) {
    const auto refusal = [&](const std::string& body, int status) {
        const Answer answer = world.put("/aliases/a", body);
        EXPECT_EQ(answer.status, status);
        return message(answer);
    };
    EXPECT_EQ(refusal("{}", 400), "Parameter `collection_name` is required.");
    EXPECT_EQ(refusal("[]", 400), "Bad JSON.");
    EXPECT_EQ(refusal("x", 400), "Bad JSON.");
    EXPECT_EQ(
        refusal(R"({"collection_name":1})", 400).substr(0, 27),
        "Parameter `collection_name`"
    );
    const Answer conflict = world.put("/aliases/books", R"({"collection_name":"books"})");
    EXPECT_EQ(conflict.status, 409);
    EXPECT_EQ(message(conflict), "Name `books` conflicts with an existing collection name.");
}

TEST_F(Values, AnAliasStandsForItsCollectionEverywhere) {
    ASSERT_EQ(world.put("/aliases/current", R"({"collection_name":"books"})").status, 200);
    ASSERT_EQ(world.put("/aliases/twice", R"({"collection_name":"current"})").status, 200);
    EXPECT_EQ(member(world.get("/collections/current").body, "name"), "\"books\"");
    EXPECT_EQ(world.get("/collections/twice").status, 404);
    const std::string documents = "/collections/current/documents";
    EXPECT_EQ(member(world.get(documents + "/1").body, "year"), "1969");
    EXPECT_EQ(
        world.post(documents, R"({"id":"9","title":"x","authors":["y"],"year":1})").status,
        201
    );
    EXPECT_EQ(world.post(documents + "/import", R"({"id":"9","title":"x"})").status, 200);
    EXPECT_EQ(world.remove(documents + "?filter_by=id:9").body, R"({"num_deleted":1})");
    EXPECT_NE(world.get(documents + "/export").body.find("Omens"), std::string::npos);
    const Answer search = world.get(documents + "/search?q=omens&query_by=title");
    EXPECT_EQ(member(search.body, "found"), "1");
    EXPECT_EQ(member(member(search.body, "request_params"), "collection_name"), "\"books\"");
    EXPECT_NE(
        world.post("/multi_search", R"({"searches":[{"collection":"current","q":"*"}]})")
            .body.find(R"("found":3)"),
        std::string::npos
    );
    EXPECT_EQ(member(world.remove("/collections/current").body, "name"), "\"books\"");
    EXPECT_EQ(world.get("/collections/current").status, 404);
    EXPECT_EQ(world.get("/aliases/current").status, 200);
}

TEST_F(Values, AKeyCoversTheNameThatIsAskedFor) {
    ASSERT_EQ(world.put("/aliases/current", R"({"collection_name":"books"})").status, 200);
    const auto status = [&](const std::string& key, const std::string& name) {
        return world
            .ask_as(key, wire::HttpMethod::kGet, "/collections/" + name + "/documents/search?q=*")
            .status;
    };
    const std::string for_alias = key_for("current");
    EXPECT_EQ(status(for_alias, "current"), 200);
    EXPECT_EQ(status(for_alias, "books"), 401);
    const std::string for_collection = key_for("books");
    EXPECT_EQ(status(for_collection, "books"), 200);
    EXPECT_EQ(status(for_collection, "current"), 401);
    EXPECT_EQ(world.ask_as(for_alias, wire::HttpMethod::kGet, "/aliases").status, 401);
}

TEST_F(Values, PresetsFillInWhatARequestDoesNotSay) {
    const std::string shown =
        R"({"name":"old","value":{"query_by":"title","filter_by":"year:<1980","per_page":1}})";
    EXPECT_EQ(
        world
            .put(
                "/presets/old",
                R"({"value": {"query_by": "title", "filter_by": "year:<1980", "per_page": 1}})"
            )
            .body,
        shown
    );
    EXPECT_EQ(world.get("/presets/old").body, shown);
    EXPECT_EQ(world.get("/presets").body, "{\"presets\":[" + shown + "]}");
    const Answer answer = world.get("/collections/books/documents/search?q=the&preset=old");
    EXPECT_EQ(member(answer.body, "found"), "2");
    EXPECT_EQ(member(member(answer.body, "request_params"), "per_page"), "1");
    EXPECT_EQ(found("q=*&preset=old&filter_by=year:%3E1"), "3");
    EXPECT_EQ(found("q=*&preset=none"), "3");
    EXPECT_EQ(world.remove("/presets/old").body, shown);
    EXPECT_EQ(message(world.get("/presets/old")), "Not found.");
    EXPECT_EQ(world.remove("/presets/old").status, 404);
}

TEST_F(Values, APresetMayNameTheCollectionAndBeAWholeMultiSearch) {
    ASSERT_EQ(
        world
            .put(
                "/presets/one",
                R"({"value":{"collection":"books","q":"*","filter_by":"year:1990"}})"
            )
            .status,
        200
    );
    const auto search = [&](const std::string& target, const std::string& body) {
        return world.post("/multi_search" + target, body).body;
    };
    EXPECT_NE(
        search("", R"({"searches":[{"preset":"one"}]})").find(R"("found":1)"),
        std::string::npos
    );
    ASSERT_EQ(
        world.put("/presets/many", R"({"value":{"searches":[{"collection":"books","q":"*"}]}})")
            .status,
        200
    );
    EXPECT_NE(search("?preset=many", "{}").find(R"("found":3)"), std::string::npos);
    // What a preset names is no way around a key.
    const Answer stranger =
        world.ask_as(key_for("other"), wire::HttpMethod::kPost, "/multi_search?preset=many", "{}");
    EXPECT_EQ(stranger.status, 401);
}

TEST_F(Values, PresetsThatAreBadAreRefused) {
    const auto refusal = [&](const std::string& body) {
        const Answer answer = world.put("/presets/p", body);
        EXPECT_EQ(answer.status, 400);
        return message(answer);
    };
    EXPECT_EQ(refusal("{}"), "Parameter `value` is required.");
    EXPECT_EQ(refusal(R"({"value":1})"), "Parameter `value` must be an object.");
    EXPECT_FALSE(refusal(R"({"value":{"searches":1}})").empty());
    EXPECT_FALSE(refusal(R"({"value":{"q":{"a":1}}})").empty());
}

TEST_F(Values, StopwordsAreLeftOutOfQueries) {
    const Answer put =
        world.put("/stopwords/articles", R"({"stopwords":["The","Á"],"locale":"en"})");
    EXPECT_EQ(put.body, R"({"id":"articles","locale":"en","stopwords":["The","Á"]})");
    EXPECT_EQ(world.get("/stopwords/articles").body, "{\"stopwords\":" + put.body + "}");
    EXPECT_EQ(world.get("/stopwords").body, "{\"stopwords\":[" + put.body + "]}");
    const std::string fixed = "&query_by=title&drop_tokens_threshold=0&num_typos=0&prefix=false";
    EXPECT_EQ(found("q=the+a+omens" + fixed), "0");
    EXPECT_EQ(found("q=the+a+omens&stopwords=articles" + fixed), "1");
    EXPECT_EQ(found("q=the&stopwords=articles" + fixed), "0");
    EXPECT_EQ(found("q=%22the+left%22&stopwords=articles" + fixed), "1");
    EXPECT_EQ(found("q=*&stopwords=articles"), "3");
    EXPECT_EQ(found("q=*&stopwords=none"), "Could not find the stopword set named `none`.");
    EXPECT_EQ(world.remove("/stopwords/articles").body, R"({"id":"articles"})");
    EXPECT_EQ(message(world.remove("/stopwords/articles")), "Stopword `articles` not found.");
}

TEST_F(Values, StopwordsThatAreBadAreRefused) {
    const auto refusal = [&](const std::string& body) {
        const Answer answer = world.put("/stopwords/s", body);
        EXPECT_EQ(answer.status, 400);
        return message(answer);
    };
    EXPECT_EQ(refusal("{}"), "Parameter `stopwords` is required");
    EXPECT_EQ(refusal(R"({"stopwords":[]})"), "Parameter `stopwords` is empty");
    const std::string wrong = "Parameter `stopwords` is required as string array value";
    EXPECT_EQ(refusal(R"({"stopwords":"a"})"), wrong);
    EXPECT_EQ(refusal(R"({"stopwords":["a",1]})"), wrong);
    EXPECT_EQ(
        refusal(R"({"stopwords":["a"],"locale":1})"),
        "Parameter `locale` is required as string value"
    );
}

}  // namespace
}  // namespace kumo::api_kumosearch
