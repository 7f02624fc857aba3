#include "http/internal/connection.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace kumo::http {

Connection::Connection(ServerCore& core, std::unique_ptr<io::Stream> stream)
    : core_(core),
      stream_(std::move(stream)),
      parser_(core.options().limits),
      progress_at_(core.now()),
      taken_at_(progress_at_) {}

Connection::~Connection() {
    KUMO_ASSERT(exchange_ == nullptr);
}

void Connection::start() {
    stream_->start(*this);
}

void Connection::start_refusing() {
    stream_->start(*this);
    refuse({503, "too many connections"});
}

void Connection::on_data(ByteView bytes) {
    if (closing_) {
        return;
    }
    if (in_request_) {
        touch();
    }
    process(bytes);
}

void Connection::on_eof() {
    eof_ = true;
    if (!closing_ && pending_.empty()) {
        input_ended();
    }
}

/// The peer sends nothing more. What it asked for completely is still answered.
void Connection::input_ended() {
    if (!in_request_ && parser_.idle()) {
        close();
    } else if (!request_done_) {
        drop_exchange();
        close();
    }
}

void Connection::on_drained() {
    taken_at_ = core_.now();
    if (exchange_ != nullptr) {
        exchange_->drained();
    }
}

void Connection::on_closed(Status why) {
    (void)why;  // Peers come and go; what they had asked for hears of it.
    closing_ = true;
    const auto keep = shared_from_this();
    drop_exchange();
    core_.remove(*this);
}

void Connection::cut() {
    closing_ = true;
    drop_exchange();
    stream_.reset();
}

/// The sink hears nothing more. It lives until no call of it can be running.
void Connection::retire_sink() {
    if (sink_ != nullptr) {
        finished_sink_ = std::move(sink_);
    }
}

void Connection::drop_exchange() {
    retire_sink();
    if (exchange_ != nullptr) {
        std::exchange(exchange_, nullptr)->abandon();
    }
    if (!processing_) {
        finished_sink_.reset();
    }
}

void Connection::close() {
    if (!closing_) {
        closing_ = true;
        stream_->close();
    }
}

void Connection::abort() {
    closing_ = true;
    stream_->abort();
}

void Connection::drain() {
    if (!closing_ && !in_request_ && parser_.idle() && pending_.empty()) {
        close();
    }
}

/// How long the current wait may take; none while the handler is at work.
std::optional<Duration> Connection::time_allowed() const {
    const ServerOptions& options = core_.options();
    if (in_request_) {
        const bool waits_for_body = !request_done_ && !body_paused_;
        return waits_for_body ? std::optional(options.body_timeout) : std::nullopt;
    }
    return parser_.idle() ? options.idle_timeout : options.head_timeout;
}

void Connection::sweep(MonotonicTime now) {
    const std::size_t queued = stream_->queued_bytes();
    const std::uint64_t taken = written_bytes_ - std::min<std::uint64_t>(queued, written_bytes_);
    if (queued == 0 || taken != taken_bytes_) {
        taken_bytes_ = taken;
        taken_at_ = now;
    } else if (now - taken_at_ >= core_.options().write_timeout) {
        ++core_.stats().timeouts;
        abort();
        return;
    }
    const std::optional<Duration> allowed = time_allowed();
    if (closing_ || !allowed || now - progress_at_ < *allowed) {
        return;
    }
    ++core_.stats().timeouts;
    if (!in_request_ && parser_.idle()) {
        close();
    } else {
        refuse({408, "the request did not arrive in time"});
    }
}

void Connection::process(ByteView input) {
    if (!may_parse()) {
        pending_.append(input);
    } else if (pending_.empty()) {
        run_parser(input);
        keep_unread(input);
    } else {
        pending_.append(input);
        const std::string held = std::exchange(pending_, std::string());
        ByteView rest = held;
        run_parser(rest);
        keep_unread(rest);
    }
    finished_sink_.reset();
    update_reading();
    if (eof_ && !closing_ && pending_.empty()) {
        input_ended();
    }
}

void Connection::keep_unread(ByteView input) {
    if (!closing_) {
        pending_.assign(input);
    }
}

/// Goes on with what is buffered, in a turn of its own.
void Connection::process_later() {
    loop().defer([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self != nullptr && !self->closing_) {
            self->process({});
        }
    });
}

void Connection::update_reading() {
    if (closing_) {
        return;
    }
    if (body_paused_ || pending_.size() >= core_.options().pipeline_bytes_max) {
        stream_->pause_reading();
    } else {
        stream_->resume_reading();
    }
}

bool Connection::may_parse() const {
    return !closing_ && !body_paused_ && !request_done_;
}

void Connection::run_parser(ByteView& input) {
    processing_ = true;
    if (std::exchange(body_deferred_, false)) {
        const std::string held = std::exchange(deferred_body_, std::string());
        take_body(held);
    }
    const bool was_idle = parser_.idle();
    while (may_parse()) {
        const wire::HttpEvent event = parser_.next(input);
        if (event == wire::HttpEvent::kNeedMore) {
            break;
        }
        switch (event) {
            case wire::HttpEvent::kHead: start_request(); break;
            case wire::HttpEvent::kBody: take_body(parser_.body()); break;
            case wire::HttpEvent::kComplete: request_complete(); break;
            case wire::HttpEvent::kError: refuse(parser_.error()); break;
            case wire::HttpEvent::kNeedMore: break;
        }
    }
    if (was_idle && !parser_.idle()) {
        touch();
    }
    processing_ = false;
}

