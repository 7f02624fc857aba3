#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "cluster/state/ack_mode.h"
#include "io/address.h"
#include "io/loop.h"
#include "node/node_options.h"
#include "node/read_version.h"
#include "node/resource.h"
#include "search/index/index.h"
#include "search/index/mapped_write.h"
#include "search/join/join_keys.h"
#include "search/query/request.h"
#include "search/schema/schema.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::node {

/// Every node has a copy of each, and a search reads all of them.
inline constexpr std::uint32_t kShardsPerCollectionMax = search::kPartitionsMax;

/// No more copies than that can be asked for.
inline constexpr std::uint32_t kMinInSyncMax = 1000;

/// A collection as it was declared. A plain value, part of the cluster state.
struct CollectionSpec {
    std::string name;
    search::Schema schema;
    std::string metadata;         ///< A JSON object as it was sent, or empty.
    std::int64_t created_at = 0;  ///< Seconds since the epoch.
    /// 1 to kShardsPerCollectionMax. A document's id says which it is in; that never changes.
    std::uint32_t num_shards = 1;
    /// Of writes. kMajority needs three nodes that are up when the collection is made.
    cluster::AckMode replication_mode = cluster::AckMode::kSync;
    /// Writes wait, and at last fail, while fewer copies are in sync. 1 to kMinInSyncMax.
    std::uint32_t min_in_sync = 1;
    /// Names of the named resources that its searches use; at most kSetsPerCollectionMax each.
    std::vector<std::string> synonym_sets;
    std::vector<std::string> curation_sets;
};

inline constexpr std::size_t kSetsPerCollectionMax = 100;

/// A change of a collection that its documents need not know of: what is named is replaced. (One
/// of its fields is another: it has to be true of the documents first.)
struct UpdateCollection {
    std::string name;
    std::optional<std::string> metadata;  ///< A JSON object.
    std::optional<std::vector<std::string>> synonym_sets;
    std::optional<std::vector<std::string>> curation_sets;
};

struct CollectionInfo {
    CollectionSpec spec;  ///< Its schema is that of the documents here, as of now.
    std::uint64_t num_documents = 0;
    /// The same schema, shared: what requests that are made for it carry.
    std::shared_ptr<const search::Schema> schema{};
};

/// A change of fields that is running at this node.
struct SchemaChange {
    std::string collection;
    std::uint64_t documents = 0;  ///< So many are done.
};

/// An API key as it is kept: never its value. `digest` is SHA-256 of the value; `hmac_state` (only
/// for keys whose actions are exactly documents:search) is what HMAC-SHA256 needs of the value to
/// verify scoped keys made from it: the inner and outer midstates.
struct KeyRecord {
    std::uint64_t id = 0;
    std::string description;
    std::vector<std::string> actions;
    std::vector<std::string> collections;
    std::int64_t expires_at = 0;  ///< Seconds since the epoch.
    bool autodelete = false;
    std::string value_prefix;  ///< First 4 characters.
    std::string digest;
    std::string hmac_state;
};

/// Documents to write into one collection, answered one by one in order. Which lines are good is
/// found out when they are applied: a bad one does not stop the others. In a collection of several
/// shards each shard takes its lines at once or not at all, side by side with the others; the lines
/// of one that could not be asked have its error, unless no shard could: then the call has it.
struct WriteBatch {
    search::WriteAction action = search::WriteAction::kCreate;
    search::DirtyValues dirty = search::DirtyValues::kCoerceOrReject;
    std::vector<std::string> documents;  ///< One JSON object each.
};

inline constexpr std::size_t kBatchDocumentsMax = 10000;
inline constexpr std::size_t kBatchBytesMax = std::size_t{64} << 20;

/// What a caller waits for. Runs once, on the loop that was named with the call.
template <typename T>
using Reply = std::function<void(Result<T>)>;

struct Health {
    /// It serves: it is in a cluster with a leader, its log works, and its collections are up to
    /// date. If not, its clients are to try another node.
    bool ok = false;
    /// Why it never will, as things are: a damaged file, a failed disk. Empty otherwise.
    std::string broken;
    /// What writes are refused for at the moment: "OUT_OF_DISK", "OUT_OF_MEMORY", or empty. A node
    /// is healthy for its clients if `ok` and this is empty.
    std::string resource_error;
};

/// Where a node stands in its cluster.
struct ClusterStatus {
    bool in_cluster = false;
    bool has_leader = false;
    bool leads = false;
    bool serves = false;
    std::uint64_t committed_index = 0;
    std::uint64_t queued_writes = 0;
    std::uint64_t peers_refused = 0;  ///< Connections between nodes, either way, since the start.
    std::uint64_t dials_failed = 0;   ///< Nobody was there, or whoever was left.
};

