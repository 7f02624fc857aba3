#include "node/control/control_plane.h"

#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_network.h"
#include "io/sim/sim_worker_pool.h"
#include "node/internal/machine_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint16_t kPort = 8107;

io::Address host(std::size_t i) {
    return io::Address::parse("10.0.0." + std::to_string(i + 1), kPort).value();
}

std::string list(const std::vector<std::size_t>& nodes) {
    std::string text;
    for (const std::size_t i : nodes) {
        text += (text.empty() ? "" : ",") + host(i).to_string() + ":8108";
    }
    return text;
}

/// A machine with a control plane on it, and nothing else.
struct Station {
    std::unique_ptr<io::SimFs> fs;
    std::unique_ptr<io::SimLoop> loop;
    std::unique_ptr<io::SimWorkerPool> pool;
    std::unique_ptr<ControlPlane> plane;
    std::shared_ptr<const State> state;
    std::uint64_t incarnation = 0;
    bool hangs = false;  ///< What the control plane speaks for.
    bool asked = false;  ///< Meanwhile.
};

/// Of so many nodes.
std::size_t voters_of(std::size_t nodes) {
    return nodes > 2 && nodes % 2 == 0 ? nodes - 1 : nodes;
}

class ControlPlaneTest : public testing::Test {
protected:
    void TearDown() override {
        for (std::size_t i = 0; i < stations.size(); ++i) {
            stop(i);
        }
    }

    void write_list(std::size_t i, const std::vector<std::size_t>& nodes) {
        Station& station = stations[i];
        if (station.fs == nullptr) {
            station.fs = std::make_unique<io::SimFs>(world);
        }
        auto file = station.fs->open("nodes", io::OpenMode::kCreate);
        ASSERT_TRUE(file.ok());
        ASSERT_TRUE(file.value()->write(0, list(nodes)).ok());
        ASSERT_TRUE(file.value()->sync().ok());
        ASSERT_TRUE(station.fs->sync_dir(".").ok());
    }

    /// `address_of`: whose address this one has in its settings, though it is not there.
    void start(
        std::size_t i,
        bool with_list = true,
        std::optional<std::size_t> address_of = std::nullopt
    ) {
        const Status opened = open(i, with_list, address_of);
        ASSERT_TRUE(opened.ok()) << opened.error().message;
        Station& station = stations[i];
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
        events.on_pulse = [&station] {
            station.asked = station.hangs;
            if (!station.hangs) {
                station.loop->post([&station] { station.plane->on_pulse(); });
            }
        };
        station.loop->post([&station, events] { station.plane->start(events, {}); });
    }

    Status open(std::size_t i, bool with_list, std::optional<std::size_t> address_of) {
        Station& station = stations[i];
        if (station.fs == nullptr) {
            station.fs = std::make_unique<io::SimFs>(world);
        }
        station.loop = world.make_loop();
        station.pool = std::make_unique<io::SimWorkerPool>(world, io::WorkerPoolOptions{});
        network.set_host(*station.loop, host(i));
        ControlOptions options;
        options.directory = "control";
        options.name = "n" + std::to_string(i);
        options.nodes_file = with_list ? "nodes" : "";
        options.has_others = with_list;
        options.peering_listen = host(i);
        options.peering_address = host(address_of.value_or(i)).to_string();
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
        KUMO_TRY_ASSIGN(station.plane, std::move(opened));
        return {};
    }

    /// Of the control plane's directory, while the node is down.
    void damage(std::size_t i, const std::string& name) {
        io::SimFs& fs = *stations[i].fs;
        std::string path = "control/" + name;
        if (name == "wal") {
            const auto entries = fs.list(path);
            ASSERT_TRUE(entries.ok());
            for (const io::DirEntry& entry : entries.value()) {
                const std::string file = path + "/" + entry.name;
                if (entry.name.starts_with("wal-") && fs.file_size(file).value() > 64) {
                    path = file;
                    break;
                }
            }
        }
        fs.flip_bit(path, 20, 3);
    }

    /// The same: it is removed.
    void remove(std::size_t i, const std::string& name) {
        ASSERT_TRUE(io::remove_tree(*stations[i].fs, "control/" + name).ok());
    }

