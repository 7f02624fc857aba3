#include "wire/http1_body.h"

#include "wire/internal/http1_chars.h"

#include <algorithm>

namespace kumo::wire {

namespace {

/// 15 hex digits are 60 bits: no overflow, and far above every limit.
constexpr std::size_t kChunkDigitsMax = 15;

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return (c | 0x20) - 'a' + 10;
}

std::size_t token_size(ByteView text) {
    std::size_t size = 0;
    while (size < text.size() && internal::is_class(text[size], internal::kTokenChar)) {
        ++size;
    }
    return size;
}

/// Size of the quoted string in front, quotes included; 0 if it does not end.
std::size_t quoted_size(ByteView text) {
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            return i + 1;
        }
        if (text[i] == '\\') {
            ++i;
        }
    }
    return 0;
}

/// *( ";" name [ "=" ( token / quoted-string ) ] ), RFC 9112 7.1.1 without its optional white
/// space.
bool extensions_valid(ByteView text) {
    while (!text.empty()) {
        if (text.front() != ';') {
            return false;
        }
        text.remove_prefix(1);
        const std::size_t name = token_size(text);
        if (name == 0) {
            return false;
        }
        text.remove_prefix(name);
        if (!text.empty() && text.front() == '=') {
            text.remove_prefix(1);
            const bool quoted = !text.empty() && text.front() == '"';
            const std::size_t value = quoted ? quoted_size(text) : token_size(text);
            if (value == 0) {
                return false;
            }
            text.remove_prefix(value);
        }
    }
    return true;
}

}  // namespace

void HttpBodyReader::begin_empty() noexcept {
    state_ = State::kEmpty;
}

void HttpBodyReader::begin_length(std::uint64_t length, const HttpLimits& limits) noexcept {
    state_ = State::kLength;
    limit_ = limits.body_bytes_max;
    received_ = 0;
    left_ = length;
}

void HttpBodyReader::begin_chunked(const HttpLimits& limits) noexcept {
    state_ = State::kChunkLine;
    limits_ = limits;
    limit_ = limits.body_bytes_max;
    received_ = 0;
    extension_bytes_ = 0;
    trailer_bytes_ = 0;
    line_.clear();
}

void HttpBodyReader::begin_until_close(const HttpLimits& limits) noexcept {
    state_ = State::kUntilClose;
    limit_ = limits.body_bytes_max;
    received_ = 0;
}

HttpBodyReader::Step HttpBodyReader::fail(int status, std::string_view reason) noexcept {
    state_ = State::kFailed;
    error_ = {status, reason};
    return Step::kError;
}

HttpBodyReader::Step HttpBodyReader::next(ByteView& input, ByteView& piece) {
    for (;;) {
        switch (state_) {
            case State::kEmpty: return Step::kEnd;
            case State::kFailed: return Step::kError;
            case State::kLength:
                if (received_ + left_ > limit_) {
                    return fail(413, "body too large");
                }
                if (left_ == 0) {
                    state_ = State::kEmpty;
                    return Step::kEnd;
                }
                return take_data(input, piece);
            case State::kUntilClose: return take_data(input, piece);
            case State::kChunkData:
                if (left_ > 0) {
                    return take_data(input, piece);
                }
                state_ = State::kChunkEnd;
                break;
            case State::kChunkLine:
            case State::kChunkEnd:
            case State::kTrailer: {
                Step step = Step::kNeedMore;
                if (!step_line(input, step)) {
                    return step;
                }
                break;
            }
        }
    }
}

HttpBodyReader::Step HttpBodyReader::take_data(ByteView& input, ByteView& piece) {
    if (input.empty()) {
        return Step::kNeedMore;
    }
    std::size_t size = input.size();
    if (state_ == State::kUntilClose) {
        if (size > limit_ - std::min(limit_, received_)) {
            return fail(413, "body too large");
        }
    } else {
        size = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
        left_ -= size;
    }
    received_ += size;
    piece = input.substr(0, size);
    input.remove_prefix(size);
    return Step::kPiece;
}

/// Takes one line of chunked framing. False: `step` is the result for the caller.
bool HttpBodyReader::step_line(ByteView& input, Step& step) {
    const bool trailer = state_ == State::kTrailer;
    const bool taken =
        trailer ? take_line(input, limits_.trailer_bytes_max, {431, "trailer fields too large"})
                : take_line(input, limits_.chunk_line_bytes_max, {400, "chunk line too long"});
    if (!taken) {
        step = state_ == State::kFailed ? Step::kError : Step::kNeedMore;
        return false;
    }
    bool good = true;
    if (trailer) {
        if (line_.empty()) {
            state_ = State::kEmpty;
            step = Step::kEnd;
            return false;
        }
        good = parse_trailer_line();
    } else if (state_ == State::kChunkEnd) {
        good = line_.empty() || fail(400, "chunk longer than its size") != Step::kError;
        state_ = good ? State::kChunkLine : state_;
    } else {
        good = parse_chunk_line();
    }
    line_.clear();
    step = Step::kError;
    return good;
}

/// Appends to line_ up to CRLF, which is dropped. False: more is needed, or it failed.
bool HttpBodyReader::take_line(ByteView& input, std::size_t limit, HttpError over) {
    const std::size_t newline = input.find('\n');
    const bool ends = newline != ByteView::npos;
    const ByteView part = input.substr(0, ends ? newline : input.size());
    if (line_.size() + part.size() > limit) {
        (void)fail(over.status, over.reason);
        return false;
    }
    line_.append(part);
    input.remove_prefix(part.size() + (ends ? 1 : 0));
    if (!ends) {
        return false;
    }
    if (line_.empty() || line_.back() != '\r') {
        (void)fail(400, "line ends without CR");
        return false;
    }
    line_.pop_back();
    return true;
}

bool HttpBodyReader::parse_chunk_line() noexcept {
    std::uint64_t size = 0;
    std::size_t digits = 0;
    while (digits < line_.size() && internal::is_class(line_[digits], internal::kHexChar)) {
        if (digits == kChunkDigitsMax) {
            return fail(400, "chunk size too large") != Step::kError;
        }
        size = size * 16 + static_cast<std::uint64_t>(hex_value(line_[digits]));
        ++digits;
    }
    const ByteView extension = ByteView(line_).substr(digits);
    if (digits == 0 || (!extension.empty() && extension.front() != ';')) {
        return fail(400, "invalid chunk size") != Step::kError;
    }
    if (!internal::all_class(extension, internal::kValueChar) || !extensions_valid(extension)) {
        return fail(400, "invalid chunk extension") != Step::kError;
    }
    extension_bytes_ += extension.size();
    if (extension_bytes_ > limits_.chunk_extension_bytes_max) {
        return fail(400, "chunk extensions too large") != Step::kError;
    }
    if (size > limit_ - std::min(limit_, received_)) {
        return fail(413, "body too large") != Step::kError;
    }
    left_ = size;
    state_ = size == 0 ? State::kTrailer : State::kChunkData;
    return true;
}

bool HttpBodyReader::parse_trailer_line() noexcept {
    trailer_bytes_ += line_.size() + 2;
    if (trailer_bytes_ > limits_.trailer_bytes_max) {
        return fail(431, "trailer fields too large") != Step::kError;
    }
    HttpField field;
    const HttpError error = parse_field_line(line_, field);
    return error.status == 0 || fail(error.status, error.reason) != Step::kError;
}

}  // namespace kumo::wire
