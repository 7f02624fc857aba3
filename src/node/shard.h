#pragma once

#include "base/result.h"
#include "cluster/replication/shard_copy.h"
#include "io/loop.h"
#include "node/copy_stream.h"
#include "node/document_engine.h"
#include "node/operation.h"
#include "node/segment_store.h"
#include "node/state.h"
#include "store/wal.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kumo::node {

/// What a node's shards share. All of it outlives them. The functions are called on the loop.
struct ShardEnv {
    EngineEnv engine;
    store::Wal* wal = nullptr;
    cluster::NodeId self;
    std::size_t log_tail_bytes_max = std::size_t{32} << 20;
    std::function<void(const cluster::NodeId&, const cluster::CopyMessage&)> send;
    std::function<void(cluster::Command)> propose;
    /// A copy of the shard needs files.
    std::function<void(cluster::ShardId, const cluster::NodeId&)> install;
    std::function<void()> on_disk_full;
    /// There is no room for what cannot be taken back: some is to be made.
    std::function<void()> need_room;
    std::function<void(const Error&)> on_log_failed;
    /// The shard wants tick() again.
    std::function<void(cluster::ShardId)> on_awake;
};

/// Operations of one shard that a primary keeps waiting while it begins or makes way; more are
/// refused.
inline constexpr std::size_t kHeldOperationsMax = 4096;

/// Outcomes kept for those who ask again, per shard.
inline constexpr std::size_t kOutcomesMax = 4096;
inline constexpr std::size_t kOutcomesBytesMax = std::size_t{8} << 20;
inline constexpr Duration kOutcomesKept = std::chrono::seconds(30);

/// kUnavailable: another node may do what was asked.
Error not_primary();

/// This node's copy of one shard: the replication protocol's core, a stream of the log, an engine.
///
/// An operation at the primary goes: submit() -> log, here and on the other copies -> committed ->
/// applied -> published -> its callback. Operations are applied in order; what one turn applied is
/// published together.
///
/// Thread rule: loop-owned, except what is marked.
class Shard : public std::enable_shared_from_this<Shard> {
public:
    /// Besides the operation's own errors: kUnavailable if this is not the primary, or not any
    /// more; then whether it was carried out is not known, and the same request may be submitted
    /// again, here or elsewhere. kNotFound if the collection was dropped meanwhile. kLimitExceeded
    /// for a change of fields while another one is running.
    using Done = std::function<void(Result<Outcome>)>;

    struct Parts {
        std::shared_ptr<const Collection> collection;
        cluster::ShardId id{};  ///< One of the collection's.
        cluster::CopyId copy{};
        std::shared_ptr<DocumentEngine> engine;
        CopyMark mark;
        std::vector<cluster::EntryPtr> tail;  ///< Of the log, behind the engine.
    };

    /// Whoever holds it last, on whatever thread, it ends on the loop.
    static std::shared_ptr<Shard> make(const ShardEnv& env, Parts parts);

    /// What was applied becomes visible, and background work may begin.
    void start();

    // ---- any thread

    cluster::ShardId id() const { return id_; }

    const Collection& collection() const { return *collection_; }

    const std::shared_ptr<const Collection>& shared_collection() const { return collection_; }

    std::shared_ptr<const search::Snapshot> snapshot() const { return engine_->snapshot(); }

    /// It holds what clients may see: in sync, and up to date since.
    bool is_readable() const { return readable_.load(); }

    /// It leads the shard: as long as the node's lease lasts, committed() is all there is.
    bool is_primary() const { return primary_.load(); }

    /// What another copy may have shown already.
    store::Seq committed() const { return committed_.load(); }

    /// Of a change of its fields, if one is running here.
    const search::RebuildProgress& change_progress() const { return engine_->change_progress(); }

    // ---- the loop

    cluster::CopyId copy() const { return core_.copy(); }

    const cluster::ShardCopy& core() const { return core_; }

