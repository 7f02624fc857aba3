#pragma once

#include "base/result.h"
#include "io/loop.h"
#include "node/control_link.h"
#include "node/operation.h"
#include "node/shard.h"
#include "node/state.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace kumo::node {

/// How long an operation looks for a primary that takes it.
inline constexpr Duration kOperationTimeout = std::chrono::seconds(10);

/// The same for a change of fields, which waits for what is before it, and the answer's.
inline constexpr Duration kFieldChangeTimeout = std::chrono::hours(1);
inline constexpr Duration kFieldChangeReadTimeout = std::chrono::seconds(60);

/// How long the answer of an operation at another node waits until it can be read at this one.
inline constexpr Duration kReadYourWritesTimeout = std::chrono::seconds(1);

/// How long a read waits to be sure that it is up to date.
inline constexpr Duration kBarrierTimeout = std::chrono::seconds(5);

/// Gets operations to the primary of their shard, wherever it is, and again to the next one after a
/// failover: with the same request id, so that they are carried out once.
///
/// Thread rule: loop-owned. What it is given outlives it.
class OperationRouter {
public:
    struct Environment {
        io::Loop& loop;
        ControlLink& control;
        /// This node's copy, or nullptr.
        std::function<std::shared_ptr<Shard>(cluster::ShardId)> local;
        /// Whether the primary may take that many bytes, for an operation that needs room.
        std::function<Status(std::size_t bytes)> admit;
    };

    /// One shard, and whose it is.
    struct ShardOf {
        std::shared_ptr<const Collection> collection;
        cluster::ShardId shard{};
    };

    using Done = Shard::Done;
    using ReadDone = std::function<void(Status)>;

    explicit OperationRouter(const Environment& environment);

    void on_state(std::shared_ptr<const State> state, std::uint64_t incarnation);

    /// `done` runs on the loop. kUnavailable if no primary took it in kOperationTimeout: whether it
    /// is carried out is not known then. kNotFound if the shard is gone.
    void submit(ShardOf target, std::string operation, bool needs_room, Done done);

    /// `done` runs when this node's copy shows everything acknowledged before the call: the one
    /// that `local` finds then, which need not be the one from before.
    void read_barrier(ShardOf target, ReadDone done);

    /// The operation came from another node: kOperation.
    void on_operation(const std::string& bytes, std::uint64_t reply);

    /// Another node wants to know how far to read: kReadIndex.
    void on_read_index(const std::string& bytes, std::uint64_t reply);

private:
    struct Pending {
        cluster::RequestId id;
        ShardOf target;
        std::string operation;
        bool needs_room = false;
        Done done;
        MonotonicTime deadline;
        bool under_way = false;
        bool tried = false;  ///< A try has ended with nobody knowing how.
        std::string why;     ///< The last one was in vain; for people.
    };

    using PendingPtr = std::shared_ptr<Pending>;

    struct Barrier {
        ShardOf target;
        ReadDone done;
        MonotonicTime deadline;
    };

    using BarrierPtr = std::shared_ptr<Barrier>;

    void try_barrier(const BarrierPtr& barrier);
    void retry_barrier(const BarrierPtr& barrier);
    void
    wait_applied(const BarrierPtr& barrier, const std::shared_ptr<Shard>& shard, store::Seq seq);
    static void finish_barrier(const BarrierPtr& barrier, Status reached);

    void route_all();
    void route(const PendingPtr& pending);
    void route_local(const PendingPtr& pending);
    void route_remote(const PendingPtr& pending, const cluster::NodeId& primary);
    void on_remote_answer(const PendingPtr& pending, const Result<std::string>& answer);
    void on_answer(const PendingPtr& pending, Result<Outcome> outcome);
    void answer_when_readable(const PendingPtr& pending, Outcome outcome);
    void finish(const PendingPtr& pending, Result<Outcome> outcome);
    void arm_timer();
    void on_timer();

    const Environment env_;
    std::shared_ptr<const State> state_;
    std::uint64_t incarnation_ = 0;
    std::uint64_t next_number_ = 1;
    std::map<std::uint64_t, PendingPtr> pending_;  ///< By the order of their arrival.
    std::uint64_t next_pending_ = 1;
    io::TimerId timer_;
};

}  // namespace kumo::node
