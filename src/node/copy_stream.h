#pragma once

#include "base/result.h"
#include "cluster/replication/log_entry.h"
#include "io/loop.h"
#include "store/wal.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace kumo::node {

/// A copy's stream of the log has the copy's number.
inline store::StreamId stream_of(cluster::CopyId copy) {
    return store::StreamId{static_cast<std::uint64_t>(copy)};
}

/// A shard copy's stream of the node's log. What the disk has no room for waits here and is tried
/// again, in order, unless its owner takes it back.
///
/// Thread rule: loop-owned. Loop and log outlive it; destroying it forgets what is under way.
class CopyStream {
public:
    struct Events {
        /// Durable up to here. Never for what has been cut since.
        std::function<void(store::Seq)> on_persisted;
        /// The disk has no room for `from` and what follows. True: it was taken back, and is
        /// forgotten here as well.
        std::function<bool(store::Seq from, const Error& error)> on_refused;
        /// The log has failed: nothing more is written.
        std::function<void(const Error&)> on_failed;
    };

    CopyStream(io::Loop& loop, store::Wal& wal, store::StreamId stream, Events events);
    ~CopyStream();
    CopyStream(const CopyStream&) = delete;
    CopyStream& operator=(const CopyStream&) = delete;

    /// Drops everything from `cut` on, then appends.
    void write(std::optional<store::Seq> cut, const std::vector<cluster::EntryPtr>& entries);

    /// Everything up to here is in a checkpoint.
    void release(store::Seq seq) { wal_.release(stream_, seq); }

private:
    struct InFlight {
        std::uint64_t id = 0;
        cluster::EntryPtr entry;
    };

    void cut(store::Seq from);
    void push();
    bool push_cut();
    void on_appended(std::uint64_t id, const Status& appended);
    void on_refused(const Error& error);
    void decide();
    void retry_later();
    void fail(const Error& error);

    static constexpr Duration kRetryDelay = std::chrono::milliseconds(500);

    io::Loop& loop_;
    store::Wal& wal_;
    const store::StreamId stream_;
    const Events events_;
    const std::shared_ptr<CopyStream*> self_;  ///< For tasks: points to nothing once this is gone.
    std::deque<InFlight> in_flight_;           ///< In the log's hands.
    std::deque<cluster::EntryPtr> waiting_;    ///< Not in the log's hands, or refused.
    std::size_t refused_ = 0;                  ///< How many of `waiting_` were refused just now.
    std::optional<store::Seq> waiting_cut_;
    std::uint64_t next_id_ = 1;
    bool blocked_ = false;
    bool failed_ = false;
    std::optional<Error> refusal_;
    io::TimerId retry_timer_;
};

}  // namespace kumo::node
