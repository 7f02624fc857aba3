#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kumo::search {

/// A document's number inside one segment, dense from 0 in the order of arrival.
using DocId = std::uint32_t;

/// "No document": what a cursor says at its end, and what a merge map says for a dropped one.
inline constexpr DocId kNoDoc = 0xFFFFFFFFU;

/// A segment holds at most this many documents, so that ids compare as signed 32-bit lanes too.
inline constexpr DocId kSegmentDocsMax = 0x7FFFFFFEU;

/// A sparse set of documents: a page has a bit for each of kPageDocs documents (word d / 64, bit
/// d % 64). Pages that are null, or past the end, have none.
using DocPages = std::span<const std::uint64_t* const>;

inline constexpr std::uint32_t kPageDocs = 4096;
inline constexpr std::size_t kPageWords = kPageDocs / 64;

inline bool has_doc(DocPages pages, DocId doc) {
    const std::size_t page = doc / kPageDocs;
    return page < pages.size() && pages[page] != nullptr
           && (pages[page][doc % kPageDocs / 64] >> (doc % 64) & 1U) != 0;
}

/// Takes the set's documents out of a bitmap with `count` words.
inline void remove_docs(DocPages pages, std::uint64_t* words, std::size_t count) {
    for (std::size_t page = 0; page < pages.size() && page * kPageWords < count; ++page) {
        const std::size_t left = count - page * kPageWords;
        for (std::size_t w = 0; pages[page] != nullptr && w < kPageWords && w < left; ++w) {
            words[page * kPageWords + w] &= ~pages[page][w];
        }
    }
}

/// The longest term, in bytes. Analysis cuts tokens far below it (100 characters).
inline constexpr std::uint32_t kTermBytesMax = 1024;

/// One word of a field's value. The text is borrowed for the call it is passed to.
struct Token {
    std::string_view term;   ///< UTF-8, 1 to kTermBytesMax bytes.
    std::uint32_t position;  ///< Word number inside the field; gaps separate array elements.
};

}  // namespace kumo::search
