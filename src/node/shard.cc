#include "node/shard.h"

#include "base/assert.h"
#include "base/log.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace kumo::node {

namespace {

using cluster::CopyRole;

/// A turn applies about that much before others get theirs.
constexpr std::size_t kApplyBytesPerTurn = std::size_t{1} << 20;

std::int64_t milliseconds_of(WallTime time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

cluster::CopyLog log_of(
    const DocumentEngine& engine,
    const CopyMark& mark,
    const std::vector<cluster::EntryPtr>& tail
) {
    cluster::CopyLog log(engine.applied(), mark.term);
    for (const cluster::EntryPtr& entry : tail) {
        log.append(entry);
    }
    return log;
}

cluster::CopyOptions options_of(const ShardEnv& env) {
    cluster::CopyOptions options;
    options.node = env.self;
    options.tail_bytes_max = env.log_tail_bytes_max;
    return options;
}

std::size_t bytes_of(const Outcome& outcome) {
    const auto add = [](std::size_t sum, const Result<search::Written>& written) {
        return sum + sizeof(written)
               + (written.ok() ? written.value().document.size() + written.value().id.size()
                               : written.error().message.size());
    };
    return std::accumulate(outcome.written.begin(), outcome.written.end(), std::size_t{0}, add)
           + outcome.document.size() + sizeof(outcome);
}

}  // namespace

Error not_primary() {
    return Error{ErrorCode::kUnavailable, "this node does not lead the shard"};
}

Shard::Shard(const ShardEnv& env, Parts parts)
    : env_(env),
      collection_(std::move(parts.collection)),
      id_(parts.id),
      engine_(std::move(parts.engine)),
      is_new_(parts.tail.empty() && engine_->applied() == 0),
      core_(
          options_of(env),
          id_,
          parts.copy,
          log_of(*engine_, parts.mark, parts.tail),
          parts.mark.requests
      ),
      stream_(
          *env.engine.loop,
          *env.wal,
          stream_of(parts.copy),
          {[this](store::Seq seq) {
               core_.persisted(seq);
               schedule_drain();
           },
           [this](store::Seq from, const Error& error) { return on_refused(from, error); },
           [this](const Error& error) {
               on_log_failed(error);
           }}
      ) {}

std::shared_ptr<Shard> Shard::make(const ShardEnv& env, Parts parts) {
    io::Loop& loop = *env.engine.loop;
    return std::shared_ptr<Shard>(new Shard(env, std::move(parts)), [&loop](Shard* shard) {
        std::shared_ptr<Shard> last(shard, Delete());
        if (!loop.in_loop_thread()) {
            // If the loop never comes to it, the task's end is the shard's end.
            loop.post([last = std::move(last)] {});
        }
    });
}

void Shard::start() {
    DocumentEngine::Events events;
    events.on_stored = [this](store::Seq seq) {
        stream_.release(seq);
        core_.applied(seq);
    };
    events.mark = [this](store::Seq seq) {
        return CopyMark{core_.log().term(seq).value_or(0), core_.requests_until(seq)};
    };
    events.on_room = [this] {
        if (!ready_.empty()) {
            schedule_apply();
        }
    };
    engine_->set_events(std::move(events));
    engine_->start();
    wake();
}

// ---- the core's input

void Shard::on_state(const cluster::Shard& shard, std::uint64_t incarnation) {
    if (shard.version == core_.view().version && incarnation == incarnation_) {
        return;
    }
    incarnation_ = incarnation;
    wake();
    core_.on_state(shard, incarnation);
    drain();  // At once: whoever reads after this state sees the role that it gives.
}

void Shard::receive(const cluster::NodeId& from, const cluster::CopyMessage& message) {
    wake();
    core_.receive(from, message);
    schedule_drain();
}

void Shard::reset_connection(const cluster::NodeId& node) {
    wake();
    core_.reset_connection(node);
    schedule_drain();
}

void Shard::install_done(
    const cluster::NodeId& node,
    cluster::CopyId copy,
    store::Seq seq,
    bool delivered
) {
    wake();
    core_.install_done(node, copy, seq, delivered);
    schedule_drain();
}

bool Shard::tick(MonotonicTime now) {
    core_.tick(now);
    if (core_.has_output()) {
        schedule_drain();
    }
    forget_outcomes(now);
    note_roles();
    asleep_ = core_.is_idle() && ready_.empty() && held_.empty() && waiting_.empty()
              && outcome_order_.empty() && engine_->applied() >= core_.committed();
    return !asleep_;
}

/// Before whatever the core is told: it must know what time it is.
void Shard::wake() {
    if (std::exchange(asleep_, false)) {
        core_.tick(env_.engine.loop->clock().boottime_now());
        env_.on_awake(core_.shard());
    }
}

void Shard::submit(const cluster::RequestId& request, std::string operation, Done done) {
    if (closed_) {
        done(*closed_);
        return;
    }
    wake();
    if (engine_->is_stuck()) {
        const Error& why = *engine_->seal_failure();
        if (why.code == ErrorCode::kResourceExhausted) {
            env_.on_disk_full();
        }
        done(why);
        return;
    }
    Held held{request, std::move(operation), std::move(done)};
    if (core_.role() == CopyRole::kFollower) {
        held.done(not_primary());
    } else if (core_.role() == CopyRole::kActive) {
        submit_held();  // It has become so in this turn: what came before goes before.
        propose(std::move(held));
    } else if (held_.size() >= kHeldOperationsMax) {
        held.done(Error{ErrorCode::kOverloaded, "Too many writes are waiting; retry later."});
    } else {
        held_.push_back(std::move(held));
    }
}

/// Fields are changed one after the other; whoever asks meanwhile is to see the result first.
bool Shard::is_second_change(const Held& operation) const {
    if (!is_field_change(operation.operation)) {
        return false;
    }
    const bool known = change_seq_ > engine_->applied();
    const bool found = engine_->is_changing();
    const bool same = known ? change_request_ == operation.request
                            : found && ready_.front()->request == operation.request;
    return (known || found) && !same;
}

void Shard::propose(Held operation) {
    if (is_second_change(operation)) {
        operation.done(
            Error{ErrorCode::kLimitExceeded, "Another collection update operation is in progress."}
        );
        return;
    }
    const bool is_change = is_field_change(operation.operation);
    const std::int64_t now = milliseconds_of(env_.engine.loop->clock().wall_now());
    const auto seq = core_.propose(operation.request, now, std::move(operation.operation));
    if (!seq.ok()) {
        operation.done(seq.error());
        return;
    }
    if (seq.value() <= engine_->applied()) {
        answer_again(operation.request, operation.done);
        return;
    }
    if (is_change) {
        change_request_ = operation.request;
        change_seq_ = seq.value();
    }
    waiting_.emplace(seq.value(), std::move(operation.done));
    schedule_drain();
}

void Shard::submit_held() {
    while (!held_.empty() && core_.role() == CopyRole::kActive) {
        Held next = std::move(held_.front());
        held_.pop_front();
        propose(std::move(next));
    }
}

/// A retry of what has been applied.
void Shard::answer_again(const cluster::RequestId& request, const Done& done) const {
    const auto found = outcomes_.find(request);
    if (found != outcomes_.end()) {
        done(found->second);
    } else {
        done(Error{ErrorCode::kIo, "The write was carried out, but its answer was lost."});
    }
}

// ---- the core's output

/// At the end of the turn: what one turn brings goes out together.
void Shard::schedule_drain() {
    if (drain_scheduled_ || closed_) {
        return;
    }
    drain_scheduled_ = true;
    const auto self = shared_from_this();
    env_.engine.loop->defer([self] {
        self->drain_scheduled_ = false;
        self->drain();
    });
}

void Shard::drain() {
    if (closed_) {
        return;
    }
    cluster::CopyOutput output = core_.take_output();
    if (output.lost_role) {
        lose_role();
    }
    if (output.lost) {
        log_error(
            "collection " + collection_->spec.name + ": operations "
            + std::to_string(output.lost->from) + " to " + std::to_string(output.lost->to)
            + " of term " + std::to_string(output.lost->term)
            + " may have been acknowledged here and are lost: the shard's primary never had them"
        );
    }
    // Before anybody else is told.
    committed_.store(core_.committed());
    submit_held();
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
        env_.install(id_, node);
    }
    if (!output.committed.empty()) {
        ready_.insert(ready_.end(), output.committed.begin(), output.committed.end());
        schedule_apply();
    }
    note_roles();
}

