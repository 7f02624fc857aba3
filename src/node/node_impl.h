#pragma once

#include "base/published.h"
#include "node/background_jobs.h"
#include "node/control_log.h"
#include "node/disk_guard.h"
#include "node/node.h"
#include "node/shard.h"
#include "store/wal.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::node {

/// Documents that one erase_matching() or update_matching() may touch.
inline constexpr std::size_t kMatchingIdsMax = 5'000'000;

/// What lookups read.
struct View {
    std::shared_ptr<const State> state;
    std::map<std::string, std::shared_ptr<Shard>, std::less<>> shards;
};

/// Node, put together: a control log that decides on the state, a shard per collection.
///
/// Thread rule: as Node's. Private functions run on the data loop unless they say otherwise; tasks
/// there may use `this`, because the loop stops first.
class NodeImpl final : public Node {
public:
    NodeImpl(
        const NodeOptions& options,
        io::Fs& fs,
        io::Loop& data_loop,
        io::WorkerPool& pool,
        Clock& clock
    );

    /// Node::open()'s work. Blocking; once.
    Status recover();

    void create_collection(CollectionSpec spec, io::Loop& loop, Reply<CollectionInfo> reply)
        override;
    void drop_collection(std::string name, io::Loop& loop, Reply<CollectionInfo> reply) override;
    Result<CollectionInfo> collection(std::string_view name) const override;
    std::vector<CollectionInfo> collections() const override;
    void create_key(KeyRecord key, io::Loop& loop, Reply<KeyRecord> reply) override;
    void delete_key(std::uint64_t id, io::Loop& loop, Reply<KeyRecord> reply) override;
    std::shared_ptr<const std::vector<KeyRecord>> keys() const override;

    void write(
        std::string collection,
        WriteBatch batch,
        io::Loop& loop,
        Reply<std::vector<Result<search::Written>>> reply
    ) override;
    void erase(std::string collection, std::string id, io::Loop& loop, Reply<std::string> reply)
        override;
    void erase_matching(
        std::string collection,
        search::Filter filter,
        io::Loop& loop,
        Reply<std::uint64_t> reply
    ) override;
    void truncate(std::string collection, io::Loop& loop, Reply<std::uint64_t> reply) override;
    void update_matching(
        std::string collection,
        search::Filter filter,
        std::string patch,
        search::DirtyValues dirty,
        io::Loop& loop,
        Reply<std::uint64_t> reply
    ) override;

    Result<std::string> document(std::string_view collection, std::string_view id) const override;
    Result<std::shared_ptr<const search::Snapshot>> snapshot(std::string_view collection
    ) const override;
    void search(
        std::string collection,
        search::SearchRequest request,
        io::Loop& loop,
        Reply<search::SearchResult> reply
    ) override;

    Health health() const override;
    void shut_down(io::Loop& loop, Reply<bool> reply) override;

private:
    enum class Room : std::uint8_t {
        kNeeded,     ///< Refused while the disk is full.
        kNotNeeded,  ///< Makes room, or will; may use the reserve.
    };

    struct MatchingWrite;

    // Any thread.

    Result<std::shared_ptr<Shard>> find(std::string_view name) const;
    Status admit(std::size_t bytes, Room room);

    /// Hands the operation over; `done` runs on this thread or on the data loop.
    void submit(std::string_view collection, std::string operation, Room room, Shard::Done done);
    void propose(Command command, Room room, ControlLog::Done done);
    void start_matching(std::string_view collection, search::Filter filter, MatchingWrite write);

    // The data loop.

    void hand_over(const std::shared_ptr<Shard>& shard, std::string operation, Shard::Done done);
    void continue_matching(const std::shared_ptr<MatchingWrite>& write);
    void on_batch_done(const std::shared_ptr<MatchingWrite>& write, Result<Outcome> outcome);
    Error explain(Error error);
    void on_change(const Change& change);
    void bury(const std::shared_ptr<Shard>& shard);
    void remove_collection(store::StreamId stream);
    void publish();
    void one_less_in_flight();
    void flush_if_drained();
    void start_flush();
    void on_flushed();

    // Recovery: node_recovery.cc.

    Status open_shard(std::shared_ptr<const Collection> collection);
    Status add_new_streams(std::map<store::StreamId, store::Seq>& from) const;
    Status replay(store::StreamId stream, store::Seq seq, ByteView payload);
    Status replay_command(store::Seq seq, ByteView payload);
    void finish_recovery();
    void remove_strangers();
    std::string collections_path() const;
    std::string directory_of(store::StreamId stream) const;
    ShardEnv shard_env();

    const NodeOptions options_;
    io::Fs& fs_;
    io::Loop& loop_;
    io::WorkerPool& pool_;
    Clock& clock_;
    mutable DiskGuard disk_;
    BackgroundJobs jobs_;
    std::unique_ptr<io::FileLock> lock_;
    std::unique_ptr<store::Wal> wal_;
    ControlLog control_;
    std::map<store::StreamId, std::shared_ptr<Shard>> shards_;
    std::vector<store::StreamId> dropped_in_replay_;
    Published<View> view_;

    std::atomic<std::size_t> queued_bytes_{0};
    std::atomic<bool> stopping_{false};
    std::atomic<bool> log_failed_{false};
    std::size_t in_flight_ = 0;  ///< Operations and commands that are not answered.
    std::size_t flushes_left_ = 0;
    bool flushing_ = false;
    bool flushed_ = false;
    std::vector<io::Task> when_flushed_;
};

}  // namespace kumo::node
