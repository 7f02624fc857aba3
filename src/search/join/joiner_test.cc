#include "search/join/joiner.h"

#include "base/random.h"
#include "search/query/matched_search.h"
#include "search/query/search.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace kumo::search {
namespace {

constexpr std::size_t kName = 0;
constexpr std::size_t kCode = 1;
constexpr std::size_t kPoints = 2;
constexpr std::size_t kByName = 0;
constexpr std::size_t kByCode = 1;
constexpr std::size_t kById = 2;
constexpr std::size_t kWeight = 3;

std::shared_ptr<const Schema> targets() {
    Schema schema;
    schema.fields.push_back({.name = "name"});
    schema.fields.push_back({.name = "code", .type = ValueType::kInt64});
    schema.fields.push_back({.name = "points", .type = ValueType::kInt32, .sort = true});
    return std::make_shared<const Schema>(schema);
}

std::shared_ptr<const Schema> sources() {
    Schema schema;
    schema.fields.push_back({.name = "by_name", .array = true, .reference = "targets.name"});
    schema.fields.push_back(
        {.name = "by_code", .type = ValueType::kInt64, .reference = "targets.code"}
    );
    schema.fields.push_back({.name = "by_id", .reference = "targets.id"});
    schema.fields.push_back({.name = "weight", .type = ValueType::kInt32, .sort = true});
    return std::make_shared<const Schema>(schema);
}

struct Target {
    std::string name;
    int code = 0;
    int points = 0;
};

struct Source {
    std::vector<std::string> names;
    int code = 0;
    std::string id;
    int weight = 0;
};

class JoinerTest : public testing::TestWithParam<std::uint64_t> {
protected:
    int pick(int bound) {
        return static_cast<int>(random_.below(static_cast<std::uint64_t>(bound)));
    }

    void put(Index& index, const std::string& json) {
        const auto written = index.write(WriteAction::kUpsert, json, DirtyValues::kReject);
        ASSERT_TRUE(written.ok()) << written.error().message;
    }

    /// Some writes and deletes, and now and then what the owner of an index does.
    void change() {
        for (int i = 0; i < 40; ++i) {
            const std::string id = std::to_string(pick(60));
            const Target target{"n " + std::to_string(pick(40)), pick(40), pick(100)};
            put(targets_,
                R"({"id":")" + id + R"(","name":")" + target.name + R"(","code":)"
                    + std::to_string(target.code) + R"(,"points":)" + std::to_string(target.points)
                    + "}");
            target_model_[id] = target;
        }
        for (int i = 0; i < 40; ++i) {
            const std::string id = std::to_string(pick(80));
            Source source{{}, pick(50), std::to_string(pick(80)), pick(100)};
            std::string names;
            for (int n = pick(3); n >= 0; --n) {
                source.names.push_back("n " + std::to_string(pick(50)));
                names += (names.empty() ? "\"" : ",\"") + source.names.back() + "\"";
            }
            put(sources_,
                R"({"id":")" + id + R"(","by_name":[)" + names + R"(],"by_code":)"
                    + std::to_string(source.code) + R"(,"by_id":")" + source.id + R"(","weight":)"
                    + std::to_string(source.weight) + "}");
            source_model_[id] = source;
        }
        for (int i = 0; i < 6; ++i) {
            const std::string id = std::to_string(pick(60));
            (void)targets_.erase(id);
            target_model_.erase(id);
            (void)sources_.erase(id);
            source_model_.erase(id);
        }
        for (Index* index : {&targets_, &sources_}) {
            index->publish(++seq_);
            if (pick(2) == 0 && index->wants_seal(true)) {
                const auto bytes = std::make_shared<std::string>(index->begin_seal().run().value());
                index->finish_seal(open_segment(index->schema(), *bytes, bytes).value());
            }
            if (auto merge = pick(3) == 0 ? index->begin_merge(true) : std::nullopt) {
                const auto bytes = std::make_shared<std::string>(merge->run().value());
                index->finish_merge(*merge, open_segment(index->schema(), *bytes, bytes).value());
            }
            index->publish(++seq_);
        }
    }

    bool joined(const Source& source, const std::string& id, const Target& target, int by) const {
        if (by == 0) {
            return std::find(source.names.begin(), source.names.end(), target.name)
                   != source.names.end();
        }
        return by == 1 ? source.code == target.code : source.id == id;
    }

    JoinStep step(int by, bool forward) const {
        constexpr std::size_t kReferences[] = {kByName, kByCode, kById};
        const std::optional<std::size_t> keys[] = {kName, kCode, std::nullopt};
        JoinStep out;
        out.forward = forward;
        const std::optional<std::size_t> reference = kReferences[by];
        out.from = forward ? reference : keys[by];
        out.to = forward ? keys[by] : reference;
        return out;
    }

    SearchRequest request(const JoinStep& to, std::size_t field, int above) {
        Join join;
        join.step = to;
        join.filter.kind = Filter::Kind::kRange;
        join.filter.field = field;
        join.filter.ranges = {{above, INT64_MAX}};
        SearchRequest out;
        const Index& there = to.forward ? targets_ : sources_;
        out.joins.collections.push_back(
            {"there", there.snapshot()->schema, std::nullopt, there.snapshot()}
        );
        out.filter.kind = Filter::Kind::kJoin;
        out.filter.join = std::make_shared<const Join>(std::move(join));
        out.limit = 1000;
        return out;
    }

