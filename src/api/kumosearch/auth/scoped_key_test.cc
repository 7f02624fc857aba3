#include "api/kumosearch/auth/secrets.h"
#include "api/kumosearch/internal/api_world_test.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

constexpr auto kGet = wire::HttpMethod::kGet;
const std::string kSearch = "/collections/books/documents/search?q=*&include_fields=id";

/// As clients make them.
std::string scoped_key(const std::string& parent, const std::string& parameters) {
    const std::string signature = base64_encode(hmac_sha256(hmac_midstates(parent), parameters));
    return base64_encode(signature + parent.substr(0, 4) + parameters);
}

class ScopedKey : public testing::Test {
protected:
    void SetUp() override {
        world.add_books();
        parent = add_key(R"(["documents:search"])", R"(["books"])", "");
    }

    std::string
    add_key(const std::string& actions, const std::string& collections, const std::string& more) {
        const Answer made = world.post(
            "/keys",
            "{\"actions\":" + actions + ",\"collections\":" + collections + more + "}"
        );
        EXPECT_EQ(made.status, 201) << made.body;
        const std::string value = member(made.body, "value");
        return value.substr(1, value.size() - 2);
    }

    std::string found(const std::string& key, const std::string& more = "") {
        const Answer answer = world.ask_as(key, kGet, kSearch + more);
        return answer.status == 200 ? member(answer.body, "found") : std::to_string(answer.status);
    }

    std::int64_t now() const {
        return std::chrono::floor<std::chrono::seconds>(world.clock().wall_now())
            .time_since_epoch()
            .count();
    }

    ApiWorld world;
    std::string parent;
};

TEST(ScopedKeyFormat, IsWhatClientsMake) {
    // Made with node's crypto module by the clients' recipe.
    const std::string key =
        scoped_key("RN23GFr1s6jQ9kgSNg2O7fYcAUXU7127", R"({"filter_by":"company_id:124"})");
    EXPECT_EQ(
        key,
        "SC9sT0hncHFwTHNFc3U3d3psRDZBUGNXQUViQUdDNmRHSmJFQnNnczJ4VT1STjIzeyJmaWx0ZXJfYnkiOiJjb21w"
        "YW55X2lkOjEyNCJ9"
    );
    const auto parsed = parse_scoped_key(key);
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed.value().parent_prefix, "RN23");
    EXPECT_EQ(parsed.value().parameters, R"({"filter_by":"company_id:124"})");
}

TEST_F(ScopedKey, SearchesUnderItsFilter) {
    EXPECT_EQ(found(parent), "3");
    const std::string key = scoped_key(parent, R"({"filter_by":"authors:guin"})");
    EXPECT_EQ(found(key), "2");
    EXPECT_EQ(found(key, "&filter_by=year:%3E1970"), "1");
    EXPECT_EQ(found(key, "&filter_by=year:%3E1970||id:3"), "1");
}

TEST_F(ScopedKey, ItsParametersWin) {
    const std::string key = scoped_key(parent, R"({"per_page":1,"exclude_fields":"title"})");
    const std::string body = world.ask_as(key, kGet, kSearch + "&per_page=9").body;
    EXPECT_NE(body.find("\"per_page\":1,"), std::string::npos);
}

TEST_F(ScopedKey, WhatItHidesIsNotHighlightedEither) {
    const std::string query =
        "/collections/books/documents/search?q=omens&query_by=title&highlight_full_fields=title";
    const std::string key = scoped_key(parent, R"({"exclude_fields":"title"})");
    EXPECT_NE(world.ask_as(parent, kGet, query).body.find("Good"), std::string::npos);
    const Answer hidden = world.ask_as(key, kGet, query);
    EXPECT_EQ(hidden.status, 200);
    EXPECT_EQ(member(hidden.body, "found"), "1");
    EXPECT_EQ(hidden.body.find("Good"), std::string::npos);
}

