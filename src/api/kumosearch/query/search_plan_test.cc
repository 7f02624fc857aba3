#include "api/kumosearch/query/search_plan.h"

#include "api/kumosearch/query/test_schema_test.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

Parameters given(ByteView query) {
    auto parameters = Parameters::from_query(query);
    KUMO_ASSERT(parameters.ok());
    return std::move(parameters).value();
}

Result<SearchPlan> plan(ByteView query) {
    return plan_search(given(query), test_schema(), {});
}

search::SearchRequest request(ByteView query) {
    auto made = plan(query);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return made.ok() ? std::move(made.value().request) : search::SearchRequest{};
}

std::string failure(ByteView query) {
    const auto made = plan(query);
    return made.ok() ? "none" : made.error().message;
}

std::string weights(ByteView query) {
    std::string out;
    for (const search::QueryField& field : request(query).fields) {
        out += std::to_string(field.weight) + " ";
    }
    return out;
}

TEST(SearchPlan, WeightsFallWithTheOrderOfTheFields) {
    EXPECT_EQ(weights("q=a&query_by=title,tags,name"), "15 14 13 ");
}

TEST(SearchPlan, WeightsAreSqueezedByRank) {
    EXPECT_EQ(weights("q=a&query_by=title,tags,name&query_by_weights=1,127,127"), "14 15 15 ");
    EXPECT_EQ(weights("q=a&query_by=title,tags,name&query_by_weights=2,0,1"), "15 0 14 ");
    EXPECT_EQ(
        failure("q=a&query_by=title,tags&query_by_weights=1"),
        "Number of weights in `query_by_weights` does not match number of `query_by` fields."
    );
}

TEST(SearchPlan, ListsGoFieldByField) {
    const auto fields = request("q=a&query_by=title,tags&prefix=false,true&num_typos=0,1").fields;
    ASSERT_EQ(fields.size(), 2U);
    EXPECT_FALSE(fields[0].prefix);
    EXPECT_TRUE(fields[1].prefix);
    EXPECT_EQ(fields[0].num_typos, 0U);
    EXPECT_EQ(fields[1].num_typos, 1U);
    EXPECT_NE(failure("q=a&query_by=title,tags,name&prefix=true,false"), "none");
    EXPECT_NE(failure("q=a&query_by=title&num_typos=3"), "none");
    EXPECT_EQ(
        failure("q=a&query_by=title&num_typos=x"),
        "Parameter `num_typos` must be an unsigned integer."
    );
}

TEST(SearchPlan, AWildcardStandsForItsFields) {
    EXPECT_EQ(request("q=a&query_by=t*").fields.size(), 2U);
    EXPECT_EQ(request("q=a&query_by=*").fields.size(), 3U);
}

TEST(SearchPlan, ChecksTheFields) {
    EXPECT_EQ(
        failure("q=a&query_by=nothing"),
        "Could not find a field named `nothing` in the schema."
    );
    EXPECT_EQ(failure("q=a&query_by=year"), "Field `year` should be a string or a string array.");
    EXPECT_EQ(failure("q=a"), "No search fields specified for the query.");
    EXPECT_EQ(failure("q=*"), "none");
    EXPECT_EQ(failure("query_by=title"), "Parameter `q` is required.");
    EXPECT_EQ(failure("q=a&query_by=nothing,title&validate_field_names=false"), "none");
}

TEST(SearchPlan, PagesByPageOrOffset) {
    EXPECT_EQ(request("q=*").limit, 10U);
    EXPECT_EQ(request("q=*&page=3&per_page=7").offset, 14U);
    EXPECT_EQ(request("q=*&page=0").offset, 0U);
    const auto by_offset = plan("q=*&offset=5&limit=2");
    ASSERT_TRUE(by_offset.ok());
    EXPECT_EQ(by_offset.value().request.offset, 5U);
    EXPECT_EQ(by_offset.value().request.limit, 2U);
    EXPECT_EQ(by_offset.value().shape.offset, 5U);
    EXPECT_EQ(request("q=*&facet_by=tags&facet_query=tags:a").limit, 0U);
}

