#include "cluster/peering/internal/peer_frame.h"

#include "wire/crc32c.h"

#include <algorithm>
#include <cstring>

namespace kumo::cluster {

namespace {

struct RawHeader {
    std::uint32_t payload_bytes;
    std::uint32_t crc;  ///< Of the length, the rest of the header, and the payload.
    std::uint16_t kind;
    std::uint16_t type;
};

static_assert(sizeof(RawHeader) == kPeerFrameHeaderBytes);

/// A buffer that grew beyond it is given back.
constexpr std::size_t kReuseBytesMax = std::size_t{1} << 20;

/// Who begins like this is somewhere else than he believes, or this node is.
std::string what_it_speaks(ByteView start) {
    constexpr ByteView kTlsHello = "\x16\x03";
    constexpr ByteView kTlsAlert = "\x15\x03";
    if (start.starts_with("HTTP/")) {
        return "it answers in HTTP: that is an API port, or another service's";
    }
    for (const ByteView method :
         {"GET ", "POST ", "PUT ", "DELETE ", "PATCH ", "HEAD ", "OPTIONS "}) {
        if (start.starts_with(method)) {
            return "it sends an HTTP request, and this is the port for other nodes";
        }
    }
    if (start.starts_with(kTlsHello) || start.starts_with(kTlsAlert)) {
        return "it speaks TLS, and this node has no TLS between nodes";
    }
    return "it does not speak the peer protocol";
}

std::uint32_t frame_crc(const RawHeader& header, ByteView head, ByteView body) {
    std::string fixed;
    append_fixed(fixed, header.payload_bytes);
    append_fixed(fixed, header.kind);
    append_fixed(fixed, header.type);
    return wire::crc32c(body, wire::crc32c(head, wire::crc32c(fixed)));
}

/// Takes values off the front of a view; false if it is too short.
struct Reader {
    ByteView left;

    template <typename T>
    bool take(T& value) {
        if (left.size() < sizeof(T)) {
            return false;
        }
        value = load_unaligned<T>(left.data());
        left.remove_prefix(sizeof(T));
        return true;
    }

    bool take(Uuid& uuid) {
        const auto read = uuid_from_bytes(left.substr(0, sizeof(uuid.bytes)));
        if (!read.has_value()) {
            return false;
        }
        uuid = *read;
        left.remove_prefix(sizeof(uuid.bytes));
        return true;
    }

