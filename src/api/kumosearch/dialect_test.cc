#include "api/kumosearch/dialect.h"

#include "api/kumosearch/internal/api_world_test.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

constexpr auto kGet = wire::HttpMethod::kGet;
constexpr auto kPost = wire::HttpMethod::kPost;

TEST(Dialect, AnswersHealthWithoutAKey) {
    ApiWorld world;
    const Answer answer = world.ask_as("", kGet, "/health");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"({"ok":true})");
}

TEST(Dialect, RefusesEverythingElseWithoutAKey) {
    ApiWorld world;
    for (const char* target :
         {"/collections", "/debug", "/keys", "/metrics.json", "/multi_searchx"}) {
        const Answer answer = world.ask_as("", kGet, target);
        const bool known = std::string_view(target) != "/multi_searchx";
        EXPECT_EQ(answer.status, known ? 401 : 404) << target;
    }
    EXPECT_EQ(
        message(world.ask_as("wrong", kGet, "/collections")),
        "Forbidden - a valid `x-typesense-api-key` header must be sent."
    );
}

TEST(Dialect, TakesTheKeyUnderBothNamesAndFromTheQuery) {
    ApiWorld world;
    EXPECT_EQ(world.ask_as("", kGet, "/debug?x-typesense-api-key=root").status, 200);
    EXPECT_EQ(world.ask_as("", kGet, "/debug?X-KUMOSEARCH-API-KEY=root").status, 200);
    world.headers = {{"x-kumosearch-api-key", "root"}};
    EXPECT_EQ(world.ask_as("", kGet, "/debug").status, 200);
}

TEST(Dialect, ShowsItsVersions) {
    ApiWorld world({.api_key = "root", .version = "0.1.0"});
    EXPECT_EQ(
        world.get("/debug").body,
        R"({"state":1,"version":"30.2","kumosearch_version":"0.1.0"})"
    );
}

TEST(Dialect, AnswersUnknownRoutesAndLaterFeatures) {
    ApiWorld world;
    EXPECT_EQ(world.get("/nothing").body, R"({"message":"Not Found"})");
    EXPECT_EQ(world.get("/nothing").status, 404);
    EXPECT_EQ(world.get("/conversations/models").status, 501);
    EXPECT_EQ(message(world.get("/conversations/models")), "This feature is not supported yet.");
}

TEST(Dialect, SendsCorsHeadersWithEveryAnswer) {
    ApiWorld world;
    for (const char* target : {"/health", "/nothing", "/collections"}) {
        EXPECT_NE(
            world.ask_as("", kGet, target).headers.find("Access-Control-Allow-Origin: *"),
            std::string::npos
        );
    }
    world.headers = {
        {"Origin", "http://a.example"},
        {"Access-Control-Request-Headers", "x-typesense-api-key"}};
    const Answer preflight = world.ask_as("", wire::HttpMethod::kOptions, "/collections");
    EXPECT_EQ(preflight.status, 200);
    EXPECT_NE(
        preflight.headers.find("Access-Control-Allow-Headers: x-typesense-api-key"),
        std::string::npos
    );
    EXPECT_NE(preflight.headers.find("Access-Control-Max-Age: 3600"), std::string::npos);
}

TEST(Dialect, AllowsOnlyTheOriginsItIsTold) {
    ApiWorld world({.api_key = "root", .cors_domains = {"http://a.example"}});
    world.headers = {{"Origin", "http://a.example"}};
    EXPECT_NE(
        world.get("/health").headers.find("Access-Control-Allow-Origin: http://a.example"),
        std::string::npos
    );
    world.headers = {{"Origin", "http://b.example"}};
    EXPECT_EQ(world.get("/health").headers.find("Access-Control-Allow-Origin"), std::string::npos);
}

TEST(Dialect, RefusesLongQueriesOnlyForSearch) {
    ApiWorld world;
    const std::string query = "?q=" + std::string(4000, 'a');
    const Answer refused = world.get("/collections/c/documents/search" + query);
    EXPECT_EQ(refused.status, 400);
    EXPECT_TRUE(message(refused).starts_with("Query string exceeds max allowed length of 4000."));
    EXPECT_EQ(world.get("/health" + query).status, 200);
}

