#include "io/sim/sim_fs.h"
#include "node/internal/machine_test.h"
#include "node/node.h"
#include "node/snapshot_head.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

// Snapshots: taken while a node works, and what begins from them.

namespace kumo::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Result<bool> take(Machine& machine, const std::string& directory) {
    return machine.await<bool>([&](auto reply) {
        machine.node().take_snapshot(directory, machine.loop(), reply);
    });
}

/// As an operator does it: whatever is there, file by file.
void copy_tree(io::Fs& from, const std::string& path, io::Fs& to, const std::string& target) {
    ASSERT_TRUE(io::make_directories(to, target).ok());
    const auto entries = from.list(path);
    ASSERT_TRUE(entries.ok());
    for (const io::DirEntry& entry : entries.value()) {
        const std::string source = io::join_path(path, entry.name);
        const std::string copy = io::join_path(target, entry.name);
        if (entry.is_directory) {
            copy_tree(from, source, to, copy);
            continue;
        }
        const auto bytes = io::read_file(from, source, 1U << 30U);
        ASSERT_TRUE(bytes.ok());
        const auto file = to.open(copy, io::OpenMode::kCreate);
        ASSERT_TRUE(file.ok());
        ASSERT_TRUE(file.value()->write(0, bytes.value()).ok());
        ASSERT_TRUE(file.value()->sync().ok());
    }
    ASSERT_TRUE(to.sync_dir(target).ok());
}

class SnapshotTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(machine.start().ok());
        ASSERT_TRUE(machine.create(numbered("a")).ok());
        ASSERT_TRUE(machine.create(numbered("empty")).ok());
    }

    void put(int from, int to) {
        for (int n = from; n < to; ++n) {
            ASSERT_TRUE(machine.put("a", document("d" + std::to_string(n), n)).ok());
        }
    }

    Machine machine{1};
};

TEST_F(SnapshotTest, WhatBeginsFromItHasEverythingOfBefore) {
    KeyRecord key;
    key.description = "search";
    key.digest = std::string(32, 'x');
    const auto made = machine.await<KeyRecord>([&](auto reply) {
        machine.node().create_key(key, machine.loop(), reply);
    });
    ASSERT_TRUE(made.ok());
    put(0, 70);
    const auto before = machine.documents("a");
    ASSERT_TRUE(take(machine, "/backup/monday/").ok());
    put(70, 90);

    Machine restored(2);
    copy_tree(machine.fs(), "/backup/monday", restored.fs(), "/data");
    ASSERT_TRUE(restored.start().ok());
    EXPECT_EQ(restored.documents("a"), before);
    EXPECT_EQ(restored.node().collections().size(), 2U);
    ASSERT_EQ(restored.node().keys()->size(), 1U);
    EXPECT_EQ(restored.node().keys()->front().id, made.value().id);
    EXPECT_NE(restored.node().cluster().id, machine.node().cluster().id);

    // From then on it is a data directory like any other.
    ASSERT_TRUE(restored.put("a", document("new", 1)).ok());
    ASSERT_TRUE(restored.put("empty", document("new", 1)).ok());
    restored.stop();
    ASSERT_TRUE(restored.start().ok());
    EXPECT_EQ(restored.documents("a").size(), before.size() + 1);
    EXPECT_EQ(restored.documents("empty").size(), 1U);
    EXPECT_FALSE(io::exists(restored.fs(), snapshot_head_path("/data")).value());
}

TEST_F(SnapshotTest, HasAllShardsOfACollection) {
    CollectionSpec spec = numbered("many");
    spec.num_shards = 5;
    ASSERT_TRUE(machine.create(spec).ok());
    for (int n = 0; n < 50; ++n) {
        ASSERT_TRUE(machine.put("many", document("d" + std::to_string(n), n)).ok());
    }
    const auto before = machine.documents("many");
    ASSERT_EQ(before.size(), 50U);
    ASSERT_TRUE(take(machine, "/backup").ok());
    Machine restored(2);
    copy_tree(machine.fs(), "/backup", restored.fs(), "/data");
    ASSERT_TRUE(restored.start().ok());
    EXPECT_EQ(restored.documents("many"), before);
    EXPECT_EQ(restored.get("many", "d7").value(), document("d7", 7));
    EXPECT_EQ(restored.node().cluster().shards.size(), 7U);
    ASSERT_TRUE(restored.put("many", R"({"n":1,"t":"an id is assigned"})").ok());
    EXPECT_EQ(restored.documents("many").size(), 51U);
}

