#pragma once

#include "base/bytes.h"
#include "wire/http1_body.h"
#include "wire/http1_fields.h"
#include "wire/http1_head.h"

#include <cstddef>
#include <cstdint>
#include <string>

/// Strict HTTP/1.1 (RFC 9112) for both sides, as state machines without I/O.
///
/// A caller feeds bytes as they come and takes one event at a time, so it can stop between any
/// two: after a request (pipelining: the next one stays in the caller's buffer) or inside a body
/// (back-pressure).
///
///     for (;;) {
///         switch (parser.next(input)) {       // takes what it uses off the front of `input`
///             case HttpEvent::kNeedMore: return;
///             case HttpEvent::kHead:     parser.set_body_limit(n); ... parser.head() ...
///             case HttpEvent::kBody:     ... parser.body() ...
///             case HttpEvent::kComplete: ...
///             case HttpEvent::kError:    ... parser.error() ...
///         }
///     }
///
/// Refused, each with its own status and reason: differing or repeated Content-Length,
/// Content-Length with Transfer-Encoding, codings other than chunked, folded lines, bare CR or LF,
/// white space before a colon, control characters in values, missing or repeated Host, bad
/// methods, versions, targets and percent escapes, chunk sizes that overflow, and whatever passes
/// a limit. Trailer fields are checked and dropped. Bytes >= 0x80 in a target are let through
/// (people type them into curl); who decodes it checks the UTF-8.
namespace kumo::wire {

enum class HttpEvent : std::uint8_t {
    kNeedMore,  ///< All input is used up.
    kHead,      ///< head() is complete.
    kBody,      ///< body() has a piece; it points into the input given.
    kComplete,  ///< The message is over. The next call starts the next one.
    kError,     ///< error() says why. Final.
};

/// The server's side. Loop-owned.
class HttpRequestParser {
public:
    explicit HttpRequestParser(const HttpLimits& limits = {}) : limits_(limits), reader_(limits) {}

    /// One step. After kError it returns kError again.
    HttpEvent next(ByteView& input);

    /// From kHead on, until the next call after kComplete.
    const HttpRequestHead& head() const noexcept { return head_; }

    /// The piece of the last kBody; until the next call.
    ByteView body() const noexcept { return piece_; }

    /// After kError.
    HttpError error() const noexcept { return error_; }

    /// After kHead: more body than this is a 413. HttpLimits::body_bytes_max if never called.
    void set_body_limit(std::uint64_t bytes) noexcept { body_.set_limit(bytes); }

    /// True between messages: nothing of a request has arrived.
    bool idle() const noexcept {
        return state_ == State::kEnd || (state_ == State::kHead && reader_.empty());
    }

    /// True from kHead to kComplete.
    bool in_body() const noexcept { return state_ == State::kBody; }

private:
    enum class State : std::uint8_t {
        kHead,
        kBody,
        kEnd,  ///< The message was handed out; its head stays until the next call.
        kFailed,
    };

    HttpEvent fail(HttpError error) noexcept;
    HttpEvent read_head(ByteView& input);
    HttpEvent read_body(ByteView& input);
    HttpError parse_request_line();
    HttpError parse_target(ByteView target, std::uint32_t offset);
    HttpError finish_head();

    HttpLimits limits_;
    State state_ = State::kHead;
    HttpHeadReader reader_;
    HttpBodyReader body_;
    HttpRequestHead head_;
    int minor_version_ = 1;
    ByteView piece_;
    HttpError error_;
};

/// The client's side. Loop-owned. Informational responses (1xx) are dropped.
class HttpResponseParser {
public:
    explicit HttpResponseParser(const HttpLimits& limits = {}) : limits_(limits), reader_(limits) {}

    /// Before each response: the answer to HEAD has no body whatever its fields say.
    void expect_answer_to(HttpMethod method) noexcept { method_ = method; }

    HttpEvent next(ByteView& input);

    /// The peer has closed: kComplete for a body that ends by closing, kNeedMore if no response
    /// had begun, kError if one was cut.
    HttpEvent finish();

    const HttpResponseHead& head() const noexcept { return head_; }

    ByteView body() const noexcept { return piece_; }

    HttpError error() const noexcept { return error_; }

    void set_body_limit(std::uint64_t bytes) noexcept { body_.set_limit(bytes); }

private:
    enum class State : std::uint8_t {
        kHead,
        kBody,
        kEnd,  ///< The message was handed out; its head stays until the next call.
        kFailed,
    };

    HttpEvent fail(HttpError error) noexcept;
    HttpEvent read_head(ByteView& input);
    HttpEvent read_body(ByteView& input);
    HttpError parse_status_line();
    HttpError finish_head();

    HttpLimits limits_;
    State state_ = State::kHead;
    HttpMethod method_ = HttpMethod::kGet;
    std::uint32_t informational_ = 0;
    HttpHeadReader reader_;
    HttpBodyReader body_;
    HttpResponseHead head_;
    int minor_version_ = 1;
    ByteView piece_;
    HttpError error_;
};

}  // namespace kumo::wire
