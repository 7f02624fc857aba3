#include "node/kv/kv_moves.h"

#include "base/log.h"
#include "node/internal/kv_mutant.h"

#include <algorithm>
#include <utility>

namespace kumo::node {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kChunkTimeout = seconds(10);
/// The target may hear of the move a little later than the source.
constexpr Duration kBeginAgainAfter = milliseconds(20);
constexpr Duration kBeginWithin = seconds(5);
/// Commands wait no longer than that before the move is given up.
constexpr Duration kFrozenMax = seconds(2);
constexpr Duration kProposeAgainAfter = seconds(1);

constexpr std::uint64_t kLast = 1;

/// Failed answers of this code mean that the target does not know of the move yet.
constexpr ErrorCode kNotYet = ErrorCode::kNotFound;

}  // namespace

/// A part of the stream.
struct KvMoves::Chunk {
    Uuid move;
    std::uint64_t number = 0;
    bool last = false;
    ByteView changes;

    std::string encode() const {
        std::string out(move.view());
        wire::append_varint(out, number);
        wire::append_varint(out, last ? kLast : 0);
        out.append(changes);
        return out;
    }

    static std::optional<Chunk> decode(ByteView bytes) {
        wire::ByteReader in(bytes);
        Chunk chunk;
        chunk.move = in.uuid();
        chunk.number = in.number();
        chunk.last = in.below_or_at(kLast) == kLast;
        chunk.changes = in.rest();
        return in.ok() ? std::optional(chunk) : std::nullopt;
    }
};

std::optional<cluster::ShardId> KvMoves::own_shard() const {
    const auto copy = env_.copy();
    return copy == nullptr ? std::nullopt : std::optional(copy->shard());
}

bool KvMoves::is_known(const Uuid& id) const {
    return env_.state().kv.moves.contains(id);
}

std::int64_t KvMoves::wall_ms() const {
    return std::chrono::duration_cast<milliseconds>(env_.clock.wall_now().time_since_epoch())
        .count();
}

// ---- what happens

void KvMoves::on_state() {
    settle();
    if (export_) {
        const auto& moves = env_.state().kv.moves;
        const auto found = moves.find(export_->id);
        if (found == moves.end() || found->second->done) {
            end_export(true);
        }
    }
    std::erase_if(imports_, [this](const auto& each) { return !is_known(each.first); });
    std::erase_if(finish_proposed_, [this](const auto& each) { return !is_known(each.first); });
    follow_reports();
    begin_export();
    take_waiting();
}

void KvMoves::on_progress() {
    settle();  // What leads only now has something left of a move that is over.
    tell_settled();
    finish_imports();
    take_waiting();
    begin_export();
}

void KvMoves::on_copy_closed() {
    imports_.clear();
    settled_.clear();
    end_export(false);
    take_waiting();
}

void KvMoves::tick() {
    on_progress();
    if (!export_) {
        return;
    }
    if (!env_.leads() && !frozen_) {
        end_export(false);  // If it leads again as the same primary, it begins anew.
        return;
    }
    const bool late = frozen_ && now() - export_->frozen_at > kFrozenMax;
    if (late && planted(KvMutant::kMoveThaws)) {
        thaw();
    }
    if (late && !export_->failed) {
        fail_export("the target does not take over in time");
    } else if (export_->failed && now() - export_->cancelled_at > kProposeAgainAfter) {
        export_->cancelled_at = now();
        env_.propose(KvCancelMove{export_->id});
    }
}

// ---- the source

bool KvMoves::may_begin(const KvMove& move) const {
    const auto copy = env_.copy();
    return !move.done && move.source == copy->shard() && move.term == copy->core().term()
           && move.incarnation == env_.incarnation() && !reasons_.contains(move.id);
}

/// The next one: one at a time.
void KvMoves::begin_export() {
    if (export_ || !env_.leads() || !is_settled()) {
        return;
    }
    const State& state = env_.state();
    const KvMove* next = nullptr;
    for (const auto& [id, move] : state.kv.moves) {
        const bool earlier = next == nullptr || move->begun_ms < next->begun_ms;
        next = earlier && may_begin(*move) ? move.get() : next;
    }
    const cluster::Shard* target =
        next == nullptr ? nullptr : cluster::find_shard(state.cluster, next->target);
    if (target == nullptr || target->primary.is_nil()) {
        return;
    }
    export_.emplace();
    export_->id = next->id;
    export_->to = target->primary;
    export_->begun_at = now();
    log_info(
        "moves " + std::to_string(next->slots.size()) + " slots to node "
        + node_name(target->primary)
    );
    env_.engine.begin_export(next->slots);
    pump();
}

