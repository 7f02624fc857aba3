#include "base/mutex.h"
#include "io/internal/errno_error.h"
#include "io/internal/unique_fd.h"
#include "io/system.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

namespace kumo::io {

namespace {

/// Helper threads for asynchronous syncs: two, so that one slow disk does not hold up another.
constexpr unsigned kSyncThreads = 2;

/// What is open, shared with a sync that outlives its File.
struct OpenFile {
    UniqueFd fd;
    std::string path;
};

Status sync_file(const OpenFile& file) {
    if (::fdatasync(file.fd.get()) != 0) {
        return errno_error("sync", file.path, errno);
    }
    return {};
}

Status sync_directory(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) {
        return errno_error("open directory", path, errno);
    }
    if (::fsync(fd.get()) != 0) {
        return errno_error("sync directory", path, errno);
    }
    return {};
}

/// Runs blocking syncs on helper threads. Any thread.
class Syncer {
public:
    void run(Loop& loop, std::function<Status()> work, SyncCallback done) {
        const auto callback = std::make_shared<SyncCallback>(std::move(done));
        Task job = [&loop, work = std::move(work), callback] {
            const auto status = std::make_shared<Status>(work());
            loop.post([callback, status] { (*callback)(std::move(*status)); });
        };
        // A sync may not be refused: its caller would have to give the file up. With the queue
        // full the caller waits itself.
        if (!pool().submit(job).ok()) {
            job();
        }
    }

private:
    WorkerPool& pool() {
        const MutexLock lock(mutex_);
        if (pool_ == nullptr) {
            pool_ = make_system_worker_pool({.name = "fs-sync", .threads = kSyncThreads});
        }
        return *pool_;
    }

    Mutex mutex_;
    std::unique_ptr<WorkerPool> pool_ KUMO_GUARDED_BY(mutex_);
};

class PosixFile final : public File {
public:
    PosixFile(Syncer& syncer, UniqueFd fd, const std::string& path)
        : syncer_(syncer), file_(std::make_shared<OpenFile>()) {
        file_->fd = std::move(fd);
        file_->path = path;
    }

    Result<std::string> read(std::uint64_t offset, std::size_t bytes) override {
        KUMO_TRY_ASSIGN(const std::uint64_t end, size());
        const std::uint64_t there = offset < end ? end - offset : 0;
        std::string out(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, there)), '\0');
        std::size_t done = 0;
        while (done < out.size()) {
            const ssize_t n = ::pread(
                file_->fd.get(),
                out.data() + done,
                out.size() - done,
                static_cast<off_t>(offset + done)
            );
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n < 0) {
                return errno_error("read", file_->path, errno);
            }
            if (n == 0) {
                break;
            }
            done += static_cast<std::size_t>(n);
        }
        out.resize(done);
        return out;
    }

    Status write(std::uint64_t offset, ByteView bytes) override {
        while (!bytes.empty()) {
            const ssize_t n =
                ::pwrite(file_->fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n < 0) {
                return errno_error("write", file_->path, errno);
            }
            bytes.remove_prefix(static_cast<std::size_t>(n));
            offset += static_cast<std::uint64_t>(n);
        }
        return {};
    }

    Result<std::uint64_t> size() override {
        struct stat info = {};
        if (::fstat(file_->fd.get(), &info) != 0) {
            return errno_error("stat", file_->path, errno);
        }
        return static_cast<std::uint64_t>(info.st_size);
    }

    Status allocate(std::uint64_t bytes) override {
        const auto length = static_cast<off_t>(bytes);
        const bool ok = bytes == 0
                        || ::fallocate(file_->fd.get(), FALLOC_FL_KEEP_SIZE, 0, length) == 0
                        || errno == EOPNOTSUPP || errno == ENOSYS;
        return ok ? Status() : Status(errno_error("allocate", file_->path, errno));
    }

    void begin_writing(std::uint64_t offset, std::uint64_t bytes) override {
        (void)::sync_file_range(
            file_->fd.get(),
            static_cast<off_t>(offset),
            static_cast<off_t>(bytes),
            SYNC_FILE_RANGE_WRITE
        );
    }

    Status truncate(std::uint64_t bytes) override {
        if (::ftruncate(file_->fd.get(), static_cast<off_t>(bytes)) != 0) {
            return errno_error("truncate", file_->path, errno);
        }
        return {};
    }

    Status sync() override { return sync_file(*file_); }

    void sync_async(Loop& loop, SyncCallback done) override {
        const auto file = file_;
        syncer_.run(
            loop,
            [file] { return sync_file(*file); },
            std::move(done)
        );
    }

private:
    Syncer& syncer_;
    std::shared_ptr<OpenFile> file_;
};

class PosixMapping final : public MappedFile {
public:
    PosixMapping(void* address, std::size_t bytes) : address_(address), bytes_(bytes) {}

    ~PosixMapping() override {
        if (bytes_ > 0) {
            (void)::munmap(address_, bytes_);
        }
    }

    ByteView bytes() const override { return {static_cast<const char*>(address_), bytes_}; }

