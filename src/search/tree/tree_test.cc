#include "search/tree/tree.h"

#include "search/column/codes.h"
#include "search/index/index.h"
#include "search/tree/function_score.h"
#include "search/tree/internal/phrase_matcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kumo::search::tree {
namespace {

constexpr std::size_t kTitle = 0;
constexpr std::size_t kTag = 1;
constexpr std::size_t kYear = 2;
constexpr std::size_t kPlace = 3;
constexpr std::size_t kPrice = 4;

/// Documents in one live and several sealed segments; some are deleted.
class TreeWorld {
public:
    TreeWorld() : index_(schema(), Manifest{}, {}) {}

    void add(const std::string& id, const std::string& rest) {
        const auto written = index_.write(
            WriteAction::kUpsert,
            R"({"id":")" + id + "\"," + rest + "}",
            DirtyValues::kReject
        );
        ASSERT_TRUE(written.ok()) << written.error().message;
        index_.publish(++seq_);
        if (seq_ % 3 == 0) {
            const auto job = index_.begin_seal();
            files_[job.segment_id] = job.run().value();
            index_.finish_seal(
                open_segment(index_.schema(), files_[job.segment_id], nullptr).value()
            );
        }
    }

    void titles(const std::vector<std::string>& titles) {
        for (std::size_t i = 0; i < titles.size(); ++i) {
            add(std::to_string(i), R"("title":")" + titles[i] + "\"");
        }
    }

    /// Ids in their order of arrival, and scores.
    std::map<std::string, float> scores(const NodePtr& node, Limits limits = {}) {
        const auto snapshot = index_.snapshot();
        Evaluation evaluation(*snapshot, limits);
        auto found = evaluate(*node, evaluation, true);
        EXPECT_TRUE(found.ok()) << found.error().message;
        std::map<std::string, float> out;
        for (std::size_t p = 0; found.ok() && p < found.value().size(); ++p) {
            const Matches& matches = found.value()[p];
            EXPECT_TRUE(std::is_sorted(matches.docs.begin(), matches.docs.end()));
            for (std::size_t i = 0; i < matches.size(); ++i) {
                out[id_of(*snapshot->parts[p].segment, matches.docs[i])] = matches.score_at(i);
            }
        }
        return out;
    }

    std::string ids(const NodePtr& node) {
        std::string out;
        for (const auto& [id, score] : scores(node)) {
            out += out.empty() ? id : " " + id;
        }
        return out;
    }

    Status run(const NodePtr& node, Limits limits) {
        const auto snapshot = index_.snapshot();
        Evaluation evaluation(*snapshot, limits);
        auto found = evaluate(*node, evaluation, true);
        if (!found.ok()) {
            return std::move(found).error();
        }
        return {};
    }

private:
    static std::shared_ptr<const Schema> schema() {
        Schema out;
        out.fields.push_back({.name = "title", .optional = true});
        out.fields.push_back({.name = "tag", .array = true, .optional = true, .exact = true});
        out.fields.push_back({.name = "year", .type = ValueType::kInt64, .optional = true});
        out.fields.push_back({.name = "place", .type = ValueType::kGeoPoint, .optional = true});
        out.fields.push_back({.name = "price", .type = ValueType::kFloat, .optional = true});
        return std::make_shared<const Schema>(out);
    }

    static std::string id_of(const SegmentReader& segment, DocId doc) {
        std::string json;
        EXPECT_TRUE(segment.stored->append(doc, json).ok());
        return std::string(wire::JsonDocument::parse(json).value().root().find("id").as_string());
    }

    Index index_;
    std::map<std::uint64_t, std::string> files_;
    std::uint64_t seq_ = 0;
};

double bm25(double docs, double df, double tf, double length, double average) {
    return 2.2 * std::log(1 + (docs - df + 0.5) / (df + 0.5)) * tf
           / (tf + 1.2 * (0.25 + 0.75 * length / average));
}

