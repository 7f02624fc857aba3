#pragma once

#include <cstdint>
#include <string_view>

namespace kumo::search {

/// A document's number inside one segment, dense from 0 in the order of arrival.
using DocId = std::uint32_t;

/// "No document": what a cursor says at its end, and what a merge map says for a dropped one.
inline constexpr DocId kNoDoc = 0xFFFFFFFFU;

/// A segment holds at most this many documents, so that ids compare as signed 32-bit lanes too.
inline constexpr DocId kSegmentDocsMax = 0x7FFFFFFEU;

/// The longest term, in bytes. Analysis cuts tokens far below it (100 characters).
inline constexpr std::uint32_t kTermBytesMax = 1024;

/// One word of a field's value. The text is borrowed for the call it is passed to.
struct Token {
    std::string_view term;   ///< UTF-8, 1 to kTermBytesMax bytes.
    std::uint32_t position;  ///< Word number inside the field; gaps separate array elements.
};

}  // namespace kumo::search
