#include "io/loop.h"

#include "io/internal/env_test.h"
#include "io/thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

namespace kumo::io {
namespace {

template <typename Env>
class LoopTest : public testing::Test {
protected:
    Env env;
};

using Envs = testing::Types<RealEnv, SimEnv>;
TYPED_TEST_SUITE(LoopTest, Envs);

TYPED_TEST(LoopTest, RunsPostedTasksInOrder) {
    std::string order;
    Loop& loop = this->env.loop();
    for (const char c : {'a', 'b', 'c'}) {
        loop.post([&order, c] { order += c; });
    }
    ASSERT_TRUE(this->env.run_until([&] { return order.size() == 3; }));
    EXPECT_EQ(order, "abc");
}

TYPED_TEST(LoopTest, DefersToTheEndOfTheTurn) {
    std::string order;
    Loop& loop = this->env.loop();
    loop.post([&] {
        loop.defer([&] {
            order += 'd';
            loop.defer([&] { order += 'e'; });
        });
        order += 'a';
    });
    loop.post([&] { order += 'b'; });
    ASSERT_TRUE(this->env.run_until([&] { return order.size() == 4; }));
    EXPECT_EQ(order, "abde");
}

TYPED_TEST(LoopTest, RunsTimersInTheOrderOfTheirDeadlines) {
    std::string order;
    Loop& loop = this->env.loop();
    const MonotonicTime start = loop.clock().monotonic_now();
    MonotonicTime last = start;
    (void)loop.add_timer(std::chrono::milliseconds(30), [&] {
        order += 'b';
        last = loop.clock().monotonic_now();
    });
    (void)loop.add_timer(std::chrono::milliseconds(10), [&] { order += 'a'; });
    ASSERT_TRUE(this->env.run_until([&] { return order.size() == 2; }));
    EXPECT_EQ(order, "ab");
    EXPECT_GE(last - start, std::chrono::milliseconds(30));
}

TYPED_TEST(LoopTest, ForgetsCancelledTimers) {
    bool ran = false;
    bool end = false;
    Loop& loop = this->env.loop();
    const TimerId id = loop.add_timer(std::chrono::milliseconds(1), [&] { ran = true; });
    (void)loop.add_timer(std::chrono::milliseconds(5), [&] { end = true; });
    loop.cancel_timer(id);
    loop.cancel_timer(id);
    loop.cancel_timer(TimerId{});
    ASSERT_TRUE(this->env.run_until([&] { return end; }));
    EXPECT_FALSE(ran);
}

TYPED_TEST(LoopTest, TimerMayCancelAnother) {
    int runs = 0;
    Loop& loop = this->env.loop();
    TimerId second;
    (void)loop.add_timer(std::chrono::milliseconds(1), [&] {
        ++runs;
        loop.cancel_timer(second);
    });
    second = loop.add_timer(std::chrono::milliseconds(1), [&] { ++runs; });
    bool end = false;
    (void)loop.add_timer(std::chrono::milliseconds(5), [&] { end = true; });
    ASSERT_TRUE(this->env.run_until([&] { return end; }));
    EXPECT_EQ(runs, 1);
}

TEST(EpollLoop, TakesPostsFromManyThreads) {
    const auto loop = make_system_loop();
    constexpr int kThreads = 3;
    constexpr int kPosts = 5000;
    std::vector<int> last(kThreads, -1);
    int total = 0;
    bool in_order = true;
    std::vector<std::unique_ptr<Thread>> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.push_back(std::make_unique<Thread>("poster", [&, t] {
            for (int i = 0; i < kPosts; ++i) {
                loop->post([&, t, i] {
                    in_order = in_order && last[static_cast<std::size_t>(t)] == i - 1;
                    last[static_cast<std::size_t>(t)] = i;
                    if (++total == kThreads * kPosts) {
                        loop->stop();
                    }
                });
            }
        }));
    }
    loop->run();
    threads.clear();
    EXPECT_EQ(total, kThreads * kPosts);
    EXPECT_TRUE(in_order);
}

TEST(EpollLoop, KnowsItsThread) {
    const auto loop = make_system_loop();
    EXPECT_TRUE(loop->in_loop_thread());
    std::atomic<bool> inside = false;
    {
        Thread thread("loop", [&] { loop->run(); });
        loop->post([&] { inside = loop->in_loop_thread(); });
        std::atomic<bool> seen = false;
        loop->post([&] { seen = true; });
        while (!seen) {
        }
        EXPECT_FALSE(loop->in_loop_thread());
        loop->stop();
    }
    EXPECT_TRUE(inside);
}

TEST(EpollLoop, DestroysUnrunTasksThatOwnTimers) {
    auto loop = make_system_loop();
    Loop* const raw = loop.get();

    struct Canceller {
        Loop* loop;
        TimerId id;

        ~Canceller() { loop->cancel_timer(id); }
    };

    const TimerId id = raw->add_timer(std::chrono::hours(1), [] {});
    auto owner = std::make_shared<Canceller>(Canceller{raw, id});
    raw->post([owner] {});
    raw->defer([owner] {});
    owner.reset();
    loop.reset();
}

std::uint64_t trace_of(std::uint64_t seed) {
    SimEnv env(seed);
    for (int i = 0; i < 20; ++i) {
        env.loop().post([&env] {
            (void)env.loop().add_timer(
                Duration(static_cast<std::int64_t>(env.world().random().below(1000))),
                [] {}
            );
        });
    }
    EXPECT_TRUE(env.world().run_until_idle());
    return env.world().trace_hash();
}

TEST(SimWorld, SameSeedSameTrace) {
    EXPECT_EQ(trace_of(5), trace_of(5));
    EXPECT_NE(trace_of(5), trace_of(6));
}

TEST(SimWorld, TimePassesOnlyBetweenEvents) {
    SimWorld world(1);
    const MonotonicTime start = world.clock().monotonic_now();
    (void)world.schedule(std::chrono::hours(5), [&] {
        EXPECT_EQ(world.clock().monotonic_now() - start, std::chrono::hours(5));
    });
    EXPECT_TRUE(world.run_until_idle());
    world.run_for(std::chrono::hours(1));
    EXPECT_EQ(world.clock().monotonic_now() - start, std::chrono::hours(6));
}

TEST(SimLoop, ClockOfANodeMayRunFastAndSleep) {
    SimWorld world(1);
    const auto exact = world.make_loop();
    const auto fast = world.make_loop();
    std::vector<std::string> order;
    const MonotonicTime start = world.clock().monotonic_now();
    EXPECT_EQ(fast->clock().monotonic_now(), start);
    (void)fast->add_timer(std::chrono::seconds(101), [&] { order.emplace_back("fast"); });
    (void
    )exact->add_timer(std::chrono::milliseconds(100'500), [&] { order.emplace_back("exact"); });
    fast->set_clock_rate(1'010'000);
    world.run_for(std::chrono::seconds(200));
    EXPECT_EQ(order, (std::vector<std::string>{"fast", "exact"}));
    EXPECT_EQ(fast->clock().monotonic_now() - start, std::chrono::seconds(202));
    EXPECT_EQ(exact->clock().monotonic_now() - start, std::chrono::seconds(200));
    fast->set_clock_rate(500'000);
    world.run_for(std::chrono::seconds(10));
    EXPECT_EQ(fast->clock().monotonic_now() - start, std::chrono::seconds(207));
    fast->note_suspend(std::chrono::hours(1));
    EXPECT_EQ(fast->clock().monotonic_now() - start, std::chrono::seconds(207));
    EXPECT_EQ(
        fast->clock().boottime_now() - fast->clock().monotonic_now(),
        Duration(std::chrono::hours(1))
    );
}

TEST(SimLoop, StandsStillAndGoesOn) {
    SimWorld world(1);
    const auto loop = world.make_loop();
    int ran = 0;
    (void)loop->add_timer(std::chrono::milliseconds(1), [&] { ++ran; });
    loop->pause();
    loop->post([&] { ++ran; });
    world.run_for(std::chrono::seconds(1));
    EXPECT_EQ(ran, 0);
    loop->resume();
    EXPECT_TRUE(world.run_until_idle());
    EXPECT_EQ(ran, 2);
}

TEST(SimLoop, DeadLoopRunsNothing) {
    SimWorld world(1);
    const auto loop = world.make_loop();
    bool ran = false;
    loop->post([&] { ran = true; });
    (void)loop->add_timer(std::chrono::milliseconds(1), [&] { ran = true; });
    loop->kill();
    loop->post([&] { ran = true; });
    EXPECT_TRUE(world.run_until_idle());
    EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace kumo::io
