#pragma once

#include "api/redis/replication/dataset_replacement.h"
#include "api/redis/replication/master_stream.h"
#include "base/bytes.h"
#include "base/result.h"
#include "io/address.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/stream.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace kumo::api_redis {

class Replication;
class Service;

/// Where a master listens.
struct MasterAddress {
    std::string host;
    std::uint16_t port = 0;
    bool operator==(const MasterAddress&) const = default;
};

/// A replica's side of replication: connects to the master and goes on doing so, shakes hands, asks
/// to go on where it was, takes the master's file if that cannot be, and runs the master's commands
/// as they come.
///
/// Thread rule: loop-owned.
class MasterLink final : public io::StreamHandler {
public:
    enum class State : std::uint8_t {
        kConnect,  ///< Will be tried (again).
        kConnecting,
        kHandshake,
        kSync,     ///< The file is coming.
        kLoading,  ///< It is being put in the place of our keys.
        kConnected,
    };

    /// `takes_over`: the master is to be told that it is one now (FAILOVER).
    MasterLink(Service& service, Replication& replication, MasterAddress master, bool takes_over);
    ~MasterLink() override;

    void start();
    /// Ends it for good; it is destroyed when nothing of it runs any more.
    void stop();
    /// Closes the connection, for another to be made; false: there is none.
    bool drop(ByteView why);

    void on_data(ByteView bytes) override;
    void on_eof() override;
    void on_closed(Status why) override;

    /// About twenty times a second.
    void periodic();
    /// Tells the master now what was run.
    void acknowledge();

    const MasterAddress& master() const { return master_; }

    State state() const { return state_; }

    bool up() const { return state_ == State::kConnected; }

    bool loading() const { return state_ == State::kLoading; }

    bool takes_over() const { return takes_over_; }

    /// The database that the master's stream is in.
    int database() const { return db_; }

    std::int64_t last_heard_ms() const { return last_heard_ms_; }

    std::int64_t down_since_ms() const { return down_since_ms_; }

    std::uint64_t sync_total_bytes() const;

    std::uint64_t sync_read_bytes() const { return rdb_bytes_; }

    std::uint64_t read_bytes() const { return read_bytes_; }

    /// What it has read of the stream, run or not.
    std::uint64_t read_place() const;

    /// "connect", "connecting", "handshake", "sync", "connected": what ROLE says.
    std::string_view state_name() const;
    /// For CLIENT LIST; empty: not connected.
    std::string peer_text() const;

    DatasetReplacement* replacement() { return replacement_.get(); }

private:
    /// What an answer of the handshake is to; in the order of asking.
    enum class Asked : std::uint8_t {
        kPing,
        kAuth,
        kReplconf,
        kPsync
    };

    void connect();
    void connect_to(const std::vector<io::Address>& addresses);
    void connected(std::unique_ptr<io::Stream> stream);
    void fail(ByteView why);
    void retry_later();
    void ask(Asked what, std::initializer_list<ByteView> words);
    void greet();
    void ask_for_stream();
    void on_line(ByteView line);
    void on_psync_answer(ByteView line);
    void begin_full(ByteView id, std::uint64_t place);
    void go_on(ByteView id);
    void on_rdb(ByteView bytes);
    void on_rdb_end();
    void begin_load();
    void load_some();
    void end_load();
    void set_connected();
    void process();
    void on_command();
    void run_unit(std::vector<std::vector<std::string>> commands);
    void run(std::span<const ByteView> arguments);
    void drop_file();

    Service& service_;
    Replication& replication_;
    MasterAddress master_;
    bool takes_over_;
    State state_ = State::kConnect;
    std::unique_ptr<io::Stream> stream_;
    std::unique_ptr<MasterStream> input_;
    std::deque<Asked> asked_;
    std::uint64_t attempt_ = 0;  ///< Answers to older attempts are not for us.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    io::TimerId timer_;
    Duration backoff_{};
    bool said_sync_ = false;
    bool processing_ = false;
    std::string unit_bytes_;  ///< Of the transaction that is under way.
    std::vector<std::vector<std::string>> unit_;
    bool in_transaction_ = false;
    int db_ = 0;
    std::string full_id_;
    std::uint64_t full_place_ = 0;
    std::string path_;
    std::unique_ptr<io::File> file_;
    std::uint64_t rdb_bytes_ = 0;
    std::unique_ptr<DatasetReplacement> replacement_;
    std::int64_t last_heard_ms_ = 0;
    std::int64_t down_since_ms_ = 0;
    std::int64_t acknowledged_ms_ = 0;
    std::uint64_t read_bytes_ = 0;
    std::uint64_t errors_ = 0;
};

}  // namespace kumo::api_redis
