#include "node/internal/node_cluster_test.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

// When a write is acknowledged, and what may then be lost.

namespace kumo::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class NodeModes : public NodeCluster {};

// ---- how many copies a write waits for

TEST_P(NodeModes, AMajorityGoesOnWithoutItsPrimaryAndLosesNothing) {
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

TEST_P(NodeModes, AMemberOfAMajorityThatLostItsLogIsRefilled) {
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

TEST_P(NodeModes, AnAsyncCollectionGoesOnWithoutItsPrimary) {
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

TEST_P(NodeModes, WritesWaitForTheCopiesTheyNeed) {
    CollectionSpec spec = numbered("a");
    spec.min_in_sync = kNodes;
    ASSERT_TRUE(machines[0]->create(spec).ok());
    refresh(1);
    refresh(2);
    put(0, 1);
    const std::size_t leads = *primary(0);
    const std::size_t away = (leads + 1) % kNodes;
    const std::size_t other = (away + 1) % kNodes;
    machines[away]->stop();
    // Who leads has to know of it, too: what it takes before waits for the copy.
    ASSERT_TRUE(run_until([&] {
        return in_sync(other) == kNodes - 1 && in_sync(leads) == kNodes - 1;
    }));
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

INSTANTIATE_TEST_SUITE_P(Seeds, NodeModes, testing::Range(std::uint64_t{1}, std::uint64_t{6}));

}  // namespace
}  // namespace kumo::node
