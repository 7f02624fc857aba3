#include "io/worker_pool.h"

#include "io/internal/env_test.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace kumo::io {
namespace {

template <typename Env>
class WorkerPoolTest : public testing::Test {
protected:
    Env env;
};

using Envs = testing::Types<RealEnv, SimEnv>;
TYPED_TEST_SUITE(WorkerPoolTest, Envs);

TYPED_TEST(WorkerPoolTest, HandsResultsBackToTheLoop) {
    const auto pool = this->env.make_pool({.name = "test", .threads = 2});
    int sum = 0;
    Loop& loop = this->env.loop();
    for (int i = 1; i <= 100; ++i) {
        ASSERT_TRUE(pool->submit([&, i] { loop.post([&, i] { sum += i; }); }).ok());
    }
    EXPECT_TRUE(this->env.run_until([&] { return sum == 5050; }));
}

TYPED_TEST(WorkerPoolTest, StopRunsWhatWasAccepted) {
    const auto pool = this->env.make_pool({.name = "test", .threads = 1});
    std::vector<int> order;
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(pool->submit([&, i] { order.push_back(i); }).ok());
    }
    pool->stop();
    ASSERT_EQ(order.size(), 50U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_EQ(pool->submit([] {}).error().code, ErrorCode::kUnavailable);
}

TEST(ThreadPool, RefusesAboveItsQueueLimit) {
    const auto pool = make_system_worker_pool({.name = "test", .threads = 1, .queue_jobs_max = 2});
    std::atomic<bool> running = false;
    std::atomic<bool> go_on = false;
    ASSERT_TRUE(pool->submit([&] {
                        running = true;
                        running.notify_all();
                        go_on.wait(false);
                    }
    ).ok());
    running.wait(false);
    EXPECT_TRUE(pool->submit([] {}).ok());
    EXPECT_TRUE(pool->submit([] {}).ok());
    EXPECT_EQ(pool->submit([] {}).error().code, ErrorCode::kOverloaded);
    EXPECT_EQ(pool->queued_jobs(), 2U);
    go_on = true;
    go_on.notify_all();
    pool->stop();
}

}  // namespace
}  // namespace kumo::io
