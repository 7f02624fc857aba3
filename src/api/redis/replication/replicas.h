#pragma once

#include "api/redis/state/channels.h"
#include "base/bytes.h"
#include "io/loop.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_redis {

struct Call;
class FullSync;
class Replication;
class Service;
class Session;

/// Where a replica is on its way in.
enum class ReplicaPhase : std::uint8_t {
    kHandshake,  ///< It has said REPLCONF, and may yet turn out to be none.
    kWaiting,    ///< For a snapshot to begin.
    kSnapshot,   ///< It is being sent one.
    kSettling,   ///< It was sent one to a mark, and must say that it has it before more comes.
    kOnline,
};

/// What a snapshot for a replica is to hold and how it is sent; replicas with the same wishes share
/// one.
struct SyncWishes {
    bool to_mark = false;   ///< It understands a file without a length before it.
    bool keys = true;       ///< `rdb-filter-only` leaves them out...
    bool functions = true;  ///< ...and these.
    auto operator<=>(const SyncWishes&) const = default;
};

/// One connection that follows us.
struct Replica {
    ReplicaPhase phase = ReplicaPhase::kHandshake;
    std::string announced_ip;
    std::uint16_t announced_port = 0;
    SyncWishes wishes;
    bool old_protocol = false;  ///< It said SYNC: no line before the file, no acknowledgements.
    bool announced = false;     ///< It was told that the file comes.
    bool rdb_only = false;      ///< It leaves once it has the file.
    std::uint64_t place = 0;    ///< In the stream: what it has been sent up to.
    std::uint64_t acknowledged = 0;
    std::int64_t heard_ms = 0;    ///< When it last acknowledged, or took something.
    std::int64_t waiting_ms = 0;  ///< Since when it waits for a snapshot.
    std::int64_t over_soft_ms =
        0;  ///< Since when it lags more than the soft limit; 0: it does not.
};

/// The connections that follow this server: their handshakes, snapshots for those that need one,
/// and the stream, which each is sent at the pace it takes.
///
/// Thread rule: loop-owned.
class Replicas final {
public:
    Replicas(Service& service, Replication& replication);
    ~Replicas();
    Replicas(const Replicas&) = delete;
    Replicas& operator=(const Replicas&) = delete;

    // Commands.
    void do_replconf(Call& call);
    /// SYNC, PSYNC.
    void do_sync(Call& call);

    // Of connections.
    void on_drained(Session& session);
    /// An empty line: it is alive.
    void on_newline(const Session& session);
    void forget(const Session& session);
    void disconnect_all();

    /// There is more in the stream: sends it at the end of the turn.
    void on_append();
    /// About twenty times a second.
    void periodic();
    /// After a change of settings.
    void apply_settings();

    /// Sends a piece of a snapshot to its replicas. For FullSync.
    void snapshot_failed(const std::vector<SessionId>& to, ByteView why);
    void snapshot_sent(SessionId to);

    const std::map<SessionId, Replica>& all() const { return replicas_; }

    Replica* find(SessionId id);
    /// Those that are attached, in whatever phase.
    std::size_t count() const;
    /// How many have acknowledged the stream up to there.
    std::size_t acknowledged(std::uint64_t place) const;
    /// Those that are online and were heard of within `min-replicas-max-lag`.
    std::size_t good() const;
    /// The least place that any of them still needs; `otherwise` if none does.
    std::uint64_t least_place(std::uint64_t otherwise) const;

    struct Counters {
        std::uint64_t full = 0;
        std::uint64_t partial = 0;
        std::uint64_t partial_refused = 0;
    };

    Counters counters;

    /// Queued in a connection at most, so that little has been handed over that could be taken
    /// back.
    static constexpr std::size_t kWindowBytes = std::size_t{1} << 20U;

private:
    friend class FullSync;

    bool replconf_option(Call& call, std::size_t at, bool* answer);
    void acknowledge(Session& session, Replica& replica, std::int64_t place);
    bool filter_option(Call& call, Replica& replica, ByteView value);
    bool try_partial(Call& call, Replica& replica);
    bool accept_failover(Call& call);
    void attach(Session& session, Replica& replica);
    void go_online(Session& session, Replica& replica);
    void begin_snapshots();
    void flush();
    void send(SessionId id, Replica& replica);
    bool within_limits(Session& session, Replica& replica);
    void check_silent();
    void close(SessionId id, ByteView why);

    Service& service_;
    Replication& replication_;
    std::map<SessionId, Replica> replicas_;
    std::vector<std::unique_ptr<FullSync>> syncs_;
    bool flush_scheduled_ = false;
    std::int64_t checked_ms_ = 0;
    std::size_t hard_limit_ = 0;
    std::size_t soft_limit_ = 0;
    std::int64_t soft_seconds_ = 0;
};

}  // namespace kumo::api_redis
