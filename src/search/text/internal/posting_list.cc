#include "search/text/internal/posting_list.h"

#include "search/text/internal/varint.h"

namespace kumo::search {

std::uint32_t decode_short_list(
    const std::uint8_t*& at,
    const std::uint8_t* end,
    DocId floor,
    DocId last_max,
    std::span<DocId> docs,
    std::uint32_t* tfs
) {
    std::uint64_t next = floor;
    for (std::uint32_t n = 0; n < docs.size(); ++n) {
        std::uint32_t head = 0;
        if (!read_varint(at, end, head)) {
            return n;
        }
        next += head >> 1U;
        if (next > last_max) {
            return n;
        }
        docs[n] = static_cast<DocId>(next++);
        tfs[n] = 1;
        if ((head & 1U) == 0 && (!read_varint(at, end, tfs[n]) || tfs[n] == 0)) {
            return n;
        }
    }
    return static_cast<std::uint32_t>(docs.size());
}

}  // namespace kumo::search
