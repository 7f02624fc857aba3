#pragma once

#include "search/text/doc.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace kumo::search {

class PostingsCursor;

/// A term of one TextReader; means nothing to another.
struct TermHandle {
    std::uint32_t value;
};

/// What the dictionary knows of a term without reading its postings. For the live segment these
/// are upper bounds: they may already include documents at or past the reader's limit.
struct TermInfo {
    std::uint32_t df;   ///< Documents holding the term.
    std::uint64_t ttf;  ///< Occurrences.
    float max_rank;     ///< Largest rank of a document holding the term; deletes do not lower it.
};

/// The longest query word that fuzzy() corrects, in code points. Longer words match with cost 0.
inline constexpr std::uint32_t kFuzzyLengthMax = 125;

/// The most edits fuzzy() allows; larger wishes are lowered to it.
inline constexpr std::uint32_t kFuzzyCostMax = 3;

/// How many dictionary nodes one fuzzy() call visits at most by default.
inline constexpr std::uint32_t kFuzzyNodesMax = 1U << 20;

struct FuzzyOptions {
    std::uint32_t max_cost = 0;
    bool prefix = false;
    std::uint32_t nodes_max = kFuzzyNodesMax;
};

/// One term that fuzzy() found.
struct FuzzyMatch {
    std::string_view term;  ///< Borrowed for the callback.
    TermHandle handle;
    TermInfo info;
    std::uint32_t cost;  ///< Edits between the query and the term, or its best prefix.
    bool prefix_only;  ///< The whole term is further away than `cost`; only a prefix is that near.
};

/// Gets each match once, in no particular order; returns false to stop.
using FuzzyCallback = std::function<bool(const FuzzyMatch&)>;

enum class WalkEnd : std::uint8_t {
    kComplete,
    kStopped,   ///< The callback said so.
    kCutShort,  ///< nodes_max was reached; matches may be missing.
};

/// Walks terms in byte order. One owner, not thread-safe; must not outlive its reader.
class TermEnum {
public:
    virtual ~TermEnum() = default;

    /// Goes to the first term >= `bound`. False when there is none.
    virtual bool seek(std::string_view bound) = 0;

    /// Goes to the following term. Requires that the last seek() or next() was true.
    virtual bool next() = 0;

    /// The current term, valid until the next move. Requires a true seek() or next(), as do the
    /// two below.
    virtual std::string_view term() const = 0;
    virtual TermHandle handle() const = 0;
    virtual TermInfo info() const = 0;
};

/// One text field of one segment, sealed or live, as queries see it: a dictionary, postings and
/// lengths. Immutable from the outside: any thread. Two implementations: SealedText, and LiveText's
/// reader, which shows exactly the documents below its limit.
class TextReader {
public:
    virtual ~TextReader() = default;

    /// Documents of the segment, with or without this field: ids are below this.
    virtual DocId doc_limit() const = 0;

    /// Documents that have at least one token, and the tokens of all of them. Their quotient is
    /// BM25's average length. (Live: may run ahead of the limit by what is being added.)
    virtual std::uint64_t doc_count() const = 0;
    virtual std::uint64_t token_count() const = 0;

    /// The average length that stored score bounds are for (see bm25.h); 0 if none are stored.
    virtual double bound_length() const = 0;

    /// norms()[d] is encode_norm(tokens of document d), for every d that has tokens. 3 more bytes
    /// may be read.
    virtual const std::uint8_t* norms() const = 0;

    virtual std::optional<TermHandle> find(std::string_view term) const = 0;
    virtual TermInfo info(TermHandle term) const = 0;

    /// The term's text; lives as long as the reader.
    virtual std::string_view text(TermHandle term) const = 0;

    /// A lower bound of the term's k-th best BM25 factor at bound_length(), deleted documents
    /// included; 0 if unknown.
    virtual float seed_factor(TermHandle term, std::uint32_t k) const = 0;

    /// Puts the cursor on the term's first document. The reader must outlive the cursor's use.
    virtual void open(TermHandle term, PostingsCursor& cursor) const = 0;

    virtual std::unique_ptr<TermEnum> terms() const = 0;

    /// Finds every term within `max_cost` edits of `query`: optimal string alignment over code
    /// points (insert, delete, substitute, swap of neighbours: 1 each, no substring edited twice).
    /// With `prefix`, every term that has a prefix that near; `cost` is the least over its
    /// prefixes. Never more than nodes_max steps of work.
    virtual WalkEnd fuzzy(
        std::string_view query,
        const FuzzyOptions& options,
        const FuzzyCallback& found
    ) const = 0;
};

/// Calls `visit` for every term starting with `prefix`, in order, until it returns false.
void for_each_prefixed(
    const TextReader& reader,
    std::string_view prefix,
    const std::function<bool(const TermEnum&)>& visit
);

}  // namespace kumo::search
