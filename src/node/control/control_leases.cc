#include "cluster/consensus_codec.h"
#include "node/control/control_plane.h"
#include "node/control/lease_codec.h"
#include "wire/byte_reader.h"

#include <utility>

// Leases: a node's requests, the leader's grants, and how both ride on consensus' heartbeats, so
// that a cluster at rest says no more than its heartbeats.

namespace kumo::node {

namespace {

/// What could not ride after this many heartbeats goes alone: a heartbeat was late, or is not sent.
constexpr int kRidesMissedMax = 2;

std::string with_rider(ByteView beat, ByteView rider) {
    std::string both;
    wire::append_sized(both, beat);
    return both.append(rider);
}

}  // namespace

/// Who has a lease asks with its answer to a heartbeat; this is for those who have none, and for
/// when no heartbeat comes.
void ControlPlane::beacon() {
    const MonotonicTime time = now();
    const Duration interval = options_.coordinator.lease.beacon_interval;
    const bool rides = raft_ != nullptr && !raft_->is_leader() && has_lease();
    if (!may_ask_for_lease() || time - beacon_at_ < (rides ? kRidesMissedMax : 1) * interval) {
        return;
    }
    const cluster::LeaseRequest request = next_lease_request();
    if (raft_->is_leader()) {
        coordinator_->on_request(request, time);
        drain_coordinator();
    } else {
        (void)send(raft_->leader(), PeerMessage::kLeaseRequest, encode_lease_request(request));
    }
}

void ControlPlane::ask_owner() {
    if (events_.on_pulse && pulse_.ask(now())) {
        events_.on_pulse();
    }
}

/// A cluster of one has nobody who could go on instead.
bool ControlPlane::may_ask_for_lease() const {
    const bool goes_on = state_->cluster.members.size() < 2 || pulse_.beats(now());
    return goes_on && raft_ != nullptr && !raft_->leader().is_nil() && incarnation_ != 0
           && !retiring_;
}

cluster::LeaseRequest ControlPlane::next_lease_request() {
    beacon_at_ = now();
    return {self_, incarnation_, beacon_at_.time_since_epoch().count()};
}

void ControlPlane::send_consensus(const consensus::Message& message) {
    if (message.type == consensus::MessageType::kSnapshot) {
        send_snapshot(message);
        return;
    }
    std::string bytes = cluster::encode_consensus_message(message);
    PeerMessage type = PeerMessage::kConsensus;
    if (message.type == consensus::MessageType::kHeartbeat) {
        const auto waiting = grants_waiting_.extract(message.to);
        if (!waiting.empty()) {
            type = PeerMessage::kBeatAndGrant;
            bytes = with_rider(bytes, encode_grant(waiting.mapped().grant));
        }
    } else if (message.type == consensus::MessageType::kHeartbeatReply && rides_now(message.to)) {
        type = PeerMessage::kReplyAndLeaseRequest;
        bytes = with_rider(bytes, encode_lease_request(next_lease_request()));
    }
    // What is lost is sent again, or is late anyway.
    (void)send(message.to, type, bytes);
}

/// Rounds that are wanted soon bring more heartbeats than there have to be requests.
bool ControlPlane::rides_now(const cluster::NodeId& to) const {
    const bool due = now() - beacon_at_ >= options_.coordinator.lease.beacon_interval / 2;
    return due && may_ask_for_lease() && to == raft_->leader();
}

void ControlPlane::take_consensus(const cluster::NodeId& node, ByteView bytes) {
    const auto message = cluster::decode_consensus_message(bytes);
    const bool good = message.ok() && message.value().from == node && message.value().to == self_
                      && message.value().type != consensus::MessageType::kSnapshot;
    if (good) {
        step(message.value());
    }
}

void ControlPlane::on_beat(const cluster::NodeId& node, PeerMessage type, ByteView bytes) {
    wire::ByteReader in(bytes);
    take_consensus(node, in.sized());
    if (type == PeerMessage::kBeatAndGrant) {
        on_grant(in.rest());
    } else {
        on_lease_request(node, in.rest());
    }
}

void ControlPlane::on_lease_request(const cluster::NodeId& node, ByteView bytes) {
    const auto request = decode_lease_request(bytes);
    if (request && request->node == node) {
        coordinator_->on_request(*request, now());
        drain_coordinator();
    }
}

void ControlPlane::on_grant(ByteView bytes) {
    const auto grant = decode_grant(bytes);
    if (grant && !retiring_) {
        take_grant(*grant);
        publish();
        announce_lease();
    }
}

void ControlPlane::take_grant(const cluster::Grant& grant) {
    lease_.on_grant(grant, incarnation_, now().time_since_epoch().count());
}

// ---- leading

void ControlPlane::drain_coordinator() {
    if (raft_ == nullptr || draining_coordinator_) {
        return;
    }
    draining_coordinator_ = true;
    cluster::CoordinatorOutput output = coordinator_->take_output();
    for (cluster::Command& command : output.proposals) {
        propose_cluster(std::move(command));
    }
    for (const auto& round : output.rounds) {
        (void)raft_->read_index(round.context, round.soon);
    }
    for (const auto& granted : output.grants) {
        if (granted.node == self_ && !retiring_) {
            take_grant(granted.grant);
        } else if (granted.node != self_ && granted.soon) {
            (void)send(granted.node, PeerMessage::kGrant, encode_grant(granted.grant));
        } else if (granted.node != self_) {
            grants_waiting_.insert_or_assign(granted.node, WaitingGrant{granted.grant, now()});
        }
    }
    draining_coordinator_ = false;
    if (!output.rounds.empty()) {
        loop_.defer([this] { drain(); });
    }
}

/// Those who get no heartbeats.
void ControlPlane::send_late_grants() {
    const Duration limit = kRidesMissedMax * options_.coordinator.lease.beacon_interval;
    std::erase_if(grants_waiting_, [&](const auto& each) {
        const auto& [node, waiting] = each;
        const bool late = now() - waiting.since >= limit;
        if (late) {
            (void)send(node, PeerMessage::kGrant, encode_grant(waiting.grant));
        }
        return late;
    });
}

}  // namespace kumo::node
