#include "store/wal.h"

#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_worker_pool.h"
#include "io/system.h"
#include "store/internal/wal_format.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::store {
namespace {

constexpr StreamId kA{1};
constexpr StreamId kB{2};

using Log = std::vector<std::pair<Seq, std::string>>;

/// A log on a simulated machine that can be killed and restarted.
class WalTest : public testing::Test {
protected:
    explicit WalTest(std::uint64_t seed = 1) : world(seed), fs(world), readers(world, {}) {
        options.directory = "/wal";
        options.readers = &readers;
    }

    Status start() {
        wal.reset();
        if (loop != nullptr) {
            loop->kill();
            dead_loops.push_back(std::move(loop));  // Reads on their way still answer to it.
        }
        loop = world.make_loop();
        auto opened = Wal::open(*loop, fs, options);
        if (!opened.ok()) {
            return std::move(opened).error();
        }
        wal = std::move(opened).value();
        return {};
    }

    /// As kill -9 does.
    Status restart() {
        wal.reset();
        loop->kill();
        fs.restart();
        return start();
    }

    void append(StreamId stream, Seq seq, std::string_view payload) {
        const Status queued = wal->append(stream, seq, payload, [this, seq](Status status) {
            order.push_back(seq);
            results.push_back(std::move(status));
        });
        ASSERT_TRUE(queued.ok()) << queued.error().message;
    }

    void append_and_wait(StreamId stream, Seq seq, std::string_view payload) {
        append(stream, seq, payload);
        ASSERT_TRUE(world.run_until_idle());
        ASSERT_TRUE(results.back().ok()) << results.back().error().message;
    }

    void cut(StreamId stream, Seq from) {
        const Status queued = wal->cut(stream, from, [this, from](Status status) {
            order.push_back(from);
            results.push_back(std::move(status));
        });
        ASSERT_TRUE(queued.ok()) << queued.error().message;
    }

    void cut_and_wait(StreamId stream, Seq from) {
        cut(stream, from);
        ASSERT_TRUE(world.run_until_idle());
        ASSERT_TRUE(results.back().ok()) << results.back().error().message;
    }

    Result<Log> read(StreamId stream, Seq from, std::size_t bytes_max) {
        Result<Log> log = Error{ErrorCode::kInternal, "not called"};
        const auto done = [&log](Result<std::vector<WalEntry>> entries) {
            if (!entries.ok()) {
                log = std::move(entries).error();
                return;
            }
            log = Log();
            for (const WalEntry& entry : entries.value()) {
                log.value().emplace_back(entry.seq, entry.payload);
            }
        };
        const Status queued = wal->read(stream, from, bytes_max, done);
        if (!queued.ok()) {
            return queued.error();
        }
        EXPECT_TRUE(world.run_until_idle());
        return log;
    }

    /// Everything from `from` on, in as many reads as it takes.
    Log read_all(StreamId stream, Seq from, std::size_t bytes_max) {
        Log all;
        for (;;) {
            const Result<Log> part = read(stream, from + all.size(), bytes_max);
            if (!part.ok()) {
                ADD_FAILURE() << part.error().message;
                return all;
            }
            if (part.value().empty()) {
                return all;
            }
            all.insert(all.end(), part.value().begin(), part.value().end());
        }
    }

    std::map<StreamId, Log> replayed(const std::map<StreamId, Seq>& from) {
        std::map<StreamId, Log> logs;
        replay_status = wal->replay(from, [&](StreamId stream, Seq seq, ByteView payload) {
            logs[stream].emplace_back(seq, payload);
            return Status();
        });
        return logs;
    }

    std::vector<std::string> files() {
        std::vector<std::string> names;
        const auto entries = fs.list("/wal");
        for (const io::DirEntry& entry : entries.value()) {
            names.push_back(io::join_path("/wal", entry.name));
        }
        return names;
    }

