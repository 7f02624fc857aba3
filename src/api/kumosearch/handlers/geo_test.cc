#include "api/kumosearch/internal/api_world_test.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::api_kumosearch {
namespace {

/// Places of Paris with a point; two have more, one has none.
class Geo : public testing::Test {
protected:
    void SetUp() override {
        const Answer made = world.post("/collections", R"({"name": "places", "fields": [
            {"name": "title", "type": "string", "sort": true},
            {"name": "kind", "type": "string", "facet": true},
            {"name": "at", "type": "geopoint", "optional": true},
            {"name": "doors", "type": "geopoint[]", "optional": true},
            {"name": "area", "type": "geopolygon", "optional": true}]})");
        ASSERT_EQ(made.status, 201) << made.body;
        EXPECT_NE(
            made.body.find(R"("sort":true,"stem":false,"stem_dictionary":"","store":true,)"
                           R"("type":"geopoint[]")"),
            std::string::npos
        );
        EXPECT_NE(
            made.body.find(R"("sort":false,"stem":false,"stem_dictionary":"","store":true,)"
                           R"("type":"geopolygon")"),
            std::string::npos
        );
        const Answer imported = world.post(
            "/collections/places/documents/import",
            R"({"id": "garnier", "title": "Palais Garnier", "kind": "opera", "at": [48.872576479306765, 2.332291112241466]}
{"id": "coeur", "title": "Sacre Coeur", "kind": "church", "at": [48.888286721920934, 2.342340862419206]}
{"id": "arc", "title": "Arc de Triomphe", "kind": "arch", "at": [48.87538726829884, 2.296113163780903]}
{"id": "louvre", "title": "Louvre", "kind": "museum", "at": [48.86065813197502, 2.3381285349616725], "doors": [[48.8606, 2.3376], [48.8634, 2.3274]], "area": [48.8586, 2.3410, 48.8611, 2.3300, 48.8630, 2.3316, 48.8606, 2.3415]}
{"id": "eiffel", "title": "Eiffel Tower", "kind": "tower", "at": [48.85821022164442, 2.294239067890161], "doors": [[48.8583, 2.2945]]}
{"id": "dame", "title": "Notre-Dame", "kind": "church", "at": [48.852455825574495, 2.35071182406452]}
{"id": "nowhere", "title": "Utopia", "kind": "church"})"
        );
        ASSERT_EQ(imported.body.find("false"), std::string::npos) << imported.body;
    }

    Answer search(const std::string& more) {
        return world.get("/collections/places/documents/search?q=*&" + more);
    }

    /// The ids of the hits, in order, each with its distance if it has one; or the error.
    std::string hits(const std::string& more) {
        const Answer answer = search(more);
        if (answer.status != 200) {
            return std::to_string(answer.status) + " " + message(answer);
        }
        const auto parsed = wire::JsonDocument::parse(answer.body).value();
        std::string out;
        const auto show = [&](wire::JsonValue list) {
            for (const wire::JsonValue hit : list.as_array()) {
                out += out.empty() ? "" : " ";
                out += hit.find("document").find("id").as_string();
                if (const wire::JsonValue meters = hit.find("geo_distance_meters")) {
                    out += std::string(meters.raw());
                }
            }
        };
        if (const wire::JsonValue groups = parsed.root().find("grouped_hits")) {
            for (const wire::JsonValue group : groups.as_array()) {
                show(group.find("hits"));
                out += "|";
            }
        } else {
            show(parsed.root().find("hits"));
        }
        return out;
    }

    ApiWorld world;
};

TEST_F(Geo, FiltersByRadius) {
    EXPECT_EQ(hits("filter_by=at:(48.90615915923891,2.3435897727061175,3%20km)"), "coeur");
    EXPECT_EQ(hits("filter_by=at:(48.90615915923891,2.3435897727061175,1%20mi)"), "");
    EXPECT_EQ(hits("filter_by=at:([48.90616,2.34359],%20radius:%203km)"), "coeur");
    EXPECT_EQ(
        hits("filter_by=at:[([48.8524,2.3507],radius:1%20km),([48.8583,2.2945],radius:100mi)]"),
        "dame eiffel louvre arc coeur garnier"
    );
    EXPECT_EQ(hits("filter_by=at:!=(48.8583,2.2945,2%20km)"), "nowhere dame louvre coeur garnier");
    EXPECT_EQ(hits("filter_by=doors:(48.8634,2.3274,0.1%20km)"), "louvre");
    EXPECT_EQ(hits("filter_by=at:(48.8583,2.2945,20%20km)%20%26%26%20kind:church"), "dame coeur");
}

TEST_F(Geo, FiltersByPolygon) {
    EXPECT_EQ(
        hits("filter_by=at:(48.875,2.3223,48.8555,2.3384,48.8512,2.2826,48.8761,2.2868)"),
        "eiffel arc"
    );
    EXPECT_EQ(
        hits("filter_by=at:(0,0,10,10,10,0,0,10)"),
        "400 Value of filter field `at`: Polygon is invalid: edge 0 crosses edge 2."
    );
    EXPECT_EQ(
        hits("filter_by=at:(48.8,2.3)"),
        "400 Value of filter field `at`: Polygon is invalid: it has less than 3 different vertices."
    );
}

