#include "base/random.h"
#include "search/query/search.h"
#include "wire/json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

// What looks at many documents at once (facets, sorting, filters by column), against the documents
// themselves, one by one.

namespace kumo::search {
namespace {

constexpr std::size_t kKind = 0;    // few values: compared with each
constexpr std::size_t kAuthor = 1;  // many values
constexpr std::size_t kYear = 2;
constexpr std::size_t kTags = 3;

struct Thing {
    std::string id;
    std::string kind;
    std::string author;
    std::optional<std::int64_t> year;
    std::vector<std::string> tags;
};

std::shared_ptr<const Schema> schema_of_things() {
    Schema schema;
    schema.fields.push_back({.name = "kind", .facet = true});
    schema.fields.push_back({.name = "author", .facet = true});
    schema.fields.push_back(
        {.name = "year", .type = ValueType::kInt64, .optional = true, .sort = true}
    );
    schema.fields.push_back({.name = "tags", .array = true, .facet = true});
    return std::make_shared<const Schema>(schema);
}

/// More documents than a zone has, in three sealed segments and a live one, some deleted.
class ManyDocuments : public testing::TestWithParam<bool> {
protected:
    ManyDocuments() : index_(schema_of_things(), Manifest{}, {}) {
        for (std::size_t i = 0; i < kDocs; ++i) {
            add(i);
            if (i % 4500 == 4499) {
                seal();
            }
        }
        for (std::size_t i = 0; i < kDocs; i += 7) {
            EXPECT_TRUE(index_.erase(things_[i].id).ok());
            things_[i].id.clear();
        }
        std::erase_if(things_, [](const Thing& thing) { return thing.id.empty(); });
        index_.publish(kDocs * 2);
    }

    /// Without it, years are in every document: another way to look at the column.
    static bool years_are_missing() { return GetParam(); }

    std::size_t pick(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }

    void add(std::size_t i) {
        static const std::vector<std::string> kKinds = {"code", "Code", "code review", "doc"};
        Thing thing{"t" + std::to_string(i), kKinds[pick(4)], {}, {}, {}};
        thing.author = "author " + std::to_string(pick(400));
        if (!years_are_missing() || pick(9) != 0) {
            thing.year = 1900 + static_cast<std::int64_t>(pick(3000));
        }
        std::string json = R"({"id":")" + thing.id + R"(","kind":")" + thing.kind
                           + R"(","author":")" + thing.author + R"(","tags":[)";
        for (std::size_t n = pick(3); n > 0; --n) {
            thing.tags.push_back("tag" + std::to_string(pick(50)));
            json += (json.back() == '[' ? "\"" : ",\"") + thing.tags.back() + "\"";
        }
        json += thing.year ? R"(],"year":)" + std::to_string(*thing.year) + "}" : "]}";
        EXPECT_TRUE(index_.write(WriteAction::kCreate, json, DirtyValues::kReject).ok());
        index_.publish(i + 1);
        things_.push_back(std::move(thing));
    }

    void seal() {
        const auto job = index_.begin_seal();
        files_[job.segment_id] = job.run().value();
        index_.finish_seal(open_segment(index_.schema(), files_[job.segment_id], nullptr).value());
        index_.publish(things_.size());
    }

    SearchResult run(const SearchRequest& request) const {
        auto result = search(*index_.snapshot(), request, system_clock());
        EXPECT_TRUE(result.ok());
        return std::move(result).value();
    }

    /// The ids in the order of their years, newest first where those are the same.
    std::vector<std::string> by_year(bool descending, bool missing_first) const {
        std::vector<const Thing*> order;
        for (auto thing = things_.rbegin(); thing != things_.rend(); ++thing) {
            order.push_back(&*thing);
        }
        std::stable_sort(order.begin(), order.end(), [&](const Thing* a, const Thing* b) {
            if (a->year.has_value() != b->year.has_value()) {
                return a->year.has_value() != missing_first;
            }
            return a->year && (descending ? *a->year > *b->year : *a->year < *b->year);
        });
        std::vector<std::string> ids;
        for (const Thing* thing : order) {
            ids.push_back(thing->id);
        }
        return ids;
    }

