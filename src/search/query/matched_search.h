#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "search/index/index.h"
#include "search/query/deadline.h"
#include "search/query/highlight.h"
#include "search/query/hit_order.h"
#include "search/query/matcher.h"
#include "search/query/query_forms.h"
#include "search/query/query_text.h"
#include "search/query/request.h"
#include "search/query/vector_search.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kumo::search {

/// The documents of a segment that pass the filter and are not deleted.
Bitmap
live_matches(const Snapshot::Part& part, const Filter& filter, const SchemaAnalyzer& analyzer);

/// A pinned document that is there, and its 1-based position.
struct Pin {
    std::uint32_t position = 0;
    RankedHit hit;
};

/// The first half of a search: which documents match; and its end: what is shown of one. Refers to
/// the snapshot and the request. One search's, one thread.
class MatchedSearch {
public:
    MatchedSearch(const Snapshot& snapshot, const SearchRequest& request, const Clock& clock);
    MatchedSearch(const MatchedSearch&) = delete;
    MatchedSearch& operator=(const MatchedSearch&) = delete;

    /// Finds them. kInvalidArgument for a request that does not fit the schema. Once, before
    /// everything below.
    Status run();

    bool has_words() const { return !query_.match_all; }

    /// Without hidden and pinned documents.
    const std::vector<PartMatches>& parts() const { return parts_; }

    /// By position.
    const std::vector<Pin>& pins() const { return pins_; }

    /// Null if the request has no vector.
    const VectorMatches* vectors() const { return vectors_ ? &*vectors_ : nullptr; }

    const SchemaAnalyzer& analyzer() const { return analyzer_; }

    /// True if the time limit ended the search early.
    bool cut_off() { return deadline_.passed(); }

    Result<Hit> fetch(const RankedHit& ranked) const;

private:
    void find_allowed();
    Bitmap docs_with_run(const SegmentReader& segment, const QueryRun& words) const;
    std::optional<RankedHit> locate(const std::string& id) const;
    void locate_pins();
    FoundWords match_words();
    Status search_vectors();

    const Snapshot& snapshot_;
    const SearchRequest& request_;
    SchemaAnalyzer analyzer_;
    QueryForms forms_;
    Deadline deadline_;
    QueryText query_;
    std::vector<PartMatches> parts_;
    std::vector<Pin> pins_;
    std::optional<VectorMatches> vectors_;
    std::optional<Highlighter> highlighter_;
};

}  // namespace kumo::search
