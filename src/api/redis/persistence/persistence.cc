#include "api/redis/persistence/persistence.h"

#include "api/redis/call.h"
#include "api/redis/replication/replication.h"
#include "base/log.h"
#include "kv/aof/aof_writer.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <utility>

namespace kumo::api_redis {

namespace {

/// A running snapshot writes that much in one turn of the loop.
constexpr std::size_t kStepBytes = std::size_t{256} * 1024;
constexpr Duration kStepPause = std::chrono::microseconds(200);
/// After a save that failed, save points wait that long.
constexpr std::int64_t kRetrySaveMs = 5000;
constexpr std::int64_t kSyncIntervalMs = 1000;

}  // namespace

/// A snapshot under way: of `dbfilename`, or of the append-only file's next base.
struct Persistence::Running {
    std::string path;
    std::string temporary;
    bool aof_base = false;
    std::optional<kv::AofFile> base;
    std::size_t increments_kept = 0;
    std::unique_ptr<io::File> file;
    std::uint64_t written = 0;
    Status failed;
    std::unique_ptr<kv::RdbWriter> writer;
    std::unique_ptr<kv::Snapshot> snapshot;
    std::uint64_t dirty_at_begin = 0;
    std::int64_t begun_ms = 0;
    std::function<void(Status)> done;  ///< Of somebody else's; no save of ours.
};

Persistence::Persistence(Service& service, io::Fs& fs) : service_(service), fs_(fs) {}

Persistence::~Persistence() {
    service_.remove_feed(*this);
}

std::string Persistence::rdb_path() const {
    return io::join_path(service_.settings.text("dir"), service_.settings.text("dbfilename"));
}

std::string Persistence::aof_directory() const {
    return io::join_path(service_.settings.text("dir"), service_.settings.text("appenddirname"));
}

std::string Persistence::aof_path(const std::string& name) const {
    return io::join_path(aof_directory(), name);
}

// Snapshots -------------------------------------------------------------------------------------

void write_rdb_head(Service& service, kv::RdbWriter& writer, const RdbHead& head) {
    writer.aux("redis-ver", kRedisVersion);
    writer.aux("redis-bits", "64");
    writer.aux("ctime", std::to_string(service.now_ms() / 1000));
    writer.aux("used-mem", std::to_string(service.used_memory()));
    writer.aux("aof-base", head.aof_base ? "1" : "0");
    if (!head.functions) {
        return;
    }
    for (const std::string& code : service.function_libraries()) {
        writer.function(code);
    }
}

Result<std::unique_ptr<Persistence::Running>>
Persistence::open_snapshot(const std::string& path, bool aof_base, kv::Database* extra) {
    auto made = std::make_unique<Running>();
    made->path = path;
    made->temporary = path + ".tmp";
    made->aof_base = aof_base;
    made->dirty_at_begin = service_.stats.dirty;
    made->begun_ms = service_.now_ms();
    KUMO_TRY_ASSIGN(made->file, fs_.open(made->temporary, io::OpenMode::kCreate));
    Running* running = made.get();
    made->writer = std::make_unique<kv::RdbWriter>(
        [running](ByteView bytes) {
            if (running->failed.ok()) {
                running->failed = running->file->write(running->written, bytes);
                running->written += bytes.size();
            }
        },
        kv::RdbWriteOptions{
            service_.settings.flag("rdbcompression"),
            service_.settings.flag("rdbchecksum")}
    );
    write_rdb_head(service_, *made->writer, {.aof_base = aof_base});
    made->snapshot =
        std::make_unique<kv::Snapshot>(service_.keyspace, *made->writer, service_.now_ms(), extra);
    return made;
}

/// The file is whole: makes it durable and puts it in its place.
Status Persistence::complete(Running& running) {
    running.writer->finish();
    KUMO_TRY(std::move(running.failed));
    KUMO_TRY(running.file->sync());
    running.file.reset();
    KUMO_TRY(fs_.rename(running.temporary, running.path));
    KUMO_TRY(fs_.sync_dir(io::parent_path(running.path)));
    if (!running.aof_base) {
        return {};
    }
    kv::AofManifest next = manifest_;
    next.install_base(*running.base, running.increments_kept);
    KUMO_TRY(write_manifest(next));
    for (const kv::AofFile& old : next.history()) {
        (void)fs_.unlink(aof_path(old.name)
        );  // A file that stays is named in the manifest no more.
    }
    next.clear_history();
    KUMO_TRY(write_manifest(next));
    manifest_ = std::move(next);
    base_bytes_ = running.written;
    rewritten_at_bytes_ = base_bytes_ + increment_bytes_;
    return {};
}

Status Persistence::write_whole(Running& running) {
    while (running.snapshot->step(SIZE_MAX)) {
    }
    running.snapshot.reset();
    return complete(running);
}

Status Persistence::save() {
    if (running_ != nullptr) {
        return Error{ErrorCode::kConflict, "Background save already in progress"};
    }
    KUMO_TRY_ASSIGN(const std::unique_ptr<Running> running, open_snapshot(rdb_path(), false));
    Status done = write_whole(*running);
    info_.last_save_ok = done.ok();
    if (done.ok()) {
        service_.stats.dirty -= running->dirty_at_begin;
        service_.last_save_seconds = service_.now_ms() / 1000;
        ++info_.saves;
    } else {
        (void)fs_.unlink(running->temporary);
    }
    return done;
}

Status Persistence::begin_save() {
    if (running_ != nullptr) {
        return Error{ErrorCode::kConflict, "Background save already in progress"};
    }
    KUMO_TRY_ASSIGN(running_, open_snapshot(rdb_path(), false));
    info_.save_in_progress = true;
    step_running();
    return {};
}

Status Persistence::begin_snapshot(
    const std::string& path,
    std::function<void(Status)> done,
    kv::Database* extra
) {
    if (running_ != nullptr) {
        return Error{ErrorCode::kConflict, "Background save already in progress"};
    }
    KUMO_TRY_ASSIGN(running_, open_snapshot(path, false, extra));
    running_->done = std::move(done);
    step_running();
    return {};
}

Status Persistence::begin_rewrite() {
    if (running_ != nullptr) {
        return Error{
            ErrorCode::kConflict,
            running_->aof_base ? "Background append only file rewriting already in progress"
                               : "Can't BGREWRITEAOF while a save is in progress"};
    }
    KUMO_TRY(io::make_directories(fs_, aof_directory()));
    // What happens from here on goes into a new increment: base and increment meet at this point.
    // Without one that is open the files hold other keys: the increment joins them with its base.
    if (service_.settings.flag("appendonly")) {
        const bool continues = increment_ != nullptr;
        write_pending();
        manifest_.add_increment(service_.settings.text("appendfilename"));
        KUMO_TRY(open_increment(continues));
    }
    const kv::AofFile base = manifest_.next_base(service_.settings.text("appendfilename"), true);
    KUMO_TRY_ASSIGN(running_, open_snapshot(aof_path(base.name), true));
    running_->base = base;
    running_->increments_kept = service_.settings.flag("appendonly") ? 1 : 0;
    info_.rewrite_in_progress = true;
    step_running();
    return {};
}

void Persistence::step_running() {
    // For tests: key by key, with a pause after each.
    const std::int64_t delay_us = service_.settings.number("rdb-key-save-delay");
    const Duration pause =
        delay_us > 0 ? Duration(std::chrono::microseconds(delay_us)) : kStepPause;
    service_.loop().add_timer(pause, [this, delay_us] {
        if (running_ == nullptr) {
            return;
        }
        if (running_->snapshot->broken() && running_->done) {
            end_running(Error{ErrorCode::kConflict, "the keys were flushed meanwhile"});
            return;
        }
        if (running_->snapshot->broken()) {
            // A flush: what is there now is what was asked for, and quickly written.
            running_->snapshot.reset();
            auto again = open_snapshot(running_->path, running_->aof_base);
            if (!again.ok()) {
                end_running(again.error());
                return;
            }
            again.value()->base = running_->base;
            again.value()->increments_kept = running_->increments_kept;
            running_ = std::move(again).value();
        }
        const bool more = running_->snapshot->step(delay_us > 0 ? 1 : kStepBytes);
        if (!running_->failed.ok()) {
            end_running(std::move(running_->failed));
        } else if (more || running_->snapshot->broken()) {
            step_running();
        } else {
            running_->snapshot.reset();
            end_running(complete(*running_));
        }
    });
}

void Persistence::end_running(Status status) {
    const std::unique_ptr<Running> ended = std::move(running_);
    if (!status.ok()) {
        log_error("writing " + ended->path + ": " + status.error().message);
        ended->snapshot.reset();
        (void)fs_.unlink(ended->temporary);
    }
    if (ended->done) {
        ended->done(std::move(status));
        return;
    }
    if (ended->aof_base) {
        info_.rewrite_in_progress = false;
        info_.last_rewrite_ok = status.ok();
        return;
    }
    info_.save_in_progress = false;
    info_.last_save_ok = status.ok();
    info_.last_save_seconds = (service_.now_ms() - ended->begun_ms) / 1000;
    if (status.ok()) {
        service_.stats.dirty -= std::min(service_.stats.dirty, ended->dirty_at_begin);
        service_.last_save_seconds = service_.now_ms() / 1000;
        ++info_.saves;
    } else {
        failed_save_ms_ = service_.now_ms();
    }
}

void Persistence::check_save_points() {
    if (running_ != nullptr || service_.stats.dirty == 0 || service_.replication().loading()
        || (!info_.last_save_ok && service_.now_ms() - failed_save_ms_ < kRetrySaveMs)) {
        return;
    }
    std::vector<std::string> words;
    wire::split_quoted(service_.settings.text("save"), &words);
    const std::int64_t since = service_.now_ms() / 1000 - service_.last_save_seconds;
    for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
        const auto seconds = kv::parse_integer(words[i]);
        const auto changes = kv::parse_integer(words[i + 1]);
        if (since >= seconds.value_or(INT64_MAX)
            && service_.stats.dirty >= static_cast<std::uint64_t>(changes.value_or(INT64_MAX))) {
            if (const Status begun = begin_save(); !begun.ok()) {
                info_.last_save_ok = false;
                failed_save_ms_ = service_.now_ms();
                log_error("cannot save: " + begun.error().message);
            }
            return;
        }
    }
}

