#pragma once

#include "base/published.h"
#include "base/result.h"
#include "cluster/coordinator/coordinator.h"
#include "cluster/coordinator/lease.h"
#include "cluster/discovery/nodes_file.h"
#include "cluster/peering/peering.h"
#include "consensus/raft.h"
#include "io/address.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/resolver.h"
#include "io/worker_pool.h"
#include "node/background_jobs.h"
#include "node/control/control_options.h"
#include "node/control/control_storage.h"
#include "node/control/death_notice.h"
#include "node/control/departure.h"
#include "node/control/key_comparison.h"
#include "node/control/lost_control.h"
#include "node/control/meeting.h"
#include "node/control/owner_pulse.h"
#include "node/control/peer_types.h"
#include "node/control/waiting.h"
#include "node/node.h"
#include "node/snapshot_head.h"
#include "node/state.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::node {

/// A node's part in the control plane: consensus over its own log, the connections to the other
/// nodes, discovery, the node's lease and, when it leads, the coordinator.
///
/// Thread rule: loop-owned; open() blocks, before the loop runs. Lookups marked so from any thread.
class ControlPlane final : private cluster::PeerHandler {
public:
    struct Environment {
        io::Loop& loop;
        io::Fs& fs;
        io::Network& network;
        io::Resolver& resolver;
        io::WorkerPool& pool;
        io::WorkerPool& background;  ///< As of NodeEnvironment.
        const Clock& clock;
        io::Task on_full_disk = nullptr;  ///< On the loop: make room, or nothing goes on.
    };

    /// What the owner is told, on the loop.
    struct Events {
        /// After every change, and once at the start. `incarnation` is this run's; 0: it is not
        /// registered yet, so that the state speaks of the run before.
        std::function<void(std::shared_ptr<const State>, std::uint64_t incarnation)> on_state;
        std::function<void(const cluster::NodeId&, std::uint16_t type, ByteView)> on_message;
        std::function<
            void(const cluster::NodeId&, std::uint16_t type, ByteView, std::shared_ptr<cluster::PeerReply>)>
            on_request;
        std::function<void(const cluster::NodeId&)> on_connected;
        /// This node is about to leave its cluster of one for another: dissolve() is awaited, or
        /// nothing comes of it.
        std::function<void()> on_dissolve = nullptr;
        /// A cluster has let this node in and is not found since: begin_anew() is the way out for
        /// who was never registered there.
        std::function<void(const Uuid& cluster)> on_forsaken = nullptr;
        /// The lease ends at another time, given the states that on_state() has brought so far.
        std::function<void(std::int64_t deadline)> on_lease;
        /// To be answered by on_pulse() when whoever serves comes to it: who does not is replaced.
        std::function<void()> on_pulse = nullptr;
    };

    using Done = std::function<void(Result<Change>)>;

    /// kCorruption, saying what to do, for a directory that is damaged, unless there are others.
    static Result<std::unique_ptr<ControlPlane>>
    open(const Environment& environment, ControlOptions options);

    ~ControlPlane() override;

    /// Begins: connections, elections. `unclean` are copies that may have lost something.
    void start(Events events, std::set<cluster::CopyId> unclean);

    // ---- service

    /// `done` runs on the loop when this node has applied the command, with what it did. Errors
    /// besides the command's: kOverloaded above kCommandsWaitingMax; kUnavailable if there was no
    /// leader for kProposeTimeout: then it is unknown whether it will be applied.
    void propose(Command command, Done done);

    void propose_cluster(cluster::Command command);  ///< Not awaited: the state is the answer.

    /// Hands leadership to this node; kUnavailable if it cannot be.
    Status lead();

    /// Reads the nodes file now, and does what follows from it. kInvalidArgument without one; else
    /// the error of the file.
    Status reset_peers();

    // Met clusters: control_meet.cc.

    /// Makes one cluster of this node's and that of whoever is at the peering address, if one of
    /// the two is a cluster of one: that one joins the other. Tried for kMeetTimeout; `done` says
    /// what came of it, or is never called if this node is the one that joins.
    void meet(std::string address, std::function<void(Status)> done);

