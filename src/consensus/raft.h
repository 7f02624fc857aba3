#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "consensus/internal/log.h"
#include "consensus/types.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kumo::consensus {

struct RaftOptions {
    NodeId id;
    Duration heartbeat_interval = std::chrono::milliseconds(250);
    /// Without word from a leader for this long a node campaigns, and the jitter later.
    Duration election_timeout = std::chrono::milliseconds(600);
    std::size_t append_bytes_max = std::size_t{1} << 20;  ///< Of one message, at least one entry.
    std::size_t appends_in_flight_max = 64;               ///< To one follower.
    std::size_t uncommitted_bytes_max = std::size_t{64} << 20;
    std::size_t pending_reads_max = 4096;
};

enum class Role : std::uint8_t {
    kFollower,
    kPreCandidate,
    kCandidate,
    kLeader
};

/// What a leader knows of a member.
struct Progress {
    enum class Mode : std::uint8_t {
        kProbe,      ///< Looking for where the logs agree; one append at a time.
        kReplicate,  ///< Appends are sent ahead of their replies.
        kSnapshot,   ///< Waiting for a snapshot to arrive.
    };

    Mode mode = Mode::kProbe;
    Index match = 0;
    Index next = 1;
    Index pending_snapshot = 0;
    bool probe_sent = false;
    bool lost_data = false;             ///< It rejects what it had acknowledged.
    std::uint64_t probe = 0;            ///< Tells a rejection from those of earlier probes.
    std::uint64_t confirmed_round = 0;  ///< Of heartbeats: it follows, as of then.
    Duration silent_for{};              ///< Since it last answered.
    Index match_at_beat = 0;            ///< When it last answered a heartbeat.
    unsigned beats_stalled = 0;
    std::deque<Index> in_flight;
};

/// The Raft consensus algorithm as a pure state machine (Ongaro & Ousterhout, "In Search of an
/// Understandable Consensus Algorithm", 2014; Ongaro's thesis, 2014, for pre-vote, membership,
/// transfer and read index). It has no I/O, clock, thread or random numbers: everything comes in by
/// the calls below, everything goes out by take_ready(), and what must be durable before something
/// is said is said only after persisted().
///
/// Beyond the paper: check-quorum (a leader without a majority steps down) and a sticky leader (who
/// hears one does not vote); a node's own vote and own entries count when they are durable; the
/// leader's appends leave while it writes its own; epochs for recovery after a lost quorum.
///
/// First start: all first voters begin with the same snapshot {index 1, term 1, configuration,
/// epoch} and HardState{epoch, term 1}. A node that joins begins empty and waits to be spoken to.
///
/// Thread rule: owned by one thread.
class Raft {
public:
    /// What was durable: the last snapshot, the entries behind it, the hard state. `jitter` as for
    /// tick().
    Raft(
        const RaftOptions& options,
        const HardState& hard_state,
        const SnapshotMeta& snapshot,
        std::vector<Entry> entries,
        Duration jitter
    );

    // ---- input

    /// Time has passed. `jitter` is random, uniform in [0, election_timeout): for the next timeout.
    void tick(Duration elapsed, Duration jitter);

    /// From another node, as it came: anything out of place is ignored.
    void step(const Message& message);

    /// Appends a command; its index. kUnavailable: not the leader, or about to hand over;
    /// kOverloaded: uncommitted_bytes_max; kLimitExceeded: kEntryBytesMax.
    Result<Index> propose(std::string data);

    /// Begins a change of the members. kUnavailable as propose(); kConflict: one is under way, or
    /// the term's first entry is not committed, or a new voter is not a learner that has caught up;
    /// kInvalidArgument: no voters, or a nil node; kLimitExceeded: kMembersMax; kAlreadyExists: it
    /// is so already.
    Status propose_configuration(std::set<NodeId> voters, std::set<NodeId> learners);

    /// Asks for a ReadState with this context, after a round of heartbeats that begins now has
    /// confirmed the leadership. kUnavailable: not the leader, or not ready; kOverloaded. A read
    /// that was accepted is lost silently when the leadership is. Not `soon`: the round is that of
    /// the next heartbeats, which are due within heartbeat_interval, and costs nothing.
    Status read_index(std::uint64_t context, bool soon = true);

    /// Hands the leadership to a voter, if it can be brought up to date within election_timeout.
    /// Until then proposals are refused.
    Status transfer(const NodeId& to);

    /// The leader's process is known to be over: this node stands for election without waiting for
    /// it to be missed. Nothing happens unless it follows that leader and may be elected.
    void leader_died(const NodeId& leader);

    /// Everything up to this Ready is durable.
    void persisted(std::uint64_t sequence);

    /// A snapshot of the state at `index` is durable; entries up to there may go. Requires that it
    /// was applied. What others still miss of them goes to them as that snapshot.
    void compact(Index index);

    /// A snapshot to a follower has arrived or has failed. Exactly once for each kSnapshot message.
    void snapshot_done(const NodeId& to, bool delivered);

    /// An operator's decision after the quorum was lost: this node goes on alone, in a new epoch
    /// that is above all it has heard of. To be persisted like everything else; if the node stops
    /// before it is_ready_leader() in that epoch, the decision has to be given once more.
    void force_single(const Uuid& epoch_id);

    // ---- output

    bool has_ready() const;
    Ready take_ready();

    // ---- state

    const NodeId& id() const { return options_.id; }

    Role role() const { return role_; }

