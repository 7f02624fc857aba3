#include "node/internal/node_cluster_test.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

// Machines that are replaced, files that are damaged or gone, power that is cut without fsync.

namespace kumo::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class NodeDamage : public NodeCluster {
protected:
    /// Two vote, one has the data: it is damaged by `damage` while it is down; the others are up.
    void damage_last_in_sync(const std::function<void(std::size_t node)>& damage) {
        create();
        put(0, 0);
        last_ = *primary(0);
        other_ = (last_ + 1) % kNodes;
        const std::size_t third = (last_ + 2) % kNodes;
        machines[third]->stop();
        ASSERT_TRUE(run_until([&] { return in_sync(last_) == 2; }));
        machines[other_]->loop().pause();
        for (int n = 1; n < 12; ++n) {
            put(last_, n);
        }
        ASSERT_EQ(in_sync(last_), 1U);
        machines[last_]->stop();
        damage(last_);
        machines[other_]->loop().resume();
        ASSERT_TRUE(machines[third]->boot().ok());
    }

    std::size_t last_ = 0;
    std::size_t other_ = 0;  ///< One of those that are up.
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

// ---- machines that are replaced

TEST_P(NodeDamage, AReplacedMachineIsSentEverythingAtItsOldAddress) {
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

TEST_P(NodeDamage, ADamagedLogIsSetAsideAndItsCopiesAreBuiltAnew) {
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

TEST_P(NodeDamage, ALogThatWasRemovedIsMissed) {
    create();
    for (int n = 0; n < 5; ++n) {
        put(0, n);
    }
    const std::size_t bad = GetParam() % kNodes;
    machines[bad]->stop();
    ASSERT_TRUE(io::remove_tree(machines[bad]->fs(), "/data/wal").ok());
    expect_built_anew(bad);
}

TEST_P(NodeDamage, TheLastInSyncWithADamagedLogThrowsNothingAway) {
    damage_last_in_sync([this](std::size_t i) { damage_log(i); });
    for (int round = 0; round < 2; ++round) {
        const Status started = machines[last_]->start();
        ASSERT_FALSE(started.ok());
        EXPECT_EQ(started.error().code, ErrorCode::kCorruption) << started.error().message;
        EXPECT_NE(started.error().message.find("/data/wal/wal-"), std::string::npos);
        EXPECT_NE(started.error().message.find("/data/wal.damaged-1"), std::string::npos);
        site.world.run_for(seconds(20));
        EXPECT_EQ(in_sync(other_), 1U);
        EXPECT_FALSE(machines[other_]->put("a", document("d1", 7)).ok());
        EXPECT_TRUE(has_file(last_, "/wal.damaged-1/wal-"));
        EXPECT_TRUE(has_file(last_, "/collections/"));
        machines[last_]->stop();
    }
}

// ---- control planes that are damaged

TEST_P(NodeDamage, ANodeWithADamagedControlPlaneIsSentEverything) {
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

TEST_P(NodeDamage, TheLastInSyncWithADamagedControlPlaneThrowsNothingAway) {
    damage_last_in_sync([this](std::size_t i) {
        machines[i]->fs().flip_bit("/data/control/hard_state", 20, 3);
    });
    for (int round = 0; round < 2; ++round) {
        ASSERT_TRUE(machines[last_]->boot().ok());
        ASSERT_TRUE(run_until([&] {
            return machines[other_]->node().cluster().members.size() == kNodes
                   && machines[last_]->node().cluster().members.size() == kNodes;
        }));
        site.world.run_for(seconds(20));
        EXPECT_FALSE(serves(last_));
        EXPECT_FALSE(machines[other_]->put("a", document("d1", 7)).ok());
        EXPECT_EQ(count_copies(last_), 1U) << "whatever it is good for";
        machines[last_]->stop();
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

INSTANTIATE_TEST_SUITE_P(Seeds, NodeDamage, testing::Range(std::uint64_t{1}, std::uint64_t{6}));
INSTANTIATE_TEST_SUITE_P(
    Seeds,
    UnsyncedCluster,
    testing::Range(std::uint64_t{1}, std::uint64_t{6})
);

}  // namespace
}  // namespace kumo::node