/// `decided`: by the control plane; else this node is not the one any more that may go on.
void KvMoves::end_export(bool decided) {
    if (!export_) {
        return;
    }
    log_info(
        "the move of slots " + node_name(export_->id) + (decided ? " is over" : " is given up")
    );
    export_.reset();
    env_.engine.end_export();
    thaw();
}

bool KvMoves::freeze() {
    const auto& moves = env_.state().kv.moves;
    const auto found = moves.find(export_->id);
    if (found == moves.end() || found->second->done) {
        return false;
    }
    export_->frozen_at = now();
    frozen_ = planted(KvMutant::kMoveNotFrozen) ? SlotSet() : found->second->slots;
    return true;
}

void KvMoves::thaw() {
    if (frozen_) {
        frozen_.reset();
        env_.on_frozen();
    }
}

void KvMoves::pump() {
    if (!export_ || export_->in_flight || export_->failed || export_->last_sent || !env_.leads()) {
        return;
    }
    std::string bytes;
    const KvEngine::Export more = env_.engine.export_some(env_.chunk_bytes, &bytes);
    if (more == KvEngine::Export::kBroken) {
        fail_export("the slots' keys were removed, or too much was changed meanwhile");
        return;
    }
    // Nothing runs between the last look and the freeze. But the target is asked first: it may be
    // gone, or refuse.
    const bool last = more == KvEngine::Export::kDry && export_->next > 0 && freeze();
    send(std::move(bytes), last);
}

void KvMoves::send(std::string bytes, bool last) {
    Chunk chunk;
    chunk.move = export_->id;
    chunk.number = export_->next;
    chunk.last = last;
    chunk.changes = bytes;
    export_->in_flight = true;
    export_->last_sent = last;
    export_->bytes += bytes.size();
    // What is sent first is sent again until the target knows of the move.
    const auto again = std::make_shared<const std::string>(chunk.encode());
    const std::weak_ptr<bool> alive = alive_;
    const Uuid id = export_->id;
    const auto call = std::make_shared<std::function<void()>>();
    const std::weak_ptr<std::function<void()>> weak = call;
    *call = [this, alive, id, again, weak, number = chunk.number] {
        const auto self = weak.lock();
        if (alive.expired() || !export_ || export_->id != id || export_->failed) {
            return;
        }
        env_.control.call(
            export_->to,
            PeerRequest::kKvRequest,
            *again,
            kChunkTimeout,
            [this, alive, id, number, self](const Result<std::string>& answer) {
                if (alive.expired() || !export_ || export_->id != id) {
                    return;
                }
                const bool not_yet = !answer.ok() && answer.error().code == kNotYet && number == 0
                                     && now() - export_->begun_at < kBeginWithin;
                if (not_yet) {
                    (void)env_.loop.add_timer(kBeginAgainAfter, [self] { (*self)(); });
                } else {
                    on_sent(id, answer);
                }
            }
        );
    };
    (*call)();
}

void KvMoves::on_sent(const Uuid& id, const Result<std::string>& answer) {
    if (!answer.ok()) {
        fail_export("the target: " + answer.error().message);
        return;
    }
    export_->in_flight = false;
    export_->acked_ms = wall_ms();
    ++export_->next;
    // In a later turn: clients have theirs before.
    const std::weak_ptr<bool> alive = alive_;
    env_.loop.post([this, alive, id] {
        if (!alive.expired() && export_ && export_->id == id) {
            pump();
        }
    });
}

/// What was frozen stays so until the control plane has decided.
void KvMoves::fail_export(const std::string& why) {
    if (export_->failed) {
        return;
    }
    log_warn("the move of slots " + node_name(export_->id) + " fails: " + why);
    export_->failed = true;
    export_->cancelled_at = now();
    reasons_[export_->id] = why;
    env_.propose(KvCancelMove{export_->id});
}

void KvMoves::fail_all(const std::string& why) {
    const auto own = own_shard();
    for (const auto& [id, move] : env_.state().kv.moves) {
        if (move->done || (move->source != own && move->target != own)) {
            continue;
        }
        if (export_ && export_->id == id) {
            fail_export(why);
        } else {
            reasons_[id] = why;
            env_.propose(KvCancelMove{id});
        }
    }
}

// ---- the target

void KvMoves::on_request(const std::string& bytes, std::uint64_t reply) {
    waiting_.emplace_back(bytes, reply);
    take_waiting();
}

