#include "search/schema/document_operations.h"

#include <gtest/gtest.h>

namespace kumo::search {
namespace {

std::string resolve(const std::string& document, const std::string& before) {
    const auto parsed = wire::JsonDocument::parse(document);
    const auto old = wire::JsonDocument::parse(before);
    const auto resolved = resolve_operations(
        parsed.value().root(),
        old.ok() ? old.value().root() : wire::JsonValue()
    );
    return resolved.ok() ? resolved.value() : resolved.error().message;
}

TEST(DocumentOperations, Increment) {
    const std::string document =
        R"({"id":"1","q":"x","$operations":{"increment":{"n":2,"f":0.5,"new":-1}},"n":7})";
    EXPECT_EQ(
        resolve(document, R"({"n":40,"f":1,"q":"old"})"),
        R"({"id":"1","q":"x","n":42,"f":1.5,"new":-1})"
    );
    EXPECT_EQ(resolve(document, ""), R"({"id":"1","q":"x","n":2,"f":0.5,"new":-1})");
    EXPECT_EQ(resolve(R"({"$operations":{"increment":{"n":1}}})", R"({"n":null})"), R"({"n":1})");
}

TEST(DocumentOperations, RefuseWhatIsNone) {
    const std::string wrong = "The `$operations` of a document must be an object with `increment`.";
    for (const char* operations :
         {"1",
          "{}",
          "[]",
          R"({"increment":1})",
          R"({"decrement":{}})",
          R"({"increment":{},"other":{}})"}) {
        EXPECT_EQ(resolve(R"({"$operations":)" + std::string(operations) + "}", "{}"), wrong);
    }
    const std::string numbers = "Field `n` can only be incremented from a number by a number.";
    EXPECT_EQ(resolve(R"({"$operations":{"increment":{"n":"1"}}})", "{}"), numbers);
    EXPECT_EQ(resolve(R"({"$operations":{"increment":{"n":1}}})", R"({"n":"1"})"), numbers);
    EXPECT_EQ(
        resolve(R"({"$operations":{"increment":{"n":1}}})", R"({"n":9223372036854775807})"),
        "Field `n` cannot be incremented so far."
    );
}

}  // namespace
}  // namespace kumo::search
