#pragma once

#include "api/elastic/json.h"
#include "api/elastic/nested/nested_search.h"
#include "api/elastic/query/query.h"
#include "api/elastic/search/hit.h"
#include "api/elastic/search/search_request.h"
#include "api/elastic/search/target.h"
#include "base/result.h"

#include <vector>

/// Nested objects as hits. Stateless.
namespace kumo::api_elastic {

/// The objects of an index as a target of their own.
SearchTarget nested_target(const SearchTarget& target, const NestedIndex& index);

/// A hit among objects: that of its document, with where the object is and only its own source.
Result<Json> nested_hit_json(
    const SearchTarget& objects,
    const NestedIndex& index,
    const Hit& hit,
    const SearchBody& body
);

/// "inner_hits" of the hit of a document: {"comments": {"hits": ...}}, for each finder.
Result<Json> inner_hits_json(
    const SearchTarget& target,
    const QueryContext& context,
    const std::vector<InnerHitsFinder>& finders,
    const Hit& hit,
    bool total_as_int
);

}  // namespace kumo::api_elastic
