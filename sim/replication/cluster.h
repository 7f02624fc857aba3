#pragma once

#include "base/random.h"
#include "cluster/coordinator/coordinator.h"
#include "cluster/coordinator/lease.h"
#include "cluster/replication/shard_copy.h"
#include "cluster/state/state.h"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kumo::cluster::sim {

/// What one run came to. `failure` is empty, or says what went wrong first.
struct Outcome {
    std::string failure;
    std::uint64_t trace = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t reads = 0;
    std::uint64_t retries = 0;
    std::uint64_t crashes = 0;
    std::uint64_t power_cuts = 0;
    std::uint64_t promotions = 0;
    std::uint64_t handovers = 0;
    std::uint64_t shrinks = 0;
    std::uint64_t expands = 0;
    std::uint64_t installs = 0;
    std::uint64_t fences = 0;
    std::uint64_t leader_changes = 0;
};

/// Nodes with copies of shards, under every fault at once, from one seed. The state, the shard
/// copies, the coordinator, the leases and the codec are the real ones; the control plane's log,
/// the network, the disks and the engines (lists that are appended to) are simple.
///
/// Checked: what was acknowledged is there, once, and stays; reads at a primary see everything
/// acknowledged before them and nothing that can be undone; what is committed never changes; one
/// primary a term; and when everything is well again, every shard serves and all copies are equal.
class Cluster {
public:
    explicit Cluster(std::uint64_t seed);

    Outcome run();

private:
    static constexpr std::size_t kNodesMax = 5;
    static constexpr std::size_t kShards = 2;
    using Time = std::int64_t;  ///< Microseconds of the world.
    using List = std::vector<std::uint64_t>;

    /// What is on a node's disk of one copy.
    struct Stored {
        CopyId copy{};
        Seq base = 0;  ///< The engine's checkpoint.
        Term base_term = 0;
        List checkpoint;
        RequestWindow requests;
        std::map<Seq, EntryPtr> log;
        Seq synced = 0;
        bool unclean = false;  ///< A power cut took entries that may have been acknowledged.
    };

    struct Copy {
        std::unique_ptr<ShardCopy> core;
        List list;
        Seq applied = 0;
        Seq written = 0;   ///< In the log, not all of it synced.
        Time sync_at = 0;  ///< 0: no sync under way.
        Seq syncing = 0;
        std::map<RequestId, bool> waiting;  ///< Requests whose answer a client awaits here.
    };

    struct Node {
        NodeId id;
        bool up = false;
        Time up_at = 0;
        Time paused_until = 0;
        double rate = 1.0;  ///< Of its clock.
        std::int64_t offset = 0;
        Uuid boot;
        std::uint64_t incarnation = 0;
        std::size_t applied = 0;  ///< Of the control plane's log.
        State state;
        std::unique_ptr<Lease> lease;
        bool lease_flag = false;  ///< For the mutant that trusts a flag.
        Time next_beacon = 0;
        Time next_register = 0;
        Time next_tick = 0;
        std::unique_ptr<Coordinator> coordinator;
        std::uint64_t leads_term = 0;  ///< Believes to lead the control plane in this term.
        std::map<ShardId, Copy> copies;
        std::map<ShardId, Stored> disk;
        bool slow_disk = false;
    };

    struct Request {
        RequestId id;
        ShardId shard{};
        std::uint64_t value = 0;
        Time deadline = 0;
        bool acknowledged = false;
    };

    /// What a collection's creation does beside: a shard.
    struct ControlEntry {
        Command command;
        bool adds_shard = false;
    };

    static void apply_entry(State& state, const ControlEntry& entry);

    NodeId node_id(std::size_t i) const;
    std::size_t index_of(const NodeId& id) const;
    std::int64_t clock_of(const Node& node) const;
    MonotonicTime monotonic(const Node& node) const;

    // Events: a world of closures, in order of time.
    void at(Time time, std::function<void()> task);
    void send(std::size_t from, std::size_t to, std::function<void()> deliver);
    bool awake(std::size_t i) const;

    // Processes: nodes.cc.
    void boot(std::size_t i);
    void crash(std::size_t i, bool power);
    void step(std::size_t i);
    void beacon(std::size_t i);
    void adopt_state(std::size_t i);
    void reconcile(std::size_t i);
    void open_copy(std::size_t i, ShardId shard, CopyId copy);
    void drain(std::size_t i, ShardId shard);
    void drain_coordinator(std::size_t i);
    void write_log(std::size_t i, ShardId shard, const CopyOutput& output);
    void sync_log(std::size_t i, ShardId shard);
    void apply(std::size_t i, ShardId shard, const EntryPtr& entry);
    void install(std::size_t from, ShardId shard, const NodeId& to);
    void check_role(std::size_t i, ShardId shard);
    bool may_serve(std::size_t i) const;

    // The control plane: control.cc.
    void control_step();
    void propose(std::size_t from, const Command& command);
    void confirm_round(std::size_t from, std::uint64_t term, std::uint64_t context);
    bool has_quorum(std::size_t i) const;

    // Clients and faults: cluster.cc.
    void inject_faults();
    void use();
    void start_request();
    void try_request(std::uint64_t number);
    void read(std::size_t i, ShardId shard);
    void cut_power_of_one(std::size_t i);
    void heal();
    bool is_settled();
    void check_end();
    void fail(const std::string& what);
    void trace(std::uint64_t value);
    std::string describe() const;

    SeededRandom random_;
    Outcome outcome_;
    std::size_t nodes_count_;
    bool lazy_sync_ = false;  ///< Acknowledged before the sync: a power cut may take it.
    bool calm_ = false;
    Time now_ = 0;
    Time quiet_until_ = 0;  ///< No faults before.
    std::multimap<Time, std::function<void()>> events_;
    std::array<Node, kNodesMax> nodes_;
    bool cut_[kNodesMax][kNodesMax] = {};
    std::uint64_t loss_percent_ = 0;

    std::vector<ControlEntry> control_log_;
    State control_state_;
    std::optional<std::size_t> control_leader_;
    std::uint64_t control_term_ = 0;
    Time control_pause_until_ = 0;

    std::map<std::uint64_t, Request> requests_;
    std::uint64_t next_request_ = 1;
    std::map<ShardId, List> committed_;  ///< Values in the order of their places.
    std::map<std::pair<ShardId, Seq>, EntryPtr> history_;
    std::map<std::pair<ShardId, Term>, NodeId> primaries_;
    std::map<ShardId, std::set<std::uint64_t>> acknowledged_;
    std::vector<ShardId> shards_;
};

}  // namespace kumo::cluster::sim