    io::SimWorld world;
    io::SimFs fs;
    io::SimWorkerPool readers;
    WalOptions options;
    std::vector<std::unique_ptr<io::SimLoop>> dead_loops;
    std::unique_ptr<io::SimLoop> loop;
    std::unique_ptr<Wal> wal;
    std::vector<Seq> order;
    std::vector<Status> results;
    Status replay_status;
};

TEST_F(WalTest, GivesBackWhatWasAppended) {
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, "one");
    append(kA, 2, "");
    append(kB, 7, std::string(100'000, 'x'));
    ASSERT_TRUE(world.run_until_idle());
    ASSERT_TRUE(restart().ok());
    EXPECT_EQ(wal->last_seq(kA), 2U);
    EXPECT_EQ(wal->last_seq(kB), 7U);
    auto logs = replayed({{kA, 0}, {kB, 6}});
    ASSERT_TRUE(replay_status.ok()) << replay_status.error().message;
    EXPECT_EQ(logs[kA], (Log{{1, "one"}, {2, ""}}));
    EXPECT_EQ(logs[kB], (Log{{7, std::string(100'000, 'x')}}));
}

TEST_F(WalTest, OneSyncServesAllThatWait) {
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, "makes the segment");
    const std::uint64_t before = wal->stats().syncs;
    for (Seq seq = 2; seq <= 50; ++seq) {
        append(kA, seq, "x");
    }
    // The first of them is on its way to the disk when these come.
    world.run_for(std::chrono::microseconds(100));
    for (Seq seq = 51; seq <= 90; ++seq) {
        append(kA, seq, "y");
    }
    ASSERT_TRUE(world.run_until_idle());
    EXPECT_EQ(wal->stats().syncs - before, 2U);
    EXPECT_EQ(wal->stats().records, 90U);
    ASSERT_EQ(order.size(), 90U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(WalTest, NobodyIsToldBeforeTheSync) {
    ASSERT_TRUE(start().ok());
    append(kA, 1, "x");
    EXPECT_GT(wal->pending_bytes(), 0U);
    world.run_for(std::chrono::microseconds(900));
    EXPECT_TRUE(results.empty());
    ASSERT_TRUE(world.run_until_idle());
    EXPECT_EQ(results.size(), 1U);
    EXPECT_EQ(wal->pending_bytes(), 0U);
}

TEST_F(WalTest, WhatIsSyncedBehindSurvivesTheMachineASecondLater) {
    options.fsync = FsyncPolicy::kNone;
    options.syncs_behind = true;
    options.segment_bytes_max = 600;
    ASSERT_TRUE(start().ok());
    Seq next = 1;
    for (int second = 0; second < 3; ++second) {
        const std::uint64_t before = wal->stats().syncs;
        for (int n = 0; n < 20; ++n) {
            append(kA, next, "operation " + std::to_string(next));
            ++next;
            world.run_for(std::chrono::milliseconds(1));
        }
        ASSERT_TRUE(results.back().ok()) << "nobody waits for the sync";
        world.run_for(kWalSyncInterval * 2);
        EXPECT_GT(wal->stats().syncs, before);
    }
    append(kA, next, "too late");
    world.run_for(std::chrono::milliseconds(1));
    wal.reset();
    loop->kill();
    fs.crash(io::CrashKind::kPower);
    fs.restart();
    ASSERT_TRUE(start().ok());
    EXPECT_GE(wal->last_seq(kA), next - 1);
}

TEST_F(WalTest, ASyncBehindThatFailsFailsTheLog) {
    options.fsync = FsyncPolicy::kNone;
    options.syncs_behind = true;
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, "one");
    fs.fail_next_sync("wal");
    append(kA, 2, "two");
    world.run_for(kWalSyncInterval * 2);
    EXPECT_EQ(wal->health().error().code, ErrorCode::kIo);
}

TEST_F(WalTest, RefusesGapsOverlongAndOverload) {
    options.pending_bytes_max = 1000;
    ASSERT_TRUE(start().ok());
    append(kA, 5, std::string(2000, 'x'));
    const auto never = [](Status) {
        FAIL();
    };
    EXPECT_EQ(wal->append(kA, 6, "x", never).error().code, ErrorCode::kOverloaded);
    ASSERT_TRUE(world.run_until_idle());
    EXPECT_EQ(wal->append(kA, 5, "x", never).error().code, ErrorCode::kConflict);
    EXPECT_EQ(wal->append(kA, 7, "x", never).error().code, ErrorCode::kConflict);
    const std::string overlong(kWalRecordBytesMax + 1, 'x');
    EXPECT_EQ(wal->append(kA, 6, overlong, never).error().code, ErrorCode::kLimitExceeded);
    append_and_wait(kA, 6, "x");
}

TEST_F(WalTest, RollsSegmentsAndRemovesReleasedOnes) {
    options.segment_bytes_max = 1000;
    ASSERT_TRUE(start().ok());
    for (Seq seq = 1; seq <= 20; ++seq) {
        append_and_wait(seq % 2 == 0 ? kA : kB, (seq + 1) / 2, std::string(400, 'x'));
    }
    const std::size_t most = files().size();
    EXPECT_GE(most, 8U);
    wal->release(kA, 10);
    EXPECT_EQ(files().size(), most) << "the other stream needs them";
    wal->release(kB, 8);
    EXPECT_LT(files().size(), most);
    ASSERT_TRUE(restart().ok());
    const auto logs = replayed({{kA, 10}, {kB, 8}});
    ASSERT_TRUE(replay_status.ok()) << replay_status.error().message;
    EXPECT_EQ(logs.size(), 1U);
    EXPECT_EQ(logs.at(kB).front().first, 9U);
    append_and_wait(kA, 11, "goes on");
    wal->drop(kB);
    wal->release(kA, 10);
    EXPECT_EQ(files().size(), 1U);
    EXPECT_EQ(wal->stats().segments, 1U);
}

TEST_F(WalTest, ReplayDropsStreamsThatNobodyKnows) {
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, "x");
    append_and_wait(kB, 1, "x");
    ASSERT_TRUE(restart().ok());
    (void)replayed({{kB, 1}});
    EXPECT_TRUE(files().empty());
    append_and_wait(kB, 2, "x");
}

struct FailedSync : WalTest {
    explicit FailedSync(std::uint64_t seed) : WalTest(seed) {}

    void TestBody() override {}

    void run() {
        ASSERT_TRUE(start().ok());
        append_and_wait(kA, 1, "x");
        fs.fail_next_sync("/wal");
        append(kA, 2, std::string(2000, 'y'));
        append(kA, 3, std::string(2000, 'z'));
        ASSERT_TRUE(world.run_until_idle());
        ASSERT_EQ(results.back().error().code, ErrorCode::kIo);
        ASSERT_TRUE(restart().ok());
        const Seq found = wal->last_seq(kA);
        append_and_wait(kB, 1, "x");
        fs.crash(io::CrashKind::kPower);
        const Status again = restart();
        ASSERT_TRUE(again.ok()) << again.error().message;
        EXPECT_EQ(wal->last_seq(kA), found);
    }
};

TEST_F(WalTest, FailedSyncFailsItForEver) {
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, "x");
    fs.fail_next_sync("/wal");
    append(kA, 2, "x");
    append(kB, 1, "x");
    ASSERT_TRUE(world.run_until_idle());
    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(results[1].error().code, ErrorCode::kIo);
    EXPECT_EQ(results[2].error().code, ErrorCode::kIo);
    const auto never = [](Status) {
        FAIL();
    };
    EXPECT_EQ(wal->append(kA, 3, "x", never).error().code, ErrorCode::kIo);
    EXPECT_NE(wal->health().error().message.find("sync /wal/wal-"), std::string::npos);
    fs.crash(io::CrashKind::kPower);
    ASSERT_TRUE(restart().ok());
    EXPECT_GE(wal->last_seq(kA), 1U);
}

/// The system goes on showing what a failed sync has lost.
TEST(Wal, WhatIsFoundAfterAFailedSyncIsStored) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        FailedSync test(seed);
        test.run();
    }
}

TEST_F(WalTest, FullDiskRefusesAndGoesOnWhenThereIsSpace) {
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, "kept");
    for (std::uint64_t space = 0; space < 160; space += 5) {
        fs.set_free_bytes(space);
        results.clear();
        append(kA, 2, std::string(200, 'r'));
        append(kA, 3, "behind it");
        ASSERT_TRUE(world.run_until_idle());
        ASSERT_EQ(results.size(), 2U);
        EXPECT_EQ(results[0].error().code, ErrorCode::kResourceExhausted);
        EXPECT_EQ(results[1].error().code, ErrorCode::kResourceExhausted);
        EXPECT_TRUE(wal->health().ok());
    }
    EXPECT_EQ(wal->stats().refused_for_space, 64U);
    fs.set_free_bytes(1'000'000);
    append_and_wait(kA, 2, "new two");
    fs.crash(io::CrashKind::kPower);
    ASSERT_TRUE(restart().ok());
    EXPECT_EQ(replayed({{kA, 0}})[kA], (Log{{1, "kept"}, {2, "new two"}}));
}

TEST_F(WalTest, FullDiskWhenASegmentBegins) {
    options.segment_bytes_max = 100;
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, std::string(300, 'x'));
    for (const std::uint64_t space : {0U, 10U, 63U, 64U, 80U}) {
        fs.set_free_bytes(space);
        results.clear();
        append(kA, 2, "x");
        ASSERT_TRUE(world.run_until_idle());
        EXPECT_EQ(results.at(0).error().code, ErrorCode::kResourceExhausted) << space;
    }
    fs.set_free_bytes(1'000'000);
    append_and_wait(kA, 2, "y");
    ASSERT_TRUE(restart().ok());
    EXPECT_EQ(replayed({{kA, 1}})[kA], (Log{{2, "y"}}));
}

TEST_F(WalTest, HoleInAStreamIsCorruption) {
    options.segment_bytes_max = 100;
    ASSERT_TRUE(start().ok());
    for (Seq seq = 1; seq <= 4; ++seq) {
        append_and_wait(kA, seq, std::string(100, 'x'));
    }
    ASSERT_TRUE(fs.unlink(files().at(1)).ok());
    ASSERT_TRUE(restart().ok());
    (void)replayed({{kA, 0}});
    EXPECT_EQ(replay_status.error().code, ErrorCode::kCorruption);
    EXPECT_NE(replay_status.error().message.find(files().at(1)), std::string::npos);
}

TEST_F(WalTest, ReplayEndsWithTheCallersError) {
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, "x");
    ASSERT_TRUE(restart().ok());
    const Status status = wal->replay({{kA, 0}}, [](StreamId, Seq, ByteView) -> Status {
        return invalid_argument("not mine");
    });
    EXPECT_EQ(status.error().message, "not mine");
}

