#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "cluster/state/state.h"
#include "node/kv/kv_state.h"
#include "node/node.h"
#include "node/resource.h"
#include "store/wal.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kumo::node {

inline constexpr std::size_t kCollectionsMax = 10'000;
inline constexpr std::size_t kKeysMax = 10'000;
inline constexpr std::size_t kCollectionNameBytesMax = 1024;
inline constexpr std::size_t kMetadataBytesMax = std::size_t{1} << 20;

/// A collection that exists. Its first shard is its identity: a name may come back, a shard never.
struct Collection {
    std::vector<cluster::ShardId> shards;  ///< spec.num_shards, ascending; never none.
    CollectionSpec spec;

    cluster::ShardId id() const { return shards.front(); }

    /// Where the document with this id is.
    cluster::ShardId shard_of(std::string_view document) const {
        return shards[search::partition_of(document, spec.num_shards)];
    }
};

/// The collection's schema, sharing its life.
std::shared_ptr<const search::Schema> schema_of(const std::shared_ptr<const Collection>& collection
);

/// The last command that a node's run has proposed: one that comes again is not applied again.
struct ProposalMark {
    Uuid run;
    std::uint64_t number = 0;

    bool operator==(const ProposalMark&) const = default;
};

/// What the cluster knows beside documents. A value: it changes only by apply(), and two states
/// that applied the same commands are equal. Copies share what is immutable.
struct State {
    store::Seq applied = 0;  ///< Number of the last command in it.
    std::uint64_t next_key_id = 0;
    std::map<std::string, std::shared_ptr<const Collection>, std::less<>> collections;
    std::shared_ptr<const std::vector<KeyRecord>> keys =
        std::make_shared<const std::vector<KeyRecord>>();  ///< By ascending id.
    cluster::State cluster;
    std::map<cluster::NodeId, ProposalMark> proposals;
    Resources resources;
    KvState kv;
};

struct CreateCollection {
    CollectionSpec spec;
};

struct DropCollection {
    std::string name;
};

struct CreateKey {
    KeyRecord key;  ///< Its id is assigned when it is applied.
};

struct DeleteKey {
    std::uint64_t id = 0;
};

/// A change of the state. Times and secrets were resolved before, so that it means the same
/// whenever and wherever it is applied.
using Command = std::variant<
    CreateCollection,
    DropCollection,
    CreateKey,
    DeleteKey,
    cluster::Command,
    PutResource,
    DeleteResource,
    UpdateCollection,
    KvCommand>;

/// A command as it stands in the log.
struct Proposal {
    cluster::NodeId node;  ///< Nil: of nobody who waits for it.
    ProposalMark mark;
    Command command;
};

/// What a command did: the collection made, changed or dropped, the key made or deleted, the
/// resource as it was put or as it was before it was deleted.
struct Change {
    std::shared_ptr<const Collection> created;
    std::shared_ptr<const Collection> updated;
    std::shared_ptr<const Collection> dropped;
    std::optional<KeyRecord> key;
    ResourcePtr resource;
};

struct Applied {
    State state;
    Result<Change> change;  ///< An error left everything but `applied` as it was.
};

/// The state after the proposal with number `seq`; that of kAlreadyExists changed nothing because
/// it had come before.
Applied apply(const State& state, store::Seq seq, const Proposal& proposal);

/// The state after the command with number `seq`. Pure, so it may also be asked what a command
/// would do. Errors: kNotFound, kAlreadyExists, kInvalidArgument, kLimitExceeded.
Applied apply(const State& state, store::Seq seq, const Command& command);

/// kUnavailable, in the words clients know.
Error not_ready();

/// kNotFound, in the words clients know.
Error no_such_collection(std::string_view name);

// Bytes: docs/formats/state.md. Decoding answers kCorruption.

std::string encode_command(const Command& command);
Result<Command> decode_command(ByteView bytes);
std::string encode_proposal(const Proposal& proposal);
Result<Proposal> decode_proposal(ByteView bytes);
std::string encode_state(const State& state);
Result<State> decode_state(ByteView bytes);

}  // namespace kumo::node
