#include "io/fs.h"

#include "io/internal/env_test.h"

#include <gtest/gtest.h>

#include <optional>

namespace kumo::io {
namespace {

template <typename Env>
class FsTest : public testing::Test {
protected:
    std::string path(std::string_view name) { return join_path(env.directory(), name); }

    void put(const std::string& where, ByteView bytes) {
        auto file = fs().open(where, OpenMode::kCreate);
        ASSERT_TRUE(file.ok()) << file.error().message;
        ASSERT_TRUE(file.value()->write(0, bytes).ok());
        ASSERT_TRUE(file.value()->sync().ok());
    }

    Fs& fs() { return env.fs(); }

    Env env;
};

using Envs = testing::Types<RealEnv, SimEnv>;
TYPED_TEST_SUITE(FsTest, Envs);

TYPED_TEST(FsTest, ReadsWhatWasWritten) {
    const std::string path = this->path("a");
    auto opened = this->fs().open(path, OpenMode::kCreate);
    ASSERT_TRUE(opened.ok());
    File& file = *opened.value();
    ASSERT_TRUE(file.write(0, "hello").ok());
    ASSERT_TRUE(file.write(8, "world").ok());
    EXPECT_EQ(file.size().value(), 13U);
    EXPECT_EQ(file.read(0, 100).value(), std::string("hello\0\0\0world", 13));
    EXPECT_EQ(file.read(9, 2).value(), "or");
    EXPECT_EQ(file.read(13, 5).value(), "");
    EXPECT_EQ(file.read(1000, 5).value(), "");
    ASSERT_TRUE(file.truncate(3).ok());
    EXPECT_EQ(read_file(this->fs(), path, 100).value(), "hel");
    EXPECT_EQ(read_file(this->fs(), path, 2).error().code, ErrorCode::kLimitExceeded);
}

TYPED_TEST(FsTest, OpenModesDoAsTheySay) {
    const std::string path = this->path("a");
    for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite}) {
        auto missing = this->fs().open(path, mode);
        ASSERT_FALSE(missing.ok());
        EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
        EXPECT_NE(missing.error().message.find(path), std::string::npos);
        EXPECT_NE(missing.error().message.find("No such file"), std::string::npos);
    }
    this->put(path, "one");
    {
        auto kept = this->fs().open(path, OpenMode::kReadWrite);
        ASSERT_TRUE(kept.value()->write(1, "X").ok());
        EXPECT_EQ(kept.value()->read(0, 9).value(), "oXe");
    }
    auto emptied = this->fs().open(path, OpenMode::kCreate);
    EXPECT_EQ(emptied.value()->size().value(), 0U);
    EXPECT_EQ(
        this->fs().open(this->path("no/such/dir"), OpenMode::kCreate).error().code,
        ErrorCode::kNotFound
    );
}

