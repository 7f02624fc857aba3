#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "io/loop.h"
#include "node/background_jobs.h"
#include "node/operation.h"
#include "node/segment_store.h"
#include "node/state.h"
#include "search/index/index.h"
#include "store/wal.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::node {

/// What a node's shards share. All of it outlives them.
struct ShardEnv {
    io::Loop* loop = nullptr;
    store::Wal* wal = nullptr;
    BackgroundJobs* jobs = nullptr;
    search::IndexLimits limits;
    Duration idle_seal_after{};
};

/// One collection's documents: an index, its stream of the log, its directory.
///
/// An operation goes: submit() -> log -> (durable) -> apply -> publish -> its callback. Operations
/// are applied in order; what one turn applied is published together. In the background the live
/// segment is sealed when it is large or idle, segments are merged, and after each the manifest is
/// stored; only then the log lets go of what the manifest holds. Whatever fails there (a full
/// disk) is tried again later, and the log keeps everything meanwhile.
///
/// Thread rule: loop-owned, except snapshot() and collection(), which are for any thread.
class Shard : public std::enable_shared_from_this<Shard> {
public:
    /// kNotFound if the collection was dropped meanwhile.
    using Done = std::function<void(Result<Outcome>)>;

    /// What the directory holds. Blocking; before the loop runs, or for a new collection with an
    /// empty directory.
    static Result<std::shared_ptr<Shard>> open(
        const ShardEnv& env,
        std::shared_ptr<const Collection> collection,
        std::unique_ptr<const SegmentStore> files
    );

    Shard(
        const ShardEnv& env,
        std::shared_ptr<const Collection> collection,
        std::unique_ptr<const SegmentStore> files,
        SegmentStore::Content content
    );

    // ---- recovery

    store::Seq applied() const { return applied_; }

    /// Applies an operation that the log still had. kCorruption if it is none.
    Status replay(store::Seq seq, ByteView operation);

    /// Everything replayed becomes visible, and background work may begin.
    void finish_recovery();

    // ---- service

    const Collection& collection() const { return *collection_; }

    const std::shared_ptr<const Collection>& shared_collection() const { return collection_; }

    std::shared_ptr<const search::Snapshot> snapshot() const { return index_.snapshot(); }

    /// `done` runs on the loop, also at once if the operation cannot be logged. Besides the log's
    /// errors, that of a seal that failed, if the index is full for that reason.
    void submit(std::string operation, Done done);

    /// Nothing is logged and not yet applied.
    bool idle() const { return logging_.empty() && ready_.empty(); }

    /// Seals and stores everything; `done` runs when that is done or has failed.
    void flush(io::Task done);

    /// Ends the shard: waiting operations get kNotFound, later ones too. `done` runs when no job
    /// uses the directory any more.
    void close(io::Task done);

private:
    struct Operation {
        store::Seq seq = 0;
        std::string bytes;
        Done done;
    };

    struct Reply {
        Done done;
        Result<Outcome> outcome;
    };

    /// The index is full, and what would make room in it fails: nothing new is accepted.
    bool is_stuck() const { return index_.is_full() && seal_failure_.has_value(); }

    /// Operations in the log wait until the index has room. Not when it is stuck: they cannot be
    /// refused any more, and those that wait are few enough to be held in memory.
    bool must_wait() const { return index_.is_full() && !is_stuck(); }

    void on_logged(store::Seq seq, Status logged);
    void schedule_apply();
    void apply_ready();
    static void fail_all(const std::deque<Operation>& operations, const Error& error);

    // Background work: shard_background.cc.

    void maintain();
    bool seal_is_due() const;
    void start_seal();
    void run_seal(const search::Index::SealJob& job);
    void finish_seal(Result<std::shared_ptr<const search::SegmentReader>> sealed);
    void on_sealed(std::shared_ptr<const search::SegmentReader> sealed);
    void start_merge();
    void finish_merge(
        const search::Index::MergeJob& job,
        Result<std::shared_ptr<const search::SegmentReader>> merged
    );
    void start_manifest();
    void finish_manifest(
        store::Seq seq,
        const std::vector<std::uint64_t>& obsolete,
        const Status& stored
    );
    void back_off(const char* what, const Error& error);
    void arm_idle_timer();
    void check_quiet();

    static constexpr Duration kRetryDelayMin = std::chrono::seconds(1);
    static constexpr Duration kRetryDelayMax = std::chrono::seconds(60);

    const ShardEnv env_;
    const std::shared_ptr<const Collection> collection_;
    const std::shared_ptr<const SegmentStore> files_;
    search::Index index_;

    store::Seq next_seq_;
    store::Seq applied_;
    std::deque<Operation> logging_;  ///< In the log's hands.
    std::deque<Operation> ready_;    ///< Durable, to be applied.
    bool apply_scheduled_ = false;

    store::Seq frozen_seq_;                ///< Sealed, or being sealed, up to here.
    store::Seq stored_seq_;                ///< What the manifest on disk holds.
    std::uint64_t unsealed_bytes_ = 0;     ///< Of the log, above frozen_seq_.
    std::vector<std::uint64_t> obsolete_;  ///< Segments merged away; the stored manifest has them.
    bool seal_running_ = false;
    std::optional<Error> seal_failure_;  ///< Of the last seal.
    bool merge_running_ = false;
    bool manifest_running_ = false;
    bool manifest_due_ = false;
    bool idle_ = false;  ///< Long enough to be sealed, however small.
    MonotonicTime last_change_;
    io::TimerId idle_timer_;
    io::TimerId retry_timer_;  ///< While set, nothing is started.
    Duration retry_delay_;
    io::Task on_flushed_;
    io::Task on_quiet_;
    bool closed_ = false;
};

}  // namespace kumo::node
