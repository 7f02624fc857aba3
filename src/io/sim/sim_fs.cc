#include "io/sim/sim_fs.h"

#include "base/assert.h"
#include "io/internal/sim_disk.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace kumo::io {

namespace {

constexpr Duration kSyncDelayMin = std::chrono::milliseconds(1);
constexpr Duration kSyncDelayMax = std::chrono::milliseconds(8);

Error absent(const char* doing, const std::string& path) {
    return not_found(std::string(doing) + ' ' + path + ": No such file or directory");
}

Error failed(const char* doing, const std::string& path, const char* why) {
    return Error{ErrorCode::kIo, std::string(doing) + ' ' + path + ": " + why};
}

Error disk_full(const std::string& operation, const std::string& path) {
    return Error{
        ErrorCode::kResourceExhausted,
        operation + " " + path + ": No space left on device"};
}

}  // namespace

struct SimFs::State : std::enable_shared_from_this<SimFs::State> {
    explicit State(SimWorld& the_world) : world(the_world), disk(the_world.random()) {}

    SimWorld& world;
    SimDisk disk;
    std::map<std::string, std::weak_ptr<FileLock>> locks;
    std::uint64_t operations = 0;
    std::uint64_t crash_operation = 0;
    CrashPoint crash_point = CrashPoint::kBefore;
    std::uint64_t generation = 1;  ///< Of handles: a crash or restart ends one.
    bool crashed = false;
    std::optional<std::uint64_t> capacity_bytes;
    std::string failing_sync;
    std::string failing_reads;
    std::string failing_writes;

    Status alive(std::uint64_t handle_generation) const {
        if (crashed || handle_generation != generation) {
            return Error{ErrorCode::kIo, "the simulated machine has crashed"};
        }
        return {};
    }

    void crash(CrashKind kind) {
        world.trace("crash", operations);
        crashed = true;
        ++generation;
        locks.clear();
        crash_operation = 0;
        if (kind == CrashKind::kPower) {
            disk.lose_power();
        }
    }

    /// Runs one numbered operation, or the crash that is armed for it. `action` is told whether to
    /// stop half way.
    template <typename Action>
    Status operate(const char* what, const std::string& path, Action action) {
        KUMO_TRY(alive(generation));
        ++operations;
        world.trace(what, operations);
        world.trace(path);
        if (operations != crash_operation) {
            return action(false);
        }
        if (crash_point != CrashPoint::kBefore) {
            (void)action(crash_point == CrashPoint::kTorn);
        }
        crash(CrashKind::kPower);
        return alive(generation);
    }

    bool torn_by_chance(bool torn) { return torn && world.random().chance(1, 2); }

    std::uint64_t space_left() const {
        if (!capacity_bytes.has_value()) {
            return std::uint64_t{1} << 50;
        }
        return *capacity_bytes - std::min(*capacity_bytes, disk.used_bytes());
    }

    /// Others may take it again: what is tested is that nobody relies on it.
    Status find_space(const SimInode& inode, std::uint64_t bytes) const {
        const std::uint64_t growth = bytes - std::min<std::uint64_t>(bytes, inode.current.size());
        return growth <= space_left() ? Status() : Status(disk_full("allocate", inode.path));
    }

    Status write(SimInode& inode, std::uint64_t offset, ByteView bytes, bool torn) {
        const std::string& path = inode.path;
        if (!failing_writes.empty() && path.find(failing_writes) != std::string::npos) {
            return failed("write", path, "Input/output error");
        }
        if (torn) {
            bytes = bytes.substr(0, world.random().below(bytes.size() + 1));
        }
        const std::uint64_t end = offset + bytes.size();
        const std::uint64_t growth = end - std::min<std::uint64_t>(end, inode.current.size());
        const std::uint64_t space = space_left();
        if (growth <= space) {
            inode.write(offset, bytes);
            return {};
        }
        const std::uint64_t missing = std::min<std::uint64_t>(growth - space, bytes.size());
        inode.write(offset, bytes.substr(0, bytes.size() - missing));
        return disk_full("write", path);
    }

