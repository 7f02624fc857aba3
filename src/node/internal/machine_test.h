#pragma once

#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_network.h"
#include "io/sim/sim_worker_pool.h"
#include "io/sim/sim_world.h"
#include "node/node.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::node {

/// Options under which a few documents already make segments that are sealed and merged.
NodeOptions small_options();

/// A collection of documents with a number `n` and a text `t`.
CollectionSpec numbered(std::string name);

/// {"id":"<id>","n":<n>,"t":"<t>"}
std::string document(std::string_view id, int n, std::string_view t = "some text");

WriteBatch batch(search::WriteAction action, std::vector<std::string> documents);

/// Where node `i` of a cluster is.
io::Address cluster_host(std::size_t i);

/// `options` for node `i` of a cluster, whose nodes are in the file "/nodes".
NodeOptions cluster_options(std::size_t i, NodeOptions options = small_options());

/// All documents, by id; "twice" under an id that came more than once.
std::map<std::string, std::string> documents_in(const search::Snapshot& snapshot);

/// Where machines are.
struct Site {
    explicit Site(std::uint64_t seed) : world(seed), network(world), resolver(world) {}

    io::SimWorld world;
    io::SimNetwork network;
    io::SimResolver resolver;
};

/// A machine in a simulated world, with one node on it. Test code; no test framework.
class Machine {
public:
    /// Alone in a world of its own.
    explicit Machine(std::uint64_t seed, NodeOptions options = small_options());

    /// With a network address at a site that outlives it.
    Machine(Site& site, const io::Address& host, NodeOptions options);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    io::SimFs& fs() { return fs_; }

    io::SimWorld& world() { return site_.world; }

    io::SimLoop& loop() { return *loop_; }

    io::SimLoop& control_loop() { return *control_loop_; }

    Node& node() { return *node_; }

    /// The nodes of the cluster, as its nodes file is to name them.
    void write_nodes_file(const std::vector<std::size_t>& nodes);

    bool running() const { return node_ != nullptr && !fs_.crashed(); }

    /// Power on, or a new process after stop(): until the node serves. The error is what keeps it
    /// from that.
    Status start();

    /// The same, without waiting.
    Status boot();

    /// Until the node serves, or is broken, or the time is over.
    Status wait_until_it_serves(Duration most = std::chrono::seconds(60));

    /// The process ends where it is.
    void stop();

    /// shut_down(), then the process ends.
    void stop_cleanly();

    /// Runs the world until the call is answered; nothing if the machine crashed before.
    template <typename T>
    std::optional<Result<T>> try_await(const std::function<void(Reply<T>)>& call) {
        const auto got = std::make_shared<std::optional<Result<T>>>();
        call([got](Result<T> result) { got->emplace(std::move(result)); });
        const MonotonicTime end = world().clock().monotonic_now() + std::chrono::minutes(5);
        while (!got->has_value() && !fs_.crashed() && world().clock().monotonic_now() < end
               && world().step()) {
        }
        return std::move(*got);
    }

    /// The same, for tests without crashes.
    template <typename T>
    Result<T> await(const std::function<void(Reply<T>)>& call) {
        auto got = try_await<T>(call);
        return got ? std::move(*got)
                   : Result<T>(Error{ErrorCode::kInternal, "the call was never answered"});
    }

    Result<CollectionInfo> create(const CollectionSpec& spec);
    Result<CollectionInfo> drop(const std::string& name);
    Result<std::vector<Result<search::Written>>>
    write(const std::string& collection, WriteBatch batch);

    /// Writes one document.
    Status put(const std::string& collection, const std::string& document);
    Result<std::string> erase(const std::string& collection, const std::string& id);
    Result<std::string> get(const std::string& collection, const std::string& id);

    /// All documents as a scan finds them, by id; "twice" under an id that came more than once.
    std::map<std::string, std::string> documents(const std::string& collection);

    /// Files in the data directory, by path below it.
    std::vector<std::string> files();

private:
    void list_into(const std::string& path, std::vector<std::string>& out);

    const NodeOptions options_;
    std::unique_ptr<Site> own_site_;
    Site& site_;
    const std::optional<io::Address> host_;
    io::SimFs fs_;
    std::unique_ptr<io::SimLoop> loop_;
    std::unique_ptr<io::SimLoop> control_loop_;
    std::unique_ptr<io::SimWorkerPool> pool_;
    std::unique_ptr<Node> node_;
    std::uint64_t boots_ = 1;  ///< Of the system: after a crash it is another one.
    std::vector<std::unique_ptr<Clock>> clocks_;            ///< One a start, like the loops.
    std::vector<std::unique_ptr<io::SimLoop>> dead_loops_;  ///< What is on its way may name them.
};

}  // namespace kumo::node
