#include "api/kumosearch/internal/api_world_test.h"

#include <gtest/gtest.h>

#include <chrono>

namespace kumo::api_kumosearch {
namespace {

class Curations : public testing::Test {
protected:
    void SetUp() override { world.add_books(); }

    /// The one rule there is.
    void rule(const std::string& members) {
        const Answer put = world.put("/collections/books/overrides/r", "{" + members + "}");
        ASSERT_EQ(put.status, 200) << put.body;
    }

    Answer search(const std::string& query) {
        return world.get(
            "/collections/books/documents/search?query_by=title&drop_tokens_threshold=0&num_typos=0"
            "&prefix=false&"
            + query
        );
    }

    /// The ids of the hits; those that are curated in brackets.
    std::string ids(const std::string& query) {
        const Answer answer = search(query);
        const auto parsed = wire::JsonDocument::parse(answer.body);
        if (answer.status != 200 || !parsed.ok()) {
            return message(answer);
        }
        std::string out;
        for (const wire::JsonValue hit : parsed.value().root().find("hits").as_array()) {
            const std::string id(hit.find("document").find("id").as_string());
            out += hit.find("curated") ? "[" + id + "] " : id + " ";
        }
        return out;
    }

    ApiWorld world;
};

const std::string kShown =
    R"({"excludes":[{"id":"2"}],"filter_curated_hits":false,"id":"a","includes":[{"id":"3","position":1}],)"
    R"("remove_matched_tokens":false,"rule":{"match":"exact","query":"The Best"},"stop_processing":true})";

const std::string kSent =
    R"({"rule":{"query":"The Best","match":"exact"},"includes":[{"id":"3","position":1}],"excludes":[{"id":"2"}],"id":"a"})";

TEST_F(Curations, SetsAndItemsArePutShownAndDeleted) {
    const std::string set = R"({"items":[)" + kShown + R"(],"name":"best"})";
    EXPECT_EQ(world.get("/curation_sets").body, "[]");
    EXPECT_EQ(world.put("/curation_sets/best", "{\"items\":[" + kSent + "]}").body, set);
    EXPECT_EQ(world.get("/curation_sets/best").body, set);
    EXPECT_EQ(world.get("/curation_sets").body, "[" + set + "]");
    const std::string items = "/curation_sets/best/items";
    EXPECT_EQ(
        world.put(items + "/0", R"({"rule":{"tags":["b","a","b"]},"filter_by":"year:>1980"})").body,
        R"({"rule":{"tags":["b","a","b"]},"filter_by":"year:>1980","id":"0"})"
    );
    const std::string first =
        R"({"excludes":[],"filter_by":"year:>1980","filter_curated_hits":false,"id":"0","includes":[],)"
        R"("remove_matched_tokens":true,"rule":{"tags":["a","b"]},"stop_processing":true})";
    EXPECT_EQ(world.get(items).body, "[" + first + "," + kShown + "]");
    EXPECT_EQ(world.get(items + "/0").body, first);
    EXPECT_EQ(world.remove(items + "/0").body, R"({"id":"0"})");
    EXPECT_EQ(message(world.remove(items + "/0")), "Could not find that `id`.");
    EXPECT_EQ(world.remove("/curation_sets/best").body, R"({"name":"best"})");
    EXPECT_EQ(message(world.get("/curation_sets/best")), "Curation index not found");
    EXPECT_EQ(world.get("/curation_sets/best").status, 404);
}

TEST_F(Curations, OfACollectionAreItsOwn) {
    const std::string path = "/collections/books/overrides";
    EXPECT_EQ(world.get(path).body, R"({"overrides":[]})");
    EXPECT_EQ(world.put(path + "/a", kSent).body, kSent);
    EXPECT_EQ(world.get(path).body, "{\"overrides\":[" + kShown + "]}");
    EXPECT_EQ(world.get(path + "/a").body, kShown);
    EXPECT_EQ(ids("q=the+best"), "[3] ");
    EXPECT_EQ(world.remove(path + "/a").body, R"({"id":"a"})");
    EXPECT_EQ(message(world.get(path + "/a")), "Not Found");
    EXPECT_EQ(world.put("/collections/none/overrides/a", kSent).status, 404);
}

TEST_F(Curations, ThatAreBadAreRefused) {
    const auto refusal = [&](const std::string& members) {
        const Answer answer = world.put("/collections/books/overrides/r", "{" + members + "}");
        EXPECT_EQ(answer.status, 400) << members;
        return message(answer);
    };
    const std::string rule = R"("rule":{"query":"a","match":"exact"})";
    EXPECT_EQ(refusal(""), "Missing `rule` definition.");
    EXPECT_EQ(refusal(R"("rule":1)"), "Missing `rule` definition.");
    EXPECT_EQ(
        refusal(R"("rule":{"query":"a"},"excludes":[])"),
        "The `rule` definition must contain either a `tags` or a `query` and `match`."
    );
    EXPECT_TRUE(refusal(rule).starts_with("Must contain one of: `includes`"));
    EXPECT_EQ(refusal(rule + R"(,"includes":1)"), "The `includes` value must be an array.");
    EXPECT_EQ(
        refusal(rule + R"(,"includes":[1])"),
        "The `includes` value must be an array of objects."
    );
    EXPECT_EQ(
        refusal(rule + R"(,"includes":[{"id":"a"}])"),
        "Inclusion definition must define both `id` and `position` keys."
    );
    EXPECT_EQ(
        refusal(rule + R"(,"includes":[{"id":1,"position":1}])"),
        "Inclusion `id` must be a string."
    );
    EXPECT_EQ(
        refusal(rule + R"(,"includes":[{"id":"a","position":1.5}])"),
        "Inclusion `position` must be an integer."
    );
    EXPECT_FALSE(refusal(rule + R"(,"includes":[{"id":"a","position":-1}])").empty());
    EXPECT_EQ(refusal(rule + R"(,"excludes":[{}])"), "Exclusion definition must define an `id`.");
    EXPECT_EQ(refusal(rule + R"(,"filter_by":"")"), "The `filter_by` must be a non-empty string.");
    EXPECT_EQ(refusal(rule + R"(,"filter_by":1)"), "The `filter_by` must be a string.");
    EXPECT_EQ(refusal(rule + R"(,"metadata":1)"), "The `metadata` must be a JSON object.");
    EXPECT_EQ(
        refusal(rule + R"(,"replace_query":"b","remove_matched_tokens":true)"),
        "Only one of `replace_query` or `remove_matched_tokens` can be specified."
    );
    EXPECT_FALSE(refusal(rule + R"(,"excludes":[],"effective_from_ts":"x")").empty());
    EXPECT_FALSE(refusal(R"("rule":{"query":"a","match":"like"},"excludes":[])").empty());
    EXPECT_EQ(
        refusal(R"("rule":{"tags":[1]},"excludes":[])"),
        "The `tags` value must be an array of strings."
    );
    EXPECT_EQ(
        message(world.put("/curation_sets/s", R"({"items":[{"rule":{}}]})")),
        "Curation `id` not provided."
    );
}

TEST_F(Curations, QueriesMatchExactlyOrByTheirWords) {
    rule(R"("rule":{"query":"Good Omens!","match":"exact"},"includes":[{"id":"1","position":1}])");
    EXPECT_EQ(ids("q=good+OMENS"), "[1] 3 ");
    EXPECT_EQ(ids("q=omens"), "3 ");
    EXPECT_EQ(ids("q=good+omens&enable_overrides=false"), "3 ");
    EXPECT_EQ(ids("q=good+omens&enable_curations=false"), "3 ");
    rule(R"("rule":{"query":"omens","match":"contains"},"includes":[{"id":"1","position":2}])");
    EXPECT_EQ(ids("q=good+omens"), "3 [1] ");
    EXPECT_EQ(ids("q=good"), "3 ");
    rule(R"("rule":{"query":"*","match":"exact"},"excludes":[{"id":"3"}])");
    EXPECT_EQ(ids("q=*"), "2 1 ");
}

TEST_F(Curations, WhatIsHiddenStaysHidden) {
    rule(
        R"("rule":{"query":"the","match":"contains"},"includes":[{"id":"3","position":1},{"id":"1","position":1}],"excludes":[{"id":"2"}])"
    );
    EXPECT_EQ(ids("q=the"), "[3] [1] ");
    EXPECT_EQ(ids("q=the&hidden_hits=3"), "[1] ");
    EXPECT_EQ(ids("q=the&pinned_hits=2:1,1:2"), "[3] [1] ");
    EXPECT_EQ(ids("q=the&filter_by=year:1974"), "[3] [1] ");
    EXPECT_EQ(ids("q=the&filter_by=year:1969&filter_curated_hits=true"), "[1] ");
}

TEST_F(Curations, FilterSortAndChangeQueries) {
    rule(
        R"("rule":{"query":"old","match":"contains"},"filter_by":"year:<1980","sort_by":"year:asc","metadata":{"a":1})"
    );
    EXPECT_EQ(ids("q=old"), "1 2 ");
    EXPECT_EQ(ids("q=old+dispossessed"), "2 ");
    EXPECT_EQ(ids("q=old&filter_by=year:%3E1970&sort_by=rating:desc"), "2 ");
    const Answer answer = search("q=old");
    EXPECT_EQ(member(answer.body, "metadata"), R"({"a":1})");
    EXPECT_EQ(member(member(answer.body, "request_params"), "q"), "\"old\"");
    EXPECT_EQ(ids("q=old+-darkness"), "2 ");
    rule(R"("rule":{"query":"x","match":"exact"},"replace_query":"omens")");
    EXPECT_EQ(ids("q=x"), "3 ");
    rule(R"("rule":{"query":"best","match":"contains"},"remove_matched_tokens":true)");
    EXPECT_EQ(ids("q=best+omens"), "3 ");
    EXPECT_EQ(ids("q=best"), "3 2 1 ");
    // A filter that does not suit the collection changes nothing.
    rule(
        R"("rule":{"query":"omens","match":"exact"},"filter_by":"none:1","remove_matched_tokens":false)"
    );
    EXPECT_EQ(ids("q=omens"), "3 ");
}

TEST_F(Curations, RulesByFilterAndByTags) {
    rule(R"("rule":{"filter_by":"year:>1970"},"excludes":[{"id":"2"}])");
    EXPECT_EQ(ids("q=*&filter_by=year:%3E1970"), "3 ");
    EXPECT_EQ(ids("q=*&filter_by=year:%3E1971"), "3 2 ");
    rule(R"("rule":{"tags":["a","b"]},"excludes":[{"id":"2"}])");
    EXPECT_EQ(ids("q=*"), "3 2 1 ");
    EXPECT_EQ(ids("q=*&curation_tags=a"), "3 1 ");
    EXPECT_EQ(ids("q=*&override_tags=b,a"), "3 1 ");
    EXPECT_EQ(ids("q=*&curation_tags=c"), "3 2 1 ");
    rule(R"("rule":{"query":"*","match":"exact","tags":["*"]},"excludes":[{"id":"2"}])");
    EXPECT_EQ(ids("q=*"), "3 1 ");
}

TEST_F(Curations, StopAtTheFirstRuleUnlessItSaysOtherwise) {
    const auto put = [&](const std::string& id, const std::string& more) {
        ASSERT_EQ(
            world
                .put(
                    "/collections/books/overrides/" + id,
                    R"({"rule":{"query":"*","match":"exact"},"excludes":[{"id":")" + id + "\"}]"
                        + more + "}"
                )
                .status,
            200
        );
    };
    put("2", "");
    put("1", R"(,"stop_processing":false)");
    put("3", "");
    EXPECT_EQ(ids("q=*"), "3 ");
}

TEST_F(Curations, ApplyWhileTheyAreInEffect) {
    const auto now = std::chrono::floor<std::chrono::seconds>(world.clock().wall_now())
                         .time_since_epoch()
                         .count();
    rule(
        R"("rule":{"query":"*","match":"exact"},"excludes":[{"id":"1"}],"effective_from_ts":)"
        + std::to_string(now + 100) + ",\"effective_to_ts\":" + std::to_string(now + 200)
    );
    EXPECT_EQ(ids("q=*"), "3 2 1 ");
    world.run_for(std::chrono::seconds(150));
    EXPECT_EQ(ids("q=*"), "3 2 ");
    world.run_for(std::chrono::seconds(100));
    EXPECT_EQ(ids("q=*"), "3 2 1 ");
}

TEST_F(Curations, PlacesForValuesAreFilledFromTheIndex) {
    rule(
        R"("rule":{"query":"{authors}","match":"contains"},"filter_by":"authors:={authors}","sort_by":"year:asc")"
    );
    EXPECT_EQ(ids("q=le+guin"), "1 2 ");
    EXPECT_EQ(ids("q=le+guin+darkness"), "1 ");
    EXPECT_EQ(ids("q=dispossessed+le+guin"), "2 ");
    EXPECT_EQ(ids("q=guin"), "");  // The whole value, or none of it.
    EXPECT_EQ(ids("q=omens"), "3 ");
    const auto fits = [&](const std::string& query) {
        return member(search(query).body, "metadata") == R"({"fits":1})";
    };
    const auto rule_for = [&](const std::string& query, const std::string& match) {
        rule(
            R"("rule":{"query":")" + query + R"(","match":")" + match
            + R"("},"filter_by":"authors:={authors}","metadata":{"fits":1})"
        );
    };
    rule_for("{authors} books", "exact");
    EXPECT_TRUE(fits("q=le+guin+books"));
    EXPECT_FALSE(fits("q=gaiman+le+guin+books"));
    EXPECT_FALSE(fits("q=le+guin"));
    rule_for("by {authors}", "contains");
    EXPECT_TRUE(fits("q=good+books+by+mr+gaiman"));
    EXPECT_FALSE(fits("q=gaiman+good+books+by"));
    EXPECT_FALSE(fits("q=good+books+by+nobody"));
    EXPECT_FALSE(fits("q=a+b+c+d+e+f+g+h+i+by+gaiman"));  // Too many words.
    ASSERT_EQ(
        world
            .put(
                "/collections/books/overrides/a",
                R"({"rule":{"query":"k","match":"contains"},"remove_matched_tokens":true,"stop_processing":false})"
            )
            .status,
        200
    );
    (void)search("q=a+b+c+d+e+f+g+h+k+by+gaiman");  // Too many, until one is taken out.
    rule_for("{title} {authors}", "contains");
    EXPECT_TRUE(fits("q=the+dispossessed+le+guin"));
    EXPECT_FALSE(fits("q=the+dispossessed+x+le+guin"));
    rule_for("{year} books", "contains");
    EXPECT_FALSE(fits("q=1990+books"));
    for (const char* odd :
         {"{}", "{{authors}}", "}{", "{authors}{authors}", "{ authors", "*", "{*}"}) {
        rule_for(odd, "contains");
        EXPECT_FALSE(fits("q=le+guin")) << odd;
    }
    rule_for("{ authors }", "contains");
    EXPECT_TRUE(fits("q=le+guin"));
    rule_for("{none", "contains");
    EXPECT_TRUE(fits("q=none"));
    EXPECT_EQ(
        world
            .put(
                "/collections/books/overrides/r",
                R"({"rule":{"filter_by":"a:{b}"},"excludes":[]})"
            )
            .status,
        400
    );
}

