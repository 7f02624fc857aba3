#pragma once

#include "base/bytes.h"
#include "io/address.h"
#include "io/loop.h"
#include "wire/http1_fields.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kumo::http {

/// A header field of ours. Names are literals; control characters in values become spaces.
struct Header {
    std::string name;
    std::string value;
};

using Headers = std::vector<Header>;

inline constexpr ByteView kJsonContentType = "application/json; charset=utf-8";

/// {"message": "..."}: the form of an error in all our HTTP dialects that have no other.
std::string message_body(ByteView message);

/// A streaming answer pauses when this much waits for the peer.
inline constexpr std::size_t kStreamPauseBytes = std::size_t{256} << 10;

/// How a request is answered: once with respond(), or begin(), write()..., end(). Shared between
/// the connection and whoever works on the answer, who may keep it as long as the work takes and
/// use it later. If the connection dies meanwhile (the peer went away, a time-out, shutdown), every
/// call becomes a harmless no-op, and on_abandoned's callback is told once.
///
/// The connection adds Date, Content-Length or Transfer-Encoding, Connection, and compresses when
/// the client accepts it. Answers to HEAD, 204 and 304 drop their body. An answer given before the
/// request's body has been read ends the connection if much of the body is still to come.
///
/// Thread rule: loop-owned, the loop being loop(). Others post to it; an unanswered one is dropped
/// on the loop, too.
class ResponseWriter {
public:
    virtual ~ResponseWriter() = default;

    /// The whole answer. Requires that nothing was begun.
    virtual void respond(int status, Headers headers, std::string body) = 0;

    /// respond() with message_body().
    void respond_message(int status, ByteView message);

    /// The head of an answer whose body comes in pieces. Requires that nothing was begun.
    virtual void begin(int status, Headers headers) = 0;

    /// A piece of the body. Requires begin(). All that is queued in this turn leaves in one send.
    virtual void write(ByteView piece) = 0;

    /// The body is complete. Requires begin().
    virtual void end() = 0;

    /// Cuts the connection: the answer begun cannot be finished, and the client must see that.
    virtual void abort() = 0;

    /// Bytes written that the peer has not taken. Above kStreamPauseBytes the writer should stop
    /// and wait for on_writable; far above it (ServerOptions::queue_bytes_max) the connection is
    /// cut.
    virtual std::size_t queued_bytes() const = 0;

    /// `callback` runs, in a turn of its own, each time all that was queued has left.
    virtual void on_writable(std::function<void()> callback) = 0;

    /// `callback` runs once if the connection dies before the answer is complete. At once (in a
    /// later turn) if it is dead already. Dropped when the answer is complete.
    virtual void on_abandoned(std::function<void()> callback) = 0;

    /// The connection is there and the answer is not complete.
    virtual bool alive() const = 0;

    /// Back-pressure on the request's body: no on_body until resume_body(). While paused the
    /// body's time-out rests.
    virtual void pause_body() = 0;
    virtual void resume_body() = 0;

    virtual const io::Address& peer() const = 0;
    virtual io::Loop& loop() const = 0;
};

using ResponsePtr = std::shared_ptr<ResponseWriter>;

/// Takes the body of one request. Owned by the connection; destroyed after on_complete(), or
/// without it if the body will not be complete (broken, too large: the server has answered; or the
/// peer is gone). Loop-owned.
class RequestSink {
public:
    virtual ~RequestSink() = default;

    /// Larger bodies, after inflating, are refused with 413. Asked once, before the first piece.
    virtual std::uint64_t body_bytes_max() const = 0;

    /// The next piece, inflated if the client had sent gzip. Valid during the call.
    virtual void on_body(ByteView piece) = 0;

    /// The body is complete. Called for requests without a body too.
    virtual void on_complete() = 0;
};

/// What the server calls for each request.
class RequestHandler {
public:
    virtual ~RequestHandler() = default;

    /// A request's head has arrived. `head` lives until the answer is complete and the sink is
    /// gone, so a sink may keep the reference; later work copies what it needs. Gives the sink of
    /// the body, or null if it is of no interest (the answer must come all the same).
    virtual std::unique_ptr<RequestSink>
    on_request(const wire::HttpRequestHead& head, ResponsePtr response) = 0;
};

/// A sink that collects the body, at most `bytes_max`, and hands it over whole.
std::unique_ptr<RequestSink>
collect_body(std::uint64_t bytes_max, std::function<void(std::string body)> done);

}  // namespace kumo::http
