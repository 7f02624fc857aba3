#pragma once

#include "search/column/bitmap.h"
#include "search/index/index.h"
#include "search/query/candidates.h"
#include "search/query/deadline.h"
#include "search/query/request.h"
#include "search/query/score.h"
#include "search/text/postings_cursor.h"

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace kumo::search {

/// One document that matched, with its score and what the score is made of.
struct Match {
    DocId doc = 0;
    std::uint32_t dropped_tokens = 0;
    std::uint64_t score = 0;
    DocumentMatch parts;
    double fused = 0;  ///< Of a search by words and a vector, what it ranks by.
};

/// Words of the index, one for each query word in order: a document matches if every one of them
/// occurs in some query field.
struct Combination {
    std::vector<const Candidate*> words;
    std::span<const std::string> dropped;  ///< Query words left out; they count where they occur.
    std::size_t query_words = 0;           ///< Words of the whole query, or synonym.
    /// The words are synonyms of a query with this many: together they count as those. 0: they are
    /// the query's own.
    std::size_t stands_for = 0;
    bool demoted = false;
    /// Null, or for each word whether it is to stand right behind the one before.
    const std::vector<bool>* joined = nullptr;

    std::uint32_t cost() const;
};

/// Runs combinations over one segment.
/// Reused for many combinations of one search; one thread.
class CombinationRunner {
public:
    CombinationRunner(
        const SegmentReader& segment,
        const SearchRequest& request,
        const QueryForms& forms
    );

    /// Appends the matches among `allowed`, in document order, and sets their bits in `matched`.
    void run(
        const Combination& combination,
        const Bitmap& allowed,
        Deadline& deadline,
        Bitmap& matched,
        std::vector<Match>& out
    );

private:
    struct FieldCursor {
        std::size_t query_field;
        PostingsCursor* cursor;
    };

    /// One word's postings over the query fields, as one ascending list.
    struct WordCursor {
        std::vector<FieldCursor> fields;
        DocId doc = kNoDoc;

        void settle();
        DocId advance(DocId target);
    };

    WordCursor open(const Candidate& candidate);
    DocId next_common(DocId target);
    bool is_joined(DocId doc, const std::vector<bool>& joined);
    bool stands_together(std::size_t begin, std::size_t end);
    Match score(DocId doc, const Combination& combination);
    std::uint64_t score_field(std::size_t query_field, DocId doc, const Combination& combination);
    std::uint64_t score_element(
        const ColumnReader& lengths,
        DocId doc,
        std::uint32_t element,
        const Combination& combination
    );
    void gather(std::size_t query_field, DocId doc);

    const SegmentReader& segment_;
    const SearchRequest& request_;
    const QueryForms& forms_;
    std::deque<PostingsCursor> pool_;
    std::size_t pool_used_ = 0;
    std::vector<WordCursor> words_;
    std::vector<WordCursor> dropped_;
    std::vector<WordPositions> positions_;  ///< Per word, in the field that is being scored.
    std::vector<WordPositions> element_;    ///< The same, in one element of an array field.
    std::vector<std::uint32_t> elements_;
    std::vector<bool> together_;  ///< Per word: it and the words joined to it stand together.
    std::vector<std::uint32_t> starts_;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> order_;
};

}  // namespace kumo::search