// The append-only file ----------------------------------------------------------------------------

Status Persistence::write_manifest(const kv::AofManifest& manifest) {
    const std::string path =
        aof_path(kv::aof_manifest_name(service_.settings.text("appendfilename")));
    KUMO_TRY(io::write_file(fs_, path + ".tmp", manifest.format()));
    KUMO_TRY(fs_.rename(path + ".tmp", path));
    return fs_.sync_dir(aof_directory());
}

/// The manifest's last increment, empty, becomes where changes go.
Status Persistence::open_increment(bool in_manifest) {
    const std::string path = aof_path(manifest_.increments().back().name);
    KUMO_TRY_ASSIGN(increment_, fs_.open(path, io::OpenMode::kCreate));
    KUMO_TRY(increment_->sync());
    KUMO_TRY(fs_.sync_dir(aof_directory()));
    if (in_manifest) {
        KUMO_TRY(write_manifest(manifest_));
    }
    increment_bytes_ = 0;
    pending_db_ = -1;
    return {};
}

/// A base of what is in memory, in one go, and an increment behind it.
Status Persistence::begin_anew() {
    KUMO_TRY(io::make_directories(fs_, aof_directory()));
    manifest_.add_increment(service_.settings.text("appendfilename"));
    const kv::AofFile base = manifest_.next_base(service_.settings.text("appendfilename"), true);
    KUMO_TRY_ASSIGN(
        const std::unique_ptr<Running> running,
        open_snapshot(aof_path(base.name), true)
    );
    running->base = base;
    running->increments_kept = 1;
    KUMO_TRY(write_whole(*running));
    return open_increment();
}