    void dissolve();    ///< What the node has is safe: it may join the other cluster.
    void begin_anew();  ///< After on_forsaken: a new node, unless the cluster has been found.

    /// Leaves the cluster, if it is in one, and begins one of its own, as `node`: itself, or one
    /// that there has never been.
    void reset(const cluster::NodeId& node);

    void set_host(const std::string& host);  ///< Where it is reached, if that was not known.
    void set_name(const std::string& name);

    Status send(const cluster::NodeId& node, PeerMessage type, ByteView bytes);
    void call(
        const cluster::NodeId& node,
        PeerRequest type,
        ByteView bytes,
        Duration timeout,
        cluster::CallDone done
    );

    /// `done` runs when this node has applied what the leader had committed when this was called,
    /// so that whatever another node has told somebody is here. After kRefreshTimeout in any case.
    void refresh(io::Task done);

    /// This node is about to end: the others do not hand it leadership any more.
    void announce_end();

    /// Before this node stops on purpose: it gives up its lease, and says so, so that the others go
    /// on without waiting for it to be missed. `done` runs when they do, or after kRetireTimeout.
    /// At once if there are no others, or those that are up are about to end, too.
    void retire(io::Task done);

    /// This node's data is of no use any more: it asks for no lease from now on, and the others go
    /// on without it.
    void leave_service(const Error& why) { fail(why); }

    void on_pulse() { pulse_.on_answer(); }

    const cluster::NodeId& self() const { return self_; }

    std::shared_ptr<const State> state() const { return state_; }

    // ---- any thread

    /// Whether this node may serve, by a clock read taken now.
    bool has_lease() const { return has_lease_until(INT64_MAX); }

    /// The same, with a lease that on_lease() has told of.
    bool has_lease_until(std::int64_t deadline) const;

    std::shared_ptr<const ControlStatus> status() const { return status_.load(); }

    io::Address peering_address() const { return peering_->address(); }

    static constexpr std::size_t kCommandsWaitingMax = 1024;
    static constexpr Duration kProposeTimeout = std::chrono::seconds(10);
    static constexpr Duration kRefreshTimeout = std::chrono::seconds(1);
    static constexpr Duration kRetireTimeout = std::chrono::seconds(3);
    static constexpr Duration kMeetTimeout = std::chrono::seconds(15);

private:
    ControlPlane(const Environment& environment, ControlOptions options);

    // Consensus: control_plane.cc.
    Status recover();
    Status open_storage();
    void know_from_log();
    Status make_peering();
    void found_cluster(std::size_t members_expected);
    void start_raft(const ControlStorage::Recovered& recovered);
    void tick();
    void drain();
    void handle(consensus::Ready ready);
    void pass(consensus::Index index);
    void apply(const consensus::Entry& entry);
    void send_consensus(const consensus::Message& message);
    void send_snapshot(const consensus::Message& message);
    void snapshot_sent(const cluster::NodeId& to, bool delivered);
    void step(const consensus::Message& message);
    void maybe_compact();
    void state_changed();
    void fail(const Error& error);
    void publish();
    void announce_lease();
    void ask_state_index();
    void on_state_index(const std::shared_ptr<cluster::PeerReply>& reply);
    void refresh_up_to(consensus::Index index);
    void end_refresh();
    void send_next_proposal();
    void expire_proposals();
    void take_proposal(ByteView bytes);

