#include "api/redis/cluster/cluster.h"

#include "api/redis/persistence/persistence.h"
#include "base/assert.h"
#include "base/log.h"
#include "kv/aof/aof_writer.h"
#include "kv/command/words.h"
#include "node/kv/kv_node.h"
#include "wire/byte_reader.h"
#include "wire/crc16.h"

#include <algorithm>
#include <utility>

namespace kumo::api_redis {

namespace {

// The first byte of a message between nodes.
constexpr char kPublish = 'p';
constexpr char kPublishShard = 's';

constexpr ByteView kNotServed = "CLUSTERDOWN Hash slot not served";
constexpr std::int64_t kLookAroundMs = 500;
constexpr std::int64_t kOrphanMs = 5000;
constexpr std::int64_t kMasterSurelyUpMs = 3000;  ///< Who is silent is fenced before.
constexpr int kBusPortOffset = 10000;

std::string message_of(char kind, ByteView channel, ByteView message) {
    std::string out(1, kind);
    wire::append_sized(out, channel);
    wire::append_sized(out, message);
    return out;
}

constexpr std::size_t kHostnameBytesMax = 255;

Status check_hostname(const std::string& name) {
    if (name.size() > kHostnameBytesMax) {
        return invalid_argument("Hostnames must be less than 256 characters");
    }
    const bool good = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
               || c == '-' || c == '.';
    });
    return good ? Status()
                : Status(invalid_argument(
                    "Hostnames may only contain alphanumeric characters, hyphens or dots"
                ));
}

}  // namespace

Cluster::Cluster(Service& service) : service_(service), slot_moves_(service) {
    owners_.emplace_back();
    own_endpoint_.port = service.environment().port;
    own_endpoint_.bus_port = static_cast<std::uint16_t>(own_endpoint_.port + kBusPortOffset);
}

Cluster::~Cluster() {
    service_.remove_feed(*this);
}

void Cluster::attach(node::KvNode& node) {
    node_ = &node;
    service_.add_feed(*this);
    service_.add_periodic([this] { tick(); });
    service_.on_setting("cluster-announce-hostname", [this]() -> Status {
        const std::string& name = service_.settings.text("cluster-announce-hostname");
        KUMO_TRY(check_hostname(name));
        node_->set_name(name);
        return {};
    });
    service_.on_setting("replication-mode", []() -> Status {
        return Error{ErrorCode::kInvalidArgument, "a group keeps the mode that it began with"};
    });
    service_.on_setting("cluster-replica-no-failover", [this]() -> Status {
        bar_or_not();
        return {};
    });
    on_change();
}

bool Cluster::runs() const {
    return node_ != nullptr && node_->may_run() && node_->has_lease();
}

bool Cluster::is_replica() const {
    return own_ != 0 && !master_;
}

// ---- what commands did

void Cluster::on_changes(std::span<const PropagatedCommand> commands) {
    if (applying_) {
        return;
    }
    std::string changes;
    bool flushes = false;
    for (const PropagatedCommand& command : commands) {
        if (command.for_replicas_only) {
            continue;
        }
        const std::vector<ByteView> views(command.arguments.begin(), command.arguments.end());
        flushes =
            flushes || kv::same_word(views[0], "flushall") || kv::same_word(views[0], "flushdb");
        kv::append_aof_command(views, &changes);
    }
    if (changes.empty()) {
        return;
    }
    if (!node_->may_run()) {
        // A command that was let in ran while the role was lost; nobody is told of it.
        log_warn("changes of keys were made by a node that does not lead them");
        return;
    }
    node_->copy()->append(std::move(changes));
    slot_moves_.on_changes(commands);
    if (flushes) {
        node_->moves().fail_all("all keys were flushed");
    }
}

void Cluster::apply(ByteView changes) {
    applying_ = true;
    wire::RespParser parser(wire::RespLimits{});
    parser.feed(changes);
    int db = 0;
    while (parser.next() == wire::RespParser::Outcome::kRequest) {
        const Status done = service_.replay(&db, parser.arguments());
        if (!done.ok()) {
            log_error("a change of keys is of no use: " + done.error().message);
        }
    }
    service_.drop_propagation();
    applying_ = false;
}

void Cluster::clear() {
    applying_ = true;
    for (int db = 0; db < service_.keyspace.database_count(); ++db) {
        service_.keyspace.database(db).clear();
    }
    slot_moves_.drop_arriving(node::SlotSet::all());
    service_.clear_functions();
    service_.drop_propagation();
    applying_ = false;
}

bool Cluster::is_empty() const {
    return service_.keyspace.size() == 0;
}

