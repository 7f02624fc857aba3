#pragma once

#include "api/redis/change_feed.h"
#include "api/redis/environment.h"
#include "api/redis/session.h"
#include "api/redis/state/channels.h"
#include "api/redis/state/key_interest.h"
#include "api/redis/state/latency.h"
#include "api/redis/state/settings.h"
#include "api/redis/state/settings_cache.h"
#include "api/redis/state/slow_log.h"
#include "api/redis/state/stats.h"
#include "api/redis/state/tracking_table.h"
#include "base/clock.h"
#include "base/random.h"
#include "io/loop.h"
#include "io/stream.h"
#include "kv/command/context.h"
#include "kv/command/effects.h"
#include "kv/keyspace/keyspace.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_redis {

class Access;
struct Call;
class Cluster;
class Migrations;
class Persistence;
class Replication;
class Scripting;

/// A command's words, its name the first.
using Arguments = std::span<const ByteView>;

/// The Redis dialect on one loop: its connections, what they have asked for, and the keyspace that
/// answers. It checks and routes a command (execute.cc), tells clients of what commands did
/// (effects.cc), lets blocked ones go on (blocking.cc), and runs what has its time (cron.cc).
///
/// Thread rule: loop-owned.
class Service final {
public:
    Service(ServiceEnvironment environment, Settings with);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    // Connections.
    /// `port`: where it came in; 0: ServiceEnvironment::port.
    void accept(std::unique_ptr<io::Stream> stream, std::uint16_t port = 0);
    void forget(Session& session);
    void remove(Session& session);
    Session* session(SessionId id);

    const std::map<SessionId, std::unique_ptr<Session>>& sessions() const { return sessions_; }

    bool needs_authentication(const Session& session) const;

    Access& access() { return *access_; }

    std::size_t query_buffer_bytes_max() const { return query_buffer_bytes_max_; }

    /// More waits to be sent than may, or more than may for so long.
    bool over_output_limit(Session& session) const;
    void log_closed(const Session& session, ByteView why);

    void count_input(std::size_t bytes) { stats.input_bytes += bytes; }

    void count_output(std::size_t bytes) { stats.output_bytes += bytes; }

    void count_protocol_error();
    /// What the session uses may have changed: those that use most are closed if all together use
    /// more than `maxmemory-clients`.
    void note_memory(Session& session);
    std::size_t client_bytes() const;

    /// Sends what is no command's answer: after the answer of the command that runs, else at once.
    /// CLIENT REPLY OFF does not hold it back.
    void push(Session& to, ByteView bytes);
    /// Sends what was written to a session's reply outside of its own command, in this turn.
    void flush_later(Session& session);
    void close_all();

    // Answers that wait for the cluster; those that are dropped end their connections.
    bool must_hold_answers(const Session& session) const;
    std::uint64_t answer_mark() const;
    void hold_answers(const Session& session);
    void release_answers();
    void drop_held_answers(std::uint64_t released);  ///< Those that wait for more than that.
    void wake_parked();  ///< Commands that waited until it is known where they run.

    // Execution.
    void execute(Session& session, Arguments arguments);
    /// Runs one command that has passed the checks: from the wire, EXEC, or after a block.
    void run(Session& session, const kv::CommandSpec& spec, Arguments arguments);
    /// A command of a script: checked as one of `session`, the reply to `reply`.
    void call_from_script(Session& session, Arguments arguments, wire::RespWriter& reply);
    /// The command (or subcommand) that the arguments name; nullptr: an error has been written.
    /// `refused` gets the command that has not the right number of arguments.
    static const kv::CommandSpec* resolve(
        Arguments arguments,
        wire::RespWriter& reply,
        const kv::CommandSpec** refused = nullptr
    );
    /// A command from a file or a master: no session, no checks, nothing is answered. `db` follows
    /// its SELECTs. kCorruption: a command that is none, or that fails.
    Status replay(int* db, Arguments arguments);
    /// One of a master's stream: as replay(), and logs are told. Behind a few: end_of_unit().
    Status run_of_master(int* db, Arguments arguments);
    /// After changes that no client's command made: they are passed on, who waits for them goes on.
    void end_of_unit();

    // Transactions.
    void execute_transaction(Call& call);
    void discard_transaction(Session& session);
    void watch(Session& session, ByteView key);
    void unwatch_all(Session& session);
    bool watched_key_expired(Session& session);

    // Blocking.
    void unblock(Session& session, ByteView error);  ///< "": as on a timeout.
    /// All that wait for keys or for replicas.
    void unblock_all(ByteView error);
    /// The session waits for something else than keys: until release(), before which its answer is
    /// written, or until `timeout_ms` (0: for ever), when `answer` writes one. Without `answer`
    /// nothing but release() ends it.
    void hold(Session& session, std::int64_t timeout_ms, std::function<void(Session&)> answer);
    void release(Session& session);
    /// Executes, at the end of the turn, what a session was made to wait with.
    void execute_kept(SessionId id);
    void pause(std::int64_t until_ms, bool all);
    void unpause();
    bool paused() const;
    bool pauses_writes_only() const;
    std::int64_t pause_until_ms() const;
    std::size_t blocked_sessions() const;

