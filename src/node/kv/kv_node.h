#pragma once

#include "base/result.h"
#include "io/fs.h"
#include "node/background_jobs.h"
#include "node/control_link.h"
#include "node/data_log.h"
#include "node/kv/kv_copy.h"
#include "node/kv/kv_engine.h"
#include "node/kv/kv_files.h"
#include "node/kv/kv_install.h"
#include "node/kv/kv_moves.h"
#include "node/kv/kv_state.h"
#include "node/node_options.h"
#include "node/run_record.h"
#include "node/state.h"
#include "store/wal.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kumo::node {

struct KvNodeOptions {
    std::string data_dir;
    ClusterOptions cluster;  ///< Without a nodes file: nodes meet. Addresses may lack their host.
    bool fsync = false;      ///< Before anything is acknowledged, and not up to a second later.
    cluster::AckMode mode = cluster::AckMode::kSync;  ///< Of groups that this node begins.
    KvLimits limits;
};

/// First messages of a primary for a copy that is not there yet; the oldest go.
inline constexpr std::size_t kKvEarlyMessagesMax = 64;

/// A node of a cluster of keys: the control plane with its slots, a log, and the copy of one group.
///
/// Thread rule: the data loop, but for open(), before the loops run.
class KvNode {
public:
    /// Opens (or creates) the directory. When the loops run, the node founds a cluster of one or
    /// goes on in its own. kUnavailable: another process has the directory; kCorruption names the
    /// damaged file.
    static Result<std::unique_ptr<KvNode>>
    open(KvNodeOptions options, const NodeEnvironment& environment, KvEngine& engine);

    ~KvNode();
    KvNode(const KvNode&) = delete;
    KvNode& operator=(const KvNode&) = delete;

    /// Whether it has never had keys of its own: what the engine has by start() is taken in.
    bool is_new() const { return life_.life == 0 || life_.imports; }

    /// Once, before the loops run.
    void start();

    // ---- where it stands

    const std::shared_ptr<const State>& state() const { return state_; }

    cluster::NodeId self() const { return control_->status()->self; }

    /// The group that it has a copy of; nullptr: none yet.
    const KvGroup* group() const;

    /// Its copy; nullptr: none, or none that counts at the moment.
    const std::shared_ptr<KvCopy>& copy() const { return copy_; }

    /// Whether it may serve, by a clock read taken now.
    bool has_lease() const { return control_->has_lease(); }

    /// Where its control plane stands, for people.
    std::shared_ptr<const ControlStatus> control_status() const { return control_->status(); }

    bool has_leader() const { return !control_->status()->leader.is_nil(); }

    /// Its copy leads the group and takes commands; the lease is not looked at.
    bool may_run() const {
        const bool none = state_->kv.moves.empty() && (copy_ == nullptr || copy_->moves().empty());
        return leads() && (none || moves_->is_settled());
    }

    /// Slots that move, from and to this node.
    KvMoves& moves() { return *moves_; }

    const KvMoves& moves() const { return *moves_; }

    /// What it has to say about its disk; empty: nothing.
    std::string write_refusal() const;

    // ---- what it is told

    /// `done` runs when the change is in state().
    void propose(Command command, std::function<void(Status)> done);

    /// Best effort, soon.
    void meet(const std::string& peering_address) { control_->meet(peering_address); }

    /// Leaves the cluster with empty hands, and is one of its own, as itself or as a new node.
    /// Requires: it has no keys that are not somebody else's, too.
    void reset(const cluster::NodeId& as);

    /// What people call it: a name of the host.
    void set_name(const std::string& name) { control_->set_name(name); }

    /// To the engine of another node; best effort.
    void send(const cluster::NodeId& node, std::string message) {
        control_->send_kv(node, std::move(message));
    }

    /// Stores the keys, so that a start reads them at once. `done` runs when that is done.
    void checkpoint(std::function<void(Status)> done);