    std::size_t count_aside(std::size_t i) {
        std::size_t count = 0;
        const auto entries = stations[i].fs->list(".");
        for (const io::DirEntry& entry : entries.value()) {
            count += entry.name.starts_with("control.damaged-") ? 1 : 0;
        }
        return count;
    }

    void stop(std::size_t i) {
        Station& station = stations[i];
        if (station.loop == nullptr) {
            return;
        }
        station.loop->kill();
        station.pool->kill();
        station.plane.reset();
        dead_loops.push_back(std::move(station.loop));
        dead_pools.push_back(std::move(station.pool));
        station.fs->restart();
    }

    /// Another machine, with an empty disk, has the address from now on.
    void replace(std::size_t i, const std::vector<std::size_t>& nodes) {
        stop(i);
        dead_disks.push_back(std::move(stations[i].fs));
        write_list(i, nodes);
    }

    void start_three() {
        for (std::size_t i = 0; i < 3; ++i) {
            write_list(i, {0, 1, 2});
            start(i);
        }
    }

    void go_on(std::size_t i) {
        Station& station = stations[i];
        station.hangs = false;
        if (std::exchange(station.asked, false)) {
            station.loop->post([&station] { station.plane->on_pulse(); });
        }
    }

    bool is_fenced(std::size_t i) const {
        const cluster::State& seen = stations[(i + 1) % 3].state->cluster;
        return cluster::find_member(seen, stations[i].plane->self())->fenced;
    }

    bool runs(std::size_t i) const { return stations[i].plane != nullptr; }

    bool has_lease(std::size_t i) const { return runs(i) && stations[i].plane->has_lease(); }

    std::optional<std::size_t> leader() const {
        for (std::size_t i = 0; i < stations.size(); ++i) {
            if (runs(i) && stations[i].plane->status()->is_leader) {
                return i;
            }
        }
        return std::nullopt;
    }

    /// Every one of them serves, and they vote all.
    bool is_whole(const std::vector<std::size_t>& nodes) const {
        const auto lead = leader();
        return lead && stations[*lead].plane->status()->voters.size() == voters_of(nodes.size())
               && std::all_of(nodes.begin(), nodes.end(), [this](std::size_t i) {
                      return has_lease(i) && stations[i].incarnation > 0;
                  });
    }

    /// They, and nobody else, as each of them knows: any one of three may go then.
    bool all_vote(const std::vector<std::size_t>& nodes) const {
        return std::all_of(nodes.begin(), nodes.end(), [&](std::size_t i) {
            const auto voters = stations[i].plane->status()->voters;
            return voters.size() == nodes.size()
                   && std::all_of(nodes.begin(), nodes.end(), [&](std::size_t k) {
                          return std::count(voters.begin(), voters.end(), stations[k].plane->self())
                                 == 1;
                      });
        });
    }

    /// At a node and at the leader.
    bool is_forgotten(std::size_t i, const Uuid& node) const {
        const auto lead = leader();
        if (!lead) {
            return false;
        }
        const ControlStatus status = *stations[*lead].plane->status();
        return cluster::find_member(stations[i].state->cluster, node) == nullptr
               && cluster::find_member(stations[*lead].state->cluster, node) == nullptr
               && std::count(status.learners.begin(), status.learners.end(), node) == 0
               && std::count(status.voters.begin(), status.voters.end(), node) == 0;
    }

    bool run_until(const std::function<bool()>& condition, Duration most = seconds(20)) {
        const MonotonicTime end = world.clock().monotonic_now() + most;
        while (!condition() && world.clock().monotonic_now() < end) {
            world.run_for(milliseconds(10));
        }
        return condition();
    }

    Result<Change> propose(std::size_t i, Command command) {
        const auto got = std::make_shared<std::optional<Result<Change>>>();
        Station& station = stations[i];
        station.loop->post([&station, got, command = std::move(command)] {
            station.plane->propose(command, [got](Result<Change> change) {
                got->emplace(std::move(change));
            });
        });
        run_until([&] { return got->has_value(); }, seconds(30));
        return got->has_value() ? std::move(**got)
                                : Result<Change>(Error{ErrorCode::kInternal, "no answer"});
    }

    io::SimWorld world{7};
    io::SimNetwork network{world};
    io::SimResolver resolver{world};
    std::vector<std::unique_ptr<io::SimFs>> dead_disks;
    std::vector<std::unique_ptr<io::SimLoop>> dead_loops;
    std::vector<std::unique_ptr<io::SimWorkerPool>> dead_pools;
    std::array<Station, 4> stations;
};

