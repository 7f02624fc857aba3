#include "api/kumosearch/query_cache.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

std::shared_ptr<const std::string> text(std::string value) {
    return std::make_shared<const std::string>(std::move(value));
}

node::ReadVersion version_of(const std::shared_ptr<const int>& part) {
    node::ReadVersion version;
    version.add(part);
    return version;
}

const MonotonicTime kNow{};
const MonotonicTime kLater = kNow + std::chrono::seconds(60);

TEST(QueryCache, GivesAnAnswerAgainWhileNothingHasChanged) {
    QueryCache cache;
    auto part = std::make_shared<const int>(1);
    const node::ReadVersion before = version_of(part);
    EXPECT_EQ(cache.find("q", before, kNow), nullptr);
    cache.put("q", before, text("answer"), kLater, 10);
    EXPECT_EQ(*cache.find("q", version_of(part), kNow), "answer");
    part = std::make_shared<const int>(1);
    EXPECT_EQ(cache.find("q", version_of(part), kNow), nullptr);
    // What does not fit any more is gone.
    EXPECT_EQ(cache.totals().entries, 0U);
    EXPECT_EQ(cache.totals().bytes, 0U);
    EXPECT_EQ(cache.totals().hits, 1U);
    EXPECT_EQ(cache.totals().misses, 2U);
}

TEST(QueryCache, TellsWhatIsGoneFromWhatTookItsPlace) {
    auto part = std::make_shared<const int>(1);
    const node::ReadVersion before = version_of(part);
    part.reset();
    for (int i = 0; i < 100; ++i) {
        EXPECT_FALSE(before == version_of(std::make_shared<const int>(i)));
    }
    EXPECT_TRUE(before == before);
    EXPECT_FALSE(before == node::ReadVersion());
}

TEST(QueryCache, ForgetsWhatHasExpired) {
    QueryCache cache;
    const node::ReadVersion version;
    cache.put("q", version, text("answer"), kLater, 10);
    EXPECT_NE(cache.find("q", version, kLater - std::chrono::nanoseconds(1)), nullptr);
    EXPECT_EQ(cache.find("q", version, kLater), nullptr);
}

TEST(QueryCache, KeepsTheRecentlyUsed) {
    QueryCache cache;
    const node::ReadVersion version;
    for (const char* key : {"a", "b", "c"}) {
        cache.put(key, version, text("answer"), kLater, 3);
    }
    EXPECT_NE(cache.find("a", version, kNow), nullptr);
    cache.put("d", version, text("answer"), kLater, 3);
    EXPECT_EQ(cache.find("b", version, kNow), nullptr);
    EXPECT_NE(cache.find("a", version, kNow), nullptr);
    cache.shrink(1);
    EXPECT_EQ(cache.totals().entries, 1U);
    EXPECT_NE(cache.find("a", version, kNow), nullptr);
    cache.clear();
    EXPECT_EQ(cache.totals().bytes, 0U);
}

TEST(QueryCache, IsBoundedInBytes) {
    QueryCache cache;
    const node::ReadVersion version;
    const std::size_t size = QueryCache::kBytesMax / 10;
    for (int i = 0; i < 20; ++i) {
        cache.put(std::to_string(i), version, text(std::string(size, 'x')), kLater, 1000);
        EXPECT_LE(cache.totals().bytes, QueryCache::kBytesMax);
    }
    EXPECT_EQ(cache.totals().entries, 9U);
    // One that would throw out most others is not kept.
    cache.put("large", version, text(std::string(size * 2, 'x')), kLater, 1000);
    EXPECT_EQ(cache.find("large", version, kNow), nullptr);
    EXPECT_EQ(cache.totals().entries, 9U);
}

}  // namespace
}  // namespace kumo::api_kumosearch
