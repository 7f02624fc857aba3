#include "store/checkpoint.h"

#include "io/sim/sim_fs.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kumo::store {
namespace {

constexpr FileKind kKind = {{'T', 'E', 'S', 'T', 'F', 'I', 'L', 'E'}, 3};

class CheckedFileTest : public testing::Test {
protected:
    Result<CheckedFile> read() { return read_checked_file(fs, "/x", kKind); }

    Status write(ByteView bytes) { return write_checked_file(fs, "/x", kKind, bytes); }

    io::SimWorld world{1};
    io::SimFs fs{world};
};

TEST_F(CheckedFileTest, GivesBackWhatWasWritten) {
    EXPECT_EQ(read().error().code, ErrorCode::kNotFound);
    const std::vector<std::string> contents = {"first", "", std::string(100'000, 'x')};
    for (const std::string& bytes : contents) {
        ASSERT_TRUE(write(bytes).ok());
        fs.crash(io::CrashKind::kPower);
        fs.restart();
        EXPECT_EQ(read().value().bytes, bytes);
        EXPECT_EQ(read().value().version, 3U);
    }
    EXPECT_FALSE(io::exists(fs, "/x.tmp").value());
}

TEST_F(CheckedFileTest, FindsEveryFlippedBitAndEveryLength) {
    ASSERT_TRUE(write("some content").ok());
    const std::uint64_t bytes = fs.file_size("/x").value();
    for (std::uint64_t offset = 0; offset < bytes; ++offset) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            fs.flip_bit("/x", offset, bit);
            EXPECT_EQ(read().error().code, ErrorCode::kCorruption) << offset;
            EXPECT_NE(read().error().message.find("/x"), std::string::npos);
            fs.flip_bit("/x", offset, bit);
        }
    }
    EXPECT_TRUE(read().ok());
    auto file = fs.open("/x", io::OpenMode::kReadWrite);
    ASSERT_TRUE(file.value()->write(bytes, "tail").ok());
    EXPECT_EQ(read().error().code, ErrorCode::kCorruption);
    for (std::uint64_t size = bytes; size-- > 0;) {
        ASSERT_TRUE(file.value()->truncate(size).ok());
        EXPECT_EQ(read().error().code, ErrorCode::kCorruption) << size;
    }
}

TEST_F(CheckedFileTest, RefusesOtherKindsAndNewerVersions) {
    ASSERT_TRUE(write("x").ok());
    FileKind other = kKind;
    other.magic[0] = 'B';
    EXPECT_EQ(read_checked_file(fs, "/x", other).error().code, ErrorCode::kCorruption);
    FileKind older = kKind;
    older.version = 2;
    EXPECT_EQ(read_checked_file(fs, "/x", older).error().code, ErrorCode::kUnsupported);
    FileKind newer = kKind;
    newer.version = 9;
    EXPECT_EQ(read_checked_file(fs, "/x", newer).value().version, 3U);
}

TEST_F(CheckedFileTest, FullDiskLeavesTheOldContent) {
    ASSERT_TRUE(write("old").ok());
    for (const std::uint64_t space : {0U, 1U, 47U, 48U, 50U}) {
        fs.set_free_bytes(space);
        EXPECT_EQ(write("newer content").error().code, ErrorCode::kResourceExhausted);
        EXPECT_EQ(read().value().bytes, "old");
        EXPECT_EQ(fs.free_bytes("/").value(), space) << "nothing is left behind";
    }
}

TEST_F(CheckedFileTest, FailedSyncLeavesTheOldContent) {
    ASSERT_TRUE(write("old").ok());
    fs.fail_next_sync("/x.tmp");
    EXPECT_EQ(write("new").error().code, ErrorCode::kIo);
    EXPECT_EQ(read().value().bytes, "old");
    EXPECT_TRUE(write("new").ok());
}

TEST(CheckedFile, CrashAtEveryOperationLeavesOldOrNew) {
    for (std::uint64_t operation = 1; operation <= 10; ++operation) {
        for (const auto point :
             {io::CrashPoint::kBefore, io::CrashPoint::kTorn, io::CrashPoint::kAfter}) {
            for (std::uint64_t seed = 1; seed <= 10; ++seed) {
                io::SimWorld world(seed);
                io::SimFs fs(world);
                const std::string old_content(2000, 'o');
                const std::string new_content(3000, 'n');
                ASSERT_TRUE(write_checked_file(fs, "/x", kKind, old_content).ok());
                fs.crash_at(fs.operations() + operation, point);
                const bool done = write_checked_file(fs, "/x", kKind, new_content).ok();
                fs.restart();
                const auto left = read_checked_file(fs, "/x", kKind);
                ASSERT_TRUE(left.ok()) << left.error().message;
                EXPECT_TRUE(
                    left.value().bytes == new_content
                    || (left.value().bytes == old_content && !done)
                );
            }
        }
    }
}

}  // namespace
}  // namespace kumo::store
