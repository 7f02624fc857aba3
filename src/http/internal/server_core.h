#pragma once

#include "base/clock.h"
#include "http/server.h"
#include "io/network.h"

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

namespace kumo::http {

class Connection;

/// What the connections of one server share. Owned by the Server, outlived by nobody: connections
/// are cut before it goes. Loop-owned.
class ServerCore {
public:
    ServerCore(
        io::Loop& loop,
        io::TlsContext* tls,
        RequestHandler& handler,
        const ServerOptions& options
    );
    ~ServerCore();
    ServerCore(const ServerCore&) = delete;
    ServerCore& operator=(const ServerCore&) = delete;

    void set_listener(std::unique_ptr<io::Listener> listener);

    const io::Address& address() const { return address_; }

    void accept(std::unique_ptr<io::Stream> stream);
    void drain(std::function<void()> done);

    /// Tells every connection that it is over. Before destruction.
    void cut_all();

    /// From a connection's last callback.
    void remove(const Connection& connection);

    io::Loop& loop() const { return loop_; }

    RequestHandler& handler() const { return handler_; }

    const ServerOptions& options() const { return options_; }

    ServerStats& stats() { return stats_; }

    bool draining() const { return draining_; }

    MonotonicTime now() const { return loop_.clock().monotonic_now(); }

    /// The Date field's value, made once a second.
    const std::string& date();

private:
    void schedule_sweep();
    void sweep();
    void finish_drain();

    io::Loop& loop_;
    io::TlsContext* tls_;
    RequestHandler& handler_;
    ServerOptions options_;
    ServerStats stats_;
    io::Address address_;
    std::unique_ptr<io::Listener> listener_;
    std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections_;
    io::TimerId sweep_timer_;
    bool draining_ = false;
    std::function<void()> drained_;
    std::string date_;
    std::int64_t date_second_ = -1;
};

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7).
std::string http_date(WallTime time);

}  // namespace kumo::http
