#include "base/log.h"
#include "node/node_impl.h"

#include <charconv>
#include <utility>

// What open() does: the state's checkpoint, the collections' manifests and segments, then the
// log's tail in the order in which it was written, commands and documents alike.

namespace kumo::node {

namespace {

/// The stream in a collection directory's name.
std::optional<std::uint64_t> parse_stream(const std::string& name) {
    std::uint64_t stream = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), stream);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) {
        return std::nullopt;
    }
    return stream;
}

}  // namespace

Status NodeImpl::recover() {
    KUMO_TRY(io::make_directories(fs_, options_.data_dir));
    KUMO_TRY_ASSIGN(lock_, fs_.lock(io::join_path(options_.data_dir, "LOCK")));
    KUMO_TRY(control_.load());
    store::WalOptions wal_options;
    wal_options.directory = io::join_path(options_.data_dir, "wal");
    wal_options.fsync = options_.fsync ? store::FsyncPolicy::kAlways : store::FsyncPolicy::kNone;
    // Never reached: admit() counts the same bytes before.
    wal_options.pending_bytes_max = 2 * (options_.queued_write_bytes_max + kBatchBytesMax);
    KUMO_TRY_ASSIGN(wal_, store::Wal::open(loop_, fs_, std::move(wal_options)));
    KUMO_TRY(io::make_directories(fs_, collections_path()));
    for (const auto& [name, collection] : control_.state().collections) {
        KUMO_TRY(open_shard(collection));
    }
    std::map<store::StreamId, store::Seq> from;
    from[kControlStream] = control_.state().applied;
    for (const auto& [stream, shard] : shards_) {
        from[stream] = shard->applied();
    }
    KUMO_TRY(add_new_streams(from));
    KUMO_TRY(wal_->replay(from, [this](store::StreamId stream, store::Seq seq, ByteView payload) {
        return replay(stream, seq, payload);
    }));
    finish_recovery();
    return {};
}

Status NodeImpl::open_shard(std::shared_ptr<const Collection> collection) {
    const store::StreamId stream = collection->stream;
    auto files =
        std::make_unique<const SegmentStore>(fs_, directory_of(stream), schema_of(collection));
    KUMO_TRY_ASSIGN(const bool has_segments, files->has_segments());
    KUMO_TRY_ASSIGN(auto shard, Shard::open(shard_env(), std::move(collection), std::move(files)));
    // Segments before the first manifest are those of a seal that was cut short, and then the log
    // still has everything.
    const bool nothing_known = shard->applied() == 0 && wal_->last_seq(stream) == 0;
    if (options_.fsync && has_segments && nothing_known) {
        return corruption(directory_of(stream) + "/manifest: missing, but there are segments");
    }
    shards_[stream] = std::move(shard);
    return {};
}

/// Collections that the log's tail will create have operations in it too, so their streams must be
/// asked for. The tail can create no more of them than it has commands.
Status NodeImpl::add_new_streams(std::map<store::StreamId, store::Seq>& from) const {
    const State& state = control_.state();
    const store::Seq last = wal_->last_seq(kControlStream);
    const std::uint64_t commands = last > state.applied ? last - state.applied : 0;
    for (std::uint64_t i = 0; i < commands; ++i) {
        const store::StreamId stream{state.next_stream + i};
        KUMO_TRY_ASSIGN(const auto manifest, read_manifest(fs_, directory_of(stream)));
        from[stream] = manifest ? manifest->applied_seq : 0;
    }
    return {};
}

Status NodeImpl::replay(store::StreamId stream, store::Seq seq, ByteView payload) {
    if (stream == kControlStream) {
        return replay_command(seq, payload);
    }
    const auto found = shards_.find(stream);
    if (found == shards_.end()) {
        return {};  // Logged behind the command that dropped it.
    }
    return found->second->replay(seq, payload);
}

Status NodeImpl::replay_command(store::Seq seq, ByteView payload) {
    KUMO_TRY_ASSIGN(const Change change, control_.replay(seq, payload));
    if (change.created != nullptr) {
        KUMO_TRY(open_shard(change.created));
    }
    if (change.dropped != nullptr) {
        shards_.erase(change.dropped->stream);
        dropped_in_replay_.push_back(change.dropped->stream);
    }
    return {};
}

void NodeImpl::finish_recovery() {
    control_.finish_recovery(*wal_, [this](const Change& change) { on_change(change); });
    for (const auto& [stream, shard] : shards_) {
        shard->finish_recovery();
    }
    publish();
    control_.when_stored([this] { remove_strangers(); });
}

/// Directories of collections that are no more, and what is left of work that a crash cut short.
void NodeImpl::remove_strangers() {
    for (const store::StreamId stream : std::exchange(dropped_in_replay_, {})) {
        wal_->drop(stream);
    }
    const auto entries = fs_.list(collections_path());
    if (!entries.ok()) {
        log_warn(entries.error().message);
        return;
    }
    for (const io::DirEntry& entry : entries.value()) {
        const auto stream = parse_stream(entry.name);
        if (!stream || shards_.contains(store::StreamId{*stream})) {
            continue;
        }
        const Status removed = io::remove_tree(fs_, io::join_path(collections_path(), entry.name));
        if (!removed.ok()) {
            log_warn(removed.error().message);
        }
    }
}

std::string NodeImpl::collections_path() const {
    return io::join_path(options_.data_dir, "collections");
}

std::string NodeImpl::directory_of(store::StreamId stream) const {
    return io::join_path(collections_path(), std::to_string(static_cast<std::uint64_t>(stream)));
}

ShardEnv NodeImpl::shard_env() {
    return {{&loop_, &jobs_, options_.index_limits, options_.idle_seal_after}, wal_.get()};
}

}  // namespace kumo::node
