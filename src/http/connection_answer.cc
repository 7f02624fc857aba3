#include "base/assert.h"
#include "http/internal/connection.h"
#include "wire/http1_write.h"

#include <utility>

namespace kumo::http {

namespace {

/// Bodies up to this size are copied behind their head to leave in one piece.
constexpr std::size_t kJoinBytesMax = std::size_t{16} << 10;

bool has_header(const Headers& headers, ByteView name) {
    for (const Header& header : headers) {
        if (wire::equals_ignore_case(header.name, name)) {
            return true;
        }
    }
    return false;
}

}  // namespace

bool Connection::body_allowed(int status) const {
    return status >= 200 && status != 204 && status != 304;
}

bool Connection::wants_gzip(const Headers& headers) const {
    if (!core_.options().compress || has_header(headers, "Content-Encoding")) {
        return false;
    }
    const auto accepted = parser_.head().find("accept-encoding");
    return accepted && accepts_gzip(*accepted);
}

/// Status line and fields, open for more. Decides whether the connection goes on.
std::string Connection::answer_head(int status, const Headers& headers, bool has_length) {
    // A body that was not asked for may still come, or may not; one that is paused may be long.
    if (continue_owed_ || (body_paused_ && !request_done_) || core_.draining()) {
        close_after_ = true;
    }
    if (!has_length && parser_.head().minor_version() == 0) {
        close_after_ = true;
    }
    std::string out;
    wire::append_status_line(out, status);
    for (const Header& header : headers) {
        wire::append_field(out, header.name, header.value);
    }
    wire::append_field(out, "Date", core_.date());
    if (close_after_) {
        wire::append_field(out, "Connection", "close");
    } else if (parser_.head().minor_version() == 0) {
        wire::append_field(out, "Connection", "keep-alive");
    }
    return out;
}

void Connection::respond(int status, const Headers& headers, std::string body) {
    KUMO_ASSERT(answer_ == Answer::kNone);
    const bool compressible =
        body.size() >= core_.options().compress_bytes_min && body_allowed(status);
    const bool gzip = compressible && wants_gzip(headers);
    std::string out = answer_head(status, headers, true);
    if (gzip) {
        std::string packed;
        GzipCompressor(core_.options().compress_level).finish(body, packed);
        body = std::move(packed);
        wire::append_field(out, "Content-Encoding", "gzip");
    }
    if (compressible && core_.options().compress) {
        wire::append_field(out, "Vary", "Accept-Encoding");
    }
    if (body_allowed(status)) {
        wire::append_field(out, "Content-Length", body.size());
    }
    out.append("\r\n");
    answer_ = Answer::kDone;
    const bool with_body = body_allowed(status) && !headless_body_;
    if (with_body && body.size() <= kJoinBytesMax) {
        out.append(body);
    }
    send(std::move(out));
    if (with_body && body.size() > kJoinBytesMax) {
        send(std::move(body));
    }
    answer_done();
}

void Connection::send_refusal(wire::HttpError error) {
    close_after_ = true;
    const std::string body = message_body(error.reason);
    std::string out =
        answer_head(error.status, {{"Content-Type", std::string(kJsonContentType)}}, true);
    wire::append_field(out, "Content-Length", body.size());
    out.append("\r\n");
    if (!in_request_ || !headless_body_) {
        out.append(body);
    }
    answer_ = Answer::kDone;
    send(std::move(out));
}

void Connection::begin(int status, const Headers& headers) {
    KUMO_ASSERT(answer_ == Answer::kNone);
    const bool gzip = body_allowed(status) && wants_gzip(headers);
    std::string out = answer_head(status, headers, false);
    if (body_allowed(status)) {
        chunked_ = parser_.head().minor_version() >= 1;
        if (chunked_) {
            wire::append_field(out, "Transfer-Encoding", "chunked");
        }
        if (gzip) {
            wire::append_field(out, "Content-Encoding", "gzip");
        }
        if (core_.options().compress) {
            wire::append_field(out, "Vary", "Accept-Encoding");
        }
    } else {
        headless_body_ = true;
    }
    out.append("\r\n");
    compressor_.reset();
    if (gzip && !headless_body_) {
        compressor_.emplace(core_.options().compress_level);
    }
    answer_ = Answer::kBegun;
    send(std::move(out));
}

void Connection::write(ByteView piece) {
    KUMO_ASSERT(answer_ == Answer::kBegun);
    if (piece.empty() || headless_body_) {
        return;
    }
    std::string packed;
    if (compressor_) {
        compressor_->write(piece, packed);
        piece = packed;
    }
    std::string out;
    if (chunked_) {
        out.reserve(piece.size() + 16);
        wire::append_chunk(out, piece);
    } else {
        out.assign(piece);
    }
    send(std::move(out));
}

void Connection::end() {
    KUMO_ASSERT(answer_ == Answer::kBegun);
    std::string out;
    if (!headless_body_) {
        std::string packed;
        if (compressor_) {
            compressor_->finish({}, packed);
        }
        if (chunked_) {
            wire::append_chunk(out, packed);
            out.append(wire::kLastChunk);
        } else {
            out = std::move(packed);
        }
    }
    compressor_.reset();
    answer_ = Answer::kDone;
    if (!out.empty()) {
        send(std::move(out));
    }
    answer_done();
}

void Connection::send(std::string bytes) {
    if (closing_) {
        return;
    }
    if (stream_->queued_bytes() == 0) {
        taken_at_ = core_.now();
    }
    const std::size_t size = bytes.size();
    const Status written = stream_->write(std::move(bytes));
    if (!written.ok() || stream_->queued_bytes() > core_.options().queue_bytes_max) {
        abort();  // on_closed tells the handler.
        return;
    }
    written_bytes_ += size;
}

/// The answer is out. The request may still be arriving.
void Connection::answer_done() {
    if (exchange_ != nullptr) {
        std::exchange(exchange_, nullptr)->complete();
    }
    if (closing_) {
        return;
    }
    if (request_done_) {
        next_request();
        return;
    }
    // Answered early. What is left of the body is read and dropped, if it is not too much.
    const std::uint64_t length = parser_.head().content_length().value_or(0);
    if (continue_owed_ || body_paused_ || length > core_.options().drain_bytes_max) {
        close_after_ = true;
    }
    retire_sink();
    if (close_after_) {
        close();
    } else if (!processing_) {
        process_later();
    }
}

void Connection::abort_exchange() {
    exchange_ = nullptr;
    abort();
}

void Connection::exchange_dropped() {
    exchange_ = nullptr;
    if (closing_) {
        return;
    }
    if (answer_ == Answer::kNone) {
        refuse({500, "the request was not answered"});
    } else {
        abort();
    }
}

}  // namespace kumo::http
