#include "node/shard_set.h"

#include "base/assert.h"
#include "base/log.h"
#include "node/internal/numbered_name.h"

#include <algorithm>
#include <utility>

namespace kumo::node {

namespace {

/// The copy in a directory's name.
std::optional<cluster::CopyId> parse_copy(const std::string& name) {
    const auto number = number_in_name(name, "");
    return number ? std::optional(cluster::CopyId{*number}) : std::nullopt;
}

/// Which part of its collection a shard is.
search::Partition partition_of(const Collection& collection, cluster::ShardId shard) {
    const auto found = std::find(collection.shards.begin(), collection.shards.end(), shard);
    KUMO_ASSERT(found != collection.shards.end());
    return {
        static_cast<std::uint32_t>(found - collection.shards.begin()),
        collection.spec.num_shards};
}

Error replaced(const std::string& name) {
    return Error{ErrorCode::kUnavailable, "This node's copy of " + name + " is built anew."};
}

}  // namespace

ShardSet::ShardSet(Environment environment)
    : env_(with_events(std::move(environment))), lost_log_(env_.lost_log) {}

ShardSet::Environment ShardSet::with_events(Environment environment) {
    environment.shard.on_awake = [this](cluster::ShardId shard) {
        awake_.insert(shard);
    };
    return environment;
}

void ShardSet::tick(MonotonicTime now) {
    std::erase_if(awake_, [&](cluster::ShardId id) {
        const auto shard = find(id);
        return shard == nullptr || !shard->tick(now);
    });
}

Status ShardSet::recover() {
    KUMO_TRY(io::make_directories(*env_.fs, env_.directory));
    std::map<store::StreamId, store::Seq> from;
    for (const store::StreamId stream : env_.shard.wal->streams()) {
        from[stream] = store::kFromFirst;
    }
    KUMO_TRY_ASSIGN(const auto entries, env_.fs->list(env_.directory));
    for (const io::DirEntry& entry : entries) {
        const auto copy = parse_copy(entry.name);
        if (!copy) {
            continue;
        }
        const auto manifest = read_manifest(*env_.fs, directory_of(*copy));
        if (!manifest.ok() && env_.alone) {
            return manifest.error();
        }
        tails_[*copy] = {};  // Known, even if the log has nothing more of it.
        if (!manifest.ok()) {
            from.erase(stream_of(*copy));
        } else if (manifest.value()) {
            from[stream_of(*copy)] = manifest.value()->index.applied_seq;
        }
    }
    return env_.shard.wal->replay(
        from,
        [this](store::StreamId stream, store::Seq seq, ByteView payload) -> Status {
            auto entry = cluster::decode_entry(seq, payload);
            if (!entry.ok()) {
                return std::move(entry).error();
            }
            const cluster::CopyId copy{static_cast<std::uint64_t>(stream)};
            tails_[copy].push_back(std::move(entry).value());
            return {};
        }
    );
}

std::shared_ptr<Shard> ShardSet::find(cluster::ShardId shard) const {
    const auto found = shards_.find(shard);
    return found == shards_.end() ? nullptr : found->second;
}

void ShardSet::on_state(std::shared_ptr<const State> next, std::uint64_t incarnation) {
    if (incarnation == 0) {
        return;
    }
    state_ = std::move(next);
    incarnation_ = incarnation;
    if (lost_log_ && lost_log_->first_whole == 0) {
        // Registered as a run without any copy: those that it was given have higher numbers.
        lost_log_->first_whole = incarnation;
        env_.on_lost_log(lost_log_);
    }
    const State& state = *state_;
    std::set<cluster::CopyId> wanted;
    std::set<cluster::ShardId> present;
    for (const auto& [name, collection] : state.collections) {
        for (const cluster::ShardId id : collection->shards) {
            keep(collection, id, wanted, present);
        }
    }
    forget_broken(wanted);
    settle_lost_log(wanted);
    std::vector<cluster::ShardId> gone;
    for (const auto& [id, shard] : shards_) {
        if (!present.contains(id)) {
            gone.push_back(id);
        }
    }
    for (const cluster::ShardId id : gone) {
        bury(id, no_such_collection(shards_.at(id)->collection().spec.name));
    }
    if (!tails_.empty()) {
        remove_strangers(wanted);
    }
}

/// Opens this node's copy if it is to have one, and tells it where it stands.
void ShardSet::keep(
    const std::shared_ptr<const Collection>& collection,
    cluster::ShardId id,
    std::set<cluster::CopyId>& wanted,
    std::set<cluster::ShardId>& present
) {
    const cluster::Shard* shard = cluster::find_shard(state_->cluster, id);
    if (shard == nullptr) {
        return;
    }
    const auto own = shard->copies.find(env_.shard.self);
    if (own == shard->copies.end()) {
        return;
    }
    present.insert(id);
    wanted.insert(own->second);
    open(collection, *shard, own->second);
    if (const auto here = find(id)) {
        here->on_state(*shard, incarnation_);
    }
}

void ShardSet::open(
    const std::shared_ptr<const Collection>& collection,
    const cluster::Shard& shard,
    cluster::CopyId copy
) {
    const auto here = find(shard.id);
    if (here != nullptr && here->copy() != copy) {
        bury(shard.id, replaced(collection->spec.name));
    } else if (here != nullptr) {
        return;
    }
    if (broken_.contains(copy)) {
        return;
    }
    auto opened = is_lost(copy) ? Result<std::shared_ptr<Shard>>(lost_log_error(*collection))
                                : open_copy(collection, shard.id, copy);
    if (!opened.ok()) {
        give_up(shard, copy, opened.error());
        return;
    }
    opened.value()->start();
    shards_[shard.id] = std::move(opened).value();
}

Result<std::shared_ptr<Shard>> ShardSet::open_copy(
    std::shared_ptr<const Collection> collection,
    cluster::ShardId id,
    cluster::CopyId copy
) {
    const auto schema = schema_of(collection);
    const search::Partition partition = partition_of(*collection, id);
    auto files = std::make_unique<const SegmentStore>(*env_.fs, directory_of(copy));
    Shard::Parts parts;
    parts.id = id;
    parts.copy = copy;
    const auto tail = tails_.find(copy);
    if (tail == tails_.end()) {
        // A new one: its directory is not looked for, which would block.
        parts.engine = std::make_shared<DocumentEngine>(
            env_.shard.engine,
            schema,
            partition,
            std::move(files),
            SegmentStore::Content{}
        );
    } else {
        KUMO_TRY_ASSIGN(const bool has_segments, files->has_segments());
        const SegmentStore& store = *files;
        KUMO_TRY_ASSIGN(
            parts.engine,
            DocumentEngine::open(env_.shard.engine, schema, partition, std::move(files), parts.mark)
        );
        // Segments before the first manifest are those of a seal that was cut short, and then the
        // log still has everything.
        const bool nothing_known = parts.engine->applied() == 0 && tail->second.empty();
        if (env_.durable && has_segments && nothing_known) {
            return corruption(store.directory() + "/manifest: missing, but there are segments");
        }
        parts.tail = std::move(tail->second);
        if (!parts.tail.empty() && parts.tail.front()->seq != parts.engine->applied() + 1) {
            return corruption(store.directory() + ": operations are missing behind its manifest");
        }
        parts.engine->remove_strangers();
        tails_.erase(tail);
    }
    parts.collection = std::move(collection);
    return Shard::make(env_.shard, std::move(parts));
}

void ShardSet::adopt(cluster::ShardId id, cluster::CopyId copy, SegmentStore::Content content) {
    const auto before = find(id);
    Shard::Parts parts;
    parts.collection = before->shared_collection();
    parts.id = id;
    parts.copy = copy;
    parts.mark = std::move(content.mark);
    const auto schema = schema_of(parts.collection);
    parts.engine = std::make_shared<DocumentEngine>(
        env_.shard.engine,
        schema,
        partition_of(*parts.collection, id),
        std::make_unique<const SegmentStore>(*env_.fs, directory_of(copy)),
        std::move(content)
    );
    before->close(replaced(parts.collection->spec.name), [before] {});
    const auto next = Shard::make(env_.shard, std::move(parts));
    next->start();
    shards_[id] = next;
    const cluster::Shard* shard = cluster::find_shard(state_->cluster, id);
    if (shard != nullptr) {
        next->on_state(*shard, incarnation_);
    }
}

/// A copy that is damaged is built anew from another one in sync, if there is one.
void ShardSet::give_up(const cluster::Shard& shard, cluster::CopyId copy, const Error& error) {
    broken_.emplace(copy, error);
    log_error(error.message);
    const bool in_sync = shard.in_sync.contains(env_.shard.self);
    if (in_sync && shard.in_sync.size() == 1) {
        lost_ = error;
        return;
    }
    env_.shard.propose(cluster::ReplaceCopy{shard.id, env_.shard.self, copy});
}

bool ShardSet::is_lost(cluster::CopyId copy) const {
    return lost_log_ && static_cast<std::uint64_t>(copy) < lost_log_->first_whole;
}

Error ShardSet::lost_log_error(const Collection& collection) const {
    return corruption(
        "this node's copy of " + collection.spec.name
        + " lacks what was in a log that is lost: " + lost_log_->why
    );
}

void ShardSet::settle_lost_log(const std::set<cluster::CopyId>& wanted) {
    const bool all_replaced =
        std::none_of(wanted.begin(), wanted.end(), [this](auto copy) { return is_lost(copy); });
    if (lost_log_ && all_replaced) {
        lost_log_.reset();
        env_.on_lost_log(lost_log_);
    }
}

void ShardSet::forget_broken(const std::set<cluster::CopyId>& wanted) {
    std::vector<cluster::CopyId> replaced;
    for (const auto& [copy, error] : broken_) {
        if (!wanted.contains(copy)) {
            replaced.push_back(copy);
        }
    }
    for (const cluster::CopyId copy : replaced) {
        broken_.erase(copy);
        tails_.erase(copy);
        remove(copy);
    }
    if (broken_.empty()) {
        lost_.reset();
    }
}

void ShardSet::bury(cluster::ShardId id, const Error& why) {
    const auto found = shards_.find(id);
    const std::shared_ptr<Shard> shard = std::move(found->second);
    shards_.erase(found);
    shard->close(why, [this, copy = shard->copy()] { remove(copy); });
}

/// The directory first, durably: a manifest without the part of the log that follows on it would be
/// taken for damage by the next start. What cannot be removed goes at a later one.
void ShardSet::remove(cluster::CopyId copy) {
    io::Fs& fs = *env_.fs;
    store::Wal* wal = env_.shard.wal;
    const auto job =
        [&fs, wal, copy, parent = env_.directory, path = directory_of(copy)]() -> io::Task {
        Status removed = io::remove_tree(fs, path);
        if (removed.ok()) {
            removed = fs.sync_dir(parent);
        }
        if (!removed.ok()) {
            log_warn(removed.error().message);
            return [] {
            };
        }
        return [wal, copy] {
            wal->drop(stream_of(copy));
        };
    };
    env_.shard.engine.jobs->submit(BackgroundJobs::Lane::kStore, job);
}

/// What is left of copies that are no more. One that the state still names is of somebody that this
/// node was (see LostControl): if nobody else has it, it is kept, whatever it is good for.
void ShardSet::remove_strangers(const std::set<cluster::CopyId>& wanted) {
    std::set<cluster::CopyId> named;
    for (const auto& [id, shard] : state_->cluster.shards) {
        for (const auto& [node, copy] : shard->copies) {
            named.insert(copy);
        }
    }
    for (auto& [copy, tail] : tails_) {
        tail.clear();  // Nobody is going to read it.
    }
    std::erase_if(tails_, [&](const auto& each) {
        if (wanted.contains(each.first)) {
            return true;
        }
        if (named.contains(each.first)) {
            return false;
        }
        remove(each.first);
        return true;
    });
}

std::string ShardSet::directory_of(cluster::CopyId copy) const {
    return io::join_path(env_.directory, std::to_string(static_cast<std::uint64_t>(copy)));
}

}  // namespace kumo::node
