#include "io/internal/tcp_stream.h"

#include "base/assert.h"
#include "io/internal/errno_error.h"
#include "io/internal/socket.h"

#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/uio.h>

namespace kumo::io {

namespace {

/// Queued strings that one send gathers.
constexpr std::size_t kPiecesPerSend = 64;

}  // namespace

TcpConnection::TcpConnection(EpollLoop& loop, UniqueFd fd, const Address& peer)
    : loop_(loop), fd_(std::move(fd)), peer_(peer) {
    set_connection_options(fd_.get());
}

Address TcpConnection::local() const {
    SocketAddress local;
    local.length = sizeof(local.storage);
    if (!fd_.valid() || ::getsockname(fd_.get(), local.get(), &local.length) != 0) {
        return {};
    }
    return local.to_address();
}

void TcpConnection::start(StreamHandler& handler) {
    KUMO_ASSERT(handler_ == nullptr && loop_.in_loop_thread());
    handler_ = &handler;
    if (phase_ == Phase::kClosed) {
        schedule_flush();  // To say so.
        return;
    }
    update_interest();
}

Status TcpConnection::write(std::string bytes) {
    KUMO_ASSERT(loop_.in_loop_thread());
    if (phase_ != Phase::kOpen) {
        return Error{
            ErrorCode::kUnavailable,
            "the connection to " + peer_.to_string() + " is closed"};
    }
    if (queued_bytes_ >= kStreamQueueBytesMax) {
        return Error{
            ErrorCode::kOverloaded,
            peer_.to_string() + " does not read what it asked for"};
    }
    if (bytes.empty()) {
        return {};
    }
    queued_bytes_ += bytes.size();
    if (!queue_.empty() && queue_.back().size() + bytes.size() <= kJoinWritesBytes) {
        queue_.back() += bytes;
    } else {
        queue_.push_back(std::move(bytes));
    }
    if (!blocked_) {
        schedule_flush();
    }
    return {};
}

void TcpConnection::set_paused(bool paused) {
    paused_ = paused;
    update_interest();
}

void TcpConnection::close() {
    if (phase_ != Phase::kOpen) {
        return;
    }
    phase_ = Phase::kClosing;
    set_deadline(kCloseFlushTimeout);
    update_interest();
    schedule_flush();
}

void TcpConnection::abort() {
    // With a zero linger time close() sends a reset and forgets what the kernel still holds.
    const linger reset = {.l_onoff = 1, .l_linger = 0};
    if (fd_.valid()) {
        (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    }
    finish(Error{ErrorCode::kUnavailable, "the connection to " + peer_.to_string() + " was aborted"}
    );
}

void TcpConnection::detach() {
    handler_ = nullptr;
    abort();
}

void TcpConnection::on_events(std::uint32_t events) {
    const auto self = shared_from_this();
    const bool reads = (interest_ & EPOLLIN) != 0;
    if (reads && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        read_some();
    }
    if (phase_ != Phase::kClosed && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0 && blocked_) {
        blocked_ = false;
        update_interest();
        schedule_flush();
    }
}

void TcpConnection::read_some() {
    const ssize_t n = ::recv(fd_.get(), loop_.read_buffer(), kReadChunkBytes, 0);
    if (n > 0) {
        if (phase_ == Phase::kOpen && handler_ != nullptr) {
            handler_->on_data({loop_.read_buffer(), static_cast<std::size_t>(n)});
        }
        return;
    }
    if (n == 0) {
        on_end_of_input();
        return;
    }
    if (errno != EAGAIN && errno != EINTR) {
        finish(errno_error("read from", peer_.to_string(), errno));
    }
}

void TcpConnection::on_end_of_input() {
    end_of_input_ = true;
    if (phase_ == Phase::kLingering) {
        finish({});
        return;
    }
    update_interest();
    if (phase_ == Phase::kOpen && handler_ != nullptr) {
        handler_->on_eof();
    }
}

void TcpConnection::flush() {
    flush_scheduled_ = false;
    if (phase_ == Phase::kClosed) {
        deliver_closed();
        return;
    }
    std::size_t sent = 0;
    Status status = send_queue(sent);
    if (!status.ok()) {
        finish(std::move(status));
        return;
    }
    if (!queue_.empty()) {
        if (!blocked_) {
            schedule_flush();
        }
        update_interest();
        return;
    }
    if (phase_ == Phase::kClosing) {
        begin_linger();
    } else if (phase_ == Phase::kOpen && sent > 0 && handler_ != nullptr) {
        handler_->on_drained();
    }
}

Status TcpConnection::send_queue(std::size_t& sent) {
    while (!queue_.empty() && sent < kFlushBytesMax) {
        std::array<iovec, kPiecesPerSend> pieces = {};
        std::size_t count = 0;
        for (std::string& bytes : queue_) {
            const std::size_t skip = count == 0 ? head_sent_ : 0;
            pieces[count++] = {bytes.data() + skip, bytes.size() - skip};
            if (count == pieces.size()) {
                break;
            }
        }
        msghdr message = {};
        message.msg_iov = pieces.data();
        message.msg_iovlen = count;
        const ssize_t n = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            blocked_ = true;
            return {};
        }
        if (n < 0) {
            return errno_error("write to", peer_.to_string(), errno);
        }
        sent += static_cast<std::size_t>(n);
        consume(static_cast<std::size_t>(n));
    }
    return {};
}

void TcpConnection::consume(std::size_t bytes) {
    queued_bytes_ -= bytes;
    while (bytes > 0) {
        const std::size_t left = queue_.front().size() - head_sent_;
        if (bytes < left) {
            head_sent_ += bytes;
            return;
        }
        bytes -= left;
        head_sent_ = 0;
        queue_.pop_front();
    }
}

void TcpConnection::begin_linger() {
    if (end_of_input_) {
        finish({});
        return;
    }
    phase_ = Phase::kLingering;
    (void)::shutdown(fd_.get(), SHUT_WR);
    set_deadline(kCloseLingerTimeout);
    update_interest();
}

void TcpConnection::finish(Status why) {
    if (phase_ == Phase::kClosed) {
        return;
    }
    phase_ = Phase::kClosed;
    close_reason_ = std::move(why);
    loop_.cancel_timer(deadline_);
    const auto self = shared_from_this();  // The watch may hold the last reference.
    loop_.unwatch(watch_, fd_.get());
    fd_.reset();
    queue_.clear();
    head_sent_ = 0;
    queued_bytes_ = 0;
    if (handler_ != nullptr) {
        schedule_flush();
    }
}

void TcpConnection::deliver_closed() {
    StreamHandler* const handler = std::exchange(handler_, nullptr);
    if (handler != nullptr) {
        handler->on_closed(std::move(close_reason_));
    }
}

void TcpConnection::schedule_flush() {
    if (!flush_scheduled_) {
        flush_scheduled_ = true;
        loop_.flush_later(shared_from_this());
    }
}

void TcpConnection::update_interest() {
    if (phase_ == Phase::kClosed) {
        return;
    }
    const bool open_reads = phase_ == Phase::kOpen && handler_ != nullptr && !paused_;
    const bool reads = !end_of_input_ && (open_reads || phase_ != Phase::kOpen);
    std::uint32_t interest = 0;
    interest |= reads ? std::uint32_t{EPOLLIN} : 0U;
    interest |= blocked_ ? std::uint32_t{EPOLLOUT} : 0U;
    if (interest == interest_) {
        return;
    }
    // Unwatched rather than watched for nothing: epoll reports a hang-up in any case, and with
    // reading paused nobody would take it away.
    if (interest == 0) {
        loop_.unwatch(watch_, fd_.get());
    } else if (interest_ != 0) {
        loop_.change_watch(watch_, fd_.get(), interest);
    } else if (!loop_.watch(fd_.get(), interest, shared_from_this(), watch_)) {
        finish(Error{ErrorCode::kResourceExhausted, "the system has no room to watch a socket"});
        return;
    }
    interest_ = interest;
}

void TcpConnection::set_deadline(Duration delay) {
    loop_.cancel_timer(deadline_);
    const std::weak_ptr<TcpConnection> weak = weak_from_this();
    deadline_ = loop_.add_timer(delay, [weak] {
        const auto self = weak.lock();
        if (self == nullptr) {
            return;
        }
        if (self->phase_ == Phase::kLingering) {
            self->finish({});
        } else {
            self->finish(Error{
                ErrorCode::kTimeout,
                self->peer_.to_string() + " did not read its last bytes in time"});
        }
    });
}

TcpStream::TcpStream(EpollLoop& loop, UniqueFd fd, const Address& peer)
    : connection_(std::make_shared<TcpConnection>(loop, std::move(fd), peer)) {}

TcpStream::~TcpStream() {
    connection_->detach();
}

}  // namespace kumo::io
