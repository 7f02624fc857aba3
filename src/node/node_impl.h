#pragma once

#include "base/published.h"
#include "node/background_jobs.h"
#include "node/control_link.h"
#include "node/data_log.h"
#include "node/disk_guard.h"
#include "node/disk_reserve.h"
#include "node/install_receiver.h"
#include "node/install_sender.h"
#include "node/memory_guard.h"
#include "node/node.h"
#include "node/operation_router.h"
#include "node/run_record.h"
#include "node/shard.h"
#include "node/shard_set.h"
#include "node/snapshot_head.h"
#include "node/snapshot_taker.h"
#include "search/join/cascade.h"
#include "search/join/reference_check.h"
#include "store/wal.h"

#include <atomic>
#include <deque>
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

/// Documents that one operation of a cascade erases.
inline constexpr std::size_t kCascadeIdsPerOperation = 1000;

/// First messages of primaries for copies that are not there yet; the oldest go.
inline constexpr std::size_t kEarlyMessagesMax = 64;

/// What lookups read.
struct View {
    std::shared_ptr<const State> state = std::make_shared<const State>();
    std::map<cluster::ShardId, std::shared_ptr<Shard>> shards;
    /// Those with documents that may go with what they reference.
    std::vector<std::shared_ptr<const Collection>> cascading;
};

/// Node, put together: the control plane's state decides which copies of shards are here.
///
/// Thread rule: as Node's. Private functions run on the data loop unless they say otherwise; tasks
/// there may use `this`, because the loops stop first.
class NodeImpl final : public Node {
public:
    NodeImpl(const NodeOptions& options, const NodeEnvironment& environment);

    /// After shut_down() it records that nothing is missing. Blocks for that, without fsync.
    ~NodeImpl() override;

    /// Node::open()'s work. Blocking; once.
    Status open(const NodeEnvironment& environment);

    void create_collection(CollectionSpec spec, io::Loop& loop, Reply<CollectionInfo> reply)
        override;
    void drop_collection(std::string name, io::Loop& loop, Reply<CollectionInfo> reply) override;
    void update_collection(UpdateCollection update, io::Loop& loop, Reply<CollectionInfo> reply)
        override;
    void change_fields(
        std::string collection,
        search::FieldChange change,
        io::Loop& loop,
        Reply<CollectionInfo> reply
    ) override;
    std::vector<SchemaChange> schema_changes() const override;
    Result<CollectionInfo> collection(std::string_view name) const override;
    std::vector<CollectionInfo> collections() const override;
    void create_key(KeyRecord key, io::Loop& loop, Reply<KeyRecord> reply) override;
    void delete_key(std::uint64_t id, io::Loop& loop, Reply<KeyRecord> reply) override;
    std::shared_ptr<const std::vector<KeyRecord>> keys() const override;
    void put_resource(PutResource put, io::Loop& loop, Reply<ResourcePtr> reply) override;
    void delete_resource(DeleteResource what, io::Loop& loop, Reply<ResourcePtr> reply) override;
    ResourcePtr resource(ResourceKind kind, std::string_view name) const override;
    std::shared_ptr<const NamedResources> resources(ResourceKind kind) const override;

    void write_mapped(
        std::string collection,
        search::MappedBatch batch,
        io::Loop& loop,
        Reply<std::vector<Result<search::Written>>> reply
    ) override;
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
        search::PlannedFilter filter,
        io::Loop& loop,
        Reply<std::uint64_t> reply
    ) override;
    void truncate(std::string collection, io::Loop& loop, Reply<std::uint64_t> reply) override;
    void update_matching(
        std::string collection,
        search::PlannedFilter filter,
        std::string patch,
        search::DirtyValues dirty,
        io::Loop& loop,
        Reply<std::uint64_t> reply
    ) override;

    void document(std::string collection, std::string id, io::Loop& loop, Reply<std::string> reply)
        override;
    Result<std::shared_ptr<const search::Snapshot>> snapshot(std::string_view collection
    ) const override;

    search::KeyTables& key_tables() const override { return key_tables_; }

    void search(
        std::string collection,
        search::SearchRequest request,
        io::Loop& loop,
        Reply<search::SearchResult> reply
    ) override;

    Result<ReadVersion> read_version(std::string_view collection) const override;

    Health health() const override;
    void compact(io::Loop& loop, Reply<bool> reply) override;
    ClusterStatus cluster_status() const override;
    ClusterInfo cluster() const override;
    void take_snapshot(std::string directory, io::Loop& loop, Reply<bool> reply) override;
    void cluster_in_detail(io::Loop& loop, Reply<ClusterInfo> reply) override;
    void drain(std::string node, bool draining, io::Loop& loop, Reply<bool> reply) override;
    void refresh(io::Loop& loop, Reply<bool> reply) override;
    void lead(io::Loop& loop, Reply<bool> reply) override;
    void reset_peers(io::Loop& loop, Reply<bool> reply) override;
    void shut_down(io::Loop& loop, Reply<bool> reply) override;