TEST_F(SnapshotTest, AStartFromItMayBeCutShortAnywhere) {
    put(0, 40);
    const auto before = machine.documents("a");
    ASSERT_TRUE(take(machine, "/backup").ok());
    for (std::uint64_t point = 1; point < 400; ++point) {
        Machine restored(point);
        copy_tree(machine.fs(), "/backup", restored.fs(), "/data");
        restored.fs().crash_at(restored.fs().operations() + point, io::CrashPoint::kTorn);
        const bool served = restored.start().ok();
        if (!restored.fs().crashed()) {
            ASSERT_TRUE(served);
            ASSERT_GT(point, 10U);
            return;
        }
        restored.stop();
        const Status again = restored.start();
        ASSERT_TRUE(again.ok()) << "after " << point << ": " << again.error().message;
        ASSERT_EQ(restored.documents("a"), before) << "after " << point;
    }
    FAIL() << "it was never through";
}

TEST_F(SnapshotTest, ADirectoryThatCannotBeUsedIsNamed) {
    put(0, 3);
    ASSERT_TRUE(take(machine, "/backup").ok());
    for (const std::string directory : {"/backup", "/data", "/data/x", "/"}) {
        const auto taken = take(machine, directory);
        ASSERT_FALSE(taken.ok()) << directory;
        EXPECT_EQ(taken.error().code, ErrorCode::kInvalidArgument) << directory;
    }
    ASSERT_TRUE(take(machine, "/backup2").ok()) << "one that failed is over";
}

TEST_F(SnapshotTest, WithoutADirectoryTheLogIsEmptied) {
    put(0, 3);
    ASSERT_TRUE(take(machine, "").ok());
    machine.stop();
    ASSERT_TRUE(machine.start().ok());
    EXPECT_EQ(machine.documents("a").size(), 3U);
}

TEST_F(SnapshotTest, OneAtATime) {
    std::vector<Result<bool>> answers;
    for (const std::string directory : {"/one", "/two"}) {
        machine.node().take_snapshot(directory, machine.loop(), [&](Result<bool> taken) {
            answers.push_back(std::move(taken));
        });
    }
    while (answers.size() < 2 && machine.world().step()) {
    }
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].error().code, ErrorCode::kConflict);
    EXPECT_TRUE(answers[1].ok());
}

TEST_F(SnapshotTest, ADiskThatFillsUpLeavesNothingBehind) {
    put(0, 70);
    ASSERT_TRUE(take(machine, "").ok());
    machine.fs().set_free_bytes(3000);
    const auto taken = take(machine, "/backup");
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().code, ErrorCode::kResourceExhausted) << taken.error().message;
    EXPECT_TRUE(machine.fs().list("/backup").value().empty());
}

TEST_F(SnapshotTest, WhatIsNotCompleteIsNotServed) {
    Machine other(2);
    ASSERT_TRUE(io::make_directories(other.fs(), "/data").ok());
    ASSERT_TRUE(write_snapshot_head(other.fs(), "/data", {}).ok());
    const Status started = other.start();
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().code, ErrorCode::kCorruption);
}

TEST_F(SnapshotTest, ADirectoryInUseIsNotOverwritten) {
    put(0, 3);
    ASSERT_TRUE(take(machine, "/backup").ok());
    Machine other(2);
    ASSERT_TRUE(other.start().ok());
    other.stop();
    copy_tree(machine.fs(), "/backup", other.fs(), "/data");
    const Status started = other.start();
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().code, ErrorCode::kConflict) << started.error().message;
}

TEST(SnapshotCluster, AnyNodeTakesItAndThreeBeginFromIt) {
    Site site(5);
    std::vector<std::unique_ptr<Machine>> machines;
    for (std::size_t i = 0; i < 3; ++i) {
        machines.push_back(std::make_unique<Machine>(site, cluster_host(i), cluster_options(i)));
        machines.back()->write_nodes_file({0, 1, 2});
        ASSERT_TRUE(machines.back()->boot().ok());
    }
    for (const auto& machine : machines) {
        ASSERT_TRUE(machine->wait_until_it_serves().ok());
    }
    ASSERT_TRUE(machines[0]->create(numbered("a")).ok());
    std::map<std::string, std::string> all;
    for (int n = 0; n < 50; ++n) {
        const std::string id = "d" + std::to_string(n);
        all[id] = document(id, n);
        ASSERT_TRUE(machines[static_cast<std::size_t>(n) % 3]->put("a", all[id]).ok());
    }
    ASSERT_TRUE(take(*machines[2], "/backup").ok());

    Site other_site(6);
    std::vector<std::unique_ptr<Machine>> restored;
    for (std::size_t i = 0; i < 3; ++i) {
        restored.push_back(
            std::make_unique<Machine>(other_site, cluster_host(i), cluster_options(i))
        );
        restored.back()->write_nodes_file({0, 1, 2});
    }
    copy_tree(machines[2]->fs(), "/backup", restored[1]->fs(), "/data");
    ASSERT_TRUE(restored[1]->start().ok());
    ASSERT_TRUE(restored[0]->start().ok());
    ASSERT_TRUE(restored[2]->start().ok());
    for (const auto& machine : restored) {
        EXPECT_TRUE(machine->documents("a") == all);
    }
}

}  // namespace
}  // namespace kumo::node
