#pragma once

#include "search/text/internal/live_term.h"
#include "search/text/postings_cursor.h"

#include <span>

namespace kumo::search {

/// How the readers set a cursor onto a term.
class PostingsOpener {
public:
    /// A term whose view was checked when its segment was opened.
    static void open_packed(PostingsCursor& cursor, const PostingsView& view);

    /// A short term: `df` (< 128) postings and then their positions in `bytes`. Hostile bytes give
    /// fewer postings.
    static void open_short(
        PostingsCursor& cursor,
        std::span<const std::uint8_t> bytes,
        std::uint32_t df,
        std::uint32_t ttf,
        DocId doc_limit
    );

    /// The documents of a live term below max_doc.
    static void open_live(PostingsCursor& cursor, const LiveTerm& term, DocId max_doc);

    /// The position bytes of a short term.
    static std::span<const std::uint8_t> short_positions(const PostingsCursor& cursor) {
        return {cursor.short_pos_, cursor.short_end_};
    }
};

}  // namespace kumo::search