void Shard::lose_role() {
    change_seq_ = 0;  // It may be gone; if it is not, it is found among what is to be applied.
    fail_waiting(core_.committed() + 1, not_primary());
    fail_held(not_primary());
}

/// The disk is full. What no other copy has seen is taken back, and refused.
bool Shard::on_refused(store::Seq from, const Error& error) {
    if (error.code == ErrorCode::kResourceExhausted) {
        env_.on_disk_full();
    }
    if (!core_.withdraw(from)) {
        env_.need_room();
        return false;
    }
    fail_waiting(from, error);
    schedule_drain();
    return true;
}

void Shard::on_log_failed(const Error& error) {
    fail_waiting(core_.committed() + 1, error);
    fail_held(error);
    env_.on_log_failed(error);
}

void Shard::fail_waiting(store::Seq from, const Error& error) {
    for (const Done& done : take_waiting(from, UINT64_MAX)) {
        done(error);
    }
}

void Shard::fail_held(const Error& error) {
    for (const Held& held : std::exchange(held_, {})) {
        held.done(error);
    }
}

std::vector<Shard::Done> Shard::take_waiting(store::Seq from, store::Seq to) {
    std::vector<Done> taken;
    const auto first = waiting_.lower_bound(from);
    const auto last = waiting_.upper_bound(to);
    for (auto each = first; each != last; ++each) {
        taken.push_back(std::move(each->second));
    }
    waiting_.erase(first, last);
    return taken;
}

