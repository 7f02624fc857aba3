#pragma once

#include "api/elastic/context.h"
#include "api/elastic/mapping/mapping.h"
#include "api/elastic/query/query.h"
#include "search/index/index.h"

#include <string>

namespace kumo::api_elastic {

/// doc['field']: the values of a document's column. illegal_argument_exception for fields that are
/// not there or have no column.
Result<Json> document_values(
    const Mapping& mapping,
    const search::Snapshot& snapshot,
    std::size_t part,
    search::DocId doc,
    const std::string& field
);

/// What queries make of a script (QueryContext::script): its number; truth is 1 and 0. `mapping`
/// outlives it.
Result<tree::ScoreFunction>
script_function(const Context& context, const Mapping& mapping, const Json& script);

}  // namespace kumo::api_elastic
