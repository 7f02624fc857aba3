#pragma once

#include "store/internal/wal_format.h"
#include "store/internal/wal_recovery.h"
#include "store/wal.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kumo::store {

/// The log's state machine. Loop-owned; kept alive by what is in flight, see Wal.
///
/// One batch is on its way at a time:
///
///     kIdle --flush--> kWriting --synced--> kIdle         append, append, ... wait in pending_
///       |                 `--disk full--> kCutting --synced--> kIdle (all refused)
///       `--segment full--> kRolling --synced--> kIdle (and flush again)
///
/// and from everywhere to kFailed, which is for ever.
struct Wal::Impl : std::enable_shared_from_this<Wal::Impl> {
public:
    Impl(io::Loop& loop, io::Fs& fs, WalOptions options);

    Status open();
    Status replay(const std::map<StreamId, Seq>& from, const ReplayCallback& callback);
    std::vector<StreamId> streams() const;
    Seq last_seq(StreamId stream) const;

    void sync_behind(bool wanted) { syncs_behind_ = wanted; }

    Status append(StreamId id, Seq seq, ByteView payload, AppendCallback done);
    Status cut(StreamId id, Seq from, AppendCallback done);
    Status read(StreamId id, Seq from, std::size_t bytes_max, ReadCallback done);
    void release(StreamId id, Seq seq);
    void drop(StreamId id);

    std::size_t pending_bytes() const { return pending_.size() + batch_.size(); }

    Status health() const;
    WalStats stats() const;

    /// The owner is gone: nobody is called any more.
    void detach();

private:
    enum class Phase : std::uint8_t {
        kIdle,
        kWriting,
        kCutting,
        kRolling,
        kFailed,
    };

    struct Stream {
        Seq last = 0;        ///< Of what was appended, waiting or not.
        bool known = false;  ///< Whether `last` means anything.
        Seq acknowledged = 0;
        Seq released = 0;
        std::deque<Seq> waiting_cuts;
        bool dropped = false;
    };

    struct Waiter {
        WalRecordType type = WalRecordType::kData;
        StreamId stream{};
        Seq seq = 0;
        Seq last_before = 0;  ///< What the stream goes back to if this is refused.
        bool known_before = false;
        std::size_t offset = 0;  ///< In its batch.
        AppendCallback done;
    };

    using Step = void (Impl::*)();

    void start();
    Status may_queue(const Stream& stream) const;
    void queue(Stream& stream, Waiter waiter, ByteView payload);
    void schedule_flush();
    void flush();
    void write_batch();
    void on_batch_durable();
    void sync_soon();
    void sync_written();
    void note_written();
    void note_durable();
    void note_durable_cut(const Waiter& waiter);
    void write_idle_mark();
    void cut_back(Error why);
    void refuse_all();
    void roll();
    void begin_segment();
    Status create_segment();
    void sync_new_name();
    void on_segment_ready();
    void remove_released();
    bool is_released(const WalSegmentInfo& segment) const;
    bool is_cut_needed(const WalSegmentInfo& segment, const std::vector<WalSegmentInfo>& kept)
        const;
    void fail(Error why);
    void tell(const std::vector<Waiter>& waiters, const Error* error) const;
    Status replay_segment(
        const WalSegmentInfo& segment,
        std::map<StreamId, Seq>& next,
        const ReplayCallback& callback
    );

    /// Syncs `file` and takes `step`, or fails.
    void sync_then(io::File& file, Step step);
    io::SyncCallback continue_with(Step step);

    bool always() const { return options_.fsync == FsyncPolicy::kAlways; }

    WalSegmentInfo& current() { return segments_.back(); }

    io::Loop& loop_;
    io::Fs& fs_;
    const WalOptions options_;
    Phase phase_ = Phase::kIdle;
    bool detached_ = false;
    bool started_ = false;  ///< The first append was made.
    bool flush_scheduled_ = false;
    bool syncs_behind_ = false;
    bool sync_scheduled_ = false;  ///< Of what was written without.
    bool unsynced_ = false;        ///< The open segment was changed since its last sync.

    std::vector<WalSegmentInfo> segments_;
    std::vector<WalSegmentInfo> removed_;  ///< Since the directory's last sync.
    std::size_t removals_syncing_ = 0;     ///< That many of them are covered by the one in flight.
    std::map<StreamId, WalCuts> cuts_;     ///< Found when the log was opened; for replay().
    std::unique_ptr<io::File> file_;  ///< The last of segments_, once this process has begun one.
    std::uint64_t next_number_ = 1;
    std::uint32_t crc_seed_ = 0;
    WalPosition durable_;  ///< Everything below it is on stable storage.
    WalPosition marked_;   ///< The highest durable position that a mark in the log names.

    /// A segment being made.
    std::unique_ptr<io::File> new_file_;
    WalSegmentInfo new_segment_;
    std::uint32_t new_crc_seed_ = 0;

    std::map<StreamId, Stream> streams_;
    std::size_t reads_ = 0;  ///< In flight.
    std::string pending_;    ///< Records for the next batch, after room for a mark.
    std::vector<Waiter> waiters_;
    std::string batch_;  ///< On its way.
    std::vector<Waiter> batch_waiters_;
    std::uint64_t batch_start_ = 0;
    Status failure_;
    Status refusal_;
    WalStats stats_;
};

}  // namespace kumo::store
