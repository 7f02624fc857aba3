#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "http/handler.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/tls.h"
#include "wire/http1.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace kumo::http {

struct ClientOptions {
    wire::HttpLimits limits{};
    Duration connect_timeout = std::chrono::seconds(10);
    /// Without a byte moving in either direction while a request is under way.
    Duration progress_timeout = std::chrono::seconds(60);
    std::uint64_t response_bytes_max = std::uint64_t{1} << 30;
};

/// What is asked.
struct ClientRequest {
    wire::HttpMethod method = wire::HttpMethod::kGet;
    std::string target = "/";  ///< Path and query, encoded.
    Headers headers;           ///< Without Host, Content-Length, Transfer-Encoding, Connection.
    std::string body;          ///< The whole body, unless `streamed`.
    bool streamed = false;     ///< The body comes by write() and end(), chunked.
};

/// Hears about one request. Loop-owned; outlives the exchange. Exactly one of on_complete and
/// on_error comes, last. Callbacks may start the next request, never destroy the client.
class ResponseHandler {
public:
    virtual ~ResponseHandler() = default;

    virtual void on_head(const wire::HttpResponseHead& head) = 0;
    virtual void on_body(ByteView piece) = 0;
    virtual void on_complete() = 0;

    /// kUnavailable: could not connect, or the connection broke. kTimeout. kInvalidArgument: what
    /// came is not HTTP. The connection is gone; the next request makes a new one.
    virtual void on_error(const Error& error) = 0;

    /// A streamed request: send more, until kStreamPauseBytes are queued. Comes once when the
    /// connection is there, then each time all that was queued has left.
    virtual void on_writable() {}
};

/// An HTTP/1.1 client of one server: one connection, one request at a time, kept alive between
/// them. A request on a kept connection that the server closed before the first byte of an answer
/// is sent once more on a new one, if its method is idempotent and its body not streamed.
/// Loop-owned.
class Client {
public:
    /// `host` (a name or a numeric address without brackets) goes into Host and, with TLS, is the
    /// name to verify. `tls` may be null and outlives the client.
    Client(
        io::Loop& loop,
        io::Network& network,
        io::Address address,
        std::string host,
        io::TlsContext* tls,
        const ClientOptions& options = {}
    );
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Requires that no request is under way. The handler is called in later turns only.
    void send(ClientRequest request, ResponseHandler& handler);

    /// A piece of a streamed body. Ignored once the exchange is over. Returns how much is queued.
    std::size_t write(ByteView piece);

    /// The streamed body is complete.
    void end();

    /// Back-pressure on the answer's body.
    void pause_body();
    void resume_body();

    /// Drops the request under way, without a callback, and the connection.
    void cancel();

    bool busy() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace kumo::http