TEST(Dialect, RefusesMalformedQueryStrings) {
    ApiWorld world;
    EXPECT_EQ(world.get("/collections?limit=%ff").status, 400);
    EXPECT_EQ(world.get("/collections?limit=-1").status, 400);
}

TEST(Dialect, SkipsWritesWhenTold) {
    ApiWorld world({.api_key = "root", .skip_writes = true});
    const Answer answer = world.post("/collections", "{}");
    EXPECT_EQ(answer.status, 422);
    EXPECT_EQ(message(answer), "Skipping writes.");
    EXPECT_EQ(world.post("/multi_search", R"({"searches":[]})").status, 200);
}

TEST(Dialect, WithoutAKeyServesOnlyLocalHosts) {
    ApiWorld world((DialectOptions()));
    EXPECT_EQ(world.ask_as("", kGet, "/collections").status, 200);
    world.host = "evil.example";
    EXPECT_EQ(world.ask_as("", kGet, "/collections").status, 401);
    EXPECT_EQ(world.ask_as("", kGet, "/health").status, 200);
    world.host = "127.0.0.1";
    EXPECT_EQ(world.ask_as("", kGet, "/collections").status, 200);
}

TEST(Dialect, CountsRequests) {
    ApiWorld world;
    for (int i = 0; i < 20; ++i) {
        (void)world.get("/collections");
    }
    world.run_for(std::chrono::seconds(2));
    const std::string stats = world.get("/stats.json").body;
    EXPECT_EQ(member(stats, "requests_per_second"), R"({"GET /collections":2.0})");
}

// ---- collections

TEST(Collections, AreCreatedShownAndDropped) {
    ApiWorld world;
    const std::string declared =
        R"({"name":"c","metadata":{"a": 1},"token_separators":["-"],"fields":[
        {"name":"id","type":"string"},{"name":"t","type":"string","facet":true,"locale":"de"},
        {"name":"n","type":"int64"},{"name":"l","type":"float[]","optional":true}],
        "default_sorting_field":"n"})";
    const Answer made = world.post("/collections", declared);
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(member(made.body, "name"), "\"c\"");
    EXPECT_EQ(member(made.body, "num_documents"), "0");
    EXPECT_EQ(member(made.body, "metadata"), R"({"a": 1})");
    EXPECT_EQ(member(made.body, "token_separators"), R"(["-"])");
    EXPECT_EQ(
        member(made.body, "fields"),
        R"([{"facet":true,"index":true,"infix":false,"locale":"de","name":"t","optional":false,"sort":false,"stem":false,"stem_dictionary":"","store":true,"type":"string"},)"
        R"({"facet":false,"index":true,"infix":false,"locale":"","name":"n","optional":false,"sort":true,"stem":false,"stem_dictionary":"","store":true,"type":"int64"},)"
        R"({"facet":false,"index":true,"infix":false,"locale":"","name":"l","optional":true,"sort":false,"stem":false,"stem_dictionary":"","store":true,"type":"float[]"}])"
    );
    EXPECT_EQ(world.post("/collections", declared).status, 409);
    EXPECT_EQ(world.get("/collections/c").body, made.body);
    EXPECT_EQ(world.get("/collections").body, "[" + made.body + "]");
    EXPECT_EQ(world.remove("/collections/c").body, made.body);
    EXPECT_EQ(world.get("/collections/c").status, 404);
    EXPECT_EQ(world.remove("/collections/c").status, 404);
}

TEST(Collections, AreListedNewestFirstInPages) {
    ApiWorld world;
    for (const char* name : {"a", "b", "c"}) {
        const std::string body =
            "{\"name\":\"" + std::string(name) + R"(","fields":[{"name":"t","type":"string"}]})";
        ASSERT_EQ(world.post("/collections", body).status, 201);
    }
    const std::string page = world.get("/collections?offset=1&limit=1&exclude_fields=fields").body;
    EXPECT_NE(page.find(R"("name":"b")"), std::string::npos);
    EXPECT_EQ(page.find(R"("name":"a")"), std::string::npos);
    EXPECT_EQ(page.find("fields\""), page.find("enable_nested_fields\"") + 14);
}

