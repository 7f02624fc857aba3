#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_network.h"
#include "io/sim/sim_worker_pool.h"
#include "node/control/control_plane.h"
#include "node/internal/machine_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

SlotSet slot(std::uint16_t number) {
    SlotSet slots;
    slots.insert(number);
    return slots;
}

/// A machine with a control plane that is met, and nothing else.
struct Station {
    std::unique_ptr<io::SimFs> fs;
    std::unique_ptr<io::SimLoop> loop;
    std::unique_ptr<io::SimWorkerPool> pool;
    std::unique_ptr<ControlPlane> plane;
    std::shared_ptr<const State> state = std::make_shared<const State>();
    std::uint64_t incarnation = 0;
    bool holds_back = false;  ///< It has keys that are not committed yet.
    int asked_to_dissolve = 0;
    int forsaken = 0;
};

class ControlMeetTest : public testing::Test {
protected:
    void SetUp() override {
        for (std::size_t i = 0; i < stations.size(); ++i) {
            start(i);
        }
        ASSERT_TRUE(run_until([this] {
            return std::all_of(stations.begin(), stations.end(), [](const Station& each) {
                return each.incarnation != 0;
            });
        }));
    }

    void TearDown() override {
        for (std::size_t i = 0; i < stations.size(); ++i) {
            stop(i);
        }
    }

    void start(std::size_t i) {
        Station& station = stations[i];
        if (station.fs == nullptr) {
            station.fs = std::make_unique<io::SimFs>(world);
        }
        station.loop = world.make_loop();
        station.pool = std::make_unique<io::SimWorkerPool>(world, io::WorkerPoolOptions{});
        network.set_host(*station.loop, cluster_host(i));
        ControlOptions options;
        options.directory = "control";
        options.name = "n" + std::to_string(i);
        options.peering_listen = cluster_host(i);
        options.peering_address = cluster_host(i).to_string();
        options.is_met = true;
        auto opened = ControlPlane::open(
            {*station.loop,
             *station.fs,
             network,
             resolver,
             *station.pool,
             *station.pool,
             station.loop->clock()},
            options
        );
        ASSERT_TRUE(opened.ok()) << opened.error().message;
        station.plane = std::move(opened).value();
        ControlPlane::Events events;
        events.on_state = [&station](std::shared_ptr<const State> state, std::uint64_t run) {
            station.state = std::move(state);
            station.incarnation = run;
        };
        events.on_message = [](const auto&, std::uint16_t, ByteView) {
        };
        events.on_request = [](const auto&, std::uint16_t, ByteView, const auto&) {
        };
        events.on_connected = [](const auto&) {
        };
        events.on_dissolve = [&station] {
            ++station.asked_to_dissolve;
            if (!station.holds_back) {
                station.loop->post([&station] { station.plane->dissolve(); });
            }
        };
        events.on_forsaken = [&station](const Uuid&) {
            ++station.forsaken;
            station.loop->post([&station] { station.plane->begin_anew(); });
        };
        station.loop->post([&station, events] { station.plane->start(events, {}); });
    }

    void stop(std::size_t i) {
        Station& station = stations[i];
        if (station.plane == nullptr) {
            return;
        }
        station.loop->kill();
        station.pool->kill();
        station.plane.reset();
        dead_loops.push_back(std::move(station.loop));
        dead_pools.push_back(std::move(station.pool));
        station.fs->restart();
    }

    bool run_until(const std::function<bool()>& condition, Duration most = seconds(30)) {
        const MonotonicTime end = world.clock().monotonic_now() + most;
        while (!condition() && world.clock().monotonic_now() < end) {
            world.run_for(milliseconds(10));
        }
        return condition();
    }

    void propose(std::size_t i, const KvCommand& command) {
        std::optional<Status> done;
        stations[i].loop->post([&, i] {
            stations[i].plane->propose(command, [&](const Result<Change>& change) {
                done = change.ok() ? Status() : Status(change.error());
            });
        });
        ASSERT_TRUE(run_until([&] { return done.has_value(); }));
        ASSERT_TRUE(done->ok()) << done->error().message;
    }

    /// It gets a group, with a slot.
    void give_slot(std::size_t i, std::uint16_t number) {
        propose(i, KvEnter{stations[i].plane->self(), {}, 0, cluster::AckMode::kSync, 0});
        propose(i, KvAddSlots{stations[i].plane->self(), slot(number)});
    }