/// A cluster as one node knows it, for people.
struct ClusterInfo {
    struct Member {
        std::string id;
        std::string name;
        std::string peering_address;
        std::string api_address;
        std::string zone;
        bool self = false;
        bool leads = false;  ///< The control plane.
        bool votes = false;
        bool up = false;
        bool draining = false;
        bool other_key = false;  ///< It has another API key than this node, which has asked it.
    };

    struct Copy {
        std::string node;  ///< Its id.
        bool in_sync = false;
        bool primary = false;
        std::optional<std::uint64_t> behind;  ///< Operations; if this node knows.
    };

    struct Shard {
        std::string collection;
        std::uint32_t number = 0;  ///< Of the collection's shards.
        std::uint32_t count = 1;   ///< So many shards has the collection.
        std::uint64_t id = 0;
        std::uint64_t term = 0;
        cluster::AckMode mode = cluster::AckMode::kSync;
        std::uint64_t min_in_sync = 1;
        /// It has no primary: copies in sync are still to say how much they have.
        bool electing = false;
        std::uint64_t applied = 0;  ///< By this node's copy.
        std::vector<Copy> copies;
    };

    std::string id;  ///< Empty: in none yet.
    ClusterStatus status;
    std::vector<Member> members;
    std::vector<Shard> shards;
};

/// One node of a cluster, which may be a cluster of one: its part in the control plane that agrees
/// on the state (collections, keys, who is who), a log, and a copy of every collection, behind
/// calls that any dialect can use. It decides everything about documents; dialects only translate.
///
/// Any node takes any call. Writes go to the primary copy of their shard, and are answered when
/// every copy in sync has them on disk and they are visible here. Searches and scans read this
/// node's copy, which shows what is committed; single documents are read as of now.
///
/// Thread rule: every call from any thread; replies run on the loop given. Lookups that return at
/// once read published immutable values.
///
/// A call that one part of was carried out and another not (a list of documents, shards) answers
/// kUnavailable, whatever was in the way.
///
/// Errors of every call that changes something: kNotFound (no such collection), kResourceExhausted
/// (the disk is full; nothing was changed, and it works again when there is room), kOverloaded (too
/// much is waiting), kUnavailable (shutting down, no leader or primary in time, or the log has
/// failed), kIo (the disk failed: not known whether it was changed). Reads: kUnavailable when the
/// node may not serve: it is cut off, or has not caught up.
class Node {
public:
    /// Opens (or creates) the data directory. When the loops run, the node founds or joins its
    /// cluster, recovers, and then serves: health() tells. kUnavailable if another process has
    /// the directory; kCorruption names the damaged file. The loops must not run before this
    /// returns.
    ///
    /// At the end: shut_down(), then the loops stop, then the pools, then the node is destroyed.
    static Result<std::unique_ptr<Node>>
    open(const NodeOptions& options, const NodeEnvironment& environment);

    virtual ~Node() = default;

    // ---- state

    virtual void
    create_collection(CollectionSpec spec, io::Loop& loop, Reply<CollectionInfo> reply) = 0;
    virtual void drop_collection(std::string name, io::Loop& loop, Reply<CollectionInfo> reply) = 0;
    /// kNotFound: the collection, or a set that is named.
    virtual void
    update_collection(UpdateCollection update, io::Loop& loop, Reply<CollectionInfo> reply) = 0;
    /// Changes fields, and every document's part of the index with them, all or nothing. Searches
    /// go on with the fields from before; writes wait. kInvalidArgument if the change does not fit
    /// the schema or a document; kLimitExceeded while another one is running; kUnsupported for a
    /// collection of several shards.
    virtual void change_fields(
        std::string collection,
        search::FieldChange change,
        io::Loop& loop,
        Reply<CollectionInfo> reply
    ) = 0;
    virtual std::vector<SchemaChange> schema_changes() const = 0;
    /// kNotFound if there is none of that name.
    virtual Result<CollectionInfo> collection(std::string_view name) const = 0;
    /// Newest first.
    virtual std::vector<CollectionInfo> collections() const = 0;

    /// Assigns the id. kAlreadyExists if a key with this digest is there.
    virtual void create_key(KeyRecord key, io::Loop& loop, Reply<KeyRecord> reply) = 0;
    virtual void delete_key(std::uint64_t id, io::Loop& loop, Reply<KeyRecord> reply) = 0;
    /// By ascending id. Shared, immutable: cheap enough for every request.
    virtual std::shared_ptr<const std::vector<KeyRecord>> keys() const = 0;

    /// Replies with the resource as it is afterwards.
    virtual void put_resource(PutResource put, io::Loop& loop, Reply<ResourcePtr> reply) = 0;
    /// Replies with the resource as it was.
    virtual void delete_resource(DeleteResource what, io::Loop& loop, Reply<ResourcePtr> reply) = 0;
    /// Null if there is none.
    virtual ResourcePtr resource(ResourceKind kind, std::string_view name) const = 0;
    virtual std::shared_ptr<const NamedResources> resources(ResourceKind kind) const = 0;

