#include "cluster/peering/internal/peer_connection.h"

#include <algorithm>
#include <utility>

namespace kumo::cluster {

namespace {

Error unavailable(std::string message) {
    return Error{ErrorCode::kUnavailable, std::move(message)};
}

constexpr Duration kWatchInterval = std::chrono::milliseconds(500);

std::size_t frame_limit(Channel channel) {
    return channel == Channel::kControl ? kControlFrameBytesMax : kDataFrameBytesMax;
}

}  // namespace

PeerConnection::PeerConnection(std::unique_ptr<io::Stream> stream, ConnectionOwner& owner)
    : stream_(std::move(stream)),
      loop_(stream_->loop()),
      owner_(owner),
      alive_at_(loop_.clock().monotonic_now()) {}

PeerConnection::~PeerConnection() {
    loop_.cancel_timer(timer_);
}

void PeerConnection::begin(const ChannelHello& self) {
    dialled_ = true;
    start();
    std::string bytes(kPeerMagic);
    bytes += encode_frame(FrameKind::kHello, 0, encode_hello(self), {});
    (void)stream_->write(std::move(bytes)).ok();
}

void PeerConnection::wait() {
    start();
}

void PeerConnection::start() {
    stream_->start(*this);
    schedule_tick();
}

void PeerConnection::accept(Channel channel, const ChannelHello* reply) {
    if (phase_ != Phase::kHandshake) {
        return;
    }
    phase_ = Phase::kOpen;
    channel_ = channel;
    reader_.set_limit(frame_limit(channel));
    if (reply != nullptr) {
        std::string bytes(kPeerMagic);
        bytes += encode_frame(FrameKind::kHello, 0, encode_hello(*reply), {});
        (void)write(std::move(bytes));
    }
}

/// The other end is told why, as far as it reads.
void PeerConnection::refuse(const FrameFault& fault) {
    if (phase_ == Phase::kGone) {
        return;
    }
    const bool greeted = dialled_ || phase_ == Phase::kOpen;
    phase_ = Phase::kGone;
    fault_ = fault;
    why_ = unavailable(peer().to_string() + " was refused: " + fault.what);
    std::string bytes(greeted ? ByteView() : kPeerMagic);
    bytes +=
        encode_frame(FrameKind::kRefusal, static_cast<std::uint16_t>(fault.reason), {}, fault.what);
    (void)stream_->write(std::move(bytes)).ok();
    if (dialled_) {
        stream_->abort();
    } else {
        stream_->close();
    }
}

void PeerConnection::drop(Status why) {
    if (phase_ == Phase::kGone) {
        return;
    }
    phase_ = Phase::kGone;
    why_ = std::move(why);
    stream_->abort();
}

bool PeerConnection::write(std::string frame) {
    if (phase_ != Phase::kOpen) {
        return false;
    }
    const std::size_t size = frame.size();
    if (Status written = stream_->write(std::move(frame)); !written.ok()) {
        drop(std::move(written));
        return false;
    }
    written_bytes_ += size;
    used_ = true;
    return true;
}

Duration PeerConnection::silence() const {
    return loop_.clock().monotonic_now() - alive_at_;
}

void PeerConnection::on_data(ByteView bytes) {
    alive_at_ = loop_.clock().monotonic_now();
    used_ = false;
    pinged_at_.reset();
    heard_ = true;
    reader_.feed(bytes);
    while (phase_ != Phase::kGone) {
        Frame frame;
        FrameFault fault;
        const FrameReader::Outcome outcome = reader_.next(frame, fault);
        if (outcome == FrameReader::Outcome::kMore) {
            return;
        }
        if (outcome == FrameReader::Outcome::kFault) {
            refuse(fault);
            return;
        }
        take(frame);
    }
}

void PeerConnection::take(const Frame& frame) {
    if (phase_ == Phase::kHandshake) {
        take_handshake(frame);
        return;
    }
    switch (frame.kind) {
        case FrameKind::kPing: (void)write(encode_frame(FrameKind::kPong, 0, {}, {})); return;
        case FrameKind::kPong: return;
        case FrameKind::kRefusal: take_refusal(frame); return;
        case FrameKind::kHello: refuse({PeerRefusal::kGarbage, "it says hello twice"}); return;
        case FrameKind::kMessage:
        case FrameKind::kRequest:
        case FrameKind::kAnswer: break;
    }
    // Answers come back to who asked, everything else goes the way it was dialled.
    if ((frame.kind == FrameKind::kAnswer) != dialled_) {
        refuse({PeerRefusal::kGarbage, "it sends what does not belong on this connection"});
        return;
    }
    owner_.on_frame(*this, frame);
}

void PeerConnection::take_handshake(const Frame& frame) {
    if (frame.kind == FrameKind::kRefusal && dialled_) {
        take_refusal(frame);
        return;
    }
    if (frame.kind != FrameKind::kHello) {
        refuse({PeerRefusal::kGarbage, "it does not begin with a hello"});
        return;
    }
    FrameFault fault;
    const auto hello = decode_hello(frame.payload, fault);
    if (!hello.has_value()) {
        refuse(fault);
        return;
    }
    owner_.on_hello(*this, *hello);
}

void PeerConnection::take_refusal(const Frame& frame) {
    const std::string text(frame.payload.substr(0, kPeerTextBytesMax));
    if (frame.type < static_cast<std::uint16_t>(PeerRefusal::kCount)) {
        refused_by_peer_ = true;
        fault_ = FrameFault{static_cast<PeerRefusal>(frame.type), text};
    }
    drop(unavailable(peer().to_string() + " refused: " + text));
}

void PeerConnection::on_eof() {
    if (phase_ == Phase::kHandshake && !dialled_) {
        drop(unavailable(peer().to_string() + " left before it said who it is"));
    } else {
        drop(unavailable(peer().to_string() + " closed the connection"));
    }
}

void PeerConnection::on_closed(Status why) {
    loop_.cancel_timer(timer_);
    phase_ = Phase::kGone;
    const auto self = shared_from_this();
    owner_.on_gone(*this, why_.ok() ? why : why_, fault_);
}

void PeerConnection::schedule_tick() {
    const auto weak = weak_from_this();
    timer_ = loop_.add_timer(kWatchInterval, [weak] {
        if (const auto self = weak.lock()) {
            self->tick();
        }
    });
}

void PeerConnection::tick() {
    if (phase_ == Phase::kGone) {
        return;
    }
    watch();
    if (phase_ == Phase::kHandshake && silence() > kPeerSilenceMax && provoke()) {
        schedule_tick();
        return;
    }
    if (phase_ == Phase::kHandshake && silence() > kPeerSilenceMax) {
        refuse({PeerRefusal::kSlow, "it did not say who it is in time"});
    } else if (phase_ == Phase::kOpen) {
        tick_open();
    }
    if (phase_ != Phase::kGone) {
        schedule_tick();
    }
}

void PeerConnection::tick_open() {
    if (is_lost()) {
        was_silent_ = true;
        drop(unavailable(peer().to_string() + " was not heard of"));
    } else if (dialled_ && !pinged_at_ && silence() >= ping_interval()) {
        pinged_at_ = loop_.clock().monotonic_now();
        (void)write(encode_frame(FrameKind::kPing, 0, {}, {}));
    }
}

bool PeerConnection::is_lost() const {
    if (dialled_) {
        return pinged_at_ && loop_.clock().monotonic_now() - *pinged_at_ > kPongTimeout;
    }
    const bool control = channel_ == Channel::kControl;
    return silence() > (control ? kControlPingInterval : kIdleDataPingInterval) + kPeerSilenceMax;
}

Duration PeerConnection::ping_interval() const {
    if (channel_ == Channel::kControl) {
        return kControlPingInterval;
    }
    return used_ ? kDataPingInterval : kIdleDataPingInterval;
}

/// An API port waits for the end of a request's head, for which it takes our hello: with that it
/// says that it speaks HTTP, so that a mixed up port can be named. A node that hangs never reads as
/// far: the connection is over a moment later. Once; true if something may come of it.
bool PeerConnection::provoke() {
    if (!dialled_ || heard_ || std::exchange(provoked_, true)) {
        return false;
    }
    (void)stream_->write("\r\n\r\n").ok();
    return true;
}

/// A long queue that gets shorter shows that the other end reads, though its pongs are far behind.
/// What goes straight into the system's buffer shows nothing.
void PeerConnection::watch() {
    const std::size_t queued = stream_->queued_bytes();
    const std::uint64_t sent = written_bytes_ - std::min<std::uint64_t>(written_bytes_, queued);
    if (was_queued_ && sent > sent_bytes_) {
        alive_at_ = loop_.clock().monotonic_now();
        pinged_at_ = pinged_at_ ? std::optional(alive_at_) : std::nullopt;
    }
    sent_bytes_ = sent;
    was_queued_ = queued > 0;
}

}  // namespace kumo::cluster
