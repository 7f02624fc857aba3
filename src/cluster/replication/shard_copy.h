#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "cluster/replication/copy_log.h"
#include "cluster/replication/message.h"
#include "cluster/state/state.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kumo::cluster {

struct CopyOptions {
    NodeId node;
    std::size_t prepare_bytes_max = std::size_t{1} << 20;     ///< Of one message, or one entry.
    std::size_t in_flight_bytes_max = std::size_t{16} << 20;  ///< To one other copy.
    std::size_t prepares_in_flight_max = 64;                  ///< To one other copy.
    /// Kept in memory for copies that lag; who lags more is sent files.
    std::size_t tail_bytes_max = std::size_t{32} << 20;
    /// A copy in sync that does not answer for this long is proposed to leave.
    Duration in_sync_lag = std::chrono::seconds(2);
    /// What is in flight and not answered is sent again.
    Duration resend_after = std::chrono::milliseconds(500);
    Duration propose_again_after = std::chrono::seconds(1);
    /// What is proposed and not committed yet: more is refused.
    std::size_t uncommitted_bytes_max = std::size_t{64} << 20;
    std::size_t requests_remembered = 4096;
    std::size_t strict_reads_max = 1024;  ///< Under way.
    Duration strict_read_timeout = std::chrono::seconds(2);
};

enum class CopyRole : std::uint8_t {
    kFollower,
    kStarting,  ///< Primary; its first entry is not committed yet, so it does not serve.
    kActive,    ///< Primary; takes operations.
    kDraining,  ///< Primary; finishes what it has before a handover.
    kStopped,   ///< Primary; has finished, and waits for the control plane's word.
};

/// The requests in the last entries of a log, oldest first.
using RequestWindow = std::deque<std::pair<Seq, RequestId>>;

/// kAsync: entries of a primary of the past that the present one never had. They may have been
/// acknowledged, and are gone.
struct LostRange {
    Seq from = 0;
    Seq to = 0;
    Term term = 0;  ///< Of the first.
};

/// A read that needs no clock: see ShardCopy::begin_strict_read().
struct StrictRead {
    std::uint64_t number = 0;
    std::optional<Seq> seq;  ///< Good when this much is applied; nothing: not to be answered here.
};

/// What a copy wants done. `cut` before `appends`; both go to the copy's log in this order, and
/// persisted() tells when they are durable.
struct CopyOutput {
    std::optional<Seq> cut;  ///< The log drops everything from here on.
    std::vector<EntryPtr> appends;
    std::vector<std::pair<NodeId, CopyMessage>> sends;
    std::vector<EntryPtr> committed;  ///< To be applied, in order.
    std::vector<Command> proposals;   ///< To the control plane.
    std::vector<NodeId> installs;     ///< Copies that need files: see install_done().
    /// This is no primary any more: nobody will be told of what is proposed and not committed.
    bool lost_role = false;
    std::optional<LostRange> lost;  ///< For the node's log.
    std::vector<StrictRead> reads;
};

/// One copy of one shard: the replication protocol as a state machine without I/O, clock or thread
/// (docs/design/004-cluster.md). A primary orders operations; they commit when every in-sync copy
/// has them durably; every copy applies what is committed, and nothing else.
///
/// Thread rule: owned by one loop.
class ShardCopy {
public:
    /// `log` is what was recovered, and durable: its base is what the engine has applied.
    /// `remembered` was stored with that, or came with it: requests_until().
    ShardCopy(
        const CopyOptions& options,
        ShardId shard,
        CopyId copy,
        CopyLog log,
        const RequestWindow& remembered
    );

    // ---- input

    /// The control plane's view, in the order of its versions; `incarnation` is this run's, as
    /// registered. Before the first call the copy says nothing.
    void on_state(const Shard& shard, std::uint64_t incarnation);

    /// An operation's place in the log: a new one, or that of the same request before. A request of
    /// the nil node is never the same as another. kUnavailable unless the role is kActive;
    /// kOverloaded if too much is not committed yet.
    Result<Seq> propose(const RequestId& request, std::int64_t time_ms, std::string operation);

