#pragma once

#include "search/index/index.h"
#include "search/join/joiner.h"
#include "search/query/grouping.h"
#include "search/query/highlight.h"
#include "search/query/matcher.h"
#include "search/query/request.h"

#include <vector>

namespace kumo::search {

/// Counts the values of one field over all matched documents, exactly. Ties go to the shorter
/// value, then to the greater one. `analyzer` reads the facet query. With `groups` (of all matched
/// documents; else null) a value's count is that of the groups that have it; statistics stay those
/// of the documents.
FacetResult count_facet(
    const Snapshot& snapshot,
    const std::vector<PartMatches>& parts,
    const FacetRequest& facet,
    std::uint32_t values_max,
    const SchemaAnalyzer& analyzer,
    const Groups* groups
);

/// The same for a facet of joined documents, of schema `there`, that have been counted.
FacetResult joined_facet(
    const Schema& there,
    const JoinCounts& counts,
    const FacetRequest& facet,
    std::uint32_t values_max
);

}  // namespace kumo::search
