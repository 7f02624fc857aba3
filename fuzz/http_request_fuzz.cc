// The request parser sees the input whole and cut into small pieces: both must say the same, and
// what it accepts must keep the promises of http1_fields.h.
#include "base/assert.h"
#include "wire/http1.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using kumo::ByteView;
using kumo::wire::HttpEvent;
using kumo::wire::HttpRequestParser;

void check_head(const kumo::wire::HttpRequestHead& head) {
    KUMO_ASSERT(head.path().front() == '/' || head.path() == "*");
    KUMO_ASSERT(!head.chunked() || !head.content_length());
    for (std::size_t i = 0; i < head.field_count(); ++i) {
        KUMO_ASSERT(!head.field(i).name.empty());
        KUMO_ASSERT(head.field(i).value.find_first_of(ByteView("\0\r\n", 3)) == ByteView::npos);
    }
}

std::string transcript(ByteView input, std::size_t piece_bytes) {
    HttpRequestParser parser;
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
                KUMO_ASSERT(parser.error().status >= 400 && !parser.error().reason.empty());
                return out + "!" + std::string(parser.error().reason);
            }
            if (event == HttpEvent::kHead) {
                check_head(parser.head());
                parser.set_body_limit(1000);
                out += "<" + std::string(parser.head().target()) + ">";
            } else if (event == HttpEvent::kBody) {
                KUMO_ASSERT(!parser.body().empty());
                out += parser.body();
            } else {
                out += ".";
            }
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(reinterpret_cast<const char*>(data), size);
    const std::size_t piece_bytes = size == 0 ? 1 : 1 + data[size - 1] % 7;
    KUMO_ASSERT(
        transcript(input, std::max<std::size_t>(size, 1)) == transcript(input, piece_bytes)
    );
    return 0;
}
