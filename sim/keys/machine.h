#pragma once

#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_worker_pool.h"
#include "keys/engine.h"
#include "node/internal/machine_test.h"
#include "node/kv/kv_node.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kumo::node::sim {

/// A machine at a site, with one node of a cluster of keys on it.
class KvMachine {
public:
    KvMachine(
        Site& site,
        std::size_t number,
        KvNodeOptions options,
        std::function<void(const std::string&)> on_misuse
    );
    ~KvMachine();
    KvMachine(const KvMachine&) = delete;
    KvMachine& operator=(const KvMachine&) = delete;

    /// Power on, or a new process.
    Status boot();

    /// The process ends where it is.
    void stop();

    io::SimFs& fs() { return fs_; }

    io::SimLoop& loop() { return *loop_; }

    io::SimLoop& control_loop() { return *control_loop_; }

    KvNode& node() { return *node_; }

    Engine& engine() { return *engine_; }

private:
    Site& site_;
    const io::Address host_;
    const KvNodeOptions options_;
    const std::function<void(const std::string&)> on_misuse_;
    io::SimFs fs_;
    std::unique_ptr<io::SimLoop> loop_;
    std::unique_ptr<io::SimLoop> control_loop_;
    std::unique_ptr<io::SimWorkerPool> pool_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<KvNode> node_;
    std::uint64_t boots_ = 1;  ///< Of the system: after a crash it is another one.
    std::vector<std::unique_ptr<Clock>> clocks_;            ///< One a start, like the loops.
    std::vector<std::unique_ptr<io::SimLoop>> dead_loops_;  ///< What is on its way may name them.
};

}  // namespace kumo::node::sim
