#pragma once

#include "cluster/peering/internal/peer_frame.h"
#include "io/stream.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace kumo::cluster {

class PeerConnection;

/// What a connection tells whoever owns it; never from inside a call the owner makes.
class ConnectionOwner {
public:
    virtual ~ConnectionOwner() = default;

    /// The other end has said who it is: the owner calls accept(), refuse() or drop().
    virtual void on_hello(PeerConnection& connection, const ChannelHello& hello) = 0;

    virtual void on_frame(PeerConnection& connection, const Frame& frame) = 0;

    /// The last call. `fault` if what the other end sent was the reason.
    virtual void on_gone(
        PeerConnection& connection,
        const Status& why,
        const std::optional<FrameFault>& fault
    ) = 0;
};

/// One connection, dialled or accepted: handshake, frames, and whether the other end is alive.
/// Loop-owned; the owner holds it until on_gone() and lets it go in a later turn.
class PeerConnection final : public io::StreamHandler,
                             public std::enable_shared_from_this<PeerConnection> {
public:
    PeerConnection(std::unique_ptr<io::Stream> stream, ConnectionOwner& owner);
    ~PeerConnection() override;
    PeerConnection(const PeerConnection&) = delete;
    PeerConnection& operator=(const PeerConnection&) = delete;

    /// Dialled: says who we are. From then on pings go out.
    void begin(const ChannelHello& self);

    /// Accepted: waits for the other end's hello.
    void wait();

    /// Requires: in on_hello(). `reply`, if any, goes back.
    void accept(Channel channel, const ChannelHello* reply);
    void refuse(const FrameFault& fault);

    /// Ends it now; on_gone() follows.
    void drop(Status why);

    /// Queues a frame; false if it is not open.
    bool write(std::string frame);

    bool open() const { return phase_ == Phase::kOpen; }

    std::size_t queued_bytes() const { return stream_->queued_bytes(); }

    const io::Address& peer() const { return stream_->peer(); }

    /// Nothing was heard for that long.
    Duration silence() const;

    bool was_silent() const { return was_silent_; }

    /// The other end refused us: on_gone()'s fault is what it says about us.
    bool was_refused_by_peer() const { return refused_by_peer_; }

    /// Requests of the other end that wait for an answer.
    std::size_t requests = 0;

private:
    enum class Phase : std::uint8_t {
        kHandshake,
        kOpen,
        kGone,
    };

    void on_data(ByteView bytes) override;
    void on_eof() override;
    void on_closed(Status why) override;
    void start();
    void take(const Frame& frame);
    void take_handshake(const Frame& frame);
    void take_refusal(const Frame& frame);
    void tick();
    void tick_open();
    bool is_lost() const;
    Duration ping_interval() const;
    void schedule_tick();
    void watch();
    bool provoke();

    std::unique_ptr<io::Stream> stream_;
    io::Loop& loop_;
    ConnectionOwner& owner_;
    FrameReader reader_;
    Phase phase_ = Phase::kHandshake;
    bool dialled_ = false;
    bool was_silent_ = false;
    bool refused_by_peer_ = false;
    bool heard_ = false;     ///< Anything at all.
    bool provoked_ = false;  ///< See provoke().
    Channel channel_ = Channel::kControl;
    MonotonicTime alive_at_;
    bool used_ = false;                       ///< Something was sent since it was heard.
    std::optional<MonotonicTime> pinged_at_;  ///< And not heard since.
    std::uint64_t written_bytes_ = 0;
    std::uint64_t sent_bytes_ = 0;  ///< At the last tick: what the system had taken.
    bool was_queued_ = false;       ///< ... and whether more waited.
    io::TimerId timer_;
    Status why_;
    std::optional<FrameFault> fault_;
};

}  // namespace kumo::cluster
