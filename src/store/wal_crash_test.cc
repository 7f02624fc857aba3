#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_worker_pool.h"
#include "store/checkpoint.h"
#include "store/wal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

// Crash-point enumeration: a scenario with everything the log does (group commits over several
// streams, cuts, reads, rolled segments, checkpoints and releases, a disk that fills up and gets
// space again)
// runs once to count its file operations; then it runs again for every operation and every way to
// crash there, and what a restarted machine recovers is held against what was acknowledged.

namespace kumo::store {
namespace {

constexpr FileKind kCheckpointKind = {{'T', 'E', 'S', 'T', 'C', 'K', 'P', 'T'}, 1};
constexpr std::array<StreamId, 3> kStreams = {StreamId{1}, StreamId{2}, StreamId{900}};

/// A stream's records, as they should be.
struct State {
    Seq last = 0;
    std::map<Seq, std::string> payloads;
};

/// An append, or a cut.
struct Change {
    bool cut = false;
    Seq seq = 0;
    std::string payload;
};

void apply(State& state, const Change& change) {
    if (change.cut) {
        state.payloads.erase(state.payloads.lower_bound(change.seq), state.payloads.end());
        state.last = change.seq - 1;
    } else {
        state.payloads[change.seq] = change.payload;
        state.last = change.seq;
    }
}

/// What the outside world knows of one stream.
struct Stream {
    State state;                 ///< With everything the log said is safe.
    std::deque<Change> waiting;  ///< Handed to the log and not answered, in order.
    Seq checkpointed = 0;        ///< Highest checkpoint whose writing succeeded.
    Seq attempted_checkpoint = 0;

    Seq last() const {
        State whole = state;
        for (const Change& change : waiting) {
            apply(whole, change);
        }
        return whole.last;
    }

    /// No cut goes below it: what a checkpoint may hold.
    Seq stable() const {
        Seq stable = state.last;
        for (const Change& change : waiting) {
            stable = change.cut ? std::min(stable, change.seq - 1) : stable;
        }
        return stable;
    }
};

/// A machine that lives through crashes, and the ledger of what it promised.
class Machine {
public:
    Machine(std::uint64_t seed, FsyncPolicy fsync, bool with_cuts = true)
        : world_(seed), script_(seed), with_cuts_(with_cuts), fs_(world_), readers_(world_, {}) {
        options_.directory = "/data/wal";
        options_.readers = &readers_;
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
        const std::uint64_t choice = script_.below(24);
        const StreamId id = kStreams[script_.below(kStreams.size())];
        if (choice < 14) {
            const std::uint64_t count = 1 + script_.below(6);
            for (std::uint64_t i = 0; i < count; ++i) {
                append(kStreams[script_.below(kStreams.size())]);
            }
        } else if (choice < 17) {
            checkpoint(id);
        } else if (choice == 17) {
            fs_.set_free_bytes(script_.below(4000));
        } else if (choice < 20) {
            fs_.set_free_bytes(std::uint64_t{1} << 30);
        } else if (choice < 22) {
            read(id);
        } else if (with_cuts_) {
            cut(id);
            append(id);
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
            dead_loops_.push_back(std::move(loop_));  // Reads on their way still answer to it.
        }
    }

    /// After a power loss of a log that does not sync, nothing is promised but a prefix.
    void forget_promises() { durable_ = false; }

    /// Reads that were answered with records.
    std::uint64_t reads() const { return reads_; }

    void expect_everything_acknowledged() {
        for (const StreamId id : kStreams) {
            EXPECT_TRUE(streams_[id].waiting.empty());
        }
    }

private:
    static std::string checkpoint_path(StreamId id) {
        return "/data/checkpoint-" + std::to_string(static_cast<std::uint64_t>(id));
    }

    void append(StreamId id) {
        Change change;
        change.seq = streams_[id].last() + 1;
        change.payload = std::to_string(static_cast<std::uint64_t>(id)) + "/"
                         + std::to_string(change.seq) + "/" + std::to_string(++attempts_) + "/";
        change.payload.append(script_.below(4) == 0 ? script_.below(3000) : script_.below(60), 'p');
        const Status queued =
            wal_->append(id, change.seq, change.payload, [this, id](const Status& status) {
                on_told(streams_[id], status);
            });
        note(id, std::move(change), queued);
    }

    void cut(StreamId id) {
        const Stream& stream = streams_[id];
        const Seq lowest = std::max(stream.attempted_checkpoint, stream.checkpointed) + 1;
        const Seq last = stream.last();
        if (last < lowest) {
            return;
        }
        Change change;
        change.cut = true;
        change.seq = lowest + script_.below(last - lowest + 1);
        const Status queued = wal_->cut(id, change.seq, [this, id](const Status& status) {
            on_told(streams_[id], status);
        });
        note(id, std::move(change), queued);
    }

