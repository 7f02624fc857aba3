#include "api/kumosearch/query/sort_parser.h"

#include "api/kumosearch/query/facet_parser.h"
#include "api/kumosearch/query/test_schema_test.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

std::string sorted_by(std::string_view text) {
    const search::Schema schema = test_schema();
    const auto keys = parse_sort(text, schema);
    if (!keys.ok()) {
        return "error: " + keys.error().message;
    }
    std::string out;
    for (const search::SortKey& key : keys.value()) {
        switch (key.by) {
            case search::SortKey::By::kTextMatch: out += "_text_match"; break;
            case search::SortKey::By::kGroupFound: out += "_group_found"; break;
            case search::SortKey::By::kField: out += schema.fields[key.field].name; break;
        }
        out += key.descending ? " desc" : " asc";
        out += key.missing_first ? " missing-first" : "";
        out += key.buckets > 0 ? " buckets " + std::to_string(key.buckets) : "";
        out += key.bucket_size > 0 ? " size " + std::to_string(key.bucket_size) : "";
        out += ";";
    }
    return out;
}

TEST(SortParser, ReadsFieldsAndOrders) {
    EXPECT_EQ(sorted_by(""), "");
    EXPECT_EQ(sorted_by("year:desc"), "year desc;");
    EXPECT_EQ(sorted_by(" year : ASC , price:desc"), "year asc;price desc;");
}

TEST(SortParser, MissingNumbersComeLastAndMissingStringsRankHighest) {
    EXPECT_EQ(sorted_by("year:asc,year:desc"), "year asc;year desc;");
    EXPECT_EQ(sorted_by("name:asc,name:desc"), "name asc;name desc missing-first;");
    EXPECT_EQ(sorted_by("year(missing_values: first):asc"), "year asc missing-first;");
    EXPECT_EQ(sorted_by("name(missing_values: last):desc"), "name desc;");
}

TEST(SortParser, ReadsTextMatchGroups) {
    EXPECT_EQ(sorted_by("_text_match:desc"), "_text_match desc;");
    EXPECT_EQ(sorted_by("_text_match(buckets: 10):desc"), "_text_match desc buckets 10;");
    EXPECT_EQ(sorted_by("_text_match(bucket_size: 3):desc"), "_text_match desc size 3;");
    EXPECT_TRUE(sorted_by("_text_match(buckets: x):desc").starts_with("error: Invalid value"));
}

TEST(SortParser, ReadsTheSizeOfGroups) {
    EXPECT_EQ(sorted_by("_group_found:desc,year:asc"), "_group_found desc;year asc;");
    EXPECT_TRUE(sorted_by("_group_found(x):desc").starts_with("error: Could not find"));
}

TEST(SortParser, RefusesWhatIsNotThere) {
    EXPECT_EQ(
        sorted_by("nothing:asc"),
        "error: Could not find a field named `nothing` in the schema for sorting."
    );
    EXPECT_EQ(
        sorted_by("title:asc"),
        "error: Could not find a field named `title` in the schema for sorting."
    );
    EXPECT_EQ(sorted_by("year"), "error: Parameter `sort_by` is malformed.");
    EXPECT_EQ(sorted_by("year(:asc"), "error: Parameter `sort_by` is malformed.");
    EXPECT_EQ(sorted_by("year:up"), "error: Order for field `year` should be either ASC or DESC.");
    EXPECT_EQ(
        sorted_by("year:asc,year:asc,year:asc,year:asc"),
        "error: Only upto 3 sort_by fields can be specified."
    );
}

TEST(SortParser, NamesWhatIsNotSupported) {
    for (const char* text :
         {"_eval(year:>5):desc",
          "_rand(3):asc",
          "_vector_distance:asc",
          "$c(year:asc):asc",
          "year(origin: 5, func: gauss):desc"}) {
        const auto keys = parse_sort(text, test_schema());
        ASSERT_FALSE(keys.ok()) << text;
    }
}

std::string faceted_by(std::string_view text, std::string_view query = "") {
    const search::Schema schema = test_schema();
    auto facets = parse_facets(text, schema);
    if (!facets.ok()) {
        return "error: " + facets.error().message;
    }
    const Status queried = apply_facet_query(query, 2, schema, facets.value());
    if (!queried.ok()) {
        return "error: " + queried.error().message;
    }
    std::string out;
    for (const search::FacetRequest& facet : facets.value()) {
        out += schema.fields[facet.field].name;
        out += facet.order == search::FacetRequest::Order::kAlphaAscending    ? " alpha"
               : facet.order == search::FacetRequest::Order::kAlphaDescending ? " alpha-down"
                                                                              : "";
        for (const search::FacetRange& range : facet.ranges) {
            out += " " + range.label + "=";
            out += range.from == INT64_MIN ? "" : std::to_string(range.from);
            out += ",";
            out += range.to == INT64_MAX ? "" : std::to_string(range.to);
        }
        out += facet.query.empty() ? "" : " ?" + facet.query;
        out += ";";
    }
    return out;
}

TEST(FacetParser, ReadsFieldsOrdersAndRanges) {
    EXPECT_EQ(faceted_by(""), "");
    EXPECT_EQ(faceted_by("tags, year"), "tags;year;");
    EXPECT_EQ(faceted_by("tags(sort_by: _alpha:asc)"), "tags alpha;");
    EXPECT_EQ(faceted_by("tags(sort_by:_alpha:desc),year"), "tags alpha-down;year;");
    EXPECT_EQ(
        faceted_by("year(old:[ , 1990], nineties: [1990, 2000], new:[2000,])"),
        "year old=,1990 nineties=1990,2000 new=2000,;"
    );
    EXPECT_EQ(faceted_by("year*"), "year;years;");
}

TEST(FacetParser, AppliesTheQuery) {
    EXPECT_EQ(faceted_by("tags,year", "tags: re"), "tags ?re;year;");
    EXPECT_TRUE(faceted_by("tags", "year:5").starts_with("error: Facet query refers"));
    EXPECT_TRUE(faceted_by("tags", "re").starts_with("error: Facet query must be"));
}

TEST(FacetParser, RefusesWhatIsNotThere) {
    EXPECT_EQ(
        faceted_by("hidden"),
        "error: Could not find a facet field named `hidden` in the schema."
    );
    EXPECT_TRUE(faceted_by("tags(a:[0, 1])").starts_with("error: Range facet is restricted"));
    EXPECT_TRUE(faceted_by("year(a:[2, 1])").starts_with("error: Ranges in facet_by"));
    EXPECT_TRUE(faceted_by("year(a:[x, 1])").starts_with("error: Facet range value"));
    EXPECT_TRUE(faceted_by("year(a:[0 1])").starts_with("error: Error splitting"));
    EXPECT_TRUE(faceted_by("year(").starts_with("error: "));
    EXPECT_TRUE(faceted_by("tags(sort_by: year:asc)").starts_with("error: Sorting facet values"));
}

}  // namespace
}  // namespace kumo::api_kumosearch
