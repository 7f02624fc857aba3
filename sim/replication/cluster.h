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
    std::uint64_t replica_reads = 0;
    std::uint64_t strict_reads = 0;
    std::uint64_t elections = 0;
    std::uint64_t lost = 0;
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
/// A seed's run has one of several mixes of faults: anything at any time, or attacks on a rule that
/// chance would hardly ever come near.
///
/// Checked: what was acknowledged is there, once, and stays; every copy in sync has it; reads at a
/// primary see everything acknowledged before them and nothing that can be undone; what is
/// committed never changes, and nothing else is applied; one primary a term, and never two that
/// serve; and when everything is well again, every shard serves and all copies are equal.
class Cluster {
public:
    explicit Cluster(std::uint64_t seed);

    Outcome run();

private:
    static constexpr std::size_t kNodesMax = 5;
    static constexpr std::size_t kShards = 2;
    using Time = std::int64_t;  ///< Microseconds of the world.
    using List = std::vector<std::uint64_t>;

    enum class Mix : std::uint8_t {
        kAnything,
        kLostPower,  ///< A machine forgets what it had acknowledged, and the other copy is down.
        kAttacks,    ///< On whoever serves: see attacks.cc.
        kDrift,      ///< Clocks that differ as much as they may, and long leases.
    };

