#pragma once

#include "base/clock.h"
#include "io/loop.h"
#include "node/control_link.h"
#include "node/kv/kv_copy.h"
#include "node/kv/kv_engine.h"
#include "node/kv/kv_state.h"
#include "node/state.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::node {

/// Of a part of a move: each side handles one in a turn.
inline constexpr std::size_t kKvMoveChunkBytes = std::size_t{256} << 10;

/// A move of slots as this node knows it, for people.
struct KvMoveReport {
    enum class Phase : std::uint8_t {
        kWaiting,    ///< Its turn has not come.
        kStreaming,  ///< Keys and changes are on their way.
        kFrozen,     ///< The slots' commands wait.
        kDone,
        kFailed,
        kCancelled,
    };

    Uuid id;
    bool exports = false;  ///< From this node's group; else to it.
    SlotSet slots;
    cluster::NodeId source;
    cluster::NodeId target;
    std::int64_t begun_ms = 0;
    std::int64_t updated_ms = 0;
    std::int64_t acked_ms = 0;
    Phase phase = Phase::kWaiting;
    std::string message;
    std::uint64_t sent_bytes = 0;
};

/// Moves slots from group to group, all at once (docs/design/011-slots.md, R14 of the plan).
///
/// The source's primary streams the slots' keys, and what is done to them meanwhile, to the
/// target's, which puts them in its own log, hidden. When nothing more is to be sent, the source
/// lets commands on these slots wait, and sends the last of it; when the target's log has that
/// safely, the control plane makes the slots the target's: in one command, and only if the source's
/// primary is still the one that lets them wait. Then both make it true in their logs: the target
/// shows what has come, the source drops what it has. Nothing is resumed: any trouble before that
/// command ends the move, and the target drops what has come.
///
/// Thread rule: the data loop. What it is given outlives it.
class KvMoves {
public:
    struct Environment {
        io::Loop& loop;
        Clock& clock;
        ControlLink& control;
        KvEngine& engine;
        std::function<std::shared_ptr<KvCopy>()> copy;
        std::function<const State&()> state;
        std::function<std::uint64_t()> incarnation;
        std::function<bool()> leads;  ///< The copy is its group's primary, and takes changes.
        std::function<void(KvCommand)> propose;
        std::function<void()> on_frozen;  ///< Slots are frozen, or are not any more.
        std::size_t chunk_bytes = kKvMoveChunkBytes;
    };

    explicit KvMoves(Environment environment) : env_(std::move(environment)) {}

    // ---- what happens

    void on_state();
    /// More is committed, or the role is another one.
    void on_progress();
    void on_copy_closed();
    void tick();
    /// PeerRequest::kKvRequest.
    void on_request(const std::string& bytes, std::uint64_t reply);

    // ---- what commands ask

    /// False: what the control plane has decided about slots is not made true in this log yet, and
    /// no command may run before that.
    bool is_settled() const;

    /// The slot's commands wait: soon it is known whose it is.
    bool is_frozen(std::uint16_t slot) const { return frozen_ && frozen_->contains(slot); }

    bool any_frozen() const { return frozen_.has_value(); }

    /// Whether a move under way touches the slot at its source, which this is.
    bool any_export() const { return export_.has_value(); }

    /// All moves from and to this node's group that are not done come to nothing.
    void fail_all(const std::string& why);

    /// The present ones, and the last that are over, oldest first.
    std::vector<KvMoveReport> reports() const;

    /// Of those that are over.
    void keep_reports(std::size_t most);

    /// A user wants the move to end: it is reported so.
    void note_cancel(const Uuid& move) { reasons_[move] = ""; }

private:
    /// What this node, the source's primary, is giving out.
    struct Export {
        Uuid id;
        cluster::NodeId to;
        std::uint64_t next = 0;  ///< Chunk.
        bool in_flight = false;
        bool last_sent = false;
        bool failed = false;
        MonotonicTime begun_at;
        MonotonicTime frozen_at;
        MonotonicTime cancelled_at;
        std::int64_t acked_ms = 0;
        std::uint64_t bytes = 0;
    };

    /// What it is taking in, as the target's primary.
    struct Import {
        std::uint64_t next = 0;
        cluster::Term term = 0;
        std::optional<store::Seq> complete_at;
        std::uint64_t bytes = 0;
    };

    /// Made true in the log, and not known to the control plane.
    struct Settled {
        store::Seq seq = 0;
        bool adopted = false;
        MonotonicTime proposed_at;
    };

    struct Chunk;

    std::optional<cluster::ShardId> own_shard() const;
    bool is_known(const Uuid& id) const;
    void follow_reports();
    void end_export(bool decided);
    void begin_export();
    bool may_begin(const KvMove& move) const;
    void pump();
    void send(std::string bytes, bool last);
    void on_sent(const Uuid& id, const Result<std::string>& answer);
    bool freeze();
    void thaw();
    void fail_export(const std::string& why);
    void settle();
    void tell_settled();
    void finish_imports();
    bool is_safe(store::Seq seq) const;
    void take_waiting();
    Result<std::string> take(const Chunk& chunk);

    MonotonicTime now() const { return env_.clock.monotonic_now(); }

    std::int64_t wall_ms() const;

    const Environment env_;
    std::optional<Export> export_;
    std::optional<SlotSet> frozen_;
    std::map<Uuid, Import> imports_;
    std::deque<std::pair<std::string, std::uint64_t>> waiting_;  ///< Requests, for room.
    std::map<Uuid, Settled> settled_;
    std::map<Uuid, MonotonicTime> finish_proposed_;
    std::map<Uuid, std::string> reasons_;  ///< Why a move is to fail; "": it was cancelled.
    std::map<Uuid, KvMoveReport> present_;
    std::deque<KvMoveReport> past_;
    std::size_t past_max_ = 1000;
    bool pump_scheduled_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kumo::node
