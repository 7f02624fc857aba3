#pragma once

#include "base/result.h"
#include "io/loop.h"
#include "node/document_engine.h"
#include "node/operation.h"
#include "node/segment_store.h"
#include "node/state.h"
#include "store/wal.h"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace kumo::node {

/// What a node's shards share. All of it outlives them.
struct ShardEnv {
    EngineEnv engine;
    store::Wal* wal = nullptr;
};

/// One collection's documents: an engine and its stream of the log.
///
/// An operation goes: submit() -> log -> (durable) -> apply -> publish -> its callback. Operations
/// are applied in order; what one turn applied is published together.
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
        std::shared_ptr<DocumentEngine> engine
    );

    // ---- recovery

    store::Seq applied() const { return engine_->applied(); }

    /// Applies an operation that the log still had. kCorruption if it is none.
    Status replay(store::Seq seq, ByteView operation);

    /// After the replay: start(), and what crashes have left over goes.
    void finish_recovery();

    /// What was applied becomes visible, and background work may begin. For a new collection's
    /// shard at once.
    void start();

    // ---- service

    const Collection& collection() const { return *collection_; }

    const std::shared_ptr<const Collection>& shared_collection() const { return collection_; }

    std::shared_ptr<const search::Snapshot> snapshot() const { return engine_->snapshot(); }

    /// `done` runs on the loop, also at once if the operation cannot be logged. Besides the log's
    /// errors, that of a seal that failed, if the index is full for that reason.
    void submit(std::string operation, Done done);

    /// Nothing is logged and not yet applied.
    bool idle() const { return logging_.empty() && ready_.empty(); }

    /// Seals and stores everything; `done` runs when that is done or has failed.
    void flush(io::Task done) { engine_->flush(std::move(done)); }

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

    void on_logged(store::Seq seq, Status logged);
    void schedule_apply();
    void apply_ready();
    static void fail_all(const std::deque<Operation>& operations, const Error& error);

    const ShardEnv env_;
    const std::shared_ptr<const Collection> collection_;
    const std::shared_ptr<DocumentEngine> engine_;

    store::Seq next_seq_;
    std::deque<Operation> logging_;  ///< In the log's hands.
    std::deque<Operation> ready_;    ///< Durable, to be applied.
    bool apply_scheduled_ = false;
    bool closed_ = false;
};

}  // namespace kumo::node
