#pragma once

#include "base/result.h"
#include "search/index/index.h"
#include "search/join/joiner.h"
#include "search/query/request.h"

#include <span>

namespace kumo::search {

/// The joins of a search: before it what they come to, behind it what is shown of them. Stateless.

/// kInvalidArgument for joins that do not fit the schemas.
Status check_joins(const Schema& schema, const SearchRequest& request);

/// Conditions and sort keys become sets and values of the snapshot's documents.
void resolve_joins(const Snapshot& snapshot, Joiner& joiner, SearchRequest& request);

/// Fetches what the includes show with the hits, documents of a collection of that schema.
Status include_joined(
    const Schema& schema,
    const JoinRequest& joins,
    Joiner& joiner,
    std::span<Hit* const> hits
);

}  // namespace kumo::search
