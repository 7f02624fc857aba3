#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/column/column.h"
#include "search/geo/geo_index.h"
#include "search/schema/document.h"
#include "search/schema/schema.h"
#include "search/stored/stored.h"
#include "search/text/doc.h"
#include "search/text/live_text.h"
#include "search/text/sealed_text.h"
#include "search/vector/vector_column.h"

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kumo::search {

/// How far apart the positions of neighbouring array elements are kept, so that no window or
/// phrase spans two elements.
inline constexpr std::uint32_t kElementGap = 32;

/// One segment as a query sees it: for every field of the schema (by position) its text index, its
/// column and the token counts of its elements, each null where the field has none; the ids; the
/// order of arrival; the stored documents. Immutable; any thread.
struct SegmentReader {
    DocId doc_count = 0;  ///< Deleted ones included.
    std::vector<std::shared_ptr<const TextReader>> texts;
    std::vector<std::shared_ptr<const ColumnReader>> lengths;
    std::vector<std::shared_ptr<const ColumnReader>> columns;
    std::vector<std::shared_ptr<const GeoIndex>> geo;  ///< Of sealed segments, beside the column.
    std::vector<std::shared_ptr<const VectorReader>> vectors;
    std::shared_ptr<const ColumnReader> order;
    std::shared_ptr<const TextReader> ids;
    std::shared_ptr<const StoredReader> stored;
    std::shared_ptr<const void> memory;  ///< What the readers point into.
};

/// Which parts a field has, following from its declaration.
struct FieldParts {
    bool text = false;
    bool column = false;
    bool string_column = false;
    bool geo = false;  ///< Sealed, a GeoIndex beside the column.
    bool vector = false;
};

FieldParts parts_of(const Field& field);

/// The segment that grows. One writer adds documents; readers see the first `doc_count` of them.
class LiveSegment {
public:
    explicit LiveSegment(std::shared_ptr<const Schema> schema);

    /// Adds a document with a fresh id and its place in the order of arrival.
    void add(std::string_view id, const TypedDocument& document, std::uint64_t order);

    /// From now on documents are of this schema, which has fields that the one before has not, or
    /// has as patterns. Documents that are there do not have them.
    void grow(std::shared_ptr<const Schema> schema);

    const Schema& schema() const { return *schema_; }

    DocId doc_count() const { return doc_count_; }

    std::size_t bytes() const;

    // The writer's own look at what it added, deleted or not.

    const TextReader& ids() const { return *writer_ids_; }

    ByteView document(DocId doc) const { return stored_.get(doc); }

    std::uint64_t order(DocId doc) const;

    /// Writer thread. `self` keeps the memory alive.
    static std::shared_ptr<const SegmentReader>
    reader(const std::shared_ptr<const LiveSegment>& self, DocId doc_count);

    /// Encodes the first `doc_count` documents as a segment file. `like`: an older segment of the
    /// index, or null; its stored documents are packed alike if that suits both. Any thread, beside
    /// add().
    static Result<std::string> seal(
        const Schema& schema,
        const std::shared_ptr<const LiveSegment>& self,
        const SegmentReader& reader,
        const SegmentReader* like = nullptr
    );

private:
    class Analysis;

    void add_text(std::size_t field, const FieldValues& values, float rank);

    std::shared_ptr<const Schema> schema_;
    std::vector<std::unique_ptr<LiveText>> texts_;
    std::vector<std::unique_ptr<LiveColumn>> lengths_;
    std::vector<std::unique_ptr<LiveColumn>> columns_;
    std::vector<std::unique_ptr<LiveVectors>> vectors_;
    LiveColumn order_{false};
    LiveText ids_;
    std::unique_ptr<TextReader> writer_ids_;
    LiveStored stored_;
    DocId doc_count_ = 0;
    std::shared_ptr<Analysis> analysis_;
};

/// Opens a sealed segment. `memory` keeps `bytes` alive. Verifies every section's checksum and
/// structure; a damaged one is kCorruption that names the section.
Result<std::shared_ptr<const SegmentReader>>
open_segment(const Schema& schema, ByteView bytes, std::shared_ptr<const void> memory);

/// One input of a merge: a sealed segment, and which documents are dropped.
struct SegmentMergeInput {
    std::shared_ptr<const SegmentReader> segment;
    std::vector<DocId> new_ids;  ///< kNoDoc: dropped. Else ascending from where the last one ended.
};

/// Encodes several sealed segments as one segment file. Any thread. A part that is null (a field's,
/// the order, the ids, the documents) is not an input of its merge, so that the fields of the same
/// documents may come from different inputs; who has vectors has the order. kUnavailable if `stop`
/// (may be null) was set meanwhile.
Result<std::string> merge_segments(
    const Schema& schema,
    std::span<const SegmentMergeInput> inputs,
    DocId doc_count,
    const std::atomic<bool>* stop = nullptr
);

/// A merge of it alone would give some of its vectors a graph.
bool lacks_graph(const SegmentReader& segment);

}  // namespace kumo::search
