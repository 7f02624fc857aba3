#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "cluster/peering/peering.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace kumo::cluster {

// The bytes between peers: docs/formats/peer.md. No I/O.

inline constexpr ByteView kPeerMagic = "KUMOPEER";
inline constexpr std::uint16_t kPeerVersion = 1;
inline constexpr std::size_t kPeerFrameHeaderBytes = 12;

/// Of a hello, and of every frame before one was accepted.
inline constexpr std::size_t kPeerHelloBytesMax = 4096;

enum class FrameKind : std::uint8_t {
    kHello = 1,
    kRefusal = 2,
    kPing = 3,
    kPong = 4,
    kMessage = 5,
    kRequest = 6,
    kAnswer = 7,
};

struct Frame {
    FrameKind kind = FrameKind::kPing;
    std::uint16_t type = 0;
    ByteView payload;
};

/// A frame's bytes: `head` and `body` are its payload.
std::string encode_frame(FrameKind kind, std::uint16_t type, ByteView head, ByteView body);

/// A hello as it is on the wire.
struct ChannelHello {
    PeerHello peer;
    Channel channel = Channel::kControl;
};

std::string encode_hello(const ChannelHello& hello);

/// What is wrong with a connection's bytes.
struct FrameFault {
    PeerRefusal reason = PeerRefusal::kGarbage;
    std::string what;
};

/// Nothing in `fault` unless it returns nothing.
std::optional<ChannelHello> decode_hello(ByteView payload, FrameFault& fault);

/// Requests and answers start with the call's number.
std::string encode_request_head(std::uint64_t call);
std::string encode_answer_head(std::uint64_t call, const Status& status);

struct Answer {
    std::uint64_t call = 0;
    Result<std::string> result = std::string();
};

std::optional<std::uint64_t> decode_request_head(ByteView payload);
std::optional<Answer> decode_answer(ByteView payload);

inline constexpr std::size_t kRequestHeadBytes = 8;

/// Cuts a connection's bytes into frames. Loop-owned.
class FrameReader {
public:
    /// A frame's payload is at most that from now on.
    void set_limit(std::size_t payload_bytes_max) { payload_bytes_max_ = payload_bytes_max; }

    void feed(ByteView bytes);

    enum class Outcome : std::uint8_t {
        kFrame,  ///< Its payload is valid until feed().
        kMore,
        kFault,  ///< For ever.
    };

    Outcome next(Frame& frame, FrameFault& fault);

private:
    Outcome check_magic(FrameFault& fault);

    std::string buffer_;
    std::size_t done_ = 0;
    std::size_t payload_bytes_max_ = kPeerHelloBytesMax;
    bool magic_seen_ = false;
};

}  // namespace kumo::cluster
