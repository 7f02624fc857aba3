#pragma once

#include "search/analysis/schema_analyzer.h"
#include "search/column/bitmap.h"
#include "search/query/filter.h"
#include "search/segment/segment.h"

namespace kumo::search {

inline constexpr std::uint32_t kFilterDepthMax = 64;

/// The documents of one segment that pass the filter, deleted ones included. The filter's fields
/// have the parts it needs (the dialect has checked). Requires a depth of at most kFilterDepthMax.
Bitmap evaluate(const Filter& filter, const SchemaAnalyzer& analyzer, const SegmentReader& segment);

}  // namespace kumo::search
