// However the stream is cut, the same requests come out, and memory grows with what was sent only.
#include "wire/resp.h"

#include "base/assert.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using kumo::ByteView;
using kumo::wire::RespLimits;
using kumo::wire::RespParser;
using kumo::wire::RespWriter;

constexpr RespLimits kLimits{
    .bulk_bytes_max = 1 << 20,
    .arguments_max = 1 << 12,
    .inline_bytes_max = 64};

/// Every request as an array of bulks; the error behind them.
std::string transcript(ByteView input, std::size_t piece_bytes) {
    RespParser parser(kLimits);
    RespWriter out;
    std::size_t fed = 0;
    while (!input.empty()) {
        const ByteView piece = input.substr(0, piece_bytes);
        input.remove_prefix(piece.size());
        parser.feed(piece);
        fed += piece.size();
        auto outcome = parser.next();
        for (; outcome == RespParser::Outcome::kRequest; outcome = parser.next()) {
            out.array(parser.arguments().size());
            for (const ByteView argument : parser.arguments()) {
                out.bulk(argument);
            }
        }
        KUMO_ASSERT(parser.memory_bytes() <= 8 * fed + 64);
        KUMO_ASSERT(parser.buffered_bytes() <= fed);
        if (outcome == RespParser::Outcome::kError) {
            // What a line that is too long is called may depend on how much of it was there.
            break;
        }
    }
    return out.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(reinterpret_cast<const char*>(data), size);
    const std::size_t piece_bytes = size == 0 ? 1 : 1 + data[size - 1] % 9;
    const std::string whole = transcript(input, std::max<std::size_t>(size, 1));
    KUMO_ASSERT(whole == transcript(input, piece_bytes));
    // What was read and written again reads the same.
    KUMO_ASSERT(whole == transcript(whole, piece_bytes) || whole.size() > (1U << 20));
    std::vector<std::string> words;
    kumo::wire::split_quoted(input, &words);
    return 0;
}
