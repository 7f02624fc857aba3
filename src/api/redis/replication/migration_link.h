#pragma once

#include "api/redis/state/channels.h"
#include "base/bytes.h"
#include "base/result.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/stream.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace kumo::api_redis {

class MigrationLink;
class Migrations;
class Service;

/// One MIGRATE under way.
struct Migration {
    std::uint64_t id = 0;
    SessionId session = 0;
    int db = 0;
    std::string host;
    std::uint16_t port = 0;
    std::int64_t target_db = 0;
    std::int64_t timeout_ms = 0;  ///< Of silence, not of the whole.
    bool copy = false;
    bool replace = false;
    std::vector<std::string> authentication;  ///< AUTH's arguments; empty: none.
    std::vector<std::string> keys;
    std::size_t sent = 0;                ///< Of keys.
    std::deque<std::string> unanswered;  ///< Sent, in order.
    std::set<std::string> changed;       ///< Something got at them: they are not removed here.
    std::string error;                   ///< The first one.
    bool retried = false;
    bool any_answer = false;
    std::unique_ptr<MigrationLink> link;
};

/// A connection to a server that keys are moved to; kept for a while for the next ones.
///
/// Thread rule: loop-owned.
class MigrationLink final : public io::StreamHandler {
public:
    MigrationLink(Service& service, Migrations& migrations, std::string host, std::uint16_t port);
    ~MigrationLink() override;

    /// Connects, if it is not, and sends the migration's keys.
    void begin(Migration& migration);
    /// Nothing is under way on it any more.
    void rest();

    bool leads_to(const std::string& host, std::uint16_t port) const {
        return host == host_ && port == port_ && stream_ != nullptr;
    }

    bool connected() const { return stream_ != nullptr; }

    std::int64_t rests_since_ms() const { return rests_since_ms_; }

    /// After an error nobody knows which database it is in.
    void forget_database() { db_ = -1; }

    void on_data(ByteView bytes) override;
    void on_eof() override;
    void on_drained() override;
    void on_closed(Status why) override;

private:
    enum class Asked : std::uint8_t {
        kAuth,
        kSelect,
        kRestore
    };

    void connect_to(const std::vector<io::Address>& addresses);
    void greet();
    void ask(Asked what, const std::vector<std::string>& words);
    void send_more();
    void on_line(ByteView line);
    void broken(ByteView doing);
    void watch_silence();

    Service& service_;
    Migrations& migrations_;
    std::string host_;
    std::uint16_t port_;
    std::unique_ptr<io::Stream> stream_;
    std::string input_;
    std::deque<Asked> asked_;
    Migration* migration_ = nullptr;
    std::int64_t db_ = 0;
    bool was_kept_ = false;
    std::int64_t rests_since_ms_ = 0;
    io::TimerId timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kumo::api_redis
