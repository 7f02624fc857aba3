#include "cli/search_view.h"

#include <gtest/gtest.h>

namespace kumo::cli {
namespace {

std::string show(std::string_view answer, const SearchView& view) {
    return search_text(wire::JsonDocument::parse(answer).value().root(), view);
}

constexpr std::string_view kAnswer = R"({
  "found": 1234, "out_of": 63666, "search_time_ms": 2, "page": 2,
  "request_params": {"per_page": 10},
  "hits": [{
    "document": {"id": "firefox", "name": "firefox-esr", "section": "web", "size": 245,
                 "tags": ["browser", "x11"],
                 "description": "Mozilla Firefox web browser, extended support release"},
    "highlights": [
      {"field": "name", "snippet": "\u0002firefox\u0003-esr"},
      {"field": "description", "snippet": "Mozilla \u0002Firefox\u0003 web browser, extended support release"},
      {"field": "tags", "snippets": ["\u0002browser\u0003"], "indices": [0]}]
  }],
  "facet_counts": [{"field_name": "section", "counts": [
    {"value": "web", "count": 1200}, {"value": "admin", "count": 34}]}]
})";

TEST(SearchView, ShowsHitsAndFacetsForAPerson) {
    EXPECT_EQ(
        show(kAnswer, {"name", 60, false}),
        "Found 1,234 of 63,666 (2 ms)\n"
        "\n"
        " 11 firefox-esr\n"
        "    section web · size 245 · tags browser\n"
        "    description: Mozilla Firefox web browser, extended supp…\n"
        "\n"
        "section\n"
        "     1,200  web                              ##############################\n"
        "        34  admin                            #\n"
    );
}

TEST(SearchView, ColoursWhatMatched) {
    const std::string text = show(kAnswer, {"name", 80, true});
    EXPECT_NE(text.find("\x1b[1;33mfirefox\x1b[0m-esr"), std::string::npos) << text;
    EXPECT_NE(text.find("Mozilla \x1b[1;33mFirefox\x1b[0m web"), std::string::npos) << text;
}

TEST(SearchView, HeadsAHitWithItsIdWhereThereIsNoTitle) {
    const std::string text =
        show(R"({"found":1,"hits":[{"document":{"id":"7","a":1}}]})", {"name", 60, false});
    EXPECT_EQ(text, "Found 1\n\n  1 7\n    a 1\n");
}

TEST(SearchView, SaysWhenNothingWasFound) {
    EXPECT_EQ(
        show(R"({"found":0,"out_of":5,"hits":[],"search_time_ms":0})", {"name", 60, false}),
        "Nothing found in 5 (0 ms)\n"
    );
}

TEST(SearchView, SurvivesAnswersOfAnotherShape) {
    for (const std::string_view answer : {
             "{}",
             "[]",
             "3",
             R"({"found":"x","hits":{},"facet_counts":7})",
             R"({"hits":[1,{"document":2},{"document":{}},{"document":{"id":null},"highlights":[3]}]})",
             R"({"facet_counts":[{"field_name":"a","counts":[{}, 1]}, {}]})",
         }) {
        EXPECT_FALSE(show(answer, {"name", 10, true}).empty()) << answer;
    }
}

TEST(SearchView, AsksInEveryTextField) {
    const auto collection = wire::JsonDocument::parse(
        R"({"fields":[{"name":"a","type":"string"},{"name":"n","type":"int32"},
            {"name":"t","type":"string[]"},{"name":"u","type":"string","index":false}]})"
    );
    EXPECT_EQ(text_fields(collection.value().root()), "a,t");
}

TEST(SearchView, EncodesTheQuestion) {
    SearchOptions options;
    options.collection = "my books";
    options.query = "a&b";
    options.query_by = "title";
    options.filter_by = "year:>1990";
    options.json = true;
    EXPECT_EQ(
        search_target(options, "title"),
        "/collections/my%20books/documents/search?q=a%26b&query_by=title&filter_by=year%3A%3E1990"
        "&page=1&per_page=10"
    );
    options.json = false;
    EXPECT_TRUE(
        search_target(options, "title")
            .ends_with("&highlight_full_fields=title&highlight_start_tag=%02&highlight_end_tag=%03")
    );
}

}  // namespace
}  // namespace kumo::cli
