#include "api/kumosearch/internal/api_world_test.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::api_kumosearch {
namespace {

/// Colors, whose vectors are what they are made of; one has none.
class Vectors : public testing::Test {
protected:
    void SetUp() override {
        const Answer made = world.post("/collections", R"({"name": "colors", "fields": [
            {"name": "name", "type": "string", "sort": true},
            {"name": "kind", "type": "string", "facet": true},
            {"name": "rgb", "type": "float[]", "num_dim": 3, "optional": true},
            {"name": "raw", "type": "float[]", "num_dim": 2, "optional": true, "vec_dist": "ip",
             "hnsw_params": {"M": 8, "ef_construction": 50}}]})");
        ASSERT_EQ(made.status, 201) << made.body;
        EXPECT_NE(
            made.body.find(R"("hnsw_params":{"M":16,"ef_construction":200})"),
            std::string::npos
        );
        EXPECT_NE(made.body.find(R"("num_dim":3,)"), std::string::npos);
        EXPECT_NE(made.body.find(R"("type":"float[]","vec_dist":"cosine"})"), std::string::npos);
        EXPECT_NE(
            made.body.find(R"("hnsw_params":{"M":8,"ef_construction":50})"),
            std::string::npos
        );
        EXPECT_NE(made.body.find(R"("vec_dist":"ip"})"), std::string::npos);
        const Answer imported = world.post(
            "/collections/colors/documents/import",
            R"({"id": "red", "name": "bright red", "kind": "warm", "rgb": [1, 0, 0], "raw": [1, 1]}
{"id": "orange", "name": "orange", "kind": "warm", "rgb": [1, 0.5, 0], "raw": [2, 2]}
{"id": "green", "name": "bright green", "kind": "cold", "rgb": [0, 1, 0], "raw": [-1, 1]}
{"id": "blue", "name": "bright blue", "kind": "cold", "rgb": [0, 0, 2], "raw": [0, 3]}
{"id": "violet", "name": "violet", "kind": "cold", "rgb": [1, 0, 1]}
{"id": "clear", "name": "clear red", "kind": "none"})"
        );
        ASSERT_EQ(imported.body.find("false"), std::string::npos) << imported.body;
    }

    Answer search(const std::string& more) {
        return world.get("/collections/colors/documents/search?" + more);
    }

    /// The ids of the hits in order, with what is asked for of each; or the error.
    std::string hits(const std::string& more, std::string_view with = "") {
        const Answer answer = search(more);
        if (answer.status != 200) {
            return std::to_string(answer.status) + " " + message(answer);
        }
        const auto parsed = wire::JsonDocument::parse(answer.body).value();
        std::string out = std::string(parsed.root().find("found").raw()) + ":";
        for (const wire::JsonValue hit : parsed.root().find("hits").as_array()) {
            out += " " + std::string(hit.find("document").find("id").as_string());
            wire::JsonValue value = hit.find(with);
            if (with == "rank_fusion_score") {
                value = hit.find("hybrid_search_info");
                value = value ? value.find(with) : value;
            }
            out += value ? "=" + std::string(value.raw()).substr(0, 6) : "";
        }
        return out;
    }

    ApiWorld world;
};

TEST_F(Vectors, TheNearestComeFirst) {
    EXPECT_EQ(
        hits("q=*&vector_query=rgb:([1,0.2,0])", "vector_distance"),
        "5: red=0.0194 orange=0.0352 violet=0.3066 green=0.8038 blue=1.0"
    );
    EXPECT_EQ(hits("q=*&vector_query=rgb:([1,0.2,0],k:2)"), "2: red orange");
    EXPECT_EQ(hits("q=*&vector_query=rgb:([1,0.2,0])&per_page=2&page=2"), "4: violet green");
    EXPECT_EQ(
        hits("q=*&vector_query=rgb:([1,0.2,0],distance_threshold:0.5)"),
        "3: red orange violet"
    );
    EXPECT_EQ(hits("q=*&vector_query=rgb:([1,0.2,0])&filter_by=kind:cold"), "3: violet green blue");
    EXPECT_EQ(
        hits("q=*&vector_query=rgb:([1,0.2,0],k:3)&sort_by=name:asc"),
        "3: red orange violet"
    );
    EXPECT_EQ(
        hits("q=*&vector_query=rgb:([1,0.2,0],k:3)&sort_by=_vector_distance:desc"),
        "3: violet orange red"
    );
    EXPECT_EQ(
        hits("q=*&vector_query=raw:([1,1])", "vector_distance"),
        "4: orange=-3.0 blue=-2.0 red=-1.0 green=1.0"
    );
}

TEST_F(Vectors, ADocumentFindsOthersLikeIt) {
    EXPECT_EQ(hits("q=*&vector_query=rgb:([],id:red,k:2)"), "2: orange violet");
    EXPECT_EQ(
        hits("q=*&vector_query=rgb:([],id:none)"),
        "404 Document with id `none` was not found."
    );
    EXPECT_EQ(
        hits("q=*&vector_query=rgb:([],id:clear)"),
        "404 Document with id `clear` has no vector in field `rgb`."
    );
}