    // What clients hear of.
    std::size_t publish(ByteView channel, ByteView message);
    std::size_t publish_shard(ByteView channel, ByteView message);
    /// `from`: nullptr for a script's command. Not all commands and arguments are shown.
    void
    feed_monitors(const Session* from, int db, const kv::CommandSpec& spec, Arguments arguments);
    void show_to_monitors(const std::string& from, int db, Arguments arguments);
    void start_monitoring(Session& session);
    void stop_monitoring(Session& session);
    void set_tracking(Session& session, const Tracking& wanted);
    void stop_tracking(Session& session);

    // Changes.
    Scripting& scripting() { return *scripting_; }

    /// From within a command that takes long: a turn for all other connections.
    void let_others_in();

    /// Whose command runs; 0: nobody's.
    SessionId running_session() const { return running_; }

    /// The sources of the function libraries, and one more of them.
    std::vector<std::string> function_libraries();
    Status load_function(ByteView code, bool replace = true);
    /// All keys and libraries go, and clients are told as by FLUSHALL.
    void empty();

    void add_feed(ChangeFeed& feed) { feeds_.push_back(&feed); }

    void remove_feed(ChangeFeed& feed) { std::erase(feeds_, &feed); }

    /// What has been propagated and not handed to anybody is forgotten.
    void drop_propagation() { pending_changes_.clear(); }

    void clear_functions();
    void propagate(int db, std::vector<std::string> command);
    /// A message, which replicas pass on to their clients.
    void propagate_message(std::vector<std::string> command);
    void flush_propagation();
    /// All keys are about to be replaced: tells whoever watches or caches some.
    void note_all_keys_go();
    /// Keys go to another node when `go` runs: whoever watches or caches one of them hears of it.
    void let_go(const std::function<bool(ByteView)>& goes, const std::function<void()>& go);
    /// Deletes as a command would, and tells everybody: expiry, eviction, slot moves.
    void delete_key(int db, kv::Entry* entry, kv::EventClass event_class, ByteView event);

    // Time.
    std::int64_t now_ms() const { return now_us() / 1000; }

    std::int64_t now_us() const;
    MonotonicTime monotonic_now() const;

    Random& random() { return environment_.loop.random(); }

    io::Loop& loop() { return environment_.loop; }

    std::int64_t started_ms() const { return started_ms_; }

    const ServiceEnvironment& environment() const { return environment_; }

    std::uint64_t used_memory() const;

    /// On a thread of its own: what `free` frees is no longer counted as used here.
    void free_elsewhere(const std::function<void()>& free);

    /// What was used before there were keys and connections.
    std::uint64_t startup_memory() const { return startup_memory_; }

    /// Tells whoever must act on a setting at once (appendonly); an error takes the change back.
    Status setting_changed(ByteView name);

    void on_setting(std::string name, std::function<Status()> act) {
        setting_actions_[std::move(name)] = std::move(act);
    }

    /// Runs about twenty times a second.
    void add_periodic(std::function<void()> task) { periodic_.push_back(std::move(task)); }

    Replication& replication() { return *replication_; }

    const Replication& replication() const { return *replication_; }

    Migrations& migrations() { return *migrations_; }

    /// Expired keys of a replica are absent, but go only when its master says so.
    bool removes_expired() const;

    /// Takes over what settings mean; after every change of them.
    void apply_settings();
    /// Room for a write: evicts. False: there is none.
    bool make_room();

    Settings settings;
    kv::Keyspace keyspace;
    Channels channels;
    Stats stats;
    SlowLog slow_log;
    LatencyMonitor latency;
    TrackingTable tracking;
    std::string run_id;
    /// Its files; nullptr: it keeps none. Not owned.
    Persistence* persistence = nullptr;
    bool stopping = false;  ///< Everything is stored: no command runs any more.
    /// The cluster it is a part of; nullptr: none. Not owned.
    Cluster* cluster = nullptr;
    bool active_expire = true;
    bool cron_paused = false;            ///< DEBUG PAUSE-CRON.
    bool deny_scripts_disabled = false;  ///< DEBUG SET-DISABLE-DENY-SCRIPTS.
    std::int64_t last_save_seconds = 0;

private:
    class CommandEffects;
    friend class CommandEffects;