TEST_F(ControlPlaneTest, ANodeAloneFoundsAClusterAndServes) {
    start(0, false);
    ASSERT_TRUE(run_until([&] { return is_whole({0}); }));
    EXPECT_TRUE(propose(0, CreateCollection{numbered("a")}).ok());
    EXPECT_EQ(propose(0, CreateCollection{numbered("a")}).error().code, ErrorCode::kAlreadyExists);
    EXPECT_EQ(stations[0].state->cluster.shards.size(), 1U);
    const Uuid id = stations[0].plane->self();
    const std::uint64_t first_run = stations[0].incarnation;
    stop(0);
    start(0, false);
    ASSERT_TRUE(run_until([&] { return is_whole({0}); }));
    EXPECT_EQ(stations[0].plane->self(), id);
    EXPECT_GT(stations[0].incarnation, first_run);
    EXPECT_TRUE(stations[0].state->collections.contains("a"));
}

TEST_F(ControlPlaneTest, ThreeNodesWithOneListBecomeOneCluster) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    for (std::size_t i = 0; i < 3; ++i) {
        const std::string name = "c" + std::to_string(i);
        ASSERT_TRUE(propose(i, CreateCollection{numbered(name)}).ok()) << i;
        EXPECT_TRUE(stations[i].state->collections.contains(name)) << "what was made is there";
    }
    ASSERT_TRUE(run_until([&] {
        return stations[0].state->applied == stations[1].state->applied
               && stations[1].state->applied == stations[2].state->applied;
    }));
    EXPECT_EQ(encode_state(*stations[0].state), encode_state(*stations[1].state));
    EXPECT_EQ(encode_state(*stations[0].state), encode_state(*stations[2].state));
    const auto& shards = stations[0].state->cluster.shards;
    ASSERT_EQ(shards.size(), 3U);
    EXPECT_EQ(shards.begin()->second->copies.size(), 3U);
}

TEST_F(ControlPlaneTest, TheFirstOfTheListAloneFoundsNothing) {
    write_list(0, {0, 1, 2});
    start(0);
    world.run_for(seconds(10));
    EXPECT_FALSE(leader());
    EXPECT_FALSE(has_lease(0));
}

TEST_F(ControlPlaneTest, AnotherLeadsWhenTheLeaderIsGone) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    ASSERT_TRUE(propose(1, CreateCollection{numbered("a")}).ok());
    const std::size_t old = *leader();
    const Uuid old_id = stations[old].plane->self();
    stop(old);
    ASSERT_TRUE(run_until([&] { return leader().has_value(); }, seconds(3)));
    const std::size_t lead = *leader();
    ASSERT_TRUE(run_until(
        [&] {
            const auto* member = cluster::find_member(stations[lead].state->cluster, old_id);
            return member != nullptr && member->fenced;
        },
        seconds(5)
    ));
    for (const auto& [id, shard] : stations[lead].state->cluster.shards) {
        EXPECT_NE(shard->primary, old_id);
        EXPECT_FALSE(shard->in_sync.contains(old_id));
    }
    EXPECT_TRUE(propose(lead, CreateCollection{numbered("b")}).ok());
    start(old);
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    EXPECT_TRUE(run_until([&] { return stations[old].state->collections.contains("b"); }));
}

TEST_F(ControlPlaneTest, WithoutAMajorityNothingIsServed) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    stop(1);
    stop(2);
    EXPECT_TRUE(run_until([&] { return !has_lease(0); }, milliseconds(2100)));
    EXPECT_EQ(propose(0, CreateCollection{numbered("a")}).error().code, ErrorCode::kUnavailable);
    start(1);
    ASSERT_TRUE(run_until([&] { return has_lease(0) && has_lease(1); }));
}

TEST_F(ControlPlaneTest, ANodeThatIsCutOffDoesNotServe) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    const std::size_t lead = *leader();
    for (std::size_t i = 0; i < 3; ++i) {
        network.cut(host(lead), host(i));
        network.cut(host(i), host(lead));
    }
    EXPECT_TRUE(run_until([&] { return !has_lease(lead); }, milliseconds(2100)));
    EXPECT_TRUE(run_until(
        [&] { return leader() && *leader() != lead && !stations[lead].plane->status()->is_leader; },
        seconds(4)
    ));
    for (std::size_t i = 0; i < 3; ++i) {
        network.mend(host(lead), host(i));
        network.mend(host(i), host(lead));
    }
    EXPECT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
}