    store::Seq applied() const { return engine_->applied(); }

    DocumentEngine& engine() { return *engine_; }

    void on_state(const cluster::Shard& shard, std::uint64_t incarnation);
    void receive(const cluster::NodeId& from, const cluster::CopyMessage& message);
    void reset_connection(const cluster::NodeId& node);
    void
    install_done(const cluster::NodeId& node, cluster::CopyId copy, store::Seq seq, bool delivered);
    /// While it is awake. Answers whether it still is: a shard of which nobody wants anything costs
    /// nothing.
    bool tick(MonotonicTime now);

    /// `done` runs on the loop, perhaps at once. Requests of the nil node are never retries.
    void submit(const cluster::RequestId& request, std::string operation, Done done);

    /// Runs `task` when everything up to `seq` is applied and visible; at once if it is.
    void when_applied(store::Seq seq, io::Task task);

    /// Seals and stores what has been applied so far; `done` runs when that is done or has failed.
    void flush(io::Task done) { engine_->flush(std::move(done)); }

    /// Before the end: a change of fields that is under way is given up, to begin anew at the next
    /// start.
    void interrupt_change() { engine_->interrupt_change(); }

    /// Ends the shard: waiting operations get `why`, later ones too. `done` runs when no job uses
    /// the directory any more.
    void close(const Error& why, io::Task done);

private:
    Shard(const ShardEnv& env, Parts parts);
    ~Shard() = default;

    using Delete = std::default_delete<Shard>;
    friend Delete;

    struct Held {
        cluster::RequestId request;
        std::string operation;
        Done done;
    };

    struct Remembered {
        MonotonicTime at;
        cluster::RequestId request;
        std::size_t bytes = 0;
    };

    void wake();
    void schedule_drain();
    void drain();
    void propose(Held operation);
    void submit_held();
    void lose_role();
    bool on_refused(store::Seq from, const Error& error);
    void on_log_failed(const Error& error);
    void schedule_apply();
    bool may_apply() const;
    void apply_ready();
    bool begins_with_change() const;
    void start_change();
    void finish_change(const cluster::EntryPtr& entry, Result<Outcome> outcome);
    bool is_second_change(const Held& operation) const;
    Result<Outcome> apply(const cluster::LogEntry& entry);
    void remember(const cluster::LogEntry& entry, const Outcome& outcome);
    void forget_outcomes(MonotonicTime now);
    void answer_again(const cluster::RequestId& request, const Done& done) const;
    std::vector<Done> take_waiting(store::Seq from, store::Seq to);
    void fail_waiting(store::Seq from, const Error& error);
    void fail_held(const Error& error);
    void run_when_applied();
    void note_roles();

    const ShardEnv env_;
    const std::shared_ptr<const Collection> collection_;
    const cluster::ShardId id_;
    const std::shared_ptr<DocumentEngine> engine_;
    bool is_new_;
    cluster::ShardCopy core_;
    CopyStream stream_;

    std::deque<cluster::EntryPtr> ready_;  ///< Committed, to be applied.
    std::multimap<store::Seq, Done> waiting_;
    std::multimap<store::Seq, io::Task> when_applied_;
    std::deque<Held> held_;
    std::map<cluster::RequestId, Outcome> outcomes_;
    std::deque<Remembered> outcome_order_;
    std::size_t outcome_bytes_ = 0;
    std::uint64_t incarnation_ = 0;  ///< Of this run, as core_ knows it.
    bool asleep_ = true;
    bool drain_scheduled_ = false;
    bool apply_scheduled_ = false;
    std::optional<Error> closed_;
    /// Of the last change of fields that was proposed here, and its place.
    cluster::RequestId change_request_;
    store::Seq change_seq_ = 0;
    std::atomic<bool> readable_{false};
    std::atomic<bool> primary_{false};
    std::atomic<store::Seq> committed_{0};
};

}  // namespace kumo::node