TEST_F(Vectors, WordsAndVectorsAreFused) {
    // By words: blue, green, red, as the newest are first. By the vector: green, orange.
    const std::string bright = "q=bright&query_by=name&vector_query=rgb:([0.2,1,0],k:2)";
    EXPECT_EQ(hits(bright, "rank_fusion_score"), "4: blue=0.7 green=0.6499 red=0.2333 orange=0.15");
    EXPECT_EQ(hits(bright, "vector_distance"), "4: blue green=0.0194 red orange=0.3860");
    EXPECT_EQ(
        hits("q=bright&query_by=name&vector_query=rgb:([0.2,1,0],k:2,alpha:0.9)"),
        "4: green orange blue red"
    );
    EXPECT_EQ(
        hits(bright + "&rerank_hybrid_matches=true", "vector_distance"),
        "4: blue=1.0 green=0.0194 red=0.8038 orange=0.3860"
    );
    EXPECT_EQ(hits(bright + "&sort_by=_vector_distance:asc"), "4: green orange blue red");
    EXPECT_EQ(hits("q=nothing&query_by=name&vector_query=rgb:([0,0,1],k:1)"), "1: blue");
}

TEST_F(Vectors, FacetsGroupsAndUnionsTakeThem) {
    const Answer faceted = search("q=*&vector_query=rgb:([1,0,0],k:3)&facet_by=kind");
    EXPECT_NE(faceted.body.find(R"("count":2,"highlighted":"warm")"), std::string::npos);
    const Answer grouped = search("q=*&vector_query=rgb:([1,0,0],k:4)&group_by=kind&group_limit=1");
    EXPECT_EQ(member(grouped.body, "found"), "2");
    EXPECT_NE(grouped.body.find("\"vector_distance\":0.0"), std::string::npos);
    const Answer both = world.post("/multi_search", R"json({"union": true, "searches": [
        {"collection": "colors", "q": "*", "vector_query": "rgb:([1,0,0], k: 1)"},
        {"collection": "colors", "q": "*", "vector_query": "rgb:([0,0,1], k: 1)"}]})json");
    EXPECT_EQ(member(both.body, "found"), "2") << both.body;
}

TEST_F(Vectors, WrongOnesAreRefused) {
    const auto write = [&](const std::string& rgb) {
        return message(world.post(
            "/collections/colors/documents",
            R"({"name": "x", "kind": "x", "rgb": )" + rgb + "}"
        ));
    };
    EXPECT_EQ(write("[1, 2]"), "Field `rgb` must have 3 dimensions.");
    EXPECT_EQ(write("[1, 2, 3, 4]"), "Field `rgb` must have 3 dimensions.");
    EXPECT_EQ(write("[]"), "Field `rgb` must have 3 dimensions.");
    EXPECT_EQ(write("1"), "Field `rgb` must be an array of float.");
    EXPECT_EQ(write("[1, 2, \"x\"]"), "Field `rgb` must be an array of float.");
    EXPECT_EQ(write("[1, 2, 1e39]"), "Field `rgb` must have values that a 32-bit float can hold.");
    EXPECT_EQ(
        hits("q=*&vector_query=rgb:([1,2])"),
        "400 Query field `rgb` must have 3 dimensions."
    );
    EXPECT_EQ(
        hits("q=*&sort_by=_vector_distance:asc"),
        "400 Sorting by `_vector_distance` needs the parameter `vector_query`."
    );
    EXPECT_EQ(hits("q=*&filter_by=rgb:1"), "400 Cannot filter on vector field `rgb`.");
    const auto create = [&](const std::string& field) {
        const std::string begin = R"({"name":"x","fields":[{"name":"v",)";
        return message(world.post("/collections", begin + field + "}]}"));
    };
    EXPECT_EQ(
        create(R"("type":"float","num_dim":3)"),
        "Property `num_dim` is only allowed on a float array field."
    );
    EXPECT_EQ(
        create(R"("type":"float[]","num_dim":-3)"),
        "Property `num_dim` must be a positive integer."
    );
    EXPECT_EQ(
        create(R"("type":"float[]","num_dim":5000)"),
        "Property `num_dim` must be at most 4096."
    );
    EXPECT_EQ(
        create(R"("type":"float[]","num_dim":3,"vec_dist":"l2")"),
        "Property `vec_dist` must be one of `cosine`, `ip`."
    );
    EXPECT_EQ(
        create(R"("type":"float[]","num_dim":3,"hnsw_params":{"M":1})"),
        "Property `hnsw_params` must have an `M` from 2 to 128 and an `ef_construction` from 1 to "
        "2000."
    );
    EXPECT_EQ(
        create(R"("type":"float[]","num_dim":3,"facet":true)"),
        "Field `v` cannot be a facet: it is a vector."
    );
}

TEST_F(Vectors, AreChangedAndRemoved) {
    ASSERT_EQ(
        world.patch("/collections/colors/documents/red", R"({"rgb": [0, 0, 1]})").status,
        200
    );
    EXPECT_EQ(hits("q=*&vector_query=rgb:([1,0.2,0],k:1)"), "1: orange");
    ASSERT_EQ(world.remove("/collections/colors/documents/orange").status, 200);
    EXPECT_EQ(hits("q=*&vector_query=rgb:([1,0.2,0],k:1)"), "1: violet");
    ASSERT_EQ(world.patch("/collections/colors/documents/violet", R"({"rgb": null})").status, 200);
    EXPECT_EQ(hits("q=*&vector_query=rgb:([1,0.2,0])"), "3: green blue red");
}

TEST_F(Vectors, SealedSegmentsAnswerTheSame) {
    const std::string near = hits("q=*&vector_query=rgb:([1,0.2,0])", "vector_distance");
    ASSERT_EQ(world.post("/operations/snapshot", "").status, 201);
    EXPECT_EQ(hits("q=*&vector_query=rgb:([1,0.2,0])", "vector_distance"), near);
    EXPECT_EQ(hits("q=*&vector_query=rgb:([],id:red,k:2)"), "2: orange violet");
}

}  // namespace
}  // namespace kumo::api_kumosearch
