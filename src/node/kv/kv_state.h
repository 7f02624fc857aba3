#pragma once

#include "base/result.h"
#include "cluster/state/state.h"
#include "node/kv/slot_set.h"
#include "wire/byte_reader.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

// Which node has which slots: what Redis Cluster's nodes gossip about, as a part of the cluster's
// state that changes by commands (docs/design/011-slots.md).

namespace kumo::node {

/// A master with its replicas: one shard, whose primary is the master.
struct KvGroup {
    cluster::ShardId shard{};
    /// Grows with every change of the master or of the slots by hand; no two groups with slots have
    /// the same one.
    std::uint64_t config_epoch = 0;
    SlotSet slots;

    bool operator==(const KvGroup&) const = default;
};

/// A slot on its way from master to master by SETSLOT, as one of the two has it.
struct OpenSlot {
    bool importing = false;  ///< Else migrating.
    cluster::NodeId peer;    ///< From where, or to where.

    bool operator==(const OpenSlot&) const = default;
};

/// Slots on their way from one group to another, all at once (kv_moves.h). It ends as done, or is
/// gone; once it is done it stays until both sides have made it true.
struct KvMove {
    Uuid id;
    cluster::ShardId source{};
    cluster::ShardId target{};
    SlotSet slots;
    /// Of the source's primary when it began: with the next one the move is over.
    cluster::Term term = 0;
    std::uint64_t incarnation = 0;
    std::int64_t begun_ms = 0;  ///< For people.
    bool done = false;          ///< The target has the slots.
    bool adopted = false;       ///< And serves what has come.
    bool dropped = false;       ///< The source has no keys of them any more.

    bool operator==(const KvMove&) const = default;
};

/// A value: copies share what is immutable.
struct KvState {
    std::uint64_t current_epoch = 0;
    std::map<cluster::ShardId, std::shared_ptr<const KvGroup>> groups;
    std::map<cluster::NodeId, std::map<std::uint16_t, OpenSlot>> open_slots;
    /// Who was told to go, and when, in milliseconds since the epoch: not to come back by itself.
    std::map<cluster::NodeId, std::int64_t> forgotten;
    std::map<Uuid, std::shared_ptr<const KvMove>> moves;

    bool empty() const { return groups.empty() && current_epoch == 0; }
};

bool operator==(const KvState& a, const KvState& b);

inline constexpr std::size_t kForgottenMax = 1000;
inline constexpr std::size_t kMovesMax = 1000;

// ---- commands

/// A member that has no copy of anything gets a group of its own, with those of the slots that it
/// claims that nobody has, or that somebody has under a lower epoch. kAlreadyExists: it is in one.
struct KvEnter {
    cluster::NodeId node;
    SlotSet slots;
    std::uint64_t epoch = 0;
    cluster::AckMode mode = cluster::AckMode::kSync;
    std::uint64_t epoch_seen = 0;  ///< The cluster's, where it was before.
};

/// kConflict names a slot that is somebody's.
struct KvAddSlots {
    cluster::NodeId node;
    SlotSet slots;
};

/// kConflict names a slot that is nobody's.
struct KvDropSlots {
    SlotSet slots;
};

/// The slot's owner from now on. What was open of it between the two is closed.
struct KvGiveSlot {
    std::uint16_t slot = 0;
    cluster::NodeId node;
};

struct KvMarkSlot {
    cluster::NodeId node;
    std::uint16_t slot = 0;
    std::optional<OpenSlot> mark;  ///< None: stable.
};

/// A master without slots, or a replica, becomes a replica of `master`.
struct KvReplicate {
    cluster::NodeId node;
    cluster::NodeId master;
};

/// kConflict: it has one already, or another node has it.
struct KvSetEpoch {
    cluster::NodeId node;
    std::uint64_t epoch = 0;
};

/// The node's group gets an epoch above all others, unless it has that.
struct KvBumpEpoch {
    cluster::NodeId node;
};

/// A member goes, with its copies. kConflict for a master that is up and has slots.
struct KvForget {
    cluster::NodeId node;
    std::int64_t at_ms = 0;
};

/// Slots begin to move from a master to another one. kConflict: they are not all the source's, or
/// are moving already.
struct KvBeginMove {
    Uuid id;
    cluster::NodeId source;
    cluster::NodeId target;
    SlotSet slots;
    std::int64_t at_ms = 0;
};

/// The target has all, and the source's primary changes nothing of it: the slots are the target's
/// from now on. kConflict: the source's primary is another one than it was; the move is over.
struct KvFinishMove {
    Uuid id;
};

/// It comes to nothing, unless it is done.
struct KvCancelMove {
    Uuid id;
};

/// It is done, and one side has made it true.
struct KvSettleMove {
    Uuid id;
    bool adopted = false;  ///< The target; else the source.
};

using KvCommand = std::variant<
    KvEnter,
    KvAddSlots,
    KvDropSlots,
    KvGiveSlot,
    KvMarkSlot,
    KvReplicate,
    KvSetEpoch,
    KvBumpEpoch,
    KvForget,
    KvBeginMove,
    KvFinishMove,
    KvCancelMove,
    KvSettleMove>;

/// Applies a command to both. Deterministic; nothing is changed on an error: kNotFound (no such
/// node, or it is in no group), kConflict, kInvalidArgument, kAlreadyExists, kLimitExceeded. The
/// texts are Redis's where a client of its commands gets to see them.
Status apply(KvState& kv, cluster::State& cluster, const KvCommand& command);

/// After a change of `cluster`: groups whose master is another one get a new epoch, groups whose
/// shard is gone go.
void follow(KvState& kv, const cluster::State& before, const cluster::State& cluster);

/// The group that the node has a copy of; nullptr: none.
const KvGroup*
group_of(const KvState& kv, const cluster::State& cluster, const cluster::NodeId& node);
/// nullptr: nobody's.
const KvGroup* owner_of(const KvState& kv, std::uint16_t slot);
/// The group that the node is the master of; nullptr: none.
const KvGroup*
group_led_by(const KvState& kv, const cluster::State& cluster, const cluster::NodeId& node);
/// Of the group's shard, as it is now or was last; nil: none yet.
cluster::NodeId master_of(const cluster::State& cluster, const KvGroup& group);

/// The 40 hexadecimal digits that Redis's clients know a node by.
std::string node_name(const cluster::NodeId& node);
std::optional<cluster::NodeId> parse_node_name(ByteView name);

// Bytes: docs/formats/state.md.

void append_kv_command(std::string& out, const KvCommand& command);
std::optional<KvCommand> read_kv_command(wire::ByteReader& in);
void append_kv_state(std::string& out, const KvState& state);
Result<KvState> read_kv_state(ByteView bytes);

}  // namespace kumo::node
