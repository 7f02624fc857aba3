#include "io/sim/sim_fs.h"

#include "io/internal/env_test.h"

#include <gtest/gtest.h>

#include <set>

namespace kumo::io {
namespace {

std::string content(Fs& fs, const std::string& path) {
    auto bytes = read_file(fs, path, 1'000'000);
    return bytes.ok() ? bytes.value()
                      : "<" + std::string(error_code_name(bytes.error().code)) + ">";
}

std::unique_ptr<File> create(Fs& fs, const std::string& path, ByteView bytes) {
    auto file = fs.open(path, OpenMode::kCreate);
    KUMO_ASSERT(file.ok() && file.value()->write(0, bytes).ok());
    return std::move(file).value();
}

/// A file with its name and content on the disk.
std::unique_ptr<File> create_durable(SimFs& fs, const std::string& path, ByteView bytes) {
    auto file = create(fs, path, bytes);
    KUMO_ASSERT(file->sync().ok() && fs.sync_dir(parent_path(path)).ok());
    return file;
}

TEST(SimFs, KeepsWhatWasSynced) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        SimWorld world(seed);
        SimFs fs(world);
        (void)create_durable(fs, "/a", "safe");
        fs.crash(CrashKind::kPower);
        EXPECT_EQ(fs.open("/a", OpenMode::kRead).error().code, ErrorCode::kIo);
        fs.restart();
        EXPECT_EQ(content(fs, "/a"), "safe");
    }
}

TEST(SimFs, RenamedDirectoryIsUnderOneNameAfterACrash) {
    std::set<std::string> outcomes;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SimWorld world(seed);
        SimFs fs(world);
        ASSERT_TRUE(make_directories(fs, "/old").ok());
        (void)create_durable(fs, "/old/a", "safe");
        ASSERT_TRUE(fs.rename("/old", "/new").ok());
        const bool goes_on = seed % 3 == 0;
        if (goes_on) {
            (void)create_durable(fs, "/new/b", "later");
        }
        fs.crash(CrashKind::kPower);
        fs.restart();
        const bool moved = exists(fs, "/new").value();
        EXPECT_NE(moved, exists(fs, "/old").value());
        EXPECT_EQ(content(fs, moved ? "/new/a" : "/old/a"), "safe");
        EXPECT_TRUE(!goes_on || content(fs, "/new/b") == "later");
        outcomes.insert(moved ? "moved" : "not");
    }
    EXPECT_EQ(outcomes.size(), 2U);
}

TEST(SimFs, UnsyncedSectorsSurviveInAnySubset) {
    std::set<std::string> outcomes;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        SimWorld world(seed);
        SimFs fs(world);
        const auto file = create_durable(fs, "/a", std::string(1024, 'o'));
        ASSERT_TRUE(file->write(0, std::string(1024, 'n')).ok());
        fs.crash(CrashKind::kPower);
        fs.restart();
        const std::string left = content(fs, "/a");
        ASSERT_EQ(left.size(), 1024U);
        EXPECT_EQ(left.substr(0, 512), std::string(512, left[0]));
        EXPECT_EQ(left.substr(512), std::string(512, left[512]));
        outcomes.insert({left[0], left[512]});
    }
    EXPECT_EQ(outcomes, (std::set<std::string>{"oo", "on", "no", "nn"}));
}

TEST(SimFs, UnsyncedNamesMayVanishInOrder) {
    std::set<std::string> outcomes;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        SimWorld world(seed);
        SimFs fs(world);
        ASSERT_TRUE(create(fs, "/tmp", "x")->sync().ok());
        ASSERT_TRUE(fs.rename("/tmp", "/real").ok());
        fs.crash(CrashKind::kPower);
        fs.restart();
        const bool temporary = exists(fs, "/tmp").value();
        const bool real = exists(fs, "/real").value();
        outcomes.insert(std::string(temporary ? "t" : "-") + (real ? "r" : "-"));
        EXPECT_EQ(content(fs, real ? "/real" : "/tmp"), real || temporary ? "x" : "<not_found>");
    }
    EXPECT_EQ(outcomes, (std::set<std::string>{"--", "t-", "-r"}));
}

TEST(SimFs, KilledProcessLosesNothingButThePowerMayStillGo) {
    SimWorld world(3);
    SimFs fs(world);
    const auto file = create(fs, "/a", "page cache");
    fs.crash(CrashKind::kProcess);
    fs.restart();
    EXPECT_EQ(content(fs, "/a"), "page cache");
    EXPECT_EQ(file->write(0, "x").error().code, ErrorCode::kIo) << "an old handle is dead";
    bool lost = false;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SimWorld other(seed);
        SimFs disk(other);
        (void)create(disk, "/a", "page cache");
        disk.restart();
        disk.crash(CrashKind::kPower);
        disk.restart();
        lost = lost || content(disk, "/a") != "page cache";
    }
    EXPECT_TRUE(lost);
}

