#include "node/kv/kv_copy.h"

#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_world.h"
#include "node/internal/telling_engine_test.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace kumo::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr cluster::ShardId kShard{7};
constexpr std::uint64_t kRun = 3;
using Told = std::vector<std::string>;

/// Copies of one shard, each with a stream of one log; what they send each other arrives unless
/// they are cut off.
class KvCopyTest : public testing::Test {
protected:
    struct Place {
        cluster::NodeId node;
        cluster::CopyId copy{};
        TellingEngine engine;
        std::shared_ptr<KvCopy> here;
        std::vector<cluster::Command> proposed;
        bool cut_off = false;
    };

    KvCopyTest() : fs(world) {
        loop = world.make_loop();
        store::WalOptions options;
        options.directory = "/wal";
        auto opened = store::Wal::open(*loop, fs, options);
        EXPECT_TRUE(opened.ok());
        wal = std::move(opened).value();
        for (std::size_t i = 0; i < places.size(); ++i) {
            places[i].node = make_uuid(random);
            places[i].copy = cluster::CopyId{i + 10};
        }
        shard.id = kShard;
        shard.everywhere = false;
        lead(0, {0});
    }

    ~KvCopyTest() override {
        for (Place& place : places) {
            if (place.here != nullptr) {
                place.here->close();
            }
        }
        loop->kill();
    }

    /// From now on; the others have to be told (show()).
    void lead(std::size_t primary, const std::set<std::size_t>& in_sync) {
        ++shard.version;
        ++shard.term;
        shard.primary = places[primary].node;
        shard.primary_incarnation = kRun;
        shard.in_sync.clear();
        for (const std::size_t i : in_sync) {
            shard.in_sync.insert(places[i].node);
            shard.copies[places[i].node] = places[i].copy;
        }
    }

    void show(std::size_t i) {
        if (places[i].here == nullptr) {
            make(i);
        }
        places[i].here->on_state(shard, kRun);
    }

    void make(std::size_t i) {
        KvCopy::Environment env;
        env.loop = loop.get();
        env.wal = wal.get();
        env.stream = store::StreamId{i + 1};
        env.self = places[i].node;
        env.engine = &places[i].engine;
        env.limits = limits;
        env.send = [this, i](const cluster::NodeId& to, const cluster::CopyMessage& message) {
            for (std::size_t k = 0; k < places.size(); ++k) {
                if (places[k].node == to && !places[i].cut_off && !places[k].cut_off) {
                    loop->post([this, i, k, message] {
                        if (places[k].here != nullptr) {
                            places[k].here->receive(places[i].node, message);
                        }
                    });
                }
            }
        };
        env.propose = [this, i](cluster::Command command) {
            places[i].proposed.push_back(std::move(command));
        };
        env.install = [](const cluster::NodeId&) {
        };
        env.on_log_failed = [](const Error& error) {
            ADD_FAILURE() << error.message;
        };
        env.on_progress = [] {
        };
        KvCopy::Parts parts;
        parts.shard = kShard;
        parts.copy = places[i].copy;
        places[i].here = std::make_shared<KvCopy>(std::move(env), std::move(parts));
    }

    void run_for(Duration span) {
        for (Duration gone{}; gone < span; gone += milliseconds(50)) {
            world.run_for(milliseconds(50));
            for (Place& place : places) {
                if (place.here != nullptr) {
                    place.here->tick(loop->clock().boottime_now());
                }
            }
        }
    }

    bool asked_for_another(std::size_t i) const {
        for (const cluster::Command& command : places[i].proposed) {
            const auto* replace = std::get_if<cluster::ReplaceCopy>(&command);
            if (replace != nullptr && replace->copy == places[i].copy) {
                return true;
            }
        }
        return false;
    }

    SeededRandom random{5};
    io::SimWorld world{3};
    io::SimFs fs;
    std::unique_ptr<io::SimLoop> loop;
    std::unique_ptr<store::Wal> wal;
    KvLimits limits;
    cluster::Shard shard;
    std::array<Place, 2> places;
};

TEST_F(KvCopyTest, APrimaryRunsWhenItsTermHasBegunAndCommitsWhatItLogs) {
    show(0);
    KvCopy& copy = *places[0].here;
    EXPECT_TRUE(copy.is_in_between());
    run_for(milliseconds(100));
    ASSERT_TRUE(copy.may_run());
    copy.append("one");
    EXPECT_LT(copy.committed(), copy.appended()) << "not before it is in the log";
    run_for(milliseconds(100));
    EXPECT_EQ(copy.committed(), copy.appended());
    EXPECT_EQ(places[0].engine.committed, copy.appended());
    EXPECT_EQ(places[0].engine.told, Told{}) << "it was made before it was logged";
}

