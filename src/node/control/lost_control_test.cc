#include "node/control/lost_control.h"

#include "io/sim/sim_fs.h"
#include "io/sim/sim_world.h"
#include "store/checkpoint.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace kumo::node {
namespace {

constexpr store::FileKind kSomeKind = {{'S', 'O', 'M', 'E', 'K', 'I', 'N', 'D'}, 1};

/// "/data/control" with a file and a log in it.
void make_control(io::SimFs& fs) {
    ASSERT_TRUE(io::make_directories(fs, "/data/control/wal").ok());
    ASSERT_TRUE(store::write_checked_file(fs, "/data/control/hard_state", kSomeKind, "x").ok());
    ASSERT_TRUE(io::write_file(fs, "/data/control/wal/wal-1", "entries").ok());
    ASSERT_TRUE(fs.sync_dir("/data/control/wal").ok());
}

TEST(LostControl, IsRememberedUntilItIsForgotten) {
    io::SimWorld world(1);
    io::SimFs fs(world);
    make_control(fs);
    EXPECT_FALSE(read_lost_control(fs, "/data/control").value());
    ASSERT_TRUE(set_control_aside(fs, "/data/control", corruption("a bit")).ok());
    const auto lost = read_lost_control(fs, "/data/control");
    ASSERT_TRUE(lost.ok() && lost.value());
    EXPECT_EQ(lost.value()->why, "a bit; it was set aside as /data/control.damaged-1");
    EXPECT_TRUE(lost.value()->cluster.is_nil());
    EXPECT_TRUE(io::exists(fs, "/data/control.damaged-1/wal/wal-1").value());
    EXPECT_FALSE(io::exists(fs, "/data/control").value());
    ASSERT_TRUE(forget_lost_control(fs, "/data/control").ok());
    EXPECT_FALSE(read_lost_control(fs, "/data/control").value());
}

/// Whenever the power goes: a directory that is not there any more is remembered.
TEST(LostControl, IsRememberedBeforeItIsSetAside) {
    bool done = false;  // Operations have numbers from 1.
    std::uint64_t n = 0;
    while (!done) {
        ++n;
        for (const auto point :
             {io::CrashPoint::kBefore, io::CrashPoint::kTorn, io::CrashPoint::kAfter}) {
            io::SimWorld world(n);
            io::SimFs fs(world);
            make_control(fs);
            const std::uint64_t begin = fs.operations();
            fs.crash_at(begin + n, point);
            done = set_control_aside(fs, "/data/control", corruption("a bit")).ok();
            fs.restart();
            const bool there = io::exists(fs, "/data/control/hard_state").value();
            const bool aside = io::exists(fs, "/data/control.damaged-1/hard_state").value();
            EXPECT_NE(there, aside) << n;
            const auto lost = read_lost_control(fs, "/data/control");
            ASSERT_TRUE(lost.ok()) << n << ": " << lost.error().message;
            EXPECT_TRUE(there || lost.value()) << n;
        }
    }
    EXPECT_GT(n, 5U);
}

}  // namespace
}  // namespace kumo::node