    std::shared_ptr<std::optional<Status>> meet(std::size_t i, std::size_t other) {
        const auto done = std::make_shared<std::optional<Status>>();
        stations[i].loop->post([this, i, other, done] {
            stations[i].plane->meet(cluster_host(other).to_string(), [done](const Status& status) {
                done->emplace(status.ok() ? Status() : Status(status.error()));
            });
        });
        return done;
    }

    bool are_one(const std::vector<std::size_t>& nodes) const {
        return std::all_of(nodes.begin(), nodes.end(), [&](std::size_t i) {
            return stations[i].incarnation != 0 && stations[i].plane->has_lease()
                   && stations[i].state->cluster.id == stations[nodes[0]].state->cluster.id
                   && stations[i].state->cluster.members.size() == nodes.size();
        });
    }

    io::SimWorld world{11};
    io::SimNetwork network{world};
    io::SimResolver resolver{world};
    std::vector<std::unique_ptr<io::SimLoop>> dead_loops;
    std::vector<std::unique_ptr<io::SimWorkerPool>> dead_pools;
    std::array<Station, 3> stations;
};

TEST_F(ControlMeetTest, OfTwoThatAreAloneTheOneThatAskedJoins) {
    const Uuid first = stations[0].state->cluster.id;
    const Uuid second = stations[1].state->cluster.id;
    ASSERT_NE(first, second);
    meet(0, 1);
    ASSERT_TRUE(run_until([this] { return are_one({0, 1}); }));
    EXPECT_EQ(stations[0].state->cluster.id, second);
    EXPECT_EQ(stations[0].asked_to_dissolve, 1);
    EXPECT_EQ(stations[1].asked_to_dissolve, 0);
}

TEST_F(ControlMeetTest, WhoIsAloneJoinsTheLargerWhicheverOfThemAsks) {
    meet(0, 1);
    ASSERT_TRUE(run_until([this] { return are_one({0, 1}); }));
    const Uuid larger = stations[1].state->cluster.id;
    const auto asked = meet(1, 2);
    ASSERT_TRUE(run_until([this] { return are_one({0, 1, 2}); }));
    EXPECT_EQ(stations[2].state->cluster.id, larger);
    ASSERT_TRUE(run_until([&] { return asked->has_value(); }));
    EXPECT_TRUE((*asked)->ok());
}

TEST_F(ControlMeetTest, AMemberIsMetAlready) {
    meet(0, 1);
    ASSERT_TRUE(run_until([this] { return are_one({0, 1}); }));
    const auto again = meet(1, 0);
    ASSERT_TRUE(run_until([&] { return again->has_value(); }));
    EXPECT_TRUE((*again)->ok());
    EXPECT_TRUE(are_one({0, 1}));
}

TEST_F(ControlMeetTest, ANodeAloneThatHasSlotsJoinsTheLargerCluster) {
    meet(0, 1);
    ASSERT_TRUE(run_until([this] { return are_one({0, 1}); }));
    give_slot(0, 1);
    give_slot(2, 2);
    const Uuid larger = stations[0].state->cluster.id;
    meet(2, 0);
    ASSERT_TRUE(run_until([this] { return are_one({0, 1, 2}); }));
    EXPECT_EQ(stations[2].state->cluster.id, larger);
}

TEST_F(ControlMeetTest, NobodyLeavesBeforeItsKeysMayGoAlong) {
    stations[0].holds_back = true;
    meet(0, 1);
    ASSERT_TRUE(run_until([this] { return stations[0].asked_to_dissolve > 0; }));
    const Uuid own = stations[0].state->cluster.id;
    world.run_for(seconds(3));
    EXPECT_EQ(stations[0].state->cluster.id, own);
    EXPECT_FALSE(are_one({0, 1}));
    stations[0].loop->post([this] { stations[0].plane->dissolve(); });
    EXPECT_TRUE(run_until([this] { return are_one({0, 1}); }));
}

TEST_F(ControlMeetTest, NobodyThereIsSaidAndNothingIsLost) {
    stop(1);
    const Uuid own = stations[0].state->cluster.id;
    const auto asked = meet(0, 1);
    ASSERT_TRUE(run_until([&] { return asked->has_value(); }, seconds(60)));
    EXPECT_FALSE((*asked)->ok());
    EXPECT_EQ(stations[0].state->cluster.id, own);
    EXPECT_TRUE(are_one({0}));
}