    std::uint32_t flags_of(const Session& session, const kv::CommandSpec& spec, Arguments arguments)
        const;
    bool admit(Session& session, const kv::CommandSpec& spec, Arguments arguments);
    bool admit_user(Session& session, const kv::CommandSpec& spec, Arguments arguments);
    bool admit_state(Session& session, const kv::CommandSpec& spec, Arguments arguments);
    bool admit_place(Session& session, const kv::CommandSpec& spec, Arguments arguments);
    void park(
        Session& session,
        const kv::CommandSpec& spec,
        Arguments arguments,
        std::vector<SessionId>* among
    );
    ByteView replication_refusal(
        const Session& session,
        const kv::CommandSpec& spec,
        std::uint32_t flags
    ) const;
    Status run_replayed(int* db, const kv::CommandSpec* spec, Arguments arguments, bool propagates);
    void reject(Session& session, const kv::CommandSpec* spec, ByteView error);
    void queue_in_transaction(Session& session, const kv::CommandSpec& spec, Arguments arguments);
    void run_keyspace(
        Session& session,
        const kv::CommandSpec& spec,
        Arguments arguments,
        wire::RespWriter& reply,
        bool resumed
    );
    void call_handler(
        Session& session,
        const kv::CommandSpec& spec,
        Arguments arguments,
        wire::RespWriter& reply
    );
    void account(
        Session& session,
        const kv::CommandSpec& spec,
        Arguments arguments,
        std::uint64_t nanoseconds,
        bool failed
    );
    void count_call(
        const Session& session,
        const kv::CommandSpec& spec,
        Arguments arguments,
        std::uint64_t nanoseconds,
        bool failed
    );
    /// For LATENCY, if it took long enough.
    void add_latency(ByteView event, std::uint64_t nanoseconds);
    void after_command(Session* session);
    void propagate_effects(kv::Context& context, int db);
    Status replay_function(const kv::CommandSpec& spec, Arguments arguments);
    bool followed() const;
    void remember_reads(
        Session& session,
        const kv::CommandSpec& spec,
        Arguments arguments,
        bool in_script
    );
    void remember_keys(const Session& session, const kv::CommandSpec& spec, Arguments arguments);

    void block(
        Session& session,
        const kv::CommandSpec& spec,
        Arguments arguments,
        kv::BlockRequest request
    );
    void serve_ready();
    void resume(Session& session);
    void leave_blocked(Session& session);
    void go_on(Session& session);

    void touch_watchers(int db, ByteView key, bool was_there);
    void note_changed(int db, ByteView key);
    void note_ready(int db, ByteView key);
    void note_flush(int db);
    void note_swapped(int first, int second);
    void note_event(kv::EventClass event_class, ByteView event, int db, ByteView key);
    void deliver(SessionId id, ByteView pattern, ByteView channel, ByteView message, bool shard);
    void push_invalidation(SessionId id, std::span<const std::string> keys, bool flush);
    void trim_tracking();
    void send_noted_invalidations();

    void cron();
    void expire_some();
    void evict_later();
    std::uint64_t evict(int db, kv::Entry* entry);
    void
    announce_deletion(int db, const std::string& key, kv::EventClass event_class, ByteView event);
    void evict_clients();
    void check_idle_sessions();
    void check_output_limits();
    kv::Entry* eviction_candidate(int* db);

    ServiceEnvironment environment_;
    std::map<SessionId, std::unique_ptr<Session>> sessions_;
    SessionId next_session_ = 1;
    std::unique_ptr<CommandEffects> effects_;
    std::unique_ptr<Scripting> scripting_;
    std::unique_ptr<Access> access_;
    KeyInterest watched_;
    KeyInterest blocked_;
    std::vector<std::pair<int, std::string>> ready_;
    std::size_t blocked_count_ = 0;
    std::uint64_t startup_memory_ = 0;
    std::atomic<std::uint64_t> freed_elsewhere_{0};
    std::size_t client_bytes_ = 0;  ///< Of all sessions, as they were noted last.
    bool evicts_later_ = false;
    bool evicts_clients_later_ = false;
    std::vector<SessionId> to_flush_;
    bool flush_scheduled_ = false;
    std::vector<SessionId> monitors_;
    std::vector<SessionId> paused_;
    std::vector<SessionId> parked_;   ///< Until it is known which node runs what they ask for.
    std::vector<SessionId> holding_;  ///< Have answers that may not leave yet; some twice.
    std::int64_t pause_until_ms_ = 0;
    bool pause_all_ = false;
    io::TimerId pause_timer_;
    io::TimerId cron_timer_;
    int depth_ = 0;          ///< Commands on the stack: a script's, a transaction's.
    SessionId running_ = 0;  ///< Whose command is on the stack; 0: nobody's.
    bool serving_ready_ = false;
    std::vector<PropagatedCommand> pending_changes_;
    std::vector<ChangeFeed*> feeds_;
    std::int64_t started_ms_ = 0;
    std::optional<std::int64_t> frozen_now_us_;  ///< While a command runs, time stands still.
    std::size_t query_buffer_bytes_max_ = 0;
    unsigned event_flags_ = 0;
    std::vector<kv::ScanCursor> expire_cursors_;
    std::vector<kv::ScanCursor> eviction_cursors_;
    std::vector<std::function<void()>> periodic_;
    std::map<std::string, std::function<Status()>, std::less<>> setting_actions_;

    SettingsCache settings_cache_;
    std::unique_ptr<Migrations> migrations_;
    std::unique_ptr<Replication> replication_;
};

}  // namespace kumo::api_redis
