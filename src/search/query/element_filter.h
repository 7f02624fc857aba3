#pragma once

#include "search/analysis/schema_analyzer.h"
#include "search/column/bitmap.h"
#include "search/query/filter.h"
#include "search/segment/segment.h"

namespace kumo::search {

/// For a filter of kind kElement: the documents in which one and the same object passes all of it.
/// The index has no word of which value is of which object, so it narrows the documents down, and
/// those that are left are read. As evaluate().
Bitmap evaluate_elements(
    const Filter& filter,
    const SchemaAnalyzer& analyzer,
    const SegmentReader& segment
);

}  // namespace kumo::search