    /// Takes back what was proposed from `from` on, so that nobody ever sees it: for a log without
    /// room. False, and nothing changes, if another copy may have been sent it.
    bool withdraw(Seq from);

    /// The log is durable up to `seq`, which is one that it still had when it was told to cut.
    void persisted(Seq seq);

    void receive(const NodeId& from, const CopyMessage& message);

    /// A read at the primary that is right whatever the clocks do: every other copy that the
    /// control plane may count says that no later term has begun. take_output() tells what came of
    /// it. kUnavailable unless the role is kActive; kOverloaded if too many are under way.
    Result<std::uint64_t> begin_strict_read();

    /// To be called every tenth of a second or so. A gap of half a second and more was a pause of
    /// this process, and does not count as silence of the others.
    void tick(MonotonicTime now);

    /// The engine's checkpoint holds everything up to `seq`: memory may forget it.
    void applied(Seq seq);

    /// Files as of `seq` were delivered to a node's copy, or were not. Of no meaning if it is not
    /// the node's copy any more.
    void install_done(const NodeId& node, CopyId copy, Seq seq, bool delivered);

    /// Whatever was on its way to a node may be lost.
    void reset_connection(const NodeId& node);

    bool has_output() const;
    CopyOutput take_output();

    /// Nothing is under way that only time would bring on: tick() may be left out until something
    /// else is called, and is then called first.
    bool is_idle() const;

    // ---- state

    ShardId shard() const { return shard_id_; }

    CopyId copy() const { return copy_; }

    CopyRole role() const { return role_; }

    /// kAsync: it has applied what the shard's primary never had, and is to be built anew.
    bool is_tainted() const { return tainted_; }

    bool is_primary() const { return role_ != CopyRole::kFollower; }

    /// Follower: it agrees with the primary of its term, and so knows what is committed.
    bool follows() const { return !is_primary() && !leader_.is_nil() && verified_ > 0; }

    Term term() const { return term_; }

    Seq committed() const { return committed_; }

    Seq last() const { return log_.last(); }

    /// Entries this far back are held for copies that are being sent files: no more than one
    /// snapshot may be later than that.
    const CopyLog& log() const { return log_; }

    const Shard& view() const { return view_; }

    /// How far another copy is known to be; for people.
    std::optional<Seq> match_of(const NodeId& node) const;

    /// Where the request stands in the log, if it is remembered.
    std::optional<Seq> find_request(const RequestId& request) const;

    /// What a checkpoint as of `seq` has to hold so that a retry is still seen as one.
    RequestWindow requests_until(Seq seq) const;

private:
    struct Peer {
        CopyId copy{};
        std::uint64_t incarnation = 0;
        Seq match = 0;
        Seq next = 1;
        bool probing = true;  ///< Where the logs agree is not known: one message at a time.
        bool probe_sent = false;
        std::optional<MonotonicTime> heard_at;  ///< In this term.
        /// Counts how often the search for that place began. Answers from before do not end it, nor
        /// begin another one: each would bring a burst of messages, and those more such answers.
        std::uint64_t attempt = 1;
        bool installing = false;
        Seq hold = 0;  ///< While installing: entries behind this one are kept.
        Seq committed_told = 0;
        Seq committed_acked = 0;
        std::size_t in_flight = 0;
        std::deque<std::pair<Seq, std::size_t>> sent;
        std::optional<MonotonicTime> waiting_since;  ///< For an answer.
        MonotonicTime sent_at{};
        MonotonicTime expand_after{};
        Duration expand_delay{};
    };

    struct PendingSet {
        std::uint64_t version = 0;
        ProposeInSync command;
        MonotonicTime sent_at{};
    };

    // Everybody: shard_copy.cc.
    void doubt_those_who_left(const std::set<NodeId>& in_sync);
    void enter_term(Term term);
    void step_down();
    void forgive_pause(Duration gap);
    void remember(Seq seq, const RequestId& request);
    void forget(const RequestWindow::value_type& remembered);
    void forget_from(Seq from);
    void append(EntryPtr entry);
    void trim();
    Seq applicable() const;

