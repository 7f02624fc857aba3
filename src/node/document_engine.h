#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "io/loop.h"
#include "node/background_jobs.h"
#include "node/live_budget.h"
#include "node/operation.h"
#include "node/segment_store.h"
#include "search/index/index.h"
#include "store/wal.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace kumo::node {

/// What a node's engines share. All of it outlives them.
struct EngineEnv {
    io::Loop* loop = nullptr;
    BackgroundJobs* jobs = nullptr;
    std::shared_ptr<LiveBudget> budget;
    search::IndexLimits limits;
    Duration idle_seal_after{};
};

/// The documents of one shard copy: an index and its directory. It knows operations and their
/// numbers, not where they come from.
///
/// In the background the live segment is sealed when it is large or idle, segments are merged, and
/// after each the manifest is stored; only then the log may let go of what the manifest holds.
/// Whatever fails there (a full disk) is tried again later.
///
/// Thread rule: loop-owned, except snapshot(), which is for any thread.
class DocumentEngine : public std::enable_shared_from_this<DocumentEngine> {
public:
    /// What the owner is told, on the loop. The owner lets go of the engine by close().
    struct Events {
        /// A stored manifest holds everything up to this number.
        std::function<void(store::Seq)> on_stored;
        /// What a manifest up to this number has to remember beside the documents.
        std::function<CopyMark(store::Seq)> mark;
        /// There may be room again for operations that had to wait.
        io::Task on_room;
    };

    /// What the directory holds, and the mark that was stored with it. Blocking.
    static Result<std::shared_ptr<DocumentEngine>> open(
        const EngineEnv& env,
        std::shared_ptr<const search::Schema> schema,
        search::Partition partition,
        std::unique_ptr<const SegmentStore> files,
        CopyMark& mark
    );

    DocumentEngine(
        const EngineEnv& env,
        std::shared_ptr<const search::Schema> schema,
        search::Partition partition,
        std::unique_ptr<const SegmentStore> files,
        SegmentStore::Content content
    );

    /// Before anything that may cause an event.
    void set_events(Events events) { events_ = std::move(events); }

    /// Removes files that crashes have left over. Blocking; after the log was replayed and before
    /// the loop runs.
    void remove_strangers() const { files_->remove_strangers(index_.manifest()); }

    /// Background work may begin; what has been applied becomes visible.
    void start();

    // ---- operations, in order

    /// The number of the last operation.
    store::Seq applied() const { return applied_; }

    /// Up to here everything is in the stored manifest.
    store::Seq stored() const { return stored_seq_; }

    /// Applies operation `seq` = applied() + 1, without publishing. kCorruption if it is none:
    /// then its number counts, and nothing else happened.
    Result<Outcome> apply(store::Seq seq, ByteView operation);

    /// Number `seq` = applied() + 1 has nothing to do with documents.
    void skip(store::Seq seq);

    /// Operation `seq` = applied() + 1 changes fields: done in the background, and again after
    /// every failure but one, until it is done. Meanwhile no operation may be applied; then it is,
    /// and visible, and `done` runs. A change that does not fit the documents is an outcome with an
    /// error: its number counts, and nothing else happened. kCorruption if it is no such operation.
    void
    change_fields(store::Seq seq, ByteView operation, std::function<void(Result<Outcome>)> done);

    /// Operations wait until fields are changed.
    bool is_changing() const { return change_.has_value(); }

    /// Any thread.
    const search::RebuildProgress& change_progress() const { return *progress_; }

    /// Gives a change up that is under way: it begins anew when the log is replayed.
    void interrupt_change() { progress_->cancelled = true; }

    /// What was applied becomes visible to searches.
    void publish();

    std::shared_ptr<const search::Snapshot> snapshot() const { return index_.snapshot(); }

    /// The index is full, and what would make room in it fails: the owner refuses new operations.
    /// Those that it has accepted are few enough to be held in memory.
    bool is_stuck() const { return index_.is_full() && seal_failure_.has_value(); }

    /// Why, if it is stuck.
    const std::optional<Error>& seal_failure() const { return seal_failure_; }

    /// Operations wait until there is room: on_room() tells.
    bool must_wait() const { return index_.is_full() && !is_stuck(); }

    // ---- the end

    /// Seals and stores what has been applied so far; `done` runs when that is done or has failed:
    /// stored() tells.
    void flush(io::Task done);

    /// Seals what is live and merges the segments that are there as far as they may grow. `done`
    /// runs when that is on the disk or has failed.
    void compact(std::function<void(const Status&)> done);

    /// Ends it; no event comes any more. `done` runs when no job uses the directory any more.
    void close(io::Task done);

private:
    struct Flush {
        store::Seq seq = 0;
        io::Task done;
    };

    struct Change {
        store::Seq seq = 0;
        search::FieldChange what;
        std::function<void(Result<Outcome>)> done;
        bool running = false;
    };

    using Rebuilt = Result<search::RebuiltSegments>;

    void run_change();
    void on_rebuilt(Rebuilt rebuilt);
    void refuse_change(const Error& why);
    void end_change(Result<Outcome> outcome);
    void maintain();
    void finish_flushes();
    bool seal_is_due() const;
    void start_seal();
    void count_live_bytes();
    void run_seal(const search::Index::SealJob& job);
    void finish_seal(Result<std::shared_ptr<const search::SegmentReader>> sealed);
    void start_merge();
    void finish_compactions(const Status& status);
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

    const EngineEnv env_;
    const std::shared_ptr<const SegmentStore> files_;
    search::Index index_;
    Events events_;

    store::Seq applied_;
    store::Seq frozen_seq_;             ///< Sealed, or being sealed, up to here.
    store::Seq stored_seq_;             ///< What the manifest on disk holds.
    std::uint64_t unsealed_bytes_ = 0;  ///< Of the log, above frozen_seq_.
    /// Closing does not wait for a merge's graphs.
    std::shared_ptr<std::atomic<bool>> stop_merging_ = std::make_shared<std::atomic<bool>>(false);
    std::vector<std::uint64_t> obsolete_;  ///< Segments merged away; the stored manifest has them.
    std::optional<Change> change_;
    const std::shared_ptr<search::RebuildProgress> progress_;
    bool seal_running_ = false;
    std::optional<Error> seal_failure_;  ///< Of the last seal.
    bool merge_running_ = false;
    bool manifest_running_ = false;
    bool manifest_due_ = false;
    bool idle_ = false;     ///< Long enough to be sealed, however small.
    bool pressed_ = false;  ///< The node's live segments hold too much, and this one the most.
    std::optional<LiveBudget::Member> budget_;
    MonotonicTime last_change_;
    io::TimerId idle_timer_;
    io::TimerId retry_timer_;  ///< While set, nothing is started.
    Duration retry_delay_;
    std::vector<Flush> flushes_;
    std::vector<std::function<void(const Status&)>> compactions_;
    std::size_t compact_merges_left_ = 0;  ///< So many more merges take all that they can.
    io::Task on_quiet_;
    bool closed_ = false;
};

}  // namespace kumo::node