TEST_F(Curations, SetsThatACollectionNamesAreUsed) {
    const Answer refused = world.patch("/collections/books", R"({"curation_sets":["best"]})");
    EXPECT_EQ(refused.status, 404);
    EXPECT_EQ(message(refused), "Curation set `best` not found.");
    ASSERT_EQ(world.put("/curation_sets/best", "{\"items\":[" + kSent + "]}").status, 200);
    ASSERT_EQ(
        world
            .put(
                "/synonym_sets/words",
                R"({"items":[{"id":"a","root":"gloom","synonyms":["darkness"]}]})"
            )
            .status,
        200
    );
    EXPECT_EQ(ids("q=the+best"), "");
    const std::string change =
        R"({"metadata":{"b":2},"curation_sets":["best"],"synonym_sets":["words"]})";
    EXPECT_EQ(world.patch("/collections/books", change).body, change);
    const std::string shown = world.get("/collections/books").body;
    EXPECT_EQ(member(shown, "metadata"), R"({"b":2})");
    EXPECT_EQ(member(shown, "curation_sets"), R"(["best"])");
    EXPECT_EQ(member(shown, "synonym_sets"), R"(["words"])");
    EXPECT_EQ(ids("q=the+best"), "[3] ");
    EXPECT_EQ(ids("q=gloom"), "1 ");
    EXPECT_EQ(
        world
            .post(
                "/collections/books/documents",
                R"({"id":"7","title":"after","authors":[],"year":1})"
            )
            .status,
        201
    );
    EXPECT_EQ(ids("q=after"), "7 ");
    // A set that is gone is as if it were empty.
    ASSERT_EQ(world.remove("/curation_sets/best").status, 200);
    ASSERT_EQ(world.remove("/synonym_sets/words").status, 200);
    EXPECT_EQ(ids("q=the+best"), "");
    EXPECT_EQ(ids("q=gloom"), "");
}

