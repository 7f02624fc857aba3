#include "api/kumosearch/internal/api_world_test.h"
#include "wire/url.h"

#include <gtest/gtest.h>

#include <set>

namespace kumo::api_kumosearch {
namespace {

const std::string kSearch = "/collections/books/documents/search?";

class Search : public testing::Test {
protected:
    void SetUp() override { world.add_books(); }

    Answer search(const std::string& query) { return world.get(kSearch + query); }

    /// The ids of the hits, in order.
    std::string ids(const std::string& query) {
        const Answer answer = search(query);
        const auto parsed = wire::JsonDocument::parse(answer.body);
        if (answer.status != 200 || !parsed.ok()) {
            return answer.body;
        }
        std::string out;
        for (const wire::JsonValue hit : parsed.value().root().find("hits").as_array()) {
            out += std::string(hit.find("document").find("id").as_string()) + " ";
        }
        return out;
    }

    ApiWorld world;
};

TEST_F(Search, AnswersInTheFormClientsKnow) {
    const Answer answer = search(
        "q=dispossesed&query_by=title&exclude_fields=rating,in_print,"
        "search_time_ms&facet_by=authors,year"
    );
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(member(answer.body, "found"), "1");
    EXPECT_EQ(member(answer.body, "out_of"), "3");
    EXPECT_EQ(member(answer.body, "page"), "1");
    EXPECT_EQ(member(answer.body, "search_cutoff"), "false");
    EXPECT_EQ(member(answer.body, "search_time_ms"), "");
    EXPECT_EQ(
        member(answer.body, "request_params"),
        R"({"collection_name":"books","first_q":"dispossesed","per_page":10,"q":"dispossesed"})"
    );
    EXPECT_EQ(
        member(answer.body, "facet_counts"),
        R"([{"counts":[{"count":1,"highlighted":"Le Guin","value":"Le Guin"}],"field_name":"authors","sampled":false,"stats":{"total_values":1}},)"
        R"({"counts":[{"count":1,"highlighted":"1974","value":"1974"}],"field_name":"year","sampled":false,"stats":{"avg":1974.0,"max":1974.0,"min":1974.0,"sum":1974.0,"total_values":1}}])"
    );
    const std::string hits = member(answer.body, "hits");
    EXPECT_TRUE(hits.starts_with(
        R"([{"document":{"id":"2","title":"The Dispossessed","authors":["Le Guin"],"year":1974},)"
        R"("highlight":{"title":{"matched_tokens":["Dispossessed"],"snippet":"The <mark>Dispossessed</mark>"}},)"
        R"("highlights":[{"field":"title","matched_tokens":["Dispossessed"],"snippet":"The <mark>Dispossessed</mark>"}],)"
        R"("text_match":)"
    )) << hits;
    EXPECT_NE(hits.find(R"("text_match_info":{"best_field_score":")"), std::string::npos);
}

TEST_F(Search, MatchesAllWithoutAQueryAndSaysNothingOfText) {
    EXPECT_EQ(ids("q=*"), "3 2 1 ");
    EXPECT_EQ(ids("").substr(0, 6), "3 2 1 ");
    EXPECT_EQ(search("q=*").body.find("text_match"), std::string::npos);
}

TEST_F(Search, FiltersAndSorts) {
    EXPECT_EQ(ids("q=*&filter_by=year:%3C1980%20%26%26%20in_print:true&sort_by=year:asc"), "1 2 ");
    EXPECT_EQ(ids("q=*&sort_by=rating:asc"), "2 1 3 ");
    EXPECT_EQ(ids("q=*&sort_by=rating:desc"), "1 2 3 ");
    EXPECT_EQ(ids("q=*&filter_by=authors:=Le%20Guin"), "2 1 ");
    EXPECT_EQ(ids("q=the&query_by=title&sort_by=year:desc&per_page=1&page=2"), "1 ");
    EXPECT_EQ(ids("q=*&hidden_hits=3"), "2 1 ");
    EXPECT_EQ(ids("q=*&pinned_hits=1:1"), "1 3 2 ");
}

TEST_F(Search, HighlightsArraysBothWays) {
    const std::string body = search("q=gaiman&query_by=authors&include_fields=authors").body;
    EXPECT_NE(
        body.find(
            R"("highlight":{"authors":[{"matched_tokens":[],"snippet":"Pratchett"},{"matched_tokens":["Gaiman"],"snippet":"<mark>Gaiman</mark>"}]})"
        ),
        std::string::npos
    ) << body;
    EXPECT_NE(
        body.find(
            R"("highlights":[{"field":"authors","indices":[1],"matched_tokens":[["Gaiman"]],"snippets":["<mark>Gaiman</mark>"]}])"
        ),
        std::string::npos
    ) << body;
    EXPECT_EQ(
        search("q=gaiman&query_by=authors&enable_highlight_v1=false").body.find("highlights"),
        std::string::npos
    );
}

TEST_F(Search, AnswersErrorsInTheWordsClientsKnow) {
    const auto failure = [&](const std::string& query, int status) {
        const Answer answer = search(query);
        EXPECT_EQ(answer.status, status) << query;
        return message(answer);
    };
    EXPECT_EQ(failure("q=a&query_by=x", 404), "Could not find a field named `x` in the schema.");
    EXPECT_EQ(
        failure("q=*&filter_by=x:1", 400),
        "Could not find a filter field named `x` in the schema."
    );
    EXPECT_EQ(
        failure("q=*&sort_by=x:asc", 404),
        "Could not find a field named `x` in the schema for sorting."
    );
    EXPECT_EQ(
        failure("q=*&facet_by=x", 404),
        "Could not find a facet field named `x` in the schema."
    );
    EXPECT_EQ(failure("q=*&per_page=251", 422), "Only upto 250 hits can be fetched per page.");
    EXPECT_EQ(failure("q=*&page=x", 400), "Parameter `page` must be an unsigned integer.");
    EXPECT_NE(
        failure("q=a&query_by=title&infix=always", 400).find("in the infix index"),
        std::string::npos
    );
    EXPECT_EQ(world.get("/collections/none/documents/search?q=*").status, 404);
}

TEST_F(Search, SortsByConditionsDecaysAndShuffles) {
    EXPECT_EQ(ids("q=*&sort_by=_eval(in_print:true):desc,year:desc"), "2 1 3 ");
    EXPECT_EQ(
        ids("q=*&sort_by=_eval(%5B(year:1969):2,(in_print:true):1,(year:1990):7%5D):desc"),
        "3 1 2 "
    );
    EXPECT_EQ(ids("q=*&sort_by=year(origin:1975,func:gauss,scale:5):desc"), "2 1 3 ");
    EXPECT_EQ(ids("q=*&sort_by=year(origin:1985,func:diff):asc"), "3 2 1 ");
    EXPECT_EQ(ids("q=*&sort_by=rating(origin:4.5,func:exp,scale:1):asc"), "2 1 3 ")
        << "without a value last";
    EXPECT_EQ(ids("q=*&sort_by=year(origin:1970,func:linear,scale:1,offset:10):desc"), "2 1 3 ")
        << "1969 and 1974 are both at the origin";
    EXPECT_EQ(ids("q=*&sort_by=_rand(7):asc"), ids("q=*&sort_by=_rand(7):asc"));
    std::set<std::string> orders;
    for (int seed = 0; seed < 60; ++seed) {
        orders.insert(ids("q=*&sort_by=_rand(" + std::to_string(seed) + "):desc"));
    }
    EXPECT_EQ(orders.size(), 6U) << "every order of three";
    EXPECT_EQ(ids("q=*&sort_by=_rand():asc").size(), 6U);
    EXPECT_EQ(
        message(search("q=*&sort_by=_eval(x:1):desc")),
        "Could not find a filter field named `x` in the schema."
    );
}

TEST_F(Search, GroupsHits) {
    const Answer answer = search(
        "q=*&group_by=authors,in_print&include_fields=id&exclude_fields=search_time_ms&group_limit="
        "1&facet_by=in_print&sort_by=year:asc"
    );
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(
        answer.body,
        R"({"facet_counts":[{"counts":[{"count":1,"highlighted":"true","value":"true"},)"
        R"({"count":1,"highlighted":"false","value":"false"}],"field_name":"in_print",)"
        R"("sampled":false,"stats":{"total_values":2}}],"found":2,"found_docs":3,"grouped_hits":[)"
        R"({"found":2,"group_key":[["Le Guin"],true],"hits":[)"
        R"({"document":{"id":"1"},"highlight":{},"highlights":[]}]},)"
        R"({"found":1,"group_key":[["Pratchett","Gaiman"],false],"hits":[)"
        R"({"document":{"id":"3"},"highlight":{},"highlights":[]}]}],"out_of":3,"page":1,)"
        R"("request_params":{"collection_name":"books","first_q":"*","per_page":10,"q":"*"},)"
        R"("search_cutoff":false})"
    );
}

TEST_F(Search, PagesOverGroups) {
    ASSERT_EQ(
        world
            .post("/collections/books/documents", R"({"id":"4","title":"Nameless","authors":[],
            "year":2001})")
            .status,
        201
    );
    // The key and the ids of each group.
    const auto groups = [&](const std::string& query) {
        const Answer answer = search(query);
        std::string out = member(answer.body, "found") + ":";
        const auto parsed = wire::JsonDocument::parse(answer.body).value();
        for (const wire::JsonValue group : parsed.root().find("grouped_hits").as_array()) {
            out += " " + std::string(group.find("group_key").raw());
            for (const wire::JsonValue hit : group.find("hits").as_array()) {
                out += std::string(hit.find("document").find("id").as_string());
            }
        }
        return out;
    };
    EXPECT_EQ(groups("q=*&group_by=in_print"), "3: []4 [false]3 [true]21");
    EXPECT_EQ(groups("q=*&group_by=in_print&per_page=1&page=3"), "3: [true]21");
    EXPECT_EQ(groups("q=*&group_by=in_print&limit=1&offset=1"), "3: [false]3");
    EXPECT_EQ(
        groups("q=*&group_by=in_print&sort_by=_group_found:desc,year:asc"),
        "3: [true]12 [false]3 []4"
    );
    EXPECT_EQ(groups("q=*&group_by=in_print&pinned_hits=1:1"), "3: [true]12 []4 [false]3");
    EXPECT_EQ(groups("q=*&group_by=in_print&hidden_hits=3"), "2: []4 [true]21");
    EXPECT_EQ(groups("q=the&query_by=title&group_by=year"), "2: [1974]2 [1969]1");
    EXPECT_EQ(groups("q=*&group_by=authors&filter_by=year:2001"), "1: []4") << "no value";
    EXPECT_EQ(ids("q=*&group_by=x&validate_field_names=false"), "4 3 2 1 ") << "no group";
}

TEST_F(Search, RefusesGroupsThatCannotBe) {
    const auto failure = [&](const std::string& query, int status) {
        const Answer answer = search("q=*&" + query);
        EXPECT_EQ(answer.status, status) << query;
        return message(answer);
    };
    const std::string limits = "Value of `group_limit` must be between 1 and 99.";
    EXPECT_EQ(failure("group_by=year&group_limit=100", 422), limits);
    EXPECT_EQ(failure("group_by=year&group_limit=0", 422), limits);
    EXPECT_EQ(
        failure("group_by=year&group_limit=-1", 400),
        "Parameter `group_limit` must be an unsigned integer."
    );
    EXPECT_EQ(
        failure("group_max_candidates=x&group_by=year", 400).substr(0, 32),
        "Parameter `group_max_candidates`"
    );
    EXPECT_EQ(failure("group_by=x", 404), "Could not find a field named `x` in the schema.");
    EXPECT_EQ(failure("group_by=rating", 400), "Group by field `rating` should be a facet field.");
    EXPECT_EQ(
        failure("sort_by=_group_found:desc", 400),
        "Sorting by `_group_found` needs the parameter `group_by`."
    );
    std::string many = "group_by=year";
    for (int i = 0; i < 10; ++i) {
        many += ",year";
    }
    EXPECT_EQ(failure(many, 422), "Only upto 10 fields can be grouped by.");
}

TEST_F(Search, RunsSeveralAtOnce) {
    const Answer answer = world.post(
        "/multi_search?include_fields=id&filter_by=year:%3C1980",
        R"({"searches":[
            {"collection":"books","q":"*","include_fields":"title","filter_by":"year:>1970"},
            {"collection":"none","q":"*"},
            {"collection":"books","q":"le guin","query_by":"authors","per_page":1,"prefix":false},
            {"collection":"books"}]})"
    );
    EXPECT_EQ(answer.status, 200);
    const auto parsed = wire::JsonDocument::parse(answer.body);
    ASSERT_TRUE(parsed.ok());
    std::vector<wire::JsonValue> results;
    for (const wire::JsonValue result : parsed.value().root().find("results").as_array()) {
        results.push_back(result);
    }
    ASSERT_EQ(results.size(), 4U);
    EXPECT_EQ(results[0].find("found").raw(), "1");
    EXPECT_NE(results[0].raw().find(R"("document":{"id":"2"})"), ByteView::npos);
    EXPECT_EQ(results[1].raw(), R"({"code":404,"error":"No collection with name `none` found."})");
    EXPECT_EQ(results[2].find("found").raw(), "2");
    EXPECT_EQ(results[3].raw(), R"({"code":400,"error":"Parameter `q` is required."})");
}