    bool takes_sync_failure(const std::string& path) {
        if (failing_sync.empty() || path.find(failing_sync) == std::string::npos) {
            return false;
        }
        failing_sync.clear();
        return true;
    }

    Status sync_file(SimInode& inode, std::uint64_t up_to) {
        return operate("sync", inode.path, [&](bool torn) -> Status {
            if (takes_sync_failure(inode.path)) {
                inode.lose_pending(world.random());
                return failed("sync", inode.path, "Input/output error");
            }
            if (!torn) {
                inode.make_durable(up_to);
            }
            return {};
        });
    }

    Status sync_directory(const std::string& path, std::uint64_t up_to) {
        return operate("sync_dir", path, [&](bool torn) -> Status {
            if (!disk.is_directory(path)) {
                return absent("sync directory", path);
            }
            if (takes_sync_failure(path)) {
                return failed("sync directory", path, "Input/output error");
            }
            if (!torn) {
                disk.sync_directory(path, up_to);
            }
            return {};
        });
    }

    /// Does `work` after a disk's delay and reports on `loop`, unless the machine crashes first.
    void later(Loop& loop, std::function<Status()> work, SyncCallback done) {
        const auto self = shared_from_this();
        const std::uint64_t started = generation;
        const auto callback = std::make_shared<SyncCallback>(std::move(done));
        const Duration delay = world.random_duration(kSyncDelayMin, kSyncDelayMax);
        Task task = [self, started, &loop, work = std::move(work), callback] {
            if (!self->alive(started).ok()) {
                return;
            }
            const auto status = std::make_shared<Status>(work());
            if (self->alive(started).ok()) {
                loop.post([callback, status] { (*callback)(std::move(*status)); });
            }
        };
        (void)world.schedule(delay, std::move(task));
    }
};

namespace {

using StatePtr = std::shared_ptr<SimFs::State>;
using InodePtr = std::shared_ptr<SimInode>;

class SimFile final : public File {
public:
    SimFile(StatePtr state, InodePtr inode, OpenMode mode)
        : state_(std::move(state)),
          inode_(std::move(inode)),
          generation_(state_->generation),
          mode_(mode) {}

    Result<std::string> read(std::uint64_t offset, std::size_t bytes) override {
        KUMO_TRY(state_->alive(generation_));
        const std::string& failing = state_->failing_reads;
        if (!failing.empty() && inode_->path.find(failing) != std::string::npos) {
            return failed("read", inode_->path, "Input/output error");
        }
        if (offset >= inode_->current.size()) {
            return std::string();
        }
        return inode_->current.substr(static_cast<std::size_t>(offset), bytes);
    }

    Status write(std::uint64_t offset, ByteView bytes) override {
        KUMO_ASSERT(mode_ != OpenMode::kRead);
        KUMO_TRY(state_->alive(generation_));
        return state_->operate("write", inode_->path, [&](bool torn) {
            return state_->write(*inode_, offset, bytes, torn);
        });
    }

    Result<std::uint64_t> size() override {
        KUMO_TRY(state_->alive(generation_));
        return std::uint64_t{inode_->current.size()};
    }

    Status allocate(std::uint64_t bytes) override {
        KUMO_ASSERT(mode_ != OpenMode::kRead);
        KUMO_TRY(state_->alive(generation_));
        return state_->operate("allocate", inode_->path, [&](bool /*torn*/) {
            return state_->find_space(*inode_, bytes);
        });
    }

    void begin_writing(std::uint64_t /*offset*/, std::uint64_t /*bytes*/) override {}

    Status truncate(std::uint64_t bytes) override {
        KUMO_ASSERT(mode_ != OpenMode::kRead);
        KUMO_TRY(state_->alive(generation_));
        return state_->operate("truncate", inode_->path, [&](bool torn) -> Status {
            if (!state_->torn_by_chance(torn)) {
                inode_->truncate(bytes);
            }
            return {};
        });
    }

    Status sync() override {
        KUMO_TRY(state_->alive(generation_));
        return state_->sync_file(*inode_, inode_->last_change);
    }

