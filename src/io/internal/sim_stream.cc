#include "io/internal/sim_stream.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace kumo::io {

SimEnd::SimEnd(
    SimWorld& world,
    SimLoop& loop,
    const Address& local,
    const Address& peer,
    std::shared_ptr<const SimLinks> links
)
    : world_(world), loop_(loop), local_(local), peer_(peer), links_(std::move(links)) {}

void SimEnd::send_held() {
    for (Piece& piece : std::exchange(held_, {})) {
        send(std::move(piece));
    }
}

void SimEnd::join(const std::shared_ptr<SimEnd>& a, const std::shared_ptr<SimEnd>& b) {
    a->other_ = b;
    b->other_ = a;
}

void SimEnd::start(StreamHandler& handler) {
    KUMO_ASSERT(handler_ == nullptr && loop_.in_loop_thread());
    handler_ = &handler;
    if (phase_ == Phase::kClosed) {
        schedule_flush();
    }
    schedule_intake();
}

Status SimEnd::write(std::string bytes) {
    KUMO_ASSERT(loop_.in_loop_thread());
    if (phase_ != Phase::kOpen) {
        return Error{
            ErrorCode::kUnavailable,
            "the connection to " + peer_.to_string() + " is closed"};
    }
    if (queued_bytes() >= kStreamQueueBytesMax) {
        return Error{
            ErrorCode::kOverloaded,
            peer_.to_string() + " does not read what it asked for"};
    }
    if (!bytes.empty()) {
        queue_ += bytes;
        schedule_flush();
    }
    return {};
}

void SimEnd::set_paused(bool paused) {
    paused_ = paused;
    schedule_intake();
}

void SimEnd::close() {
    if (phase_ != Phase::kOpen) {
        return;
    }
    phase_ = Phase::kClosing;
    set_deadline(kCloseFlushTimeout);
    schedule_flush();
    schedule_intake();
}

void SimEnd::abort() {
    if (phase_ != Phase::kClosed) {
        send({PieceKind::kReset, {}});
    }
    finish(Error{ErrorCode::kUnavailable, "the connection to " + peer_.to_string() + " was aborted"}
    );
}

void SimEnd::detach() {
    handler_ = nullptr;
    abort();
}

void SimEnd::break_off() {
    arrive({PieceKind::kReset, {}});
}

void SimEnd::arrive(Piece piece) {
    if (piece.kind == PieceKind::kReset) {
        inbox_.clear();  // A reset takes what was not read yet with it.
    }
    inbox_.push_back(std::move(piece));
    schedule_intake();
}

void SimEnd::credit(std::size_t bytes) {
    outstanding_bytes_ -= bytes;
    const auto self = shared_from_this();
    loop_.post([self] {
        if (self->queued_bytes() > 0) {
            self->schedule_flush();
        }
    });
}

void SimEnd::schedule_intake() {
    if (intake_scheduled_ || inbox_.empty()) {
        return;
    }
    intake_scheduled_ = true;
    const auto self = shared_from_this();
    loop_.post([self] {
        self->intake_scheduled_ = false;
        self->take_in();
    });
}

/// One piece a turn, as the real stream reads one chunk a turn.
void SimEnd::take_in() {
    if (phase_ == Phase::kClosed || inbox_.empty()) {
        return;
    }
    const bool is_reset = inbox_.front().kind == PieceKind::kReset;
    if (phase_ == Phase::kOpen && (handler_ == nullptr || paused_) && !is_reset) {
        return;
    }
    Piece piece = std::move(inbox_.front());
    inbox_.pop_front();
    schedule_intake();
    switch (piece.kind) {
        case PieceKind::kData: take_data(std::move(piece.bytes)); break;
        case PieceKind::kReset:
            finish(Error{ErrorCode::kIo, "read from " + peer_.to_string() + ": reset by peer"});
            break;
        case PieceKind::kEnd:
            end_of_input_ = true;
            if (phase_ == Phase::kLingering) {
                finish({});
            } else if (phase_ == Phase::kOpen) {
                handler_->on_eof();
            }
            break;
    }
}

