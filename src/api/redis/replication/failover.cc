#include "api/redis/replication/failover.h"

#include "api/redis/call.h"
#include "api/redis/replication/replication.h"
#include "base/log.h"

#include <string>

namespace kumo::api_redis {

namespace {

/// Writes wait until the end, whenever that is.
constexpr std::int64_t kPauseMs = std::int64_t{365} * 24 * 3600 * 1000;

/// Where a replica listens, as it said or as its connection shows.
MasterAddress address_of(const Session& session, const Replica& replica) {
    return {
        replica.announced_ip.empty() ? session.peer_host() : replica.announced_ip,
        replica.announced_port};
}

}  // namespace

Failover::Failover(Service& service, Replication& replication)
    : service_(service), replication_(replication) {}

std::string_view Failover::state_name() const {
    switch (state_) {
        case State::kNone: return "no-failover";
        case State::kWaiting: return "waiting-for-sync";
        case State::kTakeover: return "failover-in-progress";
    }
    return "unknown";
}

// The command -------------------------------------------------------------------------------------

bool Failover::read(Call& call, Wishes* out) {
    for (std::size_t i = 1; i < call.argc(); ++i) {
        if (call.arg_is(i, "timeout") && i + 1 < call.argc() && out->timeout_ms == 0) {
            if (!call.integer(++i, &out->timeout_ms)) {
                return false;
            }
            if (out->timeout_ms <= 0) {
                call.error("ERR FAILOVER timeout must be greater than 0");
                return false;
            }
        } else if (call.arg_is(i, "abort") && call.argc() == 2) {
            out->abort = true;
        } else if (call.arg_is(i, "to") && i + 2 < call.argc() && !out->target.has_value()) {
            std::int64_t port = 0;
            if (!call.integer(i + 2, &port)) {
                return false;
            }
            out->target =
                MasterAddress{std::string(call.arg(i + 1)), static_cast<std::uint16_t>(port)};
            i += 2;
        } else if (call.arg_is(i, "force") && !out->force) {
            out->force = true;
        } else {
            call.syntax_error();
            return false;
        }
    }
    return true;
}

bool Failover::may_begin(Call& call, const Wishes& wishes) {
    const auto refuse = [&call](ByteView why) {
        call.error(why);
        return false;
    };
    if (state_ != State::kNone) {
        return refuse("ERR FAILOVER already in progress.");
    }
    if (replication_.is_replica()) {
        return refuse("ERR FAILOVER is not valid when server is a replica.");
    }
    if (replication_.replicas().count() == 0) {
        return refuse("ERR FAILOVER requires connected replicas.");
    }
    if (wishes.force && (wishes.timeout_ms == 0 || !wishes.target.has_value())) {
        return refuse(
            "ERR FAILOVER with force option requires both a timeout and target HOST and IP."
        );
    }
    if (!wishes.target.has_value()) {
        return true;
    }
    for (const auto& [id, replica] : replication_.replicas().all()) {
        const Session* session = service_.session(id);
        if (session != nullptr && session->replica
            && address_of(*session, replica) == *wishes.target) {
            return replica.phase == ReplicaPhase::kOnline
                   || refuse("ERR FAILOVER target replica is not online.");
        }
    }
    return refuse("ERR FAILOVER target HOST and PORT is not a replica.");
}

void Failover::do_failover(Call& call) {
    if (service_.settings.flag("cluster-enabled")) {
        call.error("ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead."
        );
        return;
    }
    Wishes wishes;
    if (!read(call, &wishes)) {
        return;
    }
    if (wishes.abort) {
        if (state_ == State::kNone) {
            call.error("ERR No failover in progress.");
            return;
        }
        end(true);
        call.reply.ok();
        return;
    }
    if (!may_begin(call, wishes)) {
        return;
    }
    wishes_ = wishes;
    state_ = State::kWaiting;
    ends_ms_ = wishes.timeout_ms == 0 ? 0 : service_.now_ms() + wishes.timeout_ms;
    service_.pause(service_.now_ms() + kPauseMs, false);
    // Nobody is asked how far it is: that would be one more thing to acknowledge. They say so each
    // second.
    log_info("a failover begins");
    call.reply.ok();
}

// Its way -----------------------------------------------------------------------------------------

std::optional<MasterAddress> Failover::ready_target() const {
    for (const auto& [id, replica] : replication_.replicas().all()) {
        const Session* session = service_.session(id);
        if (session == nullptr || replica.phase != ReplicaPhase::kOnline
            || replica.acknowledged < replication_.offset()) {
            continue;
        }
        const MasterAddress address = address_of(*session, replica);
        if (!wishes_.target.has_value() || address == *wishes_.target) {
            return address;
        }
    }
    return std::nullopt;
}

void Failover::check() {
    if (state_ == State::kNone) {
        return;
    }
    if (state_ == State::kWaiting) {
        if (const auto target = ready_target(); target.has_value()) {
            take_over(*target);
            return;
        }
    }
    if (ends_ms_ > 0 && service_.now_ms() > ends_ms_) {
        if (state_ == State::kWaiting && wishes_.force) {
            take_over(*wishes_.target);
        } else if (state_ == State::kWaiting) {
            log_warn("no replica had everything in time: the failover ends");
            end(true);
        }
    }
}

void Failover::take_over(const MasterAddress& target) {
    log_info("handing over to " + target.host + ":" + std::to_string(target.port));
    state_ = State::kTakeover;
    replication_.follow(target, true);
}

void Failover::end(bool stay_master) {
    const bool follows = state_ == State::kTakeover;
    state_ = State::kNone;
    wishes_ = {};
    if (stay_master && follows) {
        replication_.lead();
    }
    service_.unpause();
}

void Failover::on_done() {
    end(false);
}

void Failover::on_refused(ByteView why) {
    log_warn("the replica does not take over: " + std::string(why.substr(0, 256)));
    end(true);
}

}  // namespace kumo::api_redis
