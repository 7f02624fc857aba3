#pragma once

#include "node/internal/machine_test.h"
#include "node/node.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace kumo::node {

inline constexpr std::size_t kNodes = 3;

/// Three nodes on a simulated network, from a seed.
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

    bool
    run_until(const std::function<bool()>& condition, Duration most = std::chrono::seconds(60)) {
        const MonotonicTime end = site.world.clock().monotonic_now() + most;
        while (!condition() && site.world.clock().monotonic_now() < end) {
            site.world.run_for(std::chrono::milliseconds(10));
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
        EXPECT_TRUE(run_until([&] { return in_sync(other) == kNodes; })) << "once is enough";
        machines[other]->stop();
        expect_everything(i);
    }

    Site site{GetParam()};
    std::array<std::unique_ptr<Machine>, kNodes> machines;
    std::map<std::string, std::string> acknowledged;

    bool fsync = true;
};

}  // namespace kumo::node