TEST_F(WalTest, UnreadableDiskIsAnErrorNotACut) {
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, "x");
    fs.fail_reads("/wal");
    EXPECT_EQ(restart().error().code, ErrorCode::kIo);
    fs.fail_reads("");
    ASSERT_TRUE(start().ok());
    EXPECT_EQ(wal->last_seq(kA), 1U);
}

TEST_F(WalTest, OwnerMayDestroyItInItsCallbacks) {
    ASSERT_TRUE(start().ok());
    int calls = 0;
    for (Seq seq = 1; seq <= 3; ++seq) {
        ASSERT_TRUE(wal->append(
                           kA,
                           seq,
                           "x",
                           [&](Status) {
                               ++calls;
                               wal.reset();
                           }
        ).ok());
    }
    ASSERT_TRUE(world.run_until_idle());
    EXPECT_EQ(calls, 1);
}

/// Every single flipped bit is harmless, or found and named; no acknowledged record ever vanishes.
TEST_F(WalTest, FindsEveryFlippedBit) {
    options.segment_bytes_max = 400;
    ASSERT_TRUE(start().ok());
    for (Seq seq = 1; seq <= 6; ++seq) {
        append_and_wait(kA, seq, std::string(70 * seq, 'x'));
    }
    ASSERT_GE(files().size(), 2U);
    std::size_t harmless = 0;
    for (const std::string& file : files()) {
        const std::uint64_t bytes = fs.file_size(file).value();
        for (std::uint64_t offset = 0; offset < bytes; ++offset) {
            fs.flip_bit(file, offset, static_cast<unsigned>(offset));
            const Status status = restart();
            if (!status.ok()) {
                EXPECT_EQ(status.error().code, ErrorCode::kCorruption);
                EXPECT_NE(status.error().message.find(file), std::string::npos);
                fs.flip_bit(file, offset, static_cast<unsigned>(offset));
                continue;
            }
            // Only the last mark, which follows everything, may be cut off.
            ++harmless;
            EXPECT_EQ(wal->last_seq(kA), 6U) << file << " at " << offset;
            EXPECT_EQ(replayed({{kA, 0}})[kA].size(), 6U);
            break;
        }
    }
    EXPECT_EQ(harmless, 1U);
}