TEST_F(Search, UnitesSearches) {
    const std::string searches = R"("searches":[
        {"collection":"books","q":"*","filter_by":"year:<1980","sort_by":"year:asc","page":7},
        {"collection":"books","q":"*","filter_by":"year:>1970","sort_by":"year:asc",
         "include_fields":"id"},
        {"collection":"shop","q":"lamp","query_by":"name","sort_by":"price:asc"}])";
    ASSERT_EQ(
        world
            .post("/collections", R"({"name":"shop","num_shards":2,"fields":[
            {"name":"name","type":"string"},{"name":"price","type":"int64"}]})")
            .status,
        201
    );
    for (const char* lamp : {"1970", "1973", "1999"}) {
        const std::string price(lamp);
        ASSERT_EQ(
            world
                .post(
                    "/collections/shop/documents",
                    R"({"id":"l)" + price + R"(","name":"lamp","price":)" + price + "}"
                )
                .status,
            201
        );
    }
    // What search each hit is of, and its id.
    const auto hits = [](const std::string& body) {
        std::string out = member(body, "found") + ":";
        const auto parsed = wire::JsonDocument::parse(body).value();
        for (const wire::JsonValue hit : parsed.root().find("hits").as_array()) {
            out += " " + std::string(hit.find("search_index").raw());
            out += std::string(hit.find("document").find("id").as_string());
        }
        return out;
    };
    const auto ask = [&](const std::string& query, const std::string& more) {
        return world.post("/multi_search?" + query, "{\"union\":true," + more + searches + "}")
            .body;
    };
    const std::string all = ask("", "");
    EXPECT_EQ(hits(all), "6: 01 2l1970 2l1973 02 13 2l1999");
    EXPECT_EQ(member(all, "out_of"), "6");
    EXPECT_EQ(member(all, "page"), "1");
    EXPECT_EQ(
        member(all, "union_request_params"),
        R"([{"collection":"books","found":2,"first_q":"*","per_page":10,"q":"*"},)"
        R"({"collection":"books","found":2,"first_q":"*","per_page":10,"q":"*"},)"
        R"({"collection":"shop","found":3,"first_q":"lamp","per_page":10,"q":"lamp"}])"
    );
    EXPECT_NE(
        all.find(R"({"collection":"books","document":{"id":"3"},"highlight":{},)"
                 R"("highlights":[],"search_index":1})"),
        std::string::npos
    ) << "each is shown as its own search says";
    EXPECT_NE(all.find("<mark>lamp</mark>"), std::string::npos);
    EXPECT_EQ(hits(ask("", "\"remove_duplicates\":false,")), "7: 01 2l1970 2l1973 02 12 13 2l1999");
    EXPECT_EQ(hits(ask("per_page=2&page=2", "")), "6: 2l1973 02");
    EXPECT_EQ(hits(ask("limit=2&offset=1", "")), "6: 2l1970 2l1973");
    EXPECT_EQ(member(ask("limit=2&offset=1", ""), "offset"), "1");
}

