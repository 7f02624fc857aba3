#pragma once

#include "base/clock.h"
#include "cluster/coordinator/coordinator.h"
#include "cluster/peering/peering.h"
#include "cluster/state/state.h"
#include "consensus/raft.h"
#include "consensus/types.h"
#include "io/address.h"
#include "node/node_options.h"
#include "node/snapshot_head.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kumo::node {

struct ControlOptions {
    std::string directory;
    std::string name;                           ///< For people.
    std::string nodes_file;                     ///< Empty: a cluster of one.
    std::optional<io::Address> peering_listen;  ///< None: a cluster of one.
    std::string peering_address;                ///< host:port, as others reach it.
    std::string api_address;
    std::string zone;
    cluster::PeerTlsFiles tls;
    KeyCheck key_check;  ///< None: keys are not compared.
    Duration nodes_file_interval = std::chrono::seconds(5);
    consensus::RaftOptions raft;  ///< Its id is filled in.
    cluster::CoordinatorOptions coordinator;
    /// The directory is a restored snapshot: the node founds a cluster with this, or has done so,
    /// and joins none.
    std::optional<Seed> seed;
    /// There are other nodes: a directory that is damaged is set aside, and the node joins them
    /// under another id. Otherwise it keeps the node from starting.
    bool has_others = false;
    /// Alone in its nodes file and without a leader for this long, a node goes on alone.
    Duration force_single_after = std::chrono::seconds(5);
    /// There is no nodes file: the node is a cluster of one until it is met (control_meet.cc). It
    /// lets in who has not been in a cluster with it before.
    bool is_met = false;
};

/// What is known of the control plane, for lookups.
struct ControlStatus {
    cluster::NodeId self;
    cluster::NodeId leader;  ///< Nil: none is known.
    bool is_leader = false;
    bool in_cluster = false;
    consensus::Term term = 0;
    consensus::Index commit = 0;
    consensus::Epoch epoch;
    std::vector<cluster::NodeId> voters;
    std::vector<cluster::NodeId> learners;
    std::set<cluster::NodeId> other_keys;  ///< Who has another API key than this node.
    std::uint64_t peers_refused = 0;
    std::uint64_t dials_failed = 0;
};

/// Who was the last to say that this node is in nobody's list, and when.
struct LedElsewhere {
    cluster::NodeId node;
    MonotonicTime at;
};

}  // namespace kumo::node