TEST(Tree, ScoresTermsAsLuceneDoes) {
    TreeWorld world;
    world.titles({"red fox", "red red hen house", "blue", "green fox fox"});
    const auto found = world.scores(term(kTitle, "red"));
    ASSERT_EQ(found.size(), 2U);
    EXPECT_NEAR(found.at("0"), bm25(4, 2, 1, 2, 2.5), 1e-6);
    EXPECT_NEAR(found.at("1"), bm25(4, 2, 2, 4, 2.5), 1e-6);
    EXPECT_NEAR(world.scores(boosted(term(kTitle, "red"), 2)).at("0"), 2 * found.at("0"), 1e-6);
    EXPECT_EQ(world.scores(constant(term(kTitle, "red"))).at("1"), 1);
}

TEST(Tree, CountsDeletedDocumentsInStatistics) {
    TreeWorld world;
    world.titles({"red", "blue", "red"});
    world.add("0", R"("title":"green")");
    const auto found = world.scores(term(kTitle, "red"));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NEAR(found.at("2"), bm25(4, 2, 1, 1, 1), 1e-6);
}

TEST(Tree, ExactStringsAreTermsWithoutLength) {
    TreeWorld world;
    world.add("0", R"("tag":["a b","c"])");
    world.add("1", R"("tag":["c"])");
    world.add("2", R"("tag":["d"])");
    world.add("3", R"("tag":["a b"])");
    const auto found = world.scores(term(kTag, "a b", {.norms = false}));
    ASSERT_EQ(found.size(), 2U);
    EXPECT_NEAR(found.at("0"), bm25(4, 2, 1, 1, 1.25), 1e-6);
    EXPECT_EQ(found.at("0"), found.at("3"));
    EXPECT_EQ(world.ids(terms(kTag, {"c", "d"})), "0 1 2");
    EXPECT_EQ(world.ids(pattern(kTag, prefix_pattern("a"))), "0 3");
    EXPECT_EQ(world.ids(term_range(kTag, {"a b", "c", false, true})), "0 1");
    EXPECT_EQ(world.ids(exists(kTag)), "0 1 2 3");
    EXPECT_EQ(world.ids(fuzzy(kTag, {.text = "e", .edits = 1})), "");
    EXPECT_EQ(world.ids(fuzzy(kTag, {.text = "ab", .edits = 1})), "0 3");
}

TEST(Tree, AddsUpClauses) {
    TreeWorld world;
    world.titles({"red fox", "red hen", "blue fox", "green"});
    const auto one = [](const char* text) {
        return term(kTitle, text);
    };
    Boolean any;
    any.should = {one("red"), one("fox")};
    const auto found = world.scores(boolean(any));
    ASSERT_EQ(found.size(), 3U);
    EXPECT_NEAR(found.at("0"), found.at("1") + found.at("2"), 1e-6);
    any.should_min = 2;
    EXPECT_EQ(world.ids(boolean(any)), "0");
    Boolean all;
    all.must = {one("red")};
    all.should = {one("fox")};
    EXPECT_EQ(
        world.scores(boolean(all)),
        (std::map<std::string, float>{{"0", found.at("0")}, {"1", found.at("1")}})
    );
    Boolean filter;
    filter.filter = {one("red")};
    filter.must_not = {one("hen")};
    EXPECT_EQ(world.scores(boolean(filter)), (std::map<std::string, float>{{"0", 0}}));
    Boolean none;
    none.must_not = {one("red")};
    EXPECT_EQ(world.ids(boolean(none)), "2 3");
    EXPECT_EQ(world.ids(boolean({})), "0 1 2 3");
    const auto best = world.scores(dis_max({one("red"), one("fox")}, 0.5F));
    EXPECT_NEAR(best.at("0"), 1.5 * static_cast<double>(best.at("1")), 1e-6);
    EXPECT_EQ(world.run(boolean(any), {.clauses_max = 1}).error().code, ErrorCode::kLimitExceeded);
    EXPECT_EQ(
        world.run(boolean(any), {.bytes_max = 10}).error().code,
        ErrorCode::kResourceExhausted
    );
}

