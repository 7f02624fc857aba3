#pragma once

#include "base/clock.h"
#include "cluster/coordinator/lease.h"
#include "cluster/state/state.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace kumo::cluster {

/// What a coordinator wants done. What is not `soon` may wait for the next heartbeats: the lease of
/// the node is long enough.
struct CoordinatorOutput {
    struct Round {
        std::uint64_t context = 0;  ///< For a read index of consensus.
        bool soon = true;
    };

    struct Granted {
        NodeId node;
        Grant grant;
        bool soon = true;
    };

    std::vector<Command> proposals;
    std::vector<Round> rounds;
    std::vector<Granted> grants;
};

struct CoordinatorOptions {
    LeaseOptions lease;
    /// A handover that is not complete by then is called off.
    Duration handover_timeout = std::chrono::seconds(5);
    /// kAsync: the best log among those that have answered by then leads.
    Duration election_timeout = std::chrono::seconds(1);
    Duration propose_again_after = std::chrono::milliseconds(500);
};

/// What the control plane's leader does beside leading: grants leases, fences who is silent, hands
/// shards over from nodes that are draining. A state machine without I/O, clock or thread.
///
/// Thread rule: owned by one thread. Time is the leader's boot-time clock.
class Coordinator {
public:
    explicit Coordinator(const CoordinatorOptions& options) : options_(options) {}

    /// Leads from now on. Nobody knows whom the leader before has granted what, but nothing was
    /// granted in the last `quiet` (by the voters' clocks): everybody counts as heard just before.
    /// Whoever is alive has the time to say so before it is fenced all the same.
    void begin(MonotonicTime now, Duration quiet = {});

    /// Does not lead any more.
    void end();

    bool is_leading() const { return leading_; }

    /// After every change; `index` is the last one applied.
    void on_state(std::shared_ptr<const State> state, std::uint64_t index);

    void on_request(const LeaseRequest& request, MonotonicTime now);

    /// The leadership was confirmed by a round that began after the round was asked for; `index`
    /// was the last one committed by then. What is granted waits for on_state() of that much: a
    /// state from before may not know yet that a leader of the past has fenced the node.
    void on_round(std::uint64_t context, std::uint64_t index);

    void tick(MonotonicTime now);

    CoordinatorOutput take_output() { return std::exchange(output_, {}); }

    /// Since a member was heard last, if this leads.
    std::optional<Duration> silence(const NodeId& node, MonotonicTime now) const;

private:
    struct Round {
        LeaseRequest request;
        MonotonicTime received;
        bool soon = true;
        std::optional<std::uint64_t> confirmed_at;  ///< Index.
    };

    void grant_confirmed();
    void fence_silent(MonotonicTime now);
    void find_unsettled();
    void watch_unsettled(MonotonicTime now);
    void drain(MonotonicTime now);
    void grant(const Round& round);
    bool is_urgent(const NodeId& node, MonotonicTime now) const;
    MonotonicTime last_heard(const NodeId& node) const;

    const CoordinatorOptions options_;
    bool leading_ = false;
    MonotonicTime began_{};
    std::shared_ptr<const State> state_;
    std::uint64_t index_ = 0;
    std::map<NodeId, MonotonicTime> heard_;
    std::map<NodeId, MonotonicTime> granted_;  ///< When what was granted last had been received.
    std::map<NodeId, MonotonicTime> fencing_;  ///< Proposed then: no grants any more.
    std::map<NodeId, MonotonicTime> unfencing_;

    struct Watched {
        Phase phase = Phase::kNormal;
        Term term = 0;
        std::uint64_t version = 0;
        std::optional<MonotonicTime> since;  ///< When it was first looked at.
    };

    std::map<ShardId, Watched> unsettled_;  ///< Shards in a handover or an election.
    std::map<ShardId, MonotonicTime> draining_;
    std::uint64_t next_round_ = 1;
    std::map<std::uint64_t, Round> rounds_;
    CoordinatorOutput output_;
};

}  // namespace kumo::cluster
