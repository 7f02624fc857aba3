#include "node/control/control_plane.h"

#include "base/assert.h"
#include "base/log.h"
#include "cluster/consensus_codec.h"
#include "node/control/lease_codec.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace kumo::node {

namespace {

constexpr Duration kTickInterval = std::chrono::milliseconds(20);
constexpr Duration kProposeAgainAfter = std::chrono::milliseconds(500);
constexpr Duration kSnapshotTimeout = std::chrono::seconds(60);

/// Applied commands after which a snapshot is stored: what a restart has to read.
constexpr consensus::Index kCompactAfter = 1000;

/// So many beacons later a loop that does not answer has no lease asked for any more. Together with
/// what others wait for then: what takes less than the lease costs no failover.
constexpr int kPulsesMissedMax = 2;

/// Snapshots in memory that may still be on their way to somebody.
constexpr std::size_t kSnapshotsKept = 3;

Duration jitter(io::Loop& loop, const consensus::RaftOptions& options) {
    const auto most = static_cast<std::uint64_t>(options.election_timeout.count());
    return Duration(static_cast<std::int64_t>(loop.random().below(most)));
}

}  // namespace

ControlPlane::ControlPlane(const Environment& environment, ControlOptions options)
    : loop_(environment.loop),
      fs_(environment.fs),
      network_(environment.network),
      resolver_(environment.resolver),
      clock_(environment.clock),
      on_full_disk_(environment.on_full_disk),
      options_(std::move(options)),
      jobs_(environment.loop, environment.pool, environment.background),
      boot_(make_uuid(environment.loop.random())),
      pulse_(
          options_.coordinator.lease.beacon_interval,
          kPulsesMissedMax * options_.coordinator.lease.beacon_interval
      ),
      lease_(options_.coordinator.lease),
      coordinator_(std::make_unique<cluster::Coordinator>(options_.coordinator)),
      status_(std::make_shared<const ControlStatus>()) {}

ControlPlane::~ControlPlane() = default;

Result<std::unique_ptr<ControlPlane>>
ControlPlane::open(const Environment& environment, ControlOptions options) {
    std::unique_ptr<ControlPlane> plane(new ControlPlane(environment, std::move(options)));
    KUMO_TRY(plane->recover());
    return plane;
}

/// One that is damaged is no basis for a vote. Where there are others, the node goes on as a new
/// one at its address.
Status ControlPlane::open_storage() {
    const ControlStorage::Environment environment{loop_, fs_, jobs_, on_full_disk_};
    KUMO_TRY_ASSIGN(lost_, read_lost_control(fs_, options_.directory));
    auto opened = ControlStorage::open(environment, options_.directory, recovered_);
    if (!opened.ok() && opened.error().code == ErrorCode::kCorruption) {
        if (!options_.has_others || options_.seed) {
            return corruption(
                opened.error().message
                + ": the control plane's directory is damaged, and the nodes file names no other "
                  "node that could help: restore the data directory from a snapshot or a backup; or, "
                  "to begin with nothing, move the whole directory "
                + io::parent_path(options_.directory) + " away and start again"
            );
        }
        log_error(opened.error().message);
        KUMO_TRY(set_control_aside(fs_, options_.directory, opened.error()));
        KUMO_TRY_ASSIGN(lost_, read_lost_control(fs_, options_.directory));
        recovered_ = {};
        opened = ControlStorage::open(environment, options_.directory, recovered_);
    }
    KUMO_TRY_ASSIGN(storage_, std::move(opened));
    if (lost_) {
        log_warn(
            "this node joins its cluster as a new one, " + recovered_.identity.node.to_string()
            + ", and is sent everything: " + lost_->why
        );
    }
    return {};
}

Status ControlPlane::recover() {
    KUMO_TRY(open_storage());
    const State& known = *recovered_.snapshot.state;
    if (options_.seed && !known.cluster.id.is_nil() && known.cluster.id != options_.seed->cluster) {
        return Error{
            ErrorCode::kConflict,
            "there is a snapshot in a data directory that is in use already: a snapshot is "
            "restored by starting a server on a directory with nothing else in it"};
    }
    self_ = recovered_.identity.node;
    in_its_place_ = recovered_.identity.place == recovered_.place;
    options_.raft.id = self_;
    state_ = recovered_.snapshot.state;
    if (const auto before = read_obituary(fs_, options_.directory); before.ok()) {
        obituary_ = before.value();
        known_before_ = obituary_->others;
        half_in_ = options_.is_met && obituary_->incarnation == 0;
    }
    if (!half_in_ && known.kv.forgotten.contains(self_)
        && cluster::find_member(known.cluster, self_) == nullptr) {
        expelled_from_ = known.cluster.id;
    }
    know_from_log();
    return make_peering();
}

