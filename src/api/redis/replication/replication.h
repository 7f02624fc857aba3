#pragma once

#include "api/redis/replication/failover.h"
#include "api/redis/replication/master_link.h"
#include "api/redis/replication/replicas.h"
#include "api/redis/replication/stream_buffer.h"
#include "api/redis/service.h"
#include "base/bytes.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::api_redis {

struct Call;

/// Replication as Redis does it, between this server and Redis, KeyDB, Valkey or itself: one stream
/// of commands, named by an id and a place, that a master makes of its changes and a replica takes
/// and passes on. This is not how our cluster keeps its copies: it is how keys come in from another
/// server without a stop, and how Redis's tools read them.
///
/// A stream has an id of 40 digits and counts bytes. A replica that is promoted begins a stream of
/// its own, and remembers the old id and how far it had come: who followed the same master up to
/// there can follow on. While nobody has ever followed, nothing is kept or counted.
///
/// Thread rule: loop-owned.
class Replication final : public ChangeFeed {
public:
    explicit Replication(Service& service);
    ~Replication() override;

    /// Follows `replicaof`, if it is set. Once, when keys have been loaded.
    void start();

    // The part of this server.
    bool is_replica() const { return link_ != nullptr; }

    /// Follows that master from now on.
    void follow(const MasterAddress& master, bool takes_over = false);
    /// Follows nobody any more.
    void lead();

    /// A replica that has its master's keys and stream.
    bool in_step() const { return link_ != nullptr && link_->up(); }

    bool loading() const { return link_ != nullptr && link_->loading(); }

    /// Why writes are refused; empty: they are not.
    ByteView write_refusal() const;
    /// Why a command that is not for stale data is refused; empty: it is not.
    ByteView stale_refusal() const;

    // The stream.
    const std::string& id() const { return id_; }

    const std::string& old_id() const { return old_id_; }

    /// Up to where the old id is as good as the new one; -1: there is none.
    std::int64_t old_end() const { return old_end_; }

    const StreamBuffer& stream() const { return stream_; }

    std::uint64_t offset() const { return stream_.end(); }

    /// Whether it is kept, so that replicas can go on from a place in it.
    bool active() const { return active_; }

    /// From now on it is.
    void activate();
    /// Whether who knows `id` and has everything up to `place` can go on from there.
    bool can_continue(ByteView id, std::uint64_t place) const;

    /// The keys are those of the stream at offset(): a master may let us go on from there.
    bool knows_place() const { return knows_place_; }

    /// A snapshot begins: its place in the stream, which goes on with a SELECT.
    std::uint64_t begin_of_snapshot();
    /// The database that a master's stream is in; none: the stream is our own.
    std::optional<int> stream_database() const;
    /// Lets go of what neither the backlog nor a replica needs.
    void trim();

    void on_changes(std::span<const PropagatedCommand> commands) override;

    // What the link tells.
    /// The master's file is about to replace all keys.
    void on_keys_go();
    /// It could not be read: what is there now is nobody's.
    void on_load_failed();
    /// The keys are those of that stream at that place.
    void adopt(const std::string& id, std::uint64_t place);
    /// The master goes on, under that id (empty: the same).
    void continue_as(ByteView id);
    /// Bytes of the master's stream that have been run.
    void pass_on(ByteView bytes);

    void on_takeover_done() { failover_.on_done(); }

    void on_takeover_refused(ByteView why) { failover_.on_refused(why); }

    // Of replicas.
    Replicas& replicas() { return replicas_; }

    const Replicas& replicas() const { return replicas_; }

    MasterLink* link() { return link_.get(); }

    /// Gives up the connection to the master, and makes another; false: there is none.
    bool reconnect();

    Failover& failover() { return failover_; }

    void on_acknowledged();
    void on_replica_left();
    /// Asks all replicas, once a turn, how far they are.
    void request_acknowledgements();
    /// WAIT.
    void do_wait(Call& call);
    void forget(const Session& session);

    void apply_settings();
    /// About twenty times a second.
    void periodic();

    static std::string random_id();

    std::uint64_t output_bytes = 0;  ///< Of the stream, to replicas.

private:
    struct Waiter {
        SessionId id;
        std::size_t wanted;
        std::uint64_t place;
    };

    void begin_new_stream();
    void append(ByteView bytes);
    void append_command(int db, std::span<const ByteView> arguments, std::string* out);
    void ping();
    void retire_link();

    Service& service_;
    std::string id_;
    std::string old_id_ = std::string(40, '0');
    std::int64_t old_end_ = -1;
    StreamBuffer stream_;
    bool active_ = false;
    bool knows_place_ = false;
    int selected_ = -1;  ///< The stream's last SELECT; -1: the next command needs one.
    Replicas replicas_;
    std::unique_ptr<MasterLink> link_;
    Failover failover_;
    std::vector<Waiter> waiters_;
    bool ask_scheduled_ = false;
    std::int64_t alone_since_ms_ = 0;  ///< Since when no replica is attached.
    std::int64_t pinged_ms_ = 0;

    // The settings as numbers: every write asks.
    bool read_only_ = true;
    bool serves_stale_ = true;
    std::size_t min_replicas_ = 0;
    std::uint64_t backlog_bytes_ = 0;
};

}  // namespace kumo::api_redis
