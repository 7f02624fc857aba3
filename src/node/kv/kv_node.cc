#include "node/kv/kv_node.h"

#include "base/assert.h"
#include "base/log.h"
#include "node/internal/kv_mutant.h"

#include <algorithm>
#include <utility>

// A node of a cluster of keys: opening, what the control plane says, the end. Its checkpoints:
// kv_checkpoints.cc.

namespace kumo::node {

namespace {

constexpr Duration kTickInterval = std::chrono::milliseconds(100);
constexpr Duration kEnterAgainAfter = std::chrono::seconds(1);
/// What the log of a copy begins with that was not made by its entries.
constexpr store::Seq kBroughtInSeq = 1;

ControlOptions control_options(const KvNodeOptions& options) {
    ControlOptions out;
    out.directory = io::join_path(options.data_dir, "control");
    out.name = options.cluster.name;
    out.peering_listen = options.cluster.listen;
    out.peering_address = options.cluster.peering_address;
    out.api_address = options.cluster.api_address;
    out.zone = options.cluster.zone;
    out.tls = {
        options.cluster.tls.certificate,
        options.cluster.tls.private_key,
        options.cluster.tls.ca};
    out.is_met = true;
    return out;
}

}  // namespace

KvNode::KvNode(KvNodeOptions options, const NodeEnvironment& environment, KvEngine& engine)
    : options_(std::move(options)),
      fs_(environment.fs),
      loop_(environment.data_loop),
      clock_(environment.clock),
      engine_(engine),
      files_(fs_, io::join_path(options_.data_dir, "keys")),
      data_log_(fs_, options_.data_dir),
      runs_(fs_, options_.data_dir),
      jobs_(loop_, environment.pool, environment.background) {}

KvNode::~KvNode() {
    if (stopping_ && wal_ != nullptr) {
        copy_.reset();
        wal_.reset();
        const Status ended = runs_.end_cleanly(run_, data_log_.directory());
        if (!ended.ok()) {
            log_warn(ended.error().message);
        }
    }
}

Result<std::unique_ptr<KvNode>>
KvNode::open(KvNodeOptions options, const NodeEnvironment& environment, KvEngine& engine) {
    std::unique_ptr<KvNode> node(new KvNode(std::move(options), environment, engine));
    KUMO_TRY(node->open(environment));
    return node;
}

Status KvNode::open(const NodeEnvironment& environment) {
    KUMO_TRY(io::make_directories(fs_, io::join_path(options_.data_dir, "keys")));
    KUMO_TRY_ASSIGN(lock_, fs_.lock(io::join_path(options_.data_dir, "LOCK")));
    run_ = runs_.present(options_.fsync);
    KUMO_TRY_ASSIGN(const auto before, runs_.read());
    KUMO_TRY_ASSIGN(const bool has_log, io::exists(fs_, data_log_.directory()));
    unclean_ = has_log && RunRecords::may_lack(before, run_);
    KUMO_TRY_ASSIGN(life_, files_.read_life());
    KUMO_TRY_ASSIGN(
        auto plane,
        ControlPlane::open(
            {environment.control_loop,
             fs_,
             environment.network,
             environment.resolver,
             environment.pool,
             environment.background,
             clock_},
            control_options(options_)
        )
    );
    control_ = std::make_unique<ControlLink>(loop_, environment.control_loop, std::move(plane));
    KUMO_TRY(read_log());
    if (!unclean_) {
        KUMO_TRY(runs_.write(run_));
    }
    make_parts();
    return {};
}

/// The streams of this life are kept in memory until their copy is opened; one of the life before
/// that was carried over is made at once.
Status KvNode::read_log() {
    KUMO_TRY(data_log_.check(loop_.random()));
    store::WalOptions wal_options;
    wal_options.directory = data_log_.directory();
    wal_options.fsync = options_.fsync ? store::FsyncPolicy::kAlways : store::FsyncPolicy::kNone;
    wal_options.pending_bytes_max = 4 * kKvUncommittedBytesMax;
    KUMO_TRY_ASSIGN(wal_, store::Wal::open(loop_, fs_, std::move(wal_options)));
    const bool carried = life_.carried && life_.carried->life != life_.life;
    if (carried) {
        KUMO_TRY(load_carried());
    }
    std::map<store::StreamId, store::Seq> from;
    for (const store::StreamId stream : wal_->streams()) {
        const KvFiles::Place place = place_of(stream);
        const bool brings =
            carried && place == KvFiles::Place{life_.carried->life, life_.carried->copy};
        if (place.life != life_.life && !brings) {
            continue;
        }
        const auto mark = files_.read_mark(place.life, place.copy);
        // A copy whose mark is damaged is built anew; its log is of no use.
        if (mark.ok()) {
            from[stream] = mark.value() ? mark.value()->seq : store::kFromFirst;
        }
    }
    return wal_->replay(
        from,
        [&](store::StreamId stream, store::Seq seq, ByteView payload) -> Status {
            KUMO_TRY_ASSIGN(auto entry, cluster::decode_entry(seq, payload));
            const KvFiles::Place place = place_of(stream);
            if (place.life == life_.life) {
                tails_[place.copy].push_back(std::move(entry));
            } else {
                KvCopy::make(*entry, carried_made_, engine_);
            }
            return {};
        }
    );
}

/// The keys of the life before, which are not stored as of this one yet.
Status KvNode::load_carried() {
    const KvCarried& carried = *life_.carried;
    KUMO_TRY_ASSIGN(const auto mark, files_.read_mark(carried.life, carried.copy));
    if (mark) {
        KUMO_TRY(engine_.load(files_.path_of(carried.life, carried.copy, mark->seq)));
        carried_made_.moves = mark->moves;
    }
    carries_ = true;
    return {};
}

void KvNode::make_parts() {
    const auto copy = [this] {
        return copy_;
    };
    install_sender_ = std::make_unique<KvInstallSender>(KvInstallSender::Environment{
        loop_,
        jobs_,
        *control_,
        copy,
        [this](store::Seq least, Taken done) { take_checkpoint(least, std::move(done)); },
        options_.limits.install_chunk_bytes});
    install_receiver_ = std::make_unique<KvInstallReceiver>(KvInstallReceiver::Environment{
        fs_,
        jobs_,
        *control_,
        copy,
        files_,
        [this] { return life_.life; },
        [this](cluster::CopyId id, const KvCheckpoint& checkpoint) {
            on_installed(id, checkpoint);
        }});
    moves_ = std::make_unique<KvMoves>(KvMoves::Environment{
        loop_,
        clock_,
        *control_,
        engine_,
        copy,
        [this]() -> const State& { return *state_; },
        [this] { return incarnation_; },
        [this] { return leads(); },
        [this](KvCommand command) { propose(std::move(command), [](const Status&) {}); },
        [this] { engine_.on_change(); },
        std::min(options_.limits.install_chunk_bytes, kKvMoveChunkBytes)});
}

void KvNode::start() {
    carries_ = carries_ || (is_new() && !engine_.is_empty());
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
        if (copy_ != nullptr) {
            copy_->reset_connection(node);
        }
    };
    events.on_kv_message = [this](const cluster::NodeId&, const std::string& bytes) {
        engine_.on_message(bytes);
    };
    events.on_dissolve = [this] {
        on_dissolve();
    };
    events.on_forsaken = [this](const Uuid& cluster) {
        if (life_.cluster != cluster) {  // Else it has been there, and has its part of the keys.
            control_->begin_anew();
        }
    };
    std::set<cluster::CopyId> unclean;
    if (unclean_) {
        unclean.insert(cluster::kEveryCopyUnclean);
    }
    control_->start(std::move(events), std::move(unclean));
    loop_.post([this] { tick(); });
}