/// Whose entries are not known to be committed yet: to learn that, the leader has to be answered.
void ControlPlane::know_from_log() {
    for (const consensus::Entry& entry : recovered_.entries) {
        const auto proposal = entry.type == consensus::EntryType::kCommand
                                  ? decode_proposal(entry.data)
                                  : Result<Proposal>(Proposal());
        const auto* command =
            proposal.ok() ? std::get_if<cluster::Command>(&proposal.value().command) : nullptr;
        const auto* registers =
            command == nullptr ? nullptr : std::get_if<cluster::Register>(command);
        if (registers != nullptr) {
            known_before_.push_back(registers->member.peering_address);
        }
    }
}

Status ControlPlane::make_peering() {
    peering_.reset();
    cluster::PeeringOptions peering;
    peering.self.cluster = state_->cluster.id;
    if (peering.self.cluster.is_nil() && lost_) {
        peering.self.cluster = lost_->cluster;  // It is to be found by no other.
    } else if (peering.self.cluster.is_nil() && half_in_) {
        peering.self.cluster = obituary_->cluster;
    }
    peering.self.node = self_;
    peering.self.incarnation = load_unaligned<std::uint64_t>(boot_.bytes.data());
    peering.self.name = options_.name;
    if (!options_.peering_address.empty()) {
        peering.self.addresses = {options_.peering_address};
    }
    peering.listen = options_.peering_listen;
    peering.tls = options_.tls;
    KUMO_TRY_ASSIGN(
        peering_,
        cluster::Peering::make({loop_, network_, resolver_, fs_}, std::move(peering), *this)
    );
    if (options_.peering_address.empty() && options_.peering_listen) {
        options_.peering_address = peering_->address().to_string();
    }
    return {};
}

void ControlPlane::start(Events events, std::set<cluster::CopyId> unclean) {
    events_ = std::move(events);
    unclean_ = std::move(unclean);
    last_tick_ = now();
    leaderless_since_ = last_tick_;
    const bool in_cluster =
        recovered_.snapshot.meta.index > 0 || recovered_.hard_state.epoch.number > 0;
    if (in_cluster) {
        start_raft(recovered_);
    }
    recovered_.entries.clear();
    if (!options_.nodes_file.empty()) {
        nodes_file_ = std::make_unique<cluster::NodesFileWatcher>(
            loop_,
            fs_,
            cluster::NodesFileOptions{options_.nodes_file, options_.nodes_file_interval},
            [this](const std::vector<cluster::NodeAddress>& nodes) { on_nodes(nodes); }
        );
        const Status read = nodes_file_->start();
        if (!read.ok()) {
            log_warn("the nodes file is of no use yet: " + read.error().message);
        }
    }
    update_peers();
    state_changed();
    tick();
}

void ControlPlane::start_raft(const ControlStorage::Recovered& recovered) {
    snapshots_ = {{recovered.snapshot.meta.index, recovered.snapshot.state}};
    state_ = recovered.snapshot.state;
    raft_ = std::make_unique<consensus::Raft>(
        options_.raft,
        recovered.hard_state,
        recovered.snapshot.meta,
        recovered.entries,
        jitter(loop_, options_.raft)
    );
}

/// This node is the first of a cluster.
void ControlPlane::found_cluster(std::size_t members_expected) {
    if (founding_) {
        return;
    }
    founding_ = true;
    auto first = std::make_shared<State>();
    first->applied = 1;
    if (options_.seed) {
        *first = first_state(*options_.seed, self_);
    }
    const Uuid name = options_.seed ? options_.seed->cluster : make_uuid(loop_.random());
    const cluster::Found found{name, members_expected};
    const Status named = cluster::apply(first->cluster, found);
    KUMO_ASSERT(named.ok());
    log_info("this node founds cluster " + found.id.to_string());
    auto begin = std::make_shared<ControlStorage::Recovered>();
    begin->snapshot.meta.index = 1;
    begin->snapshot.meta.term = 1;
    begin->snapshot.meta.epoch = {1, make_uuid(loop_.random())};
    begin->snapshot.meta.configuration.voters = {self_};
    begin->snapshot.state = first;
    begin->hard_state = {begin->snapshot.meta.epoch, 1, {}, false};
    consensus::Ready ready;
    ready.snapshot = begin->snapshot.meta;
    ready.hard_state = begin->hard_state;
    storage_->persist(std::move(ready), first, [this, begin](const Status& stored) {
        if (!stored.ok()) {
            fail(stored.error());
            return;
        }
        start_raft(*begin);
        state_changed();
    });
}