// ---- applying

void Shard::schedule_apply() {
    if (apply_scheduled_) {
        return;
    }
    apply_scheduled_ = true;
    const auto self = shared_from_this();
    env_.engine.loop->defer([self] {
        self->apply_scheduled_ = false;
        self->apply_ready();
    });
}

void Shard::apply_ready() {
    std::vector<std::pair<Done, Result<Outcome>>> answers;
    std::size_t bytes = 0;
    bool any = false;
    while (may_apply() && bytes < kApplyBytesPerTurn && !begins_with_change()) {
        const cluster::EntryPtr entry = std::move(ready_.front());
        ready_.pop_front();
        any = true;
        bytes += entry->operation.size();
        Result<Outcome> outcome = apply(*entry);
        std::vector<Done> waiting = take_waiting(entry->seq, entry->seq);
        if (outcome.ok() && (waiting.empty() || entry->request.node != env_.self)) {
            remember(*entry, outcome.value());
        }
        for (std::size_t i = 1; i < waiting.size(); ++i) {
            answers.emplace_back(std::move(waiting[i]), outcome);
        }
        // One waits, as a rule: the outcome of an import is large.
        if (!waiting.empty()) {
            answers.emplace_back(std::move(waiting.front()), std::move(outcome));
        }
    }
    if (any) {
        engine_->publish();
        note_roles();
    }
    for (auto& [done, outcome] : answers) {
        done(std::move(outcome));
    }
    run_when_applied();
    if (may_apply() && begins_with_change()) {
        start_change();
    } else if (may_apply()) {
        schedule_apply();
    }
}

bool Shard::may_apply() const {
    return !ready_.empty() && !closed_ && !engine_->must_wait() && !engine_->is_changing();
}

bool Shard::begins_with_change() const {
    return !ready_.front()->no_op && is_field_change(ready_.front()->operation);
}

/// It stays the first of those that are ready until it is done: the others wait.
void Shard::start_change() {
    const cluster::EntryPtr entry = ready_.front();
    const auto self = shared_from_this();
    engine_->change_fields(entry->seq, entry->operation, [self, entry](Result<Outcome> outcome) {
        self->finish_change(entry, std::move(outcome));
    });
}

