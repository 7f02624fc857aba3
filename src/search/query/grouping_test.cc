#include "base/random.h"
#include "search/query/search.h"
#include "wire/json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

// Grouped searches against a model: the same search without groups, sorted into groups by hand.

namespace kumo::search {
namespace {

constexpr std::size_t kTitle = 0;
constexpr std::size_t kBrand = 1;
constexpr std::size_t kColors = 2;
constexpr std::size_t kSize = 3;
constexpr std::size_t kPoints = 4;

std::shared_ptr<const Schema> shirts() {
    Schema schema;
    schema.fields.push_back({.name = "title"});
    schema.fields.push_back({.name = "brand", .facet = true, .optional = true});
    schema.fields.push_back({.name = "colors", .array = true, .facet = true, .optional = true});
    schema.fields.push_back(
        {.name = "size", .type = ValueType::kInt32, .facet = true, .optional = true}
    );
    schema.fields.push_back({.name = "points", .type = ValueType::kInt32, .sort = true});
    return std::make_shared<const Schema>(schema);
}

/// One group of the model.
struct Model {
    std::vector<std::string> key;
    std::uint64_t found = 0;
    std::vector<std::string> documents;
};

class Grouping : public testing::TestWithParam<std::uint64_t> {
protected:
    std::size_t pick(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }

    std::string one_of(const std::vector<std::string>& words) { return words[pick(words.size())]; }

