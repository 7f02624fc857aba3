#include "api/redis/replication/replication.h"

#include "api/redis/call.h"
#include "api/redis/internal/random_id.h"
#include "api/redis/persistence/persistence.h"
#include "api/redis/replication/full_sync.h"
#include "base/log.h"
#include "kv/aof/aof_writer.h"
#include "kv/command/words.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <utility>

namespace kumo::api_redis {

namespace {

constexpr ByteView kReadOnly = "READONLY You can't write against a read only replica.";
constexpr ByteView kNoReplicas = "NOREPLICAS Not enough good replicas to write.";
constexpr ByteView kMasterDown =
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
constexpr ByteView kStateChanged =
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";

}  // namespace

Replication::Replication(Service& service)
    : service_(service),
      id_(api_redis::random_id()),
      replicas_(service, *this),
      failover_(service, *this),
      alone_since_ms_(service.now_ms()) {
    service_.add_periodic([this] { periodic(); });
}

Replication::~Replication() {
    service_.remove_feed(*this);
}

std::string Replication::random_id() {
    return api_redis::random_id();
}

void Replication::start() {
    std::vector<std::string> words;
    (void)wire::split_quoted(service_.settings.text("replicaof"), &words);
    if (words.size() == 2) {
        const auto port = kv::parse_integer(words[1]).value_or(0);
        follow({words[0], static_cast<std::uint16_t>(port)});
    }
}

void Replication::apply_settings() {
    const Settings& settings = service_.settings;
    read_only_ = settings.flag("replica-read-only");
    serves_stale_ = settings.flag("replica-serve-stale-data");
    min_replicas_ = static_cast<std::size_t>(settings.number("min-replicas-to-write"));
    backlog_bytes_ = static_cast<std::uint64_t>(settings.number("repl-backlog-size"));
    replicas_.apply_settings();
}

// The part of this server -------------------------------------------------------------------------

void Replication::follow(const MasterAddress& master, bool takes_over) {
    const bool was_master = link_ == nullptr;
    retire_link();
    if (was_master) {
        // What we have of our own stream may be what the new master has too. If nobody ever
        // followed us, nobody has.
        knows_place_ = active_;
        service_.unblock_all(kStateChanged);
        waiters_.clear();
        service_.remove_feed(*this);
    }
    active_ = true;
    link_ = std::make_unique<MasterLink>(service_, *this, master, takes_over);
    link_->start();
}

void Replication::lead() {
    if (link_ == nullptr) {
        return;
    }
    retire_link();
    if (knows_place_) {
        old_id_ = id_;
        old_end_ = static_cast<std::int64_t>(stream_.end());
    }
    id_ = api_redis::random_id();
    knows_place_ = false;
    selected_ = -1;
    alone_since_ms_ = service_.now_ms();
    service_.add_feed(*this);
    // They come back and learn the new id.
    replicas_.disconnect_all();
    if (service_.persistence != nullptr) {
        service_.persistence->end_replacement();
    }
    log_info("this server leads; the stream " + id_ + " follows " + old_id_);
}

void Replication::retire_link() {
    if (link_ == nullptr) {
        return;
    }
    link_->stop();
    // It may be the caller.
    service_.loop().post([gone = std::shared_ptr<MasterLink>(std::move(link_))] {});
}

ByteView Replication::write_refusal() const {
    if (link_ != nullptr) {
        return read_only_ ? kReadOnly : ByteView();
    }
    return min_replicas_ > 0 && replicas_.good() < min_replicas_ ? kNoReplicas : ByteView();
}

ByteView Replication::stale_refusal() const {
    return link_ != nullptr && !serves_stale_ && !link_->up() ? kMasterDown : ByteView();
}

// The stream --------------------------------------------------------------------------------------

void Replication::begin_new_stream() {
    id_ = api_redis::random_id();
    old_id_ = std::string(40, '0');
    old_end_ = -1;
    selected_ = -1;
    stream_.restart(stream_.end());
}

void Replication::activate() {
    if (active_) {
        return;
    }
    active_ = true;
    begin_new_stream();
    // A place of before, when nothing was counted, is none of these.
    stream_.restart(stream_.end() + 1);
    service_.add_feed(*this);
}

bool Replication::can_continue(ByteView id, std::uint64_t place) const {
    const bool ours = kv::same_word(id, id_);
    const bool of_old = old_end_ >= 0 && kv::same_word(id, old_id_)
                        && place <= static_cast<std::uint64_t>(old_end_);
    return active_ && (ours || of_old) && place >= stream_.begin() && place <= stream_.end();
}

std::uint64_t Replication::begin_of_snapshot() {
    selected_ = -1;
    return stream_.end();
}

std::optional<int> Replication::stream_database() const {
    return link_ == nullptr ? std::nullopt : std::optional<int>(link_->database());
}

void Replication::trim() {
    const std::uint64_t kept = stream_.end() - std::min(stream_.end(), backlog_bytes_);
    stream_.trim(replicas_.least_place(kept));
}

void Replication::append(ByteView bytes) {
    stream_.append(bytes);
    replicas_.on_append();
    if (stream_.end() - stream_.begin() > backlog_bytes_ + 2 * StreamBuffer::kBlockBytes) {
        trim();
    }
}

void Replication::append_command(int db, std::span<const ByteView> arguments, std::string* out) {
    if (db >= 0 && db != selected_) {
        const std::string index = std::to_string(db);
        kv::append_aof_command(std::vector<ByteView>{"SELECT", index}, out);
        selected_ = db;
    }
    kv::append_aof_command(arguments, out);
}

void Replication::on_changes(std::span<const PropagatedCommand> commands) {
    std::string out;
    const bool several = commands.size() > 1;
    if (several) {
        append_command(commands[0].db, std::vector<ByteView>{"MULTI"}, &out);
    }
    for (const PropagatedCommand& command : commands) {
        const std::vector<ByteView> views(command.arguments.begin(), command.arguments.end());
        append_command(command.db, views, &out);
    }
    if (several) {
        append_command(-1, std::vector<ByteView>{"EXEC"}, &out);
    }
    append(out);
}

void Replication::ping() {
    const std::int64_t period_ms = service_.settings.number("repl-ping-replica-period") * 1000;
    const std::int64_t now = service_.now_ms();
    if (link_ != nullptr || replicas_.count() == 0 || failover_.under_way()
        || now - pinged_ms_ < period_ms) {
        return;
    }
    pinged_ms_ = now;
    std::string out;
    append_command(-1, std::vector<ByteView>{"PING"}, &out);
    append(out);
}

// What the link tells -----------------------------------------------------------------------------

void Replication::on_keys_go() {
    knows_place_ = false;
    replicas_.disconnect_all();
    begin_new_stream();
    if (service_.persistence != nullptr) {
        service_.persistence->begin_replacement();
    }
}

void Replication::on_load_failed() {
    for (int db = 0; db < service_.keyspace.database_count(); ++db) {
        service_.keyspace.database(db).clear();
    }
    knows_place_ = false;
}

void Replication::adopt(const std::string& id, std::uint64_t place) {
    knows_place_ = !id.empty();
    id_ = id.empty() ? api_redis::random_id() : id;
    old_id_ = std::string(40, '0');
    old_end_ = -1;
    stream_.restart(place);
    if (service_.persistence != nullptr) {
        service_.persistence->end_replacement();
    }
}

void Replication::continue_as(ByteView id) {
    if (id.size() != id_.size() || id == id_) {
        return;
    }
    old_id_ = std::exchange(id_, std::string(id));
    old_end_ = static_cast<std::int64_t>(stream_.end());
    // They come back and learn the new id.
    replicas_.disconnect_all();
}

bool Replication::reconnect() {
    return link_ != nullptr && link_->drop("CLIENT KILL");
}

void Replication::pass_on(ByteView bytes) {
    append(bytes);
}

// Of replicas -------------------------------------------------------------------------------------

void Replication::on_replica_left() {
    if (replicas_.count() == 0) {
        alone_since_ms_ = service_.now_ms();
    }
}

void Replication::request_acknowledgements() {
    if (std::exchange(ask_scheduled_, true)) {
        return;
    }
    service_.loop().defer([this] {
        ask_scheduled_ = false;
        if (link_ == nullptr && replicas_.count() > 0) {
            std::string out;
            append_command(-1, std::vector<ByteView>{"REPLCONF", "GETACK", "*"}, &out);
            append(out);
        }
    });
}

void Replication::do_wait(Call& call) {
    std::int64_t wanted = 0;
    std::int64_t timeout_ms = 0;
    if (is_replica()) {
        call.error(
            "ERR WAIT cannot be used with replica instances. Please also note that since Redis "
            "4.0 if a replica is configured to be writable (which is not the default) writes to "
            "replicas are just local and are not propagated."
        );
        return;
    }
    if (!call.integer(1, &wanted)
        || !call.integer(2, &timeout_ms, "ERR timeout is not an integer or out of range")) {
        return;
    }
    if (timeout_ms < 0) {
        call.error("ERR timeout is negative");
        return;
    }
    const std::uint64_t place = call.session.replication_offset;
    const std::size_t have = replicas_.acknowledged(place);
    if (static_cast<std::int64_t>(have) >= wanted || call.in_script || call.session.in_exec) {
        call.reply.integer(static_cast<std::int64_t>(have));
        return;
    }
    waiters_.push_back({call.session.id, static_cast<std::size_t>(wanted), place});
    service_.hold(call.session, timeout_ms, [this, place](Session& session) {
        forget(session);
        session.reply.integer(static_cast<std::int64_t>(replicas_.acknowledged(place)));
    });
    request_acknowledgements();
}

void Replication::on_acknowledged() {
    std::vector<std::pair<SessionId, std::size_t>> ready;
    std::erase_if(waiters_, [&](const Waiter& waiter) {
        const std::size_t have = replicas_.acknowledged(waiter.place);
        if (have >= waiter.wanted) {
            ready.emplace_back(waiter.id, have);
        }
        return have >= waiter.wanted;
    });
    for (const auto& [id, have] : ready) {
        if (Session* session = service_.session(id); session != nullptr) {
            session->reply.integer(static_cast<std::int64_t>(have));
            service_.release(*session);
        }
    }
    failover_.check();
}

void Replication::forget(const Session& session) {
    std::erase_if(waiters_, [&session](const Waiter& waiter) { return waiter.id == session.id; });
    replicas_.forget(session);
}

void Replication::periodic() {
    replicas_.periodic();
    ping();
    failover_.check();
    if (link_ != nullptr) {
        link_->periodic();
        return;
    }
    const std::int64_t ttl_ms = service_.settings.number("repl-backlog-ttl") * 1000;
    if (active_ && ttl_ms > 0 && replicas_.all().empty()
        && service_.now_ms() - alone_since_ms_ > ttl_ms) {
        active_ = false;
        begin_new_stream();
        service_.remove_feed(*this);
    }
}

}  // namespace kumo::api_redis
