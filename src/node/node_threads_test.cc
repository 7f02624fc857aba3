#include "base/assert.h"
#include "base/random.h"
#include "io/system.h"
#include "io/thread.h"
#include "node/internal/machine_test.h"
#include "node/node.h"
#include "search/query/search.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

// A node on the real file system, with real threads: writers, readers and searches at once, while
// segments are sealed and merged.

namespace kumo::node {
namespace {

using Answers = std::vector<Result<search::Written>>;

constexpr int kWriters = 2;
constexpr int kBatches = 30;
constexpr int kBatchDocuments = 10;

/// A directory that goes with the test.
class Directory {
public:
    ~Directory() { EXPECT_TRUE(io::remove_tree(*io::make_system_fs(), path_).ok()); }

    const std::string& path() const { return path_; }

private:
    const std::string path_ = testing::TempDir() + "node-" + std::to_string(random_seed());
};

/// A node whose loops have threads of their own, once it serves.
class Process {
public:
    explicit Process(const std::string& directory) {
        NodeOptions options = small_options();
        options.data_dir = directory;
        options.index_limits.live_docs_max = 50;
        options.index_limits.live_docs_hard_max = 100;
        auto opened = Node::open(
            options,
            {*fs_, *network_, *resolver_, *loop_, *control_loop_, *pool_, *pool_, system_clock()}
        );
        KUMO_ASSERT(opened.ok());
        node_ = std::move(opened).value();
        thread_ = std::make_unique<io::Thread>("data", [this] { loop_->run(); });
        control_thread_ = std::make_unique<io::Thread>("control", [this] { control_loop_->run(); });
        while (!node_->health().ok) {
            std::this_thread::yield();
        }
    }

    ~Process() {
        control_loop_->stop();
        control_thread_->join();
        loop_->stop();
        thread_->join();
        pool_->stop();
    }

    Node& node() { return *node_; }