TEST_F(KvCopyTest, ALongChangeIsSeveralEntriesAndMadeAtOnce) {
    limits.entry_bytes_max = 4;
    lead(0, {0, 1});
    show(0);
    show(1);
    run_for(milliseconds(200));
    ASSERT_TRUE(places[0].here->may_run());
    const store::Seq before = places[0].here->appended();
    places[0].here->append("0123456789");
    EXPECT_EQ(places[0].here->appended(), before + 3);
    run_for(milliseconds(300));
    EXPECT_EQ(places[1].engine.told, Told{"apply 0123456789"});
    EXPECT_TRUE(places[1].here->is_up_to_date());
}

TEST_F(KvCopyTest, WhatNobodyElseHasIsNotCommitted) {
    lead(0, {0, 1});
    show(0);
    show(1);
    run_for(milliseconds(200));
    places[1].cut_off = true;
    places[0].here->append("one");
    run_for(milliseconds(200));
    EXPECT_LT(places[0].here->committed(), places[0].here->appended());
    EXPECT_EQ(places[1].engine.told, Told{});
    places[1].cut_off = false;
    run_for(seconds(2));
    EXPECT_EQ(places[0].here->committed(), places[0].here->appended());
    EXPECT_EQ(places[1].engine.told, Told{"apply one"});
}

TEST_F(KvCopyTest, APrimaryOfThePastThatWentOnIsBuiltAnew) {
    lead(0, {0, 1});
    show(0);
    show(1);
    run_for(milliseconds(200));
    places[0].cut_off = true;
    places[0].here->append("nobody knows of it");
    lead(1, {0, 1});
    shard.in_sync = {places[1].node};
    show(1);
    run_for(milliseconds(300));
    ASSERT_TRUE(places[1].here->may_run());
    places[1].here->append("two");
    places[0].cut_off = false;
    show(0);
    run_for(seconds(1));
    EXPECT_TRUE(places[0].here->is_useless());
    EXPECT_FALSE(places[0].here->may_run());
    EXPECT_FALSE(places[0].here->may_checkpoint());
    EXPECT_TRUE(asked_for_another(0));
    EXPECT_EQ(places[0].engine.told, Told{"role lost"}) << "nothing is made on top of that";
    EXPECT_FALSE(asked_for_another(1));
}

TEST_F(KvCopyTest, WritersWaitWhenMuchIsNotCommitted) {
    lead(0, {0, 1});
    show(0);
    show(1);
    run_for(milliseconds(200));
    places[1].cut_off = true;
    const std::string much(kKvUncommittedBytesMax / 4, 'x');
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(places[0].here->has_room());
        places[0].here->append(much);
    }
    EXPECT_FALSE(places[0].here->has_room());
}

TEST_F(KvCopyTest, RecordsOfMovesAreMadeOnEveryCopy) {
    limits.entry_bytes_max = 8;
    lead(0, {0, 1});
    show(0);
    show(1);
    run_for(milliseconds(200));
    SlotSet slots;
    slots.insert(std::uint16_t{5});
    const Uuid move = make_uuid(random);
    KvCopy& primary = *places[0].here;
    primary.append_move(move_begins(move, slots));
    primary.append_move(move_brings(move, "some changes"));
    primary.append_move(move_is_complete(move));
    primary.append_move(move_is_adopted(move, slots));
    const Told expected = {"drop arriving 5-5", "arriving some changes", "adopt 5-5"};
    EXPECT_EQ(places[0].engine.told, expected) << "at once";
    run_for(milliseconds(300));
    EXPECT_EQ(places[1].engine.told, expected);
    EXPECT_EQ(primary.moves(), places[1].here->moves());
    EXPECT_TRUE(primary.moves().at(move).adopted);
}

TEST_F(KvCopyTest, AsyncAcknowledgesAloneAndCountsTheOthers) {
    shard.mode = cluster::AckMode::kAsync;
    lead(0, {0, 1});
    show(0);
    show(1);
    run_for(milliseconds(200));
    places[1].cut_off = true;
    places[0].here->append("one");
    run_for(milliseconds(200));
    EXPECT_EQ(places[0].here->committed(), places[0].here->appended());
    EXPECT_EQ(places[0].here->copies_with(places[0].here->appended()), 0U);
    places[1].cut_off = false;
    run_for(seconds(2));
    EXPECT_EQ(places[0].here->copies_with(places[0].here->appended()), 1U);
}

TEST_F(KvCopyTest, ACheckpointRemembersTheTermOfWhatIsInIt) {
    show(0);
    run_for(milliseconds(100));
    KvCopy& copy = *places[0].here;
    copy.append("one");
    run_for(milliseconds(100));
    ASSERT_TRUE(copy.may_checkpoint());
    EXPECT_EQ(copy.mark().term, shard.term);
    EXPECT_GT(copy.log_bytes(), 0U);
    copy.release(copy.appended());
    EXPECT_EQ(copy.log_bytes(), 0U);
}

}  // namespace
}  // namespace kumo::node