TEST_F(WalTest, ShortenedFilesAreFoundExceptAtTheEnd) {
    options.segment_bytes_max = 400;
    ASSERT_TRUE(start().ok());
    for (Seq seq = 1; seq <= 6; ++seq) {
        append_and_wait(kA, seq, std::string(200, 'x'));
    }
    const std::string first = files().front();
    const std::uint64_t bytes = fs.file_size(first).value();
    const std::vector<std::uint64_t> sizes = {bytes - 1, bytes - kWalMarkBytes, bytes / 2, 64};
    for (const std::uint64_t size : sizes) {
        {
            auto file = fs.open(first, io::OpenMode::kReadWrite);
            ASSERT_TRUE(file.value()->truncate(size).ok());
        }
        EXPECT_EQ(restart().error().code, ErrorCode::kCorruption) << size;
    }
}

TEST_F(WalTest, RefusesADirectoryOfAnotherVersion) {
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, "x");
    {
        auto file = fs.open(files().at(0), io::OpenMode::kReadWrite);
        ASSERT_TRUE(file.value()->write(8, "\x09").ok());
    }
    EXPECT_EQ(restart().error().code, ErrorCode::kCorruption);
}

TEST_F(WalTest, CutRemovesATailAndTheStreamGoesOn) {
    options.segment_bytes_max = 1000;
    ASSERT_TRUE(start().ok());
    for (Seq seq = 1; seq <= 10; ++seq) {
        append(kA, seq, "old " + std::to_string(seq) + std::string(200, 'x'));
        append_and_wait(kB, seq, "other " + std::to_string(seq));
    }
    cut_and_wait(kA, 4);
    EXPECT_EQ(wal->last_seq(kA), 3U);
    EXPECT_EQ(wal->last_seq(kB), 10U);
    append_and_wait(kA, 4, "new 4");
    append(kA, 5, "gone at once");
    cut(kA, 5);
    append(kA, 5, "new 5");
    EXPECT_EQ(wal->last_seq(kA), 5U);
    ASSERT_TRUE(world.run_until_idle());
    EXPECT_EQ(wal->stats().cuts, 2U);
    const Log live = read_all(kA, 1, 1);
    for (int round = 0; round < 2; ++round) {
        ASSERT_TRUE(restart().ok());
        EXPECT_EQ(wal->last_seq(kA), 5U);
        auto logs = replayed({{kA, 0}, {kB, 0}});
        ASSERT_TRUE(replay_status.ok()) << replay_status.error().message;
        ASSERT_EQ(logs[kA].size(), 5U);
        EXPECT_EQ(logs[kA][2].second.substr(0, 5), "old 3");
        EXPECT_EQ(logs[kA][3], (std::pair<Seq, std::string>{4, "new 4"}));
        EXPECT_EQ(logs[kA][4], (std::pair<Seq, std::string>{5, "new 5"}));
        EXPECT_EQ(logs[kB].size(), 10U);
        EXPECT_EQ(live, logs[kA]);
        EXPECT_EQ(read_all(kA, 1, 300), logs[kA]);
        EXPECT_EQ(read_all(kB, 1, 300), logs[kB]);
    }
    append_and_wait(kA, 6, "goes on");
}

