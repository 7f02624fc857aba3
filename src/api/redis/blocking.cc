// Sessions that wait: for keys, for the end of a pause.
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

void Service::unblock(Session& session, ByteView error) {
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
}

}  // namespace kumo::api_redis
