#pragma once

#include "search/text/doc.h"

#include <cstdint>
#include <span>

/// The varint form of fewer than 128 postings, used for whole short terms and for the last block
/// of long ones: per document (gap << 1) | (tf == 1), then tf if it is not 1, where the gap counts
/// the documents between it and the one before (`floor` - 1 at first).
namespace kumo::search {

/// Decodes up to out's size postings, all at or above `floor` and at most `last_max`. Returns how
/// many were well-formed, and moves `at` past them.
std::uint32_t decode_short_list(
    const std::uint8_t*& at,
    const std::uint8_t* end,
    DocId floor,
    DocId last_max,
    std::span<DocId> docs,
    std::uint32_t* tfs
);

}  // namespace kumo::search