void Connection::start_request() {
    ++core_.stats().requests;
    in_request_ = true;
    request_done_ = false;
    dropped_bytes_ = 0;
    answer_ = Answer::kNone;
    const wire::HttpRequestHead& head = parser_.head();
    headless_body_ = head.method() == wire::HttpMethod::kHead;
    close_after_ = !head.keep_alive();
    chunked_ = false;
    continue_owed_ =
        head.expects_continue() && (head.chunked() || head.content_length().value_or(0) > 0);
    const auto exchange = std::make_shared<Exchange>(*this);
    exchange_ = exchange.get();
    auto sink = core_.handler().on_request(head, exchange);
    if (closing_) {
        return;
    }
    const ServerOptions& options = core_.options();
    if (sink == nullptr || answer_ == Answer::kDone) {
        // Nobody wants the body. The limit lets the connection survive a small one.
        parser_.set_body_limit(~std::uint64_t{0});
        finished_sink_ = std::move(sink);
        return;
    }
    sink_ = std::move(sink);
    const std::uint64_t bytes_max =
        std::min(sink_->body_bytes_max(), options.limits.body_bytes_max);
    if (admit_body(bytes_max) && continue_owed_ && answer_ == Answer::kNone) {
        continue_owed_ = false;
        send("HTTP/1.1 100 Continue\r\n\r\n");
    }
}

/// Refuses by the head alone what would be refused later.
bool Connection::admit_body(std::uint64_t bytes_max) {
    const wire::HttpRequestHead& head = parser_.head();
    if (head.content_length().value_or(0) > bytes_max) {
        refuse({413, "body too large"});
        return false;
    }
    const auto coding = head.find("content-encoding");
    if (coding && !wire::equals_ignore_case(*coding, "gzip")
        && !wire::equals_ignore_case(*coding, "x-gzip")
        && !wire::equals_ignore_case(*coding, "identity")) {
        refuse({415, "content coding other than gzip"});
        return false;
    }
    parser_.set_body_limit(bytes_max);
    decoder_.emplace(bytes_max);
    return true;
}

void Connection::take_body(ByteView piece) {
    if (sink_ == nullptr) {
        dropped_bytes_ += piece.size();
        if (dropped_bytes_ > core_.options().drain_bytes_max) {
            // Too much to swallow for a connection's sake. An answer that is out may still be read:
            // close() discards what arrives for a while.
            close_after_ = true;
            if (answer_ == Answer::kDone) {
                close();
            } else {
                body_paused_ = true;
            }
        }
        return;
    }
    if (!feed_sink(piece) && !closing_) {
        body_deferred_ = true;
        deferred_body_.assign(piece);
    }
}

/// False if the handler paused before all of `piece` was delivered.
bool Connection::feed_sink(ByteView& piece) {
    for (;;) {
        if (closing_ || sink_ == nullptr) {
            return true;
        }
        if (body_paused_) {
            return false;
        }
        ByteView plain;
        switch (decoder_->next(piece, plain)) {
            case BodyDecoder::Step::kNeedMore: return true;
            case BodyDecoder::Step::kPiece: sink_->on_body(plain); break;
            case BodyDecoder::Step::kError: refuse(decoder_->error()); return true;
        }
    }
}

void Connection::request_complete() {
    if (sink_ != nullptr) {
        ByteView last;
        const BodyDecoder::Step step = decoder_->finish(last);
        if (step == BodyDecoder::Step::kError) {
            refuse(decoder_->error());
            return;
        }
        if (step == BodyDecoder::Step::kPiece) {
            sink_->on_body(last);
        }
    }
    request_done_ = true;
    if (sink_ != nullptr && !closing_) {
        finished_sink_ = std::move(sink_);
        finished_sink_->on_complete();
    }
    if (answer_ == Answer::kDone && !closing_) {
        next_request();
    }
}

/// Both halves of a request are done.
void Connection::next_request() {
    in_request_ = false;
    request_done_ = false;
    body_paused_ = false;
    answer_ = Answer::kNone;
    decoder_.reset();
    touch();
    if (!keeps_alive()) {
        close();
    } else if (!processing_) {
        process_later();
    }
}

bool Connection::keeps_alive() const {
    const bool more_comes = !eof_ || !pending_.empty();
    return !close_after_ && !core_.draining() && more_comes;
}

void Connection::pause_body() {
    if (!request_done_) {
        body_paused_ = true;
        update_reading();
    }
}

void Connection::resume_body() {
    if (std::exchange(body_paused_, false)) {
        touch();
        process_later();
    }
}

/// Answers for the handler, or instead of it, and ends the connection.
void Connection::refuse(wire::HttpError error) {
    ++core_.stats().refusals;
    if (answer_ == Answer::kBegun) {
        drop_exchange();
        abort();
        return;
    }
    const bool answered = answer_ == Answer::kDone;
    drop_exchange();
    if (!answered && !closing_) {
        send_refusal(error);
    }
    close();
}

}  // namespace kumo::http