    io::WorkerPool& pool() { return *pool_; }

private:
    std::unique_ptr<io::Fs> fs_ = io::make_system_fs();
    std::unique_ptr<io::Network> network_ = io::make_system_network();
    std::unique_ptr<io::Resolver> resolver_ = io::make_system_resolver();
    std::unique_ptr<io::Loop> loop_ = io::make_system_loop();
    std::unique_ptr<io::Loop> control_loop_ = io::make_system_loop();
    std::unique_ptr<io::WorkerPool> pool_ =
        io::make_system_worker_pool({.name = "worker", .threads = 3, .queue_jobs_max = 64});
    std::unique_ptr<Node> node_;
    std::unique_ptr<io::Thread> thread_;
    std::unique_ptr<io::Thread> control_thread_;
};

/// Runs a loop on the calling thread until `call` is answered.
template <typename T>
Result<T> await(io::Loop& loop, const std::function<void(Reply<T>)>& call) {
    std::optional<Result<T>> got;
    call([&](Result<T> result) {
        got.emplace(std::move(result));
        loop.stop();
    });
    loop.run();
    return std::move(*got);
}

std::string get(Node& node, io::Loop& loop, const std::string& id) {
    const auto got =
        await<std::string>(loop, [&](auto reply) { node.document("a", id, loop, reply); });
    return got.ok() ? got.value() : got.error().message;
}

void write_batches(Node& node, int writer) {
    const auto loop = io::make_system_loop();
    for (int b = 0; b < kBatches; ++b) {
        std::vector<std::string> documents;
        for (int i = 0; i < kBatchDocuments; ++i) {
            const std::string id =
                std::to_string(writer) + "-" + std::to_string(b) + "-" + std::to_string(i);
            documents.push_back(document(id, b));
        }
        const std::string last = documents.back();
        const auto written = await<Answers>(*loop, [&](auto reply) {
            node.write("a", batch(search::WriteAction::kCreate, documents), *loop, reply);
        });
        ASSERT_TRUE(written.ok()) << written.error().message;
        const std::string& id = written.value().back().value().id;
        EXPECT_EQ(get(node, *loop, id), last) << "readable when it is answered";
    }
}

void search_all_the_time(Node& node, const std::atomic<bool>& done) {
    const auto loop = io::make_system_loop();
    std::uint64_t found = 0;
    while (!done) {
        search::SearchRequest request;
        request.q = "text";
        request.fields.push_back({.field = 1});
        const auto result = await<search::SearchResult>(*loop, [&](auto reply) {
            node.search("a", request, *loop, reply);
        });
        ASSERT_TRUE(result.ok()) << result.error().message;
        EXPECT_GE(result.value().found, found) << "nothing disappears";
        found = result.value().found;
        EXPECT_EQ(node.collections().size(), 1U);
    }
}

TEST(NodeThreads, WritesReadsAndSearchesAtOnce) {
    const Directory directory;
    constexpr std::uint64_t kDocuments = kWriters * kBatches * kBatchDocuments;
    {
        Process process(directory.path());
        const auto loop = io::make_system_loop();
        const auto created = await<CollectionInfo>(*loop, [&](auto reply) {
            process.node().create_collection(numbered("a"), *loop, reply);
        });
        ASSERT_TRUE(created.ok()) << created.error().message;
        std::atomic<bool> done = false;
        {
            io::Thread searcher("searcher", [&] { search_all_the_time(process.node(), done); });
            {
                io::Thread first("writer", [&] { write_batches(process.node(), 0); });
                io::Thread second("writer", [&] { write_batches(process.node(), 1); });
            }
            done = true;
        }
        EXPECT_EQ(process.node().collection("a").value().num_documents, kDocuments);
        // And the process ends as it is.
    }
    Process process(directory.path());
    EXPECT_EQ(process.node().collection("a").value().num_documents, kDocuments);
    const auto loop = io::make_system_loop();
    const auto stopped =
        await<bool>(*loop, [&](auto reply) { process.node().shut_down(*loop, reply); });
    EXPECT_TRUE(stopped.ok());
    EXPECT_EQ(get(process.node(), *loop, "1-29-9"), document("1-29-9", 29));
}

TEST(NodeThreads, ACollectionMayBeDroppedWhileItIsLookedAt) {
    const Directory directory;
    Process process(directory.path());
    Node& node = process.node();
    std::atomic<bool> done = false;
    const auto look = [&] {
        const auto loop = io::make_system_loop();
        while (!done) {
            (void)node.collections();
            (void)await<search::SearchResult>(*loop, [&](auto reply) {
                node.search("a", {}, *loop, reply);
            });
        }
    };
    {
        io::Thread one("looks", look);
        io::Thread other("looks", look);
        const auto loop = io::make_system_loop();
        for (int round = 0; round < 20; ++round) {
            CollectionSpec spec = numbered("a");
            spec.num_shards = 4;
            const auto created = await<CollectionInfo>(*loop, [&](auto reply) {
                node.create_collection(spec, *loop, reply);
            });
            EXPECT_TRUE(created.ok());
            const auto written = await<Answers>(*loop, [&](auto reply) {
                node.write(
                    "a",
                    batch(search::WriteAction::kCreate, {document("1", 1), document("2", 2)}),
                    *loop,
                    reply
                );
            });
            EXPECT_TRUE(written.ok());
            const auto dropped = await<CollectionInfo>(*loop, [&](auto reply) {
                node.drop_collection("a", *loop, reply);
            });
            EXPECT_TRUE(dropped.ok());
        }
        done = true;
    }
}

TEST(NodeThreads, AStoppedPoolIsSaid) {
    const Directory directory;
    Process process(directory.path());
    Node& node = process.node();
    const auto loop = io::make_system_loop();
    const auto created = await<CollectionInfo>(*loop, [&](auto reply) {
        node.create_collection(numbered("a"), *loop, reply);
    });
    ASSERT_TRUE(created.ok());
    const auto written = await<Answers>(*loop, [&](auto reply) {
        node.write("a", batch(search::WriteAction::kCreate, {document("1", 1)}), *loop, reply);
    });
    ASSERT_TRUE(written.ok());
    process.pool().stop();
    const auto found =
        await<search::SearchResult>(*loop, [&](auto reply) { node.search("a", {}, *loop, reply); });
    EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
    const auto erased = await<std::uint64_t>(*loop, [&](auto reply) {
        node.erase_matching("a", {}, *loop, reply);
    });
    EXPECT_EQ(erased.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace kumo::node
