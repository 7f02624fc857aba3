#pragma once

#include <cstdint>

namespace kumo::node {

/// Types of messages and requests between nodes: docs/formats/control.md.
enum class PeerMessage : std::uint16_t {
    kConsensus = 1,
    kPropose = 2,
    kLeaseRequest = 3,
    kGrant = 4,
    kYield = 5,                 ///< The sender asks to lead.
    kDeath = 6,                 ///< From a node's supervisor: the node's run is over.
    kBeatAndGrant = 7,          ///< Consensus' heartbeat.
    kReplyAndLeaseRequest = 8,  ///< The answer to one.
    kCopy = 16,                 ///< From here on: for the owner of the shards.
    kKv = 17,                   ///< Between the nodes of a cluster of keys.
};

enum class PeerRequest : std::uint16_t {
    kJoin = 1,
    kSnapshot = 2,
    kStateIndex = 3,  ///< To the leader: how far its state is committed.
    kKeyCheck = 4,    ///< The check of the API key: see KeyComparison.
    kLeaving = 5,     ///< The sender is about to end: it is to lead nothing more.
    kMeet = 6,        ///< From a guest: which of two clusters is to join the other.
    kOperation = 16,  ///< From here on: for the owner of the shards.
    kInstall = 17,
    kReadIndex = 18,
    kKvRequest = 19,
};

}  // namespace kumo::node