void Shard::finish_change(const cluster::EntryPtr& entry, Result<Outcome> outcome) {
    if (closed_) {
        return;
    }
    ready_.pop_front();
    if (outcome.ok()) {
        outcome.value().seq = entry->seq;
        remember(*entry, outcome.value());
    }
    note_roles();
    for (const Done& done : take_waiting(entry->seq, entry->seq)) {
        done(outcome);
    }
    run_when_applied();
    if (!ready_.empty()) {
        schedule_apply();
    }
}

Result<Outcome> Shard::apply(const cluster::LogEntry& entry) {
    if (entry.no_op) {
        engine_->skip(entry.seq);
        return Outcome{};
    }
    auto outcome = engine_->apply(entry.seq, entry.operation);
    if (!outcome.ok()) {
        log_error(
            "collection " + collection_->spec.name + ": operation " + std::to_string(entry.seq)
            + " is of no use: " + outcome.error().message
        );
        return outcome;
    }
    outcome.value().seq = entry.seq;
    return outcome;
}

void Shard::remember(const cluster::LogEntry& entry, const Outcome& outcome) {
    if (entry.request.node.is_nil()) {
        return;
    }
    const std::size_t bytes = bytes_of(outcome);
    const MonotonicTime now = env_.engine.loop->clock().monotonic_now();
    outcomes_[entry.request] = outcome;
    outcome_order_.push_back({now, entry.request, bytes});
    outcome_bytes_ += bytes;
    forget_outcomes(now);
}

void Shard::forget_outcomes(MonotonicTime now) {
    while (!outcome_order_.empty()) {
        const Remembered& oldest = outcome_order_.front();
        if (outcome_order_.size() <= kOutcomesMax && outcome_bytes_ <= kOutcomesBytesMax
            && now - oldest.at < kOutcomesKept) {
            return;
        }
        outcomes_.erase(oldest.request);
        outcome_bytes_ -= oldest.bytes;
        outcome_order_.pop_front();
    }
}

void Shard::when_applied(store::Seq seq, io::Task task) {
    if (seq <= engine_->applied()) {
        task();
    } else {
        when_applied_.emplace(seq, std::move(task));
    }
}

void Shard::run_when_applied() {
    std::vector<io::Task> due;
    const auto last = when_applied_.upper_bound(engine_->applied());
    for (auto each = when_applied_.begin(); each != last; ++each) {
        due.push_back(std::move(each->second));
    }
    when_applied_.erase(when_applied_.begin(), last);
    for (const io::Task& task : due) {
        task();
    }
}

void Shard::note_roles() {
    const cluster::Shard& view = core_.view();
    const bool leads = core_.role() == CopyRole::kActive || core_.role() == CopyRole::kDraining;
    const bool up_to_date = engine_->applied() >= core_.committed();
    const auto own = view.copies.find(env_.self);
    const bool in_sync = view.in_sync.contains(env_.self) && !view.blank.contains(env_.self)
                         && own != view.copies.end() && own->second == core_.copy()
                         && !core_.is_tainted();
    // In sync with nothing in it, at the first look: nothing can have been acknowledged yet. Where
    // that does not take every copy in sync, only if the shard was made in this run.
    const bool is_new = std::exchange(is_new_, false)
                        && (view.mode == cluster::AckMode::kSync
                            || static_cast<std::uint64_t>(view.id) > incarnation_);
    if (!in_sync) {
        readable_.store(false);
    } else if ((leads || core_.follows() || is_new) && up_to_date) {
        readable_.store(true);
    }
    primary_.store(leads && (primary_.load() || up_to_date));
}

// ---- the end

void Shard::close(const Error& why, io::Task done) {
    closed_ = why;
    readable_.store(false);
    primary_.store(false);
    ready_.clear();
    fail_waiting(0, why);
    fail_held(why);
    for (const auto& [seq, task] : std::exchange(when_applied_, {})) {
        task();
    }
    engine_->close(std::move(done));
}

}  // namespace kumo::node
