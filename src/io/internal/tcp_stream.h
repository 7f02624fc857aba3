#pragma once

#include "io/address.h"
#include "io/internal/epoll_loop.h"
#include "io/internal/unique_fd.h"
#include "io/stream.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

namespace kumo::io {

/// What one flush hands to the kernel at most, so that one fast reader does not hold up a turn.
inline constexpr std::size_t kFlushBytesMax = std::size_t{4} * 1024 * 1024;

/// Writes up to this size are joined in the queue, which costs less than a longer iovec.
inline constexpr std::size_t kJoinWritesBytes = std::size_t{16} * 1024;

/// The socket's side of a TcpStream: lives as long as the loop knows it, so that an owner may
/// destroy its stream from within a callback. Loop-owned.
class TcpConnection final : public EventSource,
                            public Flushable,
                            public std::enable_shared_from_this<TcpConnection> {
public:
    TcpConnection(EpollLoop& loop, UniqueFd fd, const Address& peer);

    void start(StreamHandler& handler);
    Status write(std::string bytes);
    void set_paused(bool paused);
    void close();
    void abort();

    /// The owner is gone: no more callbacks, and the connection is dropped if it still stands.
    void detach();

    void on_events(std::uint32_t events) override;
    void flush() override;

    std::size_t queued_bytes() const { return queued_bytes_; }

    const Address& peer() const { return peer_; }

    Address local() const;

    EpollLoop& loop() { return loop_; }

private:
    enum class Phase : std::uint8_t {
        kOpen,
        kClosing,    ///< Sends what is queued.
        kLingering,  ///< Our side has ended; waits for the peer's end.
        kClosed,     ///< The descriptor is gone; on_closed is due or done.
    };

    void read_some();
    void on_end_of_input();
    Status send_queue(std::size_t& sent);
    void consume(std::size_t bytes);
    void begin_linger();
    void finish(Status why);
    void deliver_closed();
    void schedule_flush();
    void update_interest();
    void set_deadline(Duration delay);

    EpollLoop& loop_;
    UniqueFd fd_;
    const Address peer_;
    StreamHandler* handler_ = nullptr;
    Phase phase_ = Phase::kOpen;
    bool paused_ = false;
    bool end_of_input_ = false;
    bool blocked_ = false;  ///< The kernel's buffer is full: wait for EPOLLOUT.
    bool flush_scheduled_ = false;
    WatchId watch_;
    std::uint32_t interest_ = 0;
    TimerId deadline_;
    std::deque<std::string> queue_;
    std::size_t head_sent_ = 0;  ///< Bytes of queue_.front() that are sent.
    std::size_t queued_bytes_ = 0;
    Status close_reason_;
};

/// Stream over a TcpConnection.
class TcpStream final : public Stream {
public:
    TcpStream(EpollLoop& loop, UniqueFd fd, const Address& peer);
    ~TcpStream() override;
    TcpStream(const TcpStream&) = delete;
    TcpStream& operator=(const TcpStream&) = delete;

    void start(StreamHandler& handler) override { connection_->start(handler); }

    Status write(std::string bytes) override { return connection_->write(std::move(bytes)); }

    std::size_t queued_bytes() const override { return connection_->queued_bytes(); }

    void pause_reading() override { connection_->set_paused(true); }

    void resume_reading() override { connection_->set_paused(false); }

    void close() override { connection_->close(); }

    void abort() override { connection_->abort(); }

    const Address& peer() const override { return connection_->peer(); }

    Address local() const override { return connection_->local(); }

    Loop& loop() override { return connection_->loop(); }

private:
    std::shared_ptr<TcpConnection> connection_;
};

}  // namespace kumo::io
