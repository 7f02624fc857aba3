#include "search/segment/adapted_segment.h"

#include "base/assert.h"

#include <utility>

namespace kumo::search {

namespace {

class NoTerms final : public TermEnum {
public:
    bool seek(std::string_view /*bound*/) override { return false; }

    bool next() override { return false; }

    std::string_view term() const override { return {}; }

    TermHandle handle() const override { return {0}; }

    TermInfo info() const override { return {}; }
};

/// No document has a word, so that nothing that takes a term is ever called.
class EmptyText final : public TextReader {
public:
    explicit EmptyText(DocId docs) : docs_(docs) {}

    DocId doc_limit() const override { return docs_; }

    std::uint64_t doc_count() const override { return 0; }

    std::uint64_t token_count() const override { return 0; }

    double bound_length() const override { return 0; }

    const std::uint8_t* norms() const override { return nullptr; }

    std::optional<TermHandle> find(std::string_view /*term*/) const override {
        return std::nullopt;
    }

    TermInfo info(TermHandle /*term*/) const override { return {}; }

    std::string_view text(TermHandle /*term*/) const override { return {}; }

    float seed_factor(TermHandle /*term*/, std::uint32_t /*k*/) const override { return 0; }

    void open(TermHandle /*term*/, PostingsCursor& /*cursor*/) const override {
        KUMO_ASSERT(false);
    }

    std::unique_ptr<TermEnum> terms() const override { return std::make_unique<NoTerms>(); }

    WalkEnd fuzzy(
        std::string_view /*query*/,
        const FuzzyOptions& /*options*/,
        const FuzzyCallback& /*found*/
    ) const override {
        return WalkEnd::kComplete;
    }

private:
    DocId docs_;
};

class EmptyColumn final : public ColumnReader {
public:
    explicit EmptyColumn(DocId docs) : docs_(docs) {}

    std::uint32_t doc_count() const override { return docs_; }

    ValueRange values_of(std::uint32_t /*doc*/) const override { return {0, 0}; }

    std::int64_t value(std::uint64_t /*index*/) const override { return 0; }

    std::uint32_t string_count() const override { return 0; }

    std::string_view string(std::uint32_t /*ordinal*/) const override { return {}; }

    bool strings_sorted() const override { return true; }

private:
    DocId docs_;
};

/// There is no row, so that nothing that takes one is ever called.
class EmptyVectors final : public VectorReader {
public:
    EmptyVectors(DocId docs, std::uint32_t dimensions) : VectorReader(dimensions), docs_(docs) {}

    std::uint32_t doc_count() const override { return docs_; }

    std::uint32_t row_count() const override { return 0; }

    std::uint32_t doc_of(std::uint32_t /*row*/) const override { return 0; }

    const float* row(std::uint32_t /*row*/) const override { return nullptr; }

private:
    DocId docs_;
};

bool same_kind(const Field& a, const Field& b) {
    return a.type == b.type && a.array == b.array && a.vector == b.vector;
}

}  // namespace

std::shared_ptr<const TextReader> empty_text(DocId doc_count) {
    return std::make_shared<const EmptyText>(doc_count);
}

std::shared_ptr<const ColumnReader> empty_column(DocId doc_count) {
    return std::make_shared<const EmptyColumn>(doc_count);
}

std::shared_ptr<const VectorReader> empty_vectors(DocId doc_count, std::uint32_t dimensions) {
    return std::make_shared<const EmptyVectors>(doc_count, dimensions);
}

std::shared_ptr<const SegmentReader> adapted_segment(
    const std::shared_ptr<const SegmentReader>& segment,
    const Schema& from,
    const Schema& to
) {
    auto out = std::make_shared<SegmentReader>(*segment);
    out->texts.assign(to.fields.size(), nullptr);
    out->lengths.assign(to.fields.size(), nullptr);
    out->columns.assign(to.fields.size(), nullptr);
    out->geo.assign(to.fields.size(), nullptr);
    out->vectors.assign(to.fields.size(), nullptr);
    const auto no_text = empty_text(segment->doc_count);
    const auto no_column = empty_column(segment->doc_count);
    for (std::size_t i = 0; i < to.fields.size(); ++i) {
        const FieldParts parts = parts_of(to.fields[i]);
        const auto at = from.find(to.fields[i].name);
        const bool known = at && same_kind(from.fields[*at], to.fields[i]);
        const auto take = [&](const auto& readers, const auto& absent) {
            return known && readers[*at] != nullptr ? readers[*at] : absent;
        };
        if (parts.text) {
            out->texts[i] = take(segment->texts, no_text);
            out->lengths[i] = take(segment->lengths, no_column);
        }
        if (parts.column) {
            out->columns[i] = take(segment->columns, no_column);
        }
        if (parts.geo) {
            out->geo[i] = take(segment->geo, std::shared_ptr<const GeoIndex>());
        }
        if (parts.vector) {
            out->vectors[i] = take(
                segment->vectors,
                empty_vectors(segment->doc_count, to.fields[i].vector.dimensions)
            );
        }
    }
    return out;
}

}  // namespace kumo::search
