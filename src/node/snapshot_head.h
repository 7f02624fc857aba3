#pragma once

#include "base/result.h"
#include "base/uuid.h"
#include "io/fs.h"
#include "node/state.h"

#include <memory>
#include <optional>
#include <string>

namespace kumo::node {

/// What a snapshot says of itself (docs/formats/snapshot.md). A snapshot is a data directory that
/// has no identity, control plane or log yet: copies of shards as they lie in any data directory,
/// and this file. Who starts a node on it begins a new cluster with what is in it.
struct SnapshotHead {
    bool complete = false;  ///< Everything it names is durable.
    Uuid restored_as;       ///< The cluster that is being begun from it; nil: none yet.
    cluster::NodeId node;   ///< Whose copies they are.
    std::shared_ptr<const State> state = std::make_shared<const State>();
};

std::string snapshot_head_path(const std::string& directory);

/// Nothing if the directory is no snapshot. kCorruption names the file.
Result<std::optional<SnapshotHead>> read_snapshot_head(io::Fs& fs, const std::string& directory);

Status write_snapshot_head(io::Fs& fs, const std::string& directory, const SnapshotHead& head);

/// The state without what a snapshot does not have: other nodes, copies elsewhere, proposals, and
/// collections whose shard has no copy at `node`.
State snapshot_state(const State& state, const cluster::NodeId& node);

/// What the first node of a cluster begins with.
struct Seed {
    Uuid cluster;          ///< What it is to be called.
    cluster::NodeId node;  ///< Whose copies they were.
    std::shared_ptr<const State> state;
};

/// The first state of the cluster: that of the seed, with `self` as its only member.
State first_state(const Seed& seed, const cluster::NodeId& self);

}  // namespace kumo::node