TEST(SearchPlan, BoundsPages) {
    EXPECT_EQ(failure("q=*&per_page=251"), "Only upto 250 hits can be fetched per page.");
    EXPECT_TRUE(failure("q=*&page=18446744073709551615&per_page=250").starts_with("Only upto"));
    EXPECT_TRUE(failure("q=*&page=3&per_page=10&limit_hits=20").starts_with("Only upto 20 hits"));
    EXPECT_EQ(failure("q=*&page=2&per_page=10&limit_hits=20"), "none");
    EXPECT_EQ(failure("q=*&page=-1"), "Parameter `page` must be an unsigned integer.");
    EXPECT_NE(failure("q=*&page=18446744073709551616"), "none");
}

TEST(SearchPlan, BooleansAreTrueOnlyForTheWord) {
    EXPECT_TRUE(request("q=*&exhaustive_search=true").match.exhaustive_search);
    EXPECT_FALSE(request("q=*&exhaustive_search=1").match.exhaustive_search);
    EXPECT_FALSE(request("q=*&prioritize_exact_match=no").match.prioritize_exact_match);
}

TEST(SearchPlan, ReadsTheModesOfDroppingTokens) {
    EXPECT_EQ(
        request("q=*&drop_tokens_mode=left_to_right").match.drop_tokens_mode,
        search::DropTokensMode::kLeftToRight
    );
    EXPECT_EQ(request("q=*&drop_tokens_mode=both_sides:5").match.drop_tokens_both_sides_max, 5U);
    EXPECT_NE(failure("q=*&drop_tokens_mode=up"), "none");
}

TEST(SearchPlan, PinsAndHides) {
    const auto curated = request("q=*&pinned_hits=a:1,b%3Ac:2,d:1&hidden_hits=x,y");
    EXPECT_EQ(curated.pinned_ids.at(1), (std::vector<std::string>{"a", "d"}));
    EXPECT_EQ(curated.pinned_ids.at(2), std::vector<std::string>{"b:c"});
    EXPECT_EQ(curated.hidden_ids, (std::vector<std::string>{"x", "y"}));
    EXPECT_NE(failure("q=*&pinned_hits=a"), "none");
    EXPECT_NE(failure("q=*&pinned_hits=a:0"), "none");
}

TEST(SearchPlan, HighlightsTheQueryFieldsThatAreShown) {
    EXPECT_EQ(request("q=a&query_by=title,tags").highlight.fields.size(), 2U);
    EXPECT_EQ(
        request("q=a&query_by=title,tags&exclude_fields=tags").highlight.fields,
        std::vector<std::size_t>{0}
    );
    EXPECT_TRUE(request("q=a&query_by=title&highlight_fields=none").highlight.fields.empty());
    const auto full = request("q=a&query_by=title&highlight_full_fields=tags").highlight;
    EXPECT_EQ(full.full_fields, std::vector<std::size_t>{1});
    EXPECT_EQ(full.fields, (std::vector<std::size_t>{0, 1}));
}

TEST(SearchPlan, NamesWhatIsNotSupported) {
    for (const char* parameter : {"nl_query=true"}) {
        const auto made = plan(std::string("q=a&query_by=title&") + parameter);
        ASSERT_FALSE(made.ok()) << parameter;
        EXPECT_EQ(made.error().code, ErrorCode::kUnsupported) << parameter;
        EXPECT_NE(made.error().message.find("not supported yet"), std::string::npos);
    }
}

TEST(SearchPlan, TakesWhatIsOnlyAdvice) {
    EXPECT_EQ(
        failure("q=*&use_cache=true&cache_ttl=60&enable_analytics=false&enable_lazy_filter=true"
                "&max_filter_by_candidates=4&facet_strategy=automatic&infix=off&group_limit=3"
                "&group_max_candidates=10&group_missing_values=false"
                "&synonym_num_typos=0"),
        "none"
    );
}

}  // namespace
}  // namespace kumo::api_kumosearch