void ControlPlane::fail(const Error& error) {
    if (!failed_) {
        log_error("this node stops serving: " + error.message);
        failed_ = error;
        lease_.drop();
        publish();
    }
}

// ---- time

void ControlPlane::tick() {
    const MonotonicTime time = now();
    const Duration elapsed = time - std::exchange(last_tick_, time);
    (void)loop_.add_timer(kTickInterval, [this] { tick(); });
    if (failed_) {
        return;
    }
    if (raft_ != nullptr) {
        raft_->tick(elapsed, jitter(loop_, options_.raft));
        drain();
        if (!raft_->leader().is_nil()) {
            leaderless_since_ = time;
        }
    }
    seek_cluster();
    register_self();
    ask_owner();
    beacon();
    retire_step();
    fence_dead();
    compare_keys();
    check_api_ports();
    coordinator_->tick(time);
    drain_coordinator();
    send_late_grants();
    adjust_members();
    maybe_force();
    expire_proposals();
    publish();
    announce_lease();
}

void ControlPlane::step(const consensus::Message& message) {
    if (raft_ != nullptr && !failed_) {
        const consensus::Epoch epoch = raft_->epoch();
        const bool was_superseded = raft_->is_superseded();
        raft_->step(message);
        if (raft_->epoch() != epoch || raft_->is_superseded() != was_superseded) {
            say_epoch_lost(message, epoch);
        }
        drain();
    }
}

void ControlPlane::drain() {
    while (raft_ != nullptr && raft_->has_ready() && !failed_) {
        handle(raft_->take_ready());
    }
    lead_or_not();
    maybe_compact();
    if (std::exchange(announce_, false)) {
        state_changed();
        drain_coordinator();
    }
}

void ControlPlane::handle(consensus::Ready ready) {
    for (const consensus::Message& message : ready.messages) {
        send_consensus(message);
    }
    if (ready.snapshot) {
        KUMO_ASSERT(arriving_ != nullptr);
        state_ = arriving_;
        snapshots_ = {{ready.snapshot->index, state_}};
        announce_ = true;
    }
    const auto snapshot_state = ready.snapshot ? state_ : nullptr;
    for (const consensus::Entry& entry : ready.committed) {
        apply(entry);
    }
    for (const consensus::ReadState& read : ready.reads) {
        coordinator_->on_round(read.context, read.index);
    }
    for (const cluster::NodeId& node : ready.lost_data) {
        log_error("node " + node.to_string() + " has lost entries of the control plane's log");
    }
    const std::uint64_t sequence = ready.sequence;
    const std::uint64_t number = raft_number_;
    const auto after = std::make_shared<const std::vector<consensus::Message>>(
        std::move(ready.messages_after_persist)
    );
    storage_->persist(std::move(ready), snapshot_state, [=, this](const Status& stored) {
        if (!stored.ok()) {
            fail(stored.error());
            return;
        }
        if (number != raft_number_) {
            return;  // This node has left that cluster.
        }
        for (const consensus::Message& message : *after) {
            send_consensus(message);
        }
        raft_->persisted(sequence);
        drain();
    });
    drain_coordinator();
}

/// An entry without a command for the state.
void ControlPlane::pass(consensus::Index index) {
    auto next = std::make_shared<State>(*state_);
    next->applied = index;
    state_ = std::move(next);
}