TEST_F(Search, RefusesUnionsThatCannotBe) {
    const auto failure = [&](const std::string& searches) {
        const Answer answer =
            world.post("/multi_search", R"({"union":true,"searches":[)" + searches + "]}");
        return std::to_string(answer.status) + " " + message(answer);
    };
    const std::string plain = R"({"collection":"books","q":"*"})";
    EXPECT_EQ(
        failure(plain + R"(,{"collection":"books","q":"*","sort_by":"rating:asc"})"),
        "400 The searches of a union must sort by the same types in the same orders: search 1 "
        "sorts by `float:asc, text_match:desc`, search 0 by `text_match:desc, integer:desc`."
    );
    EXPECT_EQ(
        failure(plain + R"(,{"collection":"none","q":"*"})"),
        "404 No collection with name `none` found."
    );
    EXPECT_EQ(
        failure(R"({"collection":"books","q":"*","group_by":"year"})"),
        "400 A union takes no groups, no facets and no buckets of text match."
    );
    EXPECT_EQ(failure(R"({"collection":"books"})"), "400 Parameter `q` is required.");
}

TEST_F(Search, RefusesBadMultiSearches) {
    const auto ask = [&](const std::string& body) {
        return world.post("/multi_search", body);
    };
    EXPECT_EQ(ask("{\"searches\":[]}").body, R"({"results":[]})");
    EXPECT_EQ(message(ask("{}")), "Missing `searches` array.");
    EXPECT_EQ(message(ask("x")), "Bad JSON.");
    EXPECT_EQ(ask("{\"searches\":[1]}").status, 400);
    EXPECT_EQ(ask(R"({"searches":[{"q":{"a":1}}]})").status, 400);
    EXPECT_EQ(
        message(ask(R"({"union":true,"searches":[]})")),
        "A union needs at least one search."
    );
    EXPECT_EQ(
        message(ask(R"({"union":"yes","searches":[]})")),
        "Parameter `union` must be a boolean."
    );
    std::string many;
    for (int i = 0; i < 51; ++i) {
        many += std::string(i == 0 ? "" : ",") + R"({"collection":"books","q":"*"})";
    }
    EXPECT_EQ(
        message(ask("{\"searches\":[" + many + "]}")),
        "Number of multi searches exceeds `limit_multi_searches` parameter."
    );
}

