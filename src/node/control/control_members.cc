#include "base/log.h"
#include "node/control/control_plane.h"
#include "node/control/voters.h"

#include <algorithm>
#include <utility>

// Who belongs to the cluster: discovery, founding, joining, voters, registration, and going on
// alone when an operator says so.

namespace kumo::node {

namespace {

constexpr Duration kJoinInterval = std::chrono::milliseconds(500);
constexpr Duration kMetJoinInterval = std::chrono::milliseconds(100);
constexpr Duration kJoinTimeout = std::chrono::seconds(5);
constexpr Duration kSayAgainAfter = std::chrono::seconds(60);
constexpr Duration kRegisterInterval = std::chrono::milliseconds(500);
constexpr Duration kRetireInterval = std::chrono::milliseconds(100);
constexpr Duration kMembersInterval = std::chrono::milliseconds(200);
/// After the leader of another part of the cluster has refused this node.
constexpr Duration kLedElsewhereFor = std::chrono::seconds(3);
constexpr Duration kSeekAgainAfter = std::chrono::seconds(3);
/// Another node votes in the place of one that has been down for so long.
constexpr Duration kVoterLostAfter = std::chrono::seconds(30);
/// Those who are refused ask twice a second.
constexpr Duration kRefusedJoinLogInterval = std::chrono::seconds(10);

}  // namespace

// ---- discovery

void ControlPlane::on_nodes(const std::vector<cluster::NodeAddress>& nodes) {
    nodes_ = nodes;
    check_list();
    update_peers();
}

bool ControlPlane::lists_only_self() const {
    return nodes_ && nodes_->size() == 1
           && nodes_->front().peering.to_string() == options_.peering_address;
}

/// Members by their ids, and addresses of the nodes file where nobody is known yet. At one address
/// there may be a member that is gone and its successor: both are tried, until the one is removed.
void ControlPlane::update_peers() {
    std::vector<cluster::PeerTarget> targets;
    std::set<std::string> known = {options_.peering_address};
    const auto add = [&](const cluster::NodeId& node, const std::string& address) {
        known.insert(address);
        if (node != self_ && address != options_.peering_address) {
            targets.push_back({node, {address}, origin_of(address)});
        }
    };
    for (const auto& [id, member] : state_->cluster.members) {
        add(id, member->peering_address);
    }
    std::erase_if(successors_, [&](const auto& each) { return !known.contains(each.first); });
    for (const auto& [address, id] : successors_) {
        add(id, address);
    }
    for (const auto& [id, address] : joining_) {
        add(id, address);
    }
    if (nodes_) {
        for (const cluster::NodeAddress& node : *nodes_) {
            const std::string address = node.peering.to_string();
            if (known.insert(address).second) {
                targets.push_back({{}, {address}, origin_of(address)});
            }
        }
    }
    if (raft_ != nullptr && incarnation_ == 0) {
        for (const std::string& address : known_before_) {
            if (known.insert(address).second) {
                targets.push_back({{}, {address}});
            }
        }
    }
    add_callers(targets, known);
    if (!departure_address().empty() && known.insert(departure_address()).second) {
        targets.push_back({{}, {departure_address()}, "CLUSTER MEET"});
    }
    const Status set = peering_->set_peers(targets);
    if (!set.ok()) {
        log_warn("not every node can be connected to: " + set.error().message);
    }
}

void ControlPlane::on_peer_up(const cluster::PeerHello& peer) {
    connected_[peer.node] = peer;
    keys_.on_connected(peer.node);
    if (leaving_) {
        say_leaving(peer.node);
    }
    events_.on_connected(peer.node);
}

/// The leader may have succeeded a member while this node was cut off: it has to be answered, or
/// this node never learns of that.
void ControlPlane::on_other_node(const std::string& address, const cluster::PeerHello& found) {
    const bool ours = !found.cluster.is_nil() && found.cluster == state_->cluster.id;
    if (ours && std::exchange(successors_[address], found.node) != found.node) {
        update_peers();
    }
}

void ControlPlane::on_peer_down(const cluster::NodeId& node, const Status& /*why*/) {
    connected_.erase(node);
    keys_.on_gone(node);
}

// ---- founding and joining

void ControlPlane::seek_cluster() {
    if (raft_ == nullptr && !founding_) {
        if (departure_ != nullptr) {
            ask_to_join();
        } else if (lost_) {
            seek_again();
        } else if (options_.seed) {
            seek_with_seed();
        } else if (options_.nodes_file.empty() || lists_only_self()) {
            found_cluster(1);
        } else if (may_found()) {
            found_cluster((nodes_->size() / 2) + 1);
        } else {
            ask_to_join();
            say_why_alone();
        }
    } else if (departure_ != nullptr && raft_ != nullptr && raft_->leader().is_nil()) {
        ask_to_join();  // It was let in, but another one at that moment, too.
        say_forsaken();
    } else if (raft_ != nullptr && now() - leaderless_since_ >= kSeekAgainAfter) {
        ask_to_join();  // The others may have gone on without this node.
        say_forsaken();
    }
}

/// One of the list may found the cluster: the first, when it sees most of the others, and none of
/// them is in a cluster.
bool ControlPlane::may_found() const {
    if (!nodes_) {
        return false;
    }
    std::set<std::string> addresses;
    for (const cluster::NodeAddress& node : *nodes_) {
        addresses.insert(node.peering.to_string());
    }
    if (addresses.empty() || *addresses.begin() != options_.peering_address) {
        return false;
    }
    return !somebody_is_in() && connected_.size() + 1 > addresses.size() / 2;
}

bool ControlPlane::somebody_is_in() const {
    return std::any_of(connected_.begin(), connected_.end(), [](const auto& each) {
        return !each.second.cluster.is_nil();
    });
}

/// What is restored is the cluster: the others are to begin empty, and join it.
void ControlPlane::seek_with_seed() {
    if (!options_.nodes_file.empty() && !nodes_) {
        return;
    }
    if (!somebody_is_in()) {
        found_cluster(1);
    } else if (!std::exchange(said_seed_waits_, true)) {
        log_error(
            "this node's data directory is a snapshot to be restored, which begins a cluster, and "
            "another node of the nodes file is in a cluster already: end the others and empty "
            "their data directories, or start this node on an empty one to join them"
        );
    }
}

/// What this node had, it had from a cluster: there is nothing to found.
void ControlPlane::seek_again() {
    ask_to_join();
    if (join_refusal_.empty() && now() - leaderless_since_ >= kSeekAgainAfter
        && !std::exchange(said_lost_waits_, true)) {
        log_error(
            "this node waits for a majority of its cluster, to join it again; it cannot go on "
            "without the others: "
            + lost_->why
        );
    }
}

/// It is in the cluster again.
void ControlPlane::forget_lost() {
    if (!lost_ || incarnation_ == 0) {
        return;
    }
    lost_.reset();
    jobs_.submit(
        BackgroundJobs::Lane::kStore,
        [&fs = fs_, directory = options_.directory]() -> io::Task {
            const Status removed = forget_lost_control(fs, directory);
            if (!removed.ok()) {
                log_warn(removed.error().message);  // Then the next start removes it.
            }
            return [] {
            };
        }
    );
}

/// Once, when it takes long: whom this node waits for.
void ControlPlane::say_why_alone() {
    if (said_why_alone_ || !nodes_ || !join_refusal_.empty()
        || now() - leaderless_since_ < kSeekAgainAfter) {
        return;
    }
    said_why_alone_ = true;
    std::string first = nodes_->front().peering.to_string();
    for (const cluster::NodeAddress& node : *nodes_) {
        first = std::min(first, node.peering.to_string());
    }
    const std::string who = first == options_.peering_address ? "this node" : first;
    log_warn(
        "this node is in no cluster yet and sees " + std::to_string(connected_.size())
        + " others; if there is none, " + who + " founds it when it sees most of the nodes file's "
        + std::to_string(nodes_->size()) + " nodes"
    );
}

void ControlPlane::ask_to_join() {
    const MonotonicTime time = now();
    if (time - joined_at_ < (departure_ != nullptr ? kMetJoinInterval : kJoinInterval)) {
        return;
    }
    joined_at_ = time;
    std::string bytes(self_.view());
    wire::append_sized(bytes, options_.peering_address);
    if (options_.is_met) {
        const bool fresh = raft_ == nullptr || departure_ != nullptr || half_in_;
        wire::append_varint(bytes, fresh ? 1 : 0);
    }
    for (const auto& [node, hello] : connected_) {
        call(
            node,
            PeerRequest::kJoin,
            bytes,
            kJoinTimeout,
            [this, node = node](const Result<std::string>& answer) { on_join_answer(node, answer); }
        );
    }
}

void ControlPlane::on_join_answer(const cluster::NodeId& node, const Result<std::string>& answer) {
    if (answer.ok()) {
        join_refusal_.clear();
        if (raft_ == nullptr && !founding_) {
            ControlStorage::Recovered nothing;
            nothing.snapshot.state = std::make_shared<const State>();
            // What nodes of another cluster send is not for this one's consensus.
            peering_->set_cluster(wire::ByteReader(answer.value()).uuid());
            start_raft(nothing);
        }
        get_to_know(answer.value());
        return;
    }
    // Asked again and again, of all it reaches: said once.
    const std::string& why = answer.error().message;
    const ErrorCode code = answer.error().code;
    if (code == ErrorCode::kInvalidArgument) {
        led_elsewhere_ = LedElsewhere{node, now()};
    }
    const bool refused = code == ErrorCode::kInvalidArgument || code == ErrorCode::kConflict;
    if (refused && std::exchange(join_refusal_, why) != why) {
        log_warn("the cluster does not let this node in: " + why);
    }
}

/// Who has let this node in: whom it has met need not be the leader, and it can answer only whom it
/// dials.
void ControlPlane::get_to_know(ByteView answer) {
    wire::ByteReader in(answer);
    const Uuid cluster = in.uuid();
    std::vector<std::string> others(in.count());
    for (std::string& address : others) {
        address = in.text();
    }
    if (in.at_end() && incarnation_ == 0 && others != known_before_) {
        known_before_ = std::move(others);
        update_peers();
        // For the next run, if this one ends before it knows more.
        write_obituary({cluster, self_, 0, known_before_});
    }
}

void ControlPlane::on_join(ByteView bytes, const std::shared_ptr<cluster::PeerReply>& reply) {
    if (raft_ == nullptr || raft_->leader().is_nil()) {
        reply->answer(Error{ErrorCode::kUnavailable, "there is no leader here"});
        return;
    }
    if (!raft_->is_leader()) {
        call(
            raft_->leader(),
            PeerRequest::kJoin,
            bytes,
            kJoinTimeout,
            [reply](Result<std::string> answer) { reply->answer(std::move(answer)); }
        );
        return;
    }
    wire::ByteReader in(bytes);
    const Uuid node = in.uuid();
    const std::string address = in.text();
    const bool fresh = options_.is_met && in.below_or_at(1) == 1;
    if (!in.at_end() || node.is_nil()) {
        reply->answer(corruption("a request to join is not well formed"));
        return;
    }
    if (options_.is_met && !may_rejoin(node, fresh)) {
        reply->answer(invalid_argument("it was told to go (CLUSTER FORGET), and not met since"));
        return;
    }
    if (!options_.is_met && !is_listed(address)) {
        reply->answer(
            invalid_argument(address + " is not in the nodes file of the cluster's leader")
        );
        return;
    }
    if (!raft_->configuration().is_member(node)) {
        const Status begun = begin_joining(node, address);
        if (!begun.ok()) {
            note_refused_join(begun.error());
            reply->answer(begun.error());
            return;
        }
        admit(node);
    }
    std::string answer(state_->cluster.id.view());
    wire::append_varint(answer, state_->cluster.members.size());
    for (const auto& [id, member] : state_->cluster.members) {
        wire::append_sized(answer, member->peering_address);
    }
    reply->answer(std::move(answer));
}

/// Whether a node may become a member at an address. It may succeed a member that is gone (a
/// machine that was replaced), never one that is up; and of two that have the same address in their
/// settings, only the one that is reached there.
Status ControlPlane::begin_joining(const cluster::NodeId& node, const std::string& address) {
    bool succeeds = false;
    for (const auto& [id, member] : state_->cluster.members) {
        if (id == node || member->peering_address != address) {
            continue;
        }
        if (!member->fenced || id == self_) {
            return Error{
                ErrorCode::kConflict,
                "node " + node.to_string() + " says that its address is " + address
                    + ", where node " + id.to_string() + " (" + member->name
                    + ") is up: if its machine was replaced, wait some seconds, until it is missed; "
                      "else two nodes have the same peering address in their settings"};
        }
        succeeds = true;
    }
    for (const auto& [id, taken] : joining_) {
        if (id != node && taken == address && peering_->dialled_address(id) == address) {
            return Error{
                ErrorCode::kConflict,
                "node " + node.to_string() + " says that its address is " + address
                    + ", where another new node, " + id.to_string() + ", is about to join"};
        }
    }
    // One for each address of the nodes file, not more.
    std::erase_if(joining_, [&](const auto& each) { return each.second == address; });
    joining_[node] = address;
    update_peers();
    if (succeeds && peering_->dialled_address(node) != address) {
        return Error{
            ErrorCode::kUnavailable,
            "node " + node.to_string() + " says that its address is " + address
                + ", that of a member that is gone, and is not reached there"};
    }
    return {};
}

void ControlPlane::note_refused_join(const Error& why) {
    const MonotonicTime time = now();
    // The first attempts of who has just come fail: it is about to be dialled.
    if (why.code == ErrorCode::kConflict && time - join_refused_at_ >= kRefusedJoinLogInterval) {
        join_refused_at_ = time;
        log_warn("a node is not let in: " + why.message);
    }
}

void ControlPlane::admit(const cluster::NodeId& node) {
    std::set<cluster::NodeId> learners = raft_->configuration().learners;
    learners.insert(node);
    // Refused while another change is under way: whoever wants to join asks again.
    (void)raft_->propose_configuration(raft_->configuration().voters, std::move(learners));
    drain();
}

/// Nodes of this cluster that the operator lists here and that are no members: they were left
/// behind when this node went on alone, and may believe to be the cluster. This epoch is newer.
void ControlPlane::claim_listed() {
    for (const auto& [node, hello] : connected_) {
        const bool ours = hello.cluster == state_->cluster.id && !hello.addresses.empty();
        if (!ours || raft_->configuration().is_member(node) || !is_listed(hello.addresses[0])) {
            continue;
        }
        if (begin_joining(node, hello.addresses[0]).ok()) {
            admit(node);
            return;
        }
    }
}

bool ControlPlane::is_listed(const std::string& address) const {
    return nodes_ && std::any_of(nodes_->begin(), nodes_->end(), [&](const auto& each) {
               return each.peering.to_string() == address;
           });
}

/// One change at a time: followers that have caught up vote; who is no member any more goes.
void ControlPlane::adjust_members() {
    const MonotonicTime time = now();
    if (raft_ == nullptr || !raft_->is_ready_leader() || time - members_at_ < kMembersInterval) {
        return;
    }
    members_at_ = time;
    if (!expelled_from_.is_nil() && state_->cluster.id == expelled_from_ && make_way()) {
        return;  // Who was told to go does not lead, and the next leader takes its vote away.
    }
    claim_listed();
    adjust_voters();
    remove_gone();
}

void ControlPlane::adjust_voters() {
    const consensus::Configuration& present = raft_->configuration();
    const auto& members = state_->cluster.members;
    std::vector<VoterCandidate> candidates;
    std::set<cluster::NodeId> learners;
    for (const cluster::NodeId& node : present.members()) {
        const auto member = members.find(node);
        if (member == members.end() && node != self_ && !joining_.contains(node)) {
            continue;
        }
        const auto progress = raft_->progress().find(node);
        const bool is_known = member != members.end() && progress != raft_->progress().end();
        const bool up = is_known && !member->second->fenced;
        VoterCandidate candidate;
        candidate.id = node;
        candidate.zone = member == members.end() ? "" : member->second->zone;
        candidate.leads = node == self_;
        candidate.votes = present.is_voter(node);
        candidate.fit = up && progress->second.match + 1 >= raft_->commit_index();
        candidate.lost = is_known && !up && progress->second.silent_for >= kVoterLostAfter;
        candidates.push_back(std::move(candidate));
        learners.insert(node);
    }
    std::set<cluster::NodeId> voters = choose_voters(candidates);
    std::erase_if(learners, [&](const auto& node) { return voters.contains(node); });
    if (voters != present.voters || learners != present.learners) {
        (void)raft_->propose_configuration(std::move(voters), std::move(learners));
        drain();
    }
}

/// Who is down, and is not listed any more or has a successor at its address.
void ControlPlane::remove_gone() {
    const auto& members = state_->cluster.members;
    for (const auto& each : members) {
        const cluster::Member& member = *each.second;
        const bool replaced = std::any_of(members.begin(), members.end(), [&](const auto& other) {
            return other.first != member.id && !other.second->fenced
                   && other.second->peering_address == member.peering_address;
        });
        const bool listed = !nodes_ || is_listed(member.peering_address);
        if (member.id != self_ && member.fenced && (!listed || replaced)) {
            if (std::exchange(removing_, member.id) != member.id) {
                log_info(
                    "node " + member.name + " (" + member.id.to_string() + ", "
                    + member.peering_address + ") is gone, and is removed: "
                    + (listed ? "another one is up at its address" : "it is not listed any more")
                );
            }
            propose_cluster(cluster::RemoveMember{member.id});
            return;
        }
    }
}

// ---- going on alone

void ControlPlane::maybe_force() {
    if (raft_ == nullptr || !lists_only_self()) {
        return;
    }
    const bool alone = raft_->configuration().members().size() == 1
                       && raft_->configuration().voters.contains(self_);
    const bool leaderless = now() - leaderless_since_ >= options_.force_single_after;
    const bool forces = !alone && leaderless && !raft_->is_superseded();
    if (forces && led_elsewhere_ && now() - led_elsewhere_->at < kLedElsewhereFor) {
        say_led_elsewhere();
        return;
    }
    if (forces) {
        log_warn("the nodes file names only this node, and there is no leader: it goes on alone");
        leaderless_since_ = now();
        raft_->force_single(make_uuid(loop_.random()));
        drain();
        return;
    }
    const auto& members = state_->cluster.members;
    const bool others_are_gone =
        std::all_of(members.begin(), members.end(), [this](const auto& each) {
            return each.first == self_ || each.second->fenced;
        });
    if (alone && raft_->is_ready_leader() && members.size() > 1 && others_are_gone
        && incarnation_ != 0) {
        propose_cluster(cluster::TakeOver{self_});
    }
}

/// Two parts of a cluster that both acknowledge writes are worse than one that does not serve.
void ControlPlane::say_led_elsewhere() {
    const MonotonicTime time = now();
    if (time < said_led_elsewhere_until_) {
        return;
    }
    said_led_elsewhere_until_ = time + kSayAgainAfter;
    log_error(
        "the nodes file names only this node, but " + title_of(led_elsewhere_->node)
        + " is in a part of this cluster that has a leader and does not list this node: it does "
          "not go on alone beside it; name both in all nodes files, or end that one first"
    );
}

// ---- this node's run

cluster::Member ControlPlane::self_member() const {
    cluster::Member member;
    member.id = self_;
    member.name = options_.name;
    member.peering_address = options_.peering_address;
    member.api_address = options_.api_address;
    member.zone = options_.zone;
    member.boot = boot_;
    return member;
}

void ControlPlane::register_self() {
    const MonotonicTime time = now();
    if (raft_ == nullptr || raft_->leader().is_nil() || incarnation_ != 0
        || state_->cluster.id.is_nil() || retiring_ || lacks_host()) {
        return;
    }
    if (state_->cluster.id == expelled_from_) {
        return;  // It is reset, or met again, by whoever wants it somewhere.
    }
    const cluster::Member* known = cluster::find_member(state_->cluster, self_);
    const std::uint64_t before = known == nullptr ? cluster::kNoRunBefore : known->incarnation;
    if (time - registered_at_ < kRegisterInterval && before == registered_after_) {
        return;
    }
    registered_at_ = time;
    registered_after_ = before;
    if (known != nullptr && !known->fenced && !in_its_place_) {
        log_warn(
            "waiting for the node that has the same id: this data directory was copied or moved"
        );
    }
    cluster::Register command{self_member(), in_its_place_, unclean_};
    command.member.incarnation = before;
    propose_cluster(std::move(command));
}

// ---- sudden deaths

/// For who outlives this run. Only others make it of any use.
void ControlPlane::keep_obituary() {
    Obituary next{state_->cluster.id, self_, incarnation_, {}};
    for (const auto& [id, member] : state_->cluster.members) {
        if (id != self_) {
            next.others.push_back(member->peering_address);
        }
    }
    if (incarnation_ == 0 || next.others.empty() || obituary_ == next) {
        return;
    }
    half_in_ = false;
    write_obituary(std::move(next));
}

void ControlPlane::write_obituary(Obituary next) {
    obituary_ = next;
    io::Fs& fs = fs_;
    const auto lane = BackgroundJobs::Lane::kStore;
    jobs_.submit(lane, [&fs, directory = options_.directory, next]() -> io::Task {
        const Status stored = store_obituary(fs, directory, next);
        if (!stored.ok()) {
            log_warn(stored.error().message);  // Then the node's end is noticed a little later.
        }
        return [] {
        };
    });
}

void ControlPlane::on_death(const cluster::NodeId& node, ByteView bytes) {
    const auto notice = decode_death_notice(bytes);
    const cluster::Member* member = cluster::find_member(state_->cluster, node);
    if (raft_ == nullptr || !notice.ok() || notice.value().node != node || member == nullptr
        || member->incarnation != notice.value().incarnation) {
        return;
    }
    log_warn("node " + member->name + " has died, says its supervisor");
    dead_[node] = notice.value().incarnation;
    // One of the others stands for election; if it cannot win, the usual way is open.
    const auto& voters = raft_->configuration().voters;
    const auto first = std::find_if(voters.begin(), voters.end(), [&](const auto& voter) {
        return voter != node;
    });
    if (first != voters.end() && *first == self_) {
        raft_->leader_died(node);
    }
    drain();
    fence_dead();
}

void ControlPlane::fence_dead() {
    if (dead_.empty() || raft_ == nullptr) {
        return;
    }
    std::erase_if(dead_, [this](const auto& each) {
        const cluster::Member* member = cluster::find_member(state_->cluster, each.first);
        return member == nullptr || member->fenced || member->incarnation != each.second;
    });
    const MonotonicTime time = now();
    if (dead_.empty() || !raft_->is_ready_leader() || time - fenced_dead_at_ < kRetireInterval) {
        return;
    }
    fenced_dead_at_ = time;
    cluster::Fence fence;
    for (const auto& [node, incarnation] : dead_) {
        fence.nodes.insert(node);
    }
    propose_cluster(std::move(fence));
}

// ---- the end

void ControlPlane::announce_end() {
    if (!std::exchange(leaving_, true)) {
        for (const auto& [node, hello] : connected_) {
            say_leaving(node);
        }
    }
}

/// Best effort: who does not know of it may hand this node the leadership, which hands it on.
void ControlPlane::say_leaving(const cluster::NodeId& node) {
    std::string bytes;
    wire::append_varint(bytes, incarnation_);
    call(node, PeerRequest::kLeaving, bytes, kRetireTimeout, [](const Result<std::string>&) {});
}

void ControlPlane::on_leaving(
    const cluster::NodeId& node,
    ByteView bytes,
    const std::shared_ptr<cluster::PeerReply>& reply
) {
    wire::ByteReader in(bytes);
    const std::uint64_t run = in.number();
    const cluster::Member* member = cluster::find_member(state_->cluster, node);
    if (in.at_end() && member != nullptr && member->incarnation == run) {
        leaving_runs_[node] = run;
    }
    reply->answer(std::string());
}

bool ControlPlane::is_leaving(const cluster::Member& member) const {
    const auto said = leaving_runs_.find(member.id);
    return said != leaving_runs_.end() && said->second == member.incarnation;
}

/// Where all end at once there is nobody to make way for.
bool ControlPlane::somebody_stays() const {
    const auto& members = state_->cluster.members;
    return std::any_of(members.begin(), members.end(), [this](const auto& each) {
        return each.first != self_ && !each.second->fenced && !is_leaving(*each.second);
    });
}

void ControlPlane::retire(io::Task done) {
    if (raft_ == nullptr || failed_ || state_->cluster.members.size() < 2) {
        done();
        return;
    }
    log_info("this node makes way for the others");
    announce_end();
    retiring_ = true;
    retire_until_ = now() + kRetireTimeout;
    when_retired_ = std::move(done);
    lease_.drop();
    publish();
    retire_step();
}

void ControlPlane::retire_step() {
    if (!retiring_ || when_retired_ == nullptr) {
        return;
    }
    const MonotonicTime time = now();
    const cluster::Member* member = cluster::find_member(state_->cluster, self_);
    const bool fenced = member == nullptr || member->fenced;
    if ((fenced && !raft_->is_leader()) || time >= retire_until_ || !somebody_stays()) {
        std::exchange(when_retired_, nullptr)();
        return;
    }
    if (time - retire_asked_at_ < kRetireInterval) {
        return;
    }
    retire_asked_at_ = time;
    // One that has been fenced is no good leader: it goes first.
    if (make_way() || fenced) {
        return;
    }
    propose_cluster(cluster::Fence{{self_}});
}

/// Whether the leadership is on its way to another node.
bool ControlPlane::make_way() {
    if (!raft_->is_leader()) {
        return false;
    }
    const cluster::NodeId* best = nullptr;
    consensus::Index match = 0;
    for (const cluster::NodeId& voter : raft_->configuration().voters) {
        const auto progress = raft_->progress().find(voter);
        const cluster::Member* member = cluster::find_member(state_->cluster, voter);
        const bool fit = voter != self_ && member != nullptr && !member->fenced
                         && !is_leaving(*member) && progress != raft_->progress().end();
        if (fit && (best == nullptr || progress->second.match > match)) {
            best = &voter;
            match = progress->second.match;
        }
    }
    if (best == nullptr) {
        return false;
    }
    (void)raft_->transfer(*best);
    loop_.defer([this] { drain(); });
    return true;
}

// ---- leading

void ControlPlane::lead_or_not() {
    const bool leads = raft_ != nullptr && raft_->is_ready_leader() && !failed_;
    if (leads && !coordinator_->is_leading()) {
        log_info("this node leads the cluster, term " + std::to_string(raft_->term()));
        coordinator_->begin(now(), raft_->quiet_before_election());
    } else if (!leads && coordinator_->is_leading()) {
        log_info("this node does not lead the cluster any more");
        coordinator_->end();
        grants_waiting_.clear();
    }
}

Status ControlPlane::lead() {
    if (raft_ == nullptr || raft_->leader().is_nil()) {
        return Error{ErrorCode::kUnavailable, "there is no leader"};
    }
    if (raft_->is_leader()) {
        return {};
    }
    return send(raft_->leader(), PeerMessage::kYield, std::string(self_.view()));
}

Status ControlPlane::reset_peers() {
    if (nodes_file_ == nullptr) {
        return invalid_argument("The server has no nodes file.");
    }
    KUMO_TRY(nodes_file_->read_now());
    tick();
    return {};
}

void ControlPlane::on_yield(const cluster::NodeId& node) {
    if (raft_ != nullptr) {
        (void)raft_->transfer(node);
        drain();
    }
}

}  // namespace kumo::node