Status Persistence::start_aof() {
    if (manifest_.empty()) {
        return begin_anew();
    }
    if (!manifest_.increments().empty()) {
        return reopen_increment();
    }
    manifest_.add_increment(service_.settings.text("appendfilename"));
    return open_increment();
}

/// Changes go on where the last server left off; what was broken at the end has been cut.
Status Persistence::reopen_increment() {
    const std::string path = aof_path(manifest_.increments().back().name);
    KUMO_TRY_ASSIGN(increment_, fs_.open(path, io::OpenMode::kReadWrite));
    KUMO_TRY_ASSIGN(increment_bytes_, increment_->size());
    base_bytes_ -= std::min(base_bytes_, increment_bytes_);
    pending_db_ = -1;
    return {};
}

Status Persistence::set_appendonly() {
    const bool wanted = service_.settings.flag("appendonly");
    if (!started_ || wanted == (increment_ != nullptr)) {
        return {};
    }
    if (!wanted) {
        write_pending();
        Status synced = increment_->sync();
        increment_.reset();
        return synced;
    }
    // What older files hold is not what is in memory: a new base takes their place.
    KUMO_TRY_ASSIGN(manifest_, read_manifest());
    return begin_anew();
}

void Persistence::begin_replacement() {
    resume_wanted_ = false;
    if (running_ != nullptr) {
        // What it would go on with is neither the old keys nor the new ones.
        const std::unique_ptr<Running> given_up = std::move(running_);
        given_up->snapshot.reset();
        (void)fs_.unlink(given_up->temporary);
        info_.save_in_progress = false;
        info_.rewrite_in_progress = false;
    }
    if (increment_ != nullptr) {
        write_pending();
        increment_.reset();
        suspended_ = true;
    }
}