TEST_F(ControlPlaneTest, ANodeWhoseDataHangsIsReplacedThoughItVotes) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    for (const std::size_t hangs : {*leader(), (*leader() + 1) % 3}) {
        stations[hangs].hangs = true;
        ASSERT_TRUE(run_until([&] { return is_fenced(hangs); }, milliseconds(3300)));
        EXPECT_FALSE(has_lease(hangs));
        world.run_for(seconds(5));
        EXPECT_FALSE(has_lease(hangs));
        EXPECT_TRUE(is_fenced(hangs));
        EXPECT_TRUE(leader());
        go_on(hangs);
        ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}) && !is_fenced(hangs); }));
    }
}

TEST_F(ControlPlaneTest, ANodeWhoseDataIsSlowForLessThanTheLeaseIsKept) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    for (int round = 0; round < 20; ++round) {
        const std::size_t slow = round % 3;
        stations[slow].hangs = true;
        ASSERT_FALSE(run_until([&] { return is_fenced(slow); }, cluster::LeaseOptions{}.lease));
        go_on(slow);
        ASSERT_FALSE(run_until([&] { return is_fenced(slow); }, milliseconds(700 + round * 37)));
    }
}

TEST_F(ControlPlaneTest, ANodeAloneIsNotReplacedByNobody) {
    start(0, false);
    ASSERT_TRUE(run_until([&] { return is_whole({0}); }));
    stations[0].hangs = true;
    EXPECT_FALSE(run_until([&] { return !has_lease(0); }, seconds(10)));
}

TEST_F(ControlPlaneTest, ANodeThatIsAddedToTheListsJoinsBySnapshot) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    ASSERT_TRUE(propose(0, CreateCollection{numbered("a")}).ok());
    write_list(3, {0, 1, 2, 3});
    start(3);
    world.run_for(seconds(3));
    EXPECT_FALSE(has_lease(3)) << "nobody has listed it";
    for (std::size_t i = 0; i < 3; ++i) {
        write_list(i, {0, 1, 2, 3});
    }
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2, 3}); }, seconds(30)));
    EXPECT_TRUE(stations[3].state->collections.contains("a"));
    EXPECT_EQ(stations[3].state->cluster.shards.begin()->second->copies.size(), 4U);
}

TEST_F(ControlPlaneTest, AnEmptyDiskAtADeadMembersAddressJoinsByItself) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    ASSERT_TRUE(propose(0, CreateCollection{numbered("a")}).ok());
    for (std::size_t i = 0; i < 3; ++i) {  // The founder and whoever leads among them.
        const Uuid old = stations[i].plane->self();
        replace(i, {0, 1, 2});
        start(i);
        ASSERT_TRUE(run_until(
            [&] {
                // The next one may only go when this one votes: of two voters none can be missed.
                return is_whole({0, 1, 2}) && is_forgotten(i, old) && all_vote({0, 1, 2});
            },
            seconds(30)
        )) << i;
        ASSERT_NE(stations[i].plane->self(), old);
        EXPECT_EQ(stations[i].state->cluster.members.size(), 3U);
        EXPECT_TRUE(stations[i].state->collections.contains("a"));
    }
}

TEST_F(ControlPlaneTest, AReplacedMachineJoinsThoughTheOthersStartAnewMeanwhile) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    replace(2, {0, 1, 2});
    stop(0);
    stop(1);
    start(2);
    world.run_for(seconds(5));
    EXPECT_FALSE(has_lease(2)) << "it must not found a cluster";
    start(0);
    start(1);
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }, seconds(30)));
    EXPECT_TRUE(run_until([&] { return stations[2].state->cluster.members.size() == 3; }));
}

