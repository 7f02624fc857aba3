#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/column/bitmap.h"
#include "search/column/chunked_array.h"
#include "search/column/column.h"
#include "search/query/deadline.h"
#include "search/schema/schema.h"
#include "search/vector/hnsw.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kumo::search {

/// A document and how far its vector is from another.
struct VectorHit {
    std::uint32_t doc = 0;
    float distance = 0;
};

/// How many vectors a search by a graph looks at if nothing else is said.
inline constexpr std::uint32_t kVectorEf = 100;

/// The nearest vectors to look for in one segment.
struct NearestRequest {
    const float* query = nullptr;  ///< As stored: of length 1 if the metric is cosine.
    std::uint32_t k = 10;
    std::uint32_t ef = kVectorEf;          ///< At least k.
    const Bitmap* allowed = nullptr;       ///< The documents that may be found.
    std::uint32_t flat_search_cutoff = 0;  ///< Up to so many allowed ones, look at each.
    Deadline* deadline = nullptr;          ///< Null: none. Once passed, what was found is it.
};

/// The vectors of one field over the documents of one segment; a document has one or none. They
/// stand in rows, in the order of their documents. Immutable; any thread. Live ones must not
/// outlive the live segment.
class VectorReader {
public:
    virtual ~VectorReader() = default;

    virtual std::uint32_t doc_count() const = 0;
    virtual std::uint32_t row_count() const = 0;

    /// Requires row < row_count(), as does row(). Ascending.
    virtual std::uint32_t doc_of(std::uint32_t row) const = 0;
    virtual const float* row(std::uint32_t row) const = 0;

    /// Null if there is none: then every vector is looked at.
    virtual const HnswGraph* graph() const { return nullptr; }

    std::uint32_t dimensions() const { return dimensions_; }

    /// The document's vector, or null.
    const float* vector_of(std::uint32_t doc) const;

    /// About the k nearest of the allowed documents, nearest first; exactly those if every vector
    /// is looked at.
    std::vector<VectorHit> nearest(const NearestRequest& request) const;

protected:
    explicit VectorReader(std::uint32_t dimensions) : dimensions_(dimensions) {}

private:
    std::vector<VectorHit> nearest_of_all(const NearestRequest& request) const;
    std::vector<VectorHit> nearest_by_graph(const NearestRequest& request) const;

    std::uint32_t dimensions_;
};

/// The mutable vectors of a live segment. One writer; see ChunkedArray for what readers may do.
class LiveVectors {
public:
    explicit LiveVectors(const VectorOptions& options) : options_(options) {}

    /// Appends the next document, with a vector or (empty) without one.
    void add(std::span<const float> vector);

    std::size_t bytes() const { return docs_.bytes() + rows_.bytes() + vector_bytes_; }

    /// A view of the first `doc_count` documents. Writer thread.
    std::unique_ptr<VectorReader> reader(std::uint32_t doc_count) const;

private:
    friend class LiveVectorReader;

    VectorOptions options_;
    std::uint32_t doc_count_ = 0;
    ChunkedArray<std::uint32_t> docs_;
    ChunkedArray<const float*> rows_;
    std::deque<std::vector<float>> blocks_;
    std::size_t vector_bytes_ = 0;
};

/// One source of a merge: vectors, where its documents go (kDroppedDoc, or the new id; ascending),
/// and their numbers (the column `$order`), which tell their levels in the graph.
struct VectorSource {
    const VectorReader* vectors;  ///< Null: none of these documents has one.
    std::span<const std::uint32_t> new_ids;
    const ColumnReader* order;
};

/// Below so many vectors a segment has no graph.
inline constexpr std::uint32_t kGraphRowsMin = 1000;

/// Vectors whose graph a seal builds have at most so many numbers together, which is one or two
/// seconds of work: writes wait for seals. Above, a merge builds it.
inline constexpr std::uint64_t kSealGraphFloatsMax = std::uint64_t{1} << 20;

/// Whether a graph is built.
struct GraphWork {
    std::uint64_t floats_max = UINT64_MAX;    ///< Not if the vectors have more numbers together.
    const std::atomic<bool>* stop = nullptr;  ///< Set by another thread: give up.
};

/// Writes the vectors of the sources in order, as sections named `prefix` + ".meta" and so on
/// (docs/formats/segment.md), and their graph. The source with most vectors brings its graph along,
/// so what is inserted is only the rest. kUnavailable if it was stopped.
Status write_vectors(
    const VectorOptions& options,
    std::span<const VectorSource> sources,
    std::uint32_t doc_count,
    const GraphWork& work,
    SectionFileBuilder& out,
    const std::string& prefix
);

/// A merge would give it a graph.
bool lacks_graph(const VectorReader& vectors);

/// Opens sealed vectors. The bytes stay the file's. Checks every index it would follow later.
Result<std::unique_ptr<VectorReader>>
open_vectors(const SectionFile& file, const std::string& prefix, std::uint32_t dimensions);

/// What is stored of a vector, and asked for by a query: of length 1 if the metric is cosine.
std::vector<float> as_stored(const VectorOptions& options, std::span<const float> vector);

}  // namespace kumo::search