TEST_F(Curations, ChangesOfACollectionThatAreBadAreRefused) {
    const auto refusal = [&](const std::string& body, int status) {
        const Answer answer = world.patch("/collections/books", body);
        EXPECT_EQ(answer.status, status) << body;
        return message(answer);
    };
    EXPECT_EQ(refusal("x", 400), "Bad JSON.");
    EXPECT_EQ(refusal("{}", 400), "Alter payload is empty.");
    EXPECT_EQ(refusal(R"({"metadata":1})", 400), "The `metadata` value should be an object.");
    EXPECT_EQ(
        refusal(R"({"synonym_sets":"a"})", 400),
        "The `synonym_sets` value should be an array."
    );
    EXPECT_EQ(
        refusal(R"({"synonym_sets":[1]})", 400),
        "The `synonym_sets` value should be an array of strings."
    );
    EXPECT_FALSE(refusal(R"({"name":"b"})", 400).empty());
    EXPECT_FALSE(refusal(R"({"fields":[]})", 400).empty());
    EXPECT_EQ(refusal(R"({"synonym_sets":["a"]})", 404), "Synonym set `a` not found.");
    EXPECT_EQ(world.patch("/collections/none", R"({"metadata":{}})").status, 404);
}

TEST_F(Curations, ACloneHasTheSchemaAndTheRulesOfItsSource) {
    ASSERT_EQ(world.put("/collections/books/overrides/a", kSent).status, 200);
    ASSERT_EQ(world.put("/collections/books/synonyms/a", R"({"synonyms":["a","b"]})").status, 200);
    const Answer made = world.post("/collections?src_name=books", R"({"name":"copy"})");
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(member(made.body, "num_documents"), "0");
    EXPECT_EQ(member(made.body, "default_sorting_field"), "\"year\"");
    EXPECT_EQ(member(made.body, "fields"), member(world.get("/collections/books").body, "fields"));
    EXPECT_EQ(world.get("/collections/copy/overrides/a").status, 200);
    EXPECT_EQ(world.get("/collections/copy/synonyms/a").status, 200);
    EXPECT_EQ(world.post("/collections?src_name=books", R"({"name":"copy"})").status, 409);
    EXPECT_EQ(
        message(world.post("/collections?src_name=none", R"({"name":"c"})")),
        "Collection with name `none` not found."
    );
    const Answer full =
        world.post("/collections?src_name=books&copy_documents=true", R"({"name":"c"})");
    EXPECT_EQ(full.status, 201);
    EXPECT_EQ(member(full.body, "num_documents"), "3");
    EXPECT_EQ(
        world.get("/collections/c/documents/export").body,
        world.get("/collections/books/documents/export").body
    );
    EXPECT_EQ(world.post("/collections?src_name=books", "{}").status, 400);
}

}  // namespace
}  // namespace kumo::api_kumosearch