TEST_F(ControlPlaneTest, ANodeThatWasCutOffFindsALeaderThatSucceededAMember) {
    for (std::size_t i = 0; i < 4; ++i) {
        write_list(i, {0, 1, 2, 3});
        start(i);
    }
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2, 3}); }, seconds(30)));
    const ControlStatus status = *stations[0].plane->status();
    std::size_t off = 0;  // It has no vote, so that the others can do without it and one more.
    while (status.learners.at(0) != stations[off].plane->self()) {
        ++off;
    }
    const std::size_t bad = (off + 1) % 4;
    const auto cut_off = [&](bool cut) {
        for (std::size_t i = 0; i < 4; ++i) {
            for (const auto& [a, b] :
                 {std::pair(host(i), host(off)), std::pair(host(off), host(i))}) {
                cut ? network.cut(a, b) : network.mend(a, b);
            }
        }
    };
    cut_off(true);
    const Uuid old = stations[bad].plane->self();
    replace(bad, {0, 1, 2, 3});
    start(bad);
    ASSERT_TRUE(run_until([&] { return has_lease(bad) && is_forgotten(bad, old); }, seconds(40)));
    stations[bad].loop->post([&] { (void)stations[bad].plane->lead(); });
    ASSERT_TRUE(run_until([&] { return stations[bad].plane->status()->is_leader; }));
    cut_off(false);
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2, 3}); }, seconds(30)));
    EXPECT_EQ(stations[off].state->cluster.members.size(), 4U);
}

TEST_F(ControlPlaneTest, ANodeWithAnothersAddressInItsSettingsThrowsNobodyOut) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    const Uuid right = stations[1].plane->self();
    write_list(3, {0, 1, 2});
    start(3, true, 1);
    const auto is_out = [this] {
        return is_forgotten(0, stations[3].plane->self());
    };
    world.run_for(seconds(10));
    EXPECT_TRUE(is_whole({0, 1, 2}));
    EXPECT_TRUE(is_out()) << "the member at that address is up";
    stop(1);
    world.run_for(seconds(40));
    ASSERT_TRUE(leader());
    EXPECT_TRUE(is_out()) << "nobody answers at that address";
    start(1);
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }, seconds(30)));
    EXPECT_EQ(stations[1].plane->self(), right);
    EXPECT_TRUE(is_out());
}

TEST_F(ControlPlaneTest, AMemberWhosePlaceWasTakenDoesNotTakeItBack) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    stop(1);
    auto old_disk = std::move(stations[1].fs);
    write_list(1, {0, 1, 2});
    start(1);
    ASSERT_TRUE(run_until(
        [&] {
            return is_whole({0, 1, 2}) && stations[1].state->cluster.members.size() == 3;
        },
        seconds(30)
    ));
    const Uuid successor = stations[1].plane->self();
    stations[3].fs = std::move(old_disk);
    start(3, true, 1);
    world.run_for(seconds(20));
    EXPECT_TRUE(is_whole({0, 1, 2}));
    EXPECT_FALSE(has_lease(3));
    EXPECT_EQ(stations[0].state->cluster.members.size(), 3U);
    EXPECT_NE(cluster::find_member(stations[0].state->cluster, successor), nullptr);
}

// ---- a directory that is damaged

TEST_F(ControlPlaneTest, ADamagedDirectoryIsSetAsideAndItsNodeJoinsUnderAnotherId) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    ASSERT_TRUE(propose(0, CreateCollection{numbered("a")}).ok());
    std::size_t i = 0;
    for (const char* name : {"identity", "hard_state", "snapshot", "wal", "hard_state"}) {
        ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
        const Uuid old = stations[i].plane->self();
        stop(i);
        damage(i, name);
        start(i);
        EXPECT_NE(stations[i].plane->self(), old) << name;
        EXPECT_TRUE(io::exists(*stations[i].fs, "control_lost").value());
        ASSERT_TRUE(run_until(
            [&] {
                return is_whole({0, 1, 2}) && is_forgotten(i, old);
            },
            seconds(30)
        )) << name;
        EXPECT_TRUE(stations[i].state->collections.contains("a"));
        EXPECT_TRUE(run_until([&] { return !io::exists(*stations[i].fs, "control_lost").value(); })
        );
        EXPECT_GE(count_aside(i), 1U);
        // The next start is one like any other.
        const Uuid next = stations[i].plane->self();
        stop(i);
        start(i);
        ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }, seconds(30))) << name;
        EXPECT_EQ(stations[i].plane->self(), next);
        i = (i + 1) % 3;
    }
}

