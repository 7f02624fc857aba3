#pragma once

#include "search/schema/schema.h"
#include "search/segment/segment.h"

#include <memory>

namespace kumo::search {

/// What a segment has to show for a field that none of its documents has.
std::shared_ptr<const TextReader> empty_text(DocId doc_count);
std::shared_ptr<const ColumnReader> empty_column(DocId doc_count);
std::shared_ptr<const VectorReader> empty_vectors(DocId doc_count, std::uint32_t dimensions);

/// A segment of schema `from` as one of schema `to`: fields of the same name and kind are found
/// under their new positions, no document has any of the others. Shares everything with `segment`.
std::shared_ptr<const SegmentReader> adapted_segment(
    const std::shared_ptr<const SegmentReader>& segment,
    const Schema& from,
    const Schema& to
);

}  // namespace kumo::search