void SimEnd::take_data(std::string bytes) {
    const auto other = other_.lock();
    if (other != nullptr) {
        other->credit(bytes.size());
    }
    if (phase_ == Phase::kOpen) {
        handler_->on_data(bytes);
    }
}

void SimEnd::schedule_flush() {
    if (flush_scheduled_) {
        return;
    }
    flush_scheduled_ = true;
    const auto self = shared_from_this();
    loop_.at_turn_end([self] { self->flush(); });
}

void SimEnd::flush() {
    flush_scheduled_ = false;
    if (phase_ == Phase::kClosed) {
        StreamHandler* const handler = std::exchange(handler_, nullptr);
        if (handler != nullptr) {
            handler->on_closed(std::move(close_reason_));
        }
        return;
    }
    const bool had_bytes = queued_bytes() > 0;
    send_data();
    if (queued_bytes() > 0) {
        return;  // credit() goes on.
    }
    if (phase_ == Phase::kClosing) {
        send({PieceKind::kEnd, {}});
        if (end_of_input_) {
            finish({});
            return;
        }
        phase_ = Phase::kLingering;
        set_deadline(kCloseLingerTimeout);
    } else if (phase_ == Phase::kOpen && had_bytes && handler_ != nullptr) {
        handler_->on_drained();
    }
}

void SimEnd::send_data() {
    // Small gaps of the window are let grow first: else pieces shrink to single bytes.
    if (outstanding_bytes_ > links_->options().window_bytes / 2) {
        return;
    }
    while (queued_bytes() > 0 && outstanding_bytes_ < links_->options().window_bytes) {
        const std::size_t most = std::min(
            {queued_bytes(), links_->options().window_bytes - outstanding_bytes_, kReadChunkBytes}
        );
        // Whole more often than not, else cut anywhere.
        const std::size_t size =
            world_.random().chance(1, 2) ? most : 1 + world_.random().below(most);
        outstanding_bytes_ += size;
        send({PieceKind::kData, queue_.substr(queue_sent_, size)});
        queue_sent_ += size;
    }
    if (queued_bytes() == 0 || queue_sent_ > kStreamQueueBytesMax / 4) {
        queue_.erase(0, queue_sent_);
        queue_sent_ = 0;
    }
}

void SimEnd::send(Piece piece) {
    const auto other = other_.lock();
    if (other == nullptr) {
        return;
    }
    if (links_->is_cut(local_, peer_)) {
        held_.push_back(std::move(piece));
        return;
    }
    const bool breaks = piece.kind == PieceKind::kData
                        && world_.random().chance(links_->options().reset_per_million, 1'000'000);
    const MonotonicTime now = world_.clock().monotonic_now();
    const Duration delay = links_->delay(world_, local_, peer_);
    last_arrival_ = std::max(last_arrival_, now + delay);
    world_.trace("send", piece.bytes.size());
    const auto self = shared_from_this();
    const auto shared = std::make_shared<Piece>(std::move(piece));
    (void)world_.schedule(last_arrival_ - now, [self, other, shared, breaks] {
        if (breaks) {
            self->break_off();
            other->break_off();
        } else {
            other->arrive(std::move(*shared));
        }
    });
}

void SimEnd::finish(Status why) {
    if (phase_ == Phase::kClosed) {
        return;
    }
    phase_ = Phase::kClosed;
    close_reason_ = std::move(why);
    loop_.cancel_timer(deadline_);
    queue_.clear();
    queue_sent_ = 0;
    inbox_.clear();
    if (handler_ != nullptr) {
        schedule_flush();
    }
}

void SimEnd::set_deadline(Duration delay) {
    loop_.cancel_timer(deadline_);
    const std::weak_ptr<SimEnd> weak = weak_from_this();
    deadline_ = loop_.add_timer(delay, [weak] {
        const auto self = weak.lock();
        if (self == nullptr) {
            return;
        }
        if (self->phase_ == Phase::kLingering) {
            self->finish({});
            return;
        }
        self->send({PieceKind::kReset, {}});
        self->finish(Error{
            ErrorCode::kTimeout,
            self->peer_.to_string() + " did not read its last bytes in time"});
    });
}

}  // namespace kumo::io
