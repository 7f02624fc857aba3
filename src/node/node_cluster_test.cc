#include "node/internal/machine_test.h"
#include "node/node.h"
#include "search/query/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// Several nodes on a simulated network: whatever is asked of any of them, while some of them die.

namespace kumo::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kNodes = 3;

class NodeCluster : public testing::TestWithParam<std::uint64_t> {
protected:
    void SetUp() override {
        for (std::size_t i = 0; i < kNodes; ++i) {
            NodeOptions options = small_options();
            options.log_tail_bytes_max = 4000;
            options.fsync = fsync;
            machines[i] =
                std::make_unique<Machine>(site, cluster_host(i), cluster_options(i, options));
            machines[i]->write_nodes_file({0, 1, 2});
        }
        for (auto& machine : machines) {
            ASSERT_TRUE(machine->boot().ok());
        }
        ASSERT_TRUE(all_serve());
    }

    bool serves(std::size_t i) { return machines[i]->running() && machines[i]->node().health().ok; }

    bool run_until(const std::function<bool()>& condition, Duration most = seconds(60)) {
        const MonotonicTime end = site.world.clock().monotonic_now() + most;
        while (!condition() && site.world.clock().monotonic_now() < end) {
            site.world.run_for(milliseconds(10));
        }
        return condition();
    }

    bool all_serve() {
        return run_until([this] { return serves(0) && serves(1) && serves(2); });
    }

    /// The node with the primary copy of the first collection, as some node sees it.
    std::optional<std::size_t> primary(std::size_t seen_by) {
        const ClusterInfo info = machines[seen_by]->node().cluster();
        for (const auto& shard : info.shards) {
            for (const auto& copy : shard.copies) {
                for (const auto& member : info.members) {
                    if (copy.primary && member.id == copy.node) {
                        return static_cast<std::size_t>(member.name.back() - '0');
                    }
                }
            }
        }
        return std::nullopt;
    }

    std::size_t in_sync(std::size_t seen_by) {
        std::size_t count = 0;
        for (const auto& shard : machines[seen_by]->node().cluster().shards) {
            for (const auto& copy : shard.copies) {
                count += copy.in_sync ? 1 : 0;
            }
        }
        return count;
    }

    /// What another node has told is known here.
    void refresh(std::size_t i) {
        const auto known = machines[i]->await<bool>([&](auto reply) {
            machines[i]->node().refresh(machines[i]->loop(), reply);
        });
        ASSERT_TRUE(known.ok());
        ASSERT_TRUE(machines[i]->node().collection("a").ok());
    }

    /// The collection, known to everybody.
    void create() {
        ASSERT_TRUE(machines[0]->create(numbered("a")).ok());
        refresh(1);
        refresh(2);
    }

    void put(std::size_t i, int n) {
        const std::string json = document("d" + std::to_string(n), n);
        const Status written = machines[i]->put("a", json);
        ASSERT_TRUE(written.ok()) << written.error().message;
        acknowledged["d" + std::to_string(n)] = json;
    }

    void expect_everything(std::size_t i) {
        EXPECT_TRUE(run_until([&] {
            return serves(i) && machines[i]->node().snapshot("a").ok()
                   && machines[i]->documents("a") == acknowledged;
        })) << "at node "
            << i << ": " << machines[i]->documents("a").size() << " of " << acknowledged.size();
    }

    /// A bit of the node's log, in the middle, is another one than what was written.
    void damage_log(std::size_t i) {
        std::string longest;
        std::uint64_t bytes = 0;
        for (const std::string& file : machines[i]->files()) {
            const std::uint64_t size = machines[i]->fs().file_size("/data" + file).value();
            if (file.starts_with("/wal/wal-") && size > bytes) {
                longest = file;
                bytes = size;
            }
        }
        ASSERT_GT(bytes, 400U);
        machines[i]->fs().flip_bit("/data" + longest, bytes / 2, 3);
    }