    bool is_leader() const { return role_ == Role::kLeader; }

    /// A leader whose first entry is committed: it knows everything that was committed before.
    bool is_ready_leader() const;

    /// Nil if none is known.
    const NodeId& leader() const { return leader_; }

    Term term() const { return hard_.term; }

    const Epoch& epoch() const { return hard_.epoch; }

    bool is_superseded() const { return hard_.superseded; }

    Index commit_index() const { return commit_; }

    Index last_index() const { return log_.last(); }

    /// Of an entry, or of the snapshot's place; nothing for what is not there (any more).
    std::optional<Term> term_at(Index index) const { return log_.term(index); }

    const SnapshotMeta& snapshot() const { return log_.snapshot(); }

    /// In force: of the newest entry that has one, committed or not.
    const Configuration& configuration() const { return log_.configuration(); }

    bool is_configuration_committed() const { return log_.configuration_index() <= commit_; }

    /// Of each member, if this is the leader; its own is in there too.
    const std::map<NodeId, Progress>& progress() const { return progress_; }

    /// Since the leader was last heard; nothing to say of a leader itself.
    Duration silence() const { return elapsed_; }

    /// Of a leader: a majority had, when it elected this one, followed nobody else for at least
    /// this long, by the voters' clocks. So no read round of a leader before, and no lease that
    /// rests on one, began later than that. At most kQuietMax.
    Duration quiet_before_election() const { return quiet_before_election_; }

private:
    /// What a Ready made durable when persisted() says so.
    struct Persisting {
        std::uint64_t sequence = 0;
        Index last = 0;
        Term term = 0;
        NodeId vote;
        Epoch epoch;
    };

    Message make(MessageType type, const NodeId& to) const;

    void send(Message message) { messages_.push_back(std::move(message)); }

    void send_after_persist(Message message) { after_.push_back(std::move(message)); }

    // Roles: raft.cc.
    void become_follower(Term term, const NodeId& leader);
    void tick_leader(Duration elapsed);
    void note_leadership();
    bool has_active_quorum() const;
    void step_current(const Message& message);
    bool step_term(const Message& message);
    void step_epoch(const Message& message);
    void step_older_epoch(const Message& message);
    void refuse_old_term(const Message& message);
    void follow(const Message& message);
    Index applicable() const;
    void finish_force();
    bool is_caught_up(const NodeId& node) const;

    // Elections: raft_election.cc.
    bool is_promotable() const;
    bool is_lone_voter() const;
    void campaign(bool pre_vote, bool force);
    void ask_for_votes(MessageType type, Term term, bool force);
    bool hears_leader() const;
    void on_vote_request(const Message& message);
    void on_vote_reply(const Message& message);
    void count_votes();
    void become_leader();
    void sync_progress();

    // Replication: raft_replication.cc.
    void append_own(Entry entry);
    void maybe_commit();
    void after_commit();
    void on_append(const Message& message);
    void on_matching_append(const Message& message);
    Progress* hear(const NodeId& node);
    void on_append_reply(const Message& message);
    void on_append_rejected(Progress& progress, const Message& message);
    void on_heartbeat(const Message& message);
    void on_heartbeat_reply(const Message& message);
    void on_snapshot(const Message& message);
    void install(const SnapshotMeta& snapshot);
    void broadcast_append();
    void broadcast_heartbeat();
    bool send_append(const NodeId& to, bool even_empty);
    bool may_send(const Progress& progress) const;
    std::vector<Entry> entries_to_send(Index from) const;
    void begin_probe(Progress& progress, Index next);
    std::uint64_t progress_quorum(std::uint64_t Progress::*value) const;
    void send_snapshot(const NodeId& to, Progress& progress);
    void send_timeout_now(const NodeId& to);
    void check_reads();

    const RaftOptions options_;
    HardState hard_;
    HardState handed_hard_;
    Log log_;
    Role role_ = Role::kFollower;
    NodeId leader_;
    NodeId transferee_;
    Index commit_ = 0;
    Index stable_ = 0;          ///< Durable here up to this index.
    Index handed_ = 0;          ///< Given out to be persisted.
    Index handed_applied_ = 0;  ///< Given out to be applied.
    std::optional<SnapshotMeta> installed_;
    bool forcing_ = false;  ///< The new epoch is on its way to the disk.
    std::uint64_t newest_epoch_heard_ = 0;

    Duration elapsed_{};     ///< Follower: since the leader was heard. Leader: of a transfer.
    Duration since_beat_{};  ///< Leader.
    Duration timeout_{};     ///< When elapsed_ is that much, a follower campaigns.
    Duration jitter_;
    Duration quiet_{};  ///< Since this node was led or led itself, rounded down to ticks.
    bool led_since_tick_ = true;
    Duration quiet_of_voters_{};  ///< Least, of those who voted for this candidate.
    Duration quiet_before_election_{};

    std::map<NodeId, bool> votes_;
    std::map<NodeId, Progress> progress_;
    std::size_t uncommitted_bytes_ = 0;  ///< Of this leader's own entries.
    std::uint64_t round_ = 0;
    std::uint64_t probes_ = 0;
    std::map<std::uint64_t, ReadState> pending_reads_;  ///< By the round they wait for.

    std::uint64_t sequence_ = 0;
    std::deque<Persisting> persisting_;
    std::vector<Message> messages_;
    std::vector<Message> after_;
    std::vector<ReadState> reads_;
    std::vector<NodeId> lost_data_;
};

}  // namespace kumo::consensus