TEST(SimFs, FailedSyncLosesDataForGood) {
    bool lost = false;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        SimWorld world(seed);
        SimFs fs(world);
        const auto file = create_durable(fs, "/a", "old");
        ASSERT_TRUE(file->write(0, "new").ok());
        fs.fail_next_sync("/a");
        EXPECT_EQ(file->sync().error().code, ErrorCode::kIo);
        EXPECT_TRUE(file->sync().ok());
        EXPECT_EQ(content(fs, "/a"), "new");
        fs.crash(CrashKind::kPower);
        fs.restart();
        lost = lost || content(fs, "/a") == "old";
    }
    EXPECT_TRUE(lost);
}

TEST(SimFs, FillsUpAtAByte) {
    SimWorld world(1);
    SimFs fs(world);
    fs.set_free_bytes(10);
    const auto file = create(fs, "/a", "12345678");
    EXPECT_EQ(fs.free_bytes("/").value(), 2U);
    EXPECT_TRUE(file->write(0, "abcd").ok()) << "takes no space";
    EXPECT_EQ(file->write(8, "xyz").error().code, ErrorCode::kResourceExhausted);
    EXPECT_EQ(content(fs, "/a"), "abcd5678xy");
    ASSERT_TRUE(file->truncate(8).ok());
    EXPECT_TRUE(file->allocate(10).ok());
    EXPECT_EQ(file->allocate(11).error().code, ErrorCode::kResourceExhausted);
    EXPECT_EQ(file->size().value(), 8U);
    EXPECT_TRUE(file->write(8, "xy").ok());
    ASSERT_TRUE(fs.unlink("/a").ok());
    EXPECT_EQ(fs.free_bytes("/").value(), 10U);
}

TEST(SimFs, FailsReadsAndFlipsBits) {
    SimWorld world(1);
    SimFs fs(world);
    (void)create_durable(fs, "/a", "abc");
    fs.fail_reads("/a");
    EXPECT_EQ(content(fs, "/a"), "<io>");
    fs.fail_reads("");
    fs.flip_bit("/a", 1, 0);
    EXPECT_EQ(content(fs, "/a"), "acc");
}

TEST(SimFs, CrashesAtTheNumberedOperation) {
    for (const CrashPoint point : {CrashPoint::kBefore, CrashPoint::kTorn, CrashPoint::kAfter}) {
        SimWorld world(7);
        SimFs fs(world);
        const auto file = create_durable(fs, "/a", "old");  // Operations 1 to 4.
        EXPECT_EQ(fs.operations(), 4U);
        fs.crash_at(6, point);
        ASSERT_TRUE(file->write(0, "new").ok());
        EXPECT_EQ(file->sync().error().code, ErrorCode::kIo);
        EXPECT_TRUE(fs.crashed());
        EXPECT_EQ(fs.operations(), 6U);
        EXPECT_FALSE(exists(fs, "/a").ok());
        fs.restart();
        const std::string left = content(fs, "/a");
        EXPECT_TRUE(left == "new" || (left == "old" && point != CrashPoint::kAfter)) << left;
    }
}

TEST(SimFs, CrashedMachineCallsNobodyBack) {
    SimEnv env;
    SimFs& fs = env.sim_fs();
    const auto file = create(fs, "/test/a", "x");
    bool called = false;
    file->sync_async(env.loop(), [&](Status) { called = true; });
    fs.crash(CrashKind::kPower);
    fs.restart();
    EXPECT_TRUE(env.world().run_until_idle());
    EXPECT_FALSE(called);
}

TEST(SimFs, AsynchronousSyncCoversWhatCameBefore) {
    bool lost = false;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SimEnv env(seed);
        SimFs& fs = env.sim_fs();
        const auto file = create(fs, "/test/a", std::string(512, 'a'));
        ASSERT_TRUE(fs.sync_dir("/test").ok());
        ASSERT_TRUE(fs.sync_dir("/").ok());
        bool called = false;
        file->sync_async(env.loop(), [&](Status) { called = true; });
        ASSERT_TRUE(file->write(512, std::string(512, 'b')).ok());
        ASSERT_TRUE(env.run_until([&] { return called; }));
        fs.crash(CrashKind::kPower);
        fs.restart();
        const std::string left = content(fs, "/test/a");
        EXPECT_EQ(left.substr(0, 512), std::string(512, 'a'));
        lost = lost || left.size() == 512;
    }
    EXPECT_TRUE(lost);
}

}  // namespace
}  // namespace kumo::io