TEST(TextSearch, RanksByBm25AndLooksInsideWords) {
    ApiWorld world;
    world.post("/collections", R"({"name":"c","fields":[{"name":"t","type":"string","infix":true},
        {"name":"u","type":"string","optional":true}]})");
    for (const char* document :
         {R"({"id":"0","t":"AX-4471-B pump"})",
          R"({"id":"1","t":"a pump for water"})",
          R"({"id":"2","t":"water, water"})"}) {
        world.post("/collections/c/documents", document);
    }
    const auto ids = [&](const std::string& query) {
        const Answer answer = world.get("/collections/c/documents/search?query_by=t&" + query);
        const auto parsed = wire::JsonDocument::parse(answer.body);
        if (answer.status != 200) {
            return message(answer);
        }
        std::string out;
        for (const wire::JsonValue hit : parsed.value().root().find("hits").as_array()) {
            out += std::string(hit.find("document").find("id").as_string());
        }
        return out;
    };
    EXPECT_EQ(ids("q=water+pump&text_match_type=bm25"), "120");
    EXPECT_EQ(ids("q=447&num_typos=0"), "");
    EXPECT_EQ(ids("q=447&num_typos=0&infix=always"), "0");
    EXPECT_EQ(ids("q=447&num_typos=0&infix=fallback&max_extra_prefix=1"), "");
    EXPECT_EQ(ids("q=447&infix=some"), "Unknown infix value: `some`.");
    EXPECT_EQ(
        ids("q=447&infix=off,off"),
        "Number of values in `infix` does not match number of `query_by` fields."
    );
    EXPECT_EQ(
        ids("q=447&max_extra_prefix=x"),
        "Parameter `max_extra_prefix` must be an unsigned integer."
    );
    EXPECT_NE(
        message(world.get("/collections/c/documents/search?query_by=u&q=a&infix=always"))
            .find("infix: true"),
        std::string::npos
    );
}

}  // namespace
}  // namespace kumo::api_kumosearch