TEST_F(ScopedKey, LimitsTheSearchesOfOneRequest) {
    const std::string key = scoped_key(parent, R"({"limit_multi_searches":1})");
    const std::string search = R"({"collection":"books","q":"*"})";
    const auto status = [&](const std::string& searches) {
        const std::string body = "{\"searches\":[" + searches + "]}";
        return world.ask_as(key, wire::HttpMethod::kPost, "/multi_search", body).status;
    };
    EXPECT_EQ(status(search), 200);
    EXPECT_EQ(status(search + "," + search), 400);
}

TEST_F(ScopedKey, IsGoodForSearchOnly) {
    const std::string key = scoped_key(parent, "{}");
    EXPECT_EQ(world.ask_as(key, kGet, "/collections/books/documents/1").status, 401);
    EXPECT_EQ(world.ask_as(key, kGet, "/collections").status, 401);
    EXPECT_EQ(found(key), "3");
}

TEST_F(ScopedKey, IsBoundToTheParentsCollections) {
    const std::string key = scoped_key(parent, "{}");
    EXPECT_EQ(world.ask_as(key, kGet, "/collections/other/documents/search?q=*").status, 401);
    EXPECT_EQ(world.ask_as(parent, kGet, "/collections/other/documents/search?q=*").status, 401);
    const std::string pattern = add_key(R"(["documents:search"])", R"(["bo.*"])", "");
    EXPECT_EQ(found(scoped_key(pattern, "{}")), "3");
    EXPECT_EQ(world.ask_as(pattern, kGet, "/collections/abook/documents/search?q=*").status, 401);
}

TEST_F(ScopedKey, NeedsAParentThatOnlySearches) {
    const std::string broad = add_key(R"(["documents:search","documents:get"])", R"(["*"])", "");
    EXPECT_EQ(found(broad), "3");
    EXPECT_EQ(found(scoped_key(broad, "{}")), "401");
    EXPECT_EQ(found(scoped_key("root", "{}")), "401");
}

TEST_F(ScopedKey, EndsWithTheEarlierExpiry) {
    const std::string soon = std::to_string(now() + 100);
    const std::string key = scoped_key(parent, "{\"expires_at\":" + soon + "}");
    const std::string short_lived =
        add_key(R"(["documents:search"])", R"(["*"])", ",\"expires_at\":" + soon);
    const std::string of_short_lived =
        scoped_key(short_lived, "{\"expires_at\":" + std::to_string(now() + 1000) + "}");
    EXPECT_EQ(found(key), "3");
    EXPECT_EQ(found(of_short_lived), "3");
    world.run_for(std::chrono::seconds(101));
    EXPECT_EQ(found(key), "401");
    EXPECT_EQ(found(short_lived), "401");
    EXPECT_EQ(found(of_short_lived), "401");
    EXPECT_EQ(found(parent), "3");
}

TEST_F(ScopedKey, OneThatWasChangedIsRefusedLikeOneThatNeverWas) {
    const std::string key = scoped_key(parent, R"({"filter_by":"year:1"})");
    const std::string refusal = world.ask_as("nonsense", kGet, kSearch).body;
    for (std::size_t at = 0; at < key.size(); at += 7) {
        std::string changed = key;
        changed[at] = changed[at] == 'A' ? 'B' : 'A';
        const Answer answer = world.ask_as(changed, kGet, kSearch);
        EXPECT_EQ(answer.status, 401);
        EXPECT_EQ(answer.body, refusal);
    }
    EXPECT_EQ(found(scoped_key(parent, "not json")), "401");
    EXPECT_EQ(found(scoped_key(parent, R"({"expires_at":"soon"})")), "401");
}

