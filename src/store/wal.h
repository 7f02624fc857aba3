#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/worker_pool.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kumo::store {

/// One sequence of operations in a log: a shard copy's, say. Never used again once dropped.
enum class StreamId : std::uint64_t {
};

/// An operation's place in its stream, from 1; successive operations have successive numbers.
using Seq = std::uint64_t;

enum class FsyncPolicy : std::uint8_t {
    kAlways,  ///< An append is done when it is on stable storage.
    kNone,    ///< ... when the system has it: survives the process, not the machine.
};

/// The longest payload of one record.
inline constexpr std::size_t kWalRecordBytesMax = std::size_t{128} * 1024 * 1024;

/// Segment files in one directory; more are a damaged directory.
inline constexpr std::size_t kWalSegmentsMax = 100'000;

/// Reads of one log that wait for the disk; more are refused.
inline constexpr std::size_t kWalReadsMax = 64;

/// Of sync_behind().
inline constexpr Duration kWalSyncInterval = std::chrono::seconds(1);

/// For replay(): from whatever comes first.
inline constexpr Seq kFromFirst = UINT64_MAX;

struct WalOptions {
    std::string directory;  ///< Made if absent; nobody else writes to it.
    FsyncPolicy fsync = FsyncPolicy::kAlways;
    bool syncs_behind = false;  ///< As sync_behind() says.
    /// A segment takes no further batch when it is that long.
    std::uint64_t segment_bytes_max = std::uint64_t{64} * 1024 * 1024;
    /// Appends are refused while that much waits for the disk.
    std::size_t pending_bytes_max = std::size_t{64} * 1024 * 1024;
    /// Where read() reads; without it nothing can be read. Loop and Fs outlive the pool's jobs.
    io::WorkerPool* readers = nullptr;
};

struct WalStats {
    std::uint64_t records = 0;  ///< Acknowledged, cuts among them.
    std::uint64_t cuts = 0;
    std::uint64_t batches = 0;
    std::uint64_t syncs = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t segments = 0;       ///< Now on disk.
    std::uint64_t segment_bytes = 0;  ///< Their length.
    std::uint64_t refused_for_space = 0;
};

/// Called for one recovered operation; an error ends the replay with it.
using ReplayCallback = std::function<Status(StreamId stream, Seq seq, ByteView payload)>;

using AppendCallback = std::function<void(Status)>;

/// A record as read() gives it back.
struct WalEntry {
    Seq seq = 0;
    std::string payload;
};

using ReadCallback = std::function<void(Result<std::vector<WalEntry>>)>;

/// The write-ahead log of one loop, shared by all its streams.
///
/// Group commit: what is appended in one turn, or while a sync is in flight, becomes one batch: one
/// write, one sync, and then every waiter is told in order. Format: docs/formats/wal.md.
///
/// What a crash leaves is, per stream, what a prefix of its appends and cuts makes, and that prefix
/// holds everything acknowledged. A torn tail is cut off at open(); damage below a point that is
/// known to have been durable is kCorruption naming file and offset, and nothing is changed.
/// (FsyncPolicy::kNone and a machine that dies: the prefix may be shorter than what a checkpoint
/// holds. If a cut is lost then, records it had removed may follow on the checkpoint.)
///
/// Disk full: the batch and everything waiting is refused with kResourceExhausted, the file is cut
/// back (durably, before anybody is told) and the next append tries again. A sync or write that
/// fails for another reason fails the log for ever: what waits and all later appends get kIo, with
/// unknown outcome; only opening it anew, that is, reading the disk again, may go on.
///
/// Thread rule: loop-owned; open() and replay() block and may run on any one thread before the
/// first append. Loop and Fs outlive it. Destroying it forgets waiters without calling them.
class Wal {
public:
    /// Reads and repairs what is there: every record is checked, a torn tail is cut off.
    static Result<std::unique_ptr<Wal>> open(io::Loop& loop, io::Fs& fs, WalOptions options);

    ~Wal();
    Wal(const Wal&) = delete;
    Wal& operator=(const Wal&) = delete;

    /// Hands over the records of the streams in `from`, each stream's in order, those above the
    /// sequence number given there (what the stream's checkpoint holds, so it counts as released);
    /// with kFromFirst all that are still there. Streams that are not named are dropped. At most
    /// once, before the first append. kCorruption if a stream's records do not follow on that
    /// number without a hole.
    Status replay(const std::map<StreamId, Seq>& from, const ReplayCallback& callback);

    /// The streams that the log has records of.
    std::vector<StreamId> streams() const;

    /// The highest sequence number the log has of a stream, waiting or not; 0 if it has none.
    Seq last_seq(StreamId stream) const;

    /// With FsyncPolicy::kNone: whether what was written is synced kWalSyncInterval later, while
    /// the log goes on. A machine that dies takes what came since; a sync that fails, fails the
    /// log.
    void sync_behind(bool wanted);

    /// Queues a record; the payload is copied. On OK `done` is called exactly once, in a later
    /// turn: OK (acknowledged), kResourceExhausted (refused; nothing of it is in the log) or kIo
    /// (unknown). On an error nothing was queued and `done` is not called: kOverloaded
    /// (pending_bytes_max), kLimitExceeded (kWalRecordBytesMax), kConflict (`seq` does not follow
    /// the stream's last; the first append of a stream without records may have any), kIo (the log
    /// has failed).
    ///
    /// After a refusal the stream goes on at the first sequence number that was refused, and
    /// all refusals of one batch are told one after the other.
    Status append(StreamId stream, Seq seq, ByteView payload, AppendCallback done);

    /// Queues the removal of the stream's records from `from` on, those that still wait among them;
    /// the stream goes on at `from`, at once. `done` and errors as for append(); kConflict if the
    /// stream has no `from - 1` to end with (`from` is beyond its end by more than one, was
    /// released, or is 0). A refused cut has removed nothing, and what was appended behind it is
    /// refused with it.
    Status cut(StreamId stream, Seq from, AppendCallback done);

    /// Reads acknowledged records from `from` on, off the loop: at least one if there is one, and
    /// then as many as `bytes_max` bytes of payload hold (fewer if they lie far apart). `done` is
    /// called exactly once, in a later turn, unless the log is destroyed first. It gets nothing
    /// if the stream ends before `from`; kNotFound if `from` was released and its segment is gone;
    /// kCorruption, naming file and offset. Records that a cut queued meanwhile removes may still
    /// be among them. On an error `done` is not called: kOverloaded (kWalReadsMax reads or the
    /// pool's queue), kUnavailable (no readers).
    Status read(StreamId stream, Seq from, std::size_t bytes_max, ReadCallback done);

    /// The stream needs nothing up to and including `seq` any more (a durable checkpoint has it).
    /// A segment file goes when all its streams have released all it ever held of them, what was
    /// cut included; one with a cut only after all the segments whose records the cut removed.
    /// Requires: no cut at or below `seq` is waiting.
    void release(StreamId stream, Seq seq);

    /// The stream needs nothing any more, ever.
    void drop(StreamId stream);

    /// Bytes queued or on their way to the disk.
    std::size_t pending_bytes() const;

    /// OK, or why the log has failed.
    Status health() const;

    WalStats stats() const;

    struct Impl;  ///< Opaque.

private:
    explicit Wal(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace kumo::store