TEST_F(WalTest, CutsInRunsKeepOnlyWhatSurvives) {
    ASSERT_TRUE(start().ok());
    for (Seq seq = 1; seq <= 8; ++seq) {
        append_and_wait(kA, seq, "a");
    }
    cut(kA, 3);
    append(kA, 3, "b");
    append(kA, 4, "b");
    append(kA, 5, "b");
    cut(kA, 5);
    append(kA, 5, "c");
    append(kA, 6, "c");
    cut(kA, 7);  // Removes nothing: it ends there.
    ASSERT_TRUE(world.run_until_idle());
    const Log expected = {{1, "a"}, {2, "a"}, {3, "b"}, {4, "b"}, {5, "c"}, {6, "c"}};
    EXPECT_EQ(read_all(kA, 1, 100), expected);
    ASSERT_TRUE(restart().ok());
    EXPECT_EQ(replayed({{kA, 0}})[kA], expected);
    EXPECT_EQ(read_all(kA, 1, 100), expected);
}

TEST_F(WalTest, CutRefusesWhatTheStreamDoesNotHave) {
    ASSERT_TRUE(start().ok());
    const auto never = [](Status) {
        FAIL();
    };
    EXPECT_EQ(wal->cut(kA, 1, never).error().code, ErrorCode::kConflict);
    append_and_wait(kA, 1, "x");
    append_and_wait(kA, 2, "x");
    EXPECT_EQ(wal->cut(kA, 0, never).error().code, ErrorCode::kConflict);
    EXPECT_EQ(wal->cut(kA, 4, never).error().code, ErrorCode::kConflict);
    wal->release(kA, 1);
    EXPECT_EQ(wal->cut(kA, 1, never).error().code, ErrorCode::kConflict);
    cut_and_wait(kA, 2);
    append_and_wait(kA, 2, "y");
}

