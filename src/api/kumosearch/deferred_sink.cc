#include "api/kumosearch/deferred_sink.h"

#include <utility>

namespace kumo::api_kumosearch {

struct DeferredSink::State {
    CallPtr call;
    Start start;
    std::unique_ptr<http::RequestSink> inner;
    std::uint64_t bytes = 0;
    bool started = false;
    bool complete = false;
    bool gone = false;

    void resume() {
        if (gone) {
            return;
        }
        started = true;
        inner = std::exchange(start, nullptr)();
        call->response->resume_body();
        if (complete) {
            finish();
        }
    }

    void finish() {
        if (inner != nullptr) {
            inner->on_complete();
        }
    }
};

DeferredSink::DeferredSink(CallPtr call, Start start) : state_(std::make_shared<State>()) {
    state_->call = std::move(call);
    state_->start = std::move(start);
    state_->call->response->pause_body();
}

DeferredSink::~DeferredSink() {
    state_->gone = true;
    state_->inner.reset();
    state_->start = nullptr;
}

io::Task DeferredSink::resume() const {
    return [state = state_] {
        state->resume();
    };
}

void DeferredSink::on_body(ByteView piece) {
    State& state = *state_;
    if (state.inner == nullptr) {
        return;
    }
    state.bytes += piece.size();
    if (state.bytes > state.inner->body_bytes_max()) {
        state.inner.reset();
        answer_message(*state.call, 413, "The request's body is too large.");
        return;
    }
    state.inner->on_body(piece);
}

void DeferredSink::on_complete() {
    state_->complete = true;
    if (state_->started) {
        state_->finish();
    }
}

}  // namespace kumo::api_kumosearch
