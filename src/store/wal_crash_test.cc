#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "store/checkpoint.h"
#include "store/wal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

// Crash-point enumeration: a scenario with everything the log does (group commits over several
// streams, rolled segments, checkpoints and releases, a disk that fills up and gets space again)
// runs once to count its file operations; then it runs again for every operation and every way to
// crash there, and what a restarted machine recovers is held against what was acknowledged.

namespace kumo::store {
namespace {

constexpr FileKind kCheckpointKind = {{'T', 'E', 'S', 'T', 'C', 'K', 'P', 'T'}, 1};
constexpr std::array<StreamId, 3> kStreams = {StreamId{1}, StreamId{2}, StreamId{900}};

/// What the outside world knows of one stream.
struct Stream {
    Seq appended = 0;      ///< Highest number handed to the log and not refused.
    Seq acknowledged = 0;  ///< Highest number the log said is safe.
    Seq applied = 0;       ///< Recovered or acknowledged: what a checkpoint may hold.
    Seq checkpointed = 0;  ///< Highest checkpoint whose writing succeeded.
    Seq attempted_checkpoint = 0;
    std::map<Seq, std::string> payloads;  ///< The latest under each number.
};

/// A machine that lives through crashes, and the ledger of what it promised.
class Machine {
public:
    Machine(std::uint64_t seed, FsyncPolicy fsync) : world_(seed), script_(seed), fs_(world_) {
        options_.directory = "/data/wal";
        options_.fsync = fsync;
        options_.segment_bytes_max = 6000;
    }

    ~Machine() { stop(); }

    io::SimFs& fs() { return fs_; }

    /// From power-on to a log that takes appends, checking all that was promised. False if the
    /// machine crashed on the way.
    bool start() {
        loop_ = world_.make_loop();
        if (!io::make_directories(fs_, "/data").ok()) {
            EXPECT_TRUE(fs_.crashed());
            return false;
        }
        std::map<StreamId, Seq> from;
        for (const StreamId id : kStreams) {
            if (!read_checkpoint(id, from[id])) {
                return false;
            }
        }
        auto opened = Wal::open(*loop_, fs_, options_);
        if (!opened.ok()) {
            EXPECT_TRUE(fs_.crashed()) << opened.error().message;
            return false;
        }
        wal_ = std::move(opened).value();
        return replay(from);
    }

    /// One step of the scenario.
    void act() {
        const std::uint64_t choice = script_.below(20);
        if (choice < 14) {
            const std::uint64_t count = 1 + script_.below(6);
            for (std::uint64_t i = 0; i < count; ++i) {
                append(kStreams[script_.below(kStreams.size())]);
            }
        } else if (choice < 17) {
            checkpoint(kStreams[script_.below(kStreams.size())]);
        } else if (choice == 17) {
            fs_.set_free_bytes(script_.below(4000));
        } else {
            fs_.set_free_bytes(std::uint64_t{1} << 30);
        }
        world_.run_for(Duration(static_cast<std::int64_t>(script_.below(12'000'000))));
    }

    /// Lets everything that waits come to its end.
    void settle() {
        fs_.set_free_bytes(std::uint64_t{1} << 30);
        EXPECT_TRUE(world_.run_until_idle());
    }

    /// The process ends, as it is.
    void stop() {
        wal_.reset();
        if (loop_ != nullptr) {
            loop_->kill();
        }
        loop_.reset();
    }

    /// After a power loss of a log that does not sync, nothing is promised but a prefix.
    void forget_promises() { durable_ = false; }

    void expect_everything_acknowledged() {
        for (const StreamId id : kStreams) {
            EXPECT_EQ(streams_[id].acknowledged, streams_[id].appended);
        }
    }

private:
    static std::string checkpoint_path(StreamId id) {
        return "/data/checkpoint-" + std::to_string(static_cast<std::uint64_t>(id));
    }