    // ---- documents

    virtual void write(
        std::string collection,
        WriteBatch batch,
        io::Loop& loop,
        Reply<std::vector<Result<search::Written>>> reply
    ) = 0;

    /// Documents with the values of their fields (search/index/mapped_write.h), answered one by one
    /// in order: each by what parse_mapped_outcome() reads, or kConflict. kUnsupported for a
    /// collection of several shards.
    virtual void write_mapped(
        std::string collection,
        search::MappedBatch batch,
        io::Loop& loop,
        Reply<std::vector<Result<search::Written>>> reply
    ) = 0;

    /// Removes one document and answers it as it was. kNotFound if there is none.
    virtual void
    erase(std::string collection, std::string id, io::Loop& loop, Reply<std::string> reply) = 0;

    /// Removes what the filter matches now; answers how many.
    virtual void erase_matching(
        std::string collection,
        search::PlannedFilter filter,
        io::Loop& loop,
        Reply<std::uint64_t> reply
    ) = 0;

    /// Removes every document. An error of a collection with several shards is that of one of
    /// them: others may be empty by then.
    virtual void truncate(std::string collection, io::Loop& loop, Reply<std::uint64_t> reply) = 0;

    /// Merges `patch` (a JSON object) into what the filter matches now; answers how many.
    virtual void update_matching(
        std::string collection,
        search::PlannedFilter filter,
        std::string patch,
        search::DirtyValues dirty,
        io::Loop& loop,
        Reply<std::uint64_t> reply
    ) = 0;

    // ---- reads

    /// As of now: whatever was acknowledged before the call, by whichever node, is seen.
    virtual void
    document(std::string collection, std::string id, io::Loop& loop, Reply<std::string> reply) = 0;

    /// The collection's documents at this moment, of all of its shards, for exports. kNotFound.
    virtual Result<std::shared_ptr<const search::Snapshot>> snapshot(std::string_view collection
    ) const = 0;

    /// What joins have made of snapshots and may use again.
    virtual search::KeyTables& key_tables() const = 0;

    /// Runs on the pool. The collections that the request joins get their snapshots here.
    /// kOverloaded when the pool's queue is full.
    virtual void search(
        std::string collection,
        search::SearchRequest request,
        io::Loop& loop,
        Reply<search::SearchResult> reply
    ) = 0;

    /// kNotFound; kUnavailable as snapshot(). Searches that are started later see all of it.
    virtual Result<ReadVersion> read_version(std::string_view collection) const = 0;

    virtual Health health() const = 0;

    /// Seals what is live in this node's copies and merges their segments as far as segments may
    /// grow; deletes leave the disk. Takes as long as it takes; searches and writes go on.
    virtual void compact(io::Loop& loop, Reply<bool> reply) = 0;

    // ---- the cluster

    virtual ClusterStatus cluster_status() const = 0;

    /// Without how far copies are.
    virtual ClusterInfo cluster() const = 0;

    /// With how far copies are, as this node knows it: those of the shards that it leads.
    /// Stores everything outside of the log, and copies it to `directory` unless that is empty: a
    /// snapshot, from which a node that is started on it begins a new cluster. Everything that was
    /// acknowledged before is in it, at whichever node; each shard is as of one operation.
    /// kConflict while another one is taken; kInvalidArgument for a directory that is not empty, or
    /// is the node's own.
    virtual void take_snapshot(std::string directory, io::Loop& loop, Reply<bool> reply) = 0;
    virtual void cluster_in_detail(io::Loop& loop, Reply<ClusterInfo> reply) = 0;

    /// From now on a node, named by its id or name, is to lead no shards, or may again. What it
    /// leads is handed over one by one. kNotFound.
    virtual void drain(std::string node, bool draining, io::Loop& loop, Reply<bool> reply) = 0;

    /// Replies when this node knows every collection and key that any node had told somebody of
    /// before the call, or after a second: for who is about to say that there is none.
    virtual void refresh(io::Loop& loop, Reply<bool> reply) = 0;

    /// Makes this node lead the control plane. kUnavailable if there is no leader.
    virtual void lead(io::Loop& loop, Reply<bool> reply) = 0;

    /// Reads the nodes file now; what is in it counts as if it had just been changed.
    /// kInvalidArgument without such a file; else why it is of no use: the last good list stays.
    virtual void reset_peers(io::Loop& loop, Reply<bool> reply) = 0;

    /// Refuses new writes, seals and stores what is live (so that the next start replays nothing),
    /// then replies. The data loop must be running.
    virtual void shut_down(io::Loop& loop, Reply<bool> reply) = 0;

protected:
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
};

}  // namespace kumo::node