    template <typename Passes>
    std::uint64_t count(Passes passes) const {
        return static_cast<std::uint64_t>(std::count_if(things_.begin(), things_.end(), passes));
    }

    static constexpr std::size_t kDocs = 15'000;

    SeededRandom random_{11};
    Index index_;
    std::map<std::uint64_t, std::string> files_;
    std::vector<Thing> things_;
};

TEST_P(ManyDocuments, AreSortedByANumber) {
    for (const bool descending : {true, false}) {
        for (const bool missing_first : {true, false}) {
            SearchRequest request;
            request.limit = 60;
            request.sort.push_back(
                {.field = kYear, .descending = descending, .missing_first = missing_first}
            );
            std::vector<std::string> ids;
            for (const Hit& hit : run(request).hits) {
                const auto json = wire::JsonDocument::parse(hit.document).value();
                ids.emplace_back(json.root().find("id").as_string());
            }
            std::vector<std::string> expected = by_year(descending, missing_first);
            expected.resize(60);
            EXPECT_EQ(ids, expected) << descending << missing_first;
        }
    }
}

TEST_P(ManyDocuments, AreCountedByTheirStrings) {
    std::map<std::string, std::uint64_t> authors;
    std::map<std::string, std::uint64_t> tags;
    for (const Thing& thing : things_) {
        ++authors[thing.author];
        for (const std::string& tag : thing.tags) {
            ++tags[tag];
        }
    }
    SearchRequest request;
    request.facets = {{.field = kAuthor}, {.field = kTags}};
    request.max_facet_values = 1000;
    // The second time, the numbers of the strings are known.
    for (int round = 0; round < 2; ++round) {
        const SearchResult result = run(request);
        for (const auto& [facet, expected] : {std::pair{0, &authors}, std::pair{1, &tags}}) {
            const FacetResult& got = result.facets[static_cast<std::size_t>(facet)];
            EXPECT_EQ(got.total_values, expected->size());
            std::map<std::string, std::uint64_t> counts;
            for (const FacetValue& value : got.counts) {
                counts[value.value] = value.count;
            }
            EXPECT_EQ(counts, *expected);
        }
    }
}

TEST_P(ManyDocuments, ShowOnlyTheValuesWanted) {
    SearchRequest request;
    request.facets = {{.field = kAuthor}};
    request.max_facet_values = 5;
    const SearchResult few = run(request);
    ASSERT_EQ(few.facets[0].counts.size(), 5U);
    EXPECT_EQ(few.facets[0].total_values, 400U);
    EXPECT_EQ(few.facets[0].counts[0].highlighted, few.facets[0].counts[0].value);
}

TEST_P(ManyDocuments, PassExactFilters) {
    SearchRequest request;
    request.filter.kind = Filter::Kind::kExact;
    const auto found = [&](std::size_t field, const std::string& text) {
        request.filter.field = field;
        request.filter.text = text;
        return run(request).found;
    };
    EXPECT_EQ(found(kKind, "code"), count([](const Thing& thing) {
                  return thing.kind == "code" || thing.kind == "Code";
              }));
    EXPECT_EQ(found(kKind, "CODE review"), count([](const Thing& thing) {
                  return thing.kind == "code review";
              }));
    EXPECT_EQ(found(kKind, "review"), 0U);
    EXPECT_EQ(found(kAuthor, "Author 17"), count([](const Thing& thing) {
                  return thing.author == "author 17";
              }));
    EXPECT_EQ(found(kTags, "tag3"), count([](const Thing& thing) {
                  return std::count(thing.tags.begin(), thing.tags.end(), "tag3") > 0;
              }));
}

TEST_P(ManyDocuments, PassARange) {
    SearchRequest request;
    request.filter.kind = Filter::Kind::kRange;
    request.filter.field = kYear;
    request.filter.ranges = {{2100, 2300}, {4000, 4001}};
    EXPECT_EQ(run(request).found, count([](const Thing& thing) {
                  return thing.year
                         && ((*thing.year >= 2100 && *thing.year <= 2300)
                             || (*thing.year >= 4000 && *thing.year <= 4001));
              }));
}

INSTANTIATE_TEST_SUITE_P(Years, ManyDocuments, testing::Bool());

}  // namespace
}  // namespace kumo::search
