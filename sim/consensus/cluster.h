#pragma once

#include "base/random.h"
#include "consensus/disk.h"
#include "consensus/raft.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace kumo::consensus::sim {

/// What one run came to. `failure` is empty, or says what went wrong first.
struct Outcome {
    std::string failure;
    std::uint64_t trace = 0;
    std::uint64_t commits = 0;
    std::uint64_t crashes = 0;
    std::uint64_t elections = 0;
    std::uint64_t reads = 0;
    std::uint64_t snapshots = 0;
    std::uint64_t changes = 0;
    std::uint64_t forced = 0;
};

/// A group of nodes under every fault at once, from one seed, and the checks that nothing that was
/// promised is broken: one leader a term, logs that agree on what is committed, reads that see what
/// was acknowledged before them, and, when everything is well again, progress.
class Cluster {
public:
    explicit Cluster(std::uint64_t seed);

    Outcome run();

private:
    static constexpr std::size_t kNodes = 5;
    using Time = std::int64_t;  ///< Milliseconds.

    struct Node {
        NodeId id;
        std::unique_ptr<Raft> raft;  ///< None: it is down.
        Disk disk;
        History state;
        Index applied = 0;
        std::map<Index, History> snapshots;  ///< By the place they are of.
        Time up_at = 0;
        Time started_at = 0;
        Time ticked_at = 0;
        Time crash_at = 0;  ///< 0: not planned.
        Time paused_until = 0;
        Time sync_at = 0;  ///< The disk is busy until then; 0: idle.
        bool slow_disk = false;
        std::uint64_t writing = 0;  ///< The last Ready on its way.
        std::vector<std::pair<std::uint64_t, std::vector<Message>>> after;
        bool was_leader = false;
    };

    struct Delivery {
        Message message;
        std::optional<History> state;
    };

    struct Committed {
        Entry entry;
        Term term = 0;  ///< Of the node that first said so: it was committed by then.
    };

    /// By the last entry: logs that agree on it are equal, and so is what they say of the members.
    using LastEntry = std::tuple<Epoch, Index, Term>;

    struct Read {
        Epoch epoch;
        Index acknowledged = 0;  ///< When it was asked.
        std::size_t node = 0;
        Term term = 0;
        Time asked_at = 0;
    };

    void start(std::size_t i);
    void crash(std::size_t i);
    void step_time();
    void inject_faults();
    void disturb_leader();
    void ambush(Node& leader);
    void plan_crash(Node& node, Time within);
    void operate();
    void change_members(Node& leader);
    void insist();
    void force(std::size_t i);
    void use(std::size_t i);
    void deliver();
    void drain(std::size_t i);
    void apply(std::size_t i, const Entry& entry);
    void answer_read(std::size_t i, const ReadState& read);
    void check_leader(std::size_t i);
    void check_completeness(const Raft& leader);
    void check_quiet(const Epoch& epoch, Term term, Time round_began_at);
    void check_matching(const Raft& raft, const Ready& ready);
    void send(Node& from, const Message& message);
    void finish_sync(std::size_t i);
    void fail(const std::string& what);
    void heal();
    bool is_settled();
    std::string describe() const;
    void trace(std::uint64_t value);
    Duration jitter();
    std::size_t index_of(const NodeId& id) const;
    std::optional<std::size_t> leader() const;

    SeededRandom random_;
    Outcome outcome_;
    Time now_ = 0;
    bool calm_ = false;  ///< Faults are over.
    std::vector<Node> nodes_;
    std::multimap<Time, Delivery> network_;
    bool cut_[kNodes][kNodes] = {};
    std::uint64_t loss_percent_ = 0;
    Time tick_interval_ = 0;
    bool figure_eight_ = false;            ///< Leaders in a hurry, of whom most fail.
    std::uint64_t ambush_percent_ = 0;     ///< Of new leaders.
    std::uint64_t changes_per_mille_ = 0;  ///< Of steps of time with a leader.
    bool may_force_ = false;
    std::uint64_t crash_writing_percent_ = 0;  ///< Of writes to the disk; more of snapshots.
    std::uint64_t next_command_ = 1;
    std::uint64_t next_read_ = 1;
    std::map<std::uint64_t, Read> reads_;
    std::map<std::pair<Epoch, Term>, NodeId> leaders_;
    std::map<Epoch, std::map<Term, Time>> rounds_;  ///< Confirmed: when the last of a term began.
    std::map<Epoch, std::map<Term, Time>> quiet_since_;  ///< As the leader of a term says.
    std::map<Epoch, std::map<Index, Committed>> committed_;
    std::map<LastEntry, Configuration> configurations_;
    std::map<LastEntry, std::size_t> entries_;  ///< Hashes of what they say.
    std::map<Epoch, Index> acknowledged_;
    std::optional<std::size_t> forced_node_;
    Time forced_at_ = 0;
    bool force_is_done_ = false;
    std::size_t forces_ = 0;
    Epoch newest_epoch_;
};

}  // namespace kumo::consensus::sim