/// As far as there is room in the log; who may not be taken in is answered so.
void KvMoves::take_waiting() {
    while (!waiting_.empty()) {
        const auto copy = env_.copy();
        if (env_.leads() && !copy->has_room()) {
            return;  // on_progress() comes again.
        }
        const auto [bytes, reply] = std::move(waiting_.front());
        waiting_.pop_front();
        const auto chunk = Chunk::decode(bytes);
        env_.control.answer(
            reply,
            chunk ? take(*chunk) : invalid_argument("a part of a move of slots is not well formed")
        );
    }
}

Result<std::string> KvMoves::take(const Chunk& chunk) {
    const auto copy = env_.copy();
    const auto& moves = env_.state().kv.moves;
    const auto found = moves.find(chunk.move);
    if (found == moves.end() || found->second->done || reasons_.contains(chunk.move)) {
        return Error{
            reasons_.contains(chunk.move) ? ErrorCode::kConflict : kNotYet,
            "this node does not know of the move"};
    }
    if (!env_.leads() || !is_settled() || found->second->target != copy->shard()) {
        return Error{ErrorCode::kUnavailable, "this node is not the target's master"};
    }
    if (chunk.number == 0) {
        copy->append_move(move_begins(chunk.move, found->second->slots));
        imports_[chunk.move] = {};
        imports_[chunk.move].term = copy->core().term();
    }
    const auto import = imports_.find(chunk.move);
    if (import == imports_.end() || import->second.next != chunk.number
        || import->second.term != copy->core().term() || import->second.complete_at) {
        return Error{ErrorCode::kConflict, "a part of the move is not what should follow"};
    }
    ++import->second.next;
    import->second.bytes += chunk.changes.size();
    if (!chunk.changes.empty()) {
        copy->append_move(move_brings(chunk.move, chunk.changes));
    }
    if (chunk.last) {
        copy->append_move(move_is_complete(chunk.move));
        import->second.complete_at = copy->appended();
        finish_imports();
    }
    return std::string();
}

/// Whoever may become the primary after this one has it.
bool KvMoves::is_safe(store::Seq seq) const {
    const auto copy = env_.copy();
    const cluster::Shard& shard = copy->core().view();
    return copy->committed() >= seq
           && (shard.mode == cluster::AckMode::kSync
               || copy->copies_with(seq) + 1 >= shard.in_sync.size());
}

void KvMoves::finish_imports() {
    if (!env_.leads()) {
        return;
    }
    const auto copy = env_.copy();
    for (const auto& [id, move] : env_.state().kv.moves) {
        const auto made = copy->moves().find(id);
        if (move->done || move->target != copy->shard() || made == copy->moves().end()
            || !made->second.complete || reasons_.contains(id)) {
            continue;
        }
        // A primary that has found it in its log: by now that is safe, too, or soon.
        const auto import = imports_.try_emplace(id).first;
        if (!import->second.complete_at) {
            import->second.complete_at = copy->appended();
        }
        const store::Seq seq = *import->second.complete_at;
        auto& proposed_at = finish_proposed_[id];
        const bool due = proposed_at == MonotonicTime() || now() - proposed_at > kProposeAgainAfter;
        if (due && (is_safe(seq) || planted(KvMutant::kMoveFinishEarly))) {
            proposed_at = now();
            env_.propose(KvFinishMove{id});
        }
    }
}

// ---- both

bool KvMoves::is_settled() const {
    const auto& moves = env_.state().kv.moves;
    const auto copy = env_.copy();
    if (copy == nullptr || (moves.empty() && copy->moves().empty())
        || planted(KvMutant::kMoveServeEarly)) {
        return true;
    }
    const KvMoveTable& made = copy->moves();
    return std::all_of(moves.begin(), moves.end(), [&](const auto& each) {
        const KvMove& move = *each.second;
        const auto known = made.find(move.id);
        const bool adopts = move.done && !move.adopted && move.target == copy->shard();
        const bool drops = move.done && !move.dropped && move.source == copy->shard();
        return (!adopts || (known != made.end() && known->second.adopted))
               && (!drops || (known != made.end() && known->second.dropped));
    });
}

