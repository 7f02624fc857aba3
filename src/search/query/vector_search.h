#pragma once

#include "base/result.h"
#include "search/index/index.h"
#include "search/query/deadline.h"
#include "search/query/matcher.h"
#include "search/query/request.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace kumo::search {

/// The documents of a search that are nearest to its vector, and how near they are. One search's;
/// refers to
/// the snapshot, the request and the deadline; what is not done by then is left out.
class VectorMatches {
public:
    VectorMatches(const Snapshot& snapshot, const VectorRequest& request, Deadline& deadline)
        : snapshot_(snapshot),
          request_(request),
          deadline_(deadline),
          by_doc_(snapshot.parts.size()) {}

    /// Looks among the allowed documents of the parts. kNotFound if the request names a document
    /// that is not there or has no vector.
    Status find(const std::vector<PartMatches>& parts);

    /// The search has no words: what was found is what matches.
    void replace_matches(std::vector<PartMatches>& parts) const;

    /// The search has words: what was found matches too, and every match gets its fused score, of
    /// its ranks among both (reciprocal rank fusion: each rank counts as 1 over it).
    void fuse(std::vector<PartMatches>& parts);

    /// How far a document is; nothing if that was not looked at or it has no vector.
    std::optional<float> distance(std::size_t part, DocId doc) const;

private:
    struct Place {
        std::size_t part = 0;
        DocId doc = 0;
        float distance = 0;
    };

    void index_by_doc();
    void measure_matches(const std::vector<PartMatches>& parts);
    void add_missing(std::vector<PartMatches>& parts) const;
    void fuse_text(std::vector<PartMatches>& parts) const;
    void fuse_vectors(std::vector<PartMatches>& parts) const;

    const Snapshot& snapshot_;
    const VectorRequest& request_;
    Deadline& deadline_;
    std::vector<float> query_;                    ///< As stored.
    std::vector<Place> nearest_;                  ///< Nearest first.
    std::vector<std::vector<VectorHit>> by_doc_;  ///< The same, by part, by document.
};

/// A named document and its vector; or the vector that the request has, as vectors are stored.
struct QueryVector {
    std::vector<float> numbers;
    std::optional<std::pair<std::size_t, DocId>> named;  ///< Part and document.
};

/// kNotFound if the request names a document that is not there or has no vector.
Result<QueryVector> query_vector(const Snapshot& snapshot, const VectorRequest& request);

/// Matches beyond this place in the order of text count as of the same rank.
inline constexpr std::size_t kFusedTextRanksMax = 10'000;

}  // namespace kumo::search
