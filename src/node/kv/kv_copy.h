#pragma once

#include "base/result.h"
#include "cluster/replication/shard_copy.h"
#include "io/loop.h"
#include "node/copy_mark.h"
#include "node/copy_stream.h"
#include "node/kv/kv_engine.h"
#include "node/kv/kv_move_table.h"
#include "store/wal.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kumo::node {

/// Sizes that a simulation makes small.
struct KvLimits {
    /// Changes that are longer are split over several entries of the log.
    std::size_t entry_bytes_max = std::size_t{8} << 20;
    /// Of the log, kept in memory for copies that lag; who lags more is sent the keys.
    std::size_t log_tail_bytes_max = std::size_t{32} << 20;
    /// A checkpoint is taken when the log behind the last one is as long as that, and half as long
    /// as it.
    std::uint64_t checkpoint_log_bytes_min = std::uint64_t{64} << 20;
    /// Of a message with a part of a file.
    std::size_t install_chunk_bytes = std::size_t{1} << 20;
};

/// What is run at the primary and not committed; commands that write wait while there is more.
inline constexpr std::size_t kKvUncommittedBytesMax = std::size_t{128} << 20;

/// This node's copy of a group's shard: the replication protocol's core and a stream of the log.
///
/// Unlike a shard of documents, the primary makes changes before they are committed: a command is
/// run, and append() logs what it did. So nobody may be told of anything, read or written, before
/// committed() is as far as appended() was at that time; and a primary that is cut off has keys
/// that nobody else may ever have. When such entries are cut from its log, its copy is of no use
/// any more, and is built anew from the primary's (docs/design/011-slots.md).
///
/// Thread rule: loop-owned.
class KvCopy : public std::enable_shared_from_this<KvCopy> {
public:
    struct Environment {
        io::Loop* loop = nullptr;
        store::Wal* wal = nullptr;
        store::StreamId stream{};
        cluster::NodeId self;
        KvEngine* engine = nullptr;
        KvLimits limits{};
        std::function<void(const cluster::NodeId&, const cluster::CopyMessage&)> send;
        std::function<void(cluster::Command)> propose;
        std::function<void(const cluster::NodeId&)> install;  ///< A node's copy needs a file.
        std::function<void(const Error&)> on_log_failed;
        std::function<void()> on_progress;  ///< More is committed or applied than before.
    };

    struct Parts {
        cluster::ShardId shard{};
        cluster::CopyId copy{};
        store::Seq applied = 0;  ///< What the engine has.
        CopyMark mark;
        KvMoveTable moves;
        std::vector<cluster::EntryPtr> tail;  ///< Of the log, behind that.
    };

    KvCopy(Environment environment, Parts parts);

    cluster::ShardId shard() const { return core_.shard(); }

    cluster::CopyId copy() const { return core_.copy(); }

    const cluster::ShardCopy& core() const { return core_; }

    void on_state(const cluster::Shard& shard, std::uint64_t incarnation);
    void receive(const cluster::NodeId& from, const cluster::CopyMessage& message);
    void reset_connection(const cluster::NodeId& node);
    void
    install_done(const cluster::NodeId& node, cluster::CopyId copy, store::Seq seq, bool delivered);
    void tick(MonotonicTime now);

    /// The primary, with everything before its time made: commands may run here.
    bool may_run() const {
        return core_.role() == cluster::CopyRole::kActive && ready_.empty() && !useless_;
    }

    /// Room for more changes; if not, there is when on_progress says so.
    bool has_room() const { return uncommitted_bytes_ < kKvUncommittedBytesMax; }

    /// The primary, on its way to being it or from it: whoever writes is to wait.
    bool is_in_between() const;

    /// Logs changes that have just been made. Requires: may_run().
    void append(std::string changes) { log(std::move(changes), false); }

    /// Makes and logs what a move of slots has come to. Requires: may_run().
    void append_move(std::string record);

    /// The moves of slots that it has a part in.
    const KvMoveTable& moves() const { return made_.moves; }

    /// The number of the last change made here.
    store::Seq appended() const { return executed_; }

    store::Seq committed() const { return core_.committed(); }

    /// How many others in sync are known to have everything up to `seq`.
    std::size_t copies_with(store::Seq seq) const;

    /// Everything that is committed as far as this copy knows has been made.
    bool is_up_to_date() const { return ready_.empty(); }

    /// The same, of everything that is in its log, and all that is committed.
    bool has_made_all() const {
        return ready_.empty() && executed_ >= core_.last() && core_.committed() >= core_.last();
    }

    /// Why the log takes nothing at the moment; empty: it does.
    const std::string& refusal() const { return refusal_; }

    /// What has been made is what the log says up to appended(), and nothing is half made.
    bool may_checkpoint() const { return ready_.empty() && made_.parts.empty() && !useless_; }

    /// It has made what is not in the shard's log: nothing of it counts any more.
    bool is_useless() const { return useless_; }

    /// What a checkpoint that is taken now has to remember.
    CopyMark mark() const;

    /// A checkpoint has everything up to `seq`.
    void release(store::Seq seq);

    /// Bytes logged since the last release().
    std::uint64_t log_bytes() const { return log_bytes_; }

    /// What a log has come to, beside the engine's keys.
    struct Made {
        std::string parts;  ///< Of a change whose last entry has not come yet.
        KvMoveTable moves;
    };

    /// Makes what an entry holds.
    static void make(const cluster::LogEntry& entry, Made& made, KvEngine& engine);

    /// Nothing happens any more.
    void close() { closed_ = true; }

private:
    void log(std::string changes, bool of_move);
    void schedule_drain();
    void drain();
    void on_cut(store::Seq from);
    void ask_for_another();
    void schedule_apply();
    void apply_ready();
    void apply(const cluster::LogEntry& entry);
    bool note_refusal(const Error& error);

    const Environment env_;
    cluster::ShardCopy core_;
    CopyStream stream_;
    std::deque<cluster::EntryPtr> ready_;
    Made made_;
    store::Seq executed_ = 0;
    store::Seq told_committed_ = 0;
    std::size_t uncommitted_bytes_ = 0;
    std::deque<std::pair<store::Seq, std::size_t>> uncommitted_;
    std::uint64_t log_bytes_ = 0;
    std::uint64_t incarnation_ = 0;
    std::string refusal_;
    bool drain_scheduled_ = false;
    bool apply_scheduled_ = false;
    bool useless_ = false;    ///< It has made what was cut from its log.
    MonotonicTime asked_at_;  ///< For another copy in its place.
    bool closed_ = false;
};

}  // namespace kumo::node
