#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "cluster/state/ack_mode.h"
#include "wire/byte_reader.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// Who is in the cluster, and which copy of which shard may do what. Part of the control plane's
// state: every change is an entry of its log (docs/design/004-cluster.md).

namespace kumo::cluster {

using NodeId = Uuid;
using Term = std::uint64_t;
using Seq = std::uint64_t;

/// A shard, for ever. 0 names none.
enum class ShardId : std::uint64_t {
};

/// One copy of a shard on one node, for ever: a copy that is built anew is another one. Also its
/// stream in that node's log and its directory there.
enum class CopyId : std::uint64_t {
};

inline constexpr std::size_t kMembersMax = 1000;
inline constexpr std::size_t kShardsMax = 100'000;
inline constexpr std::size_t kMemberTextBytesMax = 1024;
inline constexpr std::size_t kBootsBeforeMax = 8;

/// A node that has joined. Its addresses are attributes, not its identity.
struct Member {
    NodeId id;
    std::string name;
    std::string peering_address;  ///< host:port
    std::string api_address;      ///< host:port
    std::string zone;
    bool holds_data = true;
    Uuid boot;                       ///< Of the run that registered last.
    std::vector<Uuid> boots_before;  ///< Its last runs: they are over, whatever arrives late.
    /// Of the run: grows, and is never used again, even if the node is removed and comes back. What
    /// an older one says is void.
    std::uint64_t incarnation = 0;
    bool fenced = true;     ///< Not to serve: its lease has run out, or was never granted.
    bool draining = false;  ///< To hold no primaries.

    bool operator==(const Member&) const = default;
};

enum class Phase : std::uint8_t {
    kNormal,
    kHandover,  ///< The primary is to make way for `target`.
    kElecting,  ///< Copies in sync say how long their logs are; there is no primary. Not in kSync.
};

/// How far a copy's durable log goes, once the copy refuses everything of older terms.
struct LogEnd {
    std::uint64_t incarnation = 0;  ///< Of the run that says so.
    Term last_term = 0;
    Seq last_seq = 0;

    bool operator==(const LogEnd&) const = default;
};

struct Shard {
    ShardId id{};
    std::uint64_t version = 0;  ///< Changes with everything below: what proposals are based on.
    Term term = 0;              ///< Changes with the primary.
    NodeId primary;
    std::uint64_t primary_incarnation = 0;
    std::set<NodeId> in_sync;         ///< Hold every acknowledged operation.
    std::map<NodeId, CopyId> copies;  ///< All, those in sync among them.
    Phase phase = Phase::kNormal;
    NodeId target;
    AckMode mode = AckMode::kSync;
    bool everywhere = true;  ///< Every node that holds data is to have a copy.
    /// Nothing of a client's is acknowledged while fewer copies are in sync.
    std::uint64_t min_in_sync = 1;
    std::map<NodeId, LogEnd> log_ends;  ///< While electing: who has answered.
    /// kMajority: members in sync whose copy is built anew. They count, but hold nothing that
    /// others could rely on, until the primary adds them again.
    std::set<NodeId> blank;

