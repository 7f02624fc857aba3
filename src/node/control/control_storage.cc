#include "node/control/control_storage.h"

#include "base/assert.h"
#include "base/random.h"
#include "cluster/consensus_codec.h"
#include "store/checkpoint.h"
#include "wire/byte_reader.h"

#include <algorithm>
#include <map>
#include <utility>

namespace kumo::node {

namespace {

using wire::append_sized;
using wire::append_varint;

constexpr store::FileKind kIdentityKind = {{'N', 'O', 'D', 'E', 'I', 'D', 'N', 'T'}, 1};
constexpr store::FileKind kHardStateKind = {{'C', 'T', 'L', 'H', 'A', 'R', 'D', 'S'}, 1};
constexpr store::FileKind kSnapshotKind = {{'C', 'T', 'L', 'S', 'N', 'A', 'P', 'S'}, 1};
constexpr Duration kFullDiskPause = std::chrono::milliseconds(200);
constexpr std::uint64_t kMachineIdBytesMax = 4096;

std::string encode_snapshot(const ControlSnapshot& snapshot, std::uint64_t stream) {
    std::string out;
    append_varint(out, stream);
    cluster::append_snapshot_meta(out, snapshot.meta);
    append_sized(out, encode_state(*snapshot.state));
    return out;
}

std::string encode_hard_state(const consensus::HardState& state) {
    std::string out;
    cluster::append_hard_state(out, state);
    return out;
}

/// Nothing if there is none.
Result<std::optional<consensus::HardState>>
read_stored_hard_state(io::Fs& fs, const std::string& path) {
    const auto file = store::read_checked_file(fs, path, kHardStateKind);
    if (!file.ok() && file.error().code == ErrorCode::kNotFound) {
        return std::optional<consensus::HardState>();
    }
    if (!file.ok()) {
        return file.error();
    }
    wire::ByteReader in(file.value().bytes);
    const auto state = cluster::read_hard_state(in);
    if (!state || !in.at_end()) {
        return corruption(path + ": not well formed");
    }
    return std::optional(*state);
}

struct StoredSnapshot {
    std::uint64_t stream = 0;
    ControlSnapshot snapshot;
};

/// Nothing if there is none.
Result<std::optional<StoredSnapshot>> read_stored_snapshot(io::Fs& fs, const std::string& path) {
    const auto file = store::read_checked_file(fs, path, kSnapshotKind);
    if (!file.ok() && file.error().code == ErrorCode::kNotFound) {
        return std::optional<StoredSnapshot>();
    }
    if (!file.ok()) {
        return file.error();
    }
    wire::ByteReader in(file.value().bytes);
    StoredSnapshot stored;
    stored.stream = in.number();
    auto meta = cluster::read_snapshot_meta(in);
    auto state = decode_state(in.sized());
    if (!meta || !state.ok() || !in.at_end()) {
        return corruption(path + ": not well formed");
    }
    stored.snapshot.meta = std::move(*meta);
    stored.snapshot.state = std::make_shared<const State>(std::move(state).value());
    return std::optional(std::move(stored));
}

/// Where a data directory is: a copy of it is somewhere else.
std::string place_of(io::Fs& fs, const std::string& directory) {
    const auto machine = io::read_file(fs, "/etc/machine-id", kMachineIdBytesMax);
    return (machine.ok() ? machine.value() : "") + ":" + directory;
}

}  // namespace

ControlStorage::ControlStorage(const Environment& environment, std::string directory)
    : loop_(environment.loop),
      fs_(environment.fs),
      jobs_(environment.jobs),
      on_full_(environment.on_full),
      directory_(std::move(directory)) {}

Result<std::unique_ptr<ControlStorage>> ControlStorage::open(
    const Environment& environment,
    const std::string& directory,
    Recovered& recovered
) {
    std::unique_ptr<ControlStorage> storage(new ControlStorage(environment, directory));
    KUMO_TRY(io::make_directories(environment.fs, directory));
    KUMO_TRY(storage->load(recovered));
    return storage;
}

Result<std::optional<ControlSnapshot>>
ControlStorage::read_snapshot(io::Fs& fs, const std::string& directory) {
    KUMO_TRY_ASSIGN(auto stored, read_stored_snapshot(fs, io::join_path(directory, "snapshot")));
    return stored ? std::optional(std::move(stored->snapshot)) : std::nullopt;
}

std::string ControlStorage::path(std::string_view name) const {
    return io::join_path(directory_, name);
}

Status ControlStorage::load(Recovered& recovered) {
    KUMO_TRY_ASSIGN(const auto hard, read_stored_hard_state(fs_, path("hard_state")));
    KUMO_TRY_ASSIGN(auto stored, read_stored_snapshot(fs_, path("snapshot")));
    KUMO_TRY_ASSIGN(const bool has_log, has_log_files());
    const bool is_used = (hard && *hard != consensus::HardState{}) || stored || has_log;
    KUMO_TRY(load_identity(recovered, is_used));
    if (!hard && !recovered.is_new) {
        return gone("hard_state");
    }
    if (has_log && !stored) {
        return gone("snapshot");
    }
    recovered.hard_state = hard.value_or(consensus::HardState());
    recovered.snapshot.state = std::make_shared<const State>();
    if (stored) {
        stream_ = stored->stream;
        recovered.snapshot = std::move(stored->snapshot);
    }
    return load_log(recovered);
}

/// A part of what a node has promised, without the rest, is no basis for a vote.
Error ControlStorage::gone(std::string_view name) const {
    return corruption(
        path(name) + ": it is gone, and the files beside it are not those of a new node"
    );
}

Result<bool> ControlStorage::has_log_files() const {
    const auto entries = fs_.list(path("wal"));
    if (!entries.ok()) {
        return entries.error().code == ErrorCode::kNotFound ? Result<bool>(false)
                                                            : Result<bool>(entries.error());
    }
    return std::any_of(
        entries.value().begin(),
        entries.value().end(),
        [](const io::DirEntry& entry) { return entry.name.starts_with("wal-"); }
    );
}

/// The hard state is there before the identity is.
Status ControlStorage::load_identity(Recovered& recovered, bool is_used) {
    recovered.place = place_of(fs_, directory_);
    auto file = store::read_checked_file(fs_, path("identity"), kIdentityKind);
    if (!file.ok() && file.error().code != ErrorCode::kNotFound) {
        return std::move(file).error();
    }
    if (!file.ok() && is_used) {
        return gone("identity");
    }
    if (!file.ok()) {
        recovered.is_new = true;
        KUMO_TRY(store::write_checked_file(
            fs_,
            path("hard_state"),
            kHardStateKind,
            encode_hard_state(consensus::HardState())
        ));
        recovered.identity = {make_uuid(loop_.random()), recovered.place};
        std::string bytes(recovered.identity.node.view());
        append_sized(bytes, recovered.identity.place);
        return store::write_checked_file(fs_, path("identity"), kIdentityKind, bytes);
    }
    wire::ByteReader in(file.value().bytes);
    recovered.identity.node = in.uuid();
    recovered.identity.place = in.text();
    return in.at_end() ? Status() : Status(corruption(path("identity") + ": not well formed"));
}

Status ControlStorage::change_identity(const Uuid& node) {
    std::string bytes(node.view());
    append_sized(bytes, place_of(fs_, directory_));
    return store::write_checked_file(fs_, path("identity"), kIdentityKind, bytes);
}

Status ControlStorage::load_log(Recovered& recovered) {
    store::WalOptions options;
    options.directory = path("wal");
    KUMO_TRY_ASSIGN(wal_, store::Wal::open(loop_, fs_, std::move(options)));
    const std::map<store::StreamId, store::Seq> from = {
        {store::StreamId{stream_}, recovered.snapshot.meta.index}};
    return wal_->replay(from, [&](store::StreamId, store::Seq seq, ByteView payload) -> Status {
        KUMO_TRY_ASSIGN(auto entry, cluster::decode_consensus_entry(seq, payload));
        recovered.entries.push_back(std::move(entry));
        return {};
    });
}

void ControlStorage::persist(
    consensus::Ready ready,
    std::shared_ptr<const State> snapshot_state,
    Done done
) {
    Work work;
    if (ready.snapshot) {
        work.snapshot = ControlSnapshot{std::move(*ready.snapshot), std::move(snapshot_state)};
        work.replaces_log = true;
    }
    work.entries = std::move(ready.entries);
    work.hard_state = ready.hard_state;
    work.done = std::move(done);
    queue_.push_back(std::move(work));
    start_next();
}

void ControlStorage::store_snapshot(ControlSnapshot snapshot, Done done) {
    Work work;
    work.snapshot = std::move(snapshot);
    work.done = std::move(done);
    queue_.push_back(std::move(work));
    start_next();
}

void ControlStorage::start_next() {
    if (busy_ || queue_.empty()) {
        return;
    }
    busy_ = true;
    if (!failed_.ok()) {
        loop_.post([this] { finish(failed_.error()); });
    } else if (queue_.front().snapshot) {
        write_snapshot();
    } else {
        write_entries();
    }
}

void ControlStorage::write_snapshot() {
    const Work& work = queue_.front();
    const std::uint64_t old_stream = stream_;
    stream_ += work.replaces_log ? 1 : 0;
    store_front(old_stream);
}

void ControlStorage::store_front(std::uint64_t old_stream) {
    const Work& work = queue_.front();
    const auto bytes =
        std::make_shared<const std::string>(encode_snapshot(*work.snapshot, stream_));
    io::Fs& fs = fs_;
    jobs_.submit(
        BackgroundJobs::Lane::kStore,
        [this, &fs, bytes, old_stream, file = path("snapshot")]() -> io::Task {
            const auto stored =
                std::make_shared<Status>(store::write_checked_file(fs, file, kSnapshotKind, *bytes)
                );
            return [this, stored, old_stream] {
                if (waits_for_room(*stored, [this, old_stream] { store_front(old_stream); })) {
                    return;
                }
                if (!stored->ok()) {
                    finish(std::move(*stored));
                    return;
                }
                if (queue_.front().replaces_log) {
                    wal_->drop(store::StreamId{old_stream});
                } else {
                    wal_->release(store::StreamId{stream_}, queue_.front().snapshot->meta.index);
                }
                write_entries();
            };
        }
    );
}

void ControlStorage::write_entries() {
    const std::vector<consensus::Entry>& entries = queue_.front().entries;
    if (entries.empty()) {
        write_hard_state();
        return;
    }
    const store::StreamId stream{stream_};
    if (entries.front().index <= wal_->last_seq(stream)) {
        Status cut = wal_->cut(stream, entries.front().index, [](const Status&) {});
        if (!cut.ok()) {
            finish(std::move(cut));
            return;
        }
    }
    for (const consensus::Entry& entry : entries) {
        const bool last = &entry == &entries.back();
        Status appended = wal_->append(
            stream,
            entry.index,
            cluster::encode_consensus_entry(entry),
            [this, last](Status durable) {
                const bool full =
                    !durable.ok() && durable.error().code == ErrorCode::kResourceExhausted;
                if (!durable.ok() && !full && failed_.ok()) {
                    failed_ = Status(durable.error());
                }
                if (last && full) {
                    // Not promised to anybody yet: it is, when there is room.
                    waits_for_room(durable, [this] { write_entries(); });
                } else if (last) {
                    write_hard_state();
                }
            }
        );
        if (!appended.ok()) {
            finish(std::move(appended));
            return;
        }
    }
}

void ControlStorage::write_hard_state() {
    if (!queue_.front().hard_state || !failed_.ok()) {
        loop_.post([this] { finish(failed_.ok() ? Status() : Status(failed_.error())); });
        return;
    }
    const auto bytes =
        std::make_shared<const std::string>(encode_hard_state(*queue_.front().hard_state));
    io::Fs& fs = fs_;
    jobs_.submit(
        BackgroundJobs::Lane::kStore,
        [this, &fs, bytes, file = path("hard_state")]() -> io::Task {
            const auto stored =
                std::make_shared<Status>(store::write_checked_file(fs, file, kHardStateKind, *bytes)
                );
            return [this, stored] {
                if (!waits_for_room(*stored, [this] { write_hard_state(); })) {
                    finish(std::move(*stored));
                }
            };
        }
    );
}

/// A full disk is no failure: nobody has been promised anything, and it may get room.
bool ControlStorage::waits_for_room(const Status& status, io::Task again) {
    if (status.ok() || status.error().code != ErrorCode::kResourceExhausted) {
        return false;
    }
    if (on_full_) {
        on_full_();
    }
    (void)loop_.add_timer(kFullDiskPause, std::move(again));
    return true;
}

void ControlStorage::finish(Status status) {
    if (!status.ok() && failed_.ok()) {
        failed_ = Status(status.error());
    }
    busy_ = false;
    const Done done = std::move(queue_.front().done);
    queue_.pop_front();
    done(std::move(status));
    start_next();
}

}  // namespace kumo::node