// ---- where it stands

const KvGroup* KvNode::group() const {
    return group_of(state_->kv, state_->cluster, self());
}

std::string KvNode::write_refusal() const {
    if (broken_) {
        return broken_->message;
    }
    return copy_ == nullptr ? "" : copy_->refusal();
}

void KvNode::propose(Command command, std::function<void(Status)> done) {
    control_->propose(std::move(command), [done = std::move(done)](const Result<Change>& change) {
        done(change.ok() ? Status() : Status(change.error()));
    });
}

// ---- what the control plane says

void KvNode::on_state(std::shared_ptr<const State> state, std::uint64_t incarnation) {
    state_ = std::move(state);
    incarnation_ = incarnation;
    if (!is_leaving()) {
        left_ = {};  // It may be back there before it is registered anywhere else.
    }
    if (incarnation == 0 || stopping_ || is_leaving()) {
        out_ = out_ || (dissolving_ && state_->cluster.id.is_nil());
        engine_.on_change();
        return;
    }
    if (std::exchange(unclean_, false)) {
        (void)runs_.write(run_);
    }
    if (state_->cluster.id != life_.cluster) {
        arrive();
    } else if (std::exchange(out_, false)) {
        // The other cluster did not take it in.
        dissolving_ = false;
        carries_ = false;
        life_.carried.reset();
        write_life();
    }
    const KvGroup* own = group();
    const cluster::Shard* shard =
        own == nullptr ? nullptr : cluster::find_shard(state_->cluster, own->shard);
    if (shard == nullptr) {
        if (copy_ != nullptr) {
            drop_copy();
        }
        enter();
    } else {
        keep_copy(*shard);
    }
    moves_->on_state();
    engine_.on_change();
    dissolve_if_quiet();
}

