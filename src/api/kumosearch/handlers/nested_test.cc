#include "api/kumosearch/internal/api_world_test.h"

namespace kumo::api_kumosearch {
namespace {

std::string fields_of(ApiWorld& world) {
    const Answer got = world.get("/collections/docs");
    const auto parsed = wire::JsonDocument::parse(got.body);
    std::string out;
    for (const wire::JsonValue field : parsed.value().root().find("fields").as_array()) {
        out += out.empty() ? "" : " ";
        out += field.find("name").as_string();
        out += ":";
        out += field.find("type").as_string();
    }
    return out;
}

std::string make(ApiWorld& world, const std::string& fields) {
    const Answer made = world.post(
        "/collections",
        R"({"name":"docs","enable_nested_fields":true,"fields":)" + fields + "}"
    );
    return made.status == 201 ? "" : message(made);
}

std::string write(ApiWorld& world, const std::string& document) {
    const Answer written = world.post("/collections/docs/documents", document);
    return written.status == 201 ? "" : message(written);
}

Answer search(ApiWorld& world, const std::string& query) {
    return world.get("/collections/docs/documents/search?" + query);
}

std::string found(ApiWorld& world, const std::string& query) {
    const Answer got = search(world, query);
    return got.status == 200 ? member(got.body, "found") : message(got);
}

constexpr auto kShops = R"([{"name":"name","type":"string"},{"name":"person","type":"object"},
    {"name":"shops","type":"object[]","optional":true,"facet":true}])";

constexpr auto kAnn = R"({"id":"1","name":"a","person":{"first":"Ann","age":30,"home":
    {"city":"Berlin"}},"shops":[{"city":"Paris","size":3,"tags":["red","blue"]},
    {"city":"Rome","size":9,"open":true}]})";

constexpr auto kBob = R"({"id":"2","name":"b","person":{"first":"Bob","age":40,"home":
    {"city":"Bonn"}},"shops":[{"city":"Paris","size":9},{"city":"Rome","size":3}]})";

class Nested : public testing::Test {
public:
    void SetUp() override {
        ASSERT_EQ(make(world, kShops), "");
        ASSERT_EQ(write(world, kAnn), "");
        ASSERT_EQ(write(world, kBob), "");
    }

    ApiWorld world;
};

TEST_F(Nested, ObjectsHaveAFieldForEachValue) {
    EXPECT_EQ(
        fields_of(world),
        "name:string person:object shops:object[] person.first:string person.age:int64 "
        "person.home.city:string shops.city:string[] shops.size:int64[] shops.tags:string[] "
        "shops.open:bool[]"
    );
    EXPECT_EQ(found(world, "q=ann&query_by=person.first"), "1");
    EXPECT_EQ(found(world, "q=berlin&query_by=person"), "1");
    EXPECT_EQ(found(world, "q=*&filter_by=person.age:>35"), "1");
    EXPECT_EQ(found(world, "q=*&filter_by=shops.city:=Rome%26%26shops.size:9"), "2");
    EXPECT_EQ(found(world, "q=blue&query_by=shops.tags"), "1");
    const Answer sorted = search(world, "q=*&sort_by=person.age:desc");
    EXPECT_LT(sorted.body.find("Bob"), sorted.body.find("Ann"));
    const Answer facets = search(world, "q=*&facet_by=shops.city");
    EXPECT_NE(
        facets.body.find(R"("count":2,"highlighted":"Paris","value":"Paris")"),
        std::string::npos
    ) << facets.body;
    EXPECT_EQ(
        found(world, "q=*&filter_by=person:1"),
        "Cannot filter on non-indexed field `person`."
    );
}