    void sync_async(Loop& loop, SyncCallback done) override {
        if (!state_->alive(generation_).ok()) {
            return;  // Nobody is left to be told.
        }
        const auto state = state_;
        const auto inode = inode_;
        const std::uint64_t up_to = inode->last_change;
        state_->later(
            loop,
            [state, inode, up_to] { return state->sync_file(*inode, up_to); },
            std::move(done)
        );
    }

private:
    StatePtr state_;
    InodePtr inode_;
    const std::uint64_t generation_;
    const OpenMode mode_;
};

class SimMapping final : public MappedFile {
public:
    explicit SimMapping(std::string bytes) : bytes_(std::move(bytes)) {}

    ByteView bytes() const override { return bytes_; }

    void rest() const override {}

private:
    const std::string bytes_;
};

class SimLock final : public FileLock {};

/// The lock's holder and the table share it; only the holder keeps it alive.
class SimLockHolder final : public FileLock {
public:
    explicit SimLockHolder(std::shared_ptr<FileLock> lock) : lock_(std::move(lock)) {}

private:
    std::shared_ptr<FileLock> lock_;
};

}  // namespace

SimFs::SimFs(SimWorld& world) : state_(std::make_shared<State>(world)) {}

SimFs::~SimFs() = default;

Result<std::unique_ptr<File>> SimFs::open(const std::string& path, OpenMode mode) {
    KUMO_TRY(state_->alive(state_->generation));
    auto inode = state_->disk.find(path);
    if (state_->disk.is_directory(path)) {
        return failed("open", path, "Is a directory");
    }
    if (mode != OpenMode::kCreate) {
        if (inode == nullptr) {
            return absent("open", path);
        }
        return std::unique_ptr<File>(std::make_unique<SimFile>(state_, std::move(inode), mode));
    }
    if (!state_->disk.is_directory(parent_path(path))) {
        return absent("open", path);
    }
    KUMO_TRY(state_->operate("create", path, [&](bool torn) -> Status {
        if (!state_->torn_by_chance(torn)) {
            inode = state_->disk.create(path);
        }
        return {};
    }));
    return std::unique_ptr<File>(std::make_unique<SimFile>(state_, std::move(inode), mode));
}

Result<std::unique_ptr<MappedFile>> SimFs::map(const std::string& path) {
    KUMO_TRY(state_->alive(state_->generation));
    const auto inode = state_->disk.find(path);
    if (inode == nullptr) {
        return absent("open", path);
    }
    return std::unique_ptr<MappedFile>(std::make_unique<SimMapping>(inode->current));
}

Status SimFs::rename(const std::string& from, const std::string& to) {
    return state_->operate("rename", from, [&](bool torn) -> Status {
        if (!state_->disk.exists(from) || !state_->disk.is_directory(parent_path(to))) {
            return absent("rename", from);
        }
        if (state_->disk.is_directory(from)) {
            KUMO_ASSERT(parent_path(from) == parent_path(to) && state_->disk.is_synced(from));
            if (state_->disk.exists(to)) {
                return Error{ErrorCode::kAlreadyExists, "rename " + from + ": " + to + " exists"};
            }
        }
        if (!state_->torn_by_chance(torn)) {
            state_->disk.rename(from, to);
        }
        return {};
    });
}

Status SimFs::unlink(const std::string& path) {
    return state_->operate("unlink", path, [&](bool torn) -> Status {
        if (state_->disk.find(path) == nullptr) {
            return state_->disk.is_directory(path) ? failed("remove", path, "Is a directory")
                                                   : absent("remove", path);
        }
        if (!state_->torn_by_chance(torn)) {
            state_->disk.unlink(path);
        }
        return {};
    });
}

Status SimFs::mkdir(const std::string& path) {
    return state_->operate("mkdir", path, [&](bool torn) -> Status {
        if (state_->disk.exists(path)) {
            return Error{ErrorCode::kAlreadyExists, "make directory " + path + ": File exists"};
        }
        if (!state_->disk.is_directory(parent_path(path))) {
            return absent("make directory", path);
        }
        if (!state_->torn_by_chance(torn)) {
            state_->disk.make_directory(path);
        }
        return {};
    });
}