void Persistence::end_replacement() {
    suspended_ = suspended_ && service_.settings.flag("appendonly");
    resume_wanted_ = suspended_;
    if (!suspended_ || running_ != nullptr) {
        return;
    }
    pending_.clear();
    if (const Status begun = begin_rewrite(); begun.ok()) {
        suspended_ = resume_wanted_ = false;
    } else {
        log_error("the append-only file cannot begin anew: " + begun.error().message);
        info_.last_rewrite_ok = false;
    }
}

void Persistence::on_changes(std::span<const PropagatedCommand> commands) {
    if (increment_ == nullptr) {
        return;
    }
    const auto append = [this](std::initializer_list<ByteView> words) {
        kv::append_aof_command(std::span(words.begin(), words.size()), &pending_);
    };
    const auto kept = [](const PropagatedCommand& command) {
        return !command.for_replicas_only;
    };
    const bool several = std::count_if(commands.begin(), commands.end(), kept) > 1;
    bool open = false;
    for (const PropagatedCommand& command : commands) {
        if (!kept(command)) {
            continue;
        }
        if (command.db != pending_db_) {
            append({"SELECT", std::to_string(command.db)});
            pending_db_ = command.db;
        }
        if (several && !open) {
            append({"MULTI"});
            open = true;
        }
        const std::vector<ByteView> views(command.arguments.begin(), command.arguments.end());
        kv::append_aof_command(views, &pending_);
    }
    if (open) {
        append({"EXEC"});
    }
    if (service_.running_session() != 0) {
        writers_.push_back(service_.running_session());
    }
    if (!write_scheduled_) {
        write_scheduled_ = true;
        service_.loop().defer([this] {
            write_scheduled_ = false;
            write_pending();
        });
    }
}

