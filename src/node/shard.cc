#include "node/shard.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace kumo::node {

namespace {

/// A turn applies about that much before others get theirs.
constexpr std::size_t kApplyBytesPerTurn = std::size_t{1} << 20;

}  // namespace

Result<std::shared_ptr<Shard>> Shard::open(
    const ShardEnv& env,
    std::shared_ptr<const Collection> collection,
    std::unique_ptr<const SegmentStore> files
) {
    KUMO_TRY_ASSIGN(SegmentStore::Content content, files->open());
    return std::make_shared<Shard>(
        env,
        std::move(collection),
        std::move(files),
        std::move(content)
    );
}

Shard::Shard(
    const ShardEnv& env,
    std::shared_ptr<const Collection> collection,
    std::unique_ptr<const SegmentStore> files,
    SegmentStore::Content content
)
    : env_(env),
      collection_(std::move(collection)),
      files_(std::move(files)),
      index_(schema_of(collection_), content.manifest, std::move(content.segments), env.limits),
      next_seq_(content.manifest.applied_seq + 1),
      applied_(content.manifest.applied_seq),
      frozen_seq_(applied_),
      stored_seq_(applied_),
      last_change_(env.loop->clock().monotonic_now()),
      retry_delay_(kRetryDelayMin) {}

Status Shard::replay(store::Seq seq, ByteView operation) {
    KUMO_ASSERT(seq == applied_ + 1);
    auto outcome = apply_operation(index_, operation);
    if (!outcome.ok()) {
        return std::move(outcome).error();
    }
    applied_ = seq;
    next_seq_ = seq + 1;
    unsealed_bytes_ += operation.size();
    return {};
}

void Shard::finish_recovery() {
    files_->remove_strangers(index_.manifest());
    index_.publish(applied_);
    arm_idle_timer();
    maintain();
}

void Shard::submit(std::string operation, Done done) {
    if (closed_) {
        done(no_such_collection(collection_->spec.name));
        return;
    }
    if (is_stuck()) {
        done(*seal_failure_);
        return;
    }
    const store::Seq seq = next_seq_;
    const auto self = shared_from_this();
    Status appended =
        env_.wal->append(collection_->stream, seq, operation, [self, seq](Status logged) {
            self->on_logged(seq, std::move(logged));
        });
    if (!appended.ok()) {
        done(std::move(appended).error());
        return;
    }
    logging_.push_back({seq, std::move(operation), std::move(done)});
    ++next_seq_;
}

void Shard::on_logged(store::Seq seq, Status logged) {
    if (closed_) {
        return;
    }
    KUMO_ASSERT(!logging_.empty() && logging_.front().seq == seq);
    Operation operation = std::move(logging_.front());
    logging_.pop_front();
    if (logged.ok()) {
        ready_.push_back(std::move(operation));
        schedule_apply();
        return;
    }
    // The refusals of a batch come one after the other; the log goes on at the first of them.
    next_seq_ = std::min(next_seq_, seq);
    operation.done(std::move(logged).error());
}

void Shard::schedule_apply() {
    if (apply_scheduled_) {
        return;
    }
    apply_scheduled_ = true;
    const auto self = shared_from_this();
    env_.loop->defer([self] {
        self->apply_scheduled_ = false;
        self->apply_ready();
    });
}

void Shard::apply_ready() {
    std::vector<Reply> replies;
    std::size_t bytes = 0;
    while (!ready_.empty() && bytes < kApplyBytesPerTurn && !must_wait()) {
        Operation operation = std::move(ready_.front());
        ready_.pop_front();
        replies.push_back({std::move(operation.done), apply_operation(index_, operation.bytes)});
        applied_ = operation.seq;
        bytes += operation.bytes.size();
    }
    if (!replies.empty()) {
        unsealed_bytes_ += bytes;
        index_.publish(applied_);
        last_change_ = env_.loop->clock().monotonic_now();
        idle_ = false;
        arm_idle_timer();
    }
    for (Reply& reply : replies) {
        reply.done(std::move(reply.outcome));
    }
    maintain();
    if (!ready_.empty() && !must_wait()) {
        schedule_apply();
    }
}

void Shard::fail_all(const std::deque<Operation>& operations, const Error& error) {
    for (const Operation& operation : operations) {
        operation.done(error);
    }
}

void Shard::close(io::Task done) {
    closed_ = true;
    env_.loop->cancel_timer(std::exchange(idle_timer_, {}));
    env_.loop->cancel_timer(std::exchange(retry_timer_, {}));
    const Error gone = no_such_collection(collection_->spec.name);
    fail_all(std::exchange(ready_, {}), gone);
    fail_all(std::exchange(logging_, {}), gone);
    on_quiet_ = std::move(done);
    if (on_flushed_) {
        std::exchange(on_flushed_, {})();
    }
    check_quiet();
}

void Shard::check_quiet() {
    if (closed_ && on_quiet_ && !seal_running_ && !merge_running_ && !manifest_running_) {
        std::exchange(on_quiet_, {})();
    }
}

}  // namespace kumo::node