    bool has_file(std::size_t i, std::string_view prefix) {
        const auto files = machines[i]->files();
        return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
            return file.starts_with(prefix);
        });
    }

    /// Directories of copies.
    std::size_t count_copies(std::size_t i) {
        const auto entries = machines[i]->fs().list("/data/collections");
        return entries.ok() ? entries.value().size() : 0;
    }

    /// The node lost its log: it is back with everything, and can do without the others' help.
    void expect_built_anew(std::size_t i) {
        const std::size_t other = (i + 1) % kNodes;
        const Status started = machines[i]->boot();
        ASSERT_TRUE(started.ok()) << started.error().message;
        ASSERT_TRUE(has_file(i, "/wal_lost"));
        ASSERT_TRUE(run_until([&] { return in_sync(other) == kNodes && serves(i); }));
        expect_everything(i);
        EXPECT_TRUE(run_until([&] { return !has_file(i, "/wal_lost"); }));
        put(i, 1000);
        machines[i]->stop();
        ASSERT_TRUE(machines[i]->start().ok());
        expect_everything(i);
        EXPECT_EQ(in_sync(other), kNodes) << "once is enough";
        machines[other]->stop();
        expect_everything(i);
    }

    Site site{GetParam()};
    std::array<std::unique_ptr<Machine>, kNodes> machines;
    std::map<std::string, std::string> acknowledged;

    bool fsync = true;
};

class UnsyncedCluster : public NodeCluster {
protected:
    UnsyncedCluster() { fsync = false; }

    /// With segments: so much that a copy has a directory.
    void fill() {
        create();
        for (int n = 0; n < 30; ++n) {
            put(0, n);
        }
        ASSERT_TRUE(run_until([this] {
            return count_copies(0) == 1 && count_copies(1) == 1 && count_copies(2) == 1;
        }));
    }

    /// The directory of the node's only copy.
    std::string copy_directory(std::size_t i) {
        const auto entries = machines[i]->fs().list("/data/collections");
        return entries.ok() && entries.value().size() == 1 ? entries.value()[0].name : "";
    }
};

TEST_P(NodeCluster, AnyNodeTakesAnyRequest) {
    create();
    for (int n = 0; n < 60; ++n) {
        put(static_cast<std::size_t>(n) % kNodes, n);
        const std::string id = "d" + std::to_string(n);
        // The one that wrote shows it at once, and single documents are up to date everywhere.
        EXPECT_EQ(machines[static_cast<std::size_t>(n) % kNodes]->documents("a"), acknowledged);
        EXPECT_EQ(
            machines[static_cast<std::size_t>(n + 1) % kNodes]->get("a", id).value(),
            acknowledged[id]
        );
    }
    const auto changed = machines[2]->await<std::uint64_t>([&](auto reply) {
        machines[2]->node().erase_matching("a", {}, machines[2]->loop(), reply);
    });
    ASSERT_TRUE(changed.ok()) << changed.error().message;
    EXPECT_EQ(changed.value(), 60U);
    acknowledged.clear();
    for (std::size_t i = 0; i < kNodes; ++i) {
        expect_everything(i);
    }
    EXPECT_TRUE(machines[1]->drop("a").ok());
    EXPECT_TRUE(run_until([this] { return machines[0]->node().collections().empty(); }));
}

TEST_P(NodeCluster, TheFirstWriteIsAsFastAsAnyOther) {
    for (int n = 0; n < 20; ++n) {
        const std::string name = "c" + std::to_string(n);
        const MonotonicTime before = site.world.clock().monotonic_now();
        ASSERT_TRUE(machines[0]->create(numbered(name)).ok());
        ASSERT_TRUE(machines[0]->put(name, document("1", 1)).ok());
        EXPECT_LT(site.world.clock().monotonic_now() - before, milliseconds(300));
    }
}

TEST_P(NodeCluster, GoesOnWithoutItsPrimary) {
    create();
    for (int n = 0; n < 20; ++n) {
        put(0, n);
    }
    const std::size_t dead = *primary(0);
    const std::size_t other = (dead + 1) % kNodes;
    machines[dead]->stop();
    for (int n = 20; n < 60; ++n) {
        put(other, n);
    }
    expect_everything(other);
    expect_everything((dead + 2) % kNodes);
    ASSERT_TRUE(machines[dead]->start().ok());
    ASSERT_TRUE(run_until([&] { return in_sync(other) == kNodes; }));
    expect_everything(dead);
    for (int n = 60; n < 80; ++n) {
        put(dead, n);
    }
    for (std::size_t i = 0; i < kNodes; ++i) {
        expect_everything(i);
    }
}