/// The node is in another cluster than before: a new life begins.
void KvNode::arrive() {
    const bool first = life_.cluster.is_nil();
    if (copy_ != nullptr) {
        close_copy();
    } else if (life_.carried && life_.carried->life == life_.life && !carries_) {
        take_along();
    }
    if (!carries_) {
        engine_.clear();  // A replica's: it was its master's.
    }
    engine_.drop_arriving(SlotSet::all());  // From nodes of another cluster.
    carried_made_ = {};
    dissolving_ = false;
    out_ = false;
    checkpoint_.reset();
    tails_.clear();
    life_.life += 1;
    life_.cluster = state_->cluster.id;
    life_.imports = first && carries_;
    write_life();
}

/// The run before ended on its way: what it had is read now.
void KvNode::take_along() {
    const Status loaded = load_carried();
    if (!loaded.ok()) {
        broken_ = loaded.error();
        log_error(loaded.error().message);
        return;
    }
    for (const cluster::EntryPtr& entry : tails_[life_.carried->copy]) {
        KvCopy::make(*entry, carried_made_, engine_);
    }
}

/// It has no copy of anything: it gets a group of its own.
void KvNode::enter() {
    const MonotonicTime now = clock_.monotonic_now();
    if (now - entered_at_ < kEnterAgainAfter) {
        return;
    }
    entered_at_ = now;
    KvEnter command;
    command.node = self();
    command.mode = options_.mode;
    command.epoch_seen = epoch_seen_;
    if (carries_ && life_.carried) {
        command.slots = life_.carried->slots;
        command.epoch = life_.carried->epoch;
    } else if (carries_) {
        command.slots = engine_.slots_in_use();
    }
    propose(KvCommand(std::move(command)), [](const Status& entered) {
        if (!entered.ok() && entered.error().code != ErrorCode::kAlreadyExists) {
            log_warn("this node is in no group yet: " + entered.error().message);
        }
    });
}

void KvNode::keep_copy(const cluster::Shard& shard) {
    const cluster::CopyId copy = shard.copies.at(self());
    if (copy_ != nullptr && (copy_->shard() != shard.id || copy_->copy() != copy)) {
        drop_copy();
    }
    if (copy_ == nullptr && bringing_ != copy && !broken_) {
        open_copy(shard, copy);
    }
    if (copy_ == nullptr) {
        return;
    }
    copy_->on_state(shard, incarnation_);
    for (auto& [node, message] : std::exchange(early_, {})) {
        if (message.shard == shard.id) {
            copy_->receive(node, message);
        }
    }
}

