#include "search/vector/vector_column.h"

#include "base/assert.h"
#include "search/text/section_file.h"

#include <algorithm>
#include <cmath>
#include <utility>

// Sealed vectors are three sections: the header below; the rows' documents; the rows. Behind them
// the graph's.

namespace kumo::search {

namespace {

constexpr std::uint32_t kVectorMagic = 0x4345564b;  // "KVEC"
constexpr std::uint32_t kVectorVersion = 1;

struct Header {
    std::uint32_t magic;
    std::uint32_t version;
    std::uint32_t doc_count;
    std::uint32_t dimensions;
    std::uint32_t row_count;
    std::uint32_t has_graph;
};

constexpr std::size_t kBlockFloats = 65'536;

bool nearer(const VectorHit& a, const VectorHit& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.doc < b.doc;
}

}  // namespace

std::vector<float> as_stored(const VectorOptions& options, std::span<const float> vector) {
    std::vector<float> out(vector.begin(), vector.end());
    if (options.metric == VectorMetric::kCosine) {
        normalize(out.data(), static_cast<std::uint32_t>(out.size()));
    }
    return out;
}

const float* VectorReader::vector_of(std::uint32_t doc) const {
    std::uint32_t from = 0;
    std::uint32_t to = row_count();
    while (from < to) {
        const std::uint32_t middle = from + (to - from) / 2;
        if (doc_of(middle) < doc) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < row_count() && doc_of(from) == doc ? row(from) : nullptr;
}

/// A walk that may find only a part of the vectors looks at about that many more of them; from
/// where on it looks at more than there are to be found, it is not worth it.
std::vector<VectorHit> VectorReader::nearest(const NearestRequest& request) const {
    const HnswGraph* links = graph();
    if (links == nullptr || request.k == 0) {
        return nearest_of_all(request);
    }
    const double allowed = static_cast<double>(request.allowed->count());
    const double visited = 16.0 * request.ef;
    const bool few = allowed <= request.flat_search_cutoff
                     || allowed * allowed <= visited * static_cast<double>(row_count());
    return few ? nearest_of_all(request) : nearest_by_graph(request);
}

std::vector<VectorHit> VectorReader::nearest_of_all(const NearestRequest& request) const {
    const VectorSpace space{dimensions()};
    std::vector<VectorHit> best;  // A heap, the farthest on top.
    for (std::uint32_t r = 0; r < row_count() && request.k > 0; ++r) {
        const std::uint32_t doc = doc_of(r);
        if (!request.allowed->test(doc)) {
            continue;
        }
        if (request.deadline != nullptr && request.deadline->passed()) {
            break;
        }
        const VectorHit hit{doc, space.distance(request.query, row(r))};
        if (best.size() == request.k && !nearer(hit, best.front())) {
            continue;
        }
        best.push_back(hit);
        std::push_heap(best.begin(), best.end(), nearer);
        if (best.size() > request.k) {
            std::pop_heap(best.begin(), best.end(), nearer);
            best.pop_back();
        }
    }
    std::sort_heap(best.begin(), best.end(), nearer);
    return best;
}

std::vector<VectorHit> VectorReader::nearest_by_graph(const NearestRequest& request) const {
    const bool dense = row_count() == doc_count();
    Bitmap some_rows(dense ? 0 : row_count());
    for (std::uint32_t r = 0; !dense && r < row_count(); ++r) {
        if (request.allowed->test(doc_of(r))) {
            some_rows.set(r);
        }
    }
    const Bitmap* allowed_rows = dense ? request.allowed : &some_rows;
    // Only sealed vectors have a graph, and those stand one after the other.
    const StoredRows rows{VectorSpace{dimensions()}, row(0)};
    const HnswSearch search{request.query, std::max(request.ef, request.k), allowed_rows};
    std::vector<VectorHit> out;
    for (const Neighbor& neighbor : search_graph(*graph(), rows, search)) {
        if (out.size() == request.k) {
            break;
        }
        out.push_back({doc_of(neighbor.node), neighbor.distance});
    }
    return out;
}

/// The first rows of live vectors, as one snapshot sees them.
class LiveVectorReader final : public VectorReader {
public:
    LiveVectorReader(const LiveVectors& vectors, std::uint32_t doc_count, std::uint32_t row_count)
        : VectorReader(vectors.options_.dimensions),
          vectors_(vectors),
          doc_count_(doc_count),
          row_count_(row_count) {}

    std::uint32_t doc_count() const override { return doc_count_; }

    std::uint32_t row_count() const override { return row_count_; }

    std::uint32_t doc_of(std::uint32_t row) const override { return vectors_.docs_[row]; }

    const float* row(std::uint32_t row) const override { return vectors_.rows_[row]; }

private:
    const LiveVectors& vectors_;
    std::uint32_t doc_count_;
    std::uint32_t row_count_;
};

void LiveVectors::add(std::span<const float> vector) {
    if (!vector.empty()) {
        KUMO_ASSERT(vector.size() == options_.dimensions);
        const std::vector<float> stored = as_stored(options_, vector);
        if (blocks_.empty() || blocks_.back().size() + stored.size() > blocks_.back().capacity()) {
            blocks_.emplace_back();
            blocks_.back().reserve(std::max<std::size_t>(kBlockFloats, stored.size()));
            vector_bytes_ += blocks_.back().capacity() * sizeof(float);
        }
        std::vector<float>& block = blocks_.back();  // Never grows beyond what it reserved.
        block.insert(block.end(), stored.begin(), stored.end());
        rows_.push_back(block.data() + block.size() - stored.size());
        docs_.push_back(doc_count_);
    }
    ++doc_count_;
}

std::unique_ptr<VectorReader> LiveVectors::reader(std::uint32_t doc_count) const {
    KUMO_ASSERT(doc_count == doc_count_);
    return std::make_unique<LiveVectorReader>(
        *this,
        doc_count,
        static_cast<std::uint32_t>(docs_.size())
    );
}

namespace {

class SealedVectors final : public VectorReader {
public:
    explicit SealedVectors(const Header& header)
        : VectorReader(header.dimensions), header_(header) {}

    Status load(const SectionFile& file, const std::string& prefix) {
        KUMO_TRY_ASSIGN(docs_, file.section(prefix + ".docs"));
        KUMO_TRY_ASSIGN(rows_, file.section(prefix + ".rows"));
        const std::size_t rows = header_.row_count;
        if (docs_.size() != rows * sizeof(std::uint32_t)
            || rows_.size() != rows * dimensions() * sizeof(float)) {
            return corruption("vectors `" + prefix + "` have sections of the wrong size");
        }
        for (std::uint32_t r = 0; r < header_.row_count; ++r) {
            if (doc_of(r) >= header_.doc_count || (r > 0 && doc_of(r) <= doc_of(r - 1))) {
                return corruption("vectors `" + prefix + "` are not in order");
            }
        }
        if (header_.has_graph != 0) {
            KUMO_TRY_ASSIGN(graph_, HnswGraph::open(file, prefix + ".graph", header_.row_count));
        }
        return {};
    }

    std::uint32_t doc_count() const override { return header_.doc_count; }

    std::uint32_t row_count() const override { return header_.row_count; }

    std::uint32_t doc_of(std::uint32_t row) const override {
        return load_unaligned<std::uint32_t>(docs_.data() + std::size_t{row} * sizeof(row));
    }

    // Sections start at multiples of kSectionAlign.
    const float* row(std::uint32_t row) const override {
        return reinterpret_cast<const float*>(rows_.data()) + std::size_t{row} * dimensions();
    }

    const HnswGraph* graph() const override { return graph_ ? &*graph_ : nullptr; }

private:
    Header header_;
    ByteView docs_;
    ByteView rows_;
    std::optional<HnswGraph> graph_;
};

/// What the rows of a merge are made of.
struct GatheredRows {
    VectorRows rows;
    std::vector<std::uint32_t> docs;
    std::vector<std::uint64_t> numbers;
    std::vector<std::vector<std::uint32_t>> new_rows;  ///< By source, by row: kNoNode or the row.
};

GatheredRows gather(std::uint32_t dimensions, std::span<const VectorSource> sources) {
    GatheredRows out;
    out.rows.space.dimensions = dimensions;
    for (const VectorSource& source : sources) {
        std::vector<std::uint32_t>& new_rows = out.new_rows.emplace_back();
        const std::uint32_t count = source.vectors != nullptr ? source.vectors->row_count() : 0;
        for (std::uint32_t r = 0; r < count; ++r) {
            const std::uint32_t doc = source.vectors->doc_of(r);
            if (source.new_ids[doc] == kDroppedDoc) {
                new_rows.push_back(kNoNode);
                continue;
            }
            new_rows.push_back(static_cast<std::uint32_t>(out.docs.size()));
            out.docs.push_back(source.new_ids[doc]);
            out.numbers.push_back(static_cast<std::uint64_t>(source.order->first(doc).value_or(0)));
            out.rows.rows.push_back(source.vectors->row(r));
        }
    }
    return out;
}

/// The source whose graph is worth most: with most rows that stay, if most of its rows do.
std::optional<std::size_t> best_graph(
    const VectorOptions& options,
    std::span<const VectorSource> sources,
    const GatheredRows& gathered
) {
    std::optional<std::size_t> best;
    std::size_t best_rows = 0;
    for (std::size_t s = 0; s < sources.size(); ++s) {
        const HnswGraph* graph =
            sources[s].vectors != nullptr ? sources[s].vectors->graph() : nullptr;
        const std::vector<std::uint32_t>& rows = gathered.new_rows[s];
        const auto kept =
            rows.size() - static_cast<std::size_t>(std::count(rows.begin(), rows.end(), kNoNode));
        if (graph != nullptr && graph->m() == options.m && kept * 2 > rows.size()
            && kept > best_rows) {
            best = s;
            best_rows = kept;
        }
    }
    return best;
}

}  // namespace

bool lacks_graph(const VectorReader& vectors) {
    return vectors.graph() == nullptr && vectors.row_count() >= kGraphRowsMin;
}

Status write_vectors(
    const VectorOptions& options,
    std::span<const VectorSource> sources,
    std::uint32_t doc_count,
    const GraphWork& work,
    SectionFileBuilder& out,
    const std::string& prefix
) {
    const GatheredRows gathered = gather(options.dimensions, sources);
    const auto row_count = static_cast<std::uint32_t>(gathered.docs.size());
    const bool has_graph = row_count >= kGraphRowsMin
                           && std::uint64_t{row_count} * options.dimensions <= work.floats_max;
    std::string meta;
    append_fixed(
        meta,
        Header{
            kVectorMagic,
            kVectorVersion,
            doc_count,
            options.dimensions,
            row_count,
            has_graph ? 1U : 0U}
    );
    std::string docs;
    std::string rows;
    rows.reserve(std::size_t{row_count} * options.dimensions * sizeof(float));
    for (std::uint32_t r = 0; r < row_count; ++r) {
        append_fixed(docs, gathered.docs[r]);
        rows.append(
            reinterpret_cast<const char*>(gathered.rows.rows[r]),
            options.dimensions * sizeof(float)
        );
    }
    out.add(prefix + ".meta", meta);
    out.add(prefix + ".docs", docs);
    out.add(prefix + ".rows", rows);
    if (!has_graph) {
        return {};
    }
    HnswBuilder builder(gathered.rows, {options.m, options.ef_construction});
    if (const auto from = best_graph(options, sources, gathered)) {
        builder.take_over(*sources[*from].vectors->graph(), gathered.new_rows[*from]);
    }
    for (std::uint32_t r = 0; r < row_count; ++r) {
        if (work.stop != nullptr && work.stop->load(std::memory_order_relaxed)) {
            return Error{ErrorCode::kUnavailable, "it was stopped"};
        }
        if (!builder.has(r)) {
            builder.insert(r, gathered.numbers[r]);
        }
    }
    builder.write(out, prefix + ".graph");
    return {};
}

Result<std::unique_ptr<VectorReader>>
open_vectors(const SectionFile& file, const std::string& prefix, std::uint32_t dimensions) {
    KUMO_TRY_ASSIGN(const ByteView meta, file.section(prefix + ".meta"));
    if (meta.size() != sizeof(Header)) {
        return corruption("vectors `" + prefix + "` have a header of the wrong size");
    }
    const auto header = load_unaligned<Header>(meta.data());
    if (header.magic != kVectorMagic || header.version != kVectorVersion
        || header.dimensions != dimensions) {
        return corruption("vectors `" + prefix + "` have a header that is not one");
    }
    auto out = std::make_unique<SealedVectors>(header);
    KUMO_TRY(out->load(file, prefix));
    return std::unique_ptr<VectorReader>(std::move(out));
}

}  // namespace kumo::search
