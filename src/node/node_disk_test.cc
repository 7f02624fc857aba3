#include "node/internal/machine_test.h"
#include "node/node.h"
#include "search/query/search.h"

#include <gtest/gtest.h>

#include <string>

// Disks that fill up, and disks that damage what they hold.

namespace kumo::node {
namespace {

constexpr auto kLong = std::chrono::seconds(100);

/// Writes documents one after the other; the refused ones must be refused in the right words.
int write_many(Machine& machine, int first, int last, std::map<std::string, std::string>& kept) {
    int refused = 0;
    for (int n = first; n <= last; ++n) {
        const std::string id = "d" + std::to_string(n % 40);
        const std::string json = document(id, n);
        const Status written = machine.put("a", json);
        if (written.ok()) {
            kept[id] = json;
            continue;
        }
        ++refused;
        EXPECT_EQ(machine.node().health().resource_error, "OUT_OF_DISK");
        EXPECT_EQ(written.error().code, ErrorCode::kResourceExhausted) << written.error().message;
        EXPECT_EQ(
            written.error().message,
            "Rejecting write: running out of resource type: OUT_OF_DISK"
        );
    }
    return refused;
}

class FullDisk : public testing::TestWithParam<std::uint64_t> {};

TEST_P(FullDisk, RefusesWritesAndLosesNothing) {
    NodeOptions options = small_options();
    options.disk_reserve_bytes = GetParam();
    int refused = 0;
    for (std::uint64_t space = 0; space < 60'000; space += 1499) {
        SCOPED_TRACE("space " + std::to_string(space));
        Machine machine(space, options);
        ASSERT_TRUE(machine.start().ok());
        ASSERT_TRUE(machine.create(numbered("a")).ok());
        std::map<std::string, std::string> kept;
        ASSERT_EQ(write_many(machine, 1, 5, kept), 0);
        machine.fs().set_free_bytes(space);
        machine.world().run_for(std::chrono::seconds(2));
        refused += write_many(machine, 6, 150, kept);
        EXPECT_TRUE(machine.node().health().ok);
        EXPECT_EQ(machine.documents("a"), kept) << "reads go on";

        machine.fs().set_free_bytes(std::uint64_t{1} << 30);
        machine.world().run_for(kLong);
        EXPECT_EQ(machine.node().health().resource_error, "");
        EXPECT_EQ(write_many(machine, 151, 170, kept), 0) << "writes resume";
        machine.stop();
        ASSERT_TRUE(machine.start().ok());
        EXPECT_EQ(machine.documents("a"), kept);
        if (HasFailure()) {
            return;
        }
    }
    EXPECT_GT(refused, 1000);
}

INSTANTIATE_TEST_SUITE_P(Reserves, FullDisk, testing::Values(0, 20'000));

TEST(FullDiskTest, StartsAndServesWithoutAnyRoom) {
    Machine machine(1);
    ASSERT_TRUE(machine.start().ok());
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    std::map<std::string, std::string> kept;
    ASSERT_EQ(write_many(machine, 1, 30, kept), 0);
    machine.stop();
    machine.fs().set_free_bytes(0);
    const Status started = machine.start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    EXPECT_EQ(machine.documents("a"), kept);
    machine.stop_cleanly();
}

TEST(FullDiskTest, DropsCollectionsToMakeRoom) {
    NodeOptions options = small_options();
    options.disk_reserve_bytes = 10'000;
    Machine machine(1, options);
    ASSERT_TRUE(machine.start().ok());
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    machine.fs().set_free_bytes(9'000);
    machine.world().run_for(std::chrono::seconds(2));
    EXPECT_EQ(machine.create(numbered("b")).error().code, ErrorCode::kResourceExhausted);
    EXPECT_TRUE(machine.drop("a").ok());
}

TEST(FailingDisk, AFailedSyncOfTheLogEndsWritesUntilARestart) {
    Machine machine(1);
    ASSERT_TRUE(machine.start().ok());
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    ASSERT_TRUE(machine.put("a", document("1", 1)).ok());
    machine.fs().fail_next_sync("data/wal/");
    EXPECT_EQ(machine.put("a", document("2", 2)).error().code, ErrorCode::kIo);
    EXPECT_EQ(machine.put("a", document("3", 3)).error().code, ErrorCode::kUnavailable);
    EXPECT_FALSE(machine.node().health().ok);
    EXPECT_EQ(machine.get("a", "1").value(), document("1", 1));
    machine.stop();
    ASSERT_TRUE(machine.start().ok());
    EXPECT_TRUE(machine.get("a", "1").ok());
    EXPECT_TRUE(machine.put("a", document("3", 3)).ok());
}

TEST(FailingDisk, AFailedSealIsTriedAgain) {
    Machine machine(1);
    ASSERT_TRUE(machine.start().ok());
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    machine.fs().fail_writes("/collections/");
    std::map<std::string, std::string> kept;
    EXPECT_EQ(write_many(machine, 1, 15, kept), 0);
    machine.world().run_for(kLong);
    machine.fs().fail_writes("");
    machine.world().run_for(kLong);
    EXPECT_EQ(machine.documents("a"), kept);
    machine.stop_cleanly();
    // Everything is in segments: the log is not needed, if somebody says so.
    ASSERT_TRUE(io::remove_tree(machine.fs(), "/data/wal").ok());
    const Status missed = machine.start();
    ASSERT_FALSE(missed.ok());
    EXPECT_EQ(missed.error().code, ErrorCode::kCorruption);
    EXPECT_NE(missed.error().message.find("/data/wal/id"), std::string::npos);
    machine.stop();
    ASSERT_TRUE(machine.fs().unlink("/data/wal_id").ok());
    ASSERT_TRUE(machine.start().ok());
    EXPECT_EQ(machine.documents("a"), kept);
}

// Sanitizers see the same code at every byte, and need minutes for all of them.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kStride = 17;
#else
constexpr std::uint64_t kStride = 1;
#endif

class DamagedDisk : public testing::Test {
protected:
    void SetUp() override { build(); }

    /// The same disk each time: what a start does to it is of no concern to the next one.
    void build() {
        own = std::make_unique<Machine>(5);
        kept.clear();
        Machine& machine = *own;
        ASSERT_TRUE(machine.start().ok());
        ASSERT_TRUE(machine.create(numbered("a")).ok());
        ASSERT_EQ(write_many(machine, 1, 30, kept), 0);
        machine.world().run_for(kLong);
        ASSERT_EQ(write_many(machine, 31, 36, kept), 0);
        machine.stop();
    }

    /// Damages a byte and starts. True if the damage was found and named; otherwise it
    /// must have been of no meaning.
    bool is_found(const std::string& file, std::uint64_t offset) {
        const std::string path = "/data" + file;
        build();
        Machine& machine = *own;
        machine.fs().flip_bit(path, offset, 3);
        const Status started = machine.start();
        if (started.ok()) {
            EXPECT_EQ(machine.documents("a"), kept) << path << " at " << offset;
        } else {
            EXPECT_EQ(started.error().code, ErrorCode::kCorruption) << started.error().message;
            EXPECT_NE(started.error().message.find(path), std::string::npos)
                << started.error().message;
        }
        return !started.ok();
    }

    std::string find_file(std::string_view part) {
        for (const std::string& file : own->files()) {
            if (file.find(part) != std::string::npos) {
                return file;
            }
        }
        return "none";
    }

    std::uint64_t size(const std::string& file) {
        return own->fs().file_size("/data" + file).value();
    }

    std::unique_ptr<Machine> own;
    std::map<std::string, std::string> kept;
};

TEST_F(DamagedDisk, SegmentsAreCheckedAtTheStart) {
    const std::string file = find_file(".kseg");
    int found = 0;
    int tried = 0;
    const std::uint64_t end = size(file);
    for (std::uint64_t offset = 0; offset < end; offset += 97) {
        ++tried;
        found += is_found(file, offset) ? 1 : 0;
        if (HasFailure()) {
            return;
        }
    }
    EXPECT_GT(found, tried / 3) << "the rest is padding";
}

TEST_F(DamagedDisk, EveryByteOfStateAndManifestIsChecked) {
    for (const char* part : {"/control/snapshot", "/manifest"}) {
        const std::string file = find_file(part);
        const std::uint64_t end = size(file);
        for (std::uint64_t offset = 0; offset < end; offset += kStride) {
            EXPECT_TRUE(is_found(file, offset)) << file << ' ' << offset;
        }
    }
}

TEST_F(DamagedDisk, TheLogIsCheckedUpToItsEnd) {
    const std::string file = find_file("/wal/wal-");
    const std::uint64_t end = size(file) - 200;  // What a torn end is cannot be told apart.
    for (std::uint64_t offset = 64; offset < end; offset += 13 * kStride) {
        EXPECT_TRUE(is_found(file, offset)) << offset;
        if (HasFailure()) {
            return;
        }
    }
}

TEST_F(DamagedDisk, ALostSegmentOrManifestIsNoticed) {
    Machine& machine = *own;
    const std::string segment = "/data" + find_file(".kseg");
    ASSERT_TRUE(machine.fs().rename(segment, "/data/elsewhere").ok());
    const Status started = machine.start();
    ASSERT_FALSE(started.ok());
    EXPECT_NE(started.error().message.find(segment), std::string::npos);
    machine.stop();
    ASSERT_TRUE(machine.fs().rename("/data/elsewhere", segment).ok());
    ASSERT_TRUE(machine.fs().unlink("/data" + find_file("manifest")).ok());
    ASSERT_TRUE(machine.start().ok());
    EXPECT_EQ(machine.documents("a"), kept) << "the log had everything";
    machine.stop_cleanly();
    ASSERT_TRUE(machine.fs().unlink("/data" + find_file("manifest")).ok());
    ASSERT_TRUE(io::remove_tree(machine.fs(), "/data/wal").ok());
    ASSERT_TRUE(machine.fs().unlink("/data/wal_id").ok());
    EXPECT_EQ(machine.start().error().code, ErrorCode::kCorruption);
}

}  // namespace
}  // namespace kumo::node