private:
    enum class Room : std::uint8_t {
        kNeeded,     ///< Refused while the disk is full.
        kNotNeeded,  ///< Makes room, or will; may use the reserve.
    };

    struct MatchingWrite;
    using CollectionPtr = std::shared_ptr<const Collection>;
    using ShardOf = OperationRouter::ShardOf;

    /// For one shard of a collection.
    struct Operation {
        cluster::ShardId shard{};
        std::string bytes;
        Shard::Done done;
    };

    using Operations = std::vector<Operation>;

    // Any thread.

    Result<CollectionPtr> find(std::string_view name) const;
    Result<std::shared_ptr<Shard>> find_readable(std::string_view name, std::string_view document)
        const;
    Result<std::shared_ptr<Shard>> readable(const View& view, cluster::ShardId shard) const;
    Status admit(std::size_t bytes);
    /// kResourceExhausted if what that many bytes need is running out.
    Status admit_room(std::size_t bytes) const;
    CollectionInfo info_of(const View& view, const Collection& collection) const;

    /// Hands the operations over, all or none; each `done` runs on this thread or each on the data
    /// loop.
    void submit(const CollectionPtr& collection, Operations operations, Room room);
    void write_split(
        const CollectionPtr& collection,
        WriteBatch batch,
        std::function<void(Result<std::vector<Result<search::Written>>>)> done
    );
    void write_now(
        const CollectionPtr& collection,
        WriteBatch batch,
        std::function<void(Result<std::vector<Result<search::Written>>>)> done
    );
    void write_checked(
        const CollectionPtr& collection,
        WriteBatch batch,
        std::function<void(Result<std::vector<Result<search::Written>>>)> done
    );
    void erase_now(
        const CollectionPtr& collection,
        const std::string& id,
        io::Loop& loop,
        Reply<std::string> reply
    );

    // References (node_references.cc); any thread.

    struct CheckedWrite;

    /// An operation of a cascade.
    struct ShardOperation {
        CollectionPtr collection;
        cluster::ShardId shard;
        std::string bytes;
    };

    static std::vector<CollectionPtr> find_cascading(const State& state);
    static CollectionPtr find_referenced(const State& state, std::string_view name);
    std::shared_ptr<const search::Schema> current_schema(const Collection& collection) const;
    bool references_anything(const Collection& collection) const;
    Result<std::vector<search::ReferenceTarget>> reference_targets(const search::Schema& schema
    ) const;
    std::vector<CollectionPtr> depending_on(const CollectionPtr& collection) const;
    bool is_referenced(const CollectionPtr& collection) const;
    std::vector<search::CascadeLink> cascade_links(
        const std::vector<CollectionPtr>& collections,
        const std::vector<std::shared_ptr<const search::Snapshot>>& snapshots
    ) const;
    static std::deque<ShardOperation> operations_of(
        const std::vector<CollectionPtr>& collections,
        const std::vector<search::CascadeChanges>& changes
    );

    void propose(Command command, Room room, ControlPlane::Done done);
    void
    start_matching(std::string_view collection, search::PlannedFilter filter, MatchingWrite write);

    // The data loop.

    bool has_others() const;
    Status open_log();
    Status read_log();
    void remember(const std::optional<LostLog>& lost);
    Status look_at_last_run();
    Status record_run();
    void on_registered();
    ShardSet::Environment shard_environment();
    Result<std::optional<Seed>> read_seed();
    void forget_seed();
    void make_parts();
    void start();
    void on_state(std::shared_ptr<const State> state, std::uint64_t incarnation);
    void on_copy_message(const cluster::NodeId& node, const std::string& bytes);
    void deliver(const cluster::NodeId& node, cluster::CopyMessage message);
    void deliver_early();
    void on_request(PeerRequest type, const std::string& bytes, std::uint64_t reply);
    void tick();
    void check_caught_up();
    void release_reserve();
    void restore_reserve();
    void hand_over(ShardOf target, std::string operation, Room room, Shard::Done done);
    void read_barrier(const CollectionPtr& collection, OperationRouter::ReadDone done);
    void
    read_barriers(std::vector<CollectionPtr> collections, std::function<void(const Status&)> done);
    void check_references(const std::shared_ptr<CheckedWrite>& write);
    void finish_check(const std::shared_ptr<CheckedWrite>& write);
    void write_rest(CheckedWrite& write);
    void cascade(
        const CollectionPtr& collection,
        std::vector<std::string> ids,
        std::function<void(const Status&)> done
    );
    void plan_cascade(
        const std::vector<CollectionPtr>& collections,
        const std::vector<std::string>& ids,
        const std::function<void(const Status&)>& done
    );
    void run_cascade(
        const std::shared_ptr<std::deque<ShardOperation>>& operations,
        const std::function<void(const Status&)>& done
    );
    void match(const std::shared_ptr<MatchingWrite>& write, search::PlannedFilter filter);
    void continue_matching(const std::shared_ptr<MatchingWrite>& write);
    static void fail_matching(const MatchingWrite& write, const Error& why);
    void on_batch_done(const std::shared_ptr<MatchingWrite>& write, Result<Outcome> outcome);
    Error explain(const Error& error);
    static Error partly_done(const Error& why);
    void on_log_failed(const Error& error);
    void add_detail(ClusterInfo::Shard& shard) const;
    void publish();
    void one_less_in_flight();
    void flush_if_drained();
    void start_flush();
    void flush_shards();
    void on_flushed();

    const NodeOptions options_;
    io::Fs& fs_;
    io::Loop& loop_;
    io::WorkerPool& pool_;
    io::WorkerPool& background_;
    Clock& clock_;
    mutable DiskGuard disk_;
    mutable MemoryGuard memory_;
    DiskReserve reserve_;
    const DataLog data_log_;
    const RunRecords runs_;
    RunRecord run_;                    ///< This one, as it is to be recorded.
    bool unclean_ = false;             ///< Copies may lack what the run before acknowledged.
    std::optional<LostLog> lost_log_;  ///< As the start found it.
    const std::shared_ptr<LiveBudget> live_budget_;
    BackgroundJobs jobs_;
    std::unique_ptr<io::FileLock> lock_;
    std::unique_ptr<store::Wal> wal_;
    std::unique_ptr<ControlLink> control_;
    std::unique_ptr<ShardSet> shards_;
    std::unique_ptr<OperationRouter> router_;
    std::unique_ptr<InstallSender> install_sender_;
    std::unique_ptr<InstallReceiver> install_receiver_;
    std::unique_ptr<SnapshotTaker> snapshot_taker_;
    bool is_restored_ = false;  ///< From a snapshot, whose head is still there.
    std::shared_ptr<const State> state_ = std::make_shared<const State>();
    Published<View> view_;
    mutable search::KeyTables key_tables_;

    std::atomic<std::size_t> queued_bytes_{0};
    std::atomic<std::uint32_t> next_turn_{0};  ///< Which shard gets documents without an id.
    std::atomic<bool> stopping_{false};
    std::atomic<bool> log_failed_{false};
    std::atomic<bool> caught_up_{false};
    Published<std::string> broken_;
    std::atomic<std::size_t> in_flight_{0};  ///< Operations and commands that are not answered.
    /// For shards that this node has not heard of yet: the state that names them comes after.
    std::deque<std::pair<cluster::NodeId, cluster::CopyMessage>> early_;
    MonotonicTime reserve_tried_at_;
    bool registered_ = false;  ///< This run is.
    /// By collection, those whose references are looked for, in the order in which they came.
    std::map<cluster::ShardId, std::deque<std::shared_ptr<CheckedWrite>>> checked_writes_;
    std::size_t flushes_left_ = 0;
    bool flushing_ = false;
    bool flushed_ = false;
    std::vector<io::Task> when_flushed_;
};

}  // namespace kumo::node