TEST_F(WalTest, FullDiskRefusesCutsWithWhatIsBehindThem) {
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, "one");
    append_and_wait(kA, 2, "two");
    fs.set_free_bytes(10);
    results.clear();
    append(kA, 3, "three");
    cut(kA, 2);
    append(kA, 2, "other two");
    ASSERT_TRUE(world.run_until_idle());
    ASSERT_EQ(results.size(), 3U);
    for (const Status& result : results) {
        EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
    }
    EXPECT_EQ(wal->last_seq(kA), 2U);
    EXPECT_EQ(read_all(kA, 1, 100), (Log{{1, "one"}, {2, "two"}}));
    fs.set_free_bytes(1'000'000);
    append_and_wait(kA, 3, "new three");
    fs.crash(io::CrashKind::kPower);
    ASSERT_TRUE(restart().ok());
    EXPECT_EQ(replayed({{kA, 0}})[kA], (Log{{1, "one"}, {2, "two"}, {3, "new three"}}));
}

/// A cut is in a segment of its own; the one before it is held by another stream. Were the cut's
/// segment removed because its stream has released it, the old tail would be back.
TEST_F(WalTest, SegmentWithACutOutlivesWhatItCut) {
    options.segment_bytes_max = 600;
    ASSERT_TRUE(start().ok());
    for (Seq seq = 1; seq <= 4; ++seq) {
        append_and_wait(kA, seq, "old");
    }
    append_and_wait(kB, 1, std::string(500, 'x'));
    append_and_wait(kA, 5, std::string(700, 'x'));
    cut(kA, 3);
    append(kA, 3, std::string(700, 'y'));
    ASSERT_TRUE(world.run_until_idle());
    append_and_wait(kA, 4, "in the last segment");
    append_and_wait(kA, 5, "in the last segment");
    append_and_wait(kA, 6, "in the last segment");
    wal->release(kA, 3);
    ASSERT_TRUE(restart().ok());
    auto logs = replayed({{kA, 3}, {kB, 0}});
    ASSERT_TRUE(replay_status.ok()) << replay_status.error().message;
    const std::string last = "in the last segment";
    EXPECT_EQ(logs[kA], (Log{{4, last}, {5, last}, {6, last}}));
    wal->release(kA, 6);
    ASSERT_TRUE(restart().ok());
    EXPECT_EQ(wal->last_seq(kA), 3U) << "the cut is still known";
    EXPECT_TRUE(replayed({{kA, 6}, {kB, 1}}).empty());
    ASSERT_TRUE(replay_status.ok());
    EXPECT_EQ(wal->last_seq(kA), 6U);
    append_and_wait(kA, 7, std::string(700, 'z'));
    append_and_wait(kA, 8, "a new segment makes the removals durable");
    wal->release(kA, 7);
    EXPECT_EQ(files().size(), 1U);
}

