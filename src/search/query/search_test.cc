#include "search/query/search.h"

#include "search/column/codes.h"
#include "wire/json.h"

#include <gtest/gtest.h>

#include <map>

namespace kumo::search {
namespace {

constexpr std::size_t kTitle = 0;
constexpr std::size_t kBody = 1;
constexpr std::size_t kTags = 2;
constexpr std::size_t kPoints = 3;
constexpr std::size_t kPrice = 4;

std::shared_ptr<const Schema> schema_of_shop() {
    Schema schema;
    schema.fields.push_back({.name = "title", .facet = true, .sort = true});
    schema.fields.push_back({.name = "body", .optional = true});
    schema.fields.push_back({.name = "tags", .array = true, .facet = true, .optional = true});
    schema.fields.push_back(
        {.name = "points", .type = ValueType::kInt32, .facet = true, .sort = true}
    );
    schema.fields.push_back(
        {.name = "price", .type = ValueType::kFloat, .facet = true, .optional = true, .sort = true}
    );
    return std::make_shared<const Schema>(schema);
}

/// A small collection in one live and two sealed segments.
class Search : public testing::Test {
protected:
    Search() : index_(schema_of_shop(), Manifest{}, {}) {
        request_.fields.push_back({.field = kTitle, .weight = 15});
        request_.fields.push_back({.field = kBody, .weight = 14});
    }

    void add(const std::string& json) {
        const auto written = index_.write(WriteAction::kCreate, json, DirtyValues::kReject);
        ASSERT_TRUE(written.ok()) << written.error().message;
        index_.publish(++seq_);
        if (seq_ % 4 == 0) {
            const auto job = index_.begin_seal();
            files_[job.segment_id] = job.run().value();
            index_.finish_seal(
                open_segment(index_.schema(), files_[job.segment_id], nullptr).value()
            );
        }
    }

    void titles(const std::vector<std::string>& titles) {
        for (const std::string& title : titles) {
            add(R"({"title":")" + title + R"(","points":)" + std::to_string(seq_) + "}");
        }
    }

    SearchResult run(const std::string& q) {
        request_.q = q;
        auto result = search(*index_.snapshot(), request_, system_clock());
        EXPECT_TRUE(result.ok());
        return std::move(result).value();
    }

    /// The titles of the hits, in order.
    std::vector<std::string> hits(const std::string& q) {
        std::vector<std::string> out;
        for (const Hit& hit : run(q).hits) {
            const auto json = wire::JsonDocument::parse(hit.document).value();
            out.emplace_back(json.root().find("title").as_string());
        }
        return out;
    }

    std::uint64_t filtered(Filter filter) {
        request_.filter = std::move(filter);
        return run("*").found;
    }

    using Titles = std::vector<std::string>;

