#pragma once

#include "base/result.h"
#include "io/fs.h"
#include "node/data_log.h"
#include "node/shard.h"
#include "node/state.h"
#include "store/wal.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kumo::node {

/// The copies of shards that are on this node, as the state wants them: each with a directory
/// `collections/<copy>` and a stream of the log with the copy's number.
///
/// Copies are opened only when this run is registered: a state from before may name copies that
/// have been replaced since. Until then, what the log holds of them waits in memory.
///
/// Thread rule: loop-owned; recover() blocks, before the loop runs.
class ShardSet {
public:
    struct Environment {
        ShardEnv shard;
        io::Fs* fs = nullptr;
        std::string directory;  ///< Of all copies.
        bool durable = true;    ///< What was acknowledged is on the disk.
        bool alone = true;      ///< No other node has copies: what is damaged cannot be given up.
        std::optional<LostLog> lost_log;  ///< Copies that wrote to it are not opened.
        /// That has changed: it is to be remembered, or, if it is nothing, forgotten.
        std::function<void(const std::optional<LostLog>&)> on_lost_log = nullptr;
    };

    explicit ShardSet(Environment environment);

    /// Reads the log's tail behind what the copies' manifests hold. Once.
    Status recover();

    /// Opens what this node is to have, closes what it is not. Blocking for copies with data.
    void on_state(std::shared_ptr<const State> next, std::uint64_t incarnation);

    /// To be called every tenth of a second or so.
    void tick(MonotonicTime now);

    const std::map<cluster::ShardId, std::shared_ptr<Shard>>& shards() const { return shards_; }

    std::shared_ptr<Shard> find(cluster::ShardId shard) const;

    /// The directory of an empty copy has been filled: it goes on with that.
    void adopt(cluster::ShardId id, cluster::CopyId copy, SegmentStore::Content content);

    std::string directory_of(cluster::CopyId copy) const;

    /// Why a copy could not be opened that nobody else has in sync.
    const std::optional<Error>& lost() const { return lost_; }

private:
    Environment with_events(Environment environment);
    void keep(
        const std::shared_ptr<const Collection>& collection,
        cluster::ShardId id,
        std::set<cluster::CopyId>& wanted,
        std::set<cluster::ShardId>& present
    );
    void open(
        const std::shared_ptr<const Collection>& collection,
        const cluster::Shard& shard,
        cluster::CopyId copy
    );
    Result<std::shared_ptr<Shard>> open_copy(
        std::shared_ptr<const Collection> collection,
        cluster::ShardId id,
        cluster::CopyId copy
    );
    void give_up(const cluster::Shard& shard, cluster::CopyId copy, const Error& error);
    bool is_lost(cluster::CopyId copy) const;
    Error lost_log_error(const Collection& collection) const;
    void settle_lost_log(const std::set<cluster::CopyId>& wanted);
    void forget_broken(const std::set<cluster::CopyId>& wanted);
    void bury(cluster::ShardId id, const Error& why);
    void remove(cluster::CopyId copy);
    void remove_strangers(const std::set<cluster::CopyId>& wanted);

    const Environment env_;
    std::shared_ptr<const State> state_ = std::make_shared<const State>();
    std::uint64_t incarnation_ = 0;
    /// Of copies that are not open: what the log has behind their manifests.
    std::map<cluster::CopyId, std::vector<cluster::EntryPtr>> tails_;
    std::map<cluster::ShardId, std::shared_ptr<Shard>> shards_;
    std::set<cluster::ShardId> awake_;
    std::map<cluster::CopyId, Error> broken_;
    std::optional<LostLog> lost_log_;
    std::optional<Error> lost_;
};

}  // namespace kumo::node