void KvNode::open_copy(const cluster::Shard& shard, cluster::CopyId copy) {
    if (carries_) {
        bring_in(shard, copy);
        return;
    }
    const Status opened = open_stored(shard, copy);
    if (opened.ok()) {
        remove_strangers();
        return;
    }
    log_error("this node's keys are of no use: " + opened.error().message);
    engine_.clear();
    const bool alone = shard.in_sync.size() == 1 && shard.in_sync.contains(self());
    if (alone) {
        broken_ = opened.error();
    } else {
        control_->propose_cluster(cluster::ReplaceCopy{shard.id, self(), copy});
    }
}

Status KvNode::open_stored(const cluster::Shard& shard, cluster::CopyId copy) {
    KvCopy::Parts parts;
    parts.shard = shard.id;
    parts.copy = copy;
    KUMO_TRY_ASSIGN(checkpoint_, files_.read_mark(life_.life, copy));
    if (checkpoint_) {
        // A run before ended as it was sent the keys, after the log had begun.
        const store::Seq logged = wal_->last_seq(kv_stream_of(life_.life, copy));
        if (logged != 0 && logged < checkpoint_->seq) {
            return corruption("the log ends before the checkpoint");
        }
        KUMO_TRY(engine_.load(files_.path_of(life_.life, copy, checkpoint_->seq)));
        parts.applied = checkpoint_->seq;
        parts.mark = checkpoint_->mark;
        parts.moves = checkpoint_->moves;
    }
    const auto tail = tails_.find(copy);
    if (tail != tails_.end()) {
        parts.tail = std::move(tail->second);
        tails_.erase(tail);
    }
    if (!parts.tail.empty() && parts.tail.front()->seq != parts.applied + 1) {
        return corruption("the log lacks what follows on the checkpoint");
    }
    make_copy(std::move(parts));
    return {};
}

void KvNode::make_copy(KvCopy::Parts parts) {
    KvCopy::Environment env;
    env.loop = &loop_;
    env.wal = wal_.get();
    env.stream = kv_stream_of(life_.life, parts.copy);
    env.self = self();
    env.engine = &engine_;
    env.limits = options_.limits;
    env.send = [this](const cluster::NodeId& node, const cluster::CopyMessage& message) {
        control_->send(node, cluster::encode_message(message));
    };
    env.propose = [this](cluster::Command command) {
        control_->propose_cluster(std::move(command));
    };
    env.install = [this](const cluster::NodeId& node) {
        install_sender_->start(node);
    };
    env.on_log_failed = [this](const Error& error) {
        log_error("the write-ahead log has failed: " + error.message);
        if (state_->cluster.members.size() > 1) {
            control_->leave_service(error);
        }
    };
    env.on_progress = [this] {
        on_progress();
    };
    copy_ = std::make_shared<KvCopy>(std::move(env), std::move(parts));
}

/// The group is another one, or the copy is to be built anew: what was here goes.
void KvNode::drop_copy() {
    close_copy();
    engine_.clear();
}

/// What follows begins its log anew.
void KvNode::close_copy() {
    copy_->close();
    copy_.reset();
    checkpoint_.reset();
    checkpointing_.reset();
    engine_.on_role_lost();
    moves_->on_copy_closed();
    for (auto& [seq, done] : std::exchange(wait_for_checkpoint_, {})) {
        done(Error{ErrorCode::kUnavailable, "the copy is gone"});
    }
}

