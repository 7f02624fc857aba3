#include "io/internal/tcp_network.h"

#include "base/log.h"
#include "io/internal/errno_error.h"
#include "io/internal/socket.h"
#include "io/internal/tcp_stream.h"
#include "io/system.h"

#include <cerrno>
#include <string>

#include <sys/epoll.h>

namespace kumo::io {

Acceptor::Acceptor(
    EpollLoop& loop,
    UniqueFd fd,
    AcceptCallback accept,
    std::vector<Loop*> serve_loops
)
    : loop_(loop),
      fd_(std::move(fd)),
      accept_(std::move(accept)),
      serve_loops_(std::move(serve_loops)) {}

bool Acceptor::set_watching(bool watching) {
    const bool watched = watch_.generation != 0;
    if (watching && !watched) {
        return loop_.watch(fd_.get(), EPOLLIN, shared_from_this(), watch_);
    }
    if (!watching && watched) {
        loop_.unwatch(watch_, fd_.get());
    }
    return true;
}

void Acceptor::set_paused(bool paused) {
    paused_ = paused;
    if (!set_watching(!paused)) {
        rest(ENOSPC);
    }
}

void Acceptor::detach() {
    closed_.store(true);
    loop_.cancel_timer(rest_timer_);
    (void)set_watching(false);
    fd_.reset();
}

void Acceptor::on_events(std::uint32_t /*events*/) {
    for (int i = 0; i < kAcceptsPerTurn && fd_.valid() && !paused_; ++i) {
        if (!accept_one()) {
            return;
        }
    }
}

bool Acceptor::accept_one() {
    SocketAddress peer;
    peer.length = sizeof(peer.storage);
    UniqueFd fd(::accept4(fd_.get(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
        hand_over(std::move(fd), peer.to_address());
        return true;
    }
    switch (errno) {
        case EAGAIN: return false;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM: rest(errno); return false;
        default: return true;  // That connection died before we took it.
    }
}

void Acceptor::rest(int error_number) {
    log_warn(errno_error("accept", "connections", error_number).message + "; resting");
    (void)set_watching(false);
    loop_.cancel_timer(rest_timer_);
    const std::weak_ptr<Acceptor> weak = weak_from_this();
    rest_timer_ = loop_.add_timer(kAcceptRest, [weak] {
        const auto self = weak.lock();
        if (self != nullptr && !self->closed_.load() && !self->paused_) {
            self->set_paused(false);
        }
    });
}

void Acceptor::hand_over(UniqueFd fd, const Address& peer) {
    Loop* const target =
        serve_loops_.empty() ? &loop_ : serve_loops_[next_loop_++ % serve_loops_.size()];
    if (target == &loop_) {
        accept_(loop_, std::make_unique<TcpStream>(loop_, std::move(fd), peer));
        return;
    }
    const auto self = shared_from_this();
    const auto shared_fd = std::make_shared<UniqueFd>(std::move(fd));
    target->post([self, shared_fd, target, peer] {
        if (!self->closed_.load()) {
            EpollLoop& loop = EpollLoop::of(*target);
            self->accept_(loop, std::make_unique<TcpStream>(loop, std::move(*shared_fd), peer));
        }
    });
}

namespace {

class TcpListener final : public Listener {
public:
    TcpListener(std::shared_ptr<Acceptor> acceptor, const Address& address)
        : acceptor_(std::move(acceptor)), address_(address) {}

    ~TcpListener() override { acceptor_->detach(); }

    TcpListener(const TcpListener&) = delete;
    TcpListener& operator=(const TcpListener&) = delete;

    const Address& address() const override { return address_; }

    void pause() override { acceptor_->set_paused(true); }

    void resume() override { acceptor_->set_paused(false); }

private:
    std::shared_ptr<Acceptor> acceptor_;
    const Address address_;
};

/// One connection being made. The loop's watch and timer keep it alive.
class Connector final : public EventSource, public std::enable_shared_from_this<Connector> {
public:
    Connector(EpollLoop& loop, UniqueFd fd, const Address& address, ConnectCallback done)
        : loop_(loop), fd_(std::move(fd)), address_(address), done_(std::move(done)) {}

    void start(Duration timeout) {
        const SocketAddress target = SocketAddress::from(address_);
        if (::connect(fd_.get(), target.get(), target.length) != 0 && errno != EINPROGRESS) {
            fail(errno);
            return;
        }
        if (!loop_.watch(fd_.get(), EPOLLOUT, shared_from_this(), watch_)) {
            fail(ENOSPC);
            return;
        }
        const auto self = shared_from_this();
        timer_ = loop_.add_timer(timeout, [self] { self->fail(ETIMEDOUT); });
    }

    void on_events(std::uint32_t /*events*/) override {
        int error_number = 0;
        socklen_t length = sizeof(error_number);
        if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error_number, &length) != 0) {
            error_number = errno;
        }
        if (error_number != 0) {
            fail(error_number);
            return;
        }
        stop_waiting();
        done_(std::unique_ptr<Stream>(std::make_unique<TcpStream>(loop_, std::move(fd_), address_))
        );
    }

private:
    void stop_waiting() {
        loop_.unwatch(watch_, fd_.get());
        loop_.cancel_timer(timer_);
    }

    void fail(int error_number) {
        stop_waiting();
        fd_.reset();
        Error error = errno_error("connect to", address_.to_string(), error_number);
        switch (error_number) {
            case ETIMEDOUT: error.code = ErrorCode::kTimeout; break;
            case ECONNREFUSED:
            case ECONNRESET:
            case ENETUNREACH:
            case EHOSTUNREACH: error.code = ErrorCode::kUnavailable; break;
            default: error.code = ErrorCode::kIo; break;
        }
        const auto self = shared_from_this();
        loop_.defer([self, error] { self->done_(error); });
    }

    EpollLoop& loop_;
    UniqueFd fd_;
    const Address address_;
    const ConnectCallback done_;
    WatchId watch_;
    TimerId timer_;
};

Error listen_error(const Address& address, int error_number) {
    Error error = errno_error("listen on", address.to_string(), error_number);
    if (error_number == EADDRINUSE) {
        error.code = ErrorCode::kUnavailable;
    } else if (error_number == EADDRNOTAVAIL) {
        error.code = ErrorCode::kInvalidArgument;
    }
    return error;
}

class TcpNetwork final : public Network {
public:
    Result<std::unique_ptr<Listener>> listen(
        Loop& loop,
        const Address& address,
        AcceptCallback accept,
        ListenOptions options
    ) override {
        KUMO_TRY_ASSIGN(UniqueFd fd, make_tcp_socket(address));
        const int one = 1;
        (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        SocketAddress local = SocketAddress::from(address);
        if (::bind(fd.get(), local.get(), local.length) != 0
            || ::listen(fd.get(), options.backlog) != 0
            || ::getsockname(fd.get(), local.get(), &local.length) != 0) {
            return listen_error(address, errno);
        }
        auto acceptor = std::make_shared<Acceptor>(
            EpollLoop::of(loop),
            std::move(fd),
            std::move(accept),
            std::move(options.serve_loops)
        );
        if (!acceptor->set_watching(true)) {
            return listen_error(address, ENOSPC);
        }
        return std::unique_ptr<Listener>(
            std::make_unique<TcpListener>(std::move(acceptor), local.to_address())
        );
    }

    void connect(Loop& loop, const Address& address, Duration timeout, ConnectCallback done)
        override {
        auto fd = make_tcp_socket(address);
        if (!fd.ok()) {
            const auto shared = std::make_shared<ConnectCallback>(std::move(done));
            const Error& error = fd.error();
            loop.defer([shared, error] { (*shared)(error); });
            return;
        }
        std::make_shared<Connector>(
            EpollLoop::of(loop),
            std::move(fd).value(),
            address,
            std::move(done)
        )
            ->start(timeout);
    }
};

}  // namespace

std::unique_ptr<Network> make_system_network() {
    return std::make_unique<TcpNetwork>();
}

}  // namespace kumo::io