node::SlotSet Cluster::slots_in_use() const {
    node::SlotSet slots;
    for (std::uint16_t slot = 0; slot < node::kSlots; ++slot) {
        if (keys_in_slot(slot) > 0) {
            slots.insert(slot);
        }
    }
    return slots;
}

std::size_t Cluster::keys_in_slot(std::uint16_t slot) const {
    return service_.keyspace.database(0).slot_size(slot);
}

Status Cluster::begin_snapshot(const std::string& path, std::function<void(Status)> done) {
    return service_.persistence->begin_snapshot(path, std::move(done), slot_moves_.arriving());
}

Status Cluster::load(const std::string& path) {
    applying_ = true;
    Status loaded = service_.persistence->load_snapshot(path);
    slot_moves_.take_loaded();
    service_.drop_propagation();
    applying_ = false;
    return loaded;
}

// ---- answers

std::uint64_t Cluster::mark() const {
    return node_->copy() == nullptr ? 0 : node_->copy()->appended();
}

void Cluster::on_committed(store::Seq seq) {
    released_ = seq;
    service_.release_answers();
}

void Cluster::on_copied() {
    if (!waiters_.empty()) {
        serve_waiters();
    }
}

/// Whoever waits for an answer cannot be told what became of it; but for those who only wait for
/// the change of the cluster that this may be.
void Cluster::on_role_lost() {
    service_.drop_held_answers(released_);
    released_ = 0;
}

// ---- changes of the cluster

const node::KvState& Cluster::slots() const {
    return expected_ ? expected_->first : node_->state()->kv;
}

const cluster::State& Cluster::members() const {
    return expected_ ? expected_->second : node_->state()->cluster;
}

bool Cluster::change(Session& session, const node::KvCommand& command, std::string* error) {
    auto next = std::pair(slots(), members());
    const Status expected = node::apply(next.first, next.second, command);
    if (!expected.ok()) {
        *error = "ERR " + expected.error().message;
        return false;
    }
    expected_ = std::move(next);
    ++session.awaited_changes;
    if (reset_) {
        reset_->then.emplace_back(session.id, command);
    } else {
        propose(session.id, command);
    }
    return true;
}

void Cluster::propose(SessionId session, const node::KvCommand& command) {
    ++changing_;
    node_->propose(command, [this, session](const Status& made) {
        if (--changing_ == 0 && !reset_) {
            expected_.reset();
        }
        on_changed(session, made);
    });
}

void Cluster::on_changed(SessionId session, const Status& made) {
    Session* waiting = service_.session(session);
    if (waiting == nullptr) {
        return;
    }
    --waiting->awaited_changes;
    if (!made.ok() && made.error().code != ErrorCode::kAlreadyExists) {
        // It was told that it is done, which has not left yet.
        log_warn("a change of the cluster came to nothing: " + made.error().message);
        waiting->abort();
    } else if (waiting->awaited_changes == 0) {
        waiting->release_answers(mark() <= released_ ? UINT64_MAX : released_);
        waiting->process();
    }
}

cluster::NodeId Cluster::self() const {
    return reset_ ? reset_->as : node_->self();
}

/// What is to come of it is known: this node, in a group of its own.
void Cluster::reset(Session& session, bool as_another) {
    reset_ = Reset{
        as_another ? make_uuid(service_.random()) : node_->self(),
        node_->state()->cluster.id,
        session.id,
        {}};
    std::pair<node::KvState, cluster::State> next;
    auto member = std::make_shared<cluster::Member>();
    member->id = reset_->as;
    next.second.members[reset_->as] = std::move(member);
    const Status entered =
        node::apply(next.first, next.second, node::KvEnter{reset_->as, {}, 0, {}, 0});
    KUMO_ASSERT(entered.ok());
    expected_ = std::move(next);
    ++session.awaited_changes;
    node_->reset(reset_->as);
}

/// The node is in its new cluster: what was asked of it meanwhile is done now.
void Cluster::end_reset() {
    const bool arrived = reset_ && node_->state()->cluster.id != reset_->from
                         && node_->self() == reset_->as && node_->group() != nullptr;
    if (!arrived) {
        return;
    }
    Reset ended = std::move(*reset_);
    reset_.reset();
    for (auto& [session, command] : ended.then) {
        propose(session, command);
    }
    if (changing_ == 0) {
        expected_.reset();
    }
    on_changed(ended.session, {});
}

void Cluster::on_change() {
    rebuild_table();
    end_reset();
    const bool runner = node_->may_run();
    if (was_runner_ && !runner) {
        drop_blocked();
    }
    was_runner_ = runner;
    redirect_blocked();
    follow_slots();
    write_nodes_file();
    serve_waiters();
    wake_parked();
}

