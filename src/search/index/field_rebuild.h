#pragma once

#include "base/result.h"
#include "search/index/deleted_docs.h"
#include "search/index/index_limits.h"
#include "search/schema/schema.h"
#include "search/segment/segment.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kumo::search {

/// What a rebuild makes: segments, and the schema that they are of.
struct RebuiltSegments {
    std::shared_ptr<const Schema> schema;
    std::vector<std::shared_ptr<const SegmentReader>> segments;
};

/// How far a rebuild is, for whoever asks from another thread, and its end, for whoever wants it.
struct RebuildProgress {
    std::atomic<bool> running{false};
    std::atomic<bool> cancelled{false};
    std::atomic<std::uint64_t> documents{0};
};

/// The segments of an index, to be made anew with other fields. Fields that stay as they are are
/// taken over; the others are filled from the stored documents, which are coerced to them if need
/// be. What comes out depends on nothing but the documents.
struct FieldRebuild {
    struct Input {
        std::shared_ptr<const SegmentReader> segment;
        std::shared_ptr<const LiveSegment> live;  ///< Null if the segment is sealed.
        DeletedDocs deleted;
    };

    std::shared_ptr<const Schema> before;
    std::shared_ptr<const Schema> after;  ///< Without the fields that its patterns will find.
    std::vector<Input> inputs;            ///< Oldest first.
    std::uint64_t first_segment_id = 0;
    IndexLimits limits;  ///< The hard ones bound what is held in memory at a time.

    /// Stores one segment of this schema, and opens it.
    using Store = std::function<
        Result<std::shared_ptr<const SegmentReader>>(std::uint64_t id, std::string, const Schema&)>;

    /// The new segments, with ids from first_segment_id on. Any thread. kInvalidArgument, in the
    /// words clients know, if a document does not fit; kUnavailable if it was cancelled; else what
    /// `store` answers. What was stored before an error is the caller's to remove.
    Result<RebuiltSegments> run(const Store& store, RebuildProgress& progress) const;
};

}  // namespace kumo::search
