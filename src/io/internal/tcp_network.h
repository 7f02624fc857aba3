#pragma once

#include "io/internal/epoll_loop.h"
#include "io/internal/unique_fd.h"
#include "io/network.h"

#include <atomic>
#include <cstddef>
#include <memory>

namespace kumo::io {

/// Connections taken from one listener in one turn.
inline constexpr int kAcceptsPerTurn = 64;

/// How long a listener rests when the process has no descriptors left.
inline constexpr Duration kAcceptRest = std::chrono::milliseconds(100);

/// The socket's side of a listener; see TcpConnection. Loop-owned, but for `closed`.
class Acceptor final : public EventSource, public std::enable_shared_from_this<Acceptor> {
public:
    Acceptor(EpollLoop& loop, UniqueFd fd, AcceptCallback accept, std::vector<Loop*> serve_loops);

    /// False if the system has no room to watch the socket.
    bool set_watching(bool watching);
    void set_paused(bool paused);
    void detach();
    void on_events(std::uint32_t events) override;

private:
    bool accept_one();
    void rest(int error_number);
    void hand_over(UniqueFd fd, const Address& peer);

    EpollLoop& loop_;
    UniqueFd fd_;
    const AcceptCallback accept_;
    const std::vector<Loop*> serve_loops_;
    std::size_t next_loop_ = 0;
    WatchId watch_;
    TimerId rest_timer_;
    bool paused_ = false;
    std::atomic<bool> closed_ = false;
};

}  // namespace kumo::io
