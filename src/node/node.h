#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "io/loop.h"
#include "search/index/index.h"
#include "search/query/request.h"
#include "search/schema/schema.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::io {
class Fs;
class WorkerPool;
}  // namespace kumo::io

namespace kumo::node {

/// A collection as it was declared. A plain value, part of the cluster state.
struct CollectionSpec {
    std::string name;
    search::Schema schema;
    std::string metadata;         ///< A JSON object as it was sent, or empty.
    std::int64_t created_at = 0;  ///< Seconds since the epoch.
};

struct CollectionInfo {
    CollectionSpec spec;
    std::uint64_t num_documents = 0;
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
/// found out when they are applied: a bad one does not stop the others.
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
    bool ok = false;  ///< The log works. Reads go on either way.
    /// What writes are refused for at the moment: "OUT_OF_DISK", or empty. A node is healthy for
    /// its clients if `ok` and this is empty.
    std::string resource_error;
};

struct NodeOptions {
    std::string data_dir;
    bool fsync = true;
    /// Writes are refused while less is free: seals and merges need room to make room.
    std::uint64_t disk_reserve_bytes = std::uint64_t{64} << 20;
    std::uint32_t disk_used_max_percentage = 100;  ///< 100: only a full disk refuses writes.
    /// Writes that are accepted and not yet answered may hold that much, whatever their number.
    std::size_t queued_write_bytes_max = std::size_t{128} << 20;
    /// Sealed at half of what an index may take: a restart after a kill replays what is not.
    search::IndexLimits index_limits = {
        .live_docs_max = 32 * 1024,
        .live_bytes_max = std::size_t{32} << 20};
    /// Seal a live segment that has been idle this long, so that a restart finds little to replay.
    Duration idle_seal_after = std::chrono::seconds(10);
};

/// One node's data: the state (collections, keys), a log, and an index per collection, behind calls
/// that any dialect can use. It decides everything about documents; dialects only translate.
///
/// Thread rule: every call from any thread; replies run on the loop given. Lookups that return at
/// once read published immutable values. Writes run on the data loop: appended to the log, applied
/// when the log has them on disk, visible to every search when the reply runs.
///
/// Errors of every call that changes something: kNotFound (no such collection), kResourceExhausted
/// (the disk is full; nothing was changed, and it works again when there is room), kOverloaded (too
/// much is waiting), kUnavailable (shutting down, or the log has failed), kIo (the disk failed: not
/// known whether it was changed).
class Node {
public:
    /// Opens (or creates) the data directory and recovers: everything acknowledged is searchable
    /// before this returns. kUnavailable if another process has the directory; kCorruption names
    /// the damaged file, and nothing is served. `data_loop` must not run before this returns.
    /// `pool` runs searches and, on at most two of its threads, seals and merges.
    ///
    /// Everything given outlives the node. At the end: shut_down(), then the loop stops, then the
    /// pool, then the node is destroyed.
    static Result<std::unique_ptr<Node>> open(
        const NodeOptions& options,
        io::Fs& fs,
        io::Loop& data_loop,
        io::WorkerPool& pool,
        Clock& clock
    );

    virtual ~Node() = default;

    // ---- state

    virtual void
    create_collection(CollectionSpec spec, io::Loop& loop, Reply<CollectionInfo> reply) = 0;
    virtual void drop_collection(std::string name, io::Loop& loop, Reply<CollectionInfo> reply) = 0;
    /// kNotFound if there is none of that name.
    virtual Result<CollectionInfo> collection(std::string_view name) const = 0;
    /// Newest first.
    virtual std::vector<CollectionInfo> collections() const = 0;

    /// Assigns the id. kAlreadyExists if a key with this digest is there.
    virtual void create_key(KeyRecord key, io::Loop& loop, Reply<KeyRecord> reply) = 0;
    virtual void delete_key(std::uint64_t id, io::Loop& loop, Reply<KeyRecord> reply) = 0;
    /// By ascending id. Shared, immutable: cheap enough for every request.
    virtual std::shared_ptr<const std::vector<KeyRecord>> keys() const = 0;

    // ---- documents

    virtual void write(
        std::string collection,
        WriteBatch batch,
        io::Loop& loop,
        Reply<std::vector<Result<search::Written>>> reply
    ) = 0;

    /// Removes one document and answers it as it was. kNotFound if there is none.
    virtual void
    erase(std::string collection, std::string id, io::Loop& loop, Reply<std::string> reply) = 0;

    /// Removes what the filter matches now; answers how many.
    virtual void erase_matching(
        std::string collection,
        search::Filter filter,
        io::Loop& loop,
        Reply<std::uint64_t> reply
    ) = 0;

    /// Removes every document.
    virtual void truncate(std::string collection, io::Loop& loop, Reply<std::uint64_t> reply) = 0;

    /// Merges `patch` (a JSON object) into what the filter matches now; answers how many.
    virtual void update_matching(
        std::string collection,
        search::Filter filter,
        std::string patch,
        search::DirtyValues dirty,
        io::Loop& loop,
        Reply<std::uint64_t> reply
    ) = 0;

    // ---- reads

    virtual Result<std::string> document(std::string_view collection, std::string_view id)
        const = 0;

    /// The collection's documents at this moment, for exports. kNotFound.
    virtual Result<std::shared_ptr<const search::Snapshot>> snapshot(std::string_view collection
    ) const = 0;

    /// Runs on the pool. kOverloaded when its queue is full.
    virtual void search(
        std::string collection,
        search::SearchRequest request,
        io::Loop& loop,
        Reply<search::SearchResult> reply
    ) = 0;

    virtual Health health() const = 0;

    /// Refuses new writes, seals and stores what is live (so that the next start replays nothing),
    /// then replies. The data loop must be running.
    virtual void shut_down(io::Loop& loop, Reply<bool> reply) = 0;

protected:
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
};

}  // namespace kumo::node