TEST_F(ScopedKey, WorksInMultiSearchBesideOthers) {
    const std::string key = scoped_key(parent, R"({"filter_by":"authors:guin"})");
    const std::string search = R"({"collection":"books","q":"*","include_fields":"id"})";
    const std::string own =
        R"({"collection":"books","q":"*","x-typesense-api-key":")" + key + "\"}";
    const auto post = [&](const std::string& with, const std::string& searches) {
        return world.ask_as(
            with,
            wire::HttpMethod::kPost,
            "/multi_search",
            "{\"searches\":[" + searches + "]}"
        );
    };
    EXPECT_EQ(post("", search).status, 401);
    EXPECT_EQ(post("wrong", own).status, 401);
    const Answer without = post("", own);
    EXPECT_EQ(without.status, 200);
    EXPECT_NE(without.body.find("\"found\":2"), std::string::npos);
    EXPECT_EQ(post("", own + "," + search).status, 401);
    const Answer both = post("root", own + "," + search);
    EXPECT_NE(both.body.find("\"found\":2"), std::string::npos);
    EXPECT_NE(both.body.find("\"found\":3"), std::string::npos);
    EXPECT_EQ(post(key, R"({"collection":"other","q":"*"})").status, 401);
}

TEST_F(ScopedKey, KeysWithoutTheActionAreRefused) {
    const std::string reader = add_key(R"(["documents:get"])", R"(["*"])", "");
    EXPECT_EQ(found(reader), "401");
    EXPECT_EQ(world.ask_as(reader, kGet, "/collections/books/documents/1").status, 200);
    const std::string all_documents = add_key(R"(["documents:*"])", R"(["books"])", "");
    EXPECT_EQ(found(all_documents), "3");
    EXPECT_EQ(world.ask_as(all_documents, kGet, "/collections/books").status, 401);
}

TEST_F(ScopedKey, KeysOfSomeCollectionsSeeNoOthers) {
    ASSERT_EQ(
        world.post("/collections", R"({"name":"other","fields":[{"name":"t","type":"string"}]})")
            .status,
        201
    );
    const std::string key = add_key(R"(["*"])", R"(["books"])", "");
    const std::string listed = world.ask_as(key, kGet, "/collections").body;
    EXPECT_NE(listed.find("\"books\""), std::string::npos);
    EXPECT_EQ(listed.find("\"other\""), std::string::npos);
    EXPECT_EQ(
        world
            .ask_as(
                key,
                wire::HttpMethod::kPost,
                "/collections",
                R"({"name":"third","fields":[{"name":"t","type":"string"}]})"
            )
            .status,
        401
    );
    EXPECT_EQ(world.ask_as(key, kGet, "/keys").status, 401);
    EXPECT_EQ(world.ask_as(key, kGet, "/metrics.json").status, 401);
}

TEST_F(ScopedKey, ItsFilterSaysWhichJoinedDocumentsAreSeen) {
    ASSERT_EQ(
        world
            .post("/collections", R"({"name": "prices", "fields": [
            {"name": "who", "type": "string"}, {"name": "price", "type": "int32", "facet": true},
            {"name": "book", "type": "string", "reference": "books.id"}]})")
            .status,
        201
    );
    world.post(
        "/collections/prices/documents/import",
        R"({"id": "p1", "who": "ann", "price": 10, "book": "1"}
{"id": "p2", "who": "bob", "price": 1, "book": "1"}
{"id": "p3", "who": "bob", "price": 2, "book": "2"})"
    );
    // The parent key covers the books alone: what joins others is what its owner has embedded.
    const std::string key = scoped_key(parent, R"j({"filter_by":"$prices(who:=ann)"})j");
    EXPECT_EQ(found(key), "1");
    EXPECT_EQ(found(key, "&filter_by=$prices(price:%3C5)"), "0");
    EXPECT_EQ(found(key, "&filter_by=$prices(who:=bob)"), "0");
    EXPECT_EQ(found(key, "&filter_by=$prices(price:10)"), "1");
    const Answer shown = world.ask_as(
        key,
        kGet,
        "/collections/books/documents/search?q=*&include_fields=id,$prices(price)"
        "&facet_by=$prices(price)"
    );
    EXPECT_NE(shown.body.find(R"({"id":"1","prices":{"price":10}})"), std::string::npos)
        << shown.body;
    EXPECT_EQ(shown.body.find("\"value\":\"1\""), std::string::npos) << shown.body;
    // Another collection is not covered.
    EXPECT_EQ(found(key, "&include_fields=$other(id)"), "401");
}

}  // namespace
}  // namespace kumo::api_kumosearch
