#include "node/run_record.h"

#include "io/sim/sim_fs.h"
#include "io/sim/sim_world.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace kumo::node {
namespace {

constexpr const char* kBootId = "/proc/sys/kernel/random/boot_id";

class RunRecordTest : public testing::Test {
protected:
    RunRecordTest() {
        EXPECT_TRUE(io::make_directories(fs, "/proc/sys/kernel/random").ok());
        EXPECT_TRUE(io::make_directories(fs, "/data/wal").ok());
        boot("a");
    }

    void boot(const std::string& id) { EXPECT_TRUE(io::write_file(fs, kBootId, id + "\n").ok()); }

    /// Whether a run that begins now has to take its copies for unclean.
    bool may_lack(bool fsync) {
        const auto before = runs.read();
        EXPECT_TRUE(before.ok());
        return RunRecords::may_lack(before.value(), runs.present(fsync));
    }

    void begin(bool fsync) { EXPECT_TRUE(runs.write(runs.present(fsync)).ok()); }

    io::SimWorld world{1};
    io::SimFs fs{world};
    RunRecords runs{fs, "/data"};
};

TEST_F(RunRecordTest, AKilledProcessLosesNothing) {
    begin(false);
    EXPECT_FALSE(may_lack(false));
    EXPECT_FALSE(may_lack(true));
}

TEST_F(RunRecordTest, AMachineThatStartedAnewMayHaveLostSomething) {
    begin(false);
    boot("b");
    EXPECT_TRUE(may_lack(false));
    EXPECT_TRUE(may_lack(true)) << "the run before counts";
    begin(false);
    EXPECT_FALSE(may_lack(false));
}

TEST_F(RunRecordTest, WithFsyncNothingIsLost) {
    begin(true);
    boot("b");
    EXPECT_FALSE(may_lack(true));
    EXPECT_FALSE(may_lack(false)) << "the run before counts";
}

TEST_F(RunRecordTest, ACleanEndHasEverythingOnTheDisk) {
    begin(false);
    ASSERT_TRUE(io::write_file(fs, "/data/wal/wal-1", "").ok());
    {
        const auto file = fs.open("/data/wal/wal-1", io::OpenMode::kReadWrite);
        ASSERT_TRUE(file.ok() && file.value()->write(0, "entries").ok());
    }
    ASSERT_TRUE(runs.end_cleanly(runs.present(false), "/data/wal").ok());
    fs.crash(io::CrashKind::kPower);
    fs.restart();
    boot("b");
    EXPECT_EQ(io::read_file(fs, "/data/wal/wal-1", 100).value(), "entries");
    EXPECT_FALSE(may_lack(false));
    begin(false);
    boot("c");
    EXPECT_TRUE(may_lack(false)) << "the clean end was that of another run";
}

TEST_F(RunRecordTest, WhatIsNotKnownIsTakenForTheWorst) {
    EXPECT_TRUE(may_lack(false)) << "no record";
    EXPECT_FALSE(may_lack(true));
    begin(false);
    ASSERT_TRUE(fs.unlink(kBootId).ok());
    EXPECT_TRUE(may_lack(false)) << "no boot id now";
    begin(false);
    EXPECT_TRUE(may_lack(false)) << "no boot id then";
    boot("a");
    begin(false);
    fs.flip_bit("/data/run", 50, 1);
    EXPECT_TRUE(may_lack(false)) << "damaged";
}

}  // namespace
}  // namespace kumo::node
