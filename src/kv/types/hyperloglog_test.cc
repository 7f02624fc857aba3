#include "kv/types/hyperloglog.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::kv {
namespace {

constexpr std::size_t kRunsMax = 3000;

TEST(HyperLogLog, AddsInPlaceAsItAddsToRegisters) {
    SeededRandom random(3);
    HyperLogLog plain;
    HyperLogLog forced;
    forced.make_dense();
    std::string sparse = HyperLogLog().encode(0, kRunsMax);
    std::string dense = forced.encode(0, 0);
    for (int i = 0; i < 20'000; ++i) {
        const std::string element = std::to_string(random.next() % 15'000);
        const auto expected =
            plain.add(element) ? HyperLogLog::Added::kChanged : HyperLogLog::Added::kSame;
        EXPECT_EQ(HyperLogLog::add_to(&sparse, element, kRunsMax), expected);
        EXPECT_EQ(HyperLogLog::add_to(&dense, element, 0), expected);
        if (i % 97 == 0) {
            ASSERT_EQ(HyperLogLog::decode(sparse)->registers(), plain.registers());
            ASSERT_EQ(HyperLogLog::decode(dense)->registers(), plain.registers());
        }
    }
    EXPECT_TRUE(HyperLogLog::is_dense(sparse));
}

TEST(HyperLogLog, AChangeMakesTheCountOutOfDate) {
    std::string text = HyperLogLog().encode(0, kRunsMax);
    EXPECT_EQ(HyperLogLog::cached_count(text), 0U);
    EXPECT_EQ(HyperLogLog::add_to(&text, "a", kRunsMax), HyperLogLog::Added::kChanged);
    EXPECT_FALSE(HyperLogLog::cached_count(text).has_value());
    HyperLogLog::cache_count(&text, 1);
    EXPECT_EQ(HyperLogLog::add_to(&text, "a", kRunsMax), HyperLogLog::Added::kSame);
    EXPECT_EQ(HyperLogLog::cached_count(text), 1U);
}

TEST(HyperLogLog, BecomesDenseWhenItsRunsTakeTooMuch) {
    std::string text = HyperLogLog().encode(0, 10);
    for (int i = 0; i < 20; ++i) {
        (void)HyperLogLog::add_to(&text, std::to_string(i), 10);
    }
    EXPECT_TRUE(HyperLogLog::is_dense(text));
    EXPECT_EQ(HyperLogLog::decode(text)->count(), 20U);
}

TEST(HyperLogLog, DescribesItsRuns) {
    std::string text = HyperLogLog().encode(0, kRunsMax);
    EXPECT_EQ(HyperLogLog::describe_runs(text), "Z:16384");
    (void)HyperLogLog::add_to(&text, "a", kRunsMax);
    EXPECT_NE(HyperLogLog::describe_runs(text).find(" v:"), std::string::npos);
}

TEST(HyperLogLog, AnyBytesAfterTheHeaderAreWithstood) {
    SeededRandom random(5);
    for (int i = 0; i < 20'000; ++i) {
        std::string text("HYLL\1\0\0\0\0\0\0\0\0\0\0\0", 16);
        const std::size_t bytes = random.next() % 12;
        for (std::size_t k = 0; k < bytes; ++k) {
            text.push_back(static_cast<char>(random.next()));
        }
        (void)HyperLogLog::decode(text);
        (void)HyperLogLog::describe_runs(text);
        (void)HyperLogLog::add_to(&text, std::to_string(i), kRunsMax);
    }
}

}  // namespace
}  // namespace kumo::kv
