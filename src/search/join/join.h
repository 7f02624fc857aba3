#pragma once

#include "search/index/index.h"
#include "search/query/filter.h"
#include "search/schema/schema.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

/// What a request says about other collections, whose documents are joined by equal values: those
/// of a reference and those of the field (or the ids) it references. Plain values.
namespace kumo::search {

/// From documents of one collection to those of another one.
struct JoinStep {
    std::size_t collection = 0;       ///< Where it leads: an index in JoinRequest::collections.
    std::optional<std::size_t> from;  ///< Position of the field it starts with; nothing: the id.
    std::optional<std::size_t> to;    ///< The same where it leads.
    bool forward = true;  ///< `from` is the reference, `to` what it references; else reversed.
};

/// A condition of a filter (Filter::Kind::kJoin): some document that is joined passes.
struct Join {
    JoinStep step;
    Filter filter;  ///< Over the other collection.
};

/// A collection that a request joins.
struct JoinedCollection {
    std::string name;
    std::shared_ptr<const Schema> schema;  ///< What positions of fields mean.
    /// Nothing else of it is seen by the request.
    std::optional<Filter> allowed{};
    /// All of a request are taken at one moment, by whoever runs it, and adapted to the schema.
    std::shared_ptr<const Snapshot> snapshot{};
};

/// A step, and which documents it may lead to.
struct JoinPathStep {
    JoinStep step;
    Filter filter{};
};

/// Joined documents that are shown with each hit.
struct JoinInclude {
    std::vector<JoinPathStep> path;  ///< At least one; the last leads to what is shown.
    /// In the order of the first key that tells them apart; else of arrival.
    std::vector<std::pair<std::size_t, bool>> sort{};  ///< Column field, descending.
    bool newest_first = false;
    std::uint32_t limit = UINT32_MAX;
    std::vector<JoinInclude> nested{};  ///< With each of them.
};

/// A key of the sort order that is in joined documents: the best of each hit's.
struct JoinSort {
    JoinPathStep step;
    std::shared_ptr<const JoinSort> next;                   ///< The value is one more step away.
    std::size_t field = 0;                                  ///< Else it is this column's,
    std::vector<std::pair<Filter, std::int64_t>> scores{};  ///< or the first score that fits.
};

struct JoinRequest {
    std::vector<JoinedCollection> collections;
    std::vector<JoinInclude> includes{};
};

inline constexpr std::size_t kJoinedCollectionsMax = 32;  ///< Of one request.
inline constexpr std::uint32_t kJoinDepthMax = 8;
/// Joined documents that one answer shows.
inline constexpr std::size_t kJoinedDocumentsMax = 10'000;

struct JoinedDocument;

/// What one include gives with one document.
struct JoinedDocuments {
    std::vector<JoinedDocument> documents;
    std::uint64_t found = 0;  ///< With those beyond the limit.
};

struct JoinedDocument {
    std::string document;
    std::vector<JoinedDocuments> nested;  ///< One for each nested include.
};

/// What a join comes to, for one snapshot (Filter::Kind::kDocs).
struct DocSets {
    std::unordered_map<const SegmentReader*, Bitmap> of;
};

}  // namespace kumo::search