    void note(StreamId id, Change change, const Status& queued) {
        if (queued.ok()) {
            streams_[id].waiting.push_back(std::move(change));
        } else {
            EXPECT_TRUE(fs_.crashed() || !wal_->health().ok()) << queued.error().message;
        }
    }

    static void on_told(Stream& stream, const Status& status) {
        if (status.ok()) {
            ASSERT_FALSE(stream.waiting.empty());
            apply(stream.state, stream.waiting.front());
            stream.waiting.pop_front();
            return;
        }
        if (status.error().code == ErrorCode::kResourceExhausted) {
            stream.waiting.clear();  // All that waits is; from now on finding it would be wrong.
        }
    }

    /// Reads some of what is neither released nor being cut.
    void read(StreamId id) {
        const Stream& stream = streams_[id];
        const Seq lowest = std::max(stream.attempted_checkpoint, stream.checkpointed) + 1;
        if (stream.stable() < lowest) {
            return;
        }
        const Seq from = lowest + script_.below(stream.stable() - lowest + 1);
        auto expected = stream.state.payloads;
        const Status asked = wal_->read(
            id,
            from,
            script_.below(5000),
            [this, from, expected](const Result<std::vector<WalEntry>>& entries) {
                if (!entries.ok()) {
                    EXPECT_TRUE(fs_.crashed() || entries.error().code == ErrorCode::kNotFound)
                        << entries.error().message;
                    return;
                }
                EXPECT_FALSE(entries.value().empty());
                Seq seq = from;
                for (const WalEntry& entry : entries.value()) {
                    EXPECT_EQ(entry.seq, seq);
                    EXPECT_TRUE(expected.contains(seq) && entry.payload == expected.at(seq));
                    ++seq;
                }
                ++reads_;
            }
        );
        EXPECT_TRUE(asked.ok());
    }

    void checkpoint(StreamId id) {
        Stream& stream = streams_[id];
        const Seq applied = stream.stable();
        if (applied < stream.attempted_checkpoint) {
            return;
        }
        stream.attempted_checkpoint = applied;
        const Status written =
            write_checked_file(fs_, checkpoint_path(id), kCheckpointKind, std::to_string(applied));
        if (written.ok()) {
            stream.checkpointed = applied;
            wal_->release(id, applied);
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
        std::map<StreamId, State> found;
        for (const auto& [id, seq] : from) {
            found[id].last = seq;
        }
        const Status replayed = wal_->replay(from, [&](StreamId id, Seq seq, ByteView payload) {
            EXPECT_EQ(seq, found[id].last + 1);
            apply(found[id], {false, seq, std::string(payload)});
            return Status();
        });
        if (!replayed.ok()) {
            EXPECT_TRUE(fs_.crashed()) << replayed.error().message;
            return false;
        }
        for (auto& [id, state] : found) {
            Stream& stream = streams_[id];
            EXPECT_EQ(wal_->last_seq(id), state.last);
            EXPECT_TRUE(was_once(stream, state, from.at(id))) << "last " << state.last;
            stream.state = std::move(state);
            stream.waiting.clear();
            stream.checkpointed = stream.attempted_checkpoint = from.at(id);
        }
        durable_ = true;
        return true;
    }

    /// Whether a stream with what was acknowledged, and some of what waited, looked like that above
    /// its checkpoint.
    bool was_once(const Stream& stream, const State& found, Seq checkpoint) const {
        const auto matches = [&](const State& state) {
            const auto above = state.payloads.upper_bound(checkpoint);
            return std::map<Seq, std::string>(above, state.payloads.end()) == found.payloads;
        };
        State state = stream.state;
        if (!durable_) {
            for (const Change& change : stream.waiting) {
                apply(state, change);
            }
            state.payloads.erase(state.payloads.upper_bound(found.last), state.payloads.end());
            return matches(state);
        }
        if (matches(state)) {
            return true;
        }
        return std::any_of(stream.waiting.begin(), stream.waiting.end(), [&](const Change& change) {
            apply(state, change);
            return matches(state);
        });
    }

    io::SimWorld world_;
    SeededRandom script_;
    const bool with_cuts_;
    io::SimFs fs_;
    io::SimWorkerPool readers_;
    WalOptions options_;
    std::vector<std::unique_ptr<io::SimLoop>> dead_loops_;
    std::unique_ptr<io::SimLoop> loop_;
    std::unique_ptr<Wal> wal_;
    std::map<StreamId, Stream> streams_;
    std::uint64_t attempts_ = 0;
    std::uint64_t reads_ = 0;
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
    EXPECT_GT(machine.reads(), 0U);
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
        // What a lost cut does to a checkpoint beyond it is the one thing that is not promised.
        Machine machine(seed, FsyncPolicy::kNone, false);
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
