#include "cluster/peering/internal/peer_frame.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Feeds the input to a FrameReader in pieces. The first byte: bit 0 makes the checksums of whole
// frames right, so that the input gets behind them; the rest is the size of the pieces. The frames
// must not depend on the pieces, and what can be decoded must encode to what it was.

namespace {

using namespace kumo;           // NOLINT(google-build-using-namespace): a program, not a header
using namespace kumo::cluster;  // NOLINT(google-build-using-namespace): as above

struct Seen {
    std::vector<std::string> frames;
    bool fault = false;
    bool operator==(const Seen&) const = default;
};

void decode(const Frame& frame) {
    FrameFault fault;
    const auto hello = decode_hello(frame.payload, fault);
    KUMO_ASSERT(hello.has_value() == fault.what.empty());
    if (hello.has_value()) {
        KUMO_ASSERT(encode_hello(*hello) == frame.payload);
    }
    (void)decode_request_head(frame.payload);
    const auto answer = decode_answer(frame.payload);
    if (answer.has_value()) {
        const bool ok = answer->result.ok();
        const Status status = ok ? Status() : Status(answer->result.error());
        const std::string body = ok ? answer->result.value() : answer->result.error().message;
        KUMO_ASSERT(encode_answer_head(answer->call, status) + body == frame.payload);
    }
}

Seen read(ByteView bytes, std::size_t piece) {
    FrameReader reader;
    reader.set_limit(kControlFrameBytesMax);
    Seen seen;
    while (!bytes.empty() && !seen.fault) {
        reader.feed(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        for (;;) {
            Frame frame;
            FrameFault fault;
            const auto outcome = reader.next(frame, fault);
            if (outcome != FrameReader::Outcome::kFrame) {
                seen.fault = outcome == FrameReader::Outcome::kFault;
                break;
            }
            seen.frames.push_back(encode_frame(frame.kind, frame.type, {}, frame.payload));
            decode(frame);
        }
    }
    return seen;
}

/// Gives the frames of an input without magic their checksums.
std::string repaired(ByteView bytes) {
    std::string out(kPeerMagic);
    while (bytes.size() >= kPeerFrameHeaderBytes) {
        const auto size = load_unaligned<std::uint32_t>(bytes.data());
        if (size > bytes.size() - kPeerFrameHeaderBytes) {
            break;
        }
        const auto kind = load_unaligned<std::uint8_t>(bytes.data() + 8) % 7 + 1;
        const auto type = load_unaligned<std::uint16_t>(bytes.data() + 10);
        const ByteView payload = bytes.substr(kPeerFrameHeaderBytes, size);
        out += encode_frame(static_cast<FrameKind>(kind), type, {}, payload);
        bytes.remove_prefix(kPeerFrameHeaderBytes + size);
    }
    out += bytes;
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    if ((data[0] & 1U) != 0) {
        bytes = repaired(bytes);
    }
    const Seen whole = read(bytes, bytes.size());
    const Seen pieces = read(bytes, 1 + data[0] / 2U);
    KUMO_ASSERT(whole == pieces);
    return 0;
}
