#include "api/elastic/query/dsl_world_test.h"

namespace kumo::api_elastic {
namespace {

DslWorld books() {
    DslWorld world(R"({"properties":{
        "title":{"type":"text","fields":{"raw":{"type":"keyword"}}},
        "tag":{"type":"keyword"},"year":{"type":"integer"},"price":{"type":"double"},
        "at":{"type":"date"},"ip":{"type":"ip"},"on":{"type":"boolean"},
        "place":{"type":"geo_point"},"span":{"type":"integer_range"},
        "big":{"type":"unsigned_long"},
        "people":{"type":"nested","properties":{"name":{"type":"keyword"},"age":{"type":"long"}}}}})"
    );
    world.add_all({
        R"({"title":"The quick brown fox","tag":["a","b"],"year":1999,"price":1.5,"on":true,
            "at":"2020-06-15","ip":"10.0.0.1","place":{"lat":52.5,"lon":13.4},
            "people":[{"name":"ann","age":30},{"name":"bob","age":20}]})",
        R"({"title":"Brown bears quick","tag":"b","year":2005,"price":2.5,"on":false,
            "at":"2020-06-14T10:00:00Z","ip":"10.0.1.7","place":[2.35,48.85],
            "people":[{"name":"ann","age":20}]})",
        R"({"title":"Lazy dogs sleep","tag":"c","year":2010,"price":3.5,"span":{"gte":5,"lte":10},
            "at":"2019-01-01","ip":"::1","big":18446744073709551615})",
        R"({"title":"A fox and the dogs","tag":"Cats","year":2020,"at":"2020-05-01"})",
    });
    return world;
}

TEST(Query, Terms) {
    DslWorld world = books();
    EXPECT_EQ(world.find(R"({"match_all":{}})", true), "1:1.0000 2:1.0000 3:1.0000 4:1.0000");
    EXPECT_EQ(world.find(R"({"term":{"tag":"b"}})"), "1 2");
    EXPECT_EQ(world.find(R"({"term":{"tag":{"value":"cats","case_insensitive":true}}})"), "4");
    EXPECT_EQ(world.find(R"({"terms":{"tag":["a","c"],"boost":2}})", true), "1:2.0000 3:2.0000");
    EXPECT_EQ(world.find(R"({"term":{"year":2005}})", true), "2:1.0000");
    EXPECT_EQ(world.find(R"({"terms":{"year":[2005,"2010"]}})"), "2 3");
    EXPECT_EQ(world.find(R"({"term":{"price":2.5}})"), "2");
    EXPECT_EQ(world.find(R"({"term":{"big":18446744073709551615}})"), "3");
    EXPECT_EQ(world.find(R"({"term":{"on":"true"}})"), "1");
    EXPECT_EQ(world.find(R"({"term":{"ip":"10.0.0.0/24"}})"), "1");
    EXPECT_EQ(world.find(R"({"term":{"ip":"::1"}})"), "3");
    EXPECT_EQ(world.find(R"({"term":{"span":7}})"), "3");
    EXPECT_EQ(world.find(R"({"ids":{"values":["4",1]}})"), "1 4");
    EXPECT_EQ(world.find(R"({"exists":{"field":"price"}})"), "1 2 3");
    EXPECT_EQ(world.find(R"({"exists":{"field":"people"}})"), "1 2");
    EXPECT_EQ(world.find(R"({"prefix":{"tag":"C"}})"), "4");
    EXPECT_EQ(world.find(R"({"wildcard":{"title.raw":"*quick*"}})"), "1 2");
    EXPECT_EQ(world.find(R"({"regexp":{"title":"do[a-h]s|lazy"}})"), "3 4");
    EXPECT_EQ(world.find(R"({"fuzzy":{"title":"browm"}})"), "1 2");
    EXPECT_EQ(world.find(R"({"term":{"none":"x"}})"), "");
}

