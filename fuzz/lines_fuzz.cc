// However the stream is cut, the same lines come out, and memory stays below the limit.
#include "wire/lines.h"

#include "base/assert.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using kumo::ByteView;
using kumo::wire::Line;
using kumo::wire::LineSplitter;

constexpr std::size_t kLineBytesMax = 16;

std::string transcript(ByteView input, std::size_t piece_bytes) {
    LineSplitter splitter(kLineBytesMax);
    std::string out;
    const auto note = [&out](const Line& line) {
        KUMO_ASSERT(line.text.size() <= kLineBytesMax);
        out += std::to_string(line.number) + (line.too_long ? "!" : "=") + std::string(line.text);
        out += "\n";
    };
    while (!input.empty()) {
        ByteView piece = input.substr(0, piece_bytes);
        input.remove_prefix(piece.size());
        while (const auto line = splitter.next(piece)) {
            note(*line);
        }
        KUMO_ASSERT(splitter.buffered_bytes() <= kLineBytesMax);
    }
    if (const auto line = splitter.finish()) {
        note(*line);
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(reinterpret_cast<const char*>(data), size);
    const std::size_t piece_bytes = size == 0 ? 1 : 1 + data[size - 1] % 9;
    KUMO_ASSERT(
        transcript(input, std::max<std::size_t>(size, 1)) == transcript(input, piece_bytes)
    );
    return 0;
}
