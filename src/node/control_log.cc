#include "node/control_log.h"

#include "base/log.h"
#include "store/checkpoint.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace kumo::node {

namespace {

constexpr store::FileKind kStateKind = {{'N', 'O', 'D', 'E', 'S', 'T', 'A', 'T'}, kStateVersion};
constexpr Duration kRetryDelayMin = std::chrono::seconds(1);
constexpr Duration kRetryDelayMax = std::chrono::seconds(60);

}  // namespace

ControlLog::ControlLog(io::Loop& loop, io::Fs& fs, BackgroundJobs& jobs, std::string path)
    : loop_(loop), fs_(fs), jobs_(jobs), path_(std::move(path)), retry_delay_(kRetryDelayMin) {}

Status ControlLog::load() {
    auto file = store::read_checked_file(fs_, path_, kStateKind);
    if (!file.ok() && file.error().code == ErrorCode::kNotFound) {
        return {};
    }
    if (!file.ok()) {
        return std::move(file).error();
    }
    auto state = decode_state(file.value().bytes, file.value().version);
    if (!state.ok()) {
        return corruption(path_ + ": " + state.error().message);
    }
    state_ = std::move(state).value();
    stored_ = state_.applied;
    return {};
}

Result<Change> ControlLog::replay(store::Seq seq, ByteView command) {
    KUMO_TRY_ASSIGN(const Command decoded, decode_command(command));
    Applied next = apply(state_, seq, decoded);
    state_ = std::move(next.state);
    return std::move(next.change);
}

void ControlLog::finish_recovery(store::Wal& wal, Observer observer) {
    wal_ = &wal;
    observer_ = std::move(observer);
    if (is_stored()) {
        return;
    }
    const Status stored = store::write_checked_file(fs_, path_, kStateKind, encode_state(state_));
    on_stored(state_.applied, stored);
}

void ControlLog::propose(Command command, Done done) {
    if (proposals_.size() >= kCommandsWaitingMax) {
        done(Error{ErrorCode::kOverloaded, "too many changes of collections and keys are waiting"});
        return;
    }
    proposals_.push_back({std::move(command), std::move(done)});
    log_next();
}

void ControlLog::log_next() {
    while (!logging_ && !proposals_.empty()) {
        const store::Seq seq = state_.applied + 1;
        const Command& command = proposals_.front().command;
        auto next = std::make_shared<Applied>(apply(state_, seq, command));
        if (!next->change.ok()) {
            answer_front(std::move(next->change));
            continue;
        }
        Status appended =
            wal_->append(kControlStream, seq, encode_command(command), [this, next](Status logged) {
                on_logged(std::move(*next), std::move(logged));
            });
        logging_ = appended.ok();
        if (!appended.ok()) {
            answer_front(std::move(appended).error());
        }
    }
}

void ControlLog::on_logged(Applied next, Status logged) {
    logging_ = false;
    if (!logged.ok()) {
        answer_front(std::move(logged).error());
    } else {
        state_ = std::move(next.state);
        observer_(next.change.value());
        answer_front(std::move(next.change));
        store_later();
    }
    log_next();
}

void ControlLog::answer_front(Result<Change> result) {
    const Done done = std::move(proposals_.front().done);
    proposals_.pop_front();
    done(std::move(result));
}

void ControlLog::when_stored(io::Task task) {
    if (is_stored()) {
        task();
    } else {
        waiting_for_store_.emplace(state_.applied, std::move(task));
    }
}

void ControlLog::flush(io::Task done) {
    if (is_stored() || retry_timer_ != io::TimerId{}) {
        done();
    } else {
        when_flushed_.push_back(std::move(done));
    }
}

void ControlLog::store_later() {
    if (storing_ || retry_timer_ != io::TimerId{}) {
        return;  // Followed by another one.
    }
    storing_ = true;
    io::Fs& fs = fs_;
    const auto state = std::make_shared<const State>(state_);
    jobs_.submit(BackgroundJobs::Lane::kStore, [this, &fs, path = path_, state]() -> io::Task {
        const auto stored = std::make_shared<const Status>(
            store::write_checked_file(fs, path, kStateKind, encode_state(*state))
        );
        return [this, state, stored] {
            storing_ = false;
            on_stored(state->applied, *stored);
        };
    });
}

void ControlLog::on_stored(store::Seq seq, const Status& stored) {
    if (stored.ok()) {
        retry_delay_ = kRetryDelayMin;
        stored_ = seq;
        wal_->release(kControlStream, seq);
        run_waiting();
        if (!is_stored()) {
            store_later();
            return;
        }
    } else {
        retry_later(stored.error());
    }
    for (const io::Task& task : std::exchange(when_flushed_, {})) {
        task();
    }
}

void ControlLog::run_waiting() {
    while (!waiting_for_store_.empty() && waiting_for_store_.begin()->first <= stored_) {
        const io::Task task = std::move(waiting_for_store_.begin()->second);
        waiting_for_store_.erase(waiting_for_store_.begin());
        task();
    }
}

void ControlLog::retry_later(const Error& error) {
    log_warn("the state could not be stored, will try again: " + error.message);
    retry_timer_ = loop_.add_timer(retry_delay_, [this] {
        retry_timer_ = {};
        store_later();
    });
    retry_delay_ = std::min(retry_delay_ * 2, kRetryDelayMax);
}

}  // namespace kumo::node
