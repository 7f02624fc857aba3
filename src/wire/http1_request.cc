#include "wire/http1.h"
#include "wire/internal/http1_chars.h"

#include <algorithm>
#include <array>

namespace kumo::wire {

namespace {

using internal::is_class;

struct MethodName {
    std::string_view name;
    HttpMethod method;
};

constexpr std::array<MethodName, 7> kMethods = {{
    {"GET", HttpMethod::kGet},
    {"POST", HttpMethod::kPost},
    {"PUT", HttpMethod::kPut},
    {"PATCH", HttpMethod::kPatch},
    {"DELETE", HttpMethod::kDelete},
    {"HEAD", HttpMethod::kHead},
    {"OPTIONS", HttpMethod::kOptions},
}};

constexpr HttpError kGood{};

HttpError bad_request(std::string_view reason) {
    return {400, reason};
}

HttpError parse_method(ByteView name, HttpMethod& method) {
    for (const MethodName& known : kMethods) {
        if (known.name == name) {
            method = known.method;
            return kGood;
        }
    }
    if (name.empty() || !internal::all_class(name, internal::kTokenChar)) {
        return bad_request("invalid method");
    }
    return {501, "method not supported"};
}

/// "HTTP/1.0" and "HTTP/1.1".
HttpError parse_version(ByteView version, int& minor) {
    const auto digit = [&](std::size_t i) {
        return version[i] >= '0' && version[i] <= '9';
    };
    if (version.size() != 8 || version.substr(0, 5) != "HTTP/" || !digit(5) || version[6] != '.'
        || !digit(7)) {
        return bad_request("invalid HTTP version");
    }
    if (version[5] != '1' || version[7] > '1') {
        return {505, "HTTP version not supported"};
    }
    minor = version[7] - '0';
    return kGood;
}

HttpError check_target(ByteView target) {
    for (std::size_t i = 0; i < target.size(); ++i) {
        if (!is_class(target[i], internal::kTargetChar)) {
            return bad_request("invalid character in the request target");
        }
        if (target[i] == '%'
            && (target.size() - i < 3 || !is_class(target[i + 1], internal::kHexChar)
                || !is_class(target[i + 2], internal::kHexChar))) {
            return bad_request("invalid percent escape in the request target");
        }
    }
    return kGood;
}

/// Length of "http://" or "https://" in front; 0 if it is neither.
std::size_t scheme_size(ByteView target) {
    for (const ByteView scheme : {ByteView("http://"), ByteView("https://")}) {
        if (equals_ignore_case(target.substr(0, scheme.size()), scheme)) {
            return scheme.size();
        }
    }
    return 0;
}

}  // namespace

HttpEvent HttpRequestParser::fail(HttpError error) noexcept {
    state_ = State::kFailed;
    error_ = error;
    return HttpEvent::kError;
}

HttpEvent HttpRequestParser::next(ByteView& input) {
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

HttpEvent HttpRequestParser::read_head(ByteView& input) {
    for (;;) {
        switch (reader_.next(input, head_)) {
            case HttpHeadReader::Step::kNeedMore: return HttpEvent::kNeedMore;
            case HttpHeadReader::Step::kError: return fail(reader_.error());
            case HttpHeadReader::Step::kStartLine: {
                const HttpError error = parse_request_line();
                if (error.status != 0) {
                    return fail(error);
                }
                break;
            }
            case HttpHeadReader::Step::kEnd: {
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

HttpError HttpRequestParser::parse_request_line() {
    const ByteView line = reader_.start_line(head_);
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == ByteView::npos || first == last) {
        return bad_request("malformed request line");
    }
    HttpError error = parse_version(line.substr(last + 1), minor_version_);
    if (error.status != 0) {
        return error;
    }
    error = parse_method(line.substr(0, first), head_.method_);
    if (error.status != 0) {
        return error;
    }
    const auto offset = static_cast<std::uint32_t>(first + 1);
    return parse_target(line.substr(offset, last - offset), reader_.start_line_offset() + offset);
}

HttpError HttpRequestParser::parse_target(ByteView target, std::uint32_t offset) {
    const HttpError error = check_target(target);
    if (error.status != 0) {
        return error;
    }
    const auto slice = [&](std::size_t from, std::size_t to) {
        return HttpSlice{
            offset + static_cast<std::uint32_t>(from),
            static_cast<std::uint32_t>(to - from)};
    };
    head_.target_ = slice(0, target.size());
    head_.host_ = {};
    std::size_t path = 0;
    if (target.empty()) {
        return bad_request("empty request target");
    }
    if (target == "*" && head_.method_ == HttpMethod::kOptions) {
        head_.path_ = head_.target_;
        head_.query_ = {};
        return kGood;
    }
    if (const std::size_t scheme = scheme_size(target); scheme > 0) {
        path = std::min(target.find_first_of("/?", scheme), target.size());
        const ByteView authority = target.substr(scheme, path - scheme);
        if (authority.empty() || !internal::all_class(authority, internal::kHostChar)) {
            return bad_request("invalid authority in the request target");
        }
        head_.host_ = slice(scheme, path);
    } else if (target.front() != '/') {
        return bad_request("invalid request target");
    }
    const std::size_t mark = std::min(target.find('?', path), target.size());
    head_.path_ = slice(path, mark);
    head_.query_ = slice(std::min(mark + 1, target.size()), target.size());
    return kGood;
}

HttpError HttpRequestParser::finish_head() {
    const HttpError error = reader_.finish(head_, minor_version_);
    if (error.status != 0) {
        return error;
    }
    if (reader_.hosts() > 1) {
        return bad_request("repeated Host");
    }
    if (reader_.hosts() == 0 && minor_version_ >= 1) {
        return bad_request("missing Host");
    }
    if (!internal::all_class(head_.view(reader_.host()), internal::kHostChar)) {
        return bad_request("invalid Host");
    }
    if (head_.host_.size == 0) {
        head_.host_ = reader_.host();
    }
    if (reader_.expect() == HttpHeadReader::Expect::kUnknown) {
        return {417, "unknown expectation"};
    }
    head_.expects_continue_ =
        reader_.expect() == HttpHeadReader::Expect::kContinue && minor_version_ >= 1;
    if (head_.chunked()) {
        body_.begin_chunked(limits_);
    } else if (head_.content_length().value_or(0) > 0) {
        body_.begin_length(*head_.content_length(), limits_);
    } else {
        body_.begin_empty();
    }
    return kGood;
}

HttpEvent HttpRequestParser::read_body(ByteView& input) {
    switch (body_.next(input, piece_)) {
        case HttpBodyReader::Step::kNeedMore: return HttpEvent::kNeedMore;
        case HttpBodyReader::Step::kPiece: return HttpEvent::kBody;
        case HttpBodyReader::Step::kError: return fail(body_.error());
        case HttpBodyReader::Step::kEnd: break;
    }
    state_ = State::kEnd;
    return HttpEvent::kComplete;
}

}  // namespace kumo::wire