    // Membership: control_members.cc.
    void on_nodes(const std::vector<cluster::NodeAddress>& nodes);
    void update_peers();
    void add_callers(std::vector<cluster::PeerTarget>& targets, std::set<std::string>& known) const;
    void seek_cluster();
    bool may_found() const;
    bool somebody_is_in() const;
    void seek_with_seed();
    void seek_again();
    void forget_lost();
    bool lists_only_self() const;
    void ask_to_join();
    void say_why_alone();
    void on_join_answer(const cluster::NodeId& node, const Result<std::string>& answer);
    void get_to_know(ByteView answer);
    void on_join(ByteView bytes, const std::shared_ptr<cluster::PeerReply>& reply);
    Status begin_joining(const cluster::NodeId& node, const std::string& address);
    void note_refused_join(const Error& why);
    void admit(const cluster::NodeId& node);
    void adjust_members();
    void adjust_voters();
    void remove_gone();
    void claim_listed();
    bool is_listed(const std::string& address) const;
    void maybe_force();
    void say_led_elsewhere();
    void register_self();
    void update_self();
    void beacon();
    void ask_owner();
    bool may_ask_for_lease() const;
    bool rides_now(const cluster::NodeId& to) const;
    cluster::LeaseRequest next_lease_request();
    void take_consensus(const cluster::NodeId& node, ByteView bytes);
    void on_beat(const cluster::NodeId& node, PeerMessage type, ByteView bytes);
    void take_grant(const cluster::Grant& grant);
    void send_late_grants();
    void retire_step();
    void say_leaving(const cluster::NodeId& node);
    void on_leaving(
        const cluster::NodeId& node,
        ByteView bytes,
        const std::shared_ptr<cluster::PeerReply>& reply
    );
    bool is_leaving(const cluster::Member& member) const;
    bool somebody_stays() const;
    void keep_obituary();
    void write_obituary(Obituary next);
    void on_death(const cluster::NodeId& node, ByteView bytes);
    void fence_dead();
    bool make_way();
    void lead_or_not();
    void drain_coordinator();
    cluster::Member self_member() const;

    // Met clusters: control_meet.cc.
    void ask_meeting();
    void on_met(const Result<MeetAnswer>& answer);
    void on_meet(ByteView bytes, const std::shared_ptr<cluster::PeerReply>& reply);
    Result<MeetAnswer> answer_meeting(const MeetRequest& request);
    bool is_alone() const;
    void remember_host(const cluster::Member& as_known);
    bool lacks_host() const;
    std::string departure_address() const;
    bool has_no_slots() const;
    void lead_departure(const std::string& address);
    void on_depart(const cluster::NodeId& node, ByteView address);
    void prepare_departure(std::string address);
    void leave_cluster();
    void watch_departure();
    void come_back();
    bool is_forsaken() const;
    void say_forsaken();
    void end_meeting(Status status);
    bool may_rejoin(const cluster::NodeId& node, bool fresh) const;

    // Mistakes made visible: control_checks.cc.
    std::string title_of(const cluster::NodeId& node) const;
    void compare_keys();
    void say_epoch_lost(const consensus::Message& message, const consensus::Epoch& before);
    std::string origin_of(const std::string& address) const;
    void check_list();
    void check_api_ports();
    void on_key_check(const std::shared_ptr<cluster::PeerReply>& reply);

    void on_peer_up(const cluster::PeerHello& peer) override;
    void on_caller(const cluster::PeerHello& peer) override;
    void on_other_node(const std::string& address, const cluster::PeerHello& found) override;
    void on_peer_down(const cluster::NodeId& node, const Status& why) override;
    void on_message(
        const cluster::NodeId& node,
        cluster::Channel channel,
        std::uint16_t type,
        ByteView bytes
    ) override;
    void on_request(
        const cluster::NodeId& node,
        std::uint16_t type,
        ByteView bytes,
        std::shared_ptr<cluster::PeerReply> reply
    ) override;
    void on_snapshot(ByteView bytes, const std::shared_ptr<cluster::PeerReply>& reply);
    void on_lease_request(const cluster::NodeId& node, ByteView bytes);
    void on_grant(ByteView bytes);
    void on_yield(const cluster::NodeId& node);

    MonotonicTime now() const { return clock_.boottime_now(); }

    io::Loop& loop_;
    io::Fs& fs_;
    io::Network& network_;
    io::Resolver& resolver_;
    const Clock& clock_;
    const io::Task on_full_disk_;
    ControlOptions options_;
    BackgroundJobs jobs_;
    Events events_;