TEST_F(Geo, FindsThePolygonsAroundAPoint) {
    EXPECT_EQ(hits("filter_by=area:(48.8610,2.3358)"), "louvre");
    EXPECT_EQ(hits("filter_by=area:[(0,0),(48.8610,2.3358)]"), "louvre");
    EXPECT_EQ(hits("filter_by=area:(48.8583,2.2945)"), "");
}

TEST_F(Geo, SortsByDistance) {
    EXPECT_EQ(
        hits("sort_by=at(48.853,2.344):asc&filter_by=at:(48.853,2.344,5%20km)"),
        R"(dame{"at":494} louvre{"at":953} garnier{"at":2339} eiffel{"at":3686} )"
        R"(coeur{"at":3925} arc{"at":4297})"
    );
    EXPECT_EQ(hits("sort_by=at(48.853,2.344):desc&per_page=1"), R"(arc{"at":4297})");
    EXPECT_EQ(
        hits("sort_by=at(48.853,2.344,exclude_radius:2%20km):asc,title:asc&per_page=3"),
        R"(louvre{"at":0} dame{"at":0} garnier{"at":2339})"
    );
    EXPECT_EQ(
        hits("sort_by=at(48.853,2.344,precision:2%20km):asc,title:asc"),
        R"(louvre{"at":2000} dame{"at":2000} eiffel{"at":4000} garnier{"at":4000} )"
        R"(coeur{"at":4000} arc{"at":6000} nowhere)"
    );
    EXPECT_EQ(hits("sort_by=at(48.853,2.344):desc&page=7&per_page=1"), "nowhere");
    EXPECT_EQ(
        hits("sort_by=doors(48.8634,2.3275):asc&per_page=2"),
        R"(louvre{"doors":7} eiffel{"doors":2479})"
    );
}

TEST_F(Geo, GroupsAndUnionsHaveDistances) {
    EXPECT_EQ(
        hits("sort_by=at(48.853,2.344):asc&group_by=kind&group_limit=1&per_page=2"),
        R"(dame{"at":494}| louvre{"at":953}|)"
    );
    const Answer both = world.post(
        "/multi_search",
        R"({"union": true, "searches": [
        {"collection": "places", "q": "*", "filter_by": "kind:church", "sort_by": "at(48.853,2.344):asc"},
        {"collection": "places", "q": "*", "filter_by": "kind:tower", "sort_by": "at(48.853,2.344):asc"}]})"
    );
    ASSERT_EQ(both.status, 200) << both.body;
    EXPECT_NE(both.body.find(R"("geo_distance_meters":{"at":3686})"), std::string::npos);
    EXPECT_LT(both.body.find("\"at\":494}"), both.body.find("\"at\":3686}"));
    EXPECT_LT(both.body.find("\"at\":3686}"), both.body.find("\"at\":3925}"));
}

TEST_F(Geo, RefusesFacetsAndSortingByPolygons) {
    EXPECT_EQ(hits("facet_by=at"), "404 Could not find a facet field named `at` in the schema.");
    const auto create = [&](const std::string& field) {
        return message(world.post("/collections", R"({"name":"x","fields":[)" + field + "]}"));
    };
    EXPECT_EQ(
        create(R"({"name":"at","type":"geopoint","facet":true})"),
        "Field `at` cannot be a facet: it is a geopoint."
    );
    EXPECT_EQ(
        create(R"({"name":"area","type":"geopolygon","sort":true})"),
        "Field `area` cannot be sorted by."
    );
    EXPECT_EQ(
        create(R"({"name":"area","type":"geopolygon[]"})"),
        "Field `area`: the data type `geopolygon[]` is not supported yet."
    );
}

TEST_F(Geo, UpdatesAndDeletesMovePoints) {
    const Answer moved =
        world.patch("/collections/places/documents/eiffel", R"({"at": [36.1125, -115.1726]})");
    ASSERT_EQ(moved.status, 200) << moved.body;
    EXPECT_EQ(hits("filter_by=at:(36.11,-115.17,10%20km)"), "eiffel");
    const Answer gone =
        world.remove("/collections/places/documents?filter_by=at:(48.853,2.344,100%20km)");
    EXPECT_EQ(gone.body, R"({"num_deleted":5})");
    EXPECT_EQ(hits("filter_by=at:(48.853,2.344,100%20km)"), "");
    const Answer bad = world.post(
        "/collections/places/documents",
        R"({"title": "x", "kind": "x", "at": [100, 0]})"
    );
    EXPECT_EQ(bad.status, 400);
}

TEST_F(Geo, SealedSegmentsAnswerTheSame) {
    const std::string near =
        hits("sort_by=at(48.853,2.344):asc&filter_by=at:(48.853,2.344,4%20km)");
    ASSERT_EQ(world.post("/operations/snapshot", "").status, 201);
    EXPECT_EQ(hits("sort_by=at(48.853,2.344):asc&filter_by=at:(48.853,2.344,4%20km)"), near);
    EXPECT_EQ(hits("filter_by=area:(48.8610,2.3358)"), "louvre");
}

}  // namespace
}  // namespace kumo::api_kumosearch