    bool is_async() const { return view_.mode == AckMode::kAsync; }

    bool is_member(const Shard& shard) const;
    void answer_election(MonotonicTime now);
    void ask_for_another_copy(MonotonicTime now);

    // The copy that follows: shard_copy_follower.cc.
    void on_prepare(const NodeId& from, const Prepare& prepare);
    bool matches(const Prepare& prepare) const;
    bool is_tainted_by(const Prepare& prepare) const;
    void taint(Seq from);
    void lose(Seq from);
    void cut_conflict(Seq from);
    void on_term_query(const NodeId& from, const TermQuery& query);
    void take_entries(const Prepare& prepare);
    Seq hint_for(const Prepare& prepare) const;
    Ack make_ack() const;
    void send_ack(const NodeId& to);
    void send_mismatch(const NodeId& to, const Prepare& prepare);

    // The primary: shard_copy_primary.cc.
    void become_primary();
    void sync_peers();
    void on_ack(const NodeId& from, const Ack& ack);
    void note_match(Peer& peer, const Ack& ack);
    void on_match(Peer& peer);
    void on_mismatch(Peer& peer, const Ack& ack);
    void advance_commit();
    void commit(Seq seq);
    Seq commit_of(const std::set<NodeId>& set) const;
    void drain();

    /// Neither to be added nor to be filled again.
    bool is_full_member(const NodeId& node) const {
        return view_.in_sync.contains(node) && !view_.blank.contains(node);
    }

    bool is_short() const { return view_.in_sync.size() < view_.min_in_sync; }

    std::set<NodeId> counted() const;
    void on_term_answer(const NodeId& from, const TermAnswer& answer);
    void end_strict_reads(MonotonicTime now);
    void drop_strict_reads();
    bool may_shrink_to(const std::set<NodeId>& left) const;
    void propose_set(std::set<NodeId> in_sync, const std::set<NodeId>& refilled = {});
    void on_set_decided();
    void delay_expand(Peer& peer, Duration delay_max) const;
    void maybe_shrink(MonotonicTime now);
    void maybe_expand(MonotonicTime now);
    void flush();
    bool send_to(const NodeId& node, Peer& peer);
    Prepare make_prepare(Peer& peer, Term previous_term);
    void restart_peer(Peer& peer);

    const CopyOptions options_;
    const ShardId shard_id_;
    const CopyId copy_;
    CopyLog log_;
    Shard view_;
    bool has_view_ = false;
    std::uint64_t incarnation_ = 0;
    Term term_ = 0;
    CopyRole role_ = CopyRole::kFollower;
    NodeId leader_;  ///< Whose Prepares are followed.
    std::uint64_t leader_attempt_ = 0;
    Seq persisted_ = 0;
    Seq verified_ = 0;  ///< Follower: equal to the primary's log up to here, in this term.
    Seq committed_ = 0;
    Seq handed_applied_ = 0;
    Seq checkpoint_ = 0;
    Seq no_op_ = 0;        ///< Primary: the entry that began its term.
    Term began_term_ = 0;  ///< The last term this copy was primary of.
    MonotonicTime now_{};
    std::map<NodeId, Peer> peers_;
    std::optional<PendingSet> pending_;

    struct Confirming {
        Seq seq = 0;
        std::map<NodeId, CopyId> missing;
        MonotonicTime since{};
    };

    std::map<std::uint64_t, Confirming> strict_reads_;
    std::uint64_t next_read_ = 1;
    std::optional<MonotonicTime> reported_at_;  ///< To an election, or as tainted.
    bool tainted_ = false;
    std::optional<MonotonicTime> handover_sent_at_;
    std::map<RequestId, Seq> requests_;
    RequestWindow request_order_;
    std::size_t uncommitted_bytes_ = 0;  ///< Primary: behind committed_.
    CopyOutput output_;
};

}  // namespace kumo::cluster