TEST_F(ControlPlaneTest, AFileThatIsGoneIsDamage) {
    start_three();
    for (const char* name : {"identity", "hard_state", "snapshot"}) {
        ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }, seconds(30))) << name;
        const Uuid old = stations[1].plane->self();
        stop(1);
        remove(1, name);
        start(1);
        EXPECT_NE(stations[1].plane->self(), old) << name;
        ASSERT_TRUE(run_until(
            [&] {
                return is_whole({0, 1, 2}) && is_forgotten(1, old);
            },
            seconds(30)
        )) << name;
    }
}

TEST_F(ControlPlaneTest, FewDamagedDirectoriesAreKept) {
    start_three();
    for (int n = 0; n < 5; ++n) {
        ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }, seconds(30)));
        const Uuid old = stations[1].plane->self();
        stop(1);
        damage(1, "snapshot");
        start(1);
        ASSERT_TRUE(run_until(
            [&] {
                return is_whole({0, 1, 2}) && is_forgotten(1, old);
            },
            seconds(30)
        ));
    }
    EXPECT_EQ(count_aside(1), kDamagedControlsMax);
    EXPECT_TRUE(io::exists(*stations[1].fs, "control.damaged-5").value());
}

TEST_F(ControlPlaneTest, ADamagedDirectoryKeepsANodeAloneFromStarting) {
    start(0, false);
    ASSERT_TRUE(run_until([&] { return is_whole({0}); }));
    stop(0);
    damage(0, "hard_state");
    for (int n = 0; n < 2; ++n) {
        const Status opened = open(0, false, {});
        ASSERT_FALSE(opened.ok());
        EXPECT_EQ(opened.error().code, ErrorCode::kCorruption);
        EXPECT_NE(opened.error().message.find("control/hard_state"), std::string::npos);
        EXPECT_NE(opened.error().message.find("restore the data directory"), std::string::npos);
        stop(0);
    }
    EXPECT_EQ(count_aside(0), 0U);
}

TEST_F(ControlPlaneTest, NodesWithDamagedDirectoriesFoundNoOtherCluster) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    ASSERT_TRUE(propose(0, CreateCollection{numbered("a")}).ok());
    world.run_for(seconds(1));
    for (std::size_t i = 0; i < 3; ++i) {
        stop(i);
    }
    damage(0, "snapshot");  // The cluster's name is known from elsewhere.
    damage(1, "hard_state");
    start(0);
    start(1);
    // Nor does one that has always been empty found one with them.
    replace(2, {0, 1, 2});
    start(2);
    world.run_for(seconds(20));
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_FALSE(stations[i].plane->status()->in_cluster) << i;
        EXPECT_FALSE(has_lease(i)) << i;
    }
}

// ---- voters

TEST_F(ControlPlaneTest, AVoterThatIsGoneForLongIsReplaced) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    for (std::size_t i = 0; i < 4; ++i) {
        write_list(i, {0, 1, 2, 3});
    }
    start(3);
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2, 3}); }, seconds(30)));
    const auto votes = [this](std::size_t i) {
        const auto voters = stations[*leader()].plane->status()->voters;
        return std::find(voters.begin(), voters.end(), stations[i].plane->self()) != voters.end();
    };
    ASSERT_FALSE(votes(3)) << "four tolerate no more than three";
    const std::size_t gone = (*leader() + 1) % 3;
    for (std::size_t i = 0; i < 4; ++i) {
        network.cut(host(gone), host(i));
        network.cut(host(i), host(gone));
    }
    world.run_for(seconds(20));
    EXPECT_TRUE(votes(gone)) << "it may come back";
    EXPECT_TRUE(run_until([&] { return votes(3) && !votes(gone); }, seconds(20)));
}

TEST_F(ControlPlaneTest, LeadershipIsHandedToWhoAsks) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    const std::size_t next = (*leader() + 1) % 3;
    Status asked;
    stations[next].loop->post([&] { asked = stations[next].plane->lead(); });
    EXPECT_TRUE(run_until([&] { return leader() == next; }, seconds(2)));
    EXPECT_TRUE(asked.ok());
    EXPECT_TRUE(has_lease(0) && has_lease(1) && has_lease(2));
}