    bool take(std::string& text) {
        std::uint16_t size = 0;
        if (!take(size) || size > kPeerTextBytesMax || left.size() < size) {
            return false;
        }
        text = left.substr(0, size);
        left.remove_prefix(size);
        return true;
    }
};

void append_text(std::string& out, const std::string& text) {
    append_fixed(out, static_cast<std::uint16_t>(text.size()));
    out += text;
}

bool read_hello(Reader& reader, ChannelHello& hello) {
    std::uint16_t channel = 0;
    std::uint16_t addresses = 0;
    if (!reader.take(channel) || channel >= kChannels || !reader.take(hello.peer.cluster)
        || !reader.take(hello.peer.node) || !reader.take(hello.peer.incarnation)
        || !reader.take(hello.peer.name) || !reader.take(addresses)
        || addresses > kPeerAddressesMax) {
        return false;
    }
    hello.channel = static_cast<Channel>(channel);
    for (std::uint16_t i = 0; i < addresses; ++i) {
        if (!reader.take(hello.peer.addresses.emplace_back())) {
            return false;
        }
    }
    return reader.left.empty() && !hello.peer.node.is_nil();
}

bool is_known_kind(std::uint16_t kind) {
    return kind >= static_cast<std::uint16_t>(FrameKind::kHello)
           && kind <= static_cast<std::uint16_t>(FrameKind::kAnswer);
}

/// Answers carry 0 for success, else an error's code and one.
constexpr std::uint32_t kAnswerOk = 0;

}  // namespace

std::string encode_frame(FrameKind kind, std::uint16_t type, ByteView head, ByteView body) {
    RawHeader header = {};
    header.payload_bytes = static_cast<std::uint32_t>(head.size() + body.size());
    header.kind = static_cast<std::uint16_t>(kind);
    header.type = type;
    header.crc = frame_crc(header, head, body);
    std::string frame;
    frame.reserve(sizeof(header) + head.size() + body.size());
    append_fixed(frame, header);
    frame += head;
    frame += body;
    return frame;
}

std::string encode_hello(const ChannelHello& hello) {
    std::string out;
    append_fixed(out, kPeerVersion);
    append_fixed(out, static_cast<std::uint16_t>(hello.channel));
    out += hello.peer.cluster.view();
    out += hello.peer.node.view();
    append_fixed(out, hello.peer.incarnation);
    append_text(out, hello.peer.name);
    append_fixed(out, static_cast<std::uint16_t>(hello.peer.addresses.size()));
    for (const std::string& address : hello.peer.addresses) {
        append_text(out, address);
    }
    return out;
}

std::optional<ChannelHello> decode_hello(ByteView payload, FrameFault& fault) {
    Reader reader{payload};
    std::uint16_t version = 0;
    if (!reader.take(version)) {
        fault = {PeerRefusal::kGarbage, "its hello is cut short"};
        return std::nullopt;
    }
    if (version != kPeerVersion) {
        fault = {
            PeerRefusal::kVersion,
            "it speaks version " + std::to_string(version) + " of the peer protocol, this node "
                + std::to_string(kPeerVersion)};
        return std::nullopt;
    }
    ChannelHello hello;
    if (!read_hello(reader, hello)) {
        fault = {PeerRefusal::kGarbage, "its hello cannot be read"};
        return std::nullopt;
    }
    return hello;
}

std::string encode_request_head(std::uint64_t call) {
    std::string head;
    append_fixed(head, call);
    return head;
}

std::string encode_answer_head(std::uint64_t call, const Status& status) {
    std::string head = encode_request_head(call);
    append_fixed(
        head,
        status.ok() ? kAnswerOk : static_cast<std::uint32_t>(status.error().code) + 1
    );
    return head;
}

std::optional<std::uint64_t> decode_request_head(ByteView payload) {
    Reader reader{payload};
    std::uint64_t call = 0;
    return reader.take(call) ? std::optional(call) : std::nullopt;
}

std::optional<Answer> decode_answer(ByteView payload) {
    Reader reader{payload};
    Answer answer;
    std::uint32_t code = 0;
    if (!reader.take(answer.call) || !reader.take(code)
        || code > static_cast<std::uint32_t>(ErrorCode::kInternal) + 1) {
        return std::nullopt;
    }
    if (code == kAnswerOk) {
        answer.result = std::string(reader.left);
    } else {
        answer.result = Error{static_cast<ErrorCode>(code - 1), std::string(reader.left)};
    }
    return answer;
}

void FrameReader::feed(ByteView bytes) {
    if (done_ > 0) {
        buffer_.erase(0, done_);
        done_ = 0;
    }
    if (buffer_.empty() && buffer_.capacity() > kReuseBytesMax) {
        buffer_ = std::string();  // A large frame's memory goes.
    }
    buffer_ += bytes;
}

FrameReader::Outcome FrameReader::check_magic(FrameFault& fault) {
    const ByteView start = ByteView(buffer_).substr(0, kPeerMagic.size());
    if (!kPeerMagic.starts_with(start)) {
        fault = {PeerRefusal::kGarbage, what_it_speaks(buffer_)};
        return Outcome::kFault;
    }
    if (start.size() < kPeerMagic.size()) {
        return Outcome::kMore;
    }
    magic_seen_ = true;
    done_ = kPeerMagic.size();
    return Outcome::kFrame;
}

FrameReader::Outcome FrameReader::next(Frame& frame, FrameFault& fault) {
    if (!magic_seen_) {
        const Outcome outcome = check_magic(fault);
        if (outcome != Outcome::kFrame) {
            return outcome;
        }
    }
    const ByteView left = ByteView(buffer_).substr(done_);
    if (left.size() < kPeerFrameHeaderBytes) {
        return Outcome::kMore;
    }
    const auto header = load_unaligned<RawHeader>(left.data());
    if (header.payload_bytes > payload_bytes_max_) {
        fault = {
            PeerRefusal::kTooLarge,
            "it sends a frame of " + std::to_string(header.payload_bytes) + " bytes where "
                + std::to_string(payload_bytes_max_) + " are the most"};
        return Outcome::kFault;
    }
    if (!is_known_kind(header.kind)) {
        fault = {PeerRefusal::kGarbage, "it sends a frame of an unknown kind"};
        return Outcome::kFault;
    }
    if (left.size() - kPeerFrameHeaderBytes < header.payload_bytes) {
        return Outcome::kMore;
    }
    frame.payload = left.substr(kPeerFrameHeaderBytes, header.payload_bytes);
    if (frame_crc(header, {}, frame.payload) != header.crc) {
        fault = {PeerRefusal::kGarbage, "it sends a frame with a wrong checksum"};
        return Outcome::kFault;
    }
    frame.kind = static_cast<FrameKind>(header.kind);
    frame.type = header.type;
    done_ += kPeerFrameHeaderBytes + header.payload_bytes;
    return Outcome::kFrame;
}

}  // namespace kumo::cluster
