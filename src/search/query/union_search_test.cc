#include "search/query/union_search.h"

#include "base/random.h"
#include "search/query/search.h"
#include "wire/json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace kumo::search {
namespace {

constexpr std::size_t kTitle = 0;
constexpr std::size_t kPoints = 1;
constexpr std::size_t kPrice = 2;

std::shared_ptr<const Schema> things() {
    Schema schema;
    schema.fields.push_back({.name = "title", .facet = true, .sort = true});
    schema.fields.push_back({.name = "points", .type = ValueType::kInt32, .sort = true});
    schema.fields.push_back(
        {.name = "price", .type = ValueType::kFloat, .optional = true, .sort = true}
    );
    return std::make_shared<const Schema>(schema);
}

class Union : public testing::TestWithParam<std::uint64_t> {
protected:
    std::size_t pick(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }

    /// Points tell all documents apart.
    void fill(Index& index, const std::string& prefix, std::size_t count) {
        static const std::vector<std::string> kTitles = {"red shirt", "blue shirt", "red coat"};
        for (std::size_t i = 0; i < count; ++i) {
            const std::string json = R"({"id":")" + prefix + std::to_string(i) + R"(","title":")"
                                     + kTitles[pick(3)] + R"(","points":)"
                                     + std::to_string(points_++ * 7919 % 10007) + "}";
            ASSERT_TRUE(index.write(WriteAction::kCreate, json, DirtyValues::kReject).ok());
        }
        index.publish(1);
    }

    UnionPart part(const Index& index) {
        UnionPart out;
        out.snapshot = index.snapshot();
        out.request.q = std::vector<std::string>{"*", "red", "shirt"}[pick(3)];
        out.request.fields.push_back({.field = kTitle});
        out.request.sort.push_back({.field = kPoints});
        return out;
    }

    SeededRandom random_{GetParam()};
    Index one_{things(), Manifest{}, {}};
    Index two_{things(), Manifest{}, {}};
    std::uint64_t points_ = 0;
};

std::uint64_t points_of(const Hit& hit) {
    const auto json = wire::JsonDocument::parse(hit.document).value();
    return std::stoull(std::string(json.root().find("points").raw()));
}

TEST_P(Union, HasTheHitsOfAllInOneOrder) {
    fill(one_, "a", 40);
    fill(two_, "b", 40);
    UnionRequest request;
    for (std::size_t i = 0; i < 1 + pick(4); ++i) {
        request.searches.push_back(part(pick(3) == 0 ? two_ : one_));
    }
    request.remove_duplicates = pick(2) == 0;
    request.offset = pick(10);
    request.limit = pick(30);
    std::vector<std::uint64_t> expected;
    for (const UnionPart& search : request.searches) {
        SearchRequest alone = search.request;
        alone.limit = 1000;
        const SearchResult result = search::search(*search.snapshot, alone, system_clock()).value();
        for (const Hit& hit : result.hits) {
            expected.push_back(points_of(hit));
        }
    }
    std::sort(expected.rbegin(), expected.rend());
    if (request.remove_duplicates) {
        expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
    }
    const auto result = search_union(request, system_clock());
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result.value().found, expected.size());
    const std::size_t begin = std::min<std::size_t>(request.offset, expected.size());
    const std::size_t end = std::min<std::size_t>(begin + request.limit, expected.size());
    std::vector<std::uint64_t> got;
    for (const UnionHit& hit : result.value().hits) {
        got.push_back(points_of(hit.hit));
    }
    EXPECT_EQ(
        got,
        std::vector<std::uint64_t>(
            expected.begin() + static_cast<std::ptrdiff_t>(begin),
            expected.begin() + static_cast<std::ptrdiff_t>(end)
        )
    );
}

INSTANTIATE_TEST_SUITE_P(Seeds, Union, testing::Range<std::uint64_t>(1, 61));

class UnionOfTwo : public Union {
protected:
    void SetUp() override {
        fill(one_, "a", 5);
        fill(two_, "b", 5);
        const auto first = one_.snapshot();
        for (const Index* index : {&one_, &two_, &one_}) {
            UnionPart& search = request_.searches.emplace_back();
            search.snapshot = index == &one_ ? first : two_.snapshot();
            search.request.fields.push_back({.field = kTitle});
        }
    }

    std::string error() const {
        const auto result = search_union(request_, system_clock());
        return result.ok() ? "none" : result.error().message;
    }

    std::string ids() const {
        std::string out;
        const UnionResult result = search_union(request_, system_clock()).value();
        for (const UnionHit& hit : result.hits) {
            out += std::to_string(hit.search) + ":" + hit.hit.document.substr(7, 2) + " ";
        }
        return out;
    }

    UnionRequest request_;
};

TEST_P(UnionOfTwo, NeedsTheSameOrderEverywhere) {
    EXPECT_EQ(error(), "none");
    request_.searches[1].request.q = "red";
    EXPECT_EQ(error(), "none") << "text match is a key without words too";
    request_.searches[0].request.sort = {{.field = kPoints}};
    EXPECT_EQ(
        error(),
        "The searches of a union must sort by the same types in the same orders: search 1 sorts "
        "by `text_match:desc`, search 0 by `integer:desc, text_match:desc`."
    );
    for (UnionPart& search : request_.searches) {
        search.request.sort = {{.field = kPoints}};
    }
    EXPECT_EQ(error(), "none");
    request_.searches[2].request.sort = {{.field = kPrice}};
    EXPECT_NE(error().find("search 2 sorts by `float:desc, text_match:desc`"), std::string::npos);
    request_.searches[2].request.sort = {{.field = kPoints, .descending = false}};
    EXPECT_NE(error().find("search 2 sorts by `integer:asc,"), std::string::npos);
}

TEST_P(UnionOfTwo, RefusesWhatHasNoMeaning) {
    request_.searches[1].request.group = GroupRequest{.fields = {kTitle}};
    EXPECT_TRUE(error().starts_with("A union takes no groups"));
    request_.searches[1].request.group.reset();
    request_.searches[1].request.facets.push_back({.field = kTitle});
    EXPECT_TRUE(error().starts_with("A union takes no groups"));
    request_.searches.clear();
    EXPECT_EQ(error(), "A union needs 1 to 1000 searches.");
}

TEST_P(UnionOfTwo, KeepsPinsAtTheirPositionsOnce) {
    for (UnionPart& search : request_.searches) {
        search.request.sort = {{.field = kPoints}};
    }
    request_.searches[0].request.pinned_ids = {{1, {"a0"}}};
    request_.searches[1].request.pinned_ids = {{1, {"b1"}}, {3, {"b0"}}};
    request_.searches[2].request.pinned_ids = {{1, {"a0"}}};
    request_.limit = 4;
    EXPECT_EQ(ids().substr(0, 15), "0:a0 1:b1 1:b0 ");
    EXPECT_EQ(search_union(request_, system_clock()).value().found, 10U);
    request_.limit = 100;
    EXPECT_EQ(ids().size(), 50U) << ids();
    request_.remove_duplicates = false;
    EXPECT_EQ(ids().substr(0, 15), "0:a0 1:b1 1:b0 ");
    EXPECT_EQ(search_union(request_, system_clock()).value().found, 15U);
}

INSTANTIATE_TEST_SUITE_P(Seed, UnionOfTwo, testing::Values(1));

}  // namespace
}  // namespace kumo::search