TYPED_TEST(FsTest, RenameReplacesAndUnlinkRemoves) {
    this->put(this->path("a"), "new");
    this->put(this->path("b"), "old");
    ASSERT_TRUE(this->fs().rename(this->path("a"), this->path("b")).ok());
    EXPECT_EQ(read_file(this->fs(), this->path("b"), 9).value(), "new");
    EXPECT_FALSE(exists(this->fs(), this->path("a")).value());
    ASSERT_TRUE(this->fs().unlink(this->path("b")).ok());
    EXPECT_EQ(this->fs().unlink(this->path("b")).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(
        this->fs().rename(this->path("a"), this->path("b")).error().code,
        ErrorCode::kNotFound
    );
}

TYPED_TEST(FsTest, RenamesDirectories) {
    ASSERT_TRUE(make_directories(this->fs(), this->path("old/deep")).ok());
    this->put(this->path("old/a"), "1");
    this->put(this->path("old/deep/b"), "2");
    ASSERT_TRUE(this->fs().sync_dir(this->path("old/deep")).ok());
    ASSERT_TRUE(this->fs().sync_dir(this->path("old")).ok());
    ASSERT_TRUE(this->fs().rename(this->path("old"), this->path("new")).ok());
    EXPECT_FALSE(exists(this->fs(), this->path("old")).value());
    EXPECT_EQ(read_file(this->fs(), this->path("new/a"), 9).value(), "1");
    EXPECT_EQ(read_file(this->fs(), this->path("new/deep/b"), 9).value(), "2");
    ASSERT_TRUE(this->fs().sync_dir(this->path("new")).ok());
    ASSERT_TRUE(remove_tree(this->fs(), this->path("new")).ok());
}

TYPED_TEST(FsTest, ListsSortedAndRemovesTrees) {
    ASSERT_TRUE(make_directories(this->fs(), this->path("x/y/z")).ok());
    ASSERT_TRUE(make_directories(this->fs(), this->path("x/y/z")).ok());
    this->put(this->path("x/b"), "1");
    this->put(this->path("x/a"), "22");
    this->put(this->path("x/y/z/deep"), "3");
    const auto entries = this->fs().list(this->path("x"));
    ASSERT_TRUE(entries.ok());
    ASSERT_EQ(entries.value().size(), 3U);
    EXPECT_EQ(entries.value()[0].name, "a");
    EXPECT_EQ(entries.value()[1].name, "b");
    EXPECT_EQ(entries.value()[2].name, "y");
    EXPECT_TRUE(entries.value()[2].is_directory);
    EXPECT_EQ(this->fs().file_size(this->path("x/a")).value(), 2U);
    EXPECT_FALSE(this->fs().rmdir(this->path("x")).ok());
    EXPECT_EQ(this->fs().mkdir(this->path("x")).error().code, ErrorCode::kAlreadyExists);
    ASSERT_TRUE(remove_tree(this->fs(), this->path("x")).ok());
    ASSERT_TRUE(remove_tree(this->fs(), this->path("x")).ok());
    EXPECT_EQ(this->fs().list(this->path("x")).error().code, ErrorCode::kNotFound);
    this->put(this->path("file"), "1");
    ASSERT_TRUE(remove_tree(this->fs(), this->path("file")).ok());
}

TYPED_TEST(FsTest, MapsWholeFiles) {
    this->put(this->path("a"), "mapped bytes");
    this->put(this->path("empty"), "");
    const auto mapped = this->fs().map(this->path("a"));
    ASSERT_TRUE(mapped.ok());
    EXPECT_EQ(mapped.value()->bytes(), "mapped bytes");
    EXPECT_TRUE(this->fs().map(this->path("empty")).value()->bytes().empty());
    EXPECT_EQ(this->fs().map(this->path("none")).error().code, ErrorCode::kNotFound);
}

TYPED_TEST(FsTest, SyncsWithoutBlockingTheLoop) {
    auto file = this->fs().open(this->path("a"), OpenMode::kCreate);
    ASSERT_TRUE(file.value()->write(0, "x").ok());
    int done = 0;
    const auto count = [&](Status status) {
        done += status.ok() ? 1 : 100;
    };
    file.value()->sync_async(this->env.loop(), count);
    file.value().reset();
    this->fs().sync_dir_async(this->env.directory(), this->env.loop(), count);
    EXPECT_EQ(done, 0);
    EXPECT_TRUE(this->env.run_until([&] { return done == 2; }));
    EXPECT_EQ(done, 2);
    std::optional<Status> missing;
    this->fs().sync_dir_async(this->path("none"), this->env.loop(), [&](Status status) {
        missing = std::move(status);
    });
    ASSERT_TRUE(this->env.run_until([&] { return missing.has_value(); }));
    EXPECT_EQ(missing->error().code, ErrorCode::kNotFound);
}

TYPED_TEST(FsTest, LockHasOneHolder) {
    auto first = this->fs().lock(this->path("lock"));
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(this->fs().lock(this->path("lock")).error().code, ErrorCode::kUnavailable);
    first.value().reset();
    EXPECT_TRUE(this->fs().lock(this->path("lock")).ok());
}

TYPED_TEST(FsTest, KnowsItsFreeSpace) {
    const std::uint64_t free = this->fs().free_bytes(this->env.directory()).value();
    EXPECT_GT(free, 0U);
    EXPECT_GE(this->fs().total_bytes(this->env.directory()).value(), free);
}

TYPED_TEST(FsTest, WritesEvenlyAcrossItsSteps) {
    std::string bytes(std::size_t{9} << 20, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>(i * 31 + i / 1000);
    }
    ASSERT_TRUE(write_file(this->fs(), this->path("a"), bytes).ok());
    EXPECT_TRUE(read_file(this->fs(), this->path("a"), bytes.size()).value() == bytes);
    const auto file = this->fs().open(this->path("a"), OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok());
    const ByteView part = ByteView(bytes).substr(0, 600'001);
    ASSERT_TRUE(write_evenly(*file.value(), (std::size_t{8} << 20) - 300'001, part).ok());
    bytes.replace((std::size_t{8} << 20) - 300'001, part.size(), std::string(part));
    EXPECT_TRUE(read_file(this->fs(), this->path("a"), bytes.size()).value() == bytes);
}

TYPED_TEST(FsTest, AllocatesSpaceAndLeavesTheSize) {
    auto file = this->fs().open(this->path("a"), OpenMode::kCreate);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file.value()->allocate(0).ok());
    ASSERT_TRUE(file.value()->allocate(8'192).ok());
    EXPECT_EQ(file.value()->size().value(), 0U);
    ASSERT_TRUE(file.value()->write(0, "abc").ok());
    file.value()->begin_writing(0, 3);
    EXPECT_EQ(file.value()->size().value(), 3U);
    ASSERT_TRUE(file.value()->sync().ok());
    EXPECT_EQ(file.value()->read(0, 10).value(), "abc");
}

TEST(PosixFs, FullDiskIsResourceExhausted) {
    RealEnv env;
    auto full = env.fs().open("/dev/full", OpenMode::kReadWrite);
    if (!full.ok()) {
        GTEST_SKIP() << full.error().message;
    }
    const Status status = full.value()->write(0, "x");
    EXPECT_EQ(status.error().code, ErrorCode::kResourceExhausted);
    EXPECT_NE(status.error().message.find("/dev/full"), std::string::npos);
}

TEST(Paths, JoinAndSplit) {
    EXPECT_EQ(join_path("a", "b"), "a/b");
    EXPECT_EQ(join_path("a/", "b"), "a/b");
    EXPECT_EQ(join_path("", "b"), "b");
    EXPECT_EQ(parent_path("a/b"), "a");
    EXPECT_EQ(parent_path("/a"), "/");
    EXPECT_EQ(parent_path("a"), ".");
}

}  // namespace
}  // namespace kumo::io
