#include "search/schema/document.h"

#include "search/column/codes.h"

#include <gtest/gtest.h>

namespace kumo::search {
namespace {

Schema schema() {
    Schema schema;
    schema.fields.push_back({.name = "title"});
    schema.fields.push_back({.name = "count", .type = ValueType::kInt32, .sort = true});
    schema.fields.push_back({.name = "price", .type = ValueType::kFloat, .optional = true});
    schema.fields.push_back({.name = "flag", .type = ValueType::kBool, .optional = true});
    schema.fields.push_back({.name = "tags", .array = true, .optional = true});
    schema.default_sorting_field = "count";
    return schema;
}

/// The stored form, or the error's message.
std::string typed(const std::string& json, DirtyValues dirty = DirtyValues::kReject) {
    const auto document = wire::JsonDocument::parse(json).value();
    auto result = type_document(schema(), document.root(), "7", dirty);
    return result.ok() ? result.value().source : result.error().message;
}

TEST(TypeDocument, KeepsUnknownFieldsAndSetsTheId) {
    EXPECT_EQ(
        typed(R"({"id":"x", "title":"a", "count":1, "more":{"x":[1, 2.5]}})"),
        R"({"id":"7","title":"a","count":1,"more":{"x":[1,2.5]}})"
    );
    EXPECT_EQ(typed(R"({"title":"a","count":1})"), R"({"title":"a","count":1,"id":"7"})");
}

/// The same with a geopoint `at`, a geopoint[] `all` and a geopolygon `area`, all optional.
std::string placed(const std::string& json, DirtyValues dirty = DirtyValues::kReject) {
    Schema schema;
    schema.fields.push_back({.name = "at", .type = ValueType::kGeoPoint, .optional = true});
    schema.fields.push_back(
        {.name = "all", .type = ValueType::kGeoPoint, .array = true, .optional = true}
    );
    schema.fields.push_back({.name = "area", .type = ValueType::kGeoPolygon, .optional = true});
    const auto document = wire::JsonDocument::parse(json).value();
    auto result = type_document(schema, document.root(), "7", dirty);
    return result.ok() ? result.value().source : result.error().message;
}

TEST(TypeDocument, KeepsPointsAsTheyWereSent) {
    const std::string good =
        R"({"at":[48.8534000001,2],"all":[[1,2],[3.5,-180]],"area":[0,0,0,1,1,1.5],"id":"7"})";
    EXPECT_EQ(placed(good), good);
}

TEST(TypeDocument, NamesWhatIsWrongWithPoints) {
    for (const char* point : {R"("foobar")", "[1]", "[1,2,3]", "5"}) {
        EXPECT_EQ(
            placed(R"({"at":)" + std::string(point) + "}"),
            "Field `at` must be a 2 element array: [lat, lng]."
        );
    }
    EXPECT_EQ(placed(R"({"at":["48.91","2.33"]})"), "Field `at` must be a geopoint.");
    EXPECT_EQ(placed(R"({"all":[["a",2]]})"), "Field `all` must be an array of geopoint.");
    EXPECT_EQ(placed(R"({"all":"foobar"})"), "Field `all` must be an array of geopoint.");
    EXPECT_EQ(
        placed(R"({"all":[1,2]})"),
        "Field `all` must contain 2 element arrays: [ [lat, lng],... ]."
    );
    const std::string range =
        "must have a latitude between -90 and 90 and a longitude between -180 and 180.";
    EXPECT_EQ(placed(R"({"at":[90.5,0]})"), "Field `at` " + range);
    EXPECT_EQ(placed(R"({"at":[0,-181]})"), "Field `at` " + range);
    EXPECT_EQ(placed(R"({"area":[0,0,0,1,1]})"), "Field `area` must be a geopolygon.");
    EXPECT_EQ(placed(R"({"area":[0,0,0,1,91,1]})"), "Field `area` " + range);
    EXPECT_EQ(
        placed(R"({"area":[0,0,1,1,1,0,0,1]})"),
        "Field `area`: Polygon is invalid: edge 0 crosses edge 2."
    );
}

TEST(TypeDocument, CoercesAndDropsPoints) {
    EXPECT_EQ(
        placed(R"({"at":["48.91",2]})", DirtyValues::kCoerceOrReject),
        R"({"at":[48.91,2.0],"id":"7"})"
    );
    EXPECT_EQ(
        placed(R"({"at":["48.91","x"]})", DirtyValues::kCoerceOrReject),
        "Field `at` must be a geopoint."
    );
    EXPECT_EQ(
        placed(R"({"at":["x",1],"all":[[1,2],["x",1]],"area":[0]})", DirtyValues::kCoerceOrDrop),
        R"({"all":[[1.0,2.0]],"id":"7"})"
    );
}

TEST(TypeDocument, NamesWhatIsWrong) {
    EXPECT_EQ(
        typed(R"({"count":1})"),
        "Field `title` has been declared in the schema, but is not found in the document."
    );
    EXPECT_EQ(typed(R"({"title":1,"count":1})"), "Field `title` must be a string.");
    EXPECT_EQ(typed(R"({"title":"a","count":"1"})"), "Field `count` must be an int32.");
    EXPECT_EQ(typed(R"({"title":"a","count":1.5})"), "Field `count` must be an int32.");
    EXPECT_EQ(
        typed(R"({"title":"a","count":2147483648})"),
        "Field `count` exceeds maximum value of int32."
    );
    EXPECT_EQ(
        typed(R"({"title":"a","count":18446744073709551615})"),
        "Field `count` exceeds maximum value of int32."
    );
    EXPECT_EQ(typed(R"({"title":"a","count":1,"price":"x"})"), "Field `price` must be a float.");
    EXPECT_EQ(typed(R"({"title":"a","count":1,"flag":"x"})"), "Field `flag` must be a bool.");
    EXPECT_EQ(
        typed(R"({"title":"a","count":1,"tags":"x"})"),
        "Field `tags` must be an array of string."
    );
    EXPECT_EQ(
        typed(R"({"title":"a","count":1,"tags":["x",1]})"),
        "Field `tags` must be an array of string."
    );
}

TEST(TypeDocument, CoercesWhereAsked) {
    EXPECT_EQ(
        typed(
            R"({"title":12,"count":"3","price":"2.5","flag":"true","tags":"one"})",
            DirtyValues::kCoerceOrReject
        ),
        R"({"title":"12","count":3,"price":2.5,"flag":true,"tags":["one"],"id":"7"})"
    );
    EXPECT_EQ(
        typed(R"({"title":"a","count":"many"})", DirtyValues::kCoerceOrReject),
        "Field `count` must be an int32."
    );
}

TEST(TypeDocument, DropsWhereAsked) {
    EXPECT_EQ(
        typed(R"({"title":"a","count":1,"price":"x"})", DirtyValues::kCoerceOrDrop),
        R"({"title":"a","count":1,"id":"7"})"
    );
    EXPECT_EQ(
        typed(R"({"title":"a","count":1,"tags":["x",1,"y"]})", DirtyValues::kDrop),
        R"({"title":"a","count":1,"tags":["x","y"],"id":"7"})"
    );
}

TEST(TypeDocument, NullRemovesAnOptionalField) {
    EXPECT_EQ(
        typed(R"({"title":"a","count":1,"price":null})"),
        R"({"title":"a","count":1,"id":"7"})"
    );
    EXPECT_EQ(typed(R"({"title":null,"count":1})"), "Field `title` must be a string.");
}

TEST(TypeDocument, IntegersAreFloatsToo) {
    const auto document =
        wire::JsonDocument::parse(R"({"title":"a","count":-5,"price":3})").value();
    const auto typed = type_document(schema(), document.root(), "1", DirtyValues::kReject).value();
    EXPECT_EQ(double_of_code(typed.fields[2].codes[0]), 3.0);
    EXPECT_EQ(typed.rank, -5.0F);
}

}  // namespace
}  // namespace kumo::search