    void rest() const override {
        if (bytes_ > 0) {
            (void)::madvise(address_, bytes_, MADV_DONTNEED);  // of a file: its pages stay cached
        }
    }

private:
    void* const address_;
    const std::size_t bytes_;
};

class PosixLock final : public FileLock {
public:
    explicit PosixLock(UniqueFd fd) : fd_(std::move(fd)) {}

private:
    UniqueFd fd_;  // Closing it releases the lock.
};

int open_flags(OpenMode mode) {
    switch (mode) {
        case OpenMode::kRead: return O_RDONLY | O_CLOEXEC;
        case OpenMode::kReadWrite: return O_RDWR | O_CLOEXEC;
        case OpenMode::kCreate: return O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC;
    }
    return O_RDONLY | O_CLOEXEC;
}

bool is_directory(const std::string& directory, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) {
        return entry.d_type == DT_DIR;
    }
    struct stat info = {};
    return ::lstat(join_path(directory, entry.d_name).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

class PosixFs final : public Fs {
public:
    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        // What we store is its owner's business only.
        UniqueFd fd(::open(path.c_str(), open_flags(mode), S_IRUSR | S_IWUSR));
        if (!fd.valid()) {
            return errno_error("open", path, errno);
        }
        return std::unique_ptr<File>(std::make_unique<PosixFile>(syncer_, std::move(fd), path));
    }

    Result<std::unique_ptr<MappedFile>> map(const std::string& path) override {
        const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        struct stat info = {};
        if (!fd.valid() || ::fstat(fd.get(), &info) != 0) {
            return errno_error("open", path, errno);
        }
        const auto bytes = static_cast<std::size_t>(info.st_size);
        void* address = nullptr;
        if (bytes > 0) {
            address = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd.get(), 0);
            if (address == MAP_FAILED) {
                return errno_error("map", path, errno);
            }
        }
        return std::unique_ptr<MappedFile>(std::make_unique<PosixMapping>(address, bytes));
    }

    Status rename(const std::string& from, const std::string& to) override {
        return check(::rename(from.c_str(), to.c_str()), "rename", from);
    }

    Status unlink(const std::string& path) override {
        return check(::unlink(path.c_str()), "remove", path);
    }

    Status mkdir(const std::string& path) override {
        return check(::mkdir(path.c_str(), S_IRWXU), "make directory", path);
    }

    Status rmdir(const std::string& path) override {
        return check(::rmdir(path.c_str()), "remove directory", path);
    }

    Result<std::vector<DirEntry>> list(const std::string& path) override {
        const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
        if (dir == nullptr) {
            return errno_error("list", path, errno);
        }
        std::vector<DirEntry> entries;
        errno = 0;
        // NOLINTNEXTLINE(concurrency-mt-unsafe): safe on a stream that no other thread reads
        while (const dirent* entry = ::readdir(dir.get())) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") {
                entries.push_back({std::string(name), is_directory(path, *entry)});
            }
            errno = 0;
        }
        if (errno != 0) {
            return errno_error("list", path, errno);
        }
        std::sort(entries.begin(), entries.end(), [](const DirEntry& a, const DirEntry& b) {
            return a.name < b.name;
        });
        return entries;
    }

    Status sync_dir(const std::string& path) override { return sync_directory(path); }

    void sync_dir_async(const std::string& path, Loop& loop, SyncCallback done) override {
        syncer_.run(
            loop,
            [path] { return sync_directory(path); },
            std::move(done)
        );
    }

    Result<std::uint64_t> file_size(const std::string& path) override {
        struct stat info = {};
        if (::stat(path.c_str(), &info) != 0) {
            return errno_error("stat", path, errno);
        }
        return static_cast<std::uint64_t>(info.st_size);
    }

    Result<std::uint64_t> free_bytes(const std::string& path) override {
        struct statvfs info = {};
        if (::statvfs(path.c_str(), &info) != 0) {
            return errno_error("statvfs", path, errno);
        }
        return std::uint64_t{info.f_bavail} * info.f_frsize;
    }

    Result<std::uint64_t> total_bytes(const std::string& path) override {
        struct statvfs info = {};
        if (::statvfs(path.c_str(), &info) != 0) {
            return errno_error("statvfs", path, errno);
        }
        return std::uint64_t{info.f_blocks} * info.f_frsize;
    }

    Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
        UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
        if (!fd.valid()) {
            return errno_error("open", path, errno);
        }
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) {
                return Error{ErrorCode::kUnavailable, "lock " + path + ": held by another process"};
            }
            return errno_error("lock", path, errno);
        }
        return std::unique_ptr<FileLock>(std::make_unique<PosixLock>(std::move(fd)));
    }

private:
    static Status check(int result, std::string_view doing, const std::string& path) {
        if (result != 0) {
            return errno_error(doing, path, errno);
        }
        return {};
    }

    Syncer syncer_;
};

}  // namespace

std::unique_ptr<Fs> make_system_fs() {
    return std::make_unique<PosixFs>();
}

}  // namespace kumo::io