    void write(std::size_t number) {
        std::string json = R"({"id":"id)" + std::to_string(number) + R"(","title":")"
                           + one_of({"shirt", "blue shirt", "shirts", "coat"}) + R"(","points":)"
                           + std::to_string(pick(6));
        json += pick(4) == 0 ? "" : R"(,"brand":")" + one_of({"Omega", "beta", "Xorp, Y"}) + "\"";
        json += pick(4) == 0 ? "" : R"(,"size":)" + std::to_string(pick(3));
        if (pick(4) != 0) {
            json += R"(,"colors":["red")";
            json += pick(2) == 0 ? "" : R"(,"blue")";
            json += pick(3) == 0 ? R"(,"red"])" : "]";
        }
        ASSERT_TRUE(index_.write(WriteAction::kUpsert, json + "}", DirtyValues::kReject).ok());
    }

    void change() {
        const std::size_t number = pick(60);
        if (pick(5) == 0) {
            (void)index_.erase("id" + std::to_string(number));
        } else {
            write(number);
        }
        index_.publish(++seq_);
        if (pick(20) == 0 && index_.wants_seal(true)) {
            const auto job = index_.begin_seal();
            files_[job.segment_id] = job.run().value();
            index_.finish_seal(
                open_segment(index_.schema(), files_[job.segment_id], nullptr).value()
            );
        }
    }

    SearchRequest request() {
        SearchRequest out;
        out.q = one_of({"*", "shirt", "blue", "shirts"});
        out.fields.push_back({.field = kTitle});
        if (pick(3) == 0) {
            out.filter.kind = Filter::Kind::kRange;
            out.filter.field = kPoints;
            out.filter.ranges = {{1, 4}};
        }
        if (pick(2) == 0) {
            out.sort.push_back({.field = kPoints, .descending = pick(2) == 0});
        }
        out.facets.push_back({.field = kColors});
        out.facets.push_back({.field = kSize, .ranges = {{"small", 0, 1}, {"large", 1, 9}}});
        return out;
    }

    GroupRequest grouping() {
        GroupRequest out;
        const std::vector<std::vector<std::size_t>> fields =
            {{kBrand}, {kSize}, {kColors}, {kBrand, kSize}, {kColors, kBrand}};
        out.fields = fields[pick(fields.size())];
        out.limit = static_cast<std::uint32_t>(1 + pick(4));
        out.missing_together = pick(2) == 0;
        return out;
    }

    SearchResult run(const SearchRequest& request) const {
        auto result = search(*index_.snapshot(), request, system_clock());
        EXPECT_TRUE(result.ok());
        return std::move(result).value();
    }

    static std::vector<std::string> key_of(const GroupRequest& by, const std::string& document) {
        const auto json = wire::JsonDocument::parse(document).value();
        const auto schema = shirts();
        std::vector<std::string> key;
        for (const std::size_t field : by.fields) {
            const auto value = json.root().find(schema->fields[field].name);
            key.emplace_back(value ? value.raw() : "missing");
        }
        return key;
    }

    /// Which group a document is in, as text.
    static std::string group_of(const GroupRequest& by, const std::string& document) {
        std::string out;
        bool missing = true;
        for (const std::string& value : key_of(by, document)) {
            out += value + "|";
            missing = missing && value == "missing";
        }
        return missing && !by.missing_together ? document : out;
    }

    static std::vector<Model> model(const GroupRequest& by, const std::vector<Hit>& hits) {
        std::vector<Model> groups;
        std::map<std::string, std::size_t> places;
        for (const Hit& hit : hits) {
            const auto [at, added] = places.try_emplace(group_of(by, hit.document), groups.size());
            if (added) {
                Model& group = groups.emplace_back();
                group.key = key_of(by, hit.document);
                std::erase(group.key, "missing");
            }
            Model& group = groups[at->second];
            ++group.found;
            if (group.documents.size() < by.limit) {
                group.documents.push_back(hit.document);
            }
        }
        return groups;
    }

    static void expect_page(
        const SearchResult& result,
        const std::vector<Model>& expected,
        const SearchRequest& asked
    ) {
        const std::size_t begin = std::min<std::size_t>(asked.offset, expected.size());
        const std::size_t end = std::min<std::size_t>(begin + asked.limit, expected.size());
        ASSERT_EQ(result.groups.size(), end - begin);
        for (std::size_t i = begin; i < end; ++i) {
            const HitGroup& group = result.groups[i - begin];
            EXPECT_EQ(group.key, expected[i].key);
            EXPECT_EQ(group.found, expected[i].found);
            std::vector<std::string> documents;
            for (const Hit& hit : group.hits) {
                documents.push_back(hit.document);
            }
            EXPECT_EQ(documents, expected[i].documents);
        }
    }

    /// How many groups have each colour.
    static std::map<std::string, std::uint64_t>
    colours(const GroupRequest& by, const std::vector<Hit>& hits) {
        std::map<std::string, std::set<std::string>> groups;
        for (const Hit& hit : hits) {
            const auto json = wire::JsonDocument::parse(hit.document).value();
            const auto colors = json.root().find("colors");
            if (!colors) {
                continue;
            }
            for (const wire::JsonValue color : colors.as_array()) {
                groups[std::string(color.as_string())].insert(group_of(by, hit.document));
            }
        }
        std::map<std::string, std::uint64_t> out;
        for (const auto& [color, in] : groups) {
            out[color] = in.size();
        }
        return out;
    }

    SeededRandom random_{GetParam()};
    Index index_{shirts(), Manifest{}, {}, IndexLimits{.merge_factor = 3}};
    std::map<std::uint64_t, std::string> files_;
    std::uint64_t seq_ = 0;
};

TEST_P(Grouping, SortsTheSameHitsIntoGroups) {
    for (int round = 0; round < 100; ++round) {
        for (int i = 0; i < 10; ++i) {
            change();
        }
        SearchRequest asked = request();
        asked.limit = 1000;
        const SearchResult flat = run(asked);
        asked.group = grouping();
        asked.offset = pick(4);
        asked.limit = pick(8);
        const SearchResult result = run(asked);
        const std::vector<Model> expected = model(*asked.group, flat.hits);
        EXPECT_TRUE(result.grouped);
        EXPECT_TRUE(result.hits.empty());
        EXPECT_EQ(result.found, expected.size());
        EXPECT_EQ(result.found_docs, flat.found);
        expect_page(result, expected, asked);
        std::map<std::string, std::uint64_t> counts;
        for (const FacetValue& value : result.facets[0].counts) {
            counts[value.value] = value.count;
        }
        EXPECT_EQ(counts, colours(*asked.group, flat.hits));
        if (HasFailure()) {
            return;
        }
    }
}