    /// Makes way for the others, then `done`.
    void shut_down(std::function<void()> done);

private:
    KvNode(KvNodeOptions options, const NodeEnvironment& environment, KvEngine& engine);

    using Taken = std::function<void(Result<KvInstallSender::Source>)>;

    bool leads() const { return copy_ != nullptr && !dissolving_ && copy_->may_run(); }

    Status open(const NodeEnvironment& environment);
    Status read_log();
    Status load_carried();
    void make_parts();

    void on_state(std::shared_ptr<const State> state, std::uint64_t incarnation);

    bool is_leaving() const { return !left_.is_nil() && state_->cluster.id == left_; }

    void arrive();
    void take_along();
    void enter();
    void keep_copy(const cluster::Shard& shard);
    void open_copy(const cluster::Shard& shard, cluster::CopyId copy);
    Status open_stored(const cluster::Shard& shard, cluster::CopyId copy);
    void bring_in(const cluster::Shard& shard, cluster::CopyId copy);
    void on_brought_in(cluster::ShardId shard, cluster::CopyId copy, cluster::Term term);
    void make_copy(KvCopy::Parts parts);
    void drop_copy();
    void close_copy();
    void on_installed(cluster::CopyId copy, const KvCheckpoint& checkpoint);
    void on_copy_message(const cluster::NodeId& node, const std::string& bytes);
    void on_request(PeerRequest type, const std::string& bytes, std::uint64_t reply);
    void on_dissolve();
    bool is_opening() const;
    void dissolve_if_quiet();
    void on_progress();
    void tick();

    void take_checkpoint(store::Seq least, Taken done);
    void begin_checkpoint();
    void on_written(const Status& written);
    void store_checkpoint();
    void end_checkpoint(const Status& status);
    Result<KvInstallSender::Source> source() const;
    void remove_strangers();
    void write_life();

    const KvNodeOptions options_;
    io::Fs& fs_;
    io::Loop& loop_;
    Clock& clock_;
    KvEngine& engine_;
    const KvFiles files_;
    const DataLog data_log_;
    const RunRecords runs_;
    RunRecord run_;
    bool unclean_ = false;
    BackgroundJobs jobs_;
    std::unique_ptr<io::FileLock> lock_;
    std::unique_ptr<store::Wal> wal_;
    std::unique_ptr<ControlLink> control_;
    std::unique_ptr<KvInstallSender> install_sender_;
    std::unique_ptr<KvInstallReceiver> install_receiver_;
    std::unique_ptr<KvMoves> moves_;

    KvLifeRecord life_;
    std::map<cluster::CopyId, std::vector<cluster::EntryPtr>> tails_;  ///< Of this life.
    std::shared_ptr<const State> state_ = std::make_shared<const State>();
    std::uint64_t incarnation_ = 0;
    std::shared_ptr<KvCopy> copy_;
    KvCopy::Made carried_made_;  ///< Of the log of the life before.
    bool carries_ = false;       ///< The engine has keys that are not this life's yet.
    std::optional<cluster::CopyId> bringing_;
    std::optional<Error> broken_;
    bool dissolving_ = false;  ///< On its way into another cluster; runs no commands.
    bool out_ = false;         ///< And in none at the moment.
    Uuid left_;                ///< The cluster that reset() leaves, until it is in another.
    MonotonicTime entered_at_;
    std::uint64_t epoch_seen_ = 0;  ///< In the cluster that it has left.
    std::deque<std::pair<cluster::NodeId, cluster::CopyMessage>> early_;

    /// A checkpoint under way.
    struct Checkpointing {
        cluster::CopyId copy{};
        KvCheckpoint checkpoint;
        bool written = false;
    };

    std::optional<Checkpointing> checkpointing_;
    std::optional<KvCheckpoint> checkpoint_;  ///< The present copy's last one.
    std::vector<std::pair<store::Seq, Taken>> wait_for_checkpoint_;
    bool stopping_ = false;
};

}  // namespace kumo::node