TEST_F(Nested, OneObjectHasToPassAll) {
    EXPECT_EQ(found(world, "q=*&filter_by=shops.{city:=Rome%26%26size:9}"), "1");
    EXPECT_EQ(found(world, "q=*&filter_by=shops.{city:=Paris%26%26size:>=9}"), "1");
    EXPECT_EQ(found(world, "q=*&filter_by=shops.{city:=Paris%26%26size:[1..2]}"), "0");
    EXPECT_EQ(found(world, "q=*&filter_by=shops.{city:!=Paris%26%26size:9}"), "1");
    EXPECT_EQ(found(world, "q=*&filter_by=shops.{city:P*||open:true}%26%26person.first:Bob"), "1");
    EXPECT_EQ(found(world, "q=*&filter_by=shops.{tags:=red%26%26size:3}"), "1");
    EXPECT_EQ(found(world, "q=*&filter_by=person.{age:30%26%26home.city:Berlin}"), "1");
    EXPECT_EQ(found(world, "q=*&filter_by=(shops.{city:Rome} || name:a) %26%26 name:`a`"), "1");
    EXPECT_EQ(
        found(world, "q=*&filter_by=shops.{town:Rome}"),
        "Could not find a filter field named `shops.town` in the schema."
    );
    EXPECT_EQ(
        found(world, "q=*&filter_by=shops.{city:Rome"),
        "Could not parse the filter query: unbalanced braces."
    );
    EXPECT_EQ(
        found(world, "q=*&filter_by=shops.{}"),
        "Could not parse the filter query: an operand is missing."
    );
}

TEST_F(Nested, PartsOfDocumentsAreShown) {
    const auto document = [&](const std::string& query) {
        return world.get("/collections/docs/documents/1?" + query).body;
    };
    EXPECT_EQ(
        document("include_fields=person.first,shops.size"),
        R"({"person":{"first":"Ann"},"shops":[{"size":3},{"size":9}]})"
    );
    EXPECT_EQ(
        document("exclude_fields=person.home,shops,name"),
        R"({"id":"1","person":{"first":"Ann","age":30}})"
    );
}

TEST_F(Nested, HighlightsHaveTheShapeOfTheDocument) {
    const Answer got = search(world, "q=rome&query_by=shops.city&filter_by=id:1");
    const auto parsed = wire::JsonDocument::parse(got.body);
    const wire::JsonValue hit = *parsed.value().root().find("hits").as_array().begin();
    EXPECT_EQ(
        hit.find("highlight").raw(),
        R"({"shops":[{"city":{"matched_tokens":[],"snippet":"Paris"}},)"
        R"({"city":{"matched_tokens":["Rome"],"snippet":"<mark>Rome</mark>"}}]})"
    );
    EXPECT_EQ(hit.find("highlights").raw(), "[]");
    const Answer deep = search(world, "q=berlin&query_by=person");
    EXPECT_NE(
        deep.body.find(R"("highlight":{"person":{"home":{"city":{"matched_tokens":["Berlin"])"),
        std::string::npos
    ) << deep.body;
}

TEST_F(Nested, UpdatesAreMerged) {
    EXPECT_EQ(
        world
            .patch(
                "/collections/docs/documents/1",
                R"({"person":{"age":31,"home":null},"shops":[{"city":"Oslo"}]})"
            )
            .status,
        200
    );
    EXPECT_EQ(
        world.get("/collections/docs/documents/1").body,
        R"({"id":"1","name":"a","person":{"first":"Ann","age":31},"shops":[{"city":"Oslo"}]})"
    );
    EXPECT_EQ(found(world, "q=berlin&query_by=person"), "0");
    EXPECT_EQ(found(world, "q=*&filter_by=person.age:31%26%26shops.city:Oslo"), "1");
}

TEST_F(Nested, WrongValuesAreNamed) {
    EXPECT_EQ(
        write(world, R"({"id":"3","name":"c","person":1})"),
        "Field `person` must be an object."
    );
    EXPECT_EQ(
        write(world, R"({"id":"3","name":"c"})"),
        "Field `person` has been declared in the schema, but is not found in the document."
    );
    EXPECT_EQ(
        write(world, R"({"id":"3","name":"c","person":{"age":"x"}})"),
        "Field `person.age` must be an int64."
    );
    EXPECT_EQ(
        write(world, R"({"id":"3","name":"c","person":{},"shops":{"city":"x"}})"),
        "Field `shops` must be an array of objects."
    );
    EXPECT_EQ(write(world, R"({"id":"3","name":"c","person":{},"shops":[]})"), "");
}

