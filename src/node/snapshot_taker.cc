#include "node/snapshot_taker.h"

#include "base/log.h"
#include "node/segment_store.h"

#include <algorithm>
#include <set>
#include <utility>

namespace kumo::node {

namespace {

Error cannot_use(const std::string& directory, const std::string& why) {
    return invalid_argument("`snapshot_path` " + directory + ": " + why);
}

bool is_within(const std::string& directory, const std::string& path) {
    return path == directory || path.starts_with(directory + "/");
}

Status prepare_directory(io::Fs& fs, const std::string& directory, const std::string& data_dir) {
    if (is_within(data_dir, directory) || is_within(directory, data_dir)) {
        return cannot_use(directory, "it is or has the server's own data directory");
    }
    const auto present = fs.list(directory);
    if (present.ok() && !present.value().empty()) {
        return cannot_use(directory, "it is not empty");
    }
    if (!present.ok() && present.error().code != ErrorCode::kNotFound) {
        return cannot_use(directory, present.error().message);
    }
    return io::make_directories(fs, directory);
}

}  // namespace

void SnapshotTaker::start(std::string directory, Done done) {
    if (running_) {
        done(Error{ErrorCode::kConflict, "Another snapshot is in progress."});
        return;
    }
    running_ = true;
    while (directory.size() > 1 && directory.ends_with('/')) {
        directory.pop_back();
    }
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->directory = std::move(directory);
    snapshot->done = std::move(done);
    const Shards shards = env_.shards();
    snapshot->shards_left = shards.size() + 1;
    for (const auto& [id, shard] : shards) {
        store(snapshot, shard);
    }
    shard_done(snapshot, {});
}

/// What was acknowledged by then comes first, wherever the primary is.
void SnapshotTaker::store(const SnapshotPtr& snapshot, const std::shared_ptr<Shard>& shard) {
    env_.router.read_barrier(
        {shard->shared_collection(), shard->id()},
        [=, this](const Status& reached) {
            if (is_dropped(*shard)) {
                shard_done(snapshot, {});
            } else if (reached.ok()) {
                flush(snapshot, shard);
            } else {
                shard_done(snapshot, reached.error());
            }
        }
    );
}

void SnapshotTaker::flush(const SnapshotPtr& snapshot, const std::shared_ptr<Shard>& shard) {
    const store::Seq seq = shard->applied();
    shard->flush([=, this] {
        const DocumentEngine& engine = shard->engine();
        if (engine.stored() >= seq) {
            snapshot->stored[shard->id()] = shard;
        } else if (!is_dropped(*shard)) {
            const Error failed{ErrorCode::kIo, "A collection could not be stored on the disk."};
            shard_done(snapshot, engine.seal_failure().value_or(failed));
            return;
        }
        shard_done(snapshot, {});
    });
}

bool SnapshotTaker::is_dropped(const Shard& shard) const {
    return cluster::find_shard(env_.state()->cluster, shard.id()) == nullptr;
}

void SnapshotTaker::shard_done(const SnapshotPtr& snapshot, std::optional<Error> failed) {
    if (failed) {
        snapshot->failed = std::move(failed);
    }
    if (--snapshot->shards_left > 0) {
        return;
    }
    if (snapshot->failed) {
        finish(snapshot, *snapshot->failed);
    } else if (snapshot->directory.empty()) {
        finish(snapshot, {});
    } else {
        open_files(snapshot);
    }
}

/// In the lane of the jobs that replace manifests and remove segments. What is mapped stays, even
/// if they remove it later.
void SnapshotTaker::open_files(const SnapshotPtr& snapshot) {
    for (const auto& [id, shard] : snapshot->stored) {
        snapshot->copies.emplace_back(shard->copy(), env_.directory_of(shard->copy()));
    }
    snapshot->state = snapshot_state(*env_.state(), env_.self);
    // A collection that was dropped or made meanwhile is in it with all of its shards, or not.
    std::set<cluster::ShardId> kept;
    std::erase_if(snapshot->state.collections, [&](const auto& each) {
        const auto& shards = each.second->shards;
        const bool whole = std::all_of(shards.begin(), shards.end(), [&](cluster::ShardId shard) {
            return snapshot->stored.contains(shard);
        });
        if (whole) {
            kept.insert(shards.begin(), shards.end());
        }
        return !whole;
    });
    std::erase_if(snapshot->state.cluster.shards, [&](const auto& each) {
        return !kept.contains(each.first);
    });
    snapshot->stored.clear();
    io::Fs& fs = env_.fs;
    env_.jobs.submit(BackgroundJobs::Lane::kStore, [this, &fs, snapshot]() -> io::Task {
        const auto opened = std::make_shared<const Status>(open(fs, *snapshot));
        return [this, snapshot, opened] {
            if (opened->ok()) {
                copy_files(snapshot);
            } else {
                finish(snapshot, *opened);
            }
        };
    });
}

Status SnapshotTaker::open(io::Fs& fs, Snapshot& snapshot) {
    for (const auto& [copy, directory] : snapshot.copies) {
        const std::string target =
            "collections/" + std::to_string(static_cast<std::uint64_t>(copy));
        KUMO_TRY_ASSIGN(const auto manifest, read_manifest(fs, directory));
        if (!manifest) {
            snapshot.files.push_back({target, nullptr});  // Empty: a directory is all there is.
            continue;
        }
        for (const search::ManifestSegment& segment : manifest->index.segments) {
            KUMO_TRY_ASSIGN(auto mapped, fs.map(segment_path(directory, segment.id)));
            snapshot.files.push_back({segment_path(target, segment.id), std::move(mapped)});
        }
        KUMO_TRY_ASSIGN(auto mapped, fs.map(manifest_path(directory)));
        snapshot.files.push_back({manifest_path(target), std::move(mapped)});
    }
    return {};
}

/// Blocking. The head is written first, as that of a snapshot that is not complete, and last.
Status SnapshotTaker::write_all(io::Fs& fs, const Snapshot& snapshot, SnapshotHead head) {
    KUMO_TRY(write_snapshot_head(fs, snapshot.directory, head));
    for (const File& file : snapshot.files) {
        const std::string path = io::join_path(snapshot.directory, file.path);
        const std::string parent = file.content == nullptr ? path : io::parent_path(path);
        KUMO_TRY(io::make_directories(fs, parent));
        if (file.content != nullptr) {
            KUMO_TRY(io::write_file(fs, path, file.content->bytes()));
            KUMO_TRY(fs.sync_dir(parent));
        }
    }
    head.complete = true;
    return write_snapshot_head(fs, snapshot.directory, head);
}

void SnapshotTaker::copy_files(const SnapshotPtr& snapshot) {
    io::Fs& fs = env_.fs;
    const auto job = [this, &fs, snapshot, data_dir = env_.data_dir, self = env_.self] {
        const std::string& directory = snapshot->directory;
        Status status = prepare_directory(fs, directory, data_dir);
        if (status.ok()) {
            SnapshotHead head;
            head.node = self;
            head.state = std::make_shared<const State>(snapshot->state);
            status = write_all(fs, *snapshot, std::move(head));
            if (!status.ok()) {
                (void)io::remove_tree(fs, io::join_path(directory, "collections"));
                (void)io::remove_tree(fs, snapshot_head_path(directory));
            }
        }
        snapshot->files.clear();
        const auto shared = std::make_shared<const Status>(std::move(status));
        env_.loop.post([this, snapshot, shared] { finish(snapshot, *shared); });
    };
    const Status submitted = env_.pool.submit(job);
    if (!submitted.ok()) {
        finish(snapshot, submitted);
    }
}

void SnapshotTaker::finish(const SnapshotPtr& snapshot, const Status& status) {
    running_ = false;
    if (status.ok() && !snapshot->directory.empty()) {
        log_info("a snapshot has been stored in " + snapshot->directory);
    } else if (!status.ok()) {
        log_warn("no snapshot was taken: " + status.error().message);
    }
    snapshot->done(status);
}

}  // namespace kumo::node