void ControlPlane::apply(const consensus::Entry& entry) {
    announce_ = true;
    if (entry.type != consensus::EntryType::kCommand) {
        pass(entry.index);
        return;
    }
    auto proposal = decode_proposal(entry.data);
    if (!proposal.ok()) {
        // The same on every node, so that their states stay equal.
        log_error("a command is of no use: " + proposal.error().message);
        pass(entry.index);
        return;
    }
    Applied applied = node::apply(*state_, entry.index, proposal.value());
    state_ = std::make_shared<const State>(std::move(applied.state));
    const Proposal& known = proposal.value();
    const bool awaited = known.node == self_ && known.mark.run == boot_ && !proposals_.empty()
                         && proposals_.front().number == known.mark.number;
    if (awaited) {
        const Done done = std::move(proposals_.front().done);
        proposals_.pop_front();
        // After the state has been announced: what was made is there when its maker is told.
        auto change = std::make_shared<Result<Change>>(std::move(applied.change));
        loop_.post([done, change] { done(std::move(*change)); });
        send_next_proposal();
    }
}

void ControlPlane::maybe_compact() {
    if (raft_ == nullptr || storing_snapshot_ || failed_) {
        return;
    }
    const consensus::SnapshotMeta& last = raft_->snapshot();
    const bool many = state_->applied >= last.index + kCompactAfter;
    const bool new_epoch = last.epoch != raft_->epoch() && raft_->is_ready_leader();
    if (state_->applied <= last.index || (!many && !new_epoch)) {
        return;
    }
    storing_snapshot_ = true;
    raft_->compact(state_->applied);
    snapshots_[state_->applied] = state_;
    while (snapshots_.size() > kSnapshotsKept) {
        snapshots_.erase(snapshots_.begin());
    }
    storage_->store_snapshot({raft_->snapshot(), state_}, [this](const Status& stored) {
        storing_snapshot_ = false;
        if (!stored.ok()) {
            fail(stored.error());
        }
    });
}

void ControlPlane::state_changed() {
    const cluster::State& cluster = state_->cluster;
    const cluster::Member* member = cluster::find_member(cluster, self_);
    if (member != nullptr) {
        remember_host(*member);
    }
    const std::uint64_t before = incarnation_;
    incarnation_ = member != nullptr && member->boot == boot_ ? member->incarnation : 0;
    if (incarnation_ != before) {
        lease_.drop();
    }
    if (options_.is_met && member == nullptr && before != 0) {
        expelled_from_ = cluster.id;
    }
    if (!cluster.id.is_nil()) {
        peering_->set_cluster(cluster.id);
    }
    lease_.on_applied(state_->applied);
    coordinator_->on_state(
        std::shared_ptr<const cluster::State>(state_, &state_->cluster),
        state_->applied
    );
    if (cluster.members.size() > 1) {
        host_until_ = {};
    }
    for (const auto& [id, known] : cluster.members) {
        joining_.erase(id);
        std::erase_if(leaving_runs_, [&id = id, &known = known](const auto& each) {
            return each.first == id && each.second != known->incarnation;
        });
    }
    forget_lost();
    update_peers();
    keep_obituary();
    publish();
    events_.on_state(state_, incarnation_);
    announce_lease();
    if (refresh_index_ != 0 && state_->applied >= refresh_index_ && !refreshing_.empty()) {
        end_refresh();
    }
}

void ControlPlane::publish() {
    lease_deadline_.store(failed_ ? 0 : lease_.deadline());
    auto status = std::make_shared<ControlStatus>();
    status->self = self_;
    status->in_cluster = !state_->cluster.id.is_nil();
    status->other_keys = keys_.others();
    const auto stats = peering_ == nullptr ? cluster::PeeringStats() : peering_->stats();
    status->peers_refused = std::accumulate(stats.refused.begin(), stats.refused.end(), 0ULL);
    status->dials_failed = stats.dials_failed;
    if (raft_ != nullptr) {
        status->leader = raft_->leader();
        status->is_leader = raft_->is_ready_leader();
        status->term = raft_->term();
        status->commit = raft_->commit_index();
        status->epoch = raft_->epoch();
        const auto& configuration = raft_->configuration();
        status->voters.assign(configuration.voters.begin(), configuration.voters.end());
        status->learners.assign(configuration.learners.begin(), configuration.learners.end());
    }
    status_.store(std::move(status));
}

/// Behind the states that it needs.
void ControlPlane::announce_lease() {
    const std::int64_t deadline = lease_deadline_.load();
    if (events_.on_lease && std::exchange(announced_deadline_, deadline) != deadline) {
        events_.on_lease(deadline);
    }
}

bool ControlPlane::has_lease_until(std::int64_t deadline) const {
    const std::int64_t soonest = std::min(deadline, lease_deadline_.load());
    return clock_.boottime_now().time_since_epoch().count() < soonest;
}

