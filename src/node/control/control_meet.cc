#include "base/log.h"
#include "cluster/discovery/host_port.h"
#include "node/control/control_plane.h"

#include <algorithm>
#include <utility>

// Clusters that are met (CLUSTER MEET) instead of listed: a node is a cluster of one until somebody
// makes it known to another, and then one of the two joins the other's cluster. Which: of a cluster
// of one and a larger one the former, of two of one the one that asked. Of two larger ones all
// nodes of one join the other, if that one has no slots yet; with slots in both they stay apart.

namespace kumo::node {

namespace {

constexpr Duration kAskAgainMin = std::chrono::milliseconds(100);
constexpr std::uint64_t kAskAgainSpreadMs = 400;
/// Who was told to join does so within that time, or asks again.
constexpr Duration kHostFor = std::chrono::seconds(5);
/// Whoever left for a cluster that does not take it in comes back.
constexpr Duration kDepartureTimeout = std::chrono::seconds(15);
/// Of those that nothing but their call speaks for.
constexpr std::size_t kCallersDialledMax = 64;
constexpr Duration kDeparturePoll = std::chrono::milliseconds(100);

}  // namespace

/// Empty: this node goes nowhere.
std::string ControlPlane::departure_address() const {
    return departure_ != nullptr && departure_->left ? departure_->address : "";
}

bool ControlPlane::is_alone() const {
    return raft_ != nullptr && departure_ == nullptr && state_->cluster.members.size() <= 1
           && raft_->configuration().members().size() <= 1 && joining_.empty();
}

void ControlPlane::meet(std::string address, std::function<void(Status)> done) {
    for (const auto& [id, member] : state_->cluster.members) {
        if (member->peering_address == address) {
            done({});
            return;
        }
    }
    if (!meets_.empty() || departure_ != nullptr) {
        done(Error{ErrorCode::kOverloaded, "another node is being met"});
        return;
    }
    meets_ = std::move(address);
    meets_until_ = now() + kMeetTimeout;
    when_met_ = std::move(done);
    ask_meeting();
}

void ControlPlane::ask_meeting() {
    if (meets_.empty() || departure_ != nullptr) {
        return;
    }
    if (raft_ == nullptr || now() < host_until_) {
        (void)loop_.add_timer(kAskAgainMin, [this] { ask_meeting(); });
        return;
    }
    MeetRequest request;
    request.cluster = state_->cluster.id;
    request.node = self_;
    request.alone = is_alone();
    request.empty = has_no_slots();
    request.address = options_.peering_address;
    request.reached = meets_;
    meeting_ = Meeting::begin(
        {loop_, network_, resolver_, fs_},
        options_.tls,
        std::move(request),
        [this](const std::string& host) { set_host(host); },
        [this](const Result<MeetAnswer>& answer) { on_met(answer); }
    );
}

void ControlPlane::on_met(const Result<MeetAnswer>& answer) {
    meeting_.reset();
    if (answer.ok() && answer.value() == MeetAnswer::kJoin) {
        if (is_alone() || has_no_slots()) {
            when_met_ = nullptr;
            lead_departure(std::exchange(meets_, {}));
            return;
        }
    } else if (answer.ok()) {
        end_meeting({});
        return;
    } else if (answer.error().code == ErrorCode::kConflict) {
        end_meeting(answer.error());
        return;
    }
    if (now() >= meets_until_) {
        end_meeting(
            answer.ok() ? Status(Error{ErrorCode::kTimeout, meets_ + " could not be met"})
                        : Status(answer.error())
        );
        return;
    }
    const auto spread = static_cast<std::int64_t>(loop_.random().below(kAskAgainSpreadMs));
    (void
    )loop_.add_timer(kAskAgainMin + std::chrono::milliseconds(spread), [this] { ask_meeting(); });
}

void ControlPlane::end_meeting(Status status) {
    if (!status.ok()) {
        log_warn("the node at " + meets_ + " was not met: " + status.error().message);
    }
    meets_.clear();
    if (const auto done = std::exchange(when_met_, nullptr); done != nullptr) {
        done(std::move(status));
    }
}

void ControlPlane::on_meet(ByteView bytes, const std::shared_ptr<cluster::PeerReply>& reply) {
    const auto request = decode_meet(bytes);
    if (!request.ok()) {
        reply->answer(request.error());
        return;
    }
    const auto answer = answer_meeting(request.value());
    reply->answer(
        answer.ok() ? Result<std::string>(encode_meet_answer(answer.value()))
                    : Result<std::string>(answer.error())
    );
}

Result<MeetAnswer> ControlPlane::answer_meeting(const MeetRequest& request) {
    if (!options_.is_met) {
        return Error{ErrorCode::kConflict, "the nodes of this cluster are listed, not met"};
    }
    if (request.node == self_ || request.cluster == state_->cluster.id) {
        return MeetAnswer::kKnown;
    }
    if (raft_ == nullptr || departure_ != nullptr || (!meets_.empty() && is_alone())) {
        return Error{ErrorCode::kUnavailable, "the node is about to meet another one"};
    }
    if (const auto own = cluster::parse_host_port(request.reached); own.ok()) {
        set_host(own.value().host);
    }
    if (request.alone || (request.empty && !is_alone())) {
        host_until_ = now() + kHostFor;
        return MeetAnswer::kJoin;
    }
    if (now() < host_until_) {
        return Error{ErrorCode::kUnavailable, "the node is about to be joined by another one"};
    }
    if (!is_alone() && !has_no_slots()) {
        return Error{
            ErrorCode::kConflict,
            "both nodes are in clusters that have slots: reset the nodes of one of them first"};
    }
    lead_departure(request.address);
    return MeetAnswer::kJoins;
}

bool ControlPlane::has_no_slots() const {
    const auto& groups = state_->kv.groups;
    return std::all_of(groups.begin(), groups.end(), [](const auto& each) {
        return each.second->slots.empty();
    });
}

/// All nodes of this cluster go.
void ControlPlane::lead_departure(const std::string& address) {
    for (const auto& [id, member] : state_->cluster.members) {
        if (id != self_) {
            (void)send(id, PeerMessage::kDepart, address);
        }
    }
    prepare_departure(address);
}

void ControlPlane::on_depart(const cluster::NodeId& node, ByteView address) {
    const bool known = cluster::find_member(state_->cluster, node) != nullptr;
    if (options_.is_met && known && departure_ == nullptr && raft_ != nullptr && has_no_slots()
        && cluster::parse_host_port(address).ok()) {
        prepare_departure(std::string(address));
    }
}

/// The owner is told, and says when nothing can get lost.
void ControlPlane::prepare_departure(std::string address) {
    log_info("this node joins the cluster of the node at " + address);
    departure_ = std::make_unique<Departure>();
    departure_->address = std::move(address);
    if (events_.on_dissolve) {
        events_.on_dissolve();
    } else {
        dissolve();
    }
}

void ControlPlane::dissolve() {
    if (departure_ == nullptr || departure_->left) {
        return;
    }
    Departure& departure = *departure_;
    departure.left = true;
    departure.until = now() + kDepartureTimeout;
    departure.state = state_;
    departure.snapshots = snapshots_;
    departure.raft = std::move(raft_);
    leave_cluster();
    watch_departure();
}

/// From here on the node is in no cluster.
void ControlPlane::leave_cluster() {
    raft_.reset();
    ++raft_number_;
    lead_or_not();
    state_ = std::make_shared<const State>();
    snapshots_.clear();
    founding_ = false;
    joining_.clear();
    successors_.clear();
    known_before_.clear();
    half_in_ = false;
    dead_.clear();
    join_refusal_.clear();
    expelled_from_ = {};  // It may be met from there again.
    registered_at_ = {};
    joined_at_ = {};
    leaderless_since_ = now();
    peering_->set_cluster({});
    for (const WaitingProposal& waiting : std::exchange(proposals_, {})) {
        waiting.done(Error{ErrorCode::kUnavailable, "the node has left its cluster"});
    }
    state_changed();
}

void ControlPlane::watch_departure() {
    if (departure_ == nullptr || !departure_->left) {
        return;  // The one that it was about is over.
    }
    if (incarnation_ != 0) {
        log_info("this node is in cluster " + state_->cluster.id.to_string());
        departure_.reset();
        return;
    }
    if (raft_ == nullptr && now() >= departure_->until) {
        come_back();
        return;
    }
    (void)loop_.add_timer(kDeparturePoll, [this] { watch_departure(); });
}

void ControlPlane::come_back() {
    log_warn(
        "the cluster of the node at " + departure_->address
        + " did not take this node in: it stays a cluster of its own"
    );
    const auto departure = std::exchange(departure_, nullptr);
    raft_ = std::move(departure->raft);
    ++raft_number_;
    state_ = departure->state;
    snapshots_ = departure->snapshots;
    state_changed();
}

/// Who votes there is waited for: the others may need it.
bool ControlPlane::is_forsaken() const {
    const bool on_its_way = half_in_ || (departure_ != nullptr && departure_->left);
    return options_.is_met && on_its_way && raft_ != nullptr && obituary_ && incarnation_ == 0
           && raft_->leader().is_nil() && now() - leaderless_since_ >= kDepartureTimeout
           && !raft_->configuration().is_voter(self_)
           && cluster::find_member(state_->cluster, self_) == nullptr;
}

void ControlPlane::say_forsaken() {
    if (is_forsaken() && events_.on_forsaken && now() - said_forsaken_at_ >= kDepartureTimeout) {
        said_forsaken_at_ = now();
        events_.on_forsaken(obituary_->cluster);
    }
}

void ControlPlane::begin_anew() {
    if (is_forsaken()) {
        log_warn(
            "the cluster that was to take this node in, " + obituary_->cluster.to_string()
            + ", is not to be found: the node begins one of its own"
        );
        reset(make_uuid(loop_.random()));
    }
}

void ControlPlane::reset(const cluster::NodeId& node) {
    departure_.reset();
    meeting_.reset();
    meets_.clear();
    leave_cluster();
    if (node != self_) {
        self_ = node;
        options_.raft.id = self_;
        Status changed = storage_->change_identity(self_);
        if (changed.ok()) {
            changed = make_peering();
        }
        if (!changed.ok()) {
            fail(changed.error());
            return;
        }
    }
    boot_ = make_uuid(loop_.random());
    // If it comes back to where it was, it has nothing of what it had.
    unclean_ = {cluster::kEveryCopyUnclean};
    found_cluster(1);
}

void ControlPlane::set_host(const std::string& host) {
    if (options_.peering_address.empty() || options_.peering_address.front() != ':') {
        return;
    }
    log_info("this node is reached at " + host);
    options_.peering_address = cluster::with_host(host, options_.peering_address);
    options_.api_address = cluster::with_host(host, options_.api_address);
    update_self();
}

void ControlPlane::set_name(const std::string& name) {
    options_.name = name;
    update_self();
}

/// What it says of itself has changed.
void ControlPlane::update_self() {
    if (incarnation_ != 0) {
        cluster::Register command{self_member(), in_its_place_, {}};
        command.member.incarnation = incarnation_;
        propose_cluster(std::move(command));
    }
}

/// A run before has learned it.
void ControlPlane::remember_host(const cluster::Member& as_known) {
    const auto address = cluster::parse_host_port(as_known.peering_address);
    if (address.ok()) {
        set_host(address.value().host);
    }
}

/// Nobody would reach it.
bool ControlPlane::lacks_host() const {
    return options_.is_met && options_.peering_address.starts_with(':')
           && state_->cluster.members.size() > 1;
}

/// Who dials this node is called back, where nothing here says who it is: a learner that another
/// leader has let in, a leader that came while this node was away, and everybody, as long as this
/// node knows next to nothing.
void ControlPlane::add_callers(
    std::vector<cluster::PeerTarget>& targets,
    std::set<std::string>& known
) const {
    if (raft_ == nullptr) {
        return;
    }
    std::size_t room = kCallersDialledMax;
    for (const cluster::PeerHello& caller : peering_->callers()) {
        const bool named =
            joining_.contains(caller.node) || state_->cluster.members.contains(caller.node);
        const bool wanted = incarnation_ == 0 || raft_->configuration().is_member(caller.node)
                            || (options_.is_met && caller.cluster == state_->cluster.id);
        if (!named && wanted && room > 0 && !caller.addresses.empty()
            && known.insert(caller.addresses.front()).second) {
            targets.push_back({caller.node, {caller.addresses.front()}});
            --room;
        }
    }
}

void ControlPlane::on_caller(const cluster::PeerHello& /*peer*/) {
    update_peers();
}

/// Who has been in this cluster and was told to go comes back only if it is met again.
bool ControlPlane::may_rejoin(const cluster::NodeId& node, bool fresh) const {
    return fresh || cluster::find_member(state_->cluster, node) != nullptr
           || raft_->configuration().is_member(node);
}

}  // namespace kumo::node
