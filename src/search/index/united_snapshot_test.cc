#include "search/index/united_snapshot.h"

#include "base/random.h"
#include "search/column/codes.h"
#include "search/query/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

// The same documents in one index and in several: whatever is asked has to have the same answer.

namespace kumo::search {
namespace {

constexpr std::size_t kTitle = 0;
constexpr std::size_t kBody = 1;
constexpr std::size_t kTags = 2;
constexpr std::size_t kPoints = 3;
constexpr std::size_t kPrice = 4;
constexpr std::size_t kNumber = 5;

std::shared_ptr<const Schema> shop() {
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
    schema.fields.push_back({.name = "number", .type = ValueType::kInt32, .sort = true});
    return std::make_shared<const Schema>(schema);
}

/// One index that seals and merges now and then.
class Store {
public:
    explicit Store(Partition partition)
        : index_(shop(), Manifest{}, {}, IndexLimits{.merge_factor = 3}, partition) {}

    void write(const std::string& json) {
        EXPECT_TRUE(index_.write(WriteAction::kUpsert, json, DirtyValues::kReject).ok());
        index_.publish(++seq_);
    }

    void erase(const std::string& id) {
        (void)index_.erase(id);
        index_.publish(++seq_);
    }

    void seal() {
        if (!index_.wants_seal(true)) {
            return;
        }
        const auto job = index_.begin_seal();
        index_.finish_seal(open(job.segment_id, job.run().value()));
    }

    Index& index() { return index_; }

private:
    std::shared_ptr<const SegmentReader> open(std::uint64_t id, std::string bytes) {
        files_[id] = std::move(bytes);
        return open_segment(index_.schema(), files_[id], nullptr).value();
    }

    Index index_;
    std::map<std::uint64_t, std::string> files_;
    std::uint64_t seq_ = 0;
};

void show(const std::vector<Hit>& hits, std::string& out) {
    for (const Hit& hit : hits) {
        out += hit.document;
        if (hit.text_match) {
            out += " score " + std::to_string(hit.text_match->score) + " dropped "
                   + std::to_string(hit.text_match->num_tokens_dropped);
        }
        for (const FieldHighlight& field : hit.highlights) {
            for (const HighlightedValue& value : field.values) {
                out += " | " + value.snippet;
            }
        }
        out += hit.curated ? " curated\n" : "\n";
    }
}

std::string show(const SearchResult& result) {
    std::string out = std::to_string(result.found) + " of " + std::to_string(result.out_of) + "\n";
    show(result.hits, out);
    for (const HitGroup& group : result.groups) {
        out += "group of " + std::to_string(group.found);
        for (const std::string& value : group.key) {
            out += " " + value;
        }
        out += "\n";
        show(group.hits, out);
    }
    for (const FacetResult& facet : result.facets) {
        out += "facet " + std::to_string(facet.field) + " " + std::to_string(facet.total_values);
        for (const FacetValue& value : facet.counts) {
            out += " " + value.highlighted + "=" + std::to_string(value.count);
        }
        if (facet.stats) {
            out += " min " + std::to_string(facet.stats->min) + " max "
                   + std::to_string(facet.stats->max) + " sum " + std::to_string(facet.stats->sum);
        }
        out += "\n";
    }
    return out;
}

class UnitedSnapshot : public testing::TestWithParam<std::uint64_t> {
protected:
    UnitedSnapshot() : random_(GetParam()) {
        const auto count = static_cast<std::uint32_t>(2 + random_.below(7));
        for (std::uint32_t i = 0; i < count; ++i) {
            parts_.push_back(std::make_unique<Store>(Partition{i, count}));
        }
    }

    std::size_t pick(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }

    /// One of few words, many of which are a typo or a beginning away from each other.
    std::string word() {
        static const std::vector<std::string> kWords = {
            "apple",  "apples", "apply",   "ample",    "maple",   "orange",  "range",
            "strong", "string", "strings", "red",      "blue",    "green",   "greens",
            "engine", "search", "cluster", "clusters", "clutter", "database"};
        return kWords[pick(kWords.size())];
    }

    std::string words(std::size_t most) {
        std::string out = word();
        for (std::size_t i = pick(most); i > 0; --i) {
            out += " " + word();
        }
        return out;
    }

