#pragma once

#include "search/column/column.h"
#include "search/query/request.h"
#include "search/text/doc.h"

#include <cstdint>
#include <optional>

namespace kumo::search {

/// How far the document's nearest point is, in whole meters (rounded down); nothing if it has none.
/// Stateless.
std::optional<std::int64_t>
distance_of(const GeoDistance& by, const ColumnReader& column, DocId doc);

}  // namespace kumo::search
