#include "http/internal/exchange.h"

#include "base/assert.h"
#include "http/internal/connection.h"

#include <utility>

namespace kumo::http {

Exchange::Exchange(Connection& connection)
    : connection_(&connection), loop_(connection.loop()), peer_(connection.peer()) {}

Exchange::~Exchange() {
    if (connection_ != nullptr) {
        KUMO_ASSERT(loop_.in_loop_thread());
        connection_->exchange_dropped();
    }
}

void Exchange::respond(int status, Headers headers, std::string body) {
    KUMO_ASSERT(loop_.in_loop_thread());
    if (connection_ != nullptr) {
        connection_->respond(status, headers, std::move(body));
    }
}

void Exchange::begin(int status, Headers headers) {
    KUMO_ASSERT(loop_.in_loop_thread());
    if (connection_ != nullptr) {
        connection_->begin(status, headers);
    }
}

void Exchange::write(ByteView piece) {
    KUMO_ASSERT(loop_.in_loop_thread());
    if (connection_ != nullptr) {
        connection_->write(piece);
    }
}

void Exchange::end() {
    KUMO_ASSERT(loop_.in_loop_thread());
    if (connection_ != nullptr) {
        connection_->end();
    }
}

void Exchange::abort() {
    if (connection_ != nullptr) {
        Connection& connection = *connection_;
        complete();
        connection.abort_exchange();
    }
}

std::size_t Exchange::queued_bytes() const {
    return connection_ == nullptr ? 0 : connection_->queued_bytes();
}

void Exchange::on_writable(std::function<void()> callback) {
    if (connection_ != nullptr) {
        writable_ = std::move(callback);
    }
}

void Exchange::on_abandoned(std::function<void()> callback) {
    if (was_abandoned_) {
        loop_.defer(std::move(callback));
    } else if (connection_ != nullptr) {
        abandoned_ = std::move(callback);
    }
}

bool Exchange::alive() const {
    return connection_ != nullptr;
}

void Exchange::pause_body() {
    if (connection_ != nullptr) {
        connection_->pause_body();
    }
}

void Exchange::resume_body() {
    if (connection_ != nullptr) {
        connection_->resume_body();
    }
}

void Exchange::complete() noexcept {
    connection_ = nullptr;
    // The callbacks may own us: the last thing to touch.
    const auto writable = std::exchange(writable_, nullptr);
    const auto abandoned = std::exchange(abandoned_, nullptr);
}

void Exchange::abandon() {
    const auto keep = shared_from_this();
    was_abandoned_ = true;
    const auto tell = std::exchange(abandoned_, nullptr);
    complete();
    if (tell) {
        tell();
    }
}

void Exchange::drained() {
    if (writable_) {
        const auto keep = shared_from_this();
        const auto tell = writable_;  // A copy: it may set another.
        tell();
    }
}

}  // namespace kumo::http
