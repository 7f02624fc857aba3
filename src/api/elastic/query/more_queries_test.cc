#include "api/elastic/query/dsl_world_test.h"
#include "api/elastic/query/internal/bitmap_values.h"
#include "api/elastic/suggest/suggest.h"

namespace kumo::api_elastic {
namespace {

DslWorld porridge() {
    DslWorld world(R"({"properties":{"text":{"type":"text"},"id":{"type":"integer"},
        "ends":{"type":"completion"},"place":{"type":"geo_point"}}})");
    world.add_all({
        R"({"text":"Some like it hot, some like it cold","id":111,"ends":["Hotel","House"]})",
        R"({"text":"Its cold outside, theres no kind of atmosphere","id":222,
            "ends":{"input":"Hostel","weight":7}})",
        R"({"text":"Baby its cold there outside","id":333})",
        R"({"text":"Outside it is cold and wet","id":444,"place":[52,4]})",
    });
    return world;
}

TEST(Intervals, LookAtPlacesOfWords) {
    DslWorld world = porridge();
    const auto find = [&world](const std::string& rule) {
        return world.find(R"({"intervals":{"text":)" + rule + "}}");
    };
    EXPECT_EQ(find(R"({"match":{"query":"cold outside","ordered":true}})"), "2 3");
    EXPECT_EQ(find(R"({"match":{"query":"cold outside","max_gaps":1}})"), "2 3");
    EXPECT_EQ(find(R"({"match":{"query":"cold outside","max_gaps":2}})"), "2 3 4");
    EXPECT_EQ(find(R"({"match":{"query":"cold outside","max_gaps":0}})"), "2");
    EXPECT_EQ(find(R"({"match":{"query":"cold outside"}})"), "2 3 4");
    EXPECT_EQ(
        find(R"({"all_of":{"ordered":true,"max_gaps":0,"intervals":[
        {"match":{"query":"its"}},{"any_of":{"intervals":[{"match":{"query":"cold outside"}},
        {"match":{"query":"cold there"}}]}}]}})"),
        "2 3"
    );
    EXPECT_EQ(
        find(R"({"match":{"query":"outside","filter":{"before":{"match":{"query":"cold"}}}}})"),
        "4"
    );
    EXPECT_EQ(
        find(
            R"({"match":{"query":"cold outside","filter":{"not_containing":{"match":{"query":"there"}}}}})"
        ),
        "2 4"
    );
    EXPECT_EQ(find(R"({"match":{"query":"its outside there","mode":"unordered_no_overlap"}})"), "");
    EXPECT_EQ(
        find(R"({"match":{"query":"its there outside","mode":"unordered_no_overlap"}})"),
        "3"
    );
    EXPECT_EQ(find(R"({"prefix":{"prefix":"out"}})"), "2 3 4");
    EXPECT_EQ(find(R"({"wildcard":{"pattern":"?ut*e"}})"), "2 3 4");
    EXPECT_EQ(find(R"({"fuzzy":{"term":"cald"}})"), "1 2 3 4");
    EXPECT_EQ(find(R"({"nothing":{}})").substr(0, 17), "parsing_exception");
}

TEST(Intervals, AreSpansToo) {
    DslWorld world = porridge();
    EXPECT_EQ(
        world.find(R"({"span_near":{"clauses":[{"span_term":{"text":"cold"}},
        {"span_multi":{"match":{"prefix":{"text":"out"}}}}],"slop":1}})"),
        "2 3"
    );
    EXPECT_EQ(world.find(R"({"span_first":{"match":{"span_term":{"text":"its"}},"end":1}})"), "2");
    EXPECT_EQ(
        world.find(R"({"span_not":{"include":{"span_term":{"text":"cold"}},
        "exclude":{"span_term":{"text":"outside"}},"post":1}})"),
        "1 3 4"
    );
    EXPECT_EQ(
        world.find(R"({"span_or":{"clauses":[{"span_term":{"text":"baby"}},
        {"span_term":{"text":"hot"}}]}})"),
        "1 3"
    );
}

TEST(LikeQuery, FindsWhatHasTheSameWords) {
    DslWorld world = porridge();
    EXPECT_EQ(
        world.find(R"({"more_like_this":{"fields":["text"],"like":"cold outside baby",
        "min_term_freq":1,"min_doc_freq":1,"minimum_should_match":"100%"}})"),
        "3"
    );
    EXPECT_EQ(
        world.find(R"({"more_like_this":{"fields":["text"],"like":"cold outside",
        "unlike":"outside","min_term_freq":1,"min_doc_freq":4}})"),
        "1 2 3 4"
    );
}

TEST(BitmapQuery, ReadsNumbers) {
    DslWorld world = porridge();
    EXPECT_EQ(
        world.find(R"({"terms":{"id":["OjAAAAEAAAAAAAEAEAAAAG8A3gA="],"value_type":"bitmap"}})"),
        "1 2"
    );
    EXPECT_FALSE(bitmap_values("", false).ok());
    EXPECT_FALSE(bitmap_values("abcdefgh", false).ok());
    const std::string bytes = *base64_decoded("OjAAAAEAAAAAAAEAEAAAAG8A3gA=");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(bitmap_values(bytes.substr(0, size), false).ok()) << size;
    }
    EXPECT_EQ(
        bitmap_values(*base64_decoded("AQAAAAAAAADoAAAAOjAAAAEAAACl1AAAEAAAAAEQ"), true)
            .value()
            .size(),
        1U
    );
}

TEST(ShapeQuery, FindsPoints) {
    DslWorld world = porridge();
    EXPECT_EQ(
        world.find(R"({"geo_shape":{"place":{"shape":{"type":"envelope",
        "coordinates":[[51,5],[53,3]]}}}})"),
        "4"
    );
}

TEST(Suggest, CompletesAndCorrects) {
    DslWorld world = porridge();
    const auto suggest = [&world](const std::string& json) {
        const QueryContext& context = world.context();
        const auto out =
            suggest_json(Json::parse(json).value(), {{&context, &world.snapshot()}}, false);
        return out.ok() ? out.value() : Json(out.error().message);
    };
    const Json words = suggest(R"({"s":{"text":"outsidr","term":{"field":"text"}}})");
    EXPECT_EQ(
        words.at_path("s")->items()[0].find("options")->items()[0].find("text")->text(),
        "outside"
    );
    const Json ends = suggest(R"({"s":{"prefix":"ho","completion":{"field":"ends"}}})");
    const auto& options = ends.at_path("s")->items()[0].find("options")->items();
    ASSERT_EQ(options.size(), 2U);
    EXPECT_EQ(options[0].find("text")->text(), "Hostel");
    EXPECT_EQ(options[0].find("_score")->text(), "7.0");
    const Json phrase = suggest(R"({"text":"cold outsidr","s":{"phrase":{"field":"text"}}})");
    EXPECT_EQ(
        phrase.at_path("s")->items()[0].find("options")->items()[0].find("text")->text(),
        "cold outside"
    );
}

}  // namespace
}  // namespace kumo::api_elastic