TEST(Collections, ShowTheirShardsIfTheyHaveSeveral) {
    ApiWorld world;
    const auto create = [&](const std::string& name, const std::string& shards) {
        const Answer made = world.post(
            "/collections",
            R"({"name":")" + name + R"(","fields":[{"name":"n","type":"int32"}])" + shards + "}"
        );
        EXPECT_EQ(made.status, 201) << made.body;
        return made.body;
    };
    EXPECT_EQ(create("one", "").find("num_shards"), std::string::npos);
    EXPECT_EQ(create("same", R"(,"num_shards":1)").find("num_shards"), std::string::npos);
    EXPECT_NE(create("three", R"(,"num_shards":3)").find(R"("num_shards":3)"), std::string::npos);
    EXPECT_EQ(
        create("usual", R"(,"replication_mode":"sync")").find("replication_mode"),
        std::string::npos
    );
    const std::string loose = create("loose", R"(,"replication_mode":"async","min_in_sync":1)");
    EXPECT_NE(loose.find(R"("replication_mode":"async")"), std::string::npos);
    EXPECT_EQ(loose.find("min_in_sync"), std::string::npos);
    EXPECT_NE(
        create("strict", R"(,"min_in_sync":2)").find(R"("min_in_sync":2)"),
        std::string::npos
    );
    const std::string path = "/collections/three/documents";
    EXPECT_EQ(world.post(path, R"({"id":"a","n":1})").status, 201);
    EXPECT_EQ(world.post(path, R"({"id":"a","n":1})").status, 409);
    EXPECT_EQ(world.post(path, R"({"n":2})").status, 201);
    EXPECT_EQ(world.patch(path + "/a", R"({"n":3})").status, 200);
    EXPECT_EQ(world.get(path + "/a").body, R"({"id":"a","n":3})");
    EXPECT_NE(world.get("/collections/three").body.find(R"("num_documents":2)"), std::string::npos);
    EXPECT_EQ(world.remove(path + "/a").status, 200);
    EXPECT_EQ(world.get(path + "/a").status, 404);
}

TEST(Collections, RefuseBadDeclarations) {
    ApiWorld world;
    const auto failure = [&](const std::string& body) {
        const Answer answer = world.post("/collections", body);
        EXPECT_EQ(answer.status, 400) << body;
        return message(answer);
    };
    EXPECT_EQ(failure("nonsense"), "Bad JSON.");
    EXPECT_EQ(failure("[]"), "Bad JSON.");
    EXPECT_EQ(failure("{}"), "Parameter `name` is required.");
    EXPECT_EQ(failure(R"({"name":"c"})"), "Parameter `fields` is required.");
    for (const char* wrong : {"0", "65", "-1", "2.5", "\"2\"", "true", "18446744073709551615"}) {
        EXPECT_EQ(
            failure(
                R"({"name":"c","fields":[{"name":"a","type":"string"}],"num_shards":)"
                + std::string(wrong) + "}"
            ),
            "Parameter `num_shards` must be an integer from 1 to 64."
        ) << wrong;
    }
    const std::string begin = R"({"name":"c","fields":[{"name":"a","type":"string"}],)";
    for (const char* wrong : {"\"all\"", "2", "\"\"", "[]"}) {
        EXPECT_EQ(
            failure(begin + R"("replication_mode":)" + wrong + "}"),
            "Parameter `replication_mode` must be one of `sync`, `majority`, `async`."
        );
    }
    EXPECT_EQ(
        failure(begin + R"("min_in_sync":0})"),
        "Parameter `min_in_sync` must be an integer from 1 to 1000."
    );
    EXPECT_TRUE(failure(R"({"name":"c","fields":[{"name":"a"}]})").starts_with("The `fields` value")
    );
    const auto field = [&](const std::string& properties) {
        return failure(R"({"name":"c","fields":[{"name":"f",)" + properties + "}]}");
    };
    EXPECT_NE(field(R"("type":"strung")").find("invalid data type"), std::string::npos);
    EXPECT_NE(field(R"("type":"image")").find("not supported yet"), std::string::npos);
    EXPECT_NE(
        field(R"("type":"float[]","embed":{"from":["a"]})").find("not supported yet"),
        std::string::npos
    );
    EXPECT_EQ(
        field(R"("type":"int32","stem":true)"),
        "The `stem` property is only allowed for string and string[] fields."
    );
    EXPECT_EQ(
        field(R"("type":"string","stem":true,"locale":"th")"),
        "The `locale` value of the field `f` is not supported for stem."
    );
    EXPECT_EQ(
        field(R"("type":"string","stem_dictionary":"none")"),
        "Stemming dictionary `none` of the field `f` not found."
    );
    EXPECT_NE(
        field(R"("type":"string","facet":"yes")").find("should be a boolean"),
        std::string::npos
    );
}