void KvNode::on_installed(cluster::CopyId copy, const KvCheckpoint& checkpoint) {
    if (copy_ == nullptr || copy_->copy() != copy || copy_->core().is_primary()) {
        return;
    }
    const cluster::ShardId id = copy_->shard();
    if (copy_->core().last() != 0) {
        // The log came after all: what is in its stream does not go on behind the file.
        control_->propose_cluster(cluster::ReplaceCopy{id, self(), copy});
        return;
    }
    drop_copy();
    const Status loaded = engine_.load(files_.path_of(life_.life, copy, checkpoint.seq));
    const cluster::Shard* shard = cluster::find_shard(state_->cluster, id);
    if (!loaded.ok()) {
        log_error("the keys that another node has sent: " + loaded.error().message);
        engine_.clear();
        control_->propose_cluster(cluster::ReplaceCopy{id, self(), copy});
        return;
    }
    checkpoint_ = checkpoint;
    KvCopy::Parts parts;
    parts.shard = id;
    parts.copy = copy;
    parts.applied = checkpoint.seq;
    parts.mark = checkpoint.mark;
    parts.moves = checkpoint.moves;
    make_copy(std::move(parts));
    if (shard != nullptr) {
        copy_->on_state(*shard, incarnation_);
    }
    engine_.on_change();
}

// ---- from one cluster to another

/// The control plane wants to leave for another cluster: what has been acknowledged goes along.
void KvNode::on_dissolve() {
    dissolving_ = true;
    out_ = false;  // A reset may have ended a departure from before.
    engine_.on_change();
    dissolve_if_quiet();
}

/// The run has not got to what the one before has left: that is to go along, too.
bool KvNode::is_opening() const {
    if (copy_ != nullptr || broken_ || state_->cluster.id != life_.cluster) {
        return false;
    }
    const auto stored = files_.copies();
    const bool has_any = !tails_.empty() || (stored.ok() && !stored.value().empty());
    return incarnation_ == 0 ? has_any : group() != nullptr;
}

void KvNode::dissolve_if_quiet() {
    const bool quiet = copy_ == nullptr || copy_->has_made_all();
    if (!dissolving_ || out_ || !quiet || bringing_ || is_opening()) {
        return;
    }
    const KvGroup* own = group();
    const bool leads = own != nullptr && master_of(state_->cluster, *own) == self();
    if (copy_ != nullptr && leads) {
        life_.carried = KvCarried{life_.life, copy_->copy(), own->slots, own->config_epoch};
        carries_ = true;
        write_life();
    }
    control_->dissolve();
}

/// The engine's keys become the beginning of a new copy: they are stored as what its log begins
/// behind, so that other copies are sent them before anything else.
void KvNode::bring_in(const cluster::Shard& shard, cluster::CopyId copy) {
    const bool alone = shard.in_sync.size() == 1 && shard.in_sync.contains(self());
    if (!alone || tails_.contains(copy)) {
        // A run before has come further: the log has begun, so the keys are stored.
        carries_ = false;
        engine_.clear();
        open_copy(shard, copy);
        return;
    }
    const auto stored = files_.read_mark(life_.life, copy);
    if (stored.ok() && stored.value()) {
        carries_ = false;
        engine_.clear();
        open_copy(shard, copy);
        return;
    }
    if (planted(KvMutant::kBringNothing)) {
        carries_ = false;
        life_.carried.reset();
        write_life();
        open_copy(shard, copy);
        return;
    }
    bringing_ = copy;
    Status begun = io::make_directories(fs_, files_.directory_of(life_.life, copy));
    if (begun.ok()) {
        begun = engine_.begin_snapshot(
            files_.path_of(life_.life, copy, kBroughtInSeq),
            [this, id = shard.id, copy, term = shard.term](const Status& written) {
                if (bringing_ != copy) {
                    return;
                }
                if (written.ok()) {
                    on_brought_in(id, copy, term);
                } else {
                    log_error("the keys cannot be stored: " + written.error().message);
                    bringing_.reset();
                }
            }
        );
    }
    if (!begun.ok()) {
        log_error("the keys cannot be stored: " + begun.error().message);
        bringing_.reset();
    }
}