TEST(Tree, FindsPhrases) {
    TreeWorld world;
    world.titles(
        {"the quick brown fox", "quick the brown", "brown quick", "quick brown quick brown"}
    );
    const auto of = [](std::vector<std::string> words, std::uint32_t slop) {
        Phrase out;
        for (std::uint32_t i = 0; i < words.size(); ++i) {
            out.places.push_back({i, {words[i]}});
        }
        out.slop = slop;
        return out;
    };
    const auto found = world.scores(phrase(kTitle, of({"quick", "brown"}, 0)));
    ASSERT_EQ(found.size(), 2U);
    const double idf = 2 * std::log(1 + 0.5 / 4.5);
    EXPECT_NEAR(found.at("0"), 2.2 * idf / (1 + 1.2 * (0.25 + 0.75 * 4 / 3.25)), 1e-6);
    EXPECT_NEAR(found.at("3"), 2.2 * idf * 2 / (2 + 1.2 * (0.25 + 0.75 * 4 / 3.25)), 1e-6);
    EXPECT_EQ(world.ids(phrase(kTitle, of({"quick", "brown"}, 1))), "0 1 3");
    EXPECT_EQ(world.ids(phrase(kTitle, of({"quick", "brown"}, 2))), "0 1 2 3");
    EXPECT_EQ(world.ids(phrase(kTitle, of({"quick", "quick"}, 2))), "3");
    Phrase prefix = of({"brown", "f"}, 0);
    prefix.last_is_prefix = true;
    EXPECT_EQ(world.ids(phrase(kTitle, prefix)), "0");
}

TEST(Tree, CountsSloppyPhrasesByTheirMoves) {
    const std::vector<PlacePositions> places{{0, 0, {0, 10}}, {1, 1, {3, 11}}};
    EXPECT_NEAR(sloppy_frequency(places, 2), 1.0 / 3 + 1, 1e-6);
    EXPECT_NEAR(sloppy_frequency(places, 0), 1, 1e-6);
    EXPECT_EQ(exact_frequency(places), 1);
}