TEST(Query, Ranges) {
    DslWorld world = books();
    EXPECT_EQ(world.find(R"({"range":{"year":{"gte":2005,"lt":2020}}})"), "2 3");
    EXPECT_EQ(world.find(R"({"range":{"year":{"gt":1999.5,"lte":"2010"}}})"), "2 3");
    EXPECT_EQ(world.find(R"({"range":{"price":{"gt":1.5}}})"), "2 3");
    EXPECT_EQ(world.find(R"({"range":{"at":{"gte":"now-1d/d"}}})"), "1 2");
    EXPECT_EQ(world.find(R"({"range":{"at":{"gte":"2020-06","lte":"2020-06"}}})"), "1 2");
    EXPECT_EQ(world.find(R"({"range":{"at":{"gt":"2020-06-14"}}})"), "1");
    EXPECT_EQ(world.find(R"({"range":{"at":{"lt":"2020-05-01||+1d"}}})"), "3 4");
    EXPECT_EQ(world.find(R"({"range":{"tag":{"gte":"b"}}})"), "1 2 3");
    EXPECT_EQ(world.find(R"({"range":{"span":{"gte":10,"lte":20}}})"), "3");
    EXPECT_EQ(world.find(R"({"range":{"span":{"gte":4,"relation":"within"}}})"), "3");
    EXPECT_EQ(world.find(R"({"range":{"span":{"gte":6,"relation":"within"}}})"), "");
    EXPECT_EQ(world.find(R"({"range":{"ip":{"gte":"10.0.0.5","lt":"10.1.0.0"}}})"), "2");
}

TEST(Query, Matches) {
    DslWorld world = books();
    EXPECT_EQ(world.find(R"({"match":{"title":"QUICK fox"}})"), "1 2 4");
    EXPECT_EQ(world.find(R"({"match":{"title":{"query":"quick fox","operator":"and"}}})"), "1");
    EXPECT_EQ(
        world.find(R"({"match":{"title":{"query":"quick fox dogs","minimum_should_match":"70%"}}})"
        ),
        "1 4"
    );
    EXPECT_EQ(world.find(R"({"match":{"title":{"query":"quikc","fuzziness":"AUTO"}}})"), "1 2");
    EXPECT_EQ(world.find(R"({"match_phrase":{"title":"quick brown"}})"), "1");
    EXPECT_EQ(world.find(R"({"match_phrase":{"title":{"query":"quick brown","slop":3}}})"), "1 2");
    EXPECT_EQ(world.find(R"({"match_phrase_prefix":{"title":"quick bro"}})"), "1");
    EXPECT_EQ(world.find(R"({"match_bool_prefix":{"title":"fox sle"}})"), "1 3 4");
    EXPECT_EQ(world.find(R"({"multi_match":{"query":"fox b","fields":["title","tag"]}})"), "1 4");
    EXPECT_EQ(world.find(R"({"multi_match":{"query":"2010","fields":["title","year"]}})"), "3");
    EXPECT_EQ(
        world.find(R"({"combined_fields":{"query":"fox dogs","fields":["title"],"operator":"and"}})"
        ),
        "4"
    );
    EXPECT_EQ(world.find(R"({"match":{"year":"2005"}})"), "2");
    EXPECT_EQ(
        world.find(R"({"match":{"year":"x"}})"),
        "query_shard_exception: failed to create query: For input string: \"x\""
    );
    EXPECT_EQ(
        world.find(R"({"match":{"title":{"query":"...","zero_terms_query":"all"}}})"),
        "1 2 3 4"
    );
}

TEST(Query, Strings) {
    DslWorld world = books();
    const auto find = [&world](const std::string& text, const std::string& more = {}) {
        return world.find(R"({"query_string":{"query":)" + Json(text).dump() + more + "}}");
    };
    EXPECT_EQ(find("title:fox"), "1 4");
    EXPECT_EQ(find("fox dogs"), "1 3 4");
    EXPECT_EQ(find("fox AND dogs"), "4");
    EXPECT_EQ(find("fox -dogs"), "1");
    EXPECT_EQ(find("+fox dogs"), "1 4");
    EXPECT_EQ(find("NOT fox"), "2 3");
    EXPECT_EQ(find("title:(quick OR lazy) AND year:[2000 TO 2010]"), "2 3");
    EXPECT_EQ(find("year:>=2010"), "3 4");
    EXPECT_EQ(find("year:{1999 TO 2010}"), "2");
    EXPECT_EQ(find("\"quick brown\""), "1");
    EXPECT_EQ(find("\"brown quick\"~3"), "1 2");
    EXPECT_EQ(find("qui*"), "1 2");
    EXPECT_EQ(find("b?own"), "1 2");
    EXPECT_EQ(find("browm~"), "1 2");
    EXPECT_EQ(find("title:/do.s/"), "3 4");
    EXPECT_EQ(find("_exists_:price"), "1 2 3");
    EXPECT_EQ(find("price:*"), "1 2 3");
    EXPECT_EQ(find("*:*"), "1 2 3 4");
    EXPECT_EQ(find("fox dogs", R"(,"default_operator":"and","default_field":"title")"), "4");
    EXPECT_EQ(find("title\\:zzz OR tag:c"), "3");
    EXPECT_TRUE(find("(fox").starts_with("query_shard_exception: Failed to parse query [(fox]"));
    const auto simple = [&world](const std::string& text) {
        return world.find(
            R"({"simple_query_string":{"fields":["title"],"query":)" + Json(text).dump() + "}}"
        );
    };
    EXPECT_EQ(simple("fox dogs"), "1 3 4");
    EXPECT_EQ(simple("fox + dogs"), "4");
    EXPECT_EQ(simple("fox + -dogs"), "1");
    EXPECT_EQ(simple("(fox | lazy) + dogs"), "3 4");
    EXPECT_EQ(simple("\"quick brown\" | sle*"), "1 3");
    EXPECT_EQ(simple("browm~1"), "1 2");
    EXPECT_EQ(simple("((("), "");
}