/// Logs what the control plane has decided.
void KvMoves::settle() {
    if (!env_.leads()) {
        return;
    }
    const auto copy = env_.copy();
    const auto& moves = env_.state().kv.moves;
    for (const auto& [id, move] : moves) {
        const bool adopts = move->done && !move->adopted && move->target == copy->shard();
        const bool drops = move->done && !move->dropped && move->source == copy->shard();
        if (!adopts && !drops) {
            continue;
        }
        const auto known = copy->moves().find(id);
        const bool made = known != copy->moves().end()
                          && (adopts ? known->second.adopted : known->second.dropped);
        if (!made || (planted(KvMutant::kMoveAdoptTwice) && adopts && !settled_.contains(id))) {
            copy->append_move(
                adopts ? move_is_adopted(id, move->slots) : move_drops(id, move->slots)
            );
        }
        if (!settled_.contains(id)) {
            settled_[id] = {copy->appended(), adopts, {}};
        }
    }
    std::vector<Uuid> over;
    for (const auto& [id, progress] : copy->moves()) {
        const bool forgets_early = planted(KvMutant::kMoveForgetEarly) && progress.complete
                                   && !progress.adopted && !imports_.contains(id);
        if (!moves.contains(id) || forgets_early) {
            over.push_back(id);
        }
    }
    for (const Uuid& id : over) {
        copy->append_move(move_is_over(id));
        settled_.erase(id);
    }
}

void KvMoves::tell_settled() {
    if (!env_.leads()) {
        return;
    }
    for (auto& [id, settled] : settled_) {
        const bool due = settled.proposed_at == MonotonicTime()
                         || now() - settled.proposed_at > kProposeAgainAfter;
        if (due && is_safe(settled.seq)) {
            settled.proposed_at = now();
            env_.propose(KvSettleMove{id, settled.adopted});
        }
    }
}

// ---- reports

void KvMoves::follow_reports() {
    const auto own = own_shard();
    const State& state = env_.state();
    for (const auto& [id, move] : state.kv.moves) {
        if (move->source != own && move->target != own) {
            continue;
        }
        KvMoveReport& report = present_[id];
        const auto master = [&state](cluster::ShardId shard) {
            const cluster::Shard* known = cluster::find_shard(state.cluster, shard);
            return known == nullptr ? cluster::NodeId() : known->primary;
        };
        if (report.id != id) {
            report.id = id;
            report.exports = move->source == own;
            report.slots = move->slots;
            report.source = master(move->source);
            report.target = master(move->target);
            report.begun_ms = move->begun_ms;
            report.updated_ms = wall_ms();
        }
        report.phase = move->done ? KvMoveReport::Phase::kDone : report.phase;
    }
    for (auto each = present_.begin(); each != present_.end();) {
        const bool done = each->second.phase == KvMoveReport::Phase::kDone;
        if (is_known(each->first) && !done) {
            ++each;
            continue;
        }
        if (is_known(each->first) && !is_settled()) {
            ++each;
            continue;
        }
        KvMoveReport report = std::move(each->second);
        each = present_.erase(each);
        const bool twice = std::any_of(past_.begin(), past_.end(), [&](const KvMoveReport& past) {
            return past.id == report.id;
        });
        if (twice) {
            continue;
        }
        report.updated_ms = wall_ms();
        const auto reason = reasons_.find(report.id);
        if (!done && reason != reasons_.end() && reason->second.empty()) {
            report.phase = KvMoveReport::Phase::kCancelled;
            report.message = "Cancelled by user";
        } else if (!done) {
            report.phase = KvMoveReport::Phase::kFailed;
            report.message = reason != reasons_.end() ? reason->second
                                                      : "The other side, or the cluster, ended it";
        }
        past_.push_back(std::move(report));
        keep_reports(past_max_);
    }
    std::erase_if(reasons_, [this](const auto& each) { return !is_known(each.first); });
}

void KvMoves::keep_reports(std::size_t most) {
    past_max_ = most;
    while (past_.size() > past_max_) {
        past_.pop_front();
    }
}

std::vector<KvMoveReport> KvMoves::reports() const {
    std::vector<KvMoveReport> out(past_.begin(), past_.end());
    for (const auto& [id, known] : present_) {
        KvMoveReport report = known;
        const bool here = export_ && export_->id == id;
        const auto import = imports_.find(id);
        if (here) {
            report.phase = frozen_ ? KvMoveReport::Phase::kFrozen : KvMoveReport::Phase::kStreaming;
            report.acked_ms = export_->acked_ms;
            report.sent_bytes = export_->bytes;
        } else if (import != imports_.end()) {
            report.phase = KvMoveReport::Phase::kStreaming;
            report.sent_bytes = import->second.bytes;
        }
        out.push_back(std::move(report));
    }
    return out;
}

}  // namespace kumo::node
