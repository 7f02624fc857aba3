#pragma once

#include "api/redis/service.h"
#include "base/result.h"
#include "io/fs.h"
#include "kv/aof/manifest.h"
#include "kv/rdb/rdb_writer.h"
#include "kv/rdb/snapshot.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::api_redis {

struct RdbHead {
    bool aof_base = false;
    bool functions = true;
};

/// What stands before the keys of an RDB file: who wrote it, and the function libraries.
void write_rdb_head(Service& service, kv::RdbWriter& writer, const RdbHead& head);

/// How files stand, for INFO.
struct PersistenceInfo {
    bool loading = false;
    bool save_in_progress = false;
    bool last_save_ok = true;
    std::int64_t last_save_seconds = -1;
    std::uint64_t saves = 0;
    std::uint64_t keys_loaded = 0;
    bool rewrite_in_progress = false;
    bool last_rewrite_ok = true;
    bool last_write_ok = true;
    std::uint64_t aof_size = 0;
    std::uint64_t aof_base_size = 0;
};

/// The keyspace on disk, in Redis's own files: `dbfilename` as RDB, and, with `appendonly yes`, the
/// directory `appenddirname` with its manifest, a base and increments. Both are read at the start
/// (the latter first, as in Redis; a single append-only file of before Redis 7 is taken over).
///
/// Changes are appended once a turn of the loop, before its replies leave: with `appendfsync
/// always` they are on the disk by then; a disk that refuses them lets the connections that made
/// them end without an answer, and writes are refused until it takes them.
///
/// Snapshots are written while commands run (kv/rdb/snapshot.h).
///
/// Thread rule: loop-owned.
class Persistence final : public ChangeFeed {
public:
    Persistence(Service& service, io::Fs& fs);
    ~Persistence() override;

    /// Before anybody is served. Errors are for the user.
    Status load();
    /// From now on changes are kept.
    Status start();

    /// All in one go. kConflict: one is being written.
    Status save();
    /// Begins; kConflict: one is being written.
    Status begin_save();
    Status begin_rewrite();
    /// An RDB file at another place, for somebody else; `done` runs when it is durable, or has
    /// failed. `extra` stands for database 1. kConflict: one is being written.
    Status begin_snapshot(
        const std::string& path,
        std::function<void(Status)> done,
        kv::Database* extra = nullptr
    );

    Status load_snapshot(const std::string& path) { return load_rdb(path); }

    /// What SHUTDOWN and the end of the process ask for.
    Status finish(bool save);
    PersistenceInfo info() const;
    /// Why writes are refused now; empty: they are not.
    std::string write_refusal() const;

    struct Reload {
        bool save = true;    ///< Else the file is loaded that is there.
        bool flush = true;   ///< Else what is in memory stays.
        bool merge = false;  ///< What is in both is taken from the file; else that is an error.
    };

    /// DEBUG RELOAD.
    Status reload(const Reload& how);
    /// DEBUG LOADAOF: empties the keyspace and reads the append-only file.
    Status reload_aof();

    /// All keys are about to be replaced (a replica takes its master's): the append-only file ends
    /// here, a snapshot under way is given up.
    void begin_replacement();
    /// They have been: the append-only file begins anew with them, in the background. The old one
    /// is good until that is done.
    void end_replacement();

    bool follows() const override { return increment_ != nullptr; }

    void on_changes(std::span<const PropagatedCommand> commands) override;

private:
    struct Running;

    std::string rdb_path() const;
    std::string aof_directory() const;
    std::string aof_path(const std::string& name) const;
    Status load_rdb(const std::string& path, bool merge = false);
    Status adopt_old_aof();
    Status load_aof();
    Status load_aof_file(const std::string& path, bool last);
    Result<kv::AofManifest> read_manifest();
    Status write_manifest(const kv::AofManifest& manifest);
    Status open_increment(bool in_manifest = true);
    Status reopen_increment();
    Status begin_anew();
    Status start_aof();
    Status set_appendonly();
    Result<std::unique_ptr<Running>>
    open_snapshot(const std::string& path, bool aof_base, kv::Database* extra = nullptr);
    void step_running();
    void end_running(Status status);
    Status write_whole(Running& running);
    Status complete(Running& running);
    void write_pending();
    void sync_every_second();
    void check_save_points();
    void periodic();

    Service& service_;
    io::Fs& fs_;
    kv::AofManifest manifest_;
    std::unique_ptr<io::File> increment_;
    std::uint64_t increment_bytes_ = 0;
    std::uint64_t base_bytes_ = 0;
    std::uint64_t rewritten_at_bytes_ = 0;
    std::string pending_;
    int pending_db_ = -1;  ///< The last SELECT in the increment.
    bool write_scheduled_ = false;
    bool sync_running_ = false;
    bool unsynced_ = false;
    std::int64_t synced_ms_ = 0;
    std::vector<SessionId> writers_;
    std::unique_ptr<Running> running_;
    PersistenceInfo info_;
    std::string write_error_;
    std::uint64_t changes_at_save_ = 0;
    std::int64_t failed_save_ms_ = 0;
    bool started_ = false;
    bool suspended_ = false;  ///< From begin_replacement() to an end_replacement() that succeeds.
    bool resume_wanted_ = false;  ///< periodic() tries again.
};

}  // namespace kumo::api_redis