    static std::set<std::string> ids_of(const SearchResult& result) {
        std::set<std::string> out;
        for (const Hit& hit : result.hits) {
            const auto json = wire::JsonDocument::parse(hit.document).value();
            out.emplace(json.root().find("id").as_string());
        }
        return out;
    }

    SeededRandom random_{GetParam()};
    Index targets_{targets(), Manifest{}, {}};
    Index sources_{sources(), Manifest{}, {}};
    std::map<std::string, Target> target_model_;
    std::map<std::string, Source> source_model_;
    std::uint64_t seq_ = 0;
    KeyTables tables_;
};

TEST_P(JoinerTest, FindsWhatAModelFinds) {
    for (int round = 0; round < 12; ++round) {
        change();
        const int by = pick(3);
        const int above = pick(100);
        std::set<std::string> expected;
        std::set<std::string> expected_back;
        for (const auto& [id, source] : source_model_) {
            for (const auto& [target_id, target] : target_model_) {
                if (!joined(source, target_id, target, by)) {
                    continue;
                }
                if (target.points >= above) {
                    expected.insert(id);
                }
                if (source.weight >= above) {
                    expected_back.insert(target_id);
                }
            }
        }
        KeyTables* tables = pick(2) == 0 ? &tables_ : nullptr;
        const auto found = search(
            *sources_.snapshot(),
            request(step(by, true), kPoints, above),
            system_clock(),
            tables
        );
        ASSERT_TRUE(found.ok()) << found.error().message;
        EXPECT_EQ(ids_of(found.value()), expected);
        const auto back = search(
            *targets_.snapshot(),
            request(step(by, false), kWeight, above),
            system_clock(),
            tables
        );
        ASSERT_TRUE(back.ok()) << back.error().message;
        EXPECT_EQ(ids_of(back.value()), expected_back);
    }
}

TEST_P(JoinerTest, ShowsAndSortsAsAModelDoes) {
    change();
    change();
    const int by = pick(3);
    SearchRequest asked = request(step(by, false), kWeight, pick(50));
    const std::int64_t above = asked.filter.join->filter.ranges[0].first;
    JoinInclude include;
    include.path.push_back({asked.filter.join->step, asked.filter.join->filter});
    asked.joins.includes.push_back(include);
    JoinSort sort;
    sort.step = include.path.front();
    sort.field = kWeight;
    asked.sort.push_back(
        {.by = SortKey::By::kJoined,
         .descending = false,
         .join = std::make_shared<const JoinSort>(sort)}
    );
    const auto found = search(*targets_.snapshot(), asked, system_clock(), &tables_).value();
    int last = -1;
    for (const Hit& hit : found.hits) {
        const auto json = wire::JsonDocument::parse(hit.document).value();
        const std::string id(json.root().find("id").as_string());
        int least = 1000;
        std::size_t count = 0;
        for (const auto& [source_id, source] : source_model_) {
            if (source.weight >= above && joined(source, id, target_model_[id], by)) {
                ++count;
                least = std::min(least, source.weight);
            }
        }
        ASSERT_EQ(hit.joined.size(), 1U);
        EXPECT_EQ(hit.joined[0].documents.size(), count);
        EXPECT_EQ(hit.joined[0].found, count);
        EXPECT_GE(least, last);
        last = least;
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, JoinerTest, testing::Range(std::uint64_t{1}, std::uint64_t{21}));

TEST(KeyTables, KeepsWhatFits) {
    Index index(targets(), Manifest{}, {});
    std::string json;
    for (int i = 0; i < 100; ++i) {
        json = R"({"name":"n)" + std::to_string(i) + R"(","code":1,"points":1})";
        ASSERT_TRUE(index.write(WriteAction::kCreate, json, DirtyValues::kReject).ok());
    }
    index.publish(1);
    KeyTables tables(8192);
    const auto snapshot = index.snapshot();
    const auto first = tables.get(*snapshot->parts[0].segment, *snapshot->schema, kName);
    EXPECT_EQ(tables.get(*snapshot->parts[0].segment, *snapshot->schema, kName), first);
    EXPECT_GT(tables.bytes(), 0U);
    EXPECT_LE(tables.bytes(), 8192U);
    KeyTables none(16);
    EXPECT_NE(none.get(*snapshot->parts[0].segment, *snapshot->schema, kName), nullptr);
    EXPECT_EQ(none.bytes(), 0U);
}

TEST(Joins, ThoseThatDoNotFitAreRefused) {
    Index index(sources(), Manifest{}, {});
    Index there(targets(), Manifest{}, {});
    SearchRequest request;
    request.joins.collections.push_back(
        {"there", there.snapshot()->schema, std::nullopt, there.snapshot()}
    );
    Join join;
    join.step.from = 99;
    request.filter.kind = Filter::Kind::kJoin;
    request.filter.join = std::make_shared<const Join>(join);
    EXPECT_FALSE(search(*index.snapshot(), request, system_clock()).ok());
    join.step.from = kById;
    join.step.collection = 1;
    request.filter.join = std::make_shared<const Join>(join);
    EXPECT_FALSE(search(*index.snapshot(), request, system_clock()).ok());
    join.step.collection = 0;
    request.filter.join = std::make_shared<const Join>(join);
    EXPECT_TRUE(search(*index.snapshot(), request, system_clock()).ok());
}

}  // namespace
}  // namespace kumo::search