    enum class Channel : std::uint8_t {
        kControl,
        kData
    };

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
        std::map<std::uint64_t, std::size_t> strict;  ///< Reads, and what they have to see.
        std::map<RequestId, bool> waiting;  ///< Requests whose answer a client awaits here.
    };

    struct Node {
        NodeId id;
        bool up = false;
        Time up_at = 0;
        Time paused_until = 0;
        Time deaf_until = 0;  ///< The control plane's commands are not applied before.
        double rate = 1.0;    ///< Of its clock.
        std::int64_t offset = 0;
        Uuid boot;
        bool in_its_place = true;  ///< The run before is known to be over.
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
        Time time = 0;
        AckMode mode = AckMode::kSync;
        std::uint64_t min_in_sync = 1;
    };

    static void apply_entry(State& state, const ControlEntry& entry);

    NodeId node_id(std::size_t i) const;
    std::size_t index_of(const NodeId& id) const;
    std::int64_t clock_of(const Node& node) const;
    MonotonicTime monotonic(const Node& node) const;

    // Events: a world of closures, in order of time.
    void at(Time time, std::function<void()> task);
    void
    send(std::size_t from, std::size_t to, Channel channel, const std::function<void()>& deliver);
    void deliver(std::size_t from, std::size_t to, Channel channel, std::function<void()> task);
    bool reaches(std::size_t from, std::size_t to, Channel channel) const;
    bool awake(std::size_t i) const;
    void wake();

    // Processes: nodes.cc.
    void boot(std::size_t i);
    void crash(std::size_t i, bool power);
    void step(std::size_t i);
    void beacon(std::size_t i);
    Register registration(std::size_t i) const;
    void adopt_state(std::size_t i);
    void reconcile(std::size_t i);
    void open_copy(std::size_t i, ShardId shard, CopyId copy);
    void drain(std::size_t i, ShardId shard);
    void drain_coordinator(std::size_t i);
    void watch_proposal(std::size_t i, ShardId shard, const Command& command);
    void write_log(std::size_t i, ShardId shard, const CopyOutput& output);
    void sync_log(std::size_t i, ShardId shard);
    void apply(std::size_t i, ShardId shard, const EntryPtr& entry);
    void install(std::size_t from, ShardId shard, const NodeId& to);
    void check_role(std::size_t i, ShardId shard);
    bool may_serve(std::size_t i) const;

    // The control plane: control.cc.
    void control_step();
    void depose();
    void commit(const ControlEntry& entry);
    void propose(std::size_t from, const Command& command);
    void propose_as_leader(const Command& command);
    Time commit_delay();
    void commit_proposed(const Command& command);
    void confirm_round(std::size_t from, std::uint64_t term, std::uint64_t context, Time wait);
    bool has_quorum(std::size_t i) const;

    // Faults: cluster.cc, attacks.cc.
    void inject_faults();
    void inject_anything();
    void cut_power_of_one(std::size_t i);
    bool can_lose_one(const Shard& shard) const;
    void cut_off(std::size_t i, Channel channel);
    void restore_links();
    void heal();
    void attack();
    void later(Time delay, std::function<void()> task);
    void attack_slow_grants(std::size_t victim);
    void attack_deaf_primary(ShardId id, std::size_t victim);
    void attack_slow_handover(ShardId id, std::size_t victim);
    void attack_healed_control(std::size_t victim);
    void attack_new_leader(std::size_t victim);
    void attack_pause(std::size_t victim);
    void attack_leader(std::size_t victim);
    void attack_late_prepares(std::size_t victim);
    void attack_late_registration(std::size_t victim);
    void attack_split(std::size_t victim);
    void attack_silent_control(ShardId id, std::size_t victim);
    void on_log_reported(const ReportLog& report);
    void attack_lagging_copies(ShardId id, std::size_t victim);
    void attack_slow_expand(ShardId id, std::size_t victim);
    void on_expand_proposed(std::size_t i, ShardId shard);
    void begin_handover(ShardId id, std::size_t victim);
    void on_handover_proposed(std::size_t i, ShardId shard);
    void lose_power();

    // Clients: cluster.cc.
    void use();
    void start_request();
    void try_request(std::uint64_t number);
    void acknowledge(Request& request, const Copy& copy, Seq seq);

    // Checks: checks.cc.
    void read(std::size_t i, ShardId shard);
    void read_everything(std::size_t i);
    void read_elsewhere(std::size_t i);
    void read_at_replica(std::size_t i, ShardId shard);
    void
    finish_replica_read(std::size_t i, ShardId shard, Seq index, std::size_t needed, int tries);
    void read_strictly(std::size_t i, ShardId shard);
    void finish_strict_reads(std::size_t i, ShardId shard, const CopyOutput& output);
    void check_read(std::size_t i, const Copy& copy, std::size_t needed, const char* kind);
    void check_invariants();
    void check_serving(ShardId shard);
    void check_in_sync(ShardId shard);
    void check_majority(const Shard& known, Seq needed);
    void check_state(const State& before);
    bool is_settled();
    void check_end();
    void fail(const std::string& what);
    void trace(std::uint64_t value);
    std::string describe() const;
    std::string describe_shard(ShardId id, const Shard& shard) const;
    std::string describe_copy(const Copy& copy) const;

    SeededRandom random_;
    Outcome outcome_;
    std::size_t nodes_count_;
    Mix mix_ = Mix::kAnything;
    CoordinatorOptions coordinator_options_;
    Duration in_sync_lag_ = CopyOptions().in_sync_lag;
    Time faulty_time_ = 0;
    AckMode mode_ = AckMode::kSync;
    std::uint64_t min_in_sync_ = 1;
    bool lazy_sync_ = false;  ///< Acknowledged before the sync: a power cut may take it.
    bool calm_ = false;
    Time now_ = 0;
    Time quiet_until_ = 0;  ///< No faults before.
    std::multimap<Time, std::function<void()>> events_;
    std::array<Node, kNodesMax> nodes_;
    bool cut_[kNodesMax][kNodesMax] = {};
    bool data_cut_[kNodesMax][kNodesMax] = {};  ///< Only messages between copies are lost.
    bool control_cut_[kNodesMax] = {};          ///< Only messages of the control plane are lost.
    Time lag_[kNodesMax][kNodesMax] = {};
    std::uint64_t attack_ = 0;  ///< The one that is under way.
    std::optional<std::pair<std::size_t, ShardId>> slow_handover_;
    std::optional<std::pair<std::size_t, ShardId>> slow_expand_;
    std::optional<std::pair<std::size_t, ShardId>> silent_;
    std::map<NodeId, LogEnd> reported_;  ///< While `silent_`.
    Time power_lost_at_ = 0;
    std::uint64_t loss_percent_ = 0;

    std::vector<ControlEntry> control_log_;
    State control_state_;
    std::optional<std::size_t> control_leader_;
    std::uint64_t control_term_ = 0;
    Time control_pause_until_ = 0;
    std::optional<std::size_t> next_leader_;
    Time ignorance_max_ = 0;  ///< A deposed leader knows after that.
    Time commit_lag_max_ = 0;
    Time leader_commits_at_ = 0;  ///< What the leader has proposed last.

    std::map<std::uint64_t, Request> requests_;
    std::uint64_t next_request_ = 1;
    std::map<ShardId, List> committed_;  ///< Values in the order of their places.
    std::map<std::pair<ShardId, Seq>, EntryPtr> history_;
    std::map<std::pair<ShardId, Term>, NodeId> primaries_;
    std::map<ShardId, std::set<std::uint64_t>> acknowledged_;
    std::map<ShardId, std::pair<std::size_t, Seq>> acknowledged_until_;  ///< In lists, in logs.
    std::vector<ShardId> shards_;
};

}  // namespace kumo::cluster::sim