    Index index_;
    std::map<std::uint64_t, std::string> files_;
    std::uint64_t seq_ = 0;
    SearchRequest request_;
};

TEST_F(Search, StarFindsEverythingNewestFirst) {
    titles({"one", "two", "three", "four", "five"});
    EXPECT_EQ(hits("*"), (Titles{"five", "four", "three", "two", "one"}));
    EXPECT_EQ(hits(""), hits("*"));
    request_.offset = 1;
    request_.limit = 2;
    EXPECT_EQ(hits("*"), (Titles{"four", "three"}));
}

TEST_F(Search, NeighbouringWordsRankAboveScatteredOnes) {
    titles({"red big fast car", "red car", "car that is not at all so very red", "blue car"});
    EXPECT_EQ(
        hits("red car"),
        (Titles{"red car", "red big fast car", "car that is not at all so very red"})
    );
}

TEST_F(Search, WholeFieldRanksAboveLongerOnes) {
    titles({"harry potter", "harry potter and the stone"});
    EXPECT_EQ(hits("harry potter").front(), "harry potter");
    request_.match.prioritize_exact_match = false;
    EXPECT_EQ(hits("harry potter").front(), "harry potter and the stone") << "newest first";
}

TEST_F(Search, FindsWordsWithTypos) {
    titles({"typesense engine", "lucene engine"});
    EXPECT_EQ(hits("typesnse"), (Titles{"typesense engine"}));
    EXPECT_EQ(hits("lucnee"), (Titles{"lucene engine"})) << "a swap is one edit";
    request_.fields[0].num_typos = 0;
    request_.fields[1].num_typos = 0;
    EXPECT_TRUE(hits("typesnse").empty());
}

TEST_F(Search, ShortWordsHaveNoTypos) {
    titles({"cat"});
    EXPECT_TRUE(hits("cot").empty());
    request_.match.min_len_1typo = 3;
    EXPECT_EQ(hits("cot"), (Titles{"cat"}));
}

TEST_F(Search, ExactWordsStopTheSearchForTypos) {
    titles({"stone", "store"});
    request_.fields[0].prefix = false;
    EXPECT_EQ(hits("stone"), (Titles{"stone"}));
    request_.match.typo_tokens_threshold = 10;
    EXPECT_EQ(hits("stone"), (Titles{"stone", "store"})) << "fewer edits rank higher";
}

TEST_F(Search, LastWordIsAPrefix) {
    titles({"library of babel", "babel fish", "librarian"});
    EXPECT_EQ(hits("libr").size(), 2U);
    request_.match.drop_tokens_threshold = 0;
    EXPECT_EQ(hits("libr babel"), (Titles{})) << "only the last one";
    request_.fields[0].prefix = false;
    EXPECT_TRUE(hits("libr").empty());
}

TEST_F(Search, DropsWordsWhenTooFewMatch) {
    titles({"green apple", "apple pie"});
    EXPECT_EQ(hits("apple zzzzzz"), (Titles{"apple pie", "green apple"}));
    EXPECT_EQ(hits("zzzzzz apple"), (Titles{"apple pie", "green apple"}));
    request_.match.drop_tokens_threshold = 0;
    EXPECT_TRUE(hits("apple zzzzzz").empty());
}

TEST_F(Search, JoinsAndSplitsWords) {
    titles({"nonstick pan", "hot dog"});
    request_.match.drop_tokens_threshold = 0;
    EXPECT_EQ(hits("non stick"), (Titles{"nonstick pan"}));
    EXPECT_EQ(hits("hotdog"), (Titles{"hot dog"}));
    request_.match.split_join_tokens = SplitJoin::kOff;
    EXPECT_TRUE(hits("hotdog").empty());
}

TEST_F(Search, PhrasesAndExclusionsAreStrict) {
    titles({"new york city", "york is new", "new jersey"});
    EXPECT_EQ(hits("\"new york\""), (Titles{"new york city"}));
    EXPECT_EQ(hits("new -york"), (Titles{"new jersey"}));
    EXPECT_EQ(hits("-new"), (Titles{}));
    EXPECT_EQ(hits("-jersey").size(), 2U);
}

TEST_F(Search, HeavierFieldsRankFirst) {
    add(R"({"title":"about cars","body":"engine","points":1})");
    add(R"({"title":"engine","body":"about cars","points":1})");
    EXPECT_EQ(hits("engine").front(), "engine");
    add(R"({"title":"x","body":"engine","points":1})");
    request_.fields[0].weight = 1;
    request_.match.prioritize_exact_match = false;
    EXPECT_EQ(hits("engine").front(), "x");
}

TEST_F(Search, ArrayElementsDoNotShareAWindow) {
    add(R"({"title":"a","tags":["red","car"],"points":1})");
    add(R"({"title":"b","tags":["red car"],"points":1})");
    request_.fields = {{.field = kTags}};
    EXPECT_EQ(hits("red car"), (Titles{"b", "a"}));
}

TEST_F(Search, FiltersByEveryKind) {
    add(R"({"title":"Red Car","tags":["new york","fast"],"points":5,"price":1.5})");
    add(R"({"title":"Red","tags":["york"],"points":-3})");
    add(R"({"title":"Blue Car Park","points":9,"price":-2})");
    Filter words;
    words.kind = Filter::Kind::kWords;
    words.field = kTitle;
    words.text = "car";
    EXPECT_EQ(filtered(words), 2U);
    Filter exact = words;
    exact.kind = Filter::Kind::kExact;
    exact.text = "red";
    EXPECT_EQ(filtered(exact), 1U);
    exact.field = kTags;
    exact.text = "new york";
    EXPECT_EQ(filtered(exact), 1U);
    exact.text = "york";
    EXPECT_EQ(filtered(exact), 1U) << "an element, not a part of one";
    Filter starts = words;
    starts.kind = Filter::Kind::kStartsWith;
    starts.text = "blue ca";
    EXPECT_EQ(filtered(starts), 1U);
    starts.text = "car";
    EXPECT_EQ(filtered(starts), 0U);
    Filter range;
    range.kind = Filter::Kind::kRange;
    range.field = kPoints;
    range.ranges = {{-5, 5}};
    EXPECT_EQ(filtered(range), 2U);
    range.ranges = {{5, -5}};
    EXPECT_EQ(filtered(range), 0U) << "an empty range";
    range.field = kPrice;
    range.ranges = {{code_of_double(-10), code_of_double(0)}};
    EXPECT_EQ(filtered(range), 1U);
    Filter negated;
    negated.kind = Filter::Kind::kNot;
    negated.children.push_back(range);
    EXPECT_EQ(filtered(negated), 2U);
    EXPECT_EQ(filtered(Filter::of_ids({"0", "2", "nobody"})), 2U);
}

TEST_F(Search, SortsWithMissingValuesLast) {
    add(R"({"title":"b","points":1,"price":2})");
    add(R"({"title":"a","points":2})");
    add(R"({"title":"C","points":3,"price":1})");
    request_.sort = {{.field = kPrice, .descending = true}};
    EXPECT_EQ(hits("*"), (Titles{"b", "C", "a"}));
    request_.sort = {{.field = kPrice, .descending = false}};
    EXPECT_EQ(hits("*"), (Titles{"C", "b", "a"}));
    request_.sort = {{.field = kPrice, .descending = false, .missing_first = true}};
    EXPECT_EQ(hits("*"), (Titles{"a", "C", "b"}));
    request_.sort = {{.field = kTitle, .descending = false}};
    EXPECT_EQ(hits("*"), (Titles{"a", "b", "C"}));
}

TEST_F(Search, CountsFacetsExactly) {
    add(R"({"title":"x","tags":["a","bb"],"points":1,"price":0.5})");
    add(R"({"title":"x","tags":["bb"],"points":2,"price":1.5})");
    add(R"({"title":"x","tags":["cc"],"points":3})");
    add(R"({"title":"x","tags":["cc","a"],"points":3})");
    request_.facets = {{.field = kTags}, {.field = kPrice}, {.field = kPoints}};
    request_.facets[2].ranges = {{"low", 0, 3}, {"high", 3, 100}, {"none", 100, 200}};
    const SearchResult result = run("*");
    const auto& tags = result.facets[0];
    ASSERT_EQ(tags.counts.size(), 3U);
    EXPECT_EQ(tags.counts[0].value, "a") << "ties: shorter first";
    EXPECT_EQ(tags.counts[1].value, "cc") << "then the greater one";
    EXPECT_EQ(tags.counts[1].count, 2U);
    EXPECT_EQ(result.facets[1].stats->sum, 2.0);
    EXPECT_EQ(result.facets[1].stats->avg, 1.0);
    EXPECT_EQ(result.facets[1].counts.size(), 2U);
    ASSERT_EQ(result.facets[2].counts.size(), 2U);
    EXPECT_EQ(result.facets[2].counts[0].count, 2U);
    request_.facets = {{.field = kTags, .query = "b"}};
    const auto queried = run("*").facets[0];
    ASSERT_EQ(queried.counts.size(), 1U);
    EXPECT_EQ(queried.counts[0].highlighted, "<mark>b</mark>b");
}

TEST_F(Search, HighlightsWhatMatched) {
    add(R"({"title":"The Harry Potter Book","points":1})");
    request_.highlight.fields = {kTitle};
    const SearchResult result = run("hary pott");
    ASSERT_EQ(result.hits.size(), 1U);
    ASSERT_EQ(result.hits[0].highlights.size(), 1U);
    const HighlightedValue& value = result.hits[0].highlights[0].values[0];
    EXPECT_EQ(value.snippet, "The <mark>Harry</mark> <mark>Pott</mark>er Book");
    EXPECT_EQ(value.matched_tokens, (std::vector<std::string>{"Harry", "Pott"}));
}

TEST_F(Search, SnippetsShowTheBestWindow) {
    std::string body;
    for (int i = 0; i < 60; ++i) {
        body += "w" + std::to_string(i) + " ";
    }
    add(R"({"title":"t","body":")" + body + R"(needle hay end","points":1})");
    request_.highlight.fields = {kBody};
    request_.highlight.affix_num_tokens = 2;
    EXPECT_EQ(
        run("needle").hits[0].highlights[0].values[0].snippet,
        "w58 w59 <mark>needle</mark> hay end"
    );
}

TEST_F(Search, PinsAndHides) {
    titles({"one x", "two x", "three x", "four"});
    request_.pinned_ids[1] = {"3"};
    request_.hidden_ids = {"0"};
    EXPECT_EQ(hits("x"), (Titles{"four", "three x", "two x"}));
    EXPECT_TRUE(run("x").hits[0].curated);
}

TEST_F(Search, TextMatchBucketsGiveWayToTheNextKey) {
    titles({"red car", "red fast car", "car in red"});
    request_.sort = {
        {.by = SortKey::By::kTextMatch, .buckets = 1},
        {.field = kPoints, .descending = false}};
    EXPECT_EQ(hits("red car"), (Titles{"red car", "red fast car", "car in red"}));
    request_.sort[1].descending = true;
    EXPECT_EQ(hits("red car"), (Titles{"car in red", "red fast car", "red car"}));
}

TEST_F(Search, DeletedDocumentsAreGone) {
    titles({"one", "two", "one two", "three", "one"});
    ASSERT_TRUE(index_.erase("0").ok());
    index_.publish(++seq_);
    EXPECT_EQ(run("one").found, 2U);
    EXPECT_EQ(matching_ids(*index_.snapshot(), Filter{}, 10).value().size(), 4U);
}

TEST_F(Search, ScansInSlices) {
    titles({"a", "b", "c", "d", "e"});
    ScanPosition position;
    std::vector<std::string> out;
    ASSERT_TRUE(scan_documents(*index_.snapshot(), Filter{}, 3, position, out).ok());
    EXPECT_EQ(out.size(), 3U);
    ASSERT_TRUE(scan_documents(*index_.snapshot(), Filter{}, 3, position, out).ok());
    EXPECT_EQ(out.size(), 5U);
}

}  // namespace
}  // namespace kumo::search