void KvNode::on_brought_in(cluster::ShardId id, cluster::CopyId copy, cluster::Term term) {
    bringing_.reset();
    KvCheckpoint checkpoint;
    checkpoint.seq = kBroughtInSeq;
    checkpoint.mark.term = term;
    const auto size = fs_.file_size(files_.path_of(life_.life, copy, kBroughtInSeq));
    checkpoint.bytes = size.ok() ? size.value() : 0;
    const Status marked = files_.write_mark(life_.life, copy, checkpoint);
    if (!marked.ok()) {
        log_error("the keys cannot be stored: " + marked.error().message);
        return;
    }
    carries_ = false;
    life_.carried.reset();
    life_.imports = false;
    write_life();
    const cluster::Shard* shard = cluster::find_shard(state_->cluster, id);
    if (shard == nullptr || incarnation_ == 0) {
        return;
    }
    checkpoint_ = checkpoint;
    KvCopy::Parts parts;
    parts.shard = id;
    parts.copy = copy;
    parts.applied = checkpoint.seq;
    parts.mark = checkpoint.mark;
    make_copy(std::move(parts));
    remove_strangers();
    copy_->on_state(*shard, incarnation_);
    engine_.on_change();
    dissolve_if_quiet();
}

void KvNode::reset(const cluster::NodeId& as) {
    if (copy_ != nullptr) {
        drop_copy();
    }
    bringing_.reset();
    carries_ = false;
    life_.carried.reset();
    entered_at_ = {};
    epoch_seen_ = as == self() ? state_->kv.current_epoch : 0;
    left_ = state_->cluster.id;
    control_->reset(as);
}

// ---- what other nodes say

void KvNode::on_copy_message(const cluster::NodeId& node, const std::string& bytes) {
    auto message = cluster::decode_message(bytes);
    if (!message.ok()) {
        log_warn("node " + node.to_string() + ": " + message.error().message);
        return;
    }
    if (copy_ != nullptr && message.value().shard == copy_->shard()) {
        copy_->receive(node, message.value());
        return;
    }
    const auto* prepare = std::get_if<cluster::Prepare>(&message.value().body);
    if (prepare == nullptr || !prepare->entries.empty()) {
        return;
    }
    early_.emplace_back(node, std::move(message).value());
    if (early_.size() > kKvEarlyMessagesMax) {
        early_.pop_front();
    }
}

void KvNode::on_request(PeerRequest type, const std::string& bytes, std::uint64_t reply) {
    if (type == PeerRequest::kInstall) {
        install_receiver_->on_request(bytes, reply);
        return;
    }
    if (type == PeerRequest::kKvRequest) {
        moves_->on_request(bytes, reply);
        return;
    }
    control_->answer(reply, Error{ErrorCode::kUnsupported, "this node does not know the request"});
}

// ---- time

void KvNode::tick() {
    if (copy_ != nullptr) {
        copy_->tick(clock_.boottime_now());
        const std::uint64_t last = checkpoint_ ? checkpoint_->bytes : 0;
        const bool due =
            !wait_for_checkpoint_.empty()
            || copy_->log_bytes() >= std::max(options_.limits.checkpoint_log_bytes_min, last / 2);
        if (due && !checkpointing_ && copy_->may_checkpoint()) {
            begin_checkpoint();
        }
    }
    if (copy_ == nullptr && incarnation_ != 0 && !stopping_ && !is_leaving()) {
        const KvGroup* own = group();
        const cluster::Shard* shard =
            own == nullptr ? nullptr : cluster::find_shard(state_->cluster, own->shard);
        if (shard == nullptr) {
            enter();
        } else {
            keep_copy(*shard);  // Its keys could not be stored, or read, before.
        }
    }
    moves_->tick();
    (void)loop_.add_timer(kTickInterval, [this] { tick(); });
}

void KvNode::on_progress() {
    moves_->on_progress();
    dissolve_if_quiet();
    if (checkpointing_ && checkpointing_->written) {
        store_checkpoint();
    }
}

void KvNode::shut_down(std::function<void()> done) {
    stopping_ = true;
    control_->announce_end();
    control_->retire([done = std::move(done)] { done(); });
}

}  // namespace kumo::node
