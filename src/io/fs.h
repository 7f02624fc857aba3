#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "io/loop.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kumo::io {

enum class OpenMode : std::uint8_t {
    kRead,       ///< Must exist; writing to it is a mistake.
    kReadWrite,  ///< Must exist.
    kCreate,     ///< Made if absent, emptied if present; read and write.
};

using SyncCallback = std::function<void(Status)>;

/// An open file. Used by one thread at a time; destroying it closes it. Errors are as for Fs.
class File {
public:
    virtual ~File() = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    /// Up to `size` bytes from `offset`; fewer only at the end of the file.
    virtual Result<std::string> read(std::uint64_t offset, std::size_t size) = 0;

    /// Writes all of `bytes` at `offset`, or fails with any part of them written.
    virtual Status write(std::uint64_t offset, ByteView bytes) = 0;

    virtual Result<std::uint64_t> size() = 0;

    /// Takes the space of the first `bytes` bytes now: kResourceExhausted tells before the first of
    /// many writes what the last one would have. The size stays. Nothing where the file system
    /// cannot. Syncs of other files do not wait for what is written there.
    virtual Status allocate(std::uint64_t bytes) = 0;

    /// The disk is to begin with what was written there, so that a sync finds less. Makes nothing
    /// durable, waits for nothing.
    virtual void begin_writing(std::uint64_t offset, std::uint64_t bytes) = 0;

    virtual Status truncate(std::uint64_t size) = 0;

    /// Blocks until the content and the size written so far are on stable storage. After a failure
    /// nobody knows what is there, and a second sync that succeeds proves nothing: give the file
    /// up.
    virtual Status sync() = 0;

    /// The same for what was written before the call, without blocking: `done` runs on `loop`,
    /// once, in a later turn, even if the file was destroyed meanwhile (never, if the loop stopped
    /// first). The loop is not destroyed before the call has answered or the Fs is gone.
    virtual void sync_async(Loop& loop, SyncCallback done) = 0;

protected:
    File() = default;
};

/// A file's bytes, mapped read-only. Immutable, any thread. Nothing beyond bytes().size() may be
/// read: there is no padding. On the real file system a disk that cannot read a page kills the
/// process (SIGBUS), so what must survive that is read with File::read.
class MappedFile {
public:
    virtual ~MappedFile() = default;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    virtual ByteView bytes() const = 0;

    /// The bytes will not be needed for a while: the system may take their pages out of this
    /// process, and gives them back when they are read.
    virtual void rest() const = 0;

protected:
    MappedFile() = default;
};

/// Held while it exists. The system releases it when the process ends, however it ends.
class FileLock {
public:
    virtual ~FileLock() = default;
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;

protected:
    FileLock() = default;
};

struct DirEntry {
    std::string name;  ///< Without the directory.
    bool is_directory = false;
};

/// The file system. Every call may block and may come from any thread.
///
/// Durability is never implied: a file's content is safe after its sync(), and its name (created,
/// renamed, removed) after sync_dir() of the directory that holds the name.
///
/// Errors of all calls: kNotFound (no such file or directory), kAlreadyExists,
/// kResourceExhausted (disk or quota full), otherwise kIo; the message names the operation, the
/// path and the system's reason.
class Fs {
public:
    virtual ~Fs() = default;
    Fs(const Fs&) = delete;
    Fs& operator=(const Fs&) = delete;

    virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;

    /// An empty file maps to an empty view.
    virtual Result<std::unique_ptr<MappedFile>> map(const std::string& path) = 0;

    /// A file: replaces the file `to` if it is there, atomically. A directory, with all it holds:
    /// `to` has the same parent and is not there, and the names below it have been synced (only
    /// the simulator checks the latter).
    virtual Status rename(const std::string& from, const std::string& to) = 0;

    virtual Status unlink(const std::string& path) = 0;

    /// One directory; its parent exists.
    virtual Status mkdir(const std::string& path) = 0;

    /// An empty directory.
    virtual Status rmdir(const std::string& path) = 0;

    /// What is in a directory, sorted by name.
    virtual Result<std::vector<DirEntry>> list(const std::string& path) = 0;

    virtual Status sync_dir(const std::string& path) = 0;

    /// As File::sync_async, for a directory's names.
    virtual void sync_dir_async(const std::string& path, Loop& loop, SyncCallback done) = 0;

    virtual Result<std::uint64_t> file_size(const std::string& path) = 0;

    /// Bytes an unprivileged process can still write to the file system that holds `path`.
    virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;

    /// Size of the file system that holds `path`.
    virtual Result<std::uint64_t> total_bytes(const std::string& path) = 0;

    /// Creates `path` if needed and locks it against other processes (and other holders in this
    /// one). kUnavailable if somebody holds it.
    virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;

protected:
    Fs() = default;
};

/// "a" + "b" -> "a/b".
std::string join_path(std::string_view directory, std::string_view name);

/// The directory part of a path: "." if it has none.
std::string parent_path(std::string_view path);

/// Whether a file or directory of that name is there. Errors other than absence are errors.
Result<bool> exists(Fs& fs, const std::string& path);

/// Makes a directory and the missing ones above it, syncing each name into its parent.
Status make_directories(Fs& fs, const std::string& path);

/// Removes a file or a directory with all it holds; absence is fine. At most kTreeDepthMax deep.
Status remove_tree(Fs& fs, const std::string& path);

/// As File::write, for many bytes in a row: the disk begins with each piece at once, and at every
/// 8 MiB of the file it is waited for, so that no sync of another file finds a queue before it.
/// What was written is durable only after sync().
Status write_evenly(File& file, std::uint64_t offset, ByteView bytes);

/// Makes or replaces a file's content and syncs it; its name is for sync_dir().
Status write_file(Fs& fs, const std::string& path, ByteView bytes);

/// A whole file, read without mapping it. kLimitExceeded above `bytes_max`.
Result<std::string> read_file(Fs& fs, const std::string& path, std::uint64_t bytes_max);

inline constexpr int kTreeDepthMax = 32;

}  // namespace kumo::io