    void append(StreamId id) {
        Stream& stream = streams_[id];
        const Seq seq = stream.appended + 1;
        std::string payload = std::to_string(static_cast<std::uint64_t>(id)) + "/"
                              + std::to_string(seq) + "/" + std::to_string(++attempts_) + "/";
        payload.append(script_.below(4) == 0 ? script_.below(3000) : script_.below(60), 'p');
        const Status queued = wal_->append(id, seq, payload, [this, id, seq](Status status) {
            on_told(streams_[id], seq, status);
        });
        if (queued.ok()) {
            stream.appended = seq;
            stream.payloads[seq] = payload;
        } else {
            EXPECT_TRUE(fs_.crashed() || !wal_->health().ok()) << queued.error().message;
        }
    }

    static void on_told(Stream& stream, Seq seq, const Status& status) {
        if (status.ok()) {
            EXPECT_EQ(seq, stream.acknowledged + 1) << "told in order";
            stream.acknowledged = seq;
            stream.applied = seq;
            return;
        }
        if (status.error().code == ErrorCode::kResourceExhausted) {
            stream.payloads.erase(seq);  // From now on finding it would be wrong.
            stream.appended = std::min(stream.appended, seq - 1);
        }
    }

    void checkpoint(StreamId id) {
        Stream& stream = streams_[id];
        stream.attempted_checkpoint = std::max(stream.attempted_checkpoint, stream.applied);
        const Status written = write_checked_file(
            fs_,
            checkpoint_path(id),
            kCheckpointKind,
            std::to_string(stream.applied)
        );
        if (written.ok()) {
            stream.checkpointed = stream.applied;
            wal_->release(id, stream.applied);
        }
    }

    bool read_checkpoint(StreamId id, Seq& seq) {
        const Stream& stream = streams_[id];
        const auto read = read_checked_file(fs_, checkpoint_path(id), kCheckpointKind);
        if (read.ok()) {
            seq = std::stoull(read.value().bytes);
        } else if (fs_.crashed()) {
            return false;
        } else {
            EXPECT_EQ(read.error().code, ErrorCode::kNotFound) << read.error().message;
        }
        EXPECT_GE(seq, stream.checkpointed);
        EXPECT_LE(seq, stream.attempted_checkpoint);
        return true;
    }

    bool replay(const std::map<StreamId, Seq>& from) {
        std::map<StreamId, Seq> last = from;
        const Status replayed = wal_->replay(from, [&](StreamId id, Seq seq, ByteView payload) {
            EXPECT_EQ(seq, last[id] + 1);
            last[id] = seq;
            const auto expected = streams_[id].payloads.find(seq);
            EXPECT_TRUE(expected != streams_[id].payloads.end()) << "refused, but it came back";
            if (expected != streams_[id].payloads.end()) {
                EXPECT_EQ(payload, expected->second);
            }
            return Status();
        });
        if (!replayed.ok()) {
            EXPECT_TRUE(fs_.crashed()) << replayed.error().message;
            return false;
        }
        for (const auto& [id, seq] : last) {
            Stream& stream = streams_[id];
            if (durable_) {
                EXPECT_GE(seq, stream.acknowledged);
            }
            EXPECT_LE(seq, stream.appended);
            stream.appended = stream.acknowledged = stream.applied = seq;
            stream.checkpointed = from.at(id);
            stream.payloads.erase(stream.payloads.upper_bound(seq), stream.payloads.end());
        }
        durable_ = true;
        return true;
    }