void Cluster::rebuild_table() {
    const node::State& state = *node_->state();
    const cluster::NodeId self = node_->self();
    if (const cluster::Member* member = cluster::find_member(state.cluster, self)) {
        own_endpoint_ = endpoint_of(*member);
    }
    owner_.fill(0);
    owners_.assign(1, {});
    own_ = 0;
    master_ = false;
    std::size_t assigned = 0;
    bool all_up = true;
    for (const auto& [shard, group] : state.kv.groups) {
        const cluster::Shard* known = cluster::find_shard(state.cluster, shard);
        Owner owner;
        owner.shard = shard;
        owner.master = node::master_of(state.cluster, *group);
        const cluster::Member* member = cluster::find_member(state.cluster, owner.master);
        owner.up = member != nullptr && !member->fenced;
        const auto place = static_cast<std::uint16_t>(owners_.size());
        if (known != nullptr && known->copies.contains(self)) {
            own_ = place;
            master_ = owner.master == self;
        }
        for (const auto& [first, last] : group->slots.ranges()) {
            for (std::uint32_t slot = first; slot <= last; ++slot) {
                owner_[slot] = place;
            }
            assigned += last - first + 1U;
            all_up = all_up && owner.up;
        }
        owners_.push_back(owner);
    }
    const auto open = state.kv.open_slots.find(self);
    open_ = open == state.kv.open_slots.end() ? nullptr : &open->second;
    covered_ = assigned == node::kSlots && all_up;
    up_ = own_ != 0 && assigned > 0
          && (covered_ || !service_.settings.flag("cluster-require-full-coverage"));
}

void Cluster::wake_parked() {
    service_.wake_parked();
}

/// Those that wait for keys which are not served here any more.
void Cluster::drop_blocked() {
    for (const auto& [id, session] : service_.sessions()) {
        if (session->blocked && session->block_reason == BlockReason::kKeys) {
            service_.unblock(
                *session,
                "UNBLOCKED force unblock from blocking operation, instance state changed (master "
                "-> replica?)"
            );
        }
    }
}

/// Those that wait for keys of a slot that another node has now.
void Cluster::redirect_blocked() {
    std::vector<std::pair<SessionId, std::string>> leaving;
    for (const auto& [id, session] : service_.sessions()) {
        if (!session->blocked || session->block_reason != BlockReason::kKeys
            || session->blocked->wait.keys.empty() || !master_) {
            continue;
        }
        const std::uint16_t slot = wire::key_slot(session->blocked->wait.keys.front());
        std::string error(kNotServed);
        const bool imports = open_ != nullptr && open_->contains(slot) && open_->at(slot).importing;
        if (owner_[slot] != own_ && !imports) {
            (void)(owner_[slot] == 0 ? Route::kElsewhere : moved(slot, &error));
            leaving.emplace_back(id, std::move(error));
        }
    }
    for (const auto& [id, error] : leaving) {
        if (Session* session = service_.session(id)) {
            service_.unblock(*session, error);
        }
    }
}

/// A master that has lost its last slot to another one becomes its replica, if it may.
void Cluster::follow_slots() {
    const node::KvGroup* own = node_->group();
    if (own == nullptr || !master_ || !own->slots.empty()) {
        had_slots_ = own != nullptr && master_ ? own->slots : node::SlotSet();
        follows_ = {};
        return;
    }
    const auto ranges = std::exchange(had_slots_, {}).ranges();
    if (ranges.empty() || !service_.settings.flag("cluster-allow-replica-migration")) {
        return;
    }
    const node::KvGroup* taker = node::owner_of(node_->state()->kv, ranges.back().second);
    if (taker != nullptr) {
        follows_ = node::master_of(node_->state()->cluster, *taker);
    }
}

void Cluster::tick() {
    wake_parked();
    const std::int64_t now = service_.now_ms();
    if (now - looked_around_ms_ < kLookAroundMs) {
        return;
    }
    looked_around_ms_ = now;
    bar_or_not();
    if (!follows_.is_nil() && service_.keyspace.size() == 0 && runs()) {
        replicate(std::exchange(follows_, {}));
    } else if (is_replica() && service_.settings.flag("cluster-allow-replica-migration")) {
        relieve_orphan();
    }
}

