#include "node/node.h"

#include "node/internal/machine_test.h"
#include "search/query/search.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kumo::node {
namespace {

using search::WriteAction;

constexpr auto kLong = std::chrono::seconds(30);

class NodeTest : public testing::Test {
protected:
    void SetUp() override {
        const Status started = machine.start();
        ASSERT_TRUE(started.ok()) << started.error().message;
    }

    void restart() {
        machine.stop();
        const Status started = machine.start();
        ASSERT_TRUE(started.ok()) << started.error().message;
    }

    Result<search::SearchResult> search(const std::string& name, const std::string& q) {
        search::SearchRequest request;
        request.q = q;
        request.fields.push_back({.field = 1});
        return machine.await<search::SearchResult>([&](auto reply) {
            machine.node().search(name, request, machine.loop(), reply);
        });
    }

    std::size_t count_files(std::string_view part) {
        const auto files = machine.files();
        return static_cast<std::size_t>(std::count_if(
            files.begin(),
            files.end(),
            [part](const std::string& file) { return file.find(part) != std::string::npos; }
        ));
    }

    void fill(const std::string& name, int first, int last) {
        for (int n = first; n <= last; ++n) {
            ASSERT_TRUE(machine.put(name, document("d" + std::to_string(n), n)).ok());
        }
    }

