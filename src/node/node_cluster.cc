#include "base/log.h"
#include "cluster/discovery/nodes_file.h"
#include "io/system.h"
#include "node/internal/answer.h"
#include "node/node_impl.h"

#include <algorithm>
#include <utility>

// The node as a member of its cluster: opening, what the control plane says, what other nodes ask.

namespace kumo::node {

namespace {

constexpr Duration kTickInterval = std::chrono::milliseconds(100);
constexpr Duration kReserveInterval = std::chrono::seconds(1);

ControlOptions control_options(const NodeOptions& options) {
    ControlOptions out;
    out.directory = io::join_path(options.data_dir, "control");
    out.name = options.cluster.name;
    out.nodes_file = options.cluster.nodes_file;
    out.peering_listen = options.cluster.listen;
    out.peering_address = options.cluster.peering_address;
    out.api_address = options.cluster.api_address;
    out.zone = options.cluster.zone;
    out.key_check = options.cluster.key_check;
    out.tls = {
        options.cluster.tls.certificate,
        options.cluster.tls.private_key,
        options.cluster.tls.ca};
    return out;
}

std::vector<ClusterInfo::Member>
members_of(const cluster::State& cluster, const ControlStatus& status) {
    std::vector<ClusterInfo::Member> members;
    for (const auto& [id, member] : cluster.members) {
        ClusterInfo::Member out;
        out.id = id.to_string();
        out.name = member->name;
        out.peering_address = member->peering_address;
        out.api_address = member->api_address;
        out.zone = member->zone;
        out.self = id == status.self;
        out.leads = id == status.leader;
        out.votes =
            std::find(status.voters.begin(), status.voters.end(), id) != status.voters.end();
        out.up = !member->fenced;
        out.draining = member->draining;
        out.other_key = status.other_keys.contains(id);
        members.push_back(std::move(out));
    }
    return members;
}

ClusterInfo::Shard shard_info(const cluster::Shard& shard, const std::string& collection) {
    ClusterInfo::Shard out;
    out.collection = collection;
    out.id = static_cast<std::uint64_t>(shard.id);
    out.term = shard.term;
    out.mode = shard.mode;
    out.min_in_sync = shard.min_in_sync;
    out.electing = shard.phase == cluster::Phase::kElecting;
    for (const auto& [node, copy] : shard.copies) {
        ClusterInfo::Copy each;
        each.node = node.to_string();
        each.in_sync = shard.in_sync.contains(node) && !shard.blank.contains(node);
        each.primary = shard.primary == node;
        out.copies.push_back(std::move(each));
    }
    return out;
}

}  // namespace

void announce_death(const NodeOptions& options) {
    const auto fs = io::make_system_fs();
    const auto loop = io::make_system_loop();
    const auto network = io::make_system_network();
    const auto resolver = io::make_system_resolver();
    const ControlOptions control = control_options(options);
    const auto told =
        announce_death({*loop, *network, *resolver, *fs}, control.directory, control.tls);
    if (told.ok()) {
        log_info(told.value() ? "the other nodes know of it" : "no other node could be told of it");
    } else if (told.error().code != ErrorCode::kNotFound) {
        log_warn("the other nodes could not be told of it: " + told.error().message);
    }
}

// ---- opening

Status NodeImpl::open(const NodeEnvironment& environment) {
    KUMO_TRY(io::make_directories(fs_, options_.data_dir));
    KUMO_TRY_ASSIGN(lock_, fs_.lock(io::join_path(options_.data_dir, "LOCK")));
    reserve_.restore();
    KUMO_TRY(look_at_last_run());
    ControlOptions control = control_options(options_);
    control.has_others = has_others();
    KUMO_TRY_ASSIGN(control.seed, read_seed());
    is_restored_ = control.seed.has_value();
    KUMO_TRY_ASSIGN(
        auto plane,
        ControlPlane::open(
            {environment.control_loop,
             fs_,
             environment.network,
             environment.resolver,
             pool_,
             background_,
             clock_,
             [this] {
                 release_reserve();
             }},
            std::move(control)
        )
    );
    control_ = std::make_unique<ControlLink>(loop_, environment.control_loop, std::move(plane));
    KUMO_TRY(open_log());
    if (!unclean_) {
        KUMO_TRY(record_run());
    }
    make_parts();
    start();
    return {};
}

/// Whether the nodes file names another node. Only then can what is damaged be done without.
bool NodeImpl::has_others() const {
    if (options_.cluster.nodes_file.empty()) {
        return false;
    }
    const auto text = io::read_file(fs_, options_.cluster.nodes_file, cluster::kNodesFileBytesMax);
    const auto nodes = cluster::parse_nodes_list(text.ok() ? text.value() : "");
    return nodes.ok()
           && std::any_of(nodes.value().begin(), nodes.value().end(), [this](const auto& each) {
                  return each.peering.to_string() != options_.cluster.peering_address;
              });
}

/// A log that is damaged or gone keeps a node from starting that is alone. In a cluster it is put
/// aside, and the copies that wrote to it are built anew from those of the others.
Status NodeImpl::open_log() {
    Status read = read_log();
    if (read.ok() || read.error().code != ErrorCode::kCorruption || !has_others()) {
        return read;
    }
    log_error(read.error().message);
    shards_.reset();
    wal_.reset();
    KUMO_TRY(data_log_.set_aside(read.error()));
    log_warn("the log begins anew: this node's copies are built anew from those of the others");
    return read_log();
}

Status NodeImpl::read_log() {
    KUMO_TRY_ASSIGN(lost_log_, data_log_.lost());
    KUMO_TRY(data_log_.check(loop_.random()));
    store::WalOptions wal_options;
    wal_options.directory = data_log_.directory();
    wal_options.fsync = options_.fsync ? store::FsyncPolicy::kAlways : store::FsyncPolicy::kNone;
    wal_options.pending_bytes_max = 2 * (options_.queued_write_bytes_max + kBatchBytesMax);
    KUMO_TRY_ASSIGN(wal_, store::Wal::open(loop_, fs_, std::move(wal_options)));
    shards_ = std::make_unique<ShardSet>(shard_environment());
    return shards_->recover();
}

/// If it cannot be stored, the next start has copies built anew that need not be.
void NodeImpl::remember(const std::optional<LostLog>& lost) {
    jobs_.submit(BackgroundJobs::Lane::kStore, [data_log = data_log_, lost]() -> io::Task {
        const Status stored = lost ? data_log.remember(*lost) : data_log.forget();
        if (!stored.ok()) {
            log_warn(stored.error().message);
        }
        return [] {
        };
    });
}

Status NodeImpl::look_at_last_run() {
    run_ = runs_.present(options_.fsync);
    KUMO_TRY_ASSIGN(const auto before, runs_.read());
    KUMO_TRY_ASSIGN(const bool has_log, io::exists(fs_, data_log_.directory()));
    unclean_ = has_log && RunRecords::may_lack(before, run_);
    if (unclean_) {
        log_warn(
            "the machine has started anew since a server without fsync ended here on a sudden: "
            "what "
            "it acknowledged in its last moments may be lost. Copies that others have whole are "
            "built anew from theirs"
        );
    }
    return {};
}

/// The log that was found is on the disk, or as this record says.
Status NodeImpl::record_run() {
    Status stored = runs_.write(run_);
    if (!stored.ok() && stored.error().code == ErrorCode::kResourceExhausted) {
        release_reserve();
        stored = runs_.write(run_);
    }
    return stored;
}

/// The cluster knows which copies may lack something. Had this run ended before, the next one would
/// have to say so.
void NodeImpl::on_registered() {
    registered_ = true;
    if (!std::exchange(unclean_, false)) {
        return;
    }
    jobs_.submit(BackgroundJobs::Lane::kStore, [runs = runs_, run = run_]() -> io::Task {
        const Status stored = runs.write(run);
        if (!stored.ok()) {
            log_warn(stored.error().message);  // The next start has copies built anew in vain.
        }
        return [] {
        };
    });
}

/// The cluster's name is decided and stored first, so that a start that was cut short is gone on
/// with, and a snapshot that somebody has copied into a used directory is told from it.
Result<std::optional<Seed>> NodeImpl::read_seed() {
    KUMO_TRY_ASSIGN(auto head, read_snapshot_head(fs_, options_.data_dir));
    if (!head) {
        return std::optional<Seed>();
    }
    if (!head->complete) {
        return corruption(
            snapshot_head_path(options_.data_dir)
            + ": this snapshot is not complete: the server ended, or failed, while it was taken"
        );
    }
    if (head->restored_as.is_nil()) {
        log_info("the data directory is a snapshot: a new cluster begins with what is in it");
        head->restored_as = make_uuid(loop_.random());
        KUMO_TRY(write_snapshot_head(fs_, options_.data_dir, *head));
    }
    return std::optional(Seed{head->restored_as, head->node, head->state});
}

/// The cluster exists: from now on this is a data directory like any other.
void NodeImpl::forget_seed() {
    if (!std::exchange(is_restored_, false)) {
        return;
    }
    jobs_.submit(
        BackgroundJobs::Lane::kStore,
        [&fs = fs_, path = snapshot_head_path(options_.data_dir)]() -> io::Task {
            const Status removed = io::remove_tree(fs, path);
            if (!removed.ok()) {
                log_warn(removed.error().message);
            }
            return [] {
            };
        }
    );
}

void NodeImpl::make_parts() {
    const auto local = [this](cluster::ShardId shard) {
        return shards_->find(shard);
    };
    const auto directory_of = [this](cluster::CopyId copy) {
        return shards_->directory_of(copy);
    };
    router_ = std::make_unique<OperationRouter>(OperationRouter::Environment{
        loop_,
        *control_,
        local,
        [this](std::size_t bytes) {
            return admit_room(bytes);
        }});
    install_sender_ = std::make_unique<InstallSender>(InstallSender::Environment{
        loop_,
        fs_,
        background_,
        jobs_,
        *control_,
        local,
        directory_of,
        options_.install_chunk_bytes});
    install_receiver_ = std::make_unique<InstallReceiver>(InstallReceiver::Environment{
        fs_,
        jobs_,
        *control_,
        local,
        directory_of,
        [this](cluster::ShardId shard, cluster::CopyId copy, SegmentStore::Content content) {
            shards_->adopt(shard, copy, std::move(content));
            publish();
        }});
    snapshot_taker_ = std::make_unique<SnapshotTaker>(SnapshotTaker::Environment{
        loop_,
        fs_,
        background_,
        jobs_,
        *router_,
        control_->self(),
        options_.data_dir,
        [this]() -> const SnapshotTaker::Shards& { return shards_->shards(); },
        [this] { return state_; },
        directory_of});
}

ShardSet::Environment NodeImpl::shard_environment() {
    ShardSet::Environment out;
    out.fs = &fs_;
    out.directory = io::join_path(options_.data_dir, "collections");
    out.durable = options_.fsync;
    out.alone = options_.cluster.nodes_file.empty();
    out.lost_log = lost_log_;
    out.on_lost_log = [this](const std::optional<LostLog>& lost) {
        remember(lost);
    };
    out.shard
        .engine = {&loop_, &jobs_, live_budget_, options_.index_limits, options_.idle_seal_after};
    out.shard.wal = wal_.get();
    out.shard.self = control_->self();
    out.shard.log_tail_bytes_max = options_.log_tail_bytes_max;
    out.shard.send = [this](const cluster::NodeId& node, const cluster::CopyMessage& message) {
        control_->send(node, cluster::encode_message(message));
    };
    out.shard.propose = [this](cluster::Command command) {
        control_->propose_cluster(std::move(command));
    };
    out.shard.install = [this](cluster::ShardId shard, const cluster::NodeId& node) {
        install_sender_->start(shard, node);
    };
    out.shard.on_disk_full = [this] {
        disk_.note_full();
    };
    out.shard.need_room = [this] {
        release_reserve();
    };
    out.shard.on_log_failed = [this](const Error& error) {
        on_log_failed(error);
    };
    return out;
}

void NodeImpl::start() {
    ControlLink::Events events;
    events.on_state = [this](std::shared_ptr<const State> state, std::uint64_t incarnation) {
        on_state(std::move(state), incarnation);
    };
    events.on_copy_message = [this](const cluster::NodeId& node, const std::string& bytes) {
        on_copy_message(node, bytes);
    };
    events.on_request =
        [this](const cluster::NodeId&, PeerRequest type, const std::string& bytes, auto reply) {
            on_request(type, bytes, reply);
        };
    events.on_connected = [this](const cluster::NodeId& node) {
        for (const auto& [id, shard] : shards_->shards()) {
            shard->reset_connection(node);
        }
    };
    std::set<cluster::CopyId> unclean;
    if (lost_log_ && lost_log_->first_whole == 0) {
        unclean.insert(cluster::kEveryCopyLost);
    } else if (unclean_) {
        unclean.insert(cluster::kEveryCopyUnclean);
    }
    control_->start(std::move(events), std::move(unclean));
    loop_.post([this] { tick(); });
}

// ---- what the control plane says

void NodeImpl::on_state(std::shared_ptr<const State> state, std::uint64_t incarnation) {
    state_ = std::move(state);
    shards_->on_state(state_, incarnation);
    if (shards_->lost() && broken_.load()->empty()) {
        broken_.store(std::make_shared<const std::string>(shards_->lost()->message));
    }
    if (incarnation != 0) {
        on_registered();
        forget_seed();
    }
    publish();
    deliver_early();
    router_->on_state(state_, incarnation);
    check_caught_up();
}

void NodeImpl::publish() {
    auto view = std::make_shared<View>();
    view->state = state_;
    view->shards = shards_->shards();
    const auto before = view_.load();
    view->cascading = before->state == state_ ? before->cascading : find_cascading(*state_);
    view_.store(std::move(view));
}

void NodeImpl::tick() {
    const MonotonicTime now = loop_.clock().boottime_now();
    shards_->tick(now);
    check_caught_up();
    if (!reserve_.is_held() && now - reserve_tried_at_ >= kReserveInterval) {
        reserve_tried_at_ = now;
        restore_reserve();
    }
    (void)loop_.add_timer(kTickInterval, [this] { tick(); });
}

void NodeImpl::check_caught_up() {
    if (caught_up_ || !registered_) {
        return;
    }
    const auto& collections = state_->collections;
    caught_up_ = std::all_of(collections.begin(), collections.end(), [this](const auto& each) {
        const auto& shards = each.second->shards;
        return std::all_of(shards.begin(), shards.end(), [this](cluster::ShardId id) {
            const auto shard = shards_->find(id);
            return shard != nullptr && shard->is_readable();
        });
    });
    if (caught_up_) {
        log_info("this node is up to date and serves");
    }
}

/// Both loops.
void NodeImpl::release_reserve() {
    reserve_.release();
    disk_.withhold(2 * DiskReserve::kBytes);
}

void NodeImpl::restore_reserve() {
    if (disk_.is_full()) {
        return;
    }
    jobs_.submit(BackgroundJobs::Lane::kStore, [this]() -> io::Task {
        reserve_.restore();
        return [this] {
            disk_.withhold(reserve_.is_held() ? 0 : 2 * DiskReserve::kBytes);
        };
    });
}

/// The log does not take anything any more. Alone, the node goes on answering reads; in a cluster
/// the others go on without it.
void NodeImpl::on_log_failed(const Error& error) {
    if (!log_failed_.exchange(true)) {
        log_error("the write-ahead log has failed: " + error.message);
        if (state_->cluster.members.size() > 1) {
            control_->leave_service(error);
        }
    }
}

// ---- what other nodes ask

void NodeImpl::on_copy_message(const cluster::NodeId& node, const std::string& bytes) {
    auto message = cluster::decode_message(bytes);
    if (message.ok()) {
        deliver(node, std::move(message).value());
    } else {
        log_warn("node " + node.to_string() + ": " + message.error().message);
    }
}

void NodeImpl::deliver(const cluster::NodeId& node, cluster::CopyMessage message) {
    const auto shard = shards_->find(message.shard);
    if (shard != nullptr) {
        shard->receive(node, message);
        return;
    }
    const auto* prepare = std::get_if<cluster::Prepare>(&message.body);
    if (prepare == nullptr || !prepare->entries.empty()) {
        return;
    }
    early_.emplace_back(node, std::move(message));
    if (early_.size() > kEarlyMessagesMax) {
        early_.pop_front();
    }
}

/// Dropped, they would be sent again only after a while: the first write would wait for it.
void NodeImpl::deliver_early() {
    for (auto& [node, message] : std::exchange(early_, {})) {
        deliver(node, std::move(message));
    }
}

void NodeImpl::on_request(PeerRequest type, const std::string& bytes, std::uint64_t reply) {
    switch (type) {
        case PeerRequest::kOperation: router_->on_operation(bytes, reply); return;
        case PeerRequest::kReadIndex: router_->on_read_index(bytes, reply); return;
        case PeerRequest::kInstall: install_receiver_->on_request(bytes, reply); return;
        case PeerRequest::kStateIndex:
        case PeerRequest::kKeyCheck:
        case PeerRequest::kLeaving:
        case PeerRequest::kMeet:
        case PeerRequest::kKvRequest:
        case PeerRequest::kJoin:
        case PeerRequest::kSnapshot: break;
    }
    control_->answer(reply, Error{ErrorCode::kUnsupported, "this node does not know the request"});
}

// ---- for people

ClusterStatus NodeImpl::cluster_status() const {
    const auto known = control_->status();
    ClusterStatus status;
    status.in_cluster = known->in_cluster;
    status.has_leader = !known->leader.is_nil();
    status.leads = known->is_leader;
    status.serves = health().ok;
    status.committed_index = known->commit;
    status.queued_writes = in_flight_.load();
    status.peers_refused = known->peers_refused;
    status.dials_failed = known->dials_failed;
    return status;
}

ClusterInfo NodeImpl::cluster() const {
    const auto view = view_.load();
    const cluster::State& cluster = view->state->cluster;
    ClusterInfo info;
    info.id = cluster.id.is_nil() ? "" : cluster.id.to_string();
    info.status = cluster_status();
    info.members = members_of(cluster, *control_->status());
    for (const auto& [name, collection] : view->state->collections) {
        for (std::size_t i = 0; i < collection->shards.size(); ++i) {
            const cluster::Shard* shard = cluster::find_shard(cluster, collection->shards[i]);
            if (shard != nullptr) {
                info.shards.push_back(shard_info(*shard, name));
                info.shards.back().number = static_cast<std::uint32_t>(i);
                info.shards.back().count = static_cast<std::uint32_t>(collection->shards.size());
            }
        }
    }
    return info;
}

void NodeImpl::cluster_in_detail(io::Loop& loop, Reply<ClusterInfo> reply) {
    loop_.post([this, &loop, reply = std::move(reply)] {
        ClusterInfo info = cluster();
        for (ClusterInfo::Shard& shard : info.shards) {
            add_detail(shard);
        }
        answer<ClusterInfo>(loop, reply, std::move(info));
    });
}

void NodeImpl::add_detail(ClusterInfo::Shard& shard) const {
    const auto here = shards_->find(cluster::ShardId{shard.id});
    if (here == nullptr) {
        return;
    }
    shard.applied = here->applied();
    if (!here->core().is_primary()) {
        return;
    }
    for (ClusterInfo::Copy& copy : shard.copies) {
        const auto node = parse_uuid(copy.node);
        const auto match = node ? here->core().match_of(*node) : std::nullopt;
        if (match) {
            copy.behind = here->core().last() - std::min(*match, here->core().last());
        }
    }
}

void NodeImpl::take_snapshot(std::string directory, io::Loop& loop, Reply<bool> reply) {
    if (!health().ok) {
        answer<bool>(loop, std::move(reply), not_ready());
        return;
    }
    loop_.post([this, directory = std::move(directory), &loop, reply = std::move(reply)] {
        snapshot_taker_->start(directory, [&loop, reply](const Status& taken) {
            answer<bool>(loop, reply, taken.ok() ? Result<bool>(true) : taken.error());
        });
    });
}

void NodeImpl::compact(io::Loop& loop, Reply<bool> reply) {
    loop_.post([this, &loop, reply = std::move(reply)] {
        struct Sum {
            std::size_t left = 0;
            std::optional<Error> error;
        };

        const auto sum = std::make_shared<Sum>();
        sum->left = shards_->shards().size() + 1;  // So that those done at once do not end it.
        const auto done = [sum, &loop, reply](const Status& compacted) {
            if (!compacted.ok()) {
                sum->error = compacted.error();
            }
            if (--sum->left == 0) {
                answer<bool>(loop, reply, sum->error ? Result<bool>(*sum->error) : true);
            }
        };
        for (const auto& [id, shard] : shards_->shards()) {
            shard->engine().compact(done);
        }
        done({});
    });
}

void NodeImpl::drain(std::string node, bool draining, io::Loop& loop, Reply<bool> reply) {
    for (const auto& [id, member] : view_.load()->state->cluster.members) {
        if (id.to_string() == node || member->name == node) {
            propose(
                cluster::Command(cluster::SetDraining{id, draining}),
                Room::kNotNeeded,
                [&loop, reply](const Result<Change>& change) {
                    answer<bool>(loop, reply, change.ok() ? Result<bool>(true) : change.error());
                }
            );
            return;
        }
    }
    answer<bool>(loop, std::move(reply), not_found("There is no node `" + node + "`."));
}

void NodeImpl::refresh(io::Loop& loop, Reply<bool> reply) {
    control_->refresh([&loop, reply = std::move(reply)] { answer<bool>(loop, reply, true); });
}

void NodeImpl::reset_peers(io::Loop& loop, Reply<bool> reply) {
    loop_.post([this, &loop, reply = std::move(reply)] {
        control_->reset_peers([&loop, reply](const Status& read) {
            answer<bool>(loop, reply, read.ok() ? Result<bool>(true) : read.error());
        });
    });
}

void NodeImpl::lead(io::Loop& loop, Reply<bool> reply) {
    loop_.post([this, &loop, reply = std::move(reply)] {
        control_->lead([&loop, reply](const Status& asked) {
            answer<bool>(loop, reply, asked.ok() ? Result<bool>(true) : asked.error());
        });
    });
}

}  // namespace kumo::node
