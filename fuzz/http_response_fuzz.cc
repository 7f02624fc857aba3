// The response parser sees the input whole and cut into small pieces: both must say the same.
#include "base/assert.h"
#include "wire/http1.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using kumo::ByteView;
using kumo::wire::HttpEvent;
using kumo::wire::HttpMethod;
using kumo::wire::HttpResponseParser;

std::string transcript(ByteView input, std::size_t piece_bytes, HttpMethod method) {
    HttpResponseParser parser;
    parser.expect_answer_to(method);
    std::string out;
    while (!input.empty()) {
        ByteView piece = input.substr(0, piece_bytes);
        input.remove_prefix(piece.size());
        for (;;) {
            const HttpEvent event = parser.next(piece);
            if (event == HttpEvent::kNeedMore) {
                KUMO_ASSERT(piece.empty());
                break;
            }
            if (event == HttpEvent::kError) {
                return out + "!" + std::string(parser.error().reason);
            }
            if (event == HttpEvent::kHead) {
                out += "<" + std::to_string(parser.head().status()) + ">";
            } else if (event == HttpEvent::kBody) {
                out += parser.body();
            } else {
                out += ".";
            }
        }
    }
    return out + (parser.finish() == HttpEvent::kComplete ? "." : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(reinterpret_cast<const char*>(data), size);
    const std::uint8_t last = size == 0 ? 0 : data[size - 1];
    const HttpMethod method = last % 2 == 0 ? HttpMethod::kGet : HttpMethod::kHead;
    const std::size_t whole = std::max<std::size_t>(size, 1);
    KUMO_ASSERT(transcript(input, whole, method) == transcript(input, 1 + last % 7, method));
    return 0;
}
