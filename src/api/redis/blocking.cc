// Sessions that wait: for keys, for the end of a pause.
#include "api/redis/access.h"
#include "api/redis/cluster/cluster.h"
#include "api/redis/internal/command_effects.h"
#include "api/redis/service.h"

#include <algorithm>
#include <utility>

namespace kumo::api_redis {

void Service::block(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    kv::BlockRequest request
) {
    if (session.blocked.has_value()) {
        return;  // It ran again and goes on waiting, at its old place.
    }
    BlockedState state;
    state.begun = monotonic_now();
    state.request.spec = &spec;
    state.request.arguments = request.arguments.empty()
                                  ? std::vector<std::string>(arguments.begin(), arguments.end())
                                  : std::move(request.arguments);
    std::sort(request.keys.begin(), request.keys.end());
    request.keys.erase(std::unique(request.keys.begin(), request.keys.end()), request.keys.end());
    state.wait = std::move(request);
    for (const std::string& key : state.wait.keys) {
        blocked_.add(session.db, key, session.id);
    }
    if (state.wait.timeout_ms > 0) {
        const SessionId id = session.id;
        state.timer = environment_.loop.add_timer(
            std::chrono::milliseconds(state.wait.timeout_ms),
            [this, id] {
                if (Session* waiting = this->session(id); waiting != nullptr) {
                    unblock(*waiting, {});
                }
            }
        );
    }
    session.blocked = std::move(state);
    session.block_reason = BlockReason::kKeys;
    ++blocked_count_;
}

void Service::leave_blocked(Session& session) {
    for (const std::string& key : session.blocked->wait.keys) {
        blocked_.remove(session.db, key, session.id);
    }
    environment_.loop.cancel_timer(session.blocked->timer);
    session.blocked.reset();
    session.block_reason = BlockReason::kNone;
    --blocked_count_;
}

void Service::hold(
    Session& session,
    std::int64_t timeout_ms,
    std::function<void(Session&)> answer
) {
    BlockedState state;
    state.answer = std::move(answer);
    if (timeout_ms > 0) {
        state.timer = environment_.loop.add_timer(
            std::chrono::milliseconds(timeout_ms),
            [this, id = session.id] {
                if (Session* waiting = this->session(id); waiting != nullptr) {
                    unblock(*waiting, {});
                }
            }
        );
    }
    session.blocked = std::move(state);
    session.block_reason = BlockReason::kOther;
    ++blocked_count_;
}

void Service::release(Session& session) {
    leave_blocked(session);
    go_on(session);
}

void Service::unblock_all(ByteView error) {
    std::vector<SessionId> waiting;
    for (const auto& [id, session] : sessions_) {
        if (session->blocked.has_value()) {
            waiting.push_back(id);
        }
    }
    for (const SessionId id : waiting) {
        if (Session* session = this->session(id); session != nullptr) {
            unblock(*session, error);
        }
    }
}

void Service::unblock(Session& session, ByteView error) {
    if (session.block_reason == BlockReason::kOther && session.blocked->answer) {
        const auto answer = std::move(session.blocked->answer);
        if (error.empty()) {
            answer(session);
        } else {
            session.reply.error(error);
            stats.count_error(error);
        }
        release(session);
        return;
    }
    if (!session.blocked.has_value() || session.block_reason != BlockReason::kKeys) {
        return;
    }
    const bool array = session.blocked->wait.timeout_null_array;
    const KeptRequest request = std::move(session.blocked->request);
    const auto took =
        static_cast<std::uint64_t>((monotonic_now() - session.blocked->begun).count());
    leave_blocked(session);
    count_call(session, *request.spec, request.views(), took, !error.empty());
    if (!error.empty()) {
        session.reply.error(error);
        stats.count_error(error);
    } else if (array) {
        session.reply.null_array();
    } else {
        session.reply.null();
    }
    go_on(session);
}

/// The session has been answered: whatever it sent meanwhile is executed, at the end of the turn.
void Service::go_on(Session& session) {
    session.last_used_ms = now_ms();
    const SessionId id = session.id;
    environment_.loop.defer([this, id] {
        if (Session* waiting = this->session(id); waiting != nullptr) {
            waiting->process();
        }
    });
}

void Service::note_ready(int db, ByteView key) {
    if (!blocked_.sessions(db, key).empty()) {
        ready_.emplace_back(db, key);
    }
}

void Service::serve_ready() {
    serving_ready_ = true;
    while (!ready_.empty()) {
        const auto now_ready = std::exchange(ready_, {});
        for (const auto& [db, key] : now_ready) {
            // Who waits is looked up anew each time: one that is served leaves, another may come.
            const std::vector<SessionId> waiting = blocked_.sessions(db, key);
            for (const SessionId id : waiting) {
                Session* session = this->session(id);
                if (session != nullptr && session->blocked.has_value()) {
                    resume(*session);
                }
            }
        }
    }
    serving_ready_ = false;
}

void Service::resume(Session& session) {
    const KeptRequest request = session.blocked->request;
    const std::vector<ByteView> views = request.views();
    if (!session.user->unlimited()) {
        // What the user may do can have changed while it waited.
        const std::string why = access_->refusal(session, *request.spec, views);
        if (!why.empty()) {
            unblock(session, why);
            return;
        }
    }
    const std::size_t mark = session.reply.mark();
    const SessionId was_running = std::exchange(running_, session.id);
    const bool was_executing = std::exchange(session.executing, true);
    ++depth_;
    const MonotonicTime begun = monotonic_now();
    run_keyspace(session, *request.spec, views, session.reply, true);
    const MonotonicTime end = monotonic_now();
    --depth_;
    session.executing = was_executing;
    running_ = was_running;
    flush_propagation();
    if (session.reply.mark() == mark) {
        return;  // Still nothing for it.
    }
    const bool failed = session.reply.bytes()[mark] == '-';
    if (failed) {
        stats.count_error(ByteView(session.reply.bytes()).substr(mark));
    }
    const auto took = static_cast<std::uint64_t>((end - session.blocked->begun).count());
    leave_blocked(session);
    count_call(session, *request.spec, views, took, failed);
    add_latency("command-unblocking", static_cast<std::uint64_t>((end - begun).count()));
    session.reply.raw(std::exchange(session.after_reply, {}));
    go_on(session);
}

// Pauses ----------------------------------------------------------------------------------------

bool Service::paused() const {
    return pause_until_ms_ > 0 && now_ms() < pause_until_ms_;
}

bool Service::pauses_writes_only() const {
    return !pause_all_;
}

std::int64_t Service::pause_until_ms() const {
    return pause_until_ms_;
}

std::size_t Service::blocked_sessions() const {
    return blocked_count_;
}

void Service::pause(std::int64_t until_ms, bool all) {
    // A longer or stricter pause is not cut short by a later one.
    pause_until_ms_ = paused() ? std::max(pause_until_ms_, until_ms) : until_ms;
    pause_all_ = (paused() && pause_all_) || all;
    environment_.loop.cancel_timer(pause_timer_);
    pause_timer_ = environment_.loop.add_timer(
        std::chrono::milliseconds(std::max<std::int64_t>(pause_until_ms_ - now_ms(), 0) + 1),
        [this] { unpause(); }
    );
}

void Service::unpause() {
    environment_.loop.cancel_timer(pause_timer_);
    pause_until_ms_ = 0;
    pause_all_ = false;
    for (const SessionId id : std::exchange(paused_, {})) {
        execute_kept(id);
    }
}

void Service::wake_parked() {
    for (const SessionId id : std::exchange(parked_, {})) {
        execute_kept(id);
    }
}

// Answers that wait for the cluster -------------------------------------------------------------

bool Service::must_hold_answers(const Session& session) const {
    return cluster != nullptr
           && (session.awaited_changes > 0 || session.holds_answers()
               || cluster->mark() > cluster->released());
}

std::uint64_t Service::answer_mark() const {
    return cluster->mark();
}

void Service::hold_answers(const Session& session) {
    holding_.push_back(session.id);
}

void Service::release_answers() {
    const std::uint64_t released = cluster->released();
    std::vector<SessionId> waiting = std::exchange(holding_, {});
    for (const SessionId id : waiting) {
        Session* holder = session(id);
        if (holder == nullptr) {
            continue;
        }
        holder->release_answers(released);
        if (!holder->closing() && holder->holds_answers()) {
            holding_.push_back(id);
        }
    }
}

void Service::drop_held_answers(std::uint64_t released) {
    for (const SessionId id : std::exchange(holding_, {})) {
        Session* holder = session(id);
        if (holder == nullptr || !holder->holds_answers()) {
            continue;
        }
        if (holder->settle_answers(released)) {
            holding_.push_back(id);
        } else {
            holder->abort();
        }
    }
}

void Service::execute_kept(SessionId id) {
    environment_.loop.defer([this, id] {
        Session* waiting = session(id);
        if (waiting == nullptr || waiting->block_reason != BlockReason::kPause) {
            return;
        }
        const KeptRequest request = std::move(waiting->blocked->request);
        leave_blocked(*waiting);
        execute(*waiting, request.views());
        if (waiting->close_after_reply) {
            waiting->close_gently();
        } else {
            waiting->process();
        }
    });
}

}  // namespace kumo::api_redis