    io::SimWorld world_;
    SeededRandom script_;
    io::SimFs fs_;
    WalOptions options_;
    std::unique_ptr<io::SimLoop> loop_;
    std::unique_ptr<Wal> wal_;
    std::map<StreamId, Stream> streams_;
    std::uint64_t attempts_ = 0;
    bool durable_ = true;
};

constexpr int kSteps = 80;

/// Runs the scenario until its end or a crash.
void live(Machine& machine, int steps) {
    if (!machine.start()) {
        return;
    }
    for (int i = 0; i < steps && !machine.fs().crashed(); ++i) {
        machine.act();
    }
}

/// The machine comes up again, works, and is killed; nothing may be missing then either.
void recover_and_go_on(Machine& machine) {
    machine.stop();
    machine.fs().restart();
    live(machine, 5);
    ASSERT_FALSE(machine.fs().crashed());
    machine.settle();
    machine.expect_everything_acknowledged();
    machine.stop();
    machine.fs().restart();
    ASSERT_TRUE(machine.start());
}

std::uint64_t count_operations(std::uint64_t seed) {
    Machine machine(seed, FsyncPolicy::kAlways);
    live(machine, kSteps);
    return machine.fs().operations();
}

class WalCrash : public testing::TestWithParam<std::uint64_t> {};

TEST_P(WalCrash, EveryOperationBeforeTornAndAfter) {
    const std::uint64_t seed = GetParam();
    const std::uint64_t operations = count_operations(seed);
    ASSERT_GT(operations, 100U);
    for (std::uint64_t operation = 1; operation <= operations; ++operation) {
        for (const auto point :
             {io::CrashPoint::kBefore, io::CrashPoint::kTorn, io::CrashPoint::kAfter}) {
            SCOPED_TRACE(
                "operation " + std::to_string(operation) + ", point "
                + std::to_string(static_cast<int>(point))
            );
            Machine machine(seed, FsyncPolicy::kAlways);
            machine.fs().crash_at(operation, point);
            live(machine, kSteps);
            EXPECT_TRUE(machine.fs().crashed());
            recover_and_go_on(machine);
            if (HasFailure()) {
                return;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, WalCrash, testing::Range<std::uint64_t>(1, 9));

TEST(WalCrashes, ManyInARowAlsoDuringRecovery) {
    for (std::uint64_t seed = 1000; seed < 1400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Machine machine(seed, FsyncPolicy::kAlways);
        SeededRandom chaos(seed);
        for (int life = 0; life < 8; ++life) {
            const auto point = static_cast<io::CrashPoint>(chaos.below(3));
            // Often so soon that the recovery itself is hit.
            const std::uint64_t span = chaos.chance(1, 2) ? 12 : 150;
            machine.fs().crash_at(machine.fs().operations() + 1 + chaos.below(span), point);
            // A life that ends before the power does is that of a killed process.
            live(machine, static_cast<int>(chaos.below(kSteps)));
            machine.stop();
            machine.fs().restart();
        }
        recover_and_go_on(machine);
        if (testing::Test::HasFailure()) {
            return;
        }
    }
}

TEST(WalCrashes, KilledProcessLosesNothingEvenWithoutSync) {
    for (std::uint64_t seed = 300; seed < 340; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Machine machine(seed, FsyncPolicy::kNone);
        for (int life = 0; life < 4; ++life) {
            live(machine, 15);
            machine.stop();
            machine.fs().crash(io::CrashKind::kProcess);
            machine.fs().restart();
        }
        recover_and_go_on(machine);
    }
}

TEST(WalCrashes, PowerLossWithoutSyncLeavesAPrefix) {
    for (std::uint64_t seed = 2000; seed < 2400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Machine machine(seed, FsyncPolicy::kNone);
        SeededRandom chaos(seed);
        for (int life = 0; life < 8; ++life) {
            // Half of the times so soon that the recovery itself is hit.
            const std::uint64_t span = chaos.chance(1, 2) ? 8 : 100;
            const auto point = static_cast<io::CrashPoint>(chaos.below(3));
            machine.fs().crash_at(machine.fs().operations() + 1 + chaos.below(span), point);
            live(machine, 25);
            machine.stop();
            if (!machine.fs().crashed()) {
                machine.fs().crash(io::CrashKind::kPower);
            }
            machine.fs().restart();
            machine.forget_promises();
        }
        recover_and_go_on(machine);
        if (testing::Test::HasFailure()) {
            return;
        }
    }
}

}  // namespace
}  // namespace kumo::store
