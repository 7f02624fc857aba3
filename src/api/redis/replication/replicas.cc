#include "api/redis/replication/replicas.h"

#include "api/redis/call.h"
#include "api/redis/replication/full_sync.h"
#include "api/redis/replication/replication.h"
#include "base/log.h"
#include "kv/command/words.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <utility>

namespace kumo::api_redis {

namespace {

constexpr std::size_t kAnnouncedIpBytesMax = 255;
constexpr std::int64_t kCheckIntervalMs = 1000;

}  // namespace

Replicas::Replicas(Service& service, Replication& replication)
    : service_(service), replication_(replication) {}

Replicas::~Replicas() = default;

Replica* Replicas::find(SessionId id) {
    const auto at = replicas_.find(id);
    return at == replicas_.end() ? nullptr : &at->second;
}

void Replicas::apply_settings() {
    std::vector<std::string> words;
    (void)wire::split_quoted(service_.settings.text("client-output-buffer-limit"), &words);
    for (std::size_t i = 0; i + 3 < words.size(); i += 4) {
        if (words[i] == "slave" || words[i] == "replica") {
            hard_limit_ = static_cast<std::size_t>(kv::parse_integer(words[i + 1]).value_or(0));
            soft_limit_ = static_cast<std::size_t>(kv::parse_integer(words[i + 2]).value_or(0));
            soft_seconds_ = kv::parse_integer(words[i + 3]).value_or(0);
        }
    }
}

// REPLCONF --------------------------------------------------------------------------------------

bool Replicas::filter_option(Call& call, Replica& replica, ByteView value) {
    std::vector<std::string> words;
    if (!wire::split_quoted(value, &words)) {
        call.error("ERR Missing rdb-filter-only values");
        return false;
    }
    replica.wishes.keys = false;
    replica.wishes.functions = false;
    for (const std::string& word : words) {
        if (!kv::same_word(word, "functions")) {
            call.error("ERR Unsupported rdb-filter-only option: " + word);
            return false;
        }
        replica.wishes.functions = true;
    }
    return true;
}

void Replicas::acknowledge(Session& session, Replica& replica, std::int64_t place) {
    replica.heard_ms = service_.now_ms();
    replica.acknowledged = std::max(
        replica.acknowledged,
        static_cast<std::uint64_t>(std::max<std::int64_t>(place, 0))
    );
    if (replica.phase == ReplicaPhase::kSettling) {
        go_online(session, replica);
    }
    replication_.on_acknowledged();
}

/// One option and its value. False: the end, an error has been written. *answer is cleared where
/// nothing is to be answered.
bool Replicas::replconf_option(Call& call, std::size_t at, bool* answer) {
    const ByteView value = call.arg(at + 1);
    if (call.arg_is(at, "ack")) {
        *answer = false;
        Replica* replica = find(call.session.id);
        const auto place = kv::parse_integer(value);
        if (replica != nullptr && call.session.replica && place.has_value()) {
            acknowledge(call.session, *replica, *place);
        }
        return false;
    }
    if (call.arg_is(at, "getack")) {
        *answer = false;
        return false;
    }
    Replica& replica = replicas_[call.session.id];
    std::int64_t number = 0;
    if (call.arg_is(at, "listening-port")) {
        if (!call.integer(at + 1, &number)) {
            return false;
        }
        replica.announced_port = static_cast<std::uint16_t>(number);
    } else if (call.arg_is(at, "ip-address")) {
        if (value.size() > kAnnouncedIpBytesMax) {
            call.error(
                "ERR REPLCONF ip-address provided by replica instance is too long: "
                + std::to_string(value.size()) + " bytes"
            );
            return false;
        }
        // It stands in INFO's lines.
        if (!std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~'; })) {
            call.syntax_error();
            return false;
        }
        replica.announced_ip = value;
    } else if (call.arg_is(at, "capa")) {
        replica.wishes.to_mark = replica.wishes.to_mark || kv::same_word(value, "eof");
    } else if (call.arg_is(at, "rdb-only")) {
        if (!call.integer(at + 1, &number)) {
            return false;
        }
        replica.rdb_only = number == 1;
    } else if (call.arg_is(at, "rdb-filter-only")) {
        return filter_option(call, replica, value);
    } else {
        call.error("ERR Unrecognized REPLCONF option: " + std::string(call.arg(at)));
        return false;
    }
    return true;
}

void Replicas::do_replconf(Call& call) {
    if (call.argc() % 2 == 0) {
        call.syntax_error();
        return;
    }
    bool answer = true;
    for (std::size_t i = 1; i < call.argc(); i += 2) {
        if (!replconf_option(call, i, &answer)) {
            return;
        }
    }
    if (answer) {
        call.reply.ok();
    }
}

// SYNC, PSYNC -----------------------------------------------------------------------------------

/// PSYNC id offset FAILOVER: our master hands its part over to us.
bool Replicas::accept_failover(Call& call) {
    if (!replication_.is_replica()) {
        call.error("ERR PSYNC FAILOVER can't be sent to a master.");
        return false;
    }
    if (call.arg(1) != replication_.id()) {
        call.error("ERR PSYNC FAILOVER replid must match my replid.");
        return false;
    }
    log_info("the master hands over to this server");
    replication_.lead();
    return true;
}

void Replicas::do_sync(Call& call) {
    Session& session = call.session;
    if (session.replica) {
        return;
    }
    const bool old_protocol = call.spec.name == "sync";
    std::int64_t offset = -1;
    if (!old_protocol && !call.integer(2, &offset)) {
        return;
    }
    if (!old_protocol && call.argc() > 3 && call.arg_is(3, "failover") && !accept_failover(call)) {
        return;
    }
    if (replication_.is_replica() && !replication_.in_step()) {
        call.error("NOMASTERLINK Can't SYNC while not connected with my master");
        return;
    }
    if (replication_.failover().under_way()) {
        call.error("NOMASTERLINK Can't SYNC while failing over");
        return;
    }
    if (session.output_bytes() > 0) {
        call.error("ERR SYNC and PSYNC are invalid with pending output");
        return;
    }
    Replica& replica = replicas_[session.id];
    replica.old_protocol = old_protocol;
    replica.heard_ms = service_.now_ms();
    if (!old_protocol && try_partial(call, replica)) {
        return;
    }
    if (!replica.wishes.to_mark && !(replica.wishes.keys && replica.wishes.functions)) {
        call.error("ERR Filtered replica requires EOF capability");
        return;
    }
    ++counters.full;
    session.replica = true;
    replica.phase = ReplicaPhase::kWaiting;
    replica.waiting_ms = service_.now_ms();
    // A part of a snapshot is made for this one alone: no file is kept of it.
    replica.wishes.to_mark = replica.wishes.to_mark
                             && (service_.settings.flag("repl-diskless-sync")
                                 || !(replica.wishes.keys && replica.wishes.functions));
    replication_.activate();
}

bool Replicas::try_partial(Call& call, Replica& replica) {
    const ByteView id = call.arg(1);
    const std::int64_t wanted = kv::parse_integer(call.arg(2)).value_or(-1);
    if (wanted < 1 || !replication_.can_continue(id, static_cast<std::uint64_t>(wanted) - 1)) {
        counters.partial_refused += id == "?" ? 0 : 1;
        return false;
    }
    ++counters.partial;
    replica.place = static_cast<std::uint64_t>(wanted) - 1;
    replica.acknowledged = replica.place;
    call.session.replica = true;
    call.reply.simple("CONTINUE " + replication_.id());
    go_online(call.session, replica);
    log_info("a replica goes on from place " + std::to_string(replica.place));
    return true;
}

void Replicas::go_online(Session& session, Replica& replica) {
    replica.phase = ReplicaPhase::kOnline;
    replica.heard_ms = service_.now_ms();
    log_info("the replica " + session.peer_text() + " is online");
    on_append();
}

// Snapshots -------------------------------------------------------------------------------------

/// Those that wait and want the same get one snapshot. One that goes to them directly waits for
/// others that may come, as `repl-diskless-sync-delay` says.
void Replicas::begin_snapshots() {
    std::map<SyncWishes, std::vector<SessionId>> waiting;
    std::map<SyncWishes, std::int64_t> since;
    for (const auto& [id, replica] : replicas_) {
        if (replica.phase == ReplicaPhase::kWaiting) {
            waiting[replica.wishes].push_back(id);
            std::int64_t& first = since.emplace(replica.wishes, replica.waiting_ms).first->second;
            first = std::min(first, replica.waiting_ms);
        }
    }
    const std::int64_t most = service_.settings.number("repl-diskless-sync-max-replicas");
    for (auto& [wishes, members] : waiting) {
        const std::int64_t delay_ms =
            wishes.to_mark ? service_.settings.number("repl-diskless-sync-delay") * 1000 : 0;
        const bool enough = most > 0 && static_cast<std::int64_t>(members.size()) >= most;
        if (!enough && service_.now_ms() - since[wishes] < delay_ms) {
            continue;
        }
        syncs_.push_back(std::make_unique<FullSync>(service_, *this, replication_, wishes));
        syncs_.back()->begin(std::move(members));
    }
}

void Replicas::snapshot_failed(const std::vector<SessionId>& to, ByteView why) {
    log_warn("a snapshot for replicas failed: " + std::string(why));
    for (const SessionId id : to) {
        close(id, "its snapshot failed");
    }
}

void Replicas::snapshot_sent(SessionId to) {
    Replica* replica = find(to);
    Session* session = service_.session(to);
    if (replica == nullptr || session == nullptr) {
        return;
    }
    replica->heard_ms = service_.now_ms();
    if (replica->rdb_only) {
        session->close_gently();
    } else if (replica->wishes.to_mark) {
        // Whatever came right behind the mark would hide it.
        replica->phase = ReplicaPhase::kSettling;
    } else {
        go_online(*session, *replica);
    }
}

// The stream ------------------------------------------------------------------------------------

void Replicas::on_append() {
    if (flush_scheduled_ || replicas_.empty()) {
        return;
    }
    flush_scheduled_ = true;
    service_.loop().defer([this] {
        flush_scheduled_ = false;
        flush();
    });
}

void Replicas::flush() {
    std::vector<SessionId> ids;
    for (const auto& [id, replica] : replicas_) {
        ids.push_back(id);
    }
    for (const SessionId id : ids) {
        if (Replica* replica = find(id); replica != nullptr) {
            send(id, *replica);
        }
    }
    replication_.trim();
}

void Replicas::send(SessionId id, Replica& replica) {
    Session* session = service_.session(id);
    if (session == nullptr || replica.phase == ReplicaPhase::kHandshake
        || replica.phase == ReplicaPhase::kWaiting || !within_limits(*session, replica)
        || replica.phase != ReplicaPhase::kOnline) {
        return;
    }
    const StreamBuffer& stream = replication_.stream();
    std::size_t queued = session->stream()->queued_bytes();
    std::string piece;
    while (replica.place < stream.end() && queued < kWindowBytes) {
        const ByteView bytes = stream.at(replica.place);
        piece.append(bytes);
        queued += bytes.size();
        replica.place += bytes.size();
    }
    if (!piece.empty()) {
        service_.count_output(piece.size());
        replication_.output_bytes += piece.size();
        (void)session->stream()->write(std::move(piece));
    }
}

bool Replicas::within_limits(Session& session, Replica& replica) {
    const std::uint64_t lag = replication_.stream().end() - replica.place;
    const std::int64_t now = service_.now_ms();
    if (soft_limit_ == 0 || lag <= soft_limit_) {
        replica.over_soft_ms = 0;
    } else if (replica.over_soft_ms == 0) {
        replica.over_soft_ms = now;
    }
    const bool too_long =
        replica.over_soft_ms > 0 && now - replica.over_soft_ms > soft_seconds_ * 1000;
    if (too_long || (hard_limit_ > 0 && lag > hard_limit_)) {
        service_.log_closed(session, "a replica that does not keep up");
        session.abort();
        return false;
    }
    return true;
}

void Replicas::on_drained(Session& session) {
    Replica* replica = find(session.id);
    if (replica == nullptr) {
        return;
    }
    replica->heard_ms =
        replica->phase == ReplicaPhase::kSnapshot ? service_.now_ms() : replica->heard_ms;
    if (replica->phase == ReplicaPhase::kOnline) {
        on_append();
        return;
    }
    for (const auto& sync : syncs_) {
        if (sync->has(session.id)) {
            sync->on_drained();
            return;
        }
    }
}

void Replicas::on_newline(const Session& session) {
    if (Replica* replica = find(session.id); replica != nullptr) {
        replica->heard_ms = service_.now_ms();
    }
}

void Replicas::forget(const Session& session) {
    if (replicas_.erase(session.id) == 0) {
        return;
    }
    for (const auto& sync : syncs_) {
        if (sync->has(session.id)) {
            sync->forget(session.id);
        }
    }
    if (session.replica) {
        replication_.on_replica_left();
    }
}

void Replicas::close(SessionId id, ByteView why) {
    if (Session* session = service_.session(id); session != nullptr) {
        log_warn("the replica " + session->peer_text() + " is closed: " + std::string(why));
        session->abort();
    }
}

void Replicas::disconnect_all() {
    std::vector<SessionId> ids;
    for (const auto& [id, replica] : replicas_) {
        ids.push_back(id);
    }
    for (const SessionId id : ids) {
        Session* session = service_.session(id);
        if (session != nullptr && session->replica) {
            session->executing ? void(session->close_after_reply = true) : session->close_gently();
        }
    }
}

// What has its time -------------------------------------------------------------------------------

void Replicas::check_silent() {
    const std::int64_t now = service_.now_ms();
    const std::int64_t timeout_ms = service_.settings.number("repl-timeout") * 1000;
    std::vector<SessionId> silent;
    for (const auto& [id, replica] : replicas_) {
        Session* session = service_.session(id);
        if (session == nullptr || replica.phase == ReplicaPhase::kHandshake) {
            continue;
        }
        if (replica.phase == ReplicaPhase::kWaiting
            || (replica.phase == ReplicaPhase::kSnapshot && !replica.announced)) {
            (void)session->stream()->write("\n");  // For those who wait for the file's first line.
        } else if (!(replica.old_protocol && replica.phase == ReplicaPhase::kOnline)
                   && now - replica.heard_ms > timeout_ms) {
            silent.push_back(id);
        }
    }
    for (const SessionId id : silent) {
        close(id, "nothing was heard of it for longer than repl-timeout");
    }
}

void Replicas::periodic() {
    std::erase_if(syncs_, [](const std::unique_ptr<FullSync>& sync) { return sync->done(); });
    if (replicas_.empty()) {
        return;
    }
    begin_snapshots();
    if (service_.now_ms() - checked_ms_ >= kCheckIntervalMs) {
        checked_ms_ = service_.now_ms();
        check_silent();
        on_append();
    }
}

// Figures ---------------------------------------------------------------------------------------

std::size_t Replicas::count() const {
    return static_cast<std::size_t>(std::count_if(
        replicas_.begin(),
        replicas_.end(),
        [](const auto& entry) { return entry.second.phase != ReplicaPhase::kHandshake; }
    ));
}

std::size_t Replicas::acknowledged(std::uint64_t place) const {
    return static_cast<std::size_t>(std::count_if(
        replicas_.begin(),
        replicas_.end(),
        [place](const auto& entry) {
            return entry.second.phase == ReplicaPhase::kOnline
                   && entry.second.acknowledged >= place;
        }
    ));
}

std::size_t Replicas::good() const {
    const std::int64_t lag_ms = service_.settings.number("min-replicas-max-lag") * 1000;
    return static_cast<std::size_t>(std::count_if(
        replicas_.begin(),
        replicas_.end(),
        [&](const auto& entry) {
            return entry.second.phase == ReplicaPhase::kOnline
                   && service_.now_ms() - entry.second.heard_ms <= lag_ms;
        }
    ));
}

std::uint64_t Replicas::least_place(std::uint64_t otherwise) const {
    std::uint64_t least = otherwise;
    for (const auto& [id, replica] : replicas_) {
        if (replica.phase != ReplicaPhase::kHandshake && replica.phase != ReplicaPhase::kWaiting) {
            least = std::min(least, replica.place);
        }
    }
    return least;
}

}  // namespace kumo::api_redis
