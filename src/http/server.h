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
#include <cstdint>
#include <functional>
#include <memory>

namespace kumo::http {

class ServerCore;

/// Limits and time-outs of a server. Time-outs are looked at once a second, or more often if they
/// are short. A connection that passes one is closed; during a head or a body it gets a 408 first.
struct ServerOptions {
    wire::HttpLimits limits{};
    Duration head_timeout = std::chrono::seconds(10);  ///< From the first byte to the end of it.
    Duration idle_timeout = std::chrono::seconds(60);  ///< Between requests, and before the first.
    Duration body_timeout = std::chrono::seconds(30);  ///< Without a byte of an awaited body.
    /// Without the peer taking a byte, nor sending one of a body that is awaited.
    Duration write_timeout = std::chrono::seconds(30);
    std::size_t connections_max = 10000;  ///< Further ones get a 503 and are closed.
    /// An answer that outgrows this while the peer does not read is cut.
    std::size_t queue_bytes_max = std::size_t{48} << 20;
    /// Bytes of pipelined requests that wait while one is being answered; then reading pauses.
    std::size_t pipeline_bytes_max = std::size_t{256} << 10;
    /// An unwanted body up to this size is read and dropped to keep the connection.
    std::size_t drain_bytes_max = std::size_t{256} << 10;
    bool compress = true;                  ///< gzip answers when the client accepts it.
    std::size_t compress_bytes_min = 256;  ///< Smaller answers are not worth it.
    int compress_level = 1;                ///< zlib's, 1 to 9.
};

/// Counters since the start; loop-owned like the server.
struct ServerStats {
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_refused = 0;  ///< Over connections_max.
    std::size_t connections = 0;            ///< Now.
    std::uint64_t requests = 0;
    std::uint64_t refusals = 0;  ///< Requests answered by the server itself: malformed, too large.
    std::uint64_t timeouts = 0;
};

/// An HTTP/1.1 server on one loop: connections parse, dispatch to the handler and answer in order,
/// one request of a connection at a time (pipelined ones wait).
/// Loop-owned. Destroying it cuts every connection (their writers are told); not from a call of the
/// handler or of a sink.
class Server {
public:
    /// Listens. `tls` null: plain HTTP. `handler` and `tls` outlive the server. Errors are those
    /// of io::Network::listen.
    static Result<std::unique_ptr<Server>> start(
        io::Loop& loop,
        io::Network& network,
        const io::Address& address,
        io::TlsContext* tls,
        RequestHandler& handler,
        const ServerOptions& options = {}
    );

    /// A server without a listener: connections come by adopt(). To serve one address from several
    /// loops, each has its own Server, and io::ListenOptions::serve_loops spreads the connections.
    static std::unique_ptr<Server> create(
        io::Loop& loop,
        io::TlsContext* tls,
        RequestHandler& handler,
        const ServerOptions& options = {}
    );

    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Takes over a connection that was accepted for this server's loop and not started.
    void adopt(std::unique_ptr<io::Stream> stream);

    /// Where it listens; the port is the one chosen if 0 was asked for.
    const io::Address& address() const;

    /// Graceful end: stops accepting, closes idle connections, lets requests in flight finish
    /// (their answers say Connection: close). `done` runs, in a turn of its own, when no
    /// connection is left; bound it with a timer and destroy the server.
    void drain(std::function<void()> done);

    const ServerStats& stats() const;

private:
    explicit Server(std::unique_ptr<ServerCore> core);

    std::unique_ptr<ServerCore> core_;
};

}  // namespace kumo::http
