#pragma once

#include "search/column/bitmap.h"
#include "search/segment/segment.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

// Sets of documents that follow from words in one text field of one segment. `out` has
// segment.doc_count bits; bits are added, none removed. Stateless; any thread.

/// Documents that contain the term.
void add_docs_with_term(const TextReader& text, std::string_view term, Bitmap& out);

/// Documents that contain a term starting with `prefix`.
void add_docs_with_prefix(const TextReader& text, std::string_view prefix, Bitmap& out);

/// Documents that contain all words, anywhere in the field. With `last_is_prefix` the last word
/// may be the beginning of one.
void add_docs_with_words(
    const TextReader& text,
    std::span<const std::string> words,
    bool last_is_prefix,
    Bitmap& out
);

/// Where a run of words must stand in an element of the field.
enum class RunPlace : std::uint8_t {
    kAnywhere,  ///< A phrase.
    kStart,     ///< The element starts with it.
    kWhole,     ///< The element is exactly it.
};

/// Documents with an element in which the words stand next to each other in order. With
/// `last_is_prefix` the last word may be the beginning of one (at most kRunPrefixTermsMax terms
/// are tried). `lengths` is the field's element lengths.
void add_docs_with_run(
    const TextReader& text,
    const ColumnReader& lengths,
    std::span<const std::string> words,
    RunPlace place,
    bool last_is_prefix,
    Bitmap& out
);

inline constexpr std::size_t kRunPrefixTermsMax = 1024;

/// The element that a position lies in, and the position of its first word.
struct ElementPlace {
    std::uint32_t index;
    std::uint32_t base;
    std::uint32_t length;
};

ElementPlace element_of(const ColumnReader& lengths, DocId doc, std::uint32_t position);

}  // namespace kumo::search
