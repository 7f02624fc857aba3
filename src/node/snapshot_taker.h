#pragma once

#include "base/result.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/worker_pool.h"
#include "node/background_jobs.h"
#include "node/operation_router.h"
#include "node/shard.h"
#include "node/snapshot_head.h"
#include "node/state.h"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::node {

/// Takes snapshots of this node: everything that was acknowledged, anywhere, before a snapshot was
/// asked for is in it; each shard is as of one operation. Writes go on meanwhile.
///
/// Thread rule: loop-owned. What it is given outlives it.
class SnapshotTaker {
public:
    using Shards = std::map<cluster::ShardId, std::shared_ptr<Shard>>;

    struct Environment {
        io::Loop& loop;
        io::Fs& fs;
        io::WorkerPool& pool;
        BackgroundJobs& jobs;
        OperationRouter& router;
        cluster::NodeId self;
        std::string data_dir;
        std::function<const Shards&()> shards;
        std::function<std::shared_ptr<const State>()> state;
        std::function<std::string(cluster::CopyId)> directory_of;
    };

    using Done = std::function<void(const Status&)>;

    explicit SnapshotTaker(Environment environment) : env_(std::move(environment)) {}

    /// Makes everything durable outside of the log and copies it to `directory`, which is made or
    /// is empty; only the former if `directory` is empty text. `done` runs on the loop, perhaps at
    /// once. kConflict while another one is taken; kInvalidArgument for a directory that cannot be
    /// used; kUnavailable if a copy here is not up to date.
    void start(std::string directory, Done done);

private:
    struct File {
        std::string path;  ///< Below the snapshot's directory.
        std::shared_ptr<const io::MappedFile> content;
    };

    struct Snapshot {
        std::string directory;
        Done done;
        std::size_t shards_left = 0;
        std::optional<Error> failed;
        Shards stored;
        std::vector<std::pair<cluster::CopyId, std::string>> copies;  ///< With their directories.
        std::vector<File> files;
        State state;
    };

    using SnapshotPtr = std::shared_ptr<Snapshot>;

    void store(const SnapshotPtr& snapshot, const std::shared_ptr<Shard>& shard);
    void flush(const SnapshotPtr& snapshot, const std::shared_ptr<Shard>& shard);
    bool is_dropped(const Shard& shard) const;
    void shard_done(const SnapshotPtr& snapshot, std::optional<Error> failed);
    void open_files(const SnapshotPtr& snapshot);
    void copy_files(const SnapshotPtr& snapshot);
    void finish(const SnapshotPtr& snapshot, const Status& status);
    static Status open(io::Fs& fs, Snapshot& snapshot);
    static Status write_all(io::Fs& fs, const Snapshot& snapshot, SnapshotHead head);

    const Environment env_;
    bool running_ = false;
};

}  // namespace kumo::node