/// What `cluster-replica-no-failover` says is told to the cluster. It is taken back only when the
/// master has been up for so long that it would be known if it were not: whoever lets a replica
/// loose whose master is down has to say who is to be the master, with CLUSTER FAILOVER.
void Cluster::bar_or_not() {
    const cluster::Member* self = cluster::find_member(node_->state()->cluster, node_->self());
    const bool wanted = service_.settings.flag("cluster-replica-no-failover");
    const bool differs = self != nullptr && self->barred != wanted;
    const bool may_wait = differs && !wanted && is_replica();
    if (!may_wait || !owners_[own_].up) {
        master_up_since_ms_ = 0;
    } else if (master_up_since_ms_ == 0) {
        master_up_since_ms_ = service_.now_ms();
    }
    const bool is_sure =
        master_up_since_ms_ != 0 && service_.now_ms() - master_up_since_ms_ >= kMasterSurelyUpMs;
    if (differs && (!may_wait || is_sure)) {
        node_->propose(
            cluster::Command(cluster::SetBarred{node_->self(), wanted}),
            [](const Status&) {}
        );
    }
}

void Cluster::replicate(const cluster::NodeId& master) {
    log_info("this node becomes a replica of " + node::node_name(master));
    node_->propose(
        node::KvCommand(node::KvReplicate{node_->self(), master}),
        [](const Status& done) {
            if (!done.ok()) {
                log_warn("it stays what it is: " + done.error().message);
            }
        }
    );
}

/// A master with slots and no replica gets one from whoever has the most, if that one keeps
/// `cluster-migration-barrier`. All see the same state, and one of them goes: the lowest.
void Cluster::relieve_orphan() {
    const node::State& state = *node_->state();
    const auto good_replicas = [&state](const node::KvGroup& group) {
        std::vector<cluster::NodeId> out;
        const cluster::Shard& shard = *cluster::find_shard(state.cluster, group.shard);
        for (const auto& [id, copy] : shard.copies) {
            const cluster::Member* member = cluster::find_member(state.cluster, id);
            if (id != shard.primary && member != nullptr && !member->fenced) {
                out.push_back(id);
            }
        }
        return out;
    };
    const node::KvGroup* orphan = nullptr;
    const node::KvGroup* richest = nullptr;
    std::size_t most = 0;
    for (const auto& [id, group] : state.kv.groups) {
        const std::size_t replicas = good_replicas(*group).size();
        const cluster::Member* master =
            cluster::find_member(state.cluster, node::master_of(state.cluster, *group));
        const bool works = master != nullptr && !master->fenced && !group->slots.empty();
        orphan = orphan == nullptr && works && replicas == 0 ? group.get() : orphan;
        if (works && replicas > most) {
            most = replicas;
            richest = group.get();
        }
    }
    const auto barrier = service_.settings.number("cluster-migration-barrier");
    if (orphan == nullptr || richest == nullptr || static_cast<std::int64_t>(most) <= barrier
        || owners_[own_].shard != richest->shard
        || good_replicas(*richest).front() != node_->self()) {
        orphan_since_ms_ = 0;
        return;
    }
    // Its own replica may only be starting anew.
    orphan_since_ms_ = orphan_since_ms_ == 0 ? service_.now_ms() : orphan_since_ms_;
    if (service_.now_ms() - orphan_since_ms_ >= kOrphanMs) {
        orphan_since_ms_ = 0;
        replicate(node::master_of(state.cluster, *orphan));
    }
}

// ---- messages

void Cluster::broadcast(ByteView channel, ByteView message) {
    const std::string bytes = message_of(kPublish, channel, message);
    for (const auto& [id, member] : node_->state()->cluster.members) {
        if (id != node_->self() && !member->fenced) {
            node_->send(id, bytes);
        }
    }
}

void Cluster::broadcast_shard(ByteView channel, ByteView message) {
    const node::KvGroup* group = node_->group();
    const cluster::Shard* shard =
        group == nullptr ? nullptr : cluster::find_shard(node_->state()->cluster, group->shard);
    if (shard == nullptr) {
        return;
    }
    const std::string bytes = message_of(kPublishShard, channel, message);
    for (const auto& [id, copy] : shard->copies) {
        if (id != node_->self()) {
            node_->send(id, bytes);
        }
    }
}

void Cluster::on_message(ByteView message) {
    wire::ByteReader in(message.substr(std::min<std::size_t>(1, message.size())));
    const ByteView channel = in.sized();
    const ByteView text = in.sized();
    if (!in.at_end() || message.empty()) {
        log_warn("a message of another node is not well formed");
    } else if (message.front() == kPublish) {
        service_.publish(channel, text);
    } else if (message.front() == kPublishShard) {
        service_.publish_shard(channel, text);
    }
}

}  // namespace kumo::api_redis
