#pragma once

#include "api/redis/state/channels.h"
#include "base/clock.h"
#include "io/loop.h"
#include "io/stream.h"
#include "kv/acl/user.h"
#include "kv/command/effects.h"
#include "kv/command/spec.h"
#include "wire/resp.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_redis {

class Service;
class Session;

/// A request kept for later: queued in MULTI, or blocked.
struct KeptRequest {
    const kv::CommandSpec* spec = nullptr;
    std::vector<std::string> arguments;

    std::vector<ByteView> views() const { return {arguments.begin(), arguments.end()}; }
};

/// MULTI ... EXEC, and what WATCH looks at.
struct Transaction {
    bool open = false;
    bool broken = false;           ///< A command could not be queued: EXEC aborts.
    bool watched_changed = false;  ///< EXEC answers null.
    std::vector<KeptRequest> queue;
    std::size_t queued_bytes = 0;
    /// By database and name; true: it was there but expired, which counts as absent.
    std::map<std::pair<int, std::string>, bool> watched;
    std::uint32_t flags = 0;          ///< All CommandFlags of what is queued.
    std::uint32_t lacking_flags = 0;  ///< Those that something of it lacks.
};

/// A session that waits for keys, or for something else (WAIT, a pause).
struct BlockedState {
    KeptRequest request;
    kv::BlockRequest wait;
    io::TimerId timer;
    std::function<void(Session&)> answer;  ///< kOther: what a timeout answers; empty: none comes.
    MonotonicTime begun = {};              ///< When the command came.
};

enum class ReplyMode : std::uint8_t {
    kOn,
    kOff,
    kSkipNext,
    kSkip
};

enum class BlockReason : std::uint8_t {
    kNone,
    kKeys,
    kPause,
    kOther,  ///< See Service::hold().
};

/// CLIENT TRACKING of one session.
struct Tracking {
    bool on = false;
    bool broadcast = false;
    bool opt_in = false;
    bool opt_out = false;
    bool no_loop = false;
    bool caching_set = false;  ///< CLIENT CACHING was said for the next command.
    bool broken_redirect = false;
    SessionId redirect = 0;
    std::set<std::string> prefixes;
};

/// One connection. Everything about it that commands need; the Service decides what happens.
/// Thread rule: loop-owned.
class Session final : public io::StreamHandler {
public:
    Session(Service& service, SessionId id, std::unique_ptr<io::Stream> stream);
    ~Session() override;

    void start();

    void on_data(ByteView bytes) override;
    void on_eof() override;
    void on_drained() override;
    void on_closed(Status why) override;

    /// Executes what has been read, until there is no whole request, or the session waits.
    void process();
    /// Hands what has been written to the stream.
    void flush();
    /// What was written when the changes up to `mark` were not on all copies yet leaves now.
    void release_answers(std::uint64_t mark);

    bool holds_answers() const { return !held_answers_.empty(); }

    /// Flushes, then closes.
    void close_gently();
    /// Drops the connection.
    void abort();

    bool closing() const { return closing_; }

    io::Stream* stream() { return stream_.get(); }

    std::string peer_text() const;

    std::string peer_host() const { return stream_->peer().host_string(); }

    bool is_local() const { return stream_->peer().is_loopback(); }

    std::string local_text() const { return local_text_; }

    void set_local_text(std::string text) { local_text_ = std::move(text); }

    std::size_t query_buffer_capacity() const { return parser_.memory_bytes(); }

    std::size_t output_bytes() const;

    /// Of what it has sent and is not done yet, the command that runs among it.
    std::size_t request_bytes() const { return parser_.buffered_bytes(); }

    /// With all that it has asked the server to keep for it.
    std::size_t memory_bytes() const;

    const SessionId id;
    wire::RespWriter reply;
    int db = 0;
    std::shared_ptr<const kv::AclUser> user;  ///< As it is now; never nullptr once accepted.
    bool authenticated = false;
    std::string name;
    std::string library_name;
    std::string library_version;
    Transaction transaction;
    Subscriptions subscriptions;
    std::optional<BlockedState> blocked;
    BlockReason block_reason = BlockReason::kNone;
    ReplyMode reply_mode = ReplyMode::kOn;
    Tracking tracking;
    bool monitor = false;
    bool replica = false;  ///< It said SYNC or PSYNC: what it is sent is a stream, not answers.
    bool asking = false;
    bool readonly = false;
    bool no_evict = false;
    bool close_after_reply = false;
    bool asked = false;      ///< The command that runs came behind ASKING.
    bool in_exec = false;    ///< EXEC runs its commands.
    bool gone = false;       ///< Closed while a command of it ran.
    bool executing = false;  ///< A command of it is on the stack.
    std::int64_t created_ms = 0;
    std::int64_t last_used_ms = 0;
    std::uint64_t commands = 0;
    const kv::CommandSpec* last_command = nullptr;
    std::uint64_t replication_offset = 0;  ///< After its last write.

    std::size_t noted_bytes = 0;  ///< memory_bytes() as the service noted it last.
    /// Since when more waits to be sent than the soft limit; 0: it does not.
    std::int64_t over_soft_limit_since_ms = 0;
    /// Changes of the cluster that it is to be told of when they are made.
    int awaited_changes = 0;

    std::size_t multi_bytes() const { return transaction.queued_bytes; }

    /// Messages pushed while a command of the session itself ran: they follow its reply.
    std::string after_reply;
    /// Where in `reply` the answer of the command that executes begins: CLIENT REPLY OFF takes back
    /// what follows.
    std::size_t reply_begin = 0;

private:
    Service& service_;
    std::unique_ptr<io::Stream> stream_;
    wire::RespParser parser_;
    bool closing_ = false;
    bool processing_ = false;
    bool closes_when_released_ = false;
    std::size_t held_answer_bytes_ = 0;
    std::deque<std::pair<std::uint64_t, std::string>> held_answers_;  ///< By mark.
    std::string
        held_;  ///< What arrived while a command of it ran: its arguments lie in the parser.
    std::string local_text_;
};

}  // namespace kumo::api_redis