TEST_P(NodeCluster, ACopyThatLagsTooFarIsSentFiles) {
    create();
    for (int n = 0; n < 10; ++n) {
        put(0, n);
    }
    const std::size_t away = (*primary(0) + 1) % kNodes;
    const std::size_t other = (away + 1) % kNodes;
    machines[away]->stop();
    for (int n = 10; n < 200; ++n) {
        put(other, n % 120);
    }
    ASSERT_TRUE(machines[away]->boot().ok());
    ASSERT_TRUE(run_until([&] { return in_sync(other) == kNodes && serves(away); }));
    expect_everything(away);
    for (int n = 120; n < 140; ++n) {
        put(away, n);
    }
    machines[away]->stop();
    ASSERT_TRUE(machines[away]->start().ok());
    expect_everything(away);
    // And it can do without the others' help.
    machines[*primary(other)]->stop();
    for (std::size_t i = 0; i < kNodes; ++i) {
        if (machines[i]->running()) {
            expect_everything(i);
        }
    }
}

TEST_P(NodeCluster, ACopyIsSentItsFilesOnce) {
    create();
    const std::size_t away = (*primary(0) + 1) % kNodes;
    const std::size_t other = (away + 1) % kNodes;
    put(other, 0);
    machines[away]->stop();
    for (int n = 1; n < 200; ++n) {
        const std::string id = "d" + std::to_string(n);
        std::string text;  // That does not compress.
        for (int k = 0; k < 100; ++k) {
            text += std::to_string(site.world.random().next());
        }
        acknowledged[id] = document(id, n, text);
        ASSERT_TRUE(machines[other]->put("a", acknowledged[id]).ok());
    }
    site.world.run_for(seconds(5));  // Everything is stored: it goes as files of many parts.
    ASSERT_TRUE(machines[away]->boot().ok());
    ASSERT_TRUE(run_until([&] { return serves(away); }));
    // Its copy is not empty, so it is told to begin anew a second later; no more is in the way.
    EXPECT_TRUE(run_until([&] { return in_sync(other) == kNodes; }, milliseconds(2500)));
    expect_everything(away);
}

TEST_P(NodeCluster, WritesUnderWayAreCarriedOutOnceWhenThePrimaryDies) {
    create();
    put(0, 0);
    const std::size_t dead = *primary(0);
    const std::size_t other = (dead + 1) % kNodes;
    int answered = 0;
    int refused = 0;
    for (int n = 1; n <= 100; ++n) {
        const std::string id = "e" + std::to_string(n);
        acknowledged[id] = document(id, n);
        machines[other]->node().write(
            "a",
            batch(search::WriteAction::kCreate, {document(id, n)}),
            machines[other]->loop(),
            [&](Result<std::vector<Result<search::Written>>> written) {
                ++answered;
                // A second time would be a conflict with itself.
                refused += !written.ok() || !written.value()[0].ok() ? 1 : 0;
            }
        );
        site.world.run_for(std::chrono::microseconds(300));
        if (n == 50) {
            machines[dead]->stop();
        }
    }
    EXPECT_TRUE(run_until([&] { return answered == 100; }));
    EXPECT_EQ(refused, 0);
    expect_everything(other);
}

TEST_P(NodeCluster, ANodeThatStopsOnPurposeIsHardlyNoticed) {
    create();
    int n = 0;
    for (std::size_t round = 0; round < 2 * kNodes; ++round) {
        const std::size_t leaving = round % kNodes;
        const std::size_t other = (leaving + 1) % kNodes;
        bool stopped = false;
        machines[leaving]->node().shut_down(machines[leaving]->loop(), [&](Result<bool>) {
            stopped = true;
        });
        Duration longest{};
        while (!stopped) {
            const MonotonicTime before = site.world.clock().monotonic_now();
            put(other, ++n);
            longest = std::max(longest, site.world.clock().monotonic_now() - before);
        }
        machines[leaving]->stop();
        put(other, ++n);
        EXPECT_LT(longest, milliseconds(500));
        ASSERT_TRUE(machines[leaving]->start().ok());
        ASSERT_TRUE(run_until([&] { return in_sync(other) == kNodes; }));
    }
    for (std::size_t i = 0; i < kNodes; ++i) {
        expect_everything(i);
    }
}

TEST_P(NodeCluster, ADrainedNodeLeadsNothing) {
    create();
    put(0, 1);
    const std::size_t drained = *primary(0);
    const std::size_t other = (drained + 1) % kNodes;
    const auto drain = [&](bool draining) {
        return machines[other]->await<bool>([&](auto reply) {
            Machine& machine = *machines[other];
            machine.node().drain("n" + std::to_string(drained), draining, machine.loop(), reply);
        });
    };
    ASSERT_TRUE(drain(true).ok());
    int n = 1;
    ASSERT_TRUE(run_until([&] {
        put(other, ++n);
        return *primary(other) != drained;
    }));
    expect_everything(drained);
    EXPECT_TRUE(drain(false).ok());
    const auto info = machines[other]->await<ClusterInfo>([&](auto reply) {
        machines[other]->node().cluster_in_detail(machines[other]->loop(), reply);
    });
    ASSERT_TRUE(info.ok());
    EXPECT_GT(info.value().shards.at(0).applied, 0U);
}

