#include "node/shard.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>
#include <vector>

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
    KUMO_TRY_ASSIGN(
        auto engine,
        DocumentEngine::open(env.engine, schema_of(collection), std::move(files))
    );
    return std::make_shared<Shard>(env, std::move(collection), std::move(engine));
}

Shard::Shard(
    const ShardEnv& env,
    std::shared_ptr<const Collection> collection,
    std::shared_ptr<DocumentEngine> engine
)
    : env_(env),
      collection_(std::move(collection)),
      engine_(std::move(engine)),
      next_seq_(engine_->applied() + 1) {}

Status Shard::replay(store::Seq seq, ByteView operation) {
    auto outcome = engine_->apply(seq, operation);
    if (!outcome.ok()) {
        return std::move(outcome).error();
    }
    next_seq_ = seq + 1;
    return {};
}

void Shard::finish_recovery() {
    engine_->remove_strangers();
    start();
}

void Shard::start() {
    DocumentEngine::Events events;
    events.on_stored = [this](store::Seq seq) {
        env_.wal->release(collection_->stream, seq);
    };
    events.on_room = [this] {
        if (!ready_.empty()) {
            schedule_apply();
        }
    };
    engine_->set_events(std::move(events));
    engine_->start();
}

void Shard::submit(std::string operation, Done done) {
    if (closed_) {
        done(no_such_collection(collection_->spec.name));
        return;
    }
    if (engine_->is_stuck()) {
        done(*engine_->seal_failure());
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
    env_.engine.loop->defer([self] {
        self->apply_scheduled_ = false;
        self->apply_ready();
    });
}

void Shard::apply_ready() {
    std::vector<Reply> replies;
    std::size_t bytes = 0;
    while (!ready_.empty() && bytes < kApplyBytesPerTurn && !engine_->must_wait()) {
        Operation operation = std::move(ready_.front());
        ready_.pop_front();
        auto outcome = engine_->apply(operation.seq, operation.bytes);
        replies.push_back({std::move(operation.done), std::move(outcome)});
        bytes += operation.bytes.size();
    }
    if (!replies.empty()) {
        engine_->publish();
    }
    for (Reply& reply : replies) {
        reply.done(std::move(reply.outcome));
    }
    if (!ready_.empty() && !engine_->must_wait()) {
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
    const Error gone = no_such_collection(collection_->spec.name);
    fail_all(std::exchange(ready_, {}), gone);
    fail_all(std::exchange(logging_, {}), gone);
    engine_->close(std::move(done));
}

}  // namespace kumo::node
