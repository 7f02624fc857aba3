#pragma once

#include "io/address.h"
#include "io/internal/sim_links.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_network.h"
#include "io/sim/sim_world.h"
#include "io/stream.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace kumo::io {

/// One end of a simulated connection; TcpConnection and the kernel in one. Bytes leave at the end
/// of a turn, in random pieces after random delays but in order, as far as the other end's window
/// has room; what has arrived waits in the inbox until the owner's loop comes round to it.
/// Loop-owned, but for arrive() and credit(), which only note and post.
class SimEnd final : public std::enable_shared_from_this<SimEnd> {
public:
    SimEnd(
        SimWorld& world,
        SimLoop& loop,
        const Address& local,
        const Address& peer,
        std::shared_ptr<const SimLinks> links
    );

    static void join(const std::shared_ptr<SimEnd>& a, const std::shared_ptr<SimEnd>& b);

    void start(StreamHandler& handler);
    Status write(std::string bytes);
    void set_paused(bool paused);
    void close();
    void abort();
    void detach();

    /// The wire broke: both this end and, by its own call, the other see a reset.
    void break_off();

    std::size_t queued_bytes() const { return queue_.size() - queue_sent_; }

    const Address& peer() const { return peer_; }

    const Address& local() const { return local_; }

    /// The way to the peer is open again: what was held is sent.
    void send_held();

    SimLoop& loop() { return loop_; }

private:
    enum class Phase : std::uint8_t {
        kOpen,
        kClosing,
        kLingering,
        kClosed,
    };
    enum class PieceKind : std::uint8_t {
        kData,
        kEnd,
        kReset,
    };

    struct Piece {
        PieceKind kind;
        std::string bytes;
    };

    void arrive(Piece piece);
    void credit(std::size_t bytes);
    void schedule_intake();
    void take_in();
    void take_data(std::string bytes);
    void schedule_flush();
    void flush();
    void send(Piece piece);
    void send_data();
    void finish(Status why);
    void set_deadline(Duration delay);

    SimWorld& world_;
    SimLoop& loop_;
    const Address local_;
    const Address peer_;
    const std::shared_ptr<const SimLinks> links_;
    std::weak_ptr<SimEnd> other_;
    StreamHandler* handler_ = nullptr;
    Phase phase_ = Phase::kOpen;
    bool paused_ = false;
    bool end_of_input_ = false;
    bool flush_scheduled_ = false;
    bool intake_scheduled_ = false;
    std::deque<Piece> inbox_;
    std::vector<Piece> held_;  ///< Sent into a cut.
    std::string queue_;
    std::size_t queue_sent_ = 0;         ///< Bytes at its front that have left.
    std::size_t outstanding_bytes_ = 0;  ///< Sent, not yet taken by the other owner.
    MonotonicTime last_arrival_;         ///< Of what we sent: the wire keeps order.
    TimerId deadline_;
    Status close_reason_;
};

/// Stream over a SimEnd.
class SimStream final : public Stream {
public:
    explicit SimStream(std::shared_ptr<SimEnd> end) : end_(std::move(end)) {}

    ~SimStream() override { end_->detach(); }

    SimStream(const SimStream&) = delete;
    SimStream& operator=(const SimStream&) = delete;

    void start(StreamHandler& handler) override { end_->start(handler); }

    Status write(std::string bytes) override { return end_->write(std::move(bytes)); }

    std::size_t queued_bytes() const override { return end_->queued_bytes(); }

    void pause_reading() override { end_->set_paused(true); }

    void resume_reading() override { end_->set_paused(false); }

    void close() override { end_->close(); }

    void abort() override { end_->abort(); }

    const Address& peer() const override { return end_->peer(); }

    Address local() const override { return end_->local(); }

    Loop& loop() override { return end_->loop(); }

private:
    std::shared_ptr<SimEnd> end_;
};

}  // namespace kumo::io
