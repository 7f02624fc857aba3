#include "node/internal/node_cluster_test.h"

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

TEST_P(NodeCluster, WhoeverDoesNotComeBackAfterAnOutageIsNotMissed) {
    for (std::size_t gone = 0; gone < kNodes; ++gone) {
        create();
        for (int n = 0; n < 5; ++n) {
            put(n % kNodes, n);
        }
        for (auto& machine : machines) {
            machine->stop();
        }
        const std::size_t one = (gone + 1) % kNodes;
        const std::size_t other = (gone + 2) % kNodes;
        ASSERT_TRUE(machines[one]->boot().ok());
        ASSERT_TRUE(machines[other]->boot().ok());
        expect_everything(one);
        expect_everything(other);
        put(one, 6);
        put(other, 7);
        ASSERT_TRUE(machines[gone]->start().ok());
        expect_everything(gone);
        ASSERT_TRUE(machines[0]->drop("a").ok());
        acknowledged.clear();
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

INSTANTIATE_TEST_SUITE_P(Seeds, NodeCluster, testing::Range(std::uint64_t{1}, std::uint64_t{6}));

}  // namespace
}  // namespace kumo::node