TEST_P(NodeCluster, ANodeThatWasAwayForLongIsBackInSeconds) {
    create();
    put(0, 1);
    const std::size_t away = (*primary(0) + 1) % kNodes;
    const std::size_t other = (away + 1) % kNodes;
    machines[away]->stop();
    site.world.run_for(std::chrono::minutes(2));
    const MonotonicTime before = site.world.clock().monotonic_now();
    ASSERT_TRUE(machines[away]->start().ok());
    ASSERT_TRUE(run_until([&] { return in_sync(other) == kNodes; }));
    EXPECT_LT(site.world.clock().monotonic_now() - before, seconds(3));
}

TEST_P(NodeCluster, NothingIsServedWithoutAMajority) {
    create();
    put(0, 1);
    machines[1]->stop();
    machines[2]->stop();
    ASSERT_TRUE(run_until([this] { return !serves(0); }));
    EXPECT_EQ(machines[0]->get("a", "d1").error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(machines[0]->node().snapshot("a").error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(machines[0]->put("a", document("d2", 2)).error().code, ErrorCode::kUnavailable);
    ASSERT_TRUE(machines[1]->start().ok());
    ASSERT_TRUE(run_until([this] { return serves(0); }));
    put(0, 3);
    // What timed out may have been carried out since, or not.
    acknowledged = machines[0]->documents("a");
    EXPECT_TRUE(acknowledged.contains("d1") && acknowledged.contains("d3"));
    ASSERT_TRUE(machines[2]->start().ok());
    expect_everything(2);
}

TEST_P(NodeCluster, EverybodyRestarts) {
    create();
    for (int n = 0; n < 50; ++n) {
        put(static_cast<std::size_t>(n) % kNodes, n);
    }
    for (auto& machine : machines) {
        machine->stop();
    }
    for (auto& machine : machines) {
        ASSERT_TRUE(machine->boot().ok());
    }
    ASSERT_TRUE(all_serve());
    for (std::size_t i = 0; i < kNodes; ++i) {
        expect_everything(i);
    }
}

TEST_P(NodeCluster, AReadThatOutlivesItsCopyReadsTheNextOne) {
    ASSERT_TRUE(machines[0]->create(numbered("a")).ok());
    put(0, 1);
    const std::size_t first = *primary(0);
    const std::size_t slow = (first + 1) % kNodes;
    machines[slow]->loop().pause();
    std::optional<Result<std::string>> got;
    // So much that the slow one's copy is built anew, from files.
    for (int n = 2; n < 300; ++n) {
        if (n == 150) {
            machines[slow]->node().document(
                "a",
                "d1",
                machines[slow]->loop(),
                [&](Result<std::string> document) { got.emplace(std::move(document)); }
            );
        }
        acknowledged["d1"] = document("d1", n);
        ASSERT_TRUE(machines[first]->put("a", acknowledged["d1"]).ok());
    }
    machines[slow]->loop().resume();
    ASSERT_TRUE(run_until([&] { return got.has_value(); }));
    EXPECT_TRUE(!got->ok() || got->value() == acknowledged["d1"]) << got->value();
    expect_everything(slow);
}

TEST_P(NodeCluster, ALeaseIsOfNoUseBeforeItsStateIsSeen) {
    ASSERT_TRUE(machines[0]->create(numbered("a")).ok());
    put(0, 1);
    const std::size_t first = *primary(0);
    const std::size_t other = (first + 1) % kNodes;
    // The first one is fenced and comes back, and its data loop has seen nothing of that.
    machines[first]->loop().pause();
    machines[first]->control_loop().pause();
    ASSERT_TRUE(run_until([&] { return serves(other) && primary(other) != first; }));
    machines[first]->control_loop().resume();
    acknowledged["d1"] = document("d1", 2);
    ASSERT_TRUE(machines[other]->put("a", acknowledged["d1"]).ok());
    site.world.run_for(seconds(5));
    EXPECT_FALSE(serves(first));
    std::optional<Result<std::string>> got;
    machines[first]->node().document(
        "a",
        "d1",
        machines[first]->loop(),
        [&](Result<std::string> document) { got.emplace(std::move(document)); }
    );
    machines[first]->loop().resume();
    ASSERT_TRUE(run_until([&] { return got.has_value(); }));
    EXPECT_TRUE(!got->ok() || got->value() == acknowledged["d1"]) << got->value();
    expect_everything(first);
}

TEST_P(NodeCluster, ARetryThatIsRefusedDoesNotSayThatNothingHappened) {
    ASSERT_TRUE(machines[0]->create(numbered("a")).ok());
    put(0, 1);
    const std::size_t first = *primary(0);
    const std::size_t other = (first + 1) % kNodes;
    const std::size_t third = (first + 2) % kNodes;
    // The answer cannot travel.
    site.network.cut(cluster_host(first), cluster_host(other));
    std::optional<Error> refused;
    bool answered = false;
    machines[other]->node().write(
        "a",
        batch(search::WriteAction::kCreate, {document("d2", 2)}),
        machines[other]->loop(),
        [&](const Result<std::vector<Result<search::Written>>>& written) {
            answered = true;
            refused = written.ok() ? std::nullopt : std::optional<Error>(written.error());
        }
    );
    ASSERT_TRUE(run_until([&] {
        return answered || (serves(third) && machines[third]->documents("a").size() == 2);
    }));
    if (answered) {  // The first one was fenced before it was done.
        EXPECT_FALSE(refused) << refused->message;
        return;
    }
    machines[third]->fs().set_free_bytes(0);
    machines[first]->stop();
    site.network.mend(cluster_host(first), cluster_host(other));
    ASSERT_TRUE(run_until([&] { return answered; }));
    EXPECT_TRUE(!refused || refused->code == ErrorCode::kUnavailable) << refused->message;
}

// ---- machines that are replaced

TEST_P(NodeCluster, AReplacedMachineIsSentEverythingAtItsOldAddress) {
    create();
    for (int n = 0; n < 12; ++n) {
        put(0, n);
    }
    const std::size_t bad = GetParam() % kNodes;
    const std::size_t other = (bad + 1) % kNodes;
    machines[bad]->stop();
    ASSERT_TRUE(io::remove_tree(machines[bad]->fs(), "/data").ok());
    ASSERT_TRUE(machines[bad]->boot().ok());
    ASSERT_TRUE(run_until([&] { return in_sync(other) == kNodes && serves(bad); }));
    expect_everything(bad);
    const auto knows_three_voters = [this](std::size_t i) {
        const auto members = machines[i]->node().cluster().members;
        const auto votes = [](const auto& member) {
            return member.votes;
        };
        return members.size() == kNodes && std::all_of(members.begin(), members.end(), votes);
    };
    EXPECT_TRUE(run_until([&] {
        return knows_three_voters(0) && knows_three_voters(1) && knows_three_voters(2);
    })) << "who was there before is forgotten";
    put(bad, 12);
    // And now it counts.
    machines[other]->stop();
    EXPECT_TRUE(run_until([&] { return machines[bad]->put("a", document("d13", 13)).ok(); }));
}

// ---- logs that are damaged or gone

TEST_P(NodeCluster, ADamagedLogIsSetAsideAndItsCopiesAreBuiltAnew) {
    create();
    for (int n = 0; n < 12; ++n) {
        put(0, n);
    }
    const std::size_t bad = GetParam() % 2 == 0 ? *primary(0) : (*primary(0) + 1) % kNodes;
    machines[bad]->stop();
    damage_log(bad);
    expect_built_anew(bad);
    EXPECT_TRUE(has_file(bad, "/wal.damaged-1/wal-"));
}

TEST_P(NodeCluster, ALogThatWasRemovedIsMissed) {
    create();
    for (int n = 0; n < 5; ++n) {
        put(0, n);
    }
    const std::size_t bad = GetParam() % kNodes;
    machines[bad]->stop();
    ASSERT_TRUE(io::remove_tree(machines[bad]->fs(), "/data/wal").ok());
    expect_built_anew(bad);
}

TEST_P(NodeCluster, TheLastInSyncWithADamagedLogThrowsNothingAway) {
    create();
    put(0, 0);
    const std::size_t last = *primary(0);
    const std::size_t other = (last + 1) % kNodes;
    const std::size_t third = (last + 2) % kNodes;
    // Two vote, one has the data.
    machines[third]->stop();
    ASSERT_TRUE(run_until([&] { return in_sync(last) == 2; }));
    machines[other]->loop().pause();
    for (int n = 1; n < 12; ++n) {
        put(last, n);
    }
    ASSERT_EQ(in_sync(last), 1U);
    machines[last]->stop();
    damage_log(last);
    machines[other]->loop().resume();
    ASSERT_TRUE(machines[third]->boot().ok());
    for (int round = 0; round < 2; ++round) {
        const Status started = machines[last]->start();
        ASSERT_FALSE(started.ok());
        EXPECT_EQ(started.error().code, ErrorCode::kCorruption) << started.error().message;
        EXPECT_NE(started.error().message.find("/data/wal/wal-"), std::string::npos);
        EXPECT_NE(started.error().message.find("/data/wal.damaged-1"), std::string::npos);
        site.world.run_for(seconds(20));
        EXPECT_EQ(in_sync(other), 1U);
        EXPECT_FALSE(machines[other]->put("a", document("d1", 7)).ok());
        EXPECT_TRUE(has_file(last, "/wal.damaged-1/wal-"));
        EXPECT_TRUE(has_file(last, "/collections/"));
        machines[last]->stop();
    }
}

// ---- how many copies a write waits for

TEST_P(NodeCluster, AMajorityGoesOnWithoutItsPrimaryAndLosesNothing) {
    CollectionSpec spec = numbered("a");
    spec.replication_mode = cluster::AckMode::kMajority;
    spec.min_in_sync = 2;
    ASSERT_TRUE(machines[0]->create(spec).ok());
    refresh(1);
    refresh(2);
    for (int n = 0; n < 20; ++n) {
        put(static_cast<std::size_t>(n) % kNodes, n);
    }
    const std::size_t dead = *primary(0);
    const std::size_t other = (dead + 1) % kNodes;
    machines[dead]->stop();
    for (int n = 20; n < 60; ++n) {
        put(other, n);
    }
    expect_everything(other);
    ASSERT_TRUE(machines[dead]->start().ok());
    ASSERT_TRUE(run_until([&] { return in_sync(other) == kNodes; }));
    for (std::size_t i = 0; i < kNodes; ++i) {
        expect_everything(i);
    }
    for (auto& machine : machines) {
        machine->stop();
    }
    for (auto& machine : machines) {
        ASSERT_TRUE(machine->boot().ok());
    }
    ASSERT_TRUE(all_serve());
    for (std::size_t i = 0; i < kNodes; ++i) {
        expect_everything(i);
        ASSERT_EQ(machines[i]->node().collection("a").value().spec.min_in_sync, 2U);
    }
}

TEST_P(NodeCluster, AMemberOfAMajorityThatLostItsLogIsRefilled) {
    CollectionSpec spec = numbered("a");
    spec.replication_mode = cluster::AckMode::kMajority;
    ASSERT_TRUE(machines[0]->create(spec).ok());
    refresh(1);
    refresh(2);
    for (int n = 0; n < 20; ++n) {
        put(0, n);
    }
    const std::size_t damaged = (*primary(0) + 1) % kNodes;
    machines[damaged]->stop();
    damage_log(damaged);
    expect_built_anew(damaged);
}

TEST_P(NodeCluster, AnAsyncCollectionGoesOnWithoutItsPrimary) {
    CollectionSpec spec = numbered("a");
    spec.replication_mode = cluster::AckMode::kAsync;
    ASSERT_TRUE(machines[0]->create(spec).ok());
    refresh(1);
    refresh(2);
    for (int n = 0; n < 20; ++n) {
        put(0, n);
    }
    for (std::size_t i = 0; i < kNodes; ++i) {
        expect_everything(i);
    }
    const std::size_t dead = *primary(0);
    const std::size_t other = (dead + 1) % kNodes;
    machines[dead]->stop();
    for (int n = 20; n < 40; ++n) {
        put(other, n);
    }
    ASSERT_TRUE(machines[dead]->start().ok());
    ASSERT_TRUE(run_until([&] { return in_sync(other) == kNodes; }));
    for (std::size_t i = 0; i < kNodes; ++i) {
        expect_everything(i);
    }
}

TEST_P(NodeCluster, WritesWaitForTheCopiesTheyNeed) {
    CollectionSpec spec = numbered("a");
    spec.min_in_sync = kNodes;
    ASSERT_TRUE(machines[0]->create(spec).ok());
    refresh(1);
    refresh(2);
    put(0, 1);
    const std::size_t away = (*primary(0) + 1) % kNodes;
    const std::size_t other = (away + 1) % kNodes;
    machines[away]->stop();
    ASSERT_TRUE(run_until([&] { return in_sync(other) == kNodes - 1; }));
    const Status refused = machines[other]->put("a", document("d2", 2));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
    const std::string why = "2 of the 3 copies in sync that a write needs";
    EXPECT_NE(refused.error().message.find(why), std::string::npos) << refused.error().message;
    expect_everything(other);
    ASSERT_TRUE(machines[away]->boot().ok());
    ASSERT_TRUE(run_until([&] { return in_sync(other) == kNodes; }));
    put(other, 3);
    expect_everything(away);
}

TEST_P(NodeCluster, NamedResourcesAreEverywhere) {
    create();
    const auto put = [&](std::size_t i, const PutResource& what) {
        return machines[i]->await<ResourcePtr>([&](auto reply) {
            machines[i]->node().put_resource(what, machines[i]->loop(), reply);
        });
    };
    const auto has = [&](std::size_t i, const std::string& id) {
        const ResourcePtr set =
            machines[i]->node().resource(ResourceKind::kCollectionSynonyms, "a");
        return set != nullptr && set->find(id) != nullptr;
    };
    // Each node adds to what the others have put, and shows its own at once.
    for (std::size_t i = 0; i < kNodes; ++i) {
        const std::string id = std::to_string(i);
        const auto made = put(i, {ResourceKind::kCollectionSynonyms, "a", false, {{id, "{}"}}});
        ASSERT_TRUE(made.ok()) << made.error().message;
        EXPECT_TRUE(has(i, id));
    }
    EXPECT_TRUE(run_until([&] { return has(0, "1") && has(0, "2") && has(1, "2") && has(1, "0"); })
    );
    UpdateCollection update;
    update.name = "a";
    update.metadata = R"({"b":1})";
    const auto updated = machines[1]->await<CollectionInfo>([&](auto reply) {
        machines[1]->node().update_collection(update, machines[1]->loop(), reply);
    });
    ASSERT_TRUE(updated.ok());
    EXPECT_EQ(updated.value().spec.metadata, update.metadata);
    machines[2]->stop();
    NodeCluster::put(0, 1);
    const auto gone = machines[0]->await<ResourcePtr>([&](auto reply) {
        machines[0]->node().delete_resource(
            {ResourceKind::kCollectionSynonyms, "a", "2"},
            machines[0]->loop(),
            reply
        );
    });
    ASSERT_TRUE(gone.ok());
    ASSERT_TRUE(machines[2]->start().ok());
    expect_everything(2);
    EXPECT_TRUE(run_until([&] { return has(2, "1") && !has(2, "2"); }));
    EXPECT_EQ(machines[2]->node().collection("a").value().spec.metadata, update.metadata);
}

TEST(ReplicationMode, AMajorityNeedsThreeNodesAndDurableLogs) {
    CollectionSpec spec = numbered("a");
    spec.replication_mode = cluster::AckMode::kMajority;
    Machine alone(1);
    ASSERT_TRUE(alone.start().ok());
    const auto refused = alone.create(spec);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
    EXPECT_NE(refused.error().message.find("three nodes"), std::string::npos);
    NodeOptions options = small_options();
    options.fsync = false;
    Machine forgetful(1, options);
    ASSERT_TRUE(forgetful.start().ok());
    const auto unsafe = forgetful.create(spec);
    ASSERT_FALSE(unsafe.ok());
    EXPECT_EQ(unsafe.error().code, ErrorCode::kInvalidArgument);
}

// ---- control planes that are damaged

TEST_P(NodeCluster, ANodeWithADamagedControlPlaneIsSentEverything) {
    create();
    for (int n = 0; n < 12; ++n) {
        put(0, n);
    }
    const std::size_t bad = GetParam() % kNodes;
    const std::size_t other = (bad + 1) % kNodes;
    ASSERT_EQ(count_copies(bad), 1U);
    machines[bad]->stop();
    machines[bad]->fs().flip_bit("/data/control/hard_state", 20, 3);
    ASSERT_TRUE(machines[bad]->boot().ok());
    ASSERT_TRUE(run_until([&] { return in_sync(other) == kNodes && serves(bad); }));
    expect_everything(bad);
    EXPECT_TRUE(has_file(bad, "/control.damaged-1/identity"));
    EXPECT_TRUE(run_until([&] { return !has_file(bad, "/control_lost"); }));
    EXPECT_TRUE(run_until([&] { return count_copies(bad) == 1; })) << "the old copy is removed";
    put(bad, 12);
    expect_everything(bad);
}

TEST_P(NodeCluster, TheLastInSyncWithADamagedControlPlaneThrowsNothingAway) {
    create();
    put(0, 0);
    const std::size_t last = *primary(0);
    const std::size_t other = (last + 1) % kNodes;
    const std::size_t third = (last + 2) % kNodes;
    machines[third]->stop();
    ASSERT_TRUE(run_until([&] { return in_sync(last) == 2; }));
    machines[other]->loop().pause();
    for (int n = 1; n < 12; ++n) {
        put(last, n);
    }
    ASSERT_EQ(in_sync(last), 1U);
    machines[last]->stop();
    machines[last]->fs().flip_bit("/data/control/hard_state", 20, 3);
    machines[other]->loop().resume();
    ASSERT_TRUE(machines[third]->boot().ok());
    for (int round = 0; round < 2; ++round) {
        ASSERT_TRUE(machines[last]->boot().ok());
        ASSERT_TRUE(run_until([&] {
            return machines[other]->node().cluster().members.size() == kNodes
                   && machines[last]->node().cluster().members.size() == kNodes;
        }));
        site.world.run_for(seconds(20));
        EXPECT_FALSE(serves(last));
        EXPECT_FALSE(machines[other]->put("a", document("d1", 7)).ok());
        EXPECT_EQ(count_copies(last), 1U) << "whatever it is good for";
        machines[last]->stop();
    }
}

// ---- without fsync

TEST_P(UnsyncedCluster, WhatAPowerCutTookIsSentAgain) {
    fill();
    for (std::size_t i = 0; i < kNodes; ++i) {
        const std::string before = copy_directory(i);
        // It is back before it is missed: nobody has taken it from the copies in sync.
        machines[i]->fs().crash(io::CrashKind::kPower);
        machines[i]->stop();
        ASSERT_TRUE(machines[i]->boot().ok());
        ASSERT_TRUE(run_until([&] { return serves(i) && in_sync(i) == kNodes; }));
        ASSERT_TRUE(all_serve());
        expect_everything(i);
        ASSERT_TRUE(run_until([&] { return !copy_directory(i).empty(); }));
        EXPECT_NE(copy_directory(i), before) << "the copy was not built anew";
        for (int n = 0; n < 12; ++n) {
            put(i, n);
        }
    }
}

TEST_P(UnsyncedCluster, AKilledProcessAndACleanEndKeepTheirCopies) {
    fill();
    for (std::size_t i = 0; i < kNodes; ++i) {
        const std::string before = copy_directory(i);
        machines[i]->stop();
        ASSERT_TRUE(machines[i]->boot().ok());
        ASSERT_TRUE(run_until([&] { return all_serve() && in_sync(i) == kNodes; }));
        EXPECT_EQ(copy_directory(i), before) << "killed";
        machines[i]->stop_cleanly();
        machines[i]->fs().crash(io::CrashKind::kPower);
        machines[i]->fs().restart();
        ASSERT_TRUE(machines[i]->boot().ok());
        ASSERT_TRUE(run_until([&] { return all_serve() && in_sync(i) == kNodes; }));
        EXPECT_EQ(copy_directory(i), before) << "ended";
        expect_everything(i);
    }
}

TEST_P(UnsyncedCluster, TheRunThatFindsAPowerCutMayBeKilledBeforeItHasSaidSo) {
    fill();
    const std::string before = copy_directory(1);
    machines[1]->fs().crash(io::CrashKind::kPower);
    machines[1]->stop();
    ASSERT_TRUE(machines[1]->boot().ok());
    machines[1]->stop();
    ASSERT_TRUE(machines[1]->boot().ok());
    ASSERT_TRUE(run_until([&] { return serves(1) && in_sync(1) == kNodes; }));
    expect_everything(1);
    ASSERT_TRUE(run_until([&] { return !copy_directory(1).empty(); }));
    EXPECT_NE(copy_directory(1), before);
}

INSTANTIATE_TEST_SUITE_P(
    Seeds,
    UnsyncedCluster,
    testing::Range(std::uint64_t{1}, std::uint64_t{6})
);
INSTANTIATE_TEST_SUITE_P(Seeds, NodeCluster, testing::Range(std::uint64_t{1}, std::uint64_t{6}));

}  // namespace
}  // namespace kumo::node
