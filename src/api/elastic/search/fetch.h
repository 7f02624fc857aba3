#pragma once

#include "api/elastic/json.h"
#include "api/elastic/search/hit.h"
#include "api/elastic/search/search_request.h"
#include "api/elastic/search/target.h"
#include "base/result.h"
#include "search/index/mapped_write.h"

#include <vector>

namespace kumo::api_elastic {

/// The stored document of a hit.
Result<search::StoredDocument> stored_document(const SearchTarget& target, const Hit& hit);

/// A hit's JSON up to what the search itself adds (score, sort, highlight, ...): names, version,
/// source, fields.
Result<Json> hit_json(
    const SearchTarget& target,
    const Hit& hit,
    const search::StoredDocument& document,
    const SearchBody& body
);

/// "fields": values of the source, formatted.
Json source_fields(const Index& index, const Json& source, const std::vector<WantedField>& wanted);
/// "docvalue_fields": values of columns.
Result<Json>
column_fields(const SearchTarget& target, const Hit& hit, const std::vector<WantedField>& wanted);

}  // namespace kumo::api_elastic