// ---- proposals

void ControlPlane::propose(Command command, Done done) {
    if (failed_) {
        done(Error{ErrorCode::kUnavailable, failed_->message});
        return;
    }
    if (proposals_.size() >= kCommandsWaitingMax) {
        done(Error{ErrorCode::kOverloaded, "too many changes of collections and keys are waiting"});
        return;
    }
    WaitingProposal waiting;
    waiting.number = next_proposal_++;
    waiting.proposal = encode_proposal({self_, {boot_, waiting.number}, std::move(command)});
    waiting.deadline = now() + kProposeTimeout;
    waiting.done = std::move(done);
    proposals_.push_back(std::move(waiting));
    if (proposals_.size() == 1) {
        send_next_proposal();
    }
}

/// One at a time: so that the number of the last one says which have been applied.
void ControlPlane::send_next_proposal() {
    if (proposals_.empty() || raft_ == nullptr) {
        return;
    }
    WaitingProposal& waiting = proposals_.front();
    waiting.sent_at = now();
    if (raft_->is_leader()) {
        (void)raft_->propose(waiting.proposal);
        loop_.defer([this] { drain(); });
    } else if (!raft_->leader().is_nil()) {
        (void)send(raft_->leader(), PeerMessage::kPropose, waiting.proposal);
    }
}

void ControlPlane::expire_proposals() {
    const MonotonicTime time = now();
    while (!proposals_.empty() && time >= proposals_.front().deadline) {
        const Done done = std::move(proposals_.front().done);
        proposals_.pop_front();
        done(Error{ErrorCode::kUnavailable, "Could not find a leader."});
    }
    if (!proposals_.empty() && time - proposals_.front().sent_at >= kProposeAgainAfter) {
        send_next_proposal();
    }
}

// ---- being up to date

void ControlPlane::refresh(io::Task done) {
    if (raft_ == nullptr || failed_ || refresh_next_.size() >= kCommandsWaitingMax) {
        done();
        return;
    }
    refresh_next_.push_back(std::move(done));
    if (refreshing_.empty()) {
        ask_state_index();
    }
}

/// One question for all who have come so far.
void ControlPlane::ask_state_index() {
    refreshing_ = std::exchange(refresh_next_, {});
    refresh_index_ = 0;
    if (refreshing_.empty()) {
        return;
    }
    refresh_timer_ = loop_.add_timer(kRefreshTimeout, [this] { end_refresh(); });
    if (raft_->is_leader()) {
        refresh_up_to(raft_->commit_index());
    } else if (!raft_->leader().is_nil()) {
        call(
            raft_->leader(),
            PeerRequest::kStateIndex,
            {},
            kRefreshTimeout,
            [this, timer = refresh_timer_](const Result<std::string>& answer) {
                wire::ByteReader in(answer.ok() ? ByteView(answer.value()) : ByteView());
                const consensus::Index index = in.number();
                if (in.at_end() && timer == refresh_timer_) {
                    refresh_up_to(index);
                }
            }
        );
    }
}

void ControlPlane::on_state_index(const std::shared_ptr<cluster::PeerReply>& reply) {
    if (raft_ == nullptr || !raft_->is_ready_leader()) {
        reply->answer(Error{ErrorCode::kUnavailable, "this node does not lead"});
        return;
    }
    std::string answer;
    wire::append_varint(answer, raft_->commit_index());
    reply->answer(std::move(answer));
}

void ControlPlane::refresh_up_to(consensus::Index index) {
    refresh_index_ = index;
    if (state_->applied >= index) {
        end_refresh();
    }
}

void ControlPlane::end_refresh() {
    loop_.cancel_timer(std::exchange(refresh_timer_, {}));
    for (const io::Task& done : std::exchange(refreshing_, {})) {
        done();
    }
    ask_state_index();
}

void ControlPlane::propose_cluster(cluster::Command command) {
    if (raft_ == nullptr || failed_) {
        return;
    }
    const std::string bytes = encode_proposal({{}, {}, Command(std::move(command))});
    if (raft_->is_leader()) {
        (void)raft_->propose(bytes);
        loop_.defer([this] { drain(); });
    } else if (!raft_->leader().is_nil()) {
        (void)send(raft_->leader(), PeerMessage::kPropose, bytes);
    }
}