TEST(Tree, ExpandsTerms) {
    TreeWorld world;
    world.titles({"roof", "root", "boot", "rooftop", "color colour"});
    EXPECT_EQ(world.ids(pattern(kTitle, prefix_pattern("roo"))), "0 1 3");
    EXPECT_EQ(world.ids(pattern(kTitle, wildcard_pattern("?oo*t", false).value())), "1 2");
    EXPECT_EQ(world.ids(pattern(kTitle, regexp_pattern("colou?r|b.+", {}, false).value())), "2 4");
    EXPECT_EQ(world.ids(pattern(kTitle, regexp_pattern("RO@", {}, true).value())), "0 1 3");
    EXPECT_EQ(world.ids(term_range(kTitle, {"color", "roof", false, true})), "0 4");
    EXPECT_EQ(world.ids(fuzzy(kTitle, {.text = "rooft", .edits = 1})), "0 1");
    EXPECT_EQ(world.ids(fuzzy(kTitle, {.text = "roto", .edits = 1})), "1");
    EXPECT_EQ(world.ids(fuzzy(kTitle, {.text = "roto", .edits = 1, .swaps = false})), "");
    EXPECT_EQ(world.ids(fuzzy(kTitle, {.text = "boof", .edits = 1, .prefix_points = 1})), "2");
    EXPECT_EQ(regexp_pattern("~a", {}, false).error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(regexp_pattern("(a", {}, false).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(regexp_pattern("((((a{1000}){1000}){1000}){1000}", {}, false).ok(), false);
    EXPECT_TRUE(regexp_pattern("a<1-20>b", {}, false).value()->matches("a07b"));
    EXPECT_FALSE(regexp_pattern("a<1-20>b", {}, false).value()->matches("a21b"));
    EXPECT_TRUE(regexp_pattern("ab*+", {}, false).value()->matches("abbb"));
    EXPECT_EQ(regexp_pattern("abc?d", {}, false).value()->prefix(), "ab");
}

TEST(Tree, FuzzyTermsCountAsTheMostFrequentOne) {
    TreeWorld world;
    world.titles({"roof", "roof", "rood", "x"});
    const auto found = world.scores(fuzzy(kTitle, {.text = "roof", .edits = 1}));
    EXPECT_NEAR(found.at("0"), bm25(4, 2, 1, 1, 1), 1e-6);
    EXPECT_NEAR(found.at("2"), 0.75 * bm25(4, 2, 1, 1, 1), 1e-6);
}

TEST(Tree, MatchesNumbersAndPlaces) {
    TreeWorld world;
    world.add("0", R"("year":1999,"place":[52.52,13.4])");
    world.add("1", R"("year":2005,"place":[48.85,2.35])");
    world.add("2", R"("year":2010,"price":2.5)");
    world.add("3", R"("title":"x")");
    EXPECT_EQ(world.ids(code_range(kYear, 2000, 2010)), "1 2");
    EXPECT_EQ(world.ids(codes(kYear, {2010, 1999, 7})), "0 2");
    EXPECT_EQ(world.ids(exists(kPrice)), "2");
    EXPECT_EQ(world.ids(exists(kTitle)), "3");
    EXPECT_EQ(world.ids(ids({"3", "1", "9"})), "1 3");
    EXPECT_EQ(world.ids(in_region(kPlace, GeoRegion::circle({52.5, 13.4}, 10000))), "0");
    EXPECT_EQ(world.ids(in_box(kPlace, {50, 0, 40, 10})), "1");
    EXPECT_NEAR(world.scores(code_term(kYear, 1999)).at("0"), std::log(1 + 2.5 / 1.5), 1e-6);
}

TEST(Tree, ChangesScoresByFunctions) {
    TreeWorld world;
    world.add("0", R"("year":4,"title":"a")");
    world.add("1", R"("year":9,"title":"a")");
    world.add("2", R"("year":16)");
    FunctionScore score;
    score.query = match_all();
    score.functions.push_back(
        {nullptr, field_function({.field = kYear, .modifier = FieldModifier::kSqrt}), 1}
    );
    score.functions.push_back({term(kTitle, "a"), nullptr, 5});
    EXPECT_EQ(
        world.scores(function_score(score)),
        (std::map<std::string, float>{{"0", 10}, {"1", 15}, {"2", 4}})
    );
    score.score_mode = ScoreMode::kSum;
    score.boost_mode = BoostMode::kSum;
    score.min_score = 8.5F;
    EXPECT_EQ(world.scores(function_score(score)), (std::map<std::string, float>{{"1", 9}}));
    score.min_score.reset();
    score.boost_mode = BoostMode::kReplace;
    score.functions = {
        {nullptr,
         decay_function({.shape = DecayShape::kLinear, .field = kYear, .origin = 4, .scale = 5})}};
    const auto found = world.scores(function_score(score));
    EXPECT_NEAR(found.at("0"), 1, 1e-6);
    EXPECT_NEAR(found.at("1"), 0.5, 1e-6);
    EXPECT_NEAR(found.at("2"), 0, 1e-6);
}

TEST(Tree, AsksForEachDocument) {
    TreeWorld world;
    world.titles({"a", "a", "b"});
    const auto odd = [](const DocRef& doc) -> Result<std::optional<float>> {
        return doc.doc % 2 == 1 ? std::optional<float>(3) : std::nullopt;
    };
    EXPECT_EQ(
        world.scores(boosted(computed(term(kTitle, "a"), odd), 2)),
        (std::map<std::string, float>{{"1", 6}})
    );
}

}  // namespace
}  // namespace kumo::search::tree