TEST_F(WalTest, ReadsOnlyWhatIsAcknowledgedAndLive) {
    ASSERT_TRUE(start().ok());
    EXPECT_TRUE(read(kA, 1, 100).value().empty());
    append_and_wait(kA, 1, "one");
    append_and_wait(kA, 2, "two");
    append(kA, 3, "waits");
    std::optional<std::size_t> seen;
    const auto count = [&](Result<std::vector<WalEntry>> entries) {
        seen = entries.value().size();
    };
    ASSERT_TRUE(wal->read(kA, 1, 100, count).ok());
    EXPECT_FALSE(seen.has_value()) << "never from inside the call";
    ASSERT_TRUE(world.run_until_idle());
    EXPECT_EQ(seen, 2U);
    cut(kA, 2);
    ASSERT_TRUE(wal->read(kA, 1, 100, count).ok());
    ASSERT_TRUE(world.run_until_idle());
    EXPECT_EQ(seen, 1U);
    EXPECT_TRUE(read(kA, 2, 100).value().empty());
}

TEST_F(WalTest, ReadsAcrossSegmentsFromAnywhere) {
    options.segment_bytes_max = 700'000;  // Several index entries each.
    ASSERT_TRUE(start().ok());
    Log expected;
    for (Seq seq = 1; seq <= 120; ++seq) {
        expected.emplace_back(seq, std::to_string(seq) + std::string(20'000, 'a'));
        append(kA, seq, expected.back().second);
        append(kB, seq, std::string(3'000, 'b'));
        if (seq % 3 == 0) {
            ASSERT_TRUE(world.run_until_idle());
        }
    }
    for (int round = 0; round < 2; ++round) {
        for (Seq from = 1; from <= 120; from += 7) {
            const auto tail = expected.begin() + static_cast<std::ptrdiff_t>(from - 1);
            EXPECT_EQ(read_all(kA, from, 50'000), Log(tail, expected.end())) << from;
            EXPECT_EQ(read(kA, from, 0).value(), Log(tail, tail + 1));
        }
        EXPECT_EQ(read(kA, 1, std::size_t{1} << 30).value(), expected);
        ASSERT_TRUE(restart().ok());
    }
}

TEST_F(WalTest, ReadOfWhatWasRemovedIsNotFound) {
    options.segment_bytes_max = 500;
    ASSERT_TRUE(start().ok());
    for (Seq seq = 1; seq <= 6; ++seq) {
        append_and_wait(kA, seq, std::string(300, 'x'));
    }
    Result<std::vector<WalEntry>> late = std::vector<WalEntry>();
    const auto keep = [&](Result<std::vector<WalEntry>> entries) {
        late = std::move(entries);
    };
    ASSERT_TRUE(wal->read(kA, 1, 100, keep).ok());
    wal->release(kA, 3);  // Before the reader comes to it.
    ASSERT_TRUE(world.run_until_idle());
    ASSERT_FALSE(late.ok());
    EXPECT_EQ(late.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(read(kA, 1, 100).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(read_all(kA, 5, 1000).size(), 2U);
    EXPECT_TRUE(read(kA, 7, 100).value().empty());
}

TEST_F(WalTest, DamageThatAReadMeetsNamesFileAndOffset) {
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, "one");
    append_and_wait(kA, 2, "two");
    const std::string file = files().front();
    fs.flip_bit(file, kWalSegmentHeaderBytes + kWalMarkBytes + sizeof(WalRecordHeader), 1);
    const auto result = read(kA, 1, 100);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::kCorruption);
    EXPECT_NE(
        result.error().message.find(
            file + ": damaged at offset " + std::to_string(kWalSegmentHeaderBytes + kWalMarkBytes)
        ),
        std::string::npos
    ) << result.error().message;
}

TEST_F(WalTest, ReadsAreBounded) {
    ASSERT_TRUE(start().ok());
    append_and_wait(kA, 1, "one");
    std::size_t answers = 0;
    const auto count = [&](const Result<std::vector<WalEntry>>& entries) {
        answers += entries.ok() ? 1 : 0;
    };
    for (std::size_t i = 0; i < kWalReadsMax; ++i) {
        ASSERT_TRUE(wal->read(kA, 1, 100, count).ok());
    }
    EXPECT_EQ(wal->read(kA, 1, 100, count).error().code, ErrorCode::kOverloaded);
    ASSERT_TRUE(world.run_until_idle());
    EXPECT_EQ(answers, kWalReadsMax);
    EXPECT_TRUE(read(kA, 1, 100).ok());
    ASSERT_TRUE(wal->read(kA, 1, 100, count).ok());
    wal.reset();  // Nobody is called any more.
    ASSERT_TRUE(world.run_until_idle());
    EXPECT_EQ(answers, kWalReadsMax);
}

/// Segments of version 1 have no cuts: there, a record of that type is damage.
TEST_F(WalTest, ReadsSegmentsOfVersionOne) {
    const auto put = [this](bool with_cut) {
        WalSegmentHeader header;
        header.version = kWalVersionWithoutCuts;
        header.number = 1;
        header.nonce = 7;
        std::string records;
        append_wal_record(records, kA, 1, "one");
        append_wal_record(records, kA, 2, "two");
        if (with_cut) {
            append_wal_cut(records, kA, 2);
        }
        seal_wal_records(records, wal_crc_seed(header.nonce));
        auto file = fs.open(io::join_path("/wal", wal_segment_name(1)), io::OpenMode::kCreate);
        ASSERT_TRUE(file.value()->write(0, encode_wal_header(header) + records).ok());
        ASSERT_TRUE(file.value()->sync().ok());
    };
    ASSERT_TRUE(fs.mkdir("/wal").ok());
    put(false);
    ASSERT_TRUE(start().ok());
    EXPECT_EQ(replayed({{kA, 0}})[kA], (Log{{1, "one"}, {2, "two"}}));
    cut_and_wait(kA, 2);
    append_and_wait(kA, 2, "new two");
    ASSERT_TRUE(restart().ok());
    EXPECT_EQ(replayed({{kA, 0}})[kA], (Log{{1, "one"}, {2, "new two"}}));
    for (const std::string& file : files()) {
        ASSERT_TRUE(fs.unlink(file).ok());
    }
    put(true);
    ASSERT_TRUE(restart().ok());
    EXPECT_EQ(replayed({{kA, 0}})[kA].size(), 2U) << "the torn end was cut off";
}

TEST(Wal, WorksOnTheRealThing) {
    std::string directory = testing::TempDir() + "kumo_wal_XXXXXX";
    ASSERT_NE(::mkdtemp(directory.data()), nullptr);
    const auto fs = io::make_system_fs();
    const auto readers = io::make_system_worker_pool({.name = "reader"});
    const WalOptions options = {
        .directory = directory + "/log",
        .segment_bytes_max = 10'000,
        .readers = readers.get()};
    for (Seq round = 0; round < 3; ++round) {
        const auto loop = io::make_system_loop();
        auto wal = Wal::open(*loop, *fs, options);
        ASSERT_TRUE(wal.ok()) << wal.error().message;
        Seq seen = 0;
        ASSERT_TRUE(wal.value()
                        ->replay(
                            {{kA, 0}},
                            [&](StreamId, Seq seq, ByteView payload) {
                                EXPECT_EQ(payload, "record " + std::to_string(seq));
                                seen = seq;
                                return Status();
                            }
                        )
                        .ok());
        EXPECT_EQ(seen, round * 500);
        Seq done = 0;
        for (Seq seq = round * 500 + 1; seq <= (round + 1) * 500; ++seq) {
            const auto count = [&](Status status) {
                EXPECT_TRUE(status.ok());
                if (++done == 500) {
                    loop->stop();
                }
            };
            ASSERT_TRUE(wal.value()->append(kA, seq, "record " + std::to_string(seq), count).ok());
        }
        loop->run();
        EXPECT_EQ(done, 500U);
        EXPECT_EQ(wal.value()->stats().records, 500U);
        std::size_t read = 0;
        const auto count = [&](const Result<std::vector<WalEntry>>& entries) {
            read = entries.ok() ? entries.value().size() : 0;
            loop->stop();
        };
        ASSERT_TRUE(wal.value()->read(kA, 1, 1'000'000, count).ok());
        loop->run();
        EXPECT_GE(read, 500U);
    }
    ASSERT_TRUE(io::remove_tree(*fs, directory).ok());
}

}  // namespace
}  // namespace kumo::store
