#pragma once

#include "api/kumosearch/query/filter_lexer.h"
#include "base/result.h"
#include "search/query/filter.h"
#include "search/schema/schema.h"

#include <cstddef>
#include <string>
#include <vector>

/// What one clause of a filter says about one field. Stateless.
namespace kumo::api_kumosearch {

/// The values of a clause.
struct FilterValues {
    std::vector<FilterValue> items;
    bool list = false;  ///< They stood in brackets: any of them will do.
};

/// Requires an indexed field.
Result<search::Filter> make_clause(
    const search::Field& field,
    std::size_t position,
    FilterOperator op,
    const FilterValues& values
);

/// A clause about the document's id.
Result<search::Filter> make_id_clause(FilterOperator op, const FilterValues& values);

}  // namespace kumo::api_kumosearch
