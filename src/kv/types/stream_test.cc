#include "kv/types/stream.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace kumo::kv {
namespace {

using Model = std::map<StreamId, std::vector<std::string>>;

Model read(const StreamValue& stream, StreamId first, StreamId last, bool backwards) {
    Model out;
    std::optional<StreamId> before;
    stream.visit(first, last, backwards, [&](const StreamEntry& entry) {
        EXPECT_TRUE(!before || (backwards ? entry.id < *before : entry.id > *before));
        before = entry.id;
        auto& texts = out[entry.id];
        for (const ByteView text : entry.fields_and_values) {
            texts.emplace_back(text);
        }
        return true;
    });
    return out;
}

void append(
    StreamValue& stream,
    StreamId id,
    const std::vector<std::string>& texts,
    const EncodingLimits& limits
) {
    const std::vector<ByteView> views(texts.begin(), texts.end());
    stream.append(id, views, limits);
}

TEST(StreamValue, DoesAsAMapDoes) {
    for (const std::size_t entries : {1, 10, 100}) {
        EncodingLimits limits;
        limits.stream_node_max_entries = entries;
        SeededRandom random(entries);
        StreamValue stream;
        Model model;
        StreamId id{5, 0};
        for (int step = 0; step < 3000; ++step) {
            if (random.chance(3, 4)) {
                random.chance(1, 2) ? id.ms += 1 + random.below(300) : id.seq += 1;
                std::vector<std::string> texts = {"a", std::to_string(step), "b", "v"};
                if (random.chance(1, 5)) {
                    texts[2] = "other";
                    texts.insert(texts.end(), {"third", std::string(random.below(200), 'w')});
                }
                append(stream, id, texts, limits);
                model[id] = texts;
            } else if (!model.empty()) {
                auto at = model.begin();
                std::advance(at, static_cast<std::ptrdiff_t>(random.below(model.size())));
                EXPECT_TRUE(stream.erase(at->first));
                EXPECT_FALSE(stream.erase(at->first));
                model.erase(at);
            }
            ASSERT_EQ(stream.size(), model.size());
            if (step % 100 == 0) {
                const StreamId first{random.below(id.ms + 1), 1};
                const StreamId last{first.ms + random.below(id.ms + 1), 0};
                const Model wanted(
                    model.lower_bound(first),
                    model.upper_bound(std::max(first, last))
                );
                if (first <= last) {
                    ASSERT_EQ(read(stream, first, last, false), wanted);
                    ASSERT_EQ(read(stream, first, last, true), wanted);
                }
                ASSERT_EQ(read(stream, {}, StreamId::max(), true), model);
                ASSERT_EQ(stream.first_id(), model.begin()->first);
                ASSERT_EQ(stream.highest_present_id(), model.rbegin()->first);
            }
        }
        const auto copied = stream.copy();
        EXPECT_EQ(
            read(static_cast<const StreamValue&>(*copied), {}, StreamId::max(), false),
            model
        );
    }
}

TEST(StreamValue, TrimsExactlyOrByWholeBlocks) {
    EncodingLimits limits;
    limits.stream_node_max_entries = 10;
    const auto filled = [&](StreamValue& stream) {
        for (std::uint64_t i = 1; i <= 100; ++i) {
            append(stream, {i, 0}, {"f", "v"}, limits);
        }
    };
    StreamValue exact;
    filled(exact);
    EXPECT_EQ(exact.trim({.length_max = 55, .id_min = {}}), 45U);
    EXPECT_EQ(exact.first_id(), (StreamId{46, 0}));
    EXPECT_EQ(exact.trim({.length_max = {}, .id_min = {63, 0}}), 17U);
    EXPECT_EQ(exact.first_id(), (StreamId{63, 0}));
    EXPECT_EQ(exact.trim({.length_max = 0, .id_min = {}}), 38U);
    EXPECT_EQ(exact.first_id(), StreamId{});

    StreamValue blocks;
    filled(blocks);
    EXPECT_EQ(blocks.trim({.length_max = 55, .id_min = {}, .approximate = true}), 40U);
    EXPECT_EQ(
        blocks.trim({.length_max = 0, .id_min = {}, .approximate = true, .removed_max = 35}),
        30U
    );
    EXPECT_EQ(blocks.trim({.length_max = {}, .id_min = {85, 0}, .approximate = true}), 10U);
    EXPECT_EQ(blocks.entries_added(), 100U);
}

TEST(StreamGroup, KeepsBothViewsOfWhatIsPendingEqual) {
    StreamGroup group;
    StreamConsumer* one = group.create_consumer("one", 1);
    StreamConsumer* two = group.create_consumer("two", 2);
    EXPECT_EQ(group.create_consumer("one", 3), nullptr);
    group.assign({1, 0}, *one).deliveries = 1;
    group.assign({2, 0}, *one).deliveries = 1;
    group.assign({2, 0}, *two).deliveries = 2;
    EXPECT_EQ(one->pending.size(), 1U);
    EXPECT_EQ(two->pending.at({2, 0})->deliveries, 2U);
    const StreamGroup copied(group);
    EXPECT_TRUE(group.acknowledge({1, 0}));
    EXPECT_FALSE(group.acknowledge({1, 0}));
    EXPECT_EQ(group.remove_consumer(two), 1U);
    EXPECT_TRUE(group.pending().empty());
    EXPECT_EQ(copied.pending().size(), 2U);
    EXPECT_EQ(copied.find_consumer("two")->pending.at({2, 0})->deliveries, 2U);
}

TEST(StreamValue, SaysHowFarAGroupHasReadWhenThatIsKnown) {
    const EncodingLimits limits;
    StreamValue stream;
    StreamGroup* group = stream.create_group("g", {}, StreamGroup::kReadUnknown);
    EXPECT_EQ(stream.lag(*group), 0);
    for (std::uint64_t i = 1; i <= 5; ++i) {
        append(stream, {i, 0}, {"f", "v"}, limits);
    }
    EXPECT_EQ(stream.lag(*group), 5);
    group->last_id = {3, 0};
    EXPECT_FALSE(stream.lag(*group).has_value());
    group->entries_read = 3;
    EXPECT_EQ(stream.lag(*group), 2);
    stream.erase({4, 0});
    stream.set_max_deleted_id({4, 0});
    EXPECT_FALSE(stream.lag(*group).has_value());
    group->last_id = {5, 0};
    group->entries_read = StreamGroup::kReadUnknown;
    EXPECT_EQ(stream.lag(*group), 0);
}

}  // namespace
}  // namespace kumo::kv
