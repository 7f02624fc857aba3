#include "base/clock.h"
#include "base/log.h"
#include "base/published.h"
#include "base/random.h"
#include "base/result.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include <unistd.h>

namespace kumo {
namespace {

Result<int> half(int x) {
    if (x % 2 != 0) {
        return invalid_argument("odd");
    }
    return x / 2;
}

Result<int> quarter(int x) {
    KUMO_TRY_ASSIGN(const int h, half(x));
    return half(h);
}

TEST(Result, CarriesValueOrError) {
    EXPECT_EQ(quarter(8).value(), 2);
    EXPECT_EQ(quarter(6).error().message, "odd");
    EXPECT_EQ(quarter(7).error().code, ErrorCode::kInvalidArgument);
}

TEST(Random, SameSeedSameSequence) {
    SeededRandom a(7);
    SeededRandom b(7);
    SeededRandom c(8);
    EXPECT_EQ(a.next(), b.next());
    EXPECT_NE(a.next(), c.next());
}

TEST(Random, BelowStaysBelow) {
    SeededRandom r(1);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_LT(r.below(7), 7U);
    }
}

TEST(Published, ReadersKeepWhatTheyLoaded) {
    Published<int> p(std::make_shared<const int>(1));
    const auto old = p.load();
    p.store(std::make_shared<const int>(2));
    EXPECT_EQ(*old, 1);
    EXPECT_EQ(*p.load(), 2);
}

TEST(Log, MessageCannotForgeALine) {
    const std::string path = testing::TempDir() + "kumo_log_test_" + std::to_string(getpid());
    (void)std::remove(path.c_str());
    ASSERT_TRUE(log_open({.file = path, .level = LogLevel::kInfo}).ok());
    log_info("a\nb");
    log_debug("not at this level");
    log_flush();
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    EXPECT_NE(text.str().find("a\\x0ab"), std::string::npos);
    EXPECT_EQ(text.str().find("not at this level"), std::string::npos);
    ASSERT_TRUE(log_open({}).ok());
}

TEST(Log, UnwritableFileIsAnError) {
    EXPECT_FALSE(log_open({.file = "/proc/nowhere/x.log"}).ok());
}

TEST(Clock, BootTimeIsNotBehindMonotonicTime) {
    const MonotonicTime before = system_clock().boottime_now();
    const MonotonicTime monotonic = system_clock().monotonic_now();
    const MonotonicTime after = system_clock().boottime_now();
    EXPECT_LE(before, after);
    EXPECT_LE(monotonic, after);
}

}  // namespace
}  // namespace kumo
