#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "io/address.h"
#include "io/loop.h"

#include <cstddef>
#include <string>

namespace kumo::io {

/// What one read delivers at most; also what TLS decrypts before it looks at the pause again.
inline constexpr std::size_t kReadChunkBytes = std::size_t{64} * 1024;

/// A stream refuses further writes once this much is queued; memory is at most this plus one write.
inline constexpr std::size_t kStreamQueueBytesMax = std::size_t{64} * 1024 * 1024;

/// How long close() may take to hand over what is queued, and then to hear the peer's end.
inline constexpr Duration kCloseFlushTimeout = std::chrono::seconds(30);
inline constexpr Duration kCloseLingerTimeout = std::chrono::seconds(2);

/// What a stream tells its owner. All calls come on the stream's loop, never from inside a call
/// the owner makes. The owner may destroy the stream in any of them; nothing comes after that.
class StreamHandler {
public:
    virtual ~StreamHandler() = default;

    /// Bytes arrived, at least one. The view is valid during the call only.
    virtual void on_data(ByteView bytes) = 0;

    /// The peer will send nothing more, but may still read. At most once; no on_data follows.
    virtual void on_eof() = 0;

    /// Everything that was queued has been handed to the system.
    virtual void on_drained() {}

    /// The stream is gone: last call. OK after close(), otherwise the reason.
    virtual void on_closed(Status why) = 0;
};

/// A byte connection: TCP, TLS over TCP, or simulated. Loop-owned. Writes made in one turn leave
/// in one send at its end. Destroying a stream aborts it silently.
class Stream {
public:
    virtual ~Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// Begins to deliver events. Once, before which nothing is read. `handler` outlives the stream.
    virtual void start(StreamHandler& handler) = 0;

    /// Queues bytes. kOverloaded: kStreamQueueBytesMax bytes wait already, nothing was taken (the
    /// peer does not read: wait for on_drained, or abort). kUnavailable: closed or closing.
    virtual Status write(std::string bytes) = 0;

    /// Bytes accepted by write() that the system has not taken yet.
    virtual std::size_t queued_bytes() const = 0;

    /// Back-pressure: no on_data and no on_eof until resume_reading(). Idempotent.
    virtual void pause_reading() = 0;
    virtual void resume_reading() = 0;

    /// Sends what is queued, ends our side, discards what still arrives until the peer's end or
    /// kCloseLingerTimeout (so that the peer gets to read our last bytes), then on_closed. After
    /// this call no on_data, on_eof or on_drained comes.
    virtual void close() = 0;

    /// Drops the connection now, with a reset; on_closed follows in a later turn.
    virtual void abort() = 0;

    virtual const Address& peer() const = 0;
    /// This end; port 0 and no address if it is closed.
    virtual Address local() const = 0;
    virtual Loop& loop() = 0;

protected:
    Stream() = default;
};

}  // namespace kumo::io