TEST(Query, Compounds) {
    DslWorld world = books();
    EXPECT_EQ(
        world.find(
            R"({"bool":{"must":{"match":{"title":"fox"}},"must_not":[{"term":{"tag":"a"}}]}})"
        ),
        "4"
    );
    EXPECT_EQ(
        world.find(R"({"bool":{"filter":[{"range":{"year":{"gte":2005}}}]}})", true),
        "2:0.0000 3:0.0000 4:0.0000"
    );
    EXPECT_EQ(
        world.find(R"({"constant_score":{"filter":{"term":{"tag":"b"}},"boost":3}})", true),
        "1:3.0000 2:3.0000"
    );
    EXPECT_EQ(
        world.find(
            R"({"function_score":{"query":{"term":{"year":2005}},"field_value_factor":
        {"field":"price","factor":2},"boost_mode":"replace"}})",
            true
        ),
        "2:5.0000"
    );
    EXPECT_EQ(world.find(R"({"geo_distance":{"distance":"10km","place":"52.5,13.4"}})"), "1");
    EXPECT_EQ(
        world.find(R"({"geo_bounding_box":{"place":{"top_left":[0,50],"bottom_right":[5,40]}}})"),
        "2"
    );
    EXPECT_EQ(
        world.find(R"({"boool":{}})"),
        "parsing_exception: unknown query [boool] did you mean [bool]?"
    );
    EXPECT_EQ(
        world.find(R"({"term":{"a":1,"b":2}})"),
        "parsing_exception: [term] query doesn't support multiple fields, found [a] and [b]"
    );
}

TEST(Query, LooksIntoNestedObjects) {
    DslWorld world = books();
    const std::string both = R"({"bool":{"must":[{"term":{"people.name":"ann"}},
        {"term":{"people.age":20}}]}})";
    EXPECT_EQ(world.find(R"({"nested":{"path":"people","query":)" + both + "}}"), "2");
    EXPECT_EQ(
        world.find(
            R"({"nested":{"path":"people","score_mode":"sum","query":{"match_all":{}}}})",
            true
        ),
        "1:2.0000 2:1.0000"
    );
    EXPECT_EQ(
        world.find(R"({"nested":{"path":"tag","query":{"match_all":{}}}})"),
        "query_shard_exception: [nested] nested object under path [tag] is not of nested type"
    );
}

TEST(Query, CountsWhatShouldMatch) {
    EXPECT_EQ(minimum_should_match(4, "75%").value(), 3);
    EXPECT_EQ(minimum_should_match(4, "-25%").value(), 3);
    EXPECT_EQ(minimum_should_match(4, "-1").value(), 3);
    EXPECT_EQ(minimum_should_match(4, "9").value(), 4);
    EXPECT_EQ(minimum_should_match(2, "2<75%").value(), 2);
    EXPECT_EQ(minimum_should_match(4, "2<75%").value(), 3);
    EXPECT_EQ(minimum_should_match(10, "2<-25% 9<-3").value(), 7);
    EXPECT_FALSE(minimum_should_match(4, "x").ok());
}

}  // namespace
}  // namespace kumo::api_elastic