TEST_F(ControlMeetTest, WhoIsCutOffOnTheWayComesBackOrArrives) {
    meet(0, 1);
    ASSERT_TRUE(run_until([this] { return stations[0].asked_to_dissolve > 0; }));
    network.cut(cluster_host(0), cluster_host(1));
    network.cut(cluster_host(1), cluster_host(0));
    ASSERT_TRUE(run_until(
        [this] { return stations[0].incarnation != 0 && stations[0].plane->has_lease(); },
        seconds(60)
    )) << "after a while it is a cluster of one again";
    network.mend(cluster_host(0), cluster_host(1));
    network.mend(cluster_host(1), cluster_host(0));
    meet(0, 1);
    EXPECT_TRUE(run_until([this] { return are_one({0, 1}); }, seconds(60)));
}

TEST_F(ControlMeetTest, ARestartOnTheWayComesBackOrArrives) {
    meet(0, 1);
    ASSERT_TRUE(run_until([this] { return stations[0].asked_to_dissolve > 0; }));
    world.run_for(milliseconds(3));
    stop(0);
    stations[0].incarnation = 0;
    start(0);
    ASSERT_TRUE(run_until(
        [this] { return stations[0].incarnation != 0 && stations[0].plane->has_lease(); },
        seconds(60)
    ));
    meet(0, 1);
    EXPECT_TRUE(run_until([this] { return are_one({0, 1}); }, seconds(60)));
}

TEST_F(ControlMeetTest, WhoWasLetInByAClusterThatIsGoneBeginsAnew) {
    const Uuid own = stations[0].state->cluster.id;
    meet(0, 1);
    // It has said yes, and is gone before it says anything else.
    const auto is_let_in = [this] {
        const auto status = stations[1].plane->status();
        return status->learners.size() == 1;
    };
    ASSERT_TRUE(run_until(is_let_in));
    world.run_for(milliseconds(10));
    stop(0);
    stop(1);
    stations[0].incarnation = 0;
    start(0);
    ASSERT_TRUE(run_until(
        [this] { return stations[0].incarnation != 0 && stations[0].plane->has_lease(); },
        seconds(60)
    ));
    EXPECT_TRUE(are_one({0}));
    EXPECT_TRUE(stations[0].forsaken > 0 || stations[0].state->cluster.id == own);
}

TEST_F(ControlMeetTest, WhoWasToldToGoComesBackAfterAReset) {
    meet(0, 1);
    ASSERT_TRUE(run_until([this] { return are_one({0, 1}); }));
    meet(2, 0);
    ASSERT_TRUE(run_until([this] { return are_one({0, 1, 2}); }));
    const cluster::NodeId self = stations[2].plane->self();
    propose(0, KvForget{self, 1});
    ASSERT_TRUE(run_until([this] { return are_one({0, 1}); }));
    stations[2].loop->post([this, self] { stations[2].plane->reset(self); });
    ASSERT_TRUE(run_until([this] { return are_one({2}); }));
    EXPECT_NE(stations[2].state->cluster.id, stations[0].state->cluster.id);
    meet(0, 2);
    EXPECT_TRUE(run_until([this] { return are_one({0, 1, 2}); }, seconds(60)));
}

TEST_F(ControlMeetTest, WhoWasToldToGoHandsTheLeadershipOver) {
    meet(0, 1);
    ASSERT_TRUE(run_until([this] { return are_one({0, 1}); }));
    meet(2, 0);
    ASSERT_TRUE(run_until([this] { return are_one({0, 1, 2}); }));
    const auto leader = std::find_if(stations.begin(), stations.end(), [](const Station& each) {
        return each.plane->status()->is_leader;
    });
    ASSERT_NE(leader, stations.end());
    const auto gone = static_cast<std::size_t>(leader - stations.begin());
    const std::size_t stays = (gone + 1) % stations.size();
    const cluster::NodeId self = leader->plane->self();
    propose(stays, KvForget{self, 1});
    EXPECT_TRUE(run_until([&] {
        const auto status = stations[stays].plane->status();
        const auto& voters = status->voters;
        return !status->leader.is_nil() && status->leader != self
               && std::find(voters.begin(), voters.end(), self) == voters.end();
    }));
}

TEST_F(ControlMeetTest, AResetIsANewClusterOfOneUnderTheNameThatWasAsked) {
    meet(0, 1);
    ASSERT_TRUE(run_until([this] { return are_one({0, 1}); }));
    const Uuid before = stations[0].state->cluster.id;
    SeededRandom random(1);
    const Uuid other = make_uuid(random);
    stations[0].loop->post([this, other] { stations[0].plane->reset(other); });
    ASSERT_TRUE(run_until([&] {
        return stations[0].incarnation != 0 && stations[0].plane->has_lease()
               && stations[0].state->cluster.id != before
               && stations[0].state->cluster.members.size() == 1;
    }));
    EXPECT_EQ(stations[0].plane->self(), other);
}

}  // namespace
}  // namespace kumo::node