Status SimFs::rmdir(const std::string& path) {
    return state_->operate("rmdir", path, [&](bool torn) -> Status {
        if (!state_->disk.is_directory(path)) {
            return absent("remove directory", path);
        }
        if (!state_->disk.list(path).empty()) {
            return failed("remove directory", path, "Directory not empty");
        }
        if (!state_->torn_by_chance(torn)) {
            state_->disk.unlink(path);
        }
        return {};
    });
}

Result<std::vector<DirEntry>> SimFs::list(const std::string& path) {
    KUMO_TRY(state_->alive(state_->generation));
    if (!state_->disk.is_directory(path)) {
        return state_->disk.exists(path) ? failed("list", path, "Not a directory")
                                         : absent("list", path);
    }
    return state_->disk.list(path);
}

Status SimFs::sync_dir(const std::string& path) {
    return state_->sync_directory(path, state_->disk.last_change());
}

void SimFs::sync_dir_async(const std::string& path, Loop& loop, SyncCallback done) {
    const auto state = state_;
    const std::uint64_t up_to = state->disk.last_change();
    state_->later(
        loop,
        [state, path, up_to] { return state->sync_directory(path, up_to); },
        std::move(done)
    );
}

Result<std::uint64_t> SimFs::file_size(const std::string& path) {
    KUMO_TRY(state_->alive(state_->generation));
    if (state_->disk.is_directory(path)) {
        return std::uint64_t{0};
    }
    const auto inode = state_->disk.find(path);
    if (inode == nullptr) {
        return absent("stat", path);
    }
    return std::uint64_t{inode->current.size()};
}

Result<std::uint64_t> SimFs::free_bytes(const std::string& /*path*/) {
    KUMO_TRY(state_->alive(state_->generation));
    return state_->space_left();
}

Result<std::uint64_t> SimFs::total_bytes(const std::string& /*path*/) {
    KUMO_TRY(state_->alive(state_->generation));
    return state_->disk.used_bytes() + state_->space_left();
}

Result<std::unique_ptr<FileLock>> SimFs::lock(const std::string& path) {
    KUMO_TRY(state_->alive(state_->generation));
    if (!state_->locks[path].expired()) {
        return Error{ErrorCode::kUnavailable, "lock " + path + ": held by another process"};
    }
    if (state_->disk.find(path) == nullptr) {
        auto created = open(path, OpenMode::kCreate);
        if (!created.ok()) {
            return std::move(created).error();
        }
    }
    const std::shared_ptr<FileLock> lock = std::make_shared<SimLock>();
    state_->locks[path] = lock;
    return std::unique_ptr<FileLock>(std::make_unique<SimLockHolder>(lock));
}

std::uint64_t SimFs::operations() const {
    return state_->operations;
}

void SimFs::crash_at(std::uint64_t operation, CrashPoint point) {
    state_->crash_operation = operation;
    state_->crash_point = point;
}

void SimFs::crash(CrashKind kind) {
    KUMO_ASSERT(!state_->crashed);
    state_->crash(kind);
}

bool SimFs::crashed() const {
    return state_->crashed;
}

void SimFs::restart() {
    if (!state_->crashed) {
        state_->crash(CrashKind::kProcess);
    }
    state_->crashed = false;
}

void SimFs::set_free_bytes(std::uint64_t bytes) {
    state_->capacity_bytes = state_->disk.used_bytes() + bytes;
}

void SimFs::fail_next_sync(std::string part) {
    state_->failing_sync = std::move(part);
}

void SimFs::fail_reads(std::string part) {
    state_->failing_reads = std::move(part);
}

void SimFs::fail_writes(std::string part) {
    state_->failing_writes = std::move(part);
}

void SimFs::flip_bit(const std::string& path, std::uint64_t offset, unsigned bit) {
    const auto inode = state_->disk.find(path);
    KUMO_ASSERT(inode != nullptr && offset < inode->current.size());
    inode->flip_bit(static_cast<std::size_t>(offset), bit);
}

}  // namespace kumo::io
