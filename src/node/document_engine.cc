#include "node/document_engine.h"

#include "base/assert.h"
#include "base/log.h"

#include <algorithm>
#include <utility>

// Seals, merges and manifests of a shard copy. Each is one job at a time; their results come back
// to the loop in any order. A segment file is removed when a stored manifest no longer names it.

namespace kumo::node {

namespace {

/// Above this much log since the last seal the segment is sealed, however small: a restart has to
/// replay it, and the log has to keep it.
constexpr std::uint64_t kUnsealedBytesMax = std::uint64_t{64} << 20;

using Opened = Result<std::shared_ptr<const search::SegmentReader>>;

template <typename Job>
Opened store_result(const SegmentStore& files, const Job& job, const Result<std::string>& bytes) {
    KUMO_TRY(bytes);
    return files.store_segment(job.segment_id, bytes.value(), *job.schema);
}

Outcome failed_change(Error error) {
    Outcome outcome;
    outcome.first_error = std::move(error);
    return outcome;
}

}  // namespace

Result<std::shared_ptr<DocumentEngine>> DocumentEngine::open(
    const EngineEnv& env,
    std::shared_ptr<const search::Schema> schema,
    search::Partition partition,
    std::unique_ptr<const SegmentStore> files,
    CopyMark& mark
) {
    KUMO_TRY_ASSIGN(SegmentStore::Content content, files->open(*schema));
    mark = content.mark;
    return std::make_shared<DocumentEngine>(
        env,
        std::move(schema),
        partition,
        std::move(files),
        std::move(content)
    );
}

DocumentEngine::DocumentEngine(
    const EngineEnv& env,
    std::shared_ptr<const search::Schema> schema,
    search::Partition partition,
    std::unique_ptr<const SegmentStore> files,
    SegmentStore::Content content
)
    : env_(env),
      files_(std::move(files)),
      index_(
          std::move(schema),
          content.manifest,
          std::move(content.segments),
          env.limits,
          partition
      ),
      applied_(content.manifest.applied_seq),
      frozen_seq_(applied_),
      stored_seq_(applied_),
      progress_(std::make_shared<search::RebuildProgress>()),
      last_change_(env.loop->clock().monotonic_now()),
      retry_delay_(kRetryDelayMin) {}

void DocumentEngine::start() {
    budget_.emplace(env_.budget, [this] {
        pressed_ = true;
        maintain();
    });
    index_.publish(applied_);
    count_live_bytes();
    arm_idle_timer();
    maintain();
}

Result<Outcome> DocumentEngine::apply(store::Seq seq, ByteView operation) {
    KUMO_ASSERT(seq == applied_ + 1);
    applied_ = seq;
    unsealed_bytes_ += operation.size();
    return apply_operation(index_, operation);
}

void DocumentEngine::skip(store::Seq seq) {
    KUMO_ASSERT(seq == applied_ + 1);
    applied_ = seq;
}

void DocumentEngine::publish() {
    index_.publish(applied_);
    last_change_ = env_.loop->clock().monotonic_now();
    idle_ = false;
    arm_idle_timer();
    count_live_bytes();
    maintain();
}

void DocumentEngine::count_live_bytes() {
    if (budget_) {
        budget_->update(index_.live_bytes());
    }
}

void DocumentEngine::close(io::Task done) {
    closed_ = true;
    stop_merging_->store(true, std::memory_order_relaxed);
    env_.loop->cancel_timer(std::exchange(idle_timer_, {}));
    env_.loop->cancel_timer(std::exchange(retry_timer_, {}));
    budget_.reset();
    events_ = {};
    interrupt_change();
    if (change_) {
        change_->done = nullptr;
    }
    on_quiet_ = std::move(done);
    for (const Flush& flush : std::exchange(flushes_, {})) {
        flush.done();
    }
    finish_compactions(Error{ErrorCode::kUnavailable, "The collection is being closed."});
    check_quiet();
}

void DocumentEngine::check_quiet() {
    if (closed_ && on_quiet_ && !seal_running_ && !merge_running_ && !manifest_running_
        && !(change_ && change_->running)) {
        std::exchange(on_quiet_, {})();
    }
}

void DocumentEngine::maintain() {
    if (closed_) {
        return;
    }
    if (retry_timer_ == io::TimerId{}) {
        if (change_) {
            run_change();
        } else {
            start_seal();
            start_merge();
        }
        start_manifest();
    }
    finish_flushes();
    const bool storing = merge_running_ || manifest_running_ || manifest_due_;
    if (compact_merges_left_ == 0 && flushes_.empty() && !storing) {
        finish_compactions({});
    }
}

void DocumentEngine::finish_compactions(const Status& status) {
    for (const auto& done : std::exchange(compactions_, {})) {
        done(status);
    }
}

void DocumentEngine::finish_flushes() {
    // A change that was interrupted is not waited for: nothing follows on it in this run.
    const bool failed = retry_timer_ != io::TimerId{} || (change_ && progress_->cancelled);
    std::vector<Flush> finished;
    for (Flush& flush : std::exchange(flushes_, {})) {
        const bool ended = failed || stored_seq_ >= flush.seq;
        (ended ? finished : flushes_).push_back(std::move(flush));
    }
    for (const Flush& flush : finished) {
        flush.done();
    }
}

bool DocumentEngine::seal_is_due() const {
    const bool asked = std::any_of(flushes_.begin(), flushes_.end(), [this](const Flush& flush) {
        return flush.seq > frozen_seq_;
    });
    const bool early = idle_ || pressed_ || asked || unsealed_bytes_ >= kUnsealedBytesMax;
    return index_.wants_seal() || (early && applied_ > frozen_seq_);
}

void DocumentEngine::start_seal() {
    if (seal_running_) {
        return;
    }
    if (index_.sealing()) {
        run_seal(index_.retry_seal());
        return;
    }
    if (!seal_is_due()) {
        return;
    }
    frozen_seq_ = applied_;
    unsealed_bytes_ = 0;
    pressed_ = false;
    if (index_.wants_seal(true)) {
        run_seal(index_.begin_seal());
        count_live_bytes();
    } else {
        index_.settle();
        manifest_due_ = true;
    }
}

void DocumentEngine::run_seal(const search::Index::SealJob& job) {
    seal_running_ = true;
    const auto self = shared_from_this();
    const auto files = files_;
    env_.jobs->submit(BackgroundJobs::Lane::kStore, [self, files, job]() -> io::Task {
        const auto sealed = std::make_shared<Opened>(store_result(*files, job, job.run()));
        return [self, sealed] {
            self->finish_seal(std::move(*sealed));
        };
    });
}

void DocumentEngine::finish_seal(Opened sealed) {
    seal_running_ = false;
    if (closed_) {
        check_quiet();
        return;
    }
    if (!sealed.ok()) {
        seal_failure_ = sealed.error();
        back_off("seal a segment", sealed.error());
    } else {
        seal_failure_.reset();
        index_.finish_seal(std::move(sealed).value());
        manifest_due_ = true;
        maintain();
    }
    events_.on_room();
}

void DocumentEngine::start_merge() {
    if (merge_running_ || !flushes_.empty()) {
        return;
    }
    const bool compacting = compact_merges_left_ > 0;
    auto merge = index_.begin_merge(compacting);
    if (!merge) {
        compact_merges_left_ = 0;
        return;
    }
    compact_merges_left_ -= compacting ? 1 : 0;
    merge_running_ = true;
    const auto job = std::make_shared<const search::Index::MergeJob>(std::move(*merge));
    const auto self = shared_from_this();
    const auto files = files_;
    const auto stop = stop_merging_;
    env_.jobs->submit(BackgroundJobs::Lane::kMerge, [self, files, job, stop]() -> io::Task {
        auto merged = job->doc_count == 0 ? Opened(std::make_shared<const search::SegmentReader>())
                                          : store_result(*files, *job, job->run(stop.get()));
        const auto shared = std::make_shared<Opened>(std::move(merged));
        return [self, job, shared] {
            self->finish_merge(*job, std::move(*shared));
        };
    });
}

void DocumentEngine::finish_merge(const search::Index::MergeJob& job, Opened merged) {
    merge_running_ = false;
    if (closed_) {
        check_quiet();
        return;
    }
    if (!merged.ok()) {
        index_.finish_merge(job, nullptr);
        back_off("merge segments", merged.error());
        return;
    }
    index_.finish_merge(job, std::move(merged).value());
    obsolete_.insert(obsolete_.end(), job.input_ids.begin(), job.input_ids.end());
    manifest_due_ = true;
    maintain();
}

// ---- changing fields: between operations, and beside nothing but manifests

void DocumentEngine::change_fields(
    store::Seq seq,
    ByteView operation,
    std::function<void(Result<Outcome>)> done
) {
    KUMO_ASSERT(seq == applied_ + 1 && !change_);
    const auto decoded = decode_field_change(operation);
    if (!decoded.ok()) {
        applied_ = seq;
        done(decoded.error());
        return;
    }
    change_.emplace(Change{seq, decoded.value(), std::move(done), false});
    progress_->documents = 0;
    progress_->running = true;
    maintain();
}

void DocumentEngine::run_change() {
    if (change_->running || seal_running_ || merge_running_ || progress_->cancelled) {
        return;
    }
    auto begun = index_.begin_change(change_->what);
    if (!begun.ok()) {
        refuse_change(begun.error());
        return;
    }
    const auto job = std::make_shared<const search::FieldRebuild>(std::move(begun).value());
    change_->running = true;
    const auto self = shared_from_this();
    const auto files = files_;
    const auto progress = progress_;
    env_.jobs->submit(BackgroundJobs::Lane::kMerge, [self, files, progress, job]() -> io::Task {
        std::vector<std::uint64_t> stored;
        const auto store = [&](std::uint64_t id,
                               const std::string& bytes,
                               const search::Schema& schema) -> Opened {
            stored.push_back(id);
            return files->store_segment(id, bytes, schema);
        };
        const auto rebuilt = std::make_shared<Rebuilt>(job->run(store, *progress));
        if (!rebuilt->ok()) {
            files->remove_segments(stored);
        }
        return [self, rebuilt] {
            self->on_rebuilt(std::move(*rebuilt));
        };
    });
}

void DocumentEngine::on_rebuilt(Rebuilt rebuilt) {
    change_->running = false;
    if (closed_) {
        check_quiet();
        return;
    }
    if (progress_->cancelled) {
        finish_flushes();
        return;
    }
    if (!rebuilt.ok() && rebuilt.error().code != ErrorCode::kInvalidArgument) {
        progress_->documents = 0;
        back_off("change fields", rebuilt.error());
        return;
    }
    if (!rebuilt.ok()) {
        refuse_change(rebuilt.error());
        return;
    }
    applied_ = change_->seq;
    for (const search::ManifestSegment& old : index_.manifest().segments) {
        obsolete_.push_back(old.id);
    }
    index_.finish_change(applied_, std::move(rebuilt).value());
    frozen_seq_ = applied_;
    unsealed_bytes_ = 0;
    seal_failure_.reset();
    manifest_due_ = true;
    end_change(Outcome{});
}

/// It does not fit, here as at every other copy.
void DocumentEngine::refuse_change(const Error& why) {
    applied_ = change_->seq;
    index_.publish(applied_);
    end_change(failed_change(why));
}

void DocumentEngine::end_change(Result<Outcome> outcome) {
    progress_->running = false;
    const auto done = std::move(change_->done);
    change_.reset();
    done(std::move(outcome));
    maintain();
}

void DocumentEngine::start_manifest() {
    if (manifest_running_ || !manifest_due_) {
        return;
    }
    manifest_running_ = true;
    manifest_due_ = false;
    const auto self = shared_from_this();
    const auto files = files_;
    StoredManifest next{index_.manifest(), {}};
    next.mark = events_.mark(next.index.applied_seq);
    const auto manifest = std::make_shared<const StoredManifest>(std::move(next));
    auto obsolete = std::exchange(obsolete_, {});
    env_.jobs->submit(BackgroundJobs::Lane::kStore, [=]() -> io::Task {
        const auto stored = std::make_shared<const Status>(files->store_manifest(*manifest));
        if (stored->ok()) {
            files->remove_segments(obsolete);
        }
        return [=] {
            self->finish_manifest(manifest->index.applied_seq, obsolete, *stored);
        };
    });
}

void DocumentEngine::finish_manifest(
    store::Seq seq,
    const std::vector<std::uint64_t>& obsolete,
    const Status& stored
) {
    manifest_running_ = false;
    if (closed_) {
        check_quiet();
        return;
    }
    if (!stored.ok()) {
        manifest_due_ = true;
        obsolete_.insert(obsolete_.end(), obsolete.begin(), obsolete.end());
        back_off("store the manifest", stored.error());
        return;
    }
    retry_delay_ = kRetryDelayMin;
    stored_seq_ = seq;
    events_.on_stored(seq);
    maintain();
}

void DocumentEngine::back_off(const char* what, const Error& error) {
    log_warn(files_->directory() + ": could not " + what + ", will try again: " + error.message);
    if (retry_timer_ == io::TimerId{}) {
        const auto self = shared_from_this();
        retry_timer_ = env_.loop->add_timer(retry_delay_, [self] {
            self->retry_timer_ = {};
            self->maintain();
        });
        retry_delay_ = std::min(retry_delay_ * 2, kRetryDelayMax);
    }
    compact_merges_left_ = 0;
    finish_compactions(error);
    maintain();
}

void DocumentEngine::flush(io::Task done) {
    flushes_.push_back({applied_, std::move(done)});
    env_.loop->cancel_timer(std::exchange(retry_timer_, {}));
    maintain();
}

void DocumentEngine::compact(std::function<void(const Status&)> done) {
    if (closed_) {
        done(Error{ErrorCode::kUnavailable, "The collection is being closed."});
        return;
    }
    compactions_.push_back(std::move(done));
    // Writes that go on meanwhile make more to merge: it has an end all the same.
    compact_merges_left_ = index_.segment_count() + 1;
    // A merge drops only what the stored manifest counts as deleted.
    flush([self = shared_from_this()] {
        // In a turn of its own: a flush is reported in the middle of maintain().
        self->env_.loop->post([self] { self->maintain(); });
    });
}

void DocumentEngine::arm_idle_timer() {
    if (idle_timer_ != io::TimerId{} || applied_ == frozen_seq_ || closed_) {
        return;
    }
    const MonotonicTime due = last_change_ + env_.idle_seal_after;
    const auto self = shared_from_this();
    const Duration left = due - env_.loop->clock().monotonic_now();
    idle_timer_ = env_.loop->add_timer(left, [self] {
        self->idle_timer_ = {};
        const MonotonicTime now = self->env_.loop->clock().monotonic_now();
        self->idle_ = now - self->last_change_ >= self->env_.idle_seal_after;
        if (!self->idle_) {
            self->arm_idle_timer();
        }
        self->maintain();
    });
}

}  // namespace kumo::node
