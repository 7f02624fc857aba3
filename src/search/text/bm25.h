#pragma once

#include "base/result.h"
#include "search/text/doc.h"
#include "search/text/text_reader.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace kumo::search {

/// More terms than this in one query answer kLimitExceeded.
inline constexpr std::uint32_t kBm25TermsMax = 1024;

/// More hits than this from one query answer kLimitExceeded.
inline constexpr std::uint32_t kBm25HitsMax = 1'000'000;

struct Bm25Params {
    float k1 = 1.2F;
    float b = 0.75F;
};

/// One segment to search. The filter has one bit per document (word d / 64, bit d % 64), at least
/// doc_limit() bits rounded up to words; null means all allowed.
struct Bm25Segment {
    const TextReader* text;
    DocPages deleted{};
    const std::uint64_t* filter = nullptr;
};

enum class Bm25Op : std::uint8_t {
    kOr,
    kAnd,
    kPhrase,  ///< Terms at consecutive positions, in this order.
};

struct Bm25Query {
    Bm25Op op;
    std::span<const std::string_view> terms;
};

struct Bm25Hit {
    float score;
    std::uint32_t segment;  ///< Index into the searcher's segments.
    DocId doc;
};

struct Bm25Result {
    /// Best first; equal scores in order of segment, then document.
    std::vector<Bm25Hit> hits;
    /// Matching documents, exact; 0 unless asked for.
    std::uint64_t count = 0;
};

/// BM25 over a set of segments with statistics summed over all of them (deleted documents still
/// count in df and average length, as in Lucene). Score of a document, summed over terms:
///     idf * tf / (tf + k1 * (1 - b + b * length / average)),  idf = ln(1 + (N - df + .5)/(df +
///     .5))
/// i.e. Lucene 8's BM25Similarity, including its one-byte lengths.
///
/// Top-k skips what cannot enter: block-max MaxScore in windows for OR (Ding & Suel, "Faster Top-k
/// Document Retrieval Using Block-Max Indexes", SIGIR 2011), block-at-a-time intersection for AND.
/// Exact counts come from bitsets, or inclusion and exclusion.
/// One owner at a time; a searcher is cheap to make and keeps its buffers between queries.
class Bm25Searcher {
public:
    explicit Bm25Searcher(std::span<const Bm25Segment> segments, Bm25Params params = {});
    ~Bm25Searcher();
    Bm25Searcher(const Bm25Searcher&) = delete;
    Bm25Searcher& operator=(const Bm25Searcher&) = delete;

    /// The best k documents, and the exact number of matches if `want_count`. k may be 0.
    Result<Bm25Result> search(const Bm25Query& query, std::uint32_t k, bool want_count);

    /// Sets the bits of all documents that match: a bitmap for each segment, as large as a filter,
    /// with no bit set yet.
    Status matches(const Bm25Query& query, std::span<std::uint64_t* const> out);

private:
    struct State;

    std::unique_ptr<State> state_;
};

}  // namespace kumo::search
