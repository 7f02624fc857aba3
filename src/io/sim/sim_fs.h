#pragma once

#include "io/fs.h"
#include "io/sim/sim_world.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kumo::io {

/// Where, relative to a file operation, the machine dies.
enum class CrashPoint : std::uint8_t {
    kBefore,
    kTorn,  ///< A write or sync is done in part; other operations: as before or after, by chance.
    kAfter,
};

enum class CrashKind : std::uint8_t {
    kPower,    ///< What was not synced survives in any part.
    kProcess,  ///< kill -9: the system still has everything.
};

/// A disk that remembers what is durable and takes the rest away when the machine crashes.
///
/// After a power loss, of each write since the file's last sync any subset of its 512-byte sectors
/// is there (missing ones inside the file read as zeros or as what was there before), a truncation
/// may be undone, and of each directory's changes since its last sync_dir some prefix is there.
/// A sync that failed has made any part durable, and no later sync repairs that.
///
/// Every operation that changes something has a number, from 1, so that a test can count the
/// operations of a scenario and then crash at each. After a crash every call on old handles and
/// on the Fs fails with kIo, and no callback comes, until restart(). Owned like the world.
class SimFs final : public Fs {
public:
    explicit SimFs(SimWorld& world);
    ~SimFs() override;
    SimFs(const SimFs&) = delete;
    SimFs& operator=(const SimFs&) = delete;

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
    Result<std::unique_ptr<MappedFile>> map(const std::string& path) override;
    Status rename(const std::string& from, const std::string& to) override;
    Status unlink(const std::string& path) override;
    Status mkdir(const std::string& path) override;
    Status rmdir(const std::string& path) override;
    Result<std::vector<DirEntry>> list(const std::string& path) override;
    Status sync_dir(const std::string& path) override;
    void sync_dir_async(const std::string& path, Loop& loop, SyncCallback done) override;
    Result<std::uint64_t> file_size(const std::string& path) override;
    Result<std::uint64_t> free_bytes(const std::string& path) override;
    Result<std::uint64_t> total_bytes(const std::string& path) override;
    Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

    /// Numbered operations so far, over all restarts.
    std::uint64_t operations() const;

    /// Arms a power loss at the operation with that number.
    void crash_at(std::uint64_t operation, CrashPoint point);

    /// Crashes now.
    void crash(CrashKind kind);
    bool crashed() const;

    /// The machine is up again, with what survived; old handles stay dead. Also without a crash:
    /// then as after CrashKind::kProcess.
    void restart();

    /// Space left; every byte a file grows by takes one. Unlimited at first.
    void set_free_bytes(std::uint64_t bytes);

    /// The next sync of a file (or sync_dir of a directory) whose path contains `part` fails.
    void fail_next_sync(std::string part);

    /// While not empty, reads (and writes) of files whose path contains `part` fail with kIo.
    void fail_reads(std::string part);
    void fail_writes(std::string part);

    /// Damages a stored byte, durably. Requires the file and offset to exist.
    void flip_bit(const std::string& path, std::uint64_t offset, unsigned bit);

    struct State;

private:
    std::shared_ptr<State> state_;
};

}  // namespace kumo::io