// ---- documents

TEST(Documents, AreWrittenReadAndRemovedOneByOne) {
    ApiWorld world;
    world.add_books();
    const std::string path = "/collections/books/documents";
    const Answer made =
        world.post(path, R"({"title":"Dune","authors":["Herbert"],"year":1965,"extra":{"a":[1]}})");
    EXPECT_EQ(made.status, 201);
    const std::string id = member(made.body, "id");
    EXPECT_FALSE(id.empty());
    EXPECT_EQ(world.post(path, made.body).status, 409);
    EXPECT_EQ(world.post(path + "?action=upsert", made.body).status, 201);
    EXPECT_EQ(
        world.get(path + "/" + id.substr(1, id.size() - 2) + "?include_fields=title,extra.a").body,
        R"({"title":"Dune","extra":{"a":[1]}})"
    );
    const Answer patched = world.patch(path + "/1", R"({"id":"other","year":1970})");
    EXPECT_EQ(patched.status, 200);
    EXPECT_EQ(member(patched.body, "year"), "1970");
    EXPECT_EQ(member(patched.body, "id"), "\"1\"");
    EXPECT_EQ(world.patch(path + "/none", "{}").status, 404);
    EXPECT_EQ(world.remove(path + "/1").status, 200);
    EXPECT_EQ(world.remove(path + "/1").status, 404);
    EXPECT_EQ(world.remove(path + "/1?ignore_not_found=true").body, R"({"id":"1"})");
    EXPECT_EQ(world.remove("/collections/none/documents/1?ignore_not_found=true").status, 404);
    EXPECT_EQ(world.get(path + "/1").status, 404);
}

TEST(Documents, ThatAreBadAreRefusedPrecisely) {
    ApiWorld world;
    world.add_books();
    const auto failure = [&](const std::string& body) {
        const Answer answer = world.post("/collections/books/documents", body);
        EXPECT_EQ(answer.status, 400) << body;
        return message(answer);
    };
    EXPECT_FALSE(failure("{").empty());
    EXPECT_FALSE(failure("[]").empty());
    EXPECT_FALSE(failure("").empty());
    EXPECT_EQ(
        failure(R"({"title":"a","authors":["b"]})"),
        "Field `year` has been declared in the schema, but is not found in the document."
    );
    EXPECT_EQ(
        failure(R"({"title":1,"authors":["b"],"year":1})"),
        "Field `title` must be a string."
    );
    EXPECT_EQ(
        failure(R"({"title":"a","authors":["b"],"year":99999999999})"),
        "Field `year` exceeds maximum value of int32."
    );
    EXPECT_FALSE(failure("{\"title\":\"\xff\",\"authors\":[],\"year\":1}").empty());
    EXPECT_FALSE(failure(std::string(100000, '[')).empty());
    EXPECT_FALSE(failure(R"({"id":1,"title":"a","authors":["b"],"year":1})").empty());
}

TEST(Documents, AreUpdatedAndDeletedByQuery) {
    ApiWorld world;
    world.add_books();
    const std::string path = "/collections/books/documents";
    EXPECT_EQ(
        world.patch(path + "?filter_by=authors:guin", R"({"rating":5})").body,
        R"({"num_updated":2})"
    );
    EXPECT_EQ(member(world.get(path + "/2").body, "rating"), "5");
    EXPECT_EQ(message(world.patch(path, "{}")), "Parameter `filter_by` must be provided.");
    EXPECT_EQ(message(world.remove(path)), "Parameter `filter_by` must be provided.");
    EXPECT_EQ(world.remove(path + "?filter_by=year:%3E1980").body, R"({"num_deleted":1})");
    EXPECT_EQ(world.remove(path + "?truncate=true").body, R"({"num_deleted":2})");
    EXPECT_EQ(member(world.get("/collections/books").body, "num_documents"), "0");
    EXPECT_EQ(world.remove("/collections/none/documents?filter_by=a:1").status, 404);
}