TEST(NestedFields, AreDeclaredByTheirPath) {
    ApiWorld world;
    ASSERT_EQ(
        make(world, R"([{"name":"a.b","type":"int32"},{"name":"l.c","type":"string[]"},
        {"name":"l.d","type":"string","optional":true}])"),
        ""
    );
    EXPECT_EQ(write(world, R"({"id":"1","a":{"b":1},"l":[{"c":"x"},{"c":["y","z"]}]})"), "");
    EXPECT_EQ(
        write(world, R"({"id":"2","a":{},"l":[{"c":"x"}]})"),
        "Field `a.b` has been declared in the schema, but is not found in the document."
    );
    EXPECT_EQ(
        write(world, R"({"id":"2","a":{"b":1},"l":[{"c":"x","d":"y"}]})"),
        "Field `l.d` has an incorrect type. Hint: field inside an array of objects must be an "
        "array type as well."
    );
    EXPECT_EQ(found(world, "q=z&query_by=l.c&filter_by=a.b:1"), "1");
    EXPECT_EQ(fields_of(world), "a.b:int32 l.c:string[] l.d:string");
    // Fields that are added later take what is there.
    EXPECT_EQ(
        world
            .patch(
                "/collections/docs",
                R"({"fields":[{"name":"a","type":"object"},{"name":"l","type":"object[]"}]})"
            )
            .status,
        200
    );
    EXPECT_EQ(found(world, "q=*&filter_by=l.{c:y}"), "1");
    EXPECT_EQ(
        world.patch("/collections/docs", R"({"fields":[{"name":"l","drop":true}]})").status,
        200
    );
}

TEST(NestedFields, AreFoundByPatternsToo) {
    ApiWorld world;
    ASSERT_EQ(make(world, R"([{"name":".*","type":"auto"}])"), "");
    ASSERT_EQ(write(world, kAnn), "");
    EXPECT_EQ(
        fields_of(world),
        ".*:auto name:string person:object person.first:string person.age:int64 "
        "person.home.city:string shops:object[] shops.city:string[] shops.size:int64[] "
        "shops.tags:string[] shops.open:bool[]"
    );
    EXPECT_EQ(
        found(world, "q=berlin&query_by=person&filter_by=shops.{city:Rome%26%26size:9}"),
        "1"
    );
    ApiWorld other;
    ASSERT_EQ(make(other, R"([{"name":"shops\\.ci.*","type":"string[]","facet":true}])"), "");
    ASSERT_EQ(write(other, kAnn), "");
    EXPECT_EQ(fields_of(other), "shops\\.ci.*:string[] shops.city:string[]");
    EXPECT_EQ(
        message(
            other.post("/collections", R"({"name":"x","fields":[{"name":"a","type":"object"}]})")
        ),
        "Type `object` or `object[]` can be used only when nested fields are enabled by "
        "setting `enable_nested_fields` to true."
    );
}

TEST(FacetParents, AreObjectsThatHaveTheValue) {
    ApiWorld world;
    ASSERT_EQ(
        world
            .post("/collections", R"({"name": "cars", "enable_nested_fields": true, "fields": [
            {"name": "colors", "type": "object[]"},
            {"name": "colors.name", "type": "string[]", "facet": true},
            {"name": "size", "type": "object"},
            {"name": "size.width", "type": "int32", "facet": true}]})")
            .status,
        201
    );
    world.post(
        "/collections/cars/documents/import",
        R"({"id": "1", "colors": [{"name": "red", "r": 255}, {"name": "blue", "b": 255}], "size": {"width": 30, "unit": "cm"}}
{"id": "2", "colors": [{"name": "red", "r": 255}], "size": {"width": 25, "unit": "cm"}})"
    );
    const auto facets = [&](const std::string& more) {
        return member(
            world
                .get(
                    "/collections/cars/documents/search?q=*&facet_by=colors.name,size.width" + more
                )
                .body,
            "facet_counts"
        );
    };
    EXPECT_EQ(facets("").find("parent"), std::string::npos);
    const std::string one = facets("&facet_return_parent=colors.name");
    EXPECT_NE(one.find(R"("parent":{"name":"red","r":255},"value":"red")"), std::string::npos)
        << one;
    EXPECT_NE(one.find(R"("parent":{"name":"blue","b":255})"), std::string::npos) << one;
    EXPECT_EQ(one.find("cm"), std::string::npos) << one;
    const std::string all = facets("&facet_return_parent=*");
    EXPECT_NE(all.find(R"("parent":{"width":25,"unit":"cm"})"), std::string::npos) << all;
}

}  // namespace
}  // namespace kumo::api_kumosearch