void ControlPlane::take_proposal(ByteView bytes) {
    // What does not decode is refused here: once in the log it would be there for good.
    if (raft_ != nullptr && decode_proposal(bytes).ok()) {
        (void)raft_->propose(std::string(bytes));
        drain();
    }
}

// ---- messages

Status ControlPlane::send(const cluster::NodeId& node, PeerMessage type, ByteView bytes) {
    const auto channel =
        type < PeerMessage::kCopy ? cluster::Channel::kControl : cluster::Channel::kData;
    return peering_->send(node, channel, static_cast<std::uint16_t>(type), bytes);
}

void ControlPlane::call(
    const cluster::NodeId& node,
    PeerRequest type,
    ByteView bytes,
    Duration timeout,
    cluster::CallDone done
) {
    peering_->call(node, static_cast<std::uint16_t>(type), bytes, timeout, std::move(done));
}

void ControlPlane::send_snapshot(const consensus::Message& message) {
    const auto found = snapshots_.find(message.snapshot.index);
    if (found == snapshots_.end()) {
        loop_.post([this, to = message.to] { snapshot_sent(to, false); });
        return;
    }
    std::string bytes;
    wire::append_sized(bytes, cluster::encode_consensus_message(message));
    wire::append_sized(bytes, encode_state(*found->second));
    call(
        message.to,
        PeerRequest::kSnapshot,
        bytes,
        kSnapshotTimeout,
        [this, to = message.to](const Result<std::string>& done) { snapshot_sent(to, done.ok()); }
    );
}

void ControlPlane::snapshot_sent(const cluster::NodeId& to, bool delivered) {
    if (raft_ != nullptr) {
        raft_->snapshot_done(to, delivered);
        drain();
    }
}

void ControlPlane::on_snapshot(ByteView bytes, const std::shared_ptr<cluster::PeerReply>& reply) {
    wire::ByteReader in(bytes);
    const auto message = cluster::decode_consensus_message(in.sized());
    auto state = decode_state(in.sized());
    const bool good = message.ok() && state.ok() && in.at_end()
                      && message.value().type == consensus::MessageType::kSnapshot
                      && state.value().applied == message.value().snapshot.index;
    if (!good) {
        reply->answer(corruption("a snapshot is not well formed"));
        return;
    }
    arriving_ = std::make_shared<const State>(std::move(state).value());
    step(message.value());
    arriving_.reset();
    reply->answer(std::string());
}

void ControlPlane::on_message(
    const cluster::NodeId& node,
    cluster::Channel /*channel*/,
    std::uint16_t type,
    ByteView bytes
) {
    switch (static_cast<PeerMessage>(type)) {
        case PeerMessage::kConsensus: take_consensus(node, bytes); return;
        case PeerMessage::kBeatAndGrant:
        case PeerMessage::kReplyAndLeaseRequest:
            on_beat(node, static_cast<PeerMessage>(type), bytes);
            return;
        case PeerMessage::kPropose: take_proposal(bytes); return;
        case PeerMessage::kLeaseRequest: on_lease_request(node, bytes); return;
        case PeerMessage::kGrant: on_grant(bytes); return;
        case PeerMessage::kYield: on_yield(node); return;
        case PeerMessage::kDeath: on_death(node, bytes); return;
        case PeerMessage::kDepart: on_depart(node, bytes); return;
        case PeerMessage::kCopy:
        case PeerMessage::kKv: break;
    }
    events_.on_message(node, type, bytes);
}

void ControlPlane::on_request(
    const cluster::NodeId& node,
    std::uint16_t type,
    ByteView bytes,
    std::shared_ptr<cluster::PeerReply> reply
) {
    switch (static_cast<PeerRequest>(type)) {
        case PeerRequest::kJoin: on_join(bytes, reply); return;
        case PeerRequest::kSnapshot: on_snapshot(bytes, reply); return;
        case PeerRequest::kStateIndex: on_state_index(reply); return;
        case PeerRequest::kKeyCheck: on_key_check(reply); return;
        case PeerRequest::kLeaving: on_leaving(node, bytes, reply); return;
        case PeerRequest::kMeet: on_meet(bytes, reply); return;
        case PeerRequest::kOperation:
        case PeerRequest::kInstall:
        case PeerRequest::kReadIndex:
        case PeerRequest::kKvRequest: break;
    }
    events_.on_request(node, type, bytes, std::move(reply));
}

}  // namespace kumo::node