TEST_F(ControlPlaneTest, WhoIsLeavingIsNotHandedTheLeadership) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    // One round with each of the others as the one that leaves.
    for (std::size_t round = 0; round < 2; ++round) {
        const std::size_t lead = *leader();
        const std::size_t leaves = (lead + 1 + round) % 3;
        const std::size_t stays = 3 - lead - leaves;
        stations[leaves].loop->post([&] { stations[leaves].plane->announce_end(); });
        world.run_for(milliseconds(100));
        bool done = false;
        stations[lead].loop->post([&] { stations[lead].plane->retire([&] { done = true; }); });
        ASSERT_TRUE(run_until(
            [&] {
                EXPECT_FALSE(stations[leaves].plane->status()->is_leader);
                return done;
            },
            seconds(3)
        ));
        EXPECT_TRUE(stations[stays].plane->status()->is_leader);
        for (const std::size_t i : {lead, leaves}) {
            stop(i);
            start(i);
        }
        ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }, seconds(60)));
    }
}

TEST_F(ControlPlaneTest, WhoAllEndAtOnceDoNotWaitForEachOther) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    std::size_t done = 0;
    for (Station& station : stations) {
        if (station.plane != nullptr) {
            station.loop->post([&] { station.plane->retire([&] { ++done; }); });
        }
    }
    EXPECT_TRUE(run_until([&] { return done == 3; }, milliseconds(500)));
    for (std::size_t i = 0; i < 3; ++i) {
        stop(i);
        start(i);
    }
    EXPECT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
}

TEST_F(ControlPlaneTest, TwoListsCutDownAtOnceDoNotMakeTwoLeaders) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    ASSERT_TRUE(propose(0, CreateCollection{numbered("a")}).ok());
    stop(0);
    stop(1);
    ASSERT_TRUE(run_until([&] { return !has_lease(2); }));
    write_list(2, {2});
    ASSERT_TRUE(run_until([&] { return has_lease(2); }, seconds(30)));
    write_list(0, {0});
    start(0);
    const MonotonicTime end = world.clock().monotonic_now() + seconds(30);
    while (world.clock().monotonic_now() < end) {
        world.run_for(milliseconds(20));
        ASSERT_FALSE(has_lease(0)) << "two of them acknowledge writes";
    }
    EXPECT_TRUE(has_lease(2));
    // The one that leads has ended: then it may.
    stop(2);
    EXPECT_TRUE(run_until([&] { return has_lease(0); }, seconds(30)));
}

TEST_F(ControlPlaneTest, AListCutDownToOneNodeBringsServiceBackAndTheOthersRejoin) {
    start_three();
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }));
    ASSERT_TRUE(propose(0, CreateCollection{numbered("a")}).ok());
    ASSERT_TRUE(run_until([&] { return stations[2].state->collections.contains("a"); }));
    stop(0);
    stop(1);
    ASSERT_TRUE(run_until([&] { return !has_lease(2); }));
    write_list(2, {2});
    ASSERT_TRUE(run_until([&] { return has_lease(2); }, seconds(30)));
    EXPECT_TRUE(propose(2, CreateCollection{numbered("b")}).ok());
    ASSERT_TRUE(run_until([&] { return stations[2].state->cluster.members.size() == 1; }));
    EXPECT_EQ(
        stations[2].state->cluster.shards.begin()->second->primary,
        stations[2].plane->self()
    );
    write_list(2, {0, 1, 2});
    start(0);
    start(1);
    ASSERT_TRUE(run_until([&] { return is_whole({0, 1, 2}); }, seconds(60)));
    EXPECT_TRUE(run_until([&] { return stations[0].state->collections.contains("b"); }));
    EXPECT_TRUE(run_until([&] { return stations[1].state->collections.contains("b"); }));
}

TEST_F(ControlPlaneTest, ManyCommandsAreCompactedAndSurviveARestart) {
    start(0, false);
    ASSERT_TRUE(run_until([&] { return is_whole({0}); }));
    for (int n = 0; n < 1100; ++n) {
        KeyRecord key;
        key.digest = std::to_string(n);
        ASSERT_TRUE(propose(0, CreateKey{key}).ok());
    }
    world.run_for(seconds(1));
    stop(0);
    start(0, false);
    ASSERT_TRUE(run_until([&] { return is_whole({0}); }));
    EXPECT_EQ(stations[0].state->keys->size(), 1100U);
}

}  // namespace
}  // namespace kumo::node
