#include "api/kumosearch/query/field_selection.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

constexpr ByteView kDocument =
    R"({"id":"1","name":"x","price": 1.50 ,"maker":{"name":"m","place":{"city":"c"}}})";

std::string shown(std::vector<std::string> include, std::vector<std::string> exclude) {
    std::string out;
    const Status status =
        FieldSelection(std::move(include), std::move(exclude)).append(kDocument, out);
    return status.ok() ? out : "error";
}

TEST(FieldSelection, ShowsAllByDefaultByteForByte) {
    EXPECT_EQ(shown({}, {}), kDocument);
}

TEST(FieldSelection, IncludesAndExcludes) {
    EXPECT_EQ(shown({"name", "price"}, {}), R"({"name":"x","price":1.50})");
    EXPECT_EQ(shown({}, {"maker", "id"}), R"({"name":"x","price":1.50})");
    EXPECT_EQ(shown({"name", "price"}, {"price"}), R"({"name":"x"})");
    EXPECT_EQ(shown({"nothing"}, {}), "{}");
}

TEST(FieldSelection, ReachesIntoObjects) {
    EXPECT_EQ(shown({"maker.name"}, {}), R"({"maker":{"name":"m"}})");
    EXPECT_EQ(shown({"maker"}, {"maker.place.city"}), R"({"maker":{"name":"m","place":{}}})");
    EXPECT_EQ(shown({"maker.place"}, {}), R"({"maker":{"place":{"city":"c"}}})");
}

TEST(FieldSelection, TakesPrefixes) {
    EXPECT_EQ(shown({"p*", "n*"}, {}), R"({"name":"x","price":1.50})");
    EXPECT_EQ(shown({}, {"maker.p*", "p*"}), R"({"id":"1","name":"x","maker":{"name":"m"}})");
}

TEST(FieldSelection, ReportsADocumentThatIsNoObject) {
    std::string out;
    EXPECT_EQ(FieldSelection({"a"}, {}).append("[1]", out).error().code, ErrorCode::kCorruption);
}

}  // namespace
}  // namespace kumo::api_kumosearch