void Persistence::write_pending() {
    const std::vector<SessionId> writers = std::exchange(writers_, {});
    if (increment_ == nullptr || pending_.empty()) {
        return;
    }
    const bool always = service_.settings.text("appendfsync") == "always";
    Status written = increment_->write(increment_bytes_, pending_);
    if (written.ok() && always) {
        written = increment_->sync();
    }
    if (written.ok()) {
        increment_bytes_ += pending_.size();
        pending_.clear();
        unsynced_ = !always;
        info_.last_write_ok = true;
        write_error_.clear();
        return;
    }
    if (write_error_.empty()) {
        log_error("the append-only file cannot be written: " + written.error().message);
    }
    info_.last_write_ok = false;
    write_error_ = written.error().message;
    (void)increment_->truncate(increment_bytes_);
    if (always) {
        // Nobody is told that something was done which the disk does not have.
        for (const SessionId id : writers) {
            if (Session* session = service_.session(id); session != nullptr) {
                session->abort();
            }
        }
    }
}

void Persistence::sync_every_second() {
    if (increment_ == nullptr || !unsynced_ || sync_running_
        || service_.settings.text("appendfsync") != "everysec"
        || service_.now_ms() - synced_ms_ < kSyncIntervalMs) {
        return;
    }
    unsynced_ = false;
    sync_running_ = true;
    synced_ms_ = service_.now_ms();
    increment_->sync_async(service_.loop(), [this](const Status& synced) {
        sync_running_ = false;
        if (!synced.ok()) {
            info_.last_write_ok = false;
            write_error_ = synced.error().message;
            log_error("the append-only file cannot be synced: " + synced.error().message);
        }
    });
}

void Persistence::periodic() {
    if (!pending_.empty()) {
        write_pending();  // A disk that was full may have room again.
    }
    sync_every_second();
    if (resume_wanted_) {
        end_replacement();
    }
    check_save_points();
    const std::int64_t percentage = service_.settings.number("auto-aof-rewrite-percentage");
    const std::uint64_t size = base_bytes_ + increment_bytes_;
    if (increment_ != nullptr && running_ == nullptr && percentage > 0
        && size >= static_cast<std::uint64_t>(service_.settings.number("auto-aof-rewrite-min-size"))
        && size >= rewritten_at_bytes_
                       + rewritten_at_bytes_ * static_cast<std::uint64_t>(percentage) / 100) {
        if (const Status begun = begin_rewrite(); !begun.ok()) {
            log_error("cannot rewrite the append-only file: " + begun.error().message);
        }
    }
}

// Beginning and end -------------------------------------------------------------------------------

Status Persistence::start() {
    started_ = true;
    service_.add_feed(*this);
    service_.on_setting("appendonly", [this] { return set_appendonly(); });
    service_.add_periodic([this] { periodic(); });
    return service_.settings.flag("appendonly") ? start_aof() : Status();
}

Status Persistence::finish(bool save_wanted) {
    Status out;
    if (increment_ != nullptr) {
        write_pending();
        out = pending_.empty() ? increment_->sync() : Status(Error{ErrorCode::kIo, write_error_});
    }
    if (save_wanted && !service_.replication().loading()) {
        running_.reset();
        Status saved = save();
        if (out.ok()) {
            out = std::move(saved);
        }
    }
    return out;
}

PersistenceInfo Persistence::info() const {
    PersistenceInfo out = info_;
    out.aof_size = base_bytes_ + increment_bytes_;
    out.aof_base_size = base_bytes_;
    return out;
}

std::string Persistence::write_refusal() const {
    if (!info_.last_write_ok && increment_ != nullptr) {
        return "MISCONF Errors writing to the AOF file: " + write_error_;
    }
    if (!info_.last_save_ok && service_.settings.flag("stop-writes-on-bgsave-error")
        && !service_.settings.text("save").empty()) {
        return "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to "
               "persist to disk. Commands that may modify the data set are disabled, because this "
               "instance is configured to report errors during writes if RDB snapshotting fails "
               "(stop-writes-on-bgsave-error option). Please check the Redis logs for details "
               "about "
               "the RDB error.";
    }
    return {};
}

Status Persistence::reload(const Reload& how) {
    if (how.save) {
        KUMO_TRY(save());
    }
    if (how.flush) {
        service_.empty();
    }
    return load_rdb(rdb_path(), how.merge);
}

Status Persistence::reload_aof() {
    write_pending();
    service_.empty();
    return load_aof();
}

}  // namespace kumo::api_redis
