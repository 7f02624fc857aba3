#include "node/internal/machine_test.h"
#include "node/node.h"
#include "node/split_write.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

// Collections of several shards.

namespace kumo::node {
namespace {

using search::WriteAction;
using std::chrono::milliseconds;
using std::chrono::seconds;

CollectionSpec sharded(std::string name, std::uint32_t shards) {
    CollectionSpec spec = numbered(std::move(name));
    spec.num_shards = shards;
    return spec;
}

std::string id_of(int n) {
    return "d" + std::to_string(n);
}

search::SearchRequest asking(const std::string& q) {
    search::SearchRequest request;
    request.q = q;
    request.fields.push_back({.field = 1});
    request.limit = 250;
    return request;
}

class NodeShards : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(machine.start().ok());
        ASSERT_TRUE(machine.create(sharded("a", 5)).ok());
    }

    void restart() {
        machine.stop();
        const Status started = machine.start();
        ASSERT_TRUE(started.ok()) << started.error().message;
    }

    std::vector<std::string> lines(int first, int last) {
        std::vector<std::string> out;
        for (int n = first; n <= last; ++n) {
            out.push_back(document(id_of(n), n));
        }
        return out;
    }

    std::uint64_t found(const std::string& q) {
        const auto result = machine.await<search::SearchResult>([&](auto reply) {
            machine.node().search("a", asking(q), machine.loop(), reply);
        });
        return result.ok() ? result.value().found : 0;
    }

    std::uint64_t count() { return machine.node().collection("a").value().num_documents; }

    Machine machine{1};
};

TEST_F(NodeShards, AnswersAnImportInTheOrderOfItsLines) {
    std::vector<std::string> documents = lines(0, 99);
    documents.insert(documents.begin() + 40, "{");
    documents.push_back(document("d7", 7));
    const auto written = machine.write("a", batch(WriteAction::kCreate, documents));
    ASSERT_TRUE(written.ok());
    ASSERT_EQ(written.value().size(), 102U);
    for (std::size_t i = 0; i < 101; ++i) {
        const auto& line = written.value()[i];
        if (i == 40) {
            EXPECT_EQ(line.error().code, ErrorCode::kInvalidArgument);
        } else {
            EXPECT_EQ(line.value().id, id_of(static_cast<int>(i < 40 ? i : i - 1)));
        }
    }
    EXPECT_EQ(written.value()[101].error().code, ErrorCode::kAlreadyExists);
    EXPECT_EQ(count(), 100U);
    EXPECT_EQ(found("*"), 100U);
    EXPECT_EQ(machine.documents("a").size(), 100U);
    const auto shards = machine.node().cluster().shards;
    EXPECT_EQ(shards.size(), 5U);
    for (const auto& shard : shards) {
        EXPECT_EQ(shard.collection, "a");
    }
}

TEST_F(NodeShards, LinesWithTheSameIdStayInOrder) {
    const auto written = machine.write(
        "a",
        batch(WriteAction::kUpsert, {document("x", 1), document("y", 2), document("x", 3)})
    );
    ASSERT_TRUE(written.ok());
    EXPECT_TRUE(written.value()[0].value().created);
    EXPECT_FALSE(written.value()[2].value().created);
    EXPECT_EQ(machine.get("a", "x").value(), document("x", 3));
}

TEST_F(NodeShards, AssignsIdsThatFindTheirDocument) {
    std::set<std::string> ids;
    for (int round = 0; round < 3; ++round) {
        const auto written = machine.write(
            "a",
            batch(WriteAction::kCreate, std::vector<std::string>(20, R"({"n":1,"t":"no id"})"))
        );
        ASSERT_TRUE(written.ok());
        for (const auto& each : written.value()) {
            ASSERT_TRUE(each.ok()) << each.error().message;
            ids.insert(each.value().id);
            EXPECT_EQ(machine.get("a", each.value().id).value(), each.value().document);
        }
        restart();
    }
    EXPECT_EQ(ids.size(), 60U);
    EXPECT_EQ(count(), 60U);
}