    Machine machine{1};
};

TEST_F(NodeTest, CreatesListsAndDropsCollections) {
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    const auto b = machine.create(numbered("b"));
    ASSERT_TRUE(b.ok());
    EXPECT_GT(b.value().spec.created_at, 0);
    EXPECT_EQ(machine.create(numbered("a")).error().code, ErrorCode::kAlreadyExists);
    EXPECT_EQ(machine.create({}).error().code, ErrorCode::kInvalidArgument);
    ASSERT_EQ(machine.node().collections().size(), 2U);
    EXPECT_EQ(machine.node().collections()[0].spec.name, "b") << "newest first";
    fill("a", 1, 3);
    EXPECT_EQ(machine.node().collection("a").value().num_documents, 3U);
    EXPECT_EQ(machine.drop("a").value().num_documents, 3U);
    EXPECT_EQ(machine.node().collection("a").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(machine.drop("a").error().code, ErrorCode::kNotFound);
    restart();
    EXPECT_EQ(machine.node().collections().size(), 1U);
}

TEST_F(NodeTest, KeepsKeysAndTheirNumbers) {
    const auto create = [this](const std::string& digest) {
        KeyRecord key;
        key.digest = digest;
        key.actions = {"documents:search"};
        return machine.await<KeyRecord>([&](auto reply) {
            machine.node().create_key(key, machine.loop(), reply);
        });
    };
    EXPECT_EQ(create("x").value().id, 0U);
    EXPECT_EQ(create("y").value().id, 1U);
    EXPECT_EQ(create("x").error().code, ErrorCode::kAlreadyExists);
    const auto deleted = machine.await<KeyRecord>([&](auto reply) {
        machine.node().delete_key(1, machine.loop(), reply);
    });
    EXPECT_EQ(deleted.value().digest, "y");
    restart();
    ASSERT_EQ(machine.node().keys()->size(), 1U);
    EXPECT_EQ(machine.node().keys()->at(0).digest, "x");
    EXPECT_EQ(create("z").value().id, 2U) << "a number is never used again";
}

TEST_F(NodeTest, AnswersADocumentWriteOneByOne) {
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    const auto written = machine.write(
        "a",
        batch(WriteAction::kCreate, {document("1", 1), "{", document("1", 2), document("2", 2)})
    );
    ASSERT_TRUE(written.ok());
    ASSERT_EQ(written.value().size(), 4U);
    EXPECT_EQ(written.value()[0].value().id, "1");
    EXPECT_EQ(written.value()[1].error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(written.value()[2].error().code, ErrorCode::kAlreadyExists);
    EXPECT_TRUE(written.value()[3].ok());
    EXPECT_EQ(machine.get("a", "2").value(), document("2", 2));
    EXPECT_EQ(machine.get("a", "3").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(machine.put("b", document("1", 1)).error().code, ErrorCode::kNotFound);
}

TEST_F(NodeTest, AWriteIsSearchableWhenItIsAnswered) {
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    ASSERT_TRUE(machine.put("a", document("1", 1, "white whale")).ok());
    const auto result = search("a", "whale");
    ASSERT_TRUE(result.ok()) << result.error().message;
    ASSERT_EQ(result.value().found, 1U);
    EXPECT_EQ(result.value().hits[0].document, document("1", 1, "white whale"));
    EXPECT_EQ(search("b", "whale").error().code, ErrorCode::kNotFound);
}

TEST_F(NodeTest, EverythingIsThereAfterAKill) {
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    fill("a", 1, 50);
    EXPECT_TRUE(machine.erase("a", "d7").ok());
    EXPECT_EQ(machine.erase("a", "d7").error().code, ErrorCode::kNotFound);
    const auto before = machine.documents("a");
    EXPECT_EQ(before.size(), 49U);
    restart();
    EXPECT_EQ(machine.documents("a"), before);
    fill("a", 51, 52);
    EXPECT_EQ(machine.documents("a").size(), 51U);
    EXPECT_EQ(search("a", "text").value().found, 51U);
}

TEST_F(NodeTest, SealsMergesAndForgetsTheLog) {
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    fill("a", 1, 100);
    machine.world().run_for(kLong);
    const std::size_t segments = count_files(".kseg");
    EXPECT_GT(segments, 0U);
    EXPECT_LT(segments, 100U / 8) << "merged ones are removed";
    const auto before = machine.documents("a");
    EXPECT_EQ(before.size(), 100U);
    restart();
    EXPECT_EQ(machine.documents("a"), before);
    EXPECT_EQ(machine.node().snapshot("a").value()->parts.size(), segments) << "nothing replayed";
}

TEST_F(NodeTest, DeletesAloneAreSettledToo) {
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    fill("a", 1, 20);
    machine.world().run_for(kLong);
    for (int n = 1; n <= 5; ++n) {
        ASSERT_TRUE(machine.erase("a", "d" + std::to_string(n)).ok());
    }
    const auto before = machine.documents("a");
    machine.stop_cleanly();
    // With the log gone, the manifest has to know the deletes.
    ASSERT_TRUE(io::remove_tree(machine.fs(), "/data/wal").ok());
    ASSERT_TRUE(machine.fs().unlink("/data/wal_id").ok());
    ASSERT_TRUE(machine.start().ok());
    EXPECT_EQ(machine.documents("a"), before);
}

TEST_F(NodeTest, ShutDownStoresWhatIsLive) {
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    fill("a", 1, 3);
    const auto before = machine.documents("a");
    machine.stop_cleanly();
    EXPECT_EQ(count_files(".kseg"), 1U);
    ASSERT_TRUE(machine.start().ok());
    EXPECT_EQ(machine.documents("a"), before);
}

TEST_F(NodeTest, RefusesWritesOnceItShutsDown) {
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    bool done = false;
    machine.node().shut_down(machine.loop(), [&done](Result<bool>) { done = true; });
    EXPECT_EQ(machine.put("a", document("1", 1)).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(machine.create(numbered("b")).error().code, ErrorCode::kUnavailable);
    machine.world().run_for(kLong);
    EXPECT_TRUE(done);
}

TEST_F(NodeTest, ErasesAndUpdatesWhatAFilterMatches) {
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    fill("a", 1, 30);
    const auto filter = search::Filter::of_ids({"d1", "d2", "d3", "nobody"});
    const auto updated = machine.await<std::uint64_t>([&](auto reply) {
        machine.node().update_matching(
            "a",
            filter,
            R"({"n":1000})",
            search::DirtyValues::kReject,
            machine.loop(),
            reply
        );
    });
    EXPECT_EQ(updated.value(), 3U);
    EXPECT_EQ(machine.get("a", "d2").value(), document("d2", 1000));
    const auto refused = machine.await<std::uint64_t>([&](auto reply) {
        machine.node().update_matching(
            "a",
            filter,
            R"({"n":"many"})",
            search::DirtyValues::kReject,
            machine.loop(),
            reply
        );
    });
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    const auto erased = machine.await<std::uint64_t>([&](auto reply) {
        machine.node().erase_matching("a", filter, machine.loop(), reply);
    });
    EXPECT_EQ(erased.value(), 3U);
    const auto truncated = machine.await<std::uint64_t>([&](auto reply) {
        machine.node().truncate("a", machine.loop(), reply);
    });
    EXPECT_EQ(truncated.value(), 27U);
    restart();
    EXPECT_TRUE(machine.documents("a").empty());
}

TEST_F(NodeTest, ADroppedCollectionLeavesNothing) {
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    fill("a", 1, 30);
    machine.world().run_for(kLong);
    const auto held = machine.node().snapshot("a").value();
    ASSERT_TRUE(machine.drop("a").ok());
    machine.world().run_for(kLong);
    EXPECT_EQ(count_files("/collections/"), 0U);
    EXPECT_EQ(search::fetch_document(*held, "d5").value(), document("d5", 5)) << "still readable";
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    EXPECT_TRUE(machine.documents("a").empty());
    restart();
    EXPECT_TRUE(machine.documents("a").empty());
}

TEST_F(NodeTest, BoundsABatch) {
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    const auto refused = machine.write(
        "a",
        batch(WriteAction::kCreate, std::vector<std::string>(kBatchDocumentsMax + 1))
    );
    EXPECT_EQ(refused.error().code, ErrorCode::kLimitExceeded);
}

TEST(NodeLimits, SaysOverloadedWhenTooMuchWaits) {
    NodeOptions options = small_options();
    options.queued_write_bytes_max = 100'000;
    Machine machine(1, options);
    ASSERT_TRUE(machine.start().ok());
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    std::map<ErrorCode, int> refused;
    int accepted = 0;
    for (int i = 0; i < 10; ++i) {
        // Not documents at all: what counts is what waits.
        machine.node().write(
            "a",
            batch(WriteAction::kCreate, {std::string(30'000, ' ')}),
            machine.loop(),
            [&](Result<std::vector<Result<search::Written>>> written) {
                written.ok() ? void(++accepted) : void(++refused[written.error().code]);
            }
        );
    }
    machine.world().run_for(kLong);
    EXPECT_GT(accepted, 1);
    EXPECT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[ErrorCode::kOverloaded], 10 - accepted);
    EXPECT_TRUE(machine.put("a", document("1", 1)).ok()) << "and then there is room again";
}

TEST_F(NodeTest, SameOperationsMakeSameDocuments) {
    Machine other{77};
    ASSERT_TRUE(other.start().ok());
    for (Machine* m : {&machine, &other}) {
        ASSERT_TRUE(m->create(numbered("a")).ok());
        for (int n = 0; n < 40; ++n) {
            // Without ids: they are given out by the index.
            const std::string json = R"({"n":)" + std::to_string(n) + R"(,"t":"x"})";
            ASSERT_TRUE(m->write("a", batch(WriteAction::kCreate, {json, "{}"})).ok());
            (void)m->erase("a", std::to_string(n - 3));
        }
    }
    EXPECT_EQ(machine.documents("a"), other.documents("a"));
    restart();
    EXPECT_EQ(machine.documents("a"), other.documents("a"));
}

TEST_F(NodeTest, OneProcessAtATime) {
    io::SimWorkerPool pool(machine.world(), {});
    const auto loop = machine.world().make_loop();
    io::SimNetwork network(machine.world());
    io::SimResolver resolver(machine.world());
    auto second = Node::open(
        small_options(),
        {machine.fs(), network, resolver, *loop, *loop, pool, pool, system_clock()}
    );
    EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace kumo::node