    Store& part_of(const std::string& id) {
        return *parts_[partition_of(id, static_cast<std::uint32_t>(parts_.size()))];
    }

    void change() {
        const std::string id = "id" + std::to_string(pick(150));
        if (pick(8) == 0) {
            one_.erase(id);
            part_of(id).erase(id);
        } else {
            std::string json = R"({"id":")" + id + R"(","title":")" + words(4) + R"(","points":)"
                               + std::to_string(pick(20)) + R"(,"number":)"
                               + std::to_string(number_++);
            json += pick(3) == 0 ? "" : R"(,"body":")" + words(12) + "\"";
            json += pick(3) == 0 ? "" : R"(,"tags":[")" + word() + R"(",")" + words(2) + "\"]";
            json += pick(3) == 0 ? "" : R"(,"price":)" + std::to_string(pick(40)) + ".5";
            json += "}";
            one_.write(json);
            part_of(id).write(json);
        }
        if (pick(15) == 0) {
            one_.seal();
        }
        if (pick(10) == 0) {
            parts_[pick(parts_.size())]->seal();
        }
    }

    Filter filter() {
        Filter out;
        switch (pick(5)) {
            case 0:
                out.kind = Filter::Kind::kRange;
                out.field = kPoints;
                out.ranges = {{static_cast<std::int64_t>(pick(10)), 15}};
                break;
            case 1:
                out.kind = Filter::Kind::kWords;
                out.field = kTags;
                out.text = word();
                break;
            case 2: out = Filter::of_ids({"id1", "id7", "id20", "id30", "id33"}); break;
            default: break;
        }
        return out;
    }

    std::string query() {
        switch (pick(6)) {
            case 0: return "*";
            case 1: return word().substr(0, 3);
            case 2: {
                std::string typo = word();
                typo.erase(pick(typo.size()), 1);
                return typo;
            }
            case 3: return words(3) + " -" + word();
            case 4: return "\"" + words(2) + "\"";
            default: return words(4);
        }
    }

    /// Ties in what is asked for end at a number that no two documents share.
    SearchRequest request() {
        SearchRequest out;
        out.q = query();
        out.fields = {{.field = kTitle, .weight = 15}, {.field = kBody, .weight = 14}};
        out.filter = filter();
        if (pick(2) == 0) {
            out.sort.push_back({.by = SortKey::By::kTextMatch});
        } else {
            const std::size_t fields[] = {kTitle, kPoints, kPrice};
            out.sort.push_back({.field = fields[pick(3)], .descending = pick(2) == 0});
        }
        out.sort.push_back({.field = kNumber, .descending = pick(2) == 0});
        out.facets = {
            {.field = kTags},
            {.field = kPoints, .ranges = {{"low", 0, 10}, {"high", 10, 20}}},
            {.field = kPrice},
            {.field = kTitle, .query = word().substr(0, 2)}};
        out.offset = pick(3) * 7;
        out.limit = 1 + pick(12);
        out.highlight.fields = {kTitle, kBody};
        out.match.exhaustive_search = pick(4) == 0;
        out.match.drop_tokens_threshold = static_cast<std::uint32_t>(pick(20));
        out.match.typo_tokens_threshold = static_cast<std::uint32_t>(pick(20));
        if (pick(3) == 0) {
            out.group = GroupRequest{.fields = {pick(2) == 0 ? kTags : kPrice}};
        }
        if (pick(4) == 0) {
            out.hidden_ids = {"id3", "id4"};
            out.pinned_ids = {{2, {"id5", "id6"}}};
        }
        return out;
    }

    std::shared_ptr<const Snapshot> united() {
        std::vector<std::shared_ptr<const Snapshot>> snapshots;
        for (const auto& part : parts_) {
            snapshots.push_back(part->index().snapshot());
        }
        return unite(snapshots);
    }

    SeededRandom random_;
    Store one_{Partition{}};
    std::vector<std::unique_ptr<Store>> parts_;
    int number_ = 0;
};

