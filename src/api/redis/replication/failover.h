#pragma once

#include "api/redis/replication/master_link.h"
#include "base/bytes.h"
#include "io/loop.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace kumo::api_redis {

struct Call;
class Replication;
class Service;

/// FAILOVER: a master hands its part over to a replica. Writes wait; once a replica (the one that
/// was named, or any) has everything, this server follows it and tells it to lead. If it refuses,
/// or time runs out before, everything is as it was.
///
/// Thread rule: loop-owned.
class Failover final {
public:
    Failover(Service& service, Replication& replication);

    void do_failover(Call& call);

    bool under_way() const { return state_ != State::kNone; }

    /// "no-failover", "waiting-for-sync", "failover-in-progress".
    std::string_view state_name() const;

    /// A replica acknowledged, or time has passed.
    void check();
    void on_done();
    void on_refused(ByteView why);

private:
    enum class State : std::uint8_t {
        kNone,
        kWaiting,
        kTakeover
    };

    struct Wishes {
        std::optional<MasterAddress> target;
        bool force = false;
        bool abort = false;
        std::int64_t timeout_ms = 0;
    };

    bool read(Call& call, Wishes* out);
    bool may_begin(Call& call, const Wishes& wishes);
    /// The replica that is to take over if it has everything; nothing: none has.
    std::optional<MasterAddress> ready_target() const;
    void take_over(const MasterAddress& target);
    void end(bool stay_master);

    Service& service_;
    Replication& replication_;
    State state_ = State::kNone;
    Wishes wishes_;
    std::int64_t ends_ms_ = 0;  ///< 0: never.
};

}  // namespace kumo::api_redis