TEST_P(Grouping, SortsBySizeOfGroups) {
    for (int i = 0; i < 80; ++i) {
        change();
    }
    SearchRequest asked = request();
    asked.sort = {{.by = SortKey::By::kGroupFound}, {.field = kPoints}};
    asked.limit = 1000;
    asked.group = grouping();
    SearchRequest flat = asked;
    flat.group.reset();
    flat.sort.erase(flat.sort.begin());
    std::vector<Model> expected = model(*asked.group, run(flat).hits);
    std::stable_sort(expected.begin(), expected.end(), [](const Model& a, const Model& b) {
        return a.found > b.found;
    });
    expect_page(run(asked), expected, asked);
}

TEST_P(Grouping, PinnedDocumentsBringTheirGroups) {
    for (int i = 0; i < 80; ++i) {
        change();
    }
    SearchRequest asked = request();
    asked.limit = 1000;
    asked.sort = {{.field = kPoints}};
    asked.hidden_ids = {"id1", "id2", "id3", "id9"};
    const std::vector<Hit> ranked = run(asked).hits;
    SearchRequest pins;
    pins.filter = Filter::of_ids({"id1", "id2", "id3"});
    std::map<std::string, Hit> by_id;
    for (Hit& hit : run(pins).hits) {
        by_id[hit.document.substr(7, 3)] = hit;
    }
    // All pins stand at the front in the order they are given in, so the model is the pinned
    // documents followed by the ranked ones.
    std::vector<Hit> all;
    for (const char* id : {"id2", "id1", "id3"}) {
        if (by_id.contains(id)) {
            all.push_back(by_id[id]);
        }
    }
    all.insert(all.end(), ranked.begin(), ranked.end());
    asked.group = grouping();
    asked.hidden_ids = {"id9"};
    asked.pinned_ids = {{1, {"id2", "none", "id1", "id3", "id2"}}};
    const SearchResult result = run(asked);
    expect_page(result, model(*asked.group, all), asked);
    for (const HitGroup& group : result.groups) {
        for (const Hit& hit : group.hits) {
            EXPECT_EQ(
                hit.curated,
                by_id.contains(hit.document.substr(7, hit.document.find('"', 7) - 7))
            );
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Grouping, testing::Range<std::uint64_t>(1, 9));

class GroupPins : public Grouping {};

TEST_P(GroupPins, APinnedGroupHasItsPosition) {
    for (std::size_t i = 0; i < 40; ++i) {
        write(i);
    }
    index_.publish(++seq_);
    SearchRequest asked;
    asked.group = GroupRequest{.fields = {kBrand}};
    asked.limit = 100;
    const SearchResult before = run(asked);
    ASSERT_EQ(before.groups.size(), 4U);
    const std::string last = before.groups[3].hits[2].document;
    const std::string id = last.substr(7, last.find('"', 7) - 7);
    asked.pinned_ids = {{2, {id}}, {900, {"id-none"}}};
    asked.offset = 1;
    asked.limit = 2;
    const SearchResult pinned = run(asked);
    EXPECT_EQ(pinned.found, 4U);
    EXPECT_EQ(pinned.found_docs, 40U);
    ASSERT_EQ(pinned.groups.size(), 2U);
    EXPECT_EQ(pinned.groups[0].key, before.groups[3].key);
    EXPECT_EQ(pinned.groups[0].found, before.groups[3].found);
    EXPECT_EQ(pinned.groups[0].hits[0].document, last);
    EXPECT_EQ(pinned.groups[0].hits[1].document, before.groups[3].hits[0].document);
    EXPECT_EQ(pinned.groups[0].hits.size(), 3U);
    EXPECT_EQ(pinned.groups[1].key, before.groups[1].key);
}

INSTANTIATE_TEST_SUITE_P(Seed, GroupPins, testing::Values(1));

}  // namespace
}  // namespace kumo::search