    bool operator==(const Shard&) const = default;
};

/// A value: copies share what is immutable.
struct State {
    Uuid id;  ///< The cluster's. Nil before the first command.
    /// Of shards, copies and incarnations; 1 is the control plane's.
    std::uint64_t next_id = 2;
    /// Nobody is granted a lease before that many have registered once: a cluster of three does
    /// not begin with one.
    std::uint64_t members_expected = 1;
    std::map<NodeId, std::shared_ptr<const Member>> members;
    std::map<ShardId, std::shared_ptr<const Shard>> shards;
};

bool operator==(const State& a, const State& b);

// ---- commands

/// The first one: the cluster has a name.
struct Found {
    Uuid id;
    std::uint64_t members_expected = 1;
};

/// A node's run begins. Once more with the same `boot`: its name and addresses are updated. One
/// that arrives after its run has been followed by another is refused (kConflict): either that run
/// is known, or the other one has registered, which this one does not know of.
struct Register {
    /// Its flags are decided here, and its incarnation: what stands there is that of the node's run
    /// before, as far as this one knows; kNoRunBefore if it knows of none, 0 if it does not say
    /// (versions before did not).
    Member member;
    /// The run before is known to be over (the data directory's lock was taken on the same
    /// machine). Otherwise a node that is still granted leases is not replaced.
    bool previous_is_over = false;
    /// Copies that may lack something they had acknowledged. They are built anew from the others in
    /// sync; where there is no other, they are all there is, and the others are built anew. May
    /// hold kEveryCopyLost or kEveryCopyUnclean.
    std::set<CopyId> unclean;
};

/// No run has it.
inline constexpr std::uint64_t kNoRunBefore = 1;

/// Among unclean copies: all that the node has, whichever these are, and they are of no use even
/// where there is no other: there, nothing is changed, and the node does not serve the shard.
inline constexpr CopyId kEveryCopyLost{UINT64_MAX};

/// The same as if all that the node has were named.
inline constexpr CopyId kEveryCopyUnclean{UINT64_MAX - 1};

/// Their leases have run out. One command for all shards of all of them.
struct Fence {
    std::set<NodeId> nodes;
};

/// A lease is granted again.
struct Unfence {
    NodeId node;
    std::uint64_t incarnation = 0;
};

/// The primary's wish for another in-sync set. A wish that is refused changes the version as well:
/// a delayed second copy of it cannot succeed.
struct ProposeInSync {
    ShardId shard{};
    std::uint64_t version = 0;  ///< What it is based on.
    Term term = 0;
    std::set<NodeId> in_sync;
    std::map<NodeId, std::uint64_t> added;  ///< With the incarnations that were seen.
};

struct BeginHandover {
    ShardId shard{};
    NodeId target;
};

/// The old primary has stopped, and the target has everything.
struct CompleteHandover {
    ShardId shard{};
    std::uint64_t version = 0;
};

struct AbortHandover {
    ShardId shard{};
    std::uint64_t version = 0;
};

/// A copy is useless (failed, unclean): it leaves, and a new one takes its place.
struct ReplaceCopy {
    ShardId shard{};
    NodeId node;
    CopyId copy{};  ///< The one that is meant.
};

struct SetDraining {
    NodeId node;
    bool draining = false;
};

struct RemoveMember {
    NodeId node;
};

/// The answer of a copy to Phase::kElecting, in the name of a term that it has entered.
struct ReportLog {
    ShardId shard{};
    Term term = 0;
    NodeId node;
    CopyId copy{};
    LogEnd end;
};

/// kAsync: whoever has not answered by now is not waited for.
struct EndElection {
    ShardId shard{};
    std::uint64_t version = 0;
};

/// After a forced configuration: the others are gone, and what this node has is what there is.
struct TakeOver {
    NodeId node;
};

/// A node is to have a copy of a shard that is not everywhere. kAlreadyExists if it has one.
struct PlaceCopy {
    ShardId shard{};
    NodeId node;
};

/// A node is to have no copy of a shard that is not everywhere. Not the primary's, nor the last one
/// in sync, nor one that a majority counts: kConflict.
struct RemoveCopy {
    ShardId shard{};
    NodeId node;
};

using Command = std::variant<
    Found,
    Register,
    Fence,
    Unfence,
    ProposeInSync,
    BeginHandover,
    CompleteHandover,
    AbortHandover,
    ReplaceCopy,
    SetDraining,
    RemoveMember,
    TakeOver,
    ReportLog,
    EndElection,
    PlaceCopy,
    RemoveCopy>;

/// Applies a command. Deterministic. On an error the state is as it was, but for versions (see
/// ProposeInSync). Errors: kNotFound, kConflict, kInvalidArgument, kLimitExceeded; kAlreadyExists
/// for a registration that must wait (see Register).
Status apply(State& state, const Command& command);

/// A new shard with an empty copy on every node that holds data, those that are up in sync: empty
/// copies are equal. kUnavailable if no node is up, or fewer than three for kMajority;
/// kInvalidArgument unless 1 <= min_in_sync <= kMembersMax.
Result<ShardId> add_shard(State& state, AckMode mode, std::uint64_t min_in_sync = 1);

/// A new shard with one copy, at a member that holds data; it is in sync. The primary if it is up.
/// kNotFound: no such member.
Result<ShardId> add_shard_at(State& state, AckMode mode, const NodeId& node);

/// Nothing if there is none.
void drop_shard(State& state, ShardId shard);

/// Where another cluster may begin: `from`'s copies, alone in sync, as those of node `to`, and no
/// other member. It has no name yet. Shards that `from` has no copy of are left out.
State begin_with(const State& state, const NodeId& from, const NodeId& to);

const Member* find_member(const State& state, const NodeId& node);
const Shard* find_shard(const State& state, ShardId shard);

// Bytes: docs/formats/cluster.md. Readers leave damage to the reader's at_end().

void append_command(std::string& out, const Command& command);
std::optional<Command> read_command(wire::ByteReader& in);
void append_state(std::string& out, const State& state);
State read_state(wire::ByteReader& in);

}  // namespace kumo::cluster
