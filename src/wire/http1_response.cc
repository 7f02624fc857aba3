#include "wire/http1.h"
#include "wire/internal/http1_chars.h"

namespace kumo::wire {

namespace {

constexpr std::uint32_t kInformationalMax = 8;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

HttpError bad_response(std::string_view reason) {
    return {400, reason};
}

}  // namespace

HttpEvent HttpResponseParser::fail(HttpError error) noexcept {
    state_ = State::kFailed;
    error_ = error;
    return HttpEvent::kError;
}

HttpEvent HttpResponseParser::next(ByteView& input) {
    switch (state_) {
        case State::kHead: return read_head(input);
        case State::kBody: return read_body(input);
        case State::kEnd:
            reader_.reset(head_);
            state_ = State::kHead;
            return read_head(input);
        case State::kFailed: break;
    }
    return HttpEvent::kError;
}

HttpEvent HttpResponseParser::read_head(ByteView& input) {
    for (;;) {
        switch (reader_.next(input, head_)) {
            case HttpHeadReader::Step::kNeedMore: return HttpEvent::kNeedMore;
            case HttpHeadReader::Step::kError: return fail(reader_.error());
            case HttpHeadReader::Step::kStartLine: {
                const HttpError error = parse_status_line();
                if (error.status != 0) {
                    return fail(error);
                }
                break;
            }
            case HttpHeadReader::Step::kEnd: {
                if (head_.status_ < 200) {
                    if (head_.status_ == 101 || ++informational_ > kInformationalMax) {
                        return fail(bad_response("unexpected informational response"));
                    }
                    reader_.reset(head_);
                    break;
                }
                informational_ = 0;
                const HttpError error = finish_head();
                if (error.status != 0) {
                    return fail(error);
                }
                state_ = State::kBody;
                return HttpEvent::kHead;
            }
        }
    }
}

/// "HTTP/1.1 200 OK"; the phrase may be empty, and some servers leave out the space before it.
HttpError HttpResponseParser::parse_status_line() {
    const ByteView line = reader_.start_line(head_);
    const bool shaped = line.size() >= 12 && line.substr(0, 7) == "HTTP/1." && is_digit(line[7])
                        && line[8] == ' ' && is_digit(line[9]) && is_digit(line[10])
                        && is_digit(line[11]) && (line.size() == 12 || line[12] == ' ');
    if (!shaped || !internal::all_class(line, internal::kValueChar)) {
        return bad_response("malformed status line");
    }
    minor_version_ = line[7] == '0' ? 0 : 1;
    head_.status_ = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    if (head_.status_ < 100 || head_.status_ > 599) {
        return bad_response("invalid status code");
    }
    head_.reason_ = {};
    if (line.size() > 13) {
        head_.reason_ = {
            reader_.start_line_offset() + 13,
            static_cast<std::uint32_t>(line.size() - 13)};
    }
    return {};
}

HttpError HttpResponseParser::finish_head() {
    const HttpError error = reader_.finish(head_, minor_version_);
    if (error.status != 0) {
        return error;
    }
    // RFC 9112 6.3, in its order.
    if (method_ == HttpMethod::kHead || head_.status_ == 204 || head_.status_ == 304) {
        body_.begin_empty();
    } else if (head_.chunked()) {
        body_.begin_chunked(limits_);
    } else if (head_.content_length()) {
        body_.begin_length(*head_.content_length(), limits_);
    } else {
        body_.begin_until_close(limits_);
        head_.keep_alive_ = false;
    }
    return {};
}

HttpEvent HttpResponseParser::read_body(ByteView& input) {
    switch (body_.next(input, piece_)) {
        case HttpBodyReader::Step::kNeedMore: return HttpEvent::kNeedMore;
        case HttpBodyReader::Step::kPiece: return HttpEvent::kBody;
        case HttpBodyReader::Step::kError: return fail(body_.error());
        case HttpBodyReader::Step::kEnd: break;
    }
    state_ = State::kEnd;
    return HttpEvent::kComplete;
}

HttpEvent HttpResponseParser::finish() {
    if (state_ == State::kBody && body_.ends_by_close()) {
        state_ = State::kEnd;
        return HttpEvent::kComplete;
    }
    if (state_ == State::kEnd || (state_ == State::kHead && reader_.empty())) {
        return HttpEvent::kNeedMore;
    }
    if (state_ == State::kFailed) {
        return HttpEvent::kError;
    }
    return fail(bad_response("the connection closed inside a response"));
}

}  // namespace kumo::wire