// ---- keys

TEST(Keys, AreCreatedShownByPrefixAndDeleted) {
    ApiWorld world;
    const Answer made = world.post(
        "/keys",
        R"({"description":"d","actions":["documents:search"],"collections":["books"]})"
    );
    EXPECT_EQ(made.status, 201);
    const std::string value = member(made.body, "value");
    EXPECT_EQ(value.size(), 34U);
    EXPECT_EQ(member(made.body, "expires_at"), "64723363199");
    const std::string id = member(made.body, "id");
    const std::string shown = world.get("/keys/" + id).body;
    EXPECT_EQ(member(shown, "value_prefix"), value.substr(0, 5) + "\"");
    EXPECT_EQ(shown.find(value.substr(1, 32)), std::string::npos);
    EXPECT_EQ(world.get("/keys").body, "{\"keys\":[" + shown + "]}");
    EXPECT_EQ(world.remove("/keys/" + id).body, "{\"id\":" + id + "}");
    EXPECT_EQ(world.remove("/keys/" + id).status, 404);
    EXPECT_EQ(world.get("/keys/x").status, 404);
}

TEST(Keys, AreRefusedWhenTheyAreBad) {
    ApiWorld world;
    const auto status = [&](const std::string& body) {
        return world.post("/keys", body).status;
    };
    EXPECT_EQ(status("x"), 400);
    EXPECT_EQ(status(R"({"collections":["*"]})"), 400);
    EXPECT_EQ(status(R"({"actions":["*"]})"), 400);
    EXPECT_EQ(status(R"({"actions":[1],"collections":["*"]})"), 400);
    EXPECT_EQ(status(R"({"actions":["*"],"collections":["("]})"), 400);
    EXPECT_EQ(status(R"({"actions":["*"],"collections":["*"],"expires_at":-1})"), 400);
    EXPECT_EQ(status(R"({"actions":["*"],"collections":["*"],"value":"root"})"), 409);
    EXPECT_EQ(status(R"({"actions":["*"],"collections":["*"],"value":"twice"})"), 201);
    EXPECT_EQ(status(R"({"actions":["*"],"collections":["*"],"value":"twice"})"), 409);
}

TEST(Keys, ExpiredOnesAreDeletedIfTheyAskedForIt) {
    ApiWorld world;
    const auto now = std::chrono::floor<std::chrono::seconds>(world.clock().wall_now())
                         .time_since_epoch()
                         .count();
    const auto add = [&](const std::string& value, const std::string& more) {
        const std::string body = R"({"actions":["*"],"collections":["*"],"value":")" + value
                                 + "\",\"expires_at\":" + std::to_string(now + 100) + more + "}";
        ASSERT_EQ(world.post("/keys", body).status, 201);
    };
    add("kept-key", "");
    add("gone-key", ",\"autodelete\":true");
    EXPECT_EQ(world.ask_as("gone-key", kGet, "/collections").status, 200);
    world.run_for(std::chrono::seconds(101));
    EXPECT_EQ(world.ask_as("gone-key", kGet, "/collections").status, 401);
    EXPECT_EQ(world.node().keys()->size(), 2U);
    world.dialect().delete_expired_keys(world.http_loop());
    EXPECT_TRUE(world.run_until([&] { return world.node().keys()->size() == 1; }));
    EXPECT_EQ(world.node().keys()->front().value_prefix, "kept");
}

TEST(Dialect, AnswersPreflightAndPostWithoutReadingSecrets) {
    ApiWorld world;
    EXPECT_EQ(world.ask_as("", kPost, "/collections", "{}").status, 401);
}

}  // namespace
}  // namespace kumo::api_kumosearch
