#include "node/kv/kv_copy.h"

#include "base/assert.h"
#include "base/log.h"
#include "node/internal/kv_mutant.h"

#include <algorithm>
#include <utility>

namespace kumo::node {

namespace {

using cluster::CopyRole;

/// A turn makes about that many bytes of changes before others get theirs.
constexpr std::size_t kApplyBytesPerTurn = std::size_t{1} << 20;
/// Before a copy that does not answer is dropped: the dialect's clients wait for it.
constexpr Duration kInSyncLag = std::chrono::milliseconds(500);

constexpr Duration kAskAgainAfter = std::chrono::seconds(1);

// The first byte of an entry.
constexpr char kLastPart = '\0';
constexpr char kMoreFollows = '\1';
constexpr char kLastPartOfMove = '\2';  // Of a record of kv_move_table.h.

cluster::CopyOptions options_of(const KvCopy::Environment& env) {
    cluster::CopyOptions options;
    options.node = env.self;
    options.in_sync_lag = kInSyncLag;
    options.tail_bytes_max = env.limits.log_tail_bytes_max;
    // What has been made has to be logged: whoever is about to make more asks has_room().
    options.uncommitted_bytes_max = SIZE_MAX;
    return options;
}

cluster::CopyLog log_of(const KvCopy::Parts& parts) {
    cluster::CopyLog log(parts.applied, parts.mark.term);
    for (const cluster::EntryPtr& entry : parts.tail) {
        log.append(entry);
    }
    return log;
}

}  // namespace

KvCopy::KvCopy(Environment environment, Parts parts)
    : env_(std::move(environment)),
      core_(options_of(env_), parts.shard, parts.copy, log_of(parts), parts.mark.requests),
      stream_(
          *env_.loop,
          *env_.wal,
          env_.stream,
          {[this](store::Seq seq) {
               refusal_.clear();
               core_.persisted(seq);
               schedule_drain();
           },
           [this](store::Seq /*from*/, const Error& error) { return note_refusal(error); },
           [this](const Error& error) {
               refusal_ = error.message;
               env_.on_log_failed(error);
           }}
      ),
      made_{{}, std::move(parts.moves)},
      executed_(parts.applied) {
    for (const cluster::EntryPtr& entry : parts.tail) {
        log_bytes_ += entry->operation.size();
    }
    core_.tick(env_.loop->clock().boottime_now());
}

// ---- the core's input

void KvCopy::on_state(const cluster::Shard& shard, std::uint64_t incarnation) {
    if (shard.version == core_.view().version && incarnation == incarnation_) {
        return;
    }
    incarnation_ = incarnation;
    core_.on_state(shard, incarnation);
    drain();  // At once: whoever runs a command after this state sees the role that it gives.
}

void KvCopy::receive(const cluster::NodeId& from, const cluster::CopyMessage& message) {
    core_.receive(from, message);
    schedule_drain();
}

void KvCopy::reset_connection(const cluster::NodeId& node) {
    core_.reset_connection(node);
    schedule_drain();
}

void KvCopy::install_done(
    const cluster::NodeId& node,
    cluster::CopyId copy,
    store::Seq seq,
    bool delivered
) {
    core_.install_done(node, copy, seq, delivered);
    schedule_drain();
}

void KvCopy::tick(MonotonicTime now) {
    core_.tick(now);
    if (useless_ && env_.loop->clock().monotonic_now() - asked_at_ >= kAskAgainAfter) {
        ask_for_another();
    }
    if (core_.has_output()) {
        schedule_drain();
    }
}

bool KvCopy::is_in_between() const {
    return core_.is_primary() && !may_run();
}

void KvCopy::append_move(std::string record) {
    KUMO_ASSERT(may_run());
    make_move_record(record, made_.moves, *env_.engine);
    log(std::move(record), true);
}

void KvCopy::log(std::string changes, bool of_move) {
    KUMO_ASSERT(may_run());
    const std::int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(
                                 env_.loop->clock().wall_now().time_since_epoch()
    )
                                 .count();
    std::size_t at = 0;
    do {
        const std::size_t size = std::min(changes.size() - at, env_.limits.entry_bytes_max);
        const bool last = at + size == changes.size();
        std::string operation;
        operation.reserve(size + 1);
        operation.push_back(!last ? kMoreFollows : of_move ? kLastPartOfMove : kLastPart);
        operation.append(changes, at, size);
        at += size;
        const auto seq = core_.propose({}, now, std::move(operation));
        KUMO_ASSERT(seq.ok());  // It is the primary, and takes any number of bytes.
        executed_ = seq.value();
        uncommitted_.emplace_back(executed_, size);
        uncommitted_bytes_ += size;
        log_bytes_ += size;
    } while (at < changes.size());
    schedule_drain();
}

// ---- the core's output

/// At the end of the turn: what one turn brings goes out together.
void KvCopy::schedule_drain() {
    if (drain_scheduled_ || closed_) {
        return;
    }
    drain_scheduled_ = true;
    env_.loop->defer([self = shared_from_this()] {
        self->drain_scheduled_ = false;
        self->drain();
    });
}

void KvCopy::drain() {
    if (closed_) {
        return;
    }
    cluster::CopyOutput output = core_.take_output();
    if (output.lost_role) {
        env_.engine->on_role_lost();
    }
    if (output.lost) {
        log_error(
            "changes " + std::to_string(output.lost->from) + " to "
            + std::to_string(output.lost->to) + " of term " + std::to_string(output.lost->term)
            + " may have been acknowledged here and are lost: the shard's primary never had them"
        );
    }
    if (output.cut) {
        on_cut(*output.cut);
    }
    if (core_.is_tainted()) {
        useless_ = true;  // Async: the core itself asks for another copy.
    }
    if (output.cut || !output.appends.empty()) {
        stream_.write(output.cut, output.appends);
    }
    for (const auto& [node, message] : output.sends) {
        env_.send(node, message);
    }
    for (cluster::Command& command : output.proposals) {
        env_.propose(std::move(command));
    }
    for (const cluster::NodeId& node : output.installs) {
        env_.install(node);
    }
    ready_.insert(ready_.end(), output.committed.begin(), output.committed.end());
    while (!ready_.empty() && ready_.front()->seq <= executed_) {
        ready_.pop_front();  // Made here, before it was committed.
    }
    apply_ready();
    const store::Seq committed = core_.committed();
    while (!uncommitted_.empty() && uncommitted_.front().first <= committed) {
        uncommitted_bytes_ -= uncommitted_.front().second;
        uncommitted_.pop_front();
    }
    if (committed > told_committed_) {
        told_committed_ = committed;
        core_.applied(std::min(committed, executed_));
        env_.engine->on_committed(committed);
        env_.on_progress();
    }
    if (core_.view().mode != cluster::AckMode::kSync && core_.is_primary()) {
        env_.engine->on_copied();
    }
}

/// Entries of a primary of the past. If they were made here, they cannot be unmade.
void KvCopy::on_cut(store::Seq from) {
    std::erase_if(uncommitted_, [&](const auto& each) {
        uncommitted_bytes_ -= each.first >= from ? each.second : 0;
        return each.first >= from;
    });
    if (from > executed_ || useless_ || planted(KvMutant::kKeepCutCopy)) {
        return;
    }
    log_warn(
        "this node ran commands as a primary that nobody knows of: its copy is built anew from the "
        "present primary's"
    );
    useless_ = true;
    ask_for_another();
}

/// Again and again: a proposal may get lost. A primary's copy is needed until there is another.
void KvCopy::ask_for_another() {
    asked_at_ = env_.loop->clock().monotonic_now();
    if (!core_.is_primary()) {
        env_.propose(cluster::ReplaceCopy{core_.shard(), env_.self, core_.copy()});
        return;
    }
    for (const cluster::NodeId& node : core_.view().in_sync) {
        if (node != env_.self) {
            env_.propose(cluster::BeginHandover{core_.shard(), node});
            return;
        }
    }
}

/// What has been made cannot be taken back: it waits for room.
bool KvCopy::note_refusal(const Error& error) {
    if (refusal_.empty()) {
        log_error("the log takes nothing: " + error.message);
    }
    refusal_ = error.message;
    return false;
}

// ---- applying

void KvCopy::schedule_apply() {
    if (apply_scheduled_) {
        return;
    }
    apply_scheduled_ = true;
    env_.loop->defer([self = shared_from_this()] {
        self->apply_scheduled_ = false;
        if (!self->closed_) {
            self->apply_ready();
            self->env_.on_progress();
        }
    });
}

void KvCopy::apply_ready() {
    std::size_t bytes = 0;
    while (!ready_.empty() && bytes < kApplyBytesPerTurn && !useless_) {
        const cluster::EntryPtr entry = std::move(ready_.front());
        ready_.pop_front();
        bytes += entry->operation.size();
        apply(*entry);
    }
    if (!ready_.empty() && !useless_) {
        schedule_apply();
    }
}

void KvCopy::apply(const cluster::LogEntry& entry) {
    executed_ = entry.seq;
    log_bytes_ += entry.operation.size();
    make(entry, made_, *env_.engine);
}

void KvCopy::make(const cluster::LogEntry& entry, Made& made, KvEngine& engine) {
    if (entry.no_op || entry.operation.empty()) {
        made.parts.clear();  // Whoever began a change of several entries did not come to its end.
        return;
    }
    const char kind = entry.operation.front();
    ByteView bytes = ByteView(entry.operation).substr(1);
    if (kind == kMoreFollows && !planted(KvMutant::kApplyParts)) {
        made.parts.append(bytes);
        return;
    }
    const std::string before = std::exchange(made.parts, {});
    const std::string whole = before.empty() ? std::string() : before + std::string(bytes);
    bytes = before.empty() ? bytes : ByteView(whole);
    if (kind == kLastPartOfMove) {
        make_move_record(bytes, made.moves, engine);
    } else {
        engine.apply(bytes);
    }
}

std::size_t KvCopy::copies_with(store::Seq seq) const {
    const cluster::Shard& shard = core_.view();
    return static_cast<std::size_t>(std::count_if(
        shard.in_sync.begin(),
        shard.in_sync.end(),
        [&](const auto& node) {
            return node != env_.self && core_.match_of(node).value_or(0) >= seq;
        }
    ));
}

// ---- checkpoints

CopyMark KvCopy::mark() const {
    return {core_.log().term(executed_).value_or(0), core_.requests_until(executed_)};
}

void KvCopy::release(store::Seq seq) {
    stream_.release(seq);
    log_bytes_ = 0;
}

}  // namespace kumo::node