    cluster::NodeId self_;
    Uuid boot_;
    bool in_its_place_ = true;  ///< The data directory is where it was made.
    std::set<cluster::CopyId> unclean_;
    std::unique_ptr<ControlStorage> storage_;
    ControlStorage::Recovered recovered_;
    std::optional<LostControl> lost_;  ///< The node was in a cluster, and is to join that one.
    std::unique_ptr<consensus::Raft> raft_;
    std::unique_ptr<cluster::Peering> peering_;
    std::unique_ptr<cluster::NodesFileWatcher> nodes_file_;
    std::shared_ptr<const State> state_ = std::make_shared<const State>();
    bool announce_ = false;
    std::map<consensus::Index, std::shared_ptr<const State>> snapshots_;
    std::shared_ptr<const State> arriving_;  ///< A snapshot's, while it is stepped.
    bool storing_snapshot_ = false;
    std::optional<Error> failed_;
    MonotonicTime last_tick_;
    MonotonicTime leaderless_since_;

    std::deque<WaitingProposal> proposals_;
    std::uint64_t next_proposal_ = 1;

    std::vector<io::Task> refreshing_;    ///< Wait for the state at refresh_index_.
    std::vector<io::Task> refresh_next_;  ///< Came after the leader was asked.
    consensus::Index refresh_index_ = 0;  ///< 0: the leader has not answered.
    io::TimerId refresh_timer_;

    std::optional<std::vector<cluster::NodeAddress>> nodes_;
    std::map<cluster::NodeId, cluster::PeerHello> connected_;
    std::map<cluster::NodeId, std::string> joining_;  ///< Learners to be; one at each address.
    /// Who was found at a member's address, and is in the cluster, as this node does not know yet.
    std::map<std::string, cluster::NodeId> successors_;
    cluster::NodeId removing_;                   ///< Who was said to be removed.
    MonotonicTime joined_at_, join_refused_at_;  ///< When asked; when a refusal was logged.
    std::string join_refusal_;                   ///< The last one: each is logged once.
    /// Where the others were: until this run is registered, the state may be older than the log.
    std::vector<std::string> known_before_;
    Uuid expelled_from_;    ///< Was told to go, and is in no other.
    bool half_in_ = false;  ///< A run before was let in, and has not registered.
    std::optional<LedElsewhere> led_elsewhere_;
    MonotonicTime said_led_elsewhere_until_;
    bool said_why_alone_ = false;
    bool said_seed_waits_ = false, said_lost_waits_ = false;
    std::uint64_t registered_after_ = 0;  ///< The run before, as it was known then.
    MonotonicTime registered_at_, beacon_at_, members_at_, said_forsaken_at_;
    std::optional<Obituary> obituary_;               ///< As it is on disk, or will be.
    std::map<cluster::NodeId, std::uint64_t> dead_;  ///< Runs that are over and not fenced yet.
    MonotonicTime fenced_dead_at_, retire_until_, retire_asked_at_;
    io::Task when_retired_;
    bool retiring_ = false;
    bool leaving_ = false;                                   ///< Announced.
    std::map<cluster::NodeId, std::uint64_t> leaving_runs_;  ///< Of others, by what they said.
    bool founding_ = false;
    std::unique_ptr<Departure> departure_;  ///< To another cluster.
    std::unique_ptr<Meeting> meeting_;
    std::string meets_;  ///< Whom; empty: nobody.
    MonotonicTime meets_until_;
    std::function<void(Status)> when_met_;
    MonotonicTime host_until_;       ///< Somebody was told to join this node's cluster.
    std::uint64_t raft_number_ = 0;  ///< What is stored for one raft_ is not reported to the next.
    KeyComparison keys_;
    bool key_check_begun_ = false;
    MonotonicTime api_ports_at_;
    bool draining_coordinator_ = false;
    std::uint64_t incarnation_ = 0;

    std::map<cluster::NodeId, WaitingGrant> grants_waiting_;
    OwnerPulse pulse_;
    cluster::Lease lease_;
    std::unique_ptr<cluster::Coordinator> coordinator_;
    std::atomic<std::int64_t> lease_deadline_{0};
    std::int64_t announced_deadline_ = 0;
    Published<ControlStatus> status_;
};

}  // namespace kumo::node