TEST_P(UnitedSnapshot, AnswersLikeOneIndex) {
    for (int round = 0; round < 6; ++round) {
        for (int i = 0; i < 80; ++i) {
            change();
        }
        const auto whole = one_.index().snapshot();
        const auto several = united();
        ASSERT_EQ(several->doc_count, whole->doc_count);
        for (int i = 0; i < 60; ++i) {
            const SearchRequest asked = request();
            const auto expected = search(*whole, asked, system_clock());
            const auto got = search(*several, asked, system_clock());
            ASSERT_TRUE(expected.ok() && got.ok());
            ASSERT_EQ(show(got.value()), show(expected.value())) << asked.q;
        }
        const Filter every;
        auto expected = matching_ids(*whole, every, 1000).value();
        auto got = matching_ids(*several, every, 1000).value();
        std::sort(expected.begin(), expected.end());
        std::sort(got.begin(), got.end());
        EXPECT_EQ(got, expected);
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, UnitedSnapshot, testing::Range<std::uint64_t>(1, 13));

std::vector<std::string> ids_of(const SearchResult& result) {
    std::vector<std::string> ids;
    for (const Hit& hit : result.hits) {
        ids.push_back(hit.document.substr(7, hit.document.find('"', 7) - 7));
    }
    return ids;
}

TEST(UnitedSnapshots, TiesGoByPlaceInTheirPartThenByPart) {
    std::vector<std::unique_ptr<Store>> parts;
    for (std::uint32_t i = 0; i < 2; ++i) {
        parts.push_back(std::make_unique<Store>(Partition{i, 2}));
        for (const char* name : {"x", "y", "z"}) {
            parts[i]->write(
                R"({"id":")" + std::string(name) + std::to_string(i)
                + R"(","title":"same","points":1,"number":1})"
            );
        }
    }
    const std::vector<std::string> expected = {"z0", "z1", "y0", "y1", "x0", "x1"};
    const std::vector<std::shared_ptr<const Snapshot>> live = {
        parts[0]->index().snapshot(),
        parts[1]->index().snapshot()};
    const auto before = search(*unite(live), {}, system_clock());
    EXPECT_EQ(ids_of(before.value()), expected);
    parts[0]->seal();
    const std::vector<std::shared_ptr<const Snapshot>> sealed = {
        parts[0]->index().snapshot(),
        parts[1]->index().snapshot()};
    EXPECT_EQ(ids_of(search(*unite(sealed), {}, system_clock()).value()), expected);
    SearchRequest page;
    page.offset = 2;
    page.limit = 2;
    EXPECT_EQ(
        ids_of(search(*unite(sealed), page, system_clock()).value()),
        (std::vector<std::string>{"y0", "y1"})
    );
}

TEST(Partition, IsPartOfTheFormats) {
    // MurmurHash3_x86_32, seed 0: documents are where these numbers say, on every disk.
    EXPECT_EQ(partition_of("0", 64), wire::murmur3_32("0") % 64);
    EXPECT_EQ(wire::murmur3_32("hello"), 0x248bfa47U);
    EXPECT_EQ(partition_of("hello", 7), 0x248bfa47U % 7);
    EXPECT_EQ(partition_of("hello", 1), 0U);
}

TEST(Partition, ADocumentIsWhereTheIdItBringsIs) {
    EXPECT_EQ(partition_of_document(R"({"id":"hello"})", 7), partition_of("hello", 7));
    EXPECT_EQ(partition_of_document(R"({"a":1,"id":"h\u0065llo"})", 7), partition_of("hello", 7));
    for (const char* none : {R"({"a":1})", R"({"id":7})", R"({"id":""})", "[1]", "{", ""}) {
        EXPECT_FALSE(partition_of_document(none, 7).has_value()) << none;
    }
}

TEST(Partition, AssignedIdsBelongToIt) {
    std::vector<std::string> all;
    for (std::uint32_t i = 0; i < 3; ++i) {
        Index index(shop(), Manifest{}, {}, {}, Partition{i, 3});
        for (int n = 0; n < 50; ++n) {
            const auto written = index.write(
                WriteAction::kCreate,
                R"({"title":"a","points":1,"number":1})",
                DirtyValues::kReject
            );
            ASSERT_TRUE(written.ok());
            EXPECT_EQ(partition_of(written.value().id, 3), i);
            all.push_back(written.value().id);
        }
    }
    std::sort(all.begin(), all.end());
    EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

}  // namespace
}  // namespace kumo::search