TEST_F(NodeShards, ChangesDocumentsByIdAndByQuery) {
    ASSERT_TRUE(machine.write("a", batch(WriteAction::kCreate, lines(0, 59))).ok());
    EXPECT_EQ(machine.erase("a", "d11").value(), document("d11", 11));
    EXPECT_EQ(machine.erase("a", "d11").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(machine.get("a", "d11").error().code, ErrorCode::kNotFound);
    const auto updated = machine.await<std::uint64_t>([&](auto reply) {
        machine.node().update_matching("a", {}, R"({"t":"new"})", {}, machine.loop(), reply);
    });
    EXPECT_EQ(updated.value(), 59U);
    EXPECT_EQ(found("new"), 59U);
    EXPECT_EQ(machine.get("a", "d12").value(), document("d12", 12, "new"));
    search::Filter low;
    low.kind = search::Filter::Kind::kRange;
    low.field = 0;
    low.ranges = {{0, 29}};
    const auto erased = machine.await<std::uint64_t>([&](auto reply) {
        machine.node().erase_matching("a", low, machine.loop(), reply);
    });
    EXPECT_EQ(erased.value(), 29U);
    EXPECT_EQ(count(), 30U);
    restart();
    EXPECT_EQ(count(), 30U);
    const auto truncated = machine.await<std::uint64_t>([&](auto reply) {
        machine.node().truncate("a", machine.loop(), reply);
    });
    EXPECT_EQ(truncated.value(), 30U);
    EXPECT_EQ(count(), 0U);
}

TEST_F(NodeShards, DropsAllShards) {
    ASSERT_TRUE(machine.write("a", batch(WriteAction::kCreate, lines(0, 59))).ok());
    const auto dropped = machine.drop("a");
    ASSERT_TRUE(dropped.ok());
    EXPECT_EQ(dropped.value().num_documents, 60U);
    EXPECT_EQ(dropped.value().spec.num_shards, 5U);
    EXPECT_TRUE(machine.node().cluster().shards.empty());
    machine.stop_cleanly();
    ASSERT_TRUE(machine.start().ok());
    for (const std::string& file : machine.files()) {
        EXPECT_EQ(file.find(".kseg"), std::string::npos) << file;
    }
    EXPECT_EQ(machine.get("a", "d1").error().code, ErrorCode::kNotFound);
}

TEST_F(NodeShards, NumberOfShardsHasALimit) {
    EXPECT_EQ(machine.create(sharded("b", 0)).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(machine.create(sharded("b", 65)).error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(machine.create(sharded("b", 64)).ok());
    EXPECT_EQ(machine.node().cluster().shards.size(), 69U);
}

TEST(SplitWrite, LinesOfAShardThatFailedHaveItsError) {
    WriteBatch all = batch(WriteAction::kCreate, {});
    for (int n = 0; n < 20; ++n) {
        all.documents.push_back(document(id_of(n), n));
    }
    std::optional<Result<SplitWrite::Answers>> answers;
    SplitWrite split(all, 2, 0, [&](Result<SplitWrite::Answers> got) {
        answers.emplace(std::move(got));
    });
    ASSERT_EQ(split.size(), 2U);
    split.answer(1, Error{ErrorCode::kUnavailable, "away"});
    EXPECT_FALSE(answers.has_value());
    Outcome outcome;
    for (int n = 0; n < 20; ++n) {
        if (search::partition_of(id_of(n), 2) == split.shard(0)) {
            outcome.written.push_back(search::Written{id_of(n), document(id_of(n), n), true});
        }
    }
    split.answer(0, std::move(outcome));
    ASSERT_TRUE(answers.has_value() && answers->ok());
    for (int n = 0; n < 20; ++n) {
        const auto& line = answers->value()[static_cast<std::size_t>(n)];
        if (search::partition_of(id_of(n), 2) == split.shard(0)) {
            EXPECT_EQ(line.value().id, id_of(n));
        } else {
            EXPECT_EQ(line.error().message, "away");
        }
    }
}

TEST(SplitWrite, FailsAsAWholeIfNoShardTookIt) {
    std::optional<Result<SplitWrite::Answers>> answers;
    SplitWrite split(
        batch(WriteAction::kCreate, {R"({"n":1})", R"({"n":2})"}),
        3,
        2,
        [&](Result<SplitWrite::Answers> got) { answers.emplace(std::move(got)); }
    );
    ASSERT_EQ(split.size(), 2U);
    EXPECT_EQ(split.shard(0), 0U);
    EXPECT_EQ(split.shard(1), 2U);
    split.answer(0, Error{ErrorCode::kUnavailable, "first"});
    split.answer(1, Error{ErrorCode::kUnavailable, "second"});
    ASSERT_TRUE(answers.has_value());
    EXPECT_EQ(answers->error().message, "first");
}

TEST(SplitWrite, ARefusalOfOneShardIsNoneOfAnother) {
    std::optional<Result<SplitWrite::Answers>> answers;
    SplitWrite split(
        batch(WriteAction::kCreate, {R"({"n":1})", R"({"n":2})", R"({"n":3})"}),
        3,
        0,
        [&](Result<SplitWrite::Answers> got) { answers.emplace(std::move(got)); }
    );
    split.answer(0, Error{ErrorCode::kResourceExhausted, "full"});
    split.answer(1, Error{ErrorCode::kUnavailable, "not known"});
    split.answer(2, Outcome{});  // One line was sent, none is answered.
    ASSERT_TRUE(answers.has_value() && answers->ok());
    EXPECT_EQ(answers->value()[0].error().code, ErrorCode::kResourceExhausted);
    EXPECT_EQ(answers->value()[1].error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(answers->value()[2].error().code, ErrorCode::kCorruption);
}

constexpr std::size_t kNodes = 3;

class NodeShardsCluster : public testing::TestWithParam<std::uint64_t> {
protected:
    void SetUp() override {
        for (std::size_t i = 0; i < kNodes; ++i) {
            NodeOptions options = small_options();
            options.log_tail_bytes_max = 4000;
            machines[i] =
                std::make_unique<Machine>(site, cluster_host(i), cluster_options(i, options));
            machines[i]->write_nodes_file({0, 1, 2});
            ASSERT_TRUE(machines[i]->boot().ok());
        }
        ASSERT_TRUE(run_until([this] { return serves(0) && serves(1) && serves(2); }));
        ASSERT_TRUE(machines[0]->create(sharded("a", 4)).ok());
        ASSERT_TRUE(run_until([this] {
            return machines[1]->node().snapshot("a").ok() && machines[2]->node().snapshot("a").ok();
        }));
    }

    bool serves(std::size_t i) { return machines[i]->running() && machines[i]->node().health().ok; }

    bool run_until(const std::function<bool()>& condition) {
        const MonotonicTime end = site.world.clock().monotonic_now() + seconds(60);
        while (!condition() && site.world.clock().monotonic_now() < end) {
            site.world.run_for(milliseconds(10));
        }
        return condition();
    }

    void import(std::size_t node, int first, int last) {
        std::vector<std::string> lines;
        for (int n = first; n <= last; ++n) {
            lines.push_back(document(id_of(n), n));
            acknowledged[id_of(n)] = lines.back();
        }
        const auto written = machines[node]->write("a", batch(WriteAction::kUpsert, lines));
        ASSERT_TRUE(written.ok()) << written.error().message;
        for (const auto& line : written.value()) {
            ASSERT_TRUE(line.ok()) << line.error().message;
        }
    }

    void expect_everything(std::size_t i) {
        EXPECT_TRUE(run_until([&] {
            return serves(i) && machines[i]->node().snapshot("a").ok()
                   && machines[i]->documents("a") == acknowledged;
        })) << "node "
            << i;
    }

    Site site{GetParam()};
    std::array<std::unique_ptr<Machine>, kNodes> machines;
    std::map<std::string, std::string> acknowledged;
};

TEST_P(NodeShardsCluster, ShardsAreLedBySeveralNodesAndAnyNodeTakesAnything) {
    std::set<std::string> primaries;
    for (const auto& shard : machines[1]->node().cluster().shards) {
        for (const auto& copy : shard.copies) {
            if (copy.primary) {
                primaries.insert(copy.node);
            }
        }
    }
    EXPECT_EQ(primaries.size(), kNodes);
    for (std::size_t i = 0; i < kNodes; ++i) {
        const int first = static_cast<int>(i) * 50;
        import(i, first, first + 49);
        // The one that wrote shows it at once, and single documents are up to date everywhere.
        EXPECT_EQ(machines[i]->documents("a"), acknowledged);
        const std::string id = id_of(first + 17);
        EXPECT_EQ(machines[(i + 1) % kNodes]->get("a", id).value(), acknowledged[id]);
    }
    const auto changed = machines[2]->await<std::uint64_t>([&](auto reply) {
        machines[2]->node().erase_matching("a", {}, machines[2]->loop(), reply);
    });
    ASSERT_TRUE(changed.ok()) << changed.error().message;
    EXPECT_EQ(changed.value(), 150U);
    acknowledged.clear();
    for (std::size_t i = 0; i < kNodes; ++i) {
        expect_everything(i);
    }
}

TEST_P(NodeShardsCluster, EveryShardGoesOnWithoutANodeAndComesBack) {
    import(0, 0, 99);
    for (std::size_t dead = 0; dead < kNodes; ++dead) {
        machines[dead]->stop();
        const std::size_t other = (dead + 1) % kNodes;
        const int first = 100 + static_cast<int>(dead) * 200;
        for (int n = first; n < first + 200; n += 20) {
            import(other, n, n + 19);
        }
        expect_everything(other);
        ASSERT_TRUE(machines[dead]->boot().ok());
        ASSERT_TRUE(run_until([&] {
            const auto shards = machines[other]->node().cluster().shards;
            return serves(dead) && std::all_of(shards.begin(), shards.end(), [](const auto& shard) {
                       return std::all_of(
                           shard.copies.begin(),
                           shard.copies.end(),
                           [](const auto& copy) { return copy.in_sync; }
                       );
                   });
        }));
        expect_everything(dead);
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, NodeShardsCluster, testing::Values(1, 2, 3));

}  // namespace
}  // namespace kumo::node
