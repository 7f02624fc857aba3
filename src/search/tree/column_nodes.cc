#include "search/text/postings_cursor.h"
#include "search/tree/internal/bm25.h"
#include "search/tree/internal/term_docs.h"
#include "search/tree/internal/term_finder.h"
#include "search/tree/tree.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace kumo::search::tree {

namespace {

/// What sets bits in each segment alone.
class BitsNode : public Node {
public:
    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        AllMatches out(evaluation.part_count());
        for (std::size_t p = 0; p < out.size(); ++p) {
            KUMO_TRY(evaluation.check());
            Bitmap bits(evaluation.segment(p).doc_count);
            set(evaluation, p, bits);
            out[p] = matches_of(bits, wanted.boost);
        }
        return out;
    }

protected:
    virtual void set(const Evaluation& evaluation, std::size_t part, Bitmap& bits) const = 0;
};

class CodesNode : public BitsNode {
public:
    CodesNode(std::size_t field, std::vector<std::int64_t> values)
        : field_(field), values_(std::move(values)) {
        std::sort(values_.begin(), values_.end());
        values_.erase(std::unique(values_.begin(), values_.end()), values_.end());
    }

protected:
    void set(const Evaluation& evaluation, std::size_t part, Bitmap& bits) const override {
        if (const ColumnReader* column = evaluation.column(part, field_); column != nullptr) {
            match_values(*column, values_, bits);
        }
    }

private:
    std::size_t field_;
    std::vector<std::int64_t> values_;
};

class CodeRangeNode : public BitsNode {
public:
    CodeRangeNode(std::size_t field, std::int64_t low, std::int64_t high)
        : field_(field), low_(low), high_(high) {}

protected:
    void set(const Evaluation& evaluation, std::size_t part, Bitmap& bits) const override {
        const ColumnReader* column = evaluation.column(part, field_);
        if (column != nullptr && low_ <= high_) {
            column->match_range(low_, high_, bits);
        }
    }

private:
    std::size_t field_;
    std::int64_t low_;
    std::int64_t high_;
};

class CodeTermNode : public Node {
public:
    CodeTermNode(std::size_t field, std::int64_t value) : field_(field), value_(value) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        std::vector<TermDocs> docs(evaluation.part_count());
        for (std::size_t p = 0; p < docs.size(); ++p) {
            KUMO_TRY(evaluation.check());
            if (const ColumnReader* column = evaluation.column(p, field_); column != nullptr) {
                Bitmap bits(column->doc_count());
                column->match_range(value_, value_, bits);
                docs[p].docs = matches_of(bits, 0).docs;
            }
        }
        if (!wanted.wanted) {
            return only_docs(std::move(docs), wanted.boost);
        }
        FieldStatistics statistics = evaluation.statistics(field_);
        statistics.tokens = statistics.docs;
        const float idf = inverse_frequency(statistics.docs, count_docs(docs));
        const TermWeight weight(statistics, idf, wanted.boost);
        return score_docs(evaluation, field_, std::move(docs), weight, {});
    }

private:
    std::size_t field_;
    std::int64_t value_;
};

class ExistsNode : public BitsNode {
public:
    explicit ExistsNode(std::size_t field) : field_(field) {}

protected:
    void set(const Evaluation& evaluation, std::size_t part, Bitmap& bits) const override {
        const SegmentReader& segment = evaluation.segment(part);
        set_values(evaluation.column(part, field_), bits);
        if (field_ < segment.lengths.size()) {
            set_values(segment.lengths[field_].get(), bits);
        }
        if (field_ < segment.vectors.size() && segment.vectors[field_] != nullptr) {
            const VectorReader& vectors = *segment.vectors[field_];
            for (std::uint32_t row = 0; row < vectors.row_count(); ++row) {
                bits.set(vectors.doc_of(row));
            }
        }
    }

private:
    static void set_values(const ColumnReader* column, Bitmap& bits) {
        if (column == nullptr) {
            return;
        }
        column->match_range(
            std::numeric_limits<std::int64_t>::min(),
            std::numeric_limits<std::int64_t>::max(),
            bits
        );
    }

    std::size_t field_;
};

class IdsNode : public BitsNode {
public:
    explicit IdsNode(std::vector<std::string> ids) : ids_(std::move(ids)) {}

protected:
    void set(const Evaluation& evaluation, std::size_t part, Bitmap& bits) const override {
        const TextReader* reader = evaluation.segment(part).ids.get();
        if (reader == nullptr) {
            return;
        }
        PostingsCursor cursor;
        for (const std::string& id : ids_) {
            if (const auto handle = reader->find(id)) {
                reader->open(*handle, cursor);
                cursor.set_bits(bits.words());
            }
        }
    }

private:
    std::vector<std::string> ids_;
};

class RegionNode : public BitsNode {
public:
    RegionNode(std::size_t field, std::shared_ptr<const GeoRegion> region)
        : field_(field), region_(std::move(region)) {}

protected:
    void set(const Evaluation& evaluation, std::size_t part, Bitmap& bits) const override {
        const auto& indexes = evaluation.segment(part).geo;
        if (field_ < indexes.size() && indexes[field_] != nullptr) {
            indexes[field_]->match(*region_, bits);
        } else if (const ColumnReader* column = evaluation.column(part, field_)) {
            match_points(*column, *region_, bits);
        }
    }

private:
    std::size_t field_;
    std::shared_ptr<const GeoRegion> region_;
};

class BoxNode : public BitsNode {
public:
    BoxNode(std::size_t field, const GeoBox& box) : field_(field), box_(box) {}

protected:
    void set(const Evaluation& evaluation, std::size_t part, Bitmap& bits) const override {
        const ColumnReader* column = evaluation.column(part, field_);
        for (std::uint32_t doc = 0; column != nullptr && doc < column->doc_count(); ++doc) {
            const auto range = column->values_of(doc);
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                if (contains(point_of_code(column->value(i)))) {
                    bits.set(doc);
                    break;
                }
            }
        }
    }

private:
    bool contains(GeoPoint point) const {
        // What a code's cell loses of the point.
        constexpr double kCell = 1e-7;
        if (point.lat > box_.top + kCell || point.lat < box_.bottom - kCell) {
            return false;
        }
        const bool after = point.lng >= box_.left - kCell;
        const bool before = point.lng <= box_.right + kCell;
        return box_.left <= box_.right ? after && before : after || before;
    }

    std::size_t field_;
    GeoBox box_;
};

class NearestNode : public Node {
public:
    explicit NearestNode(Nearest wanted) : nearest_(std::move(wanted)) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        AllMatches allowed;
        if (nearest_.filter != nullptr) {
            KUMO_TRY_ASSIGN(allowed, nearest_.filter->match(evaluation, {}));
        } else {
            allowed = everything(evaluation, 1);
        }
        std::vector<Hit> hits;
        for (std::size_t p = 0; p < evaluation.part_count(); ++p) {
            KUMO_TRY(evaluation.check());
            find(evaluation, p, allowed[p], hits);
        }
        std::stable_sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
            return a.distance < b.distance;
        });
        hits.resize(std::min<std::size_t>(hits.size(), nearest_.k));
        return collect(evaluation, hits, wanted.boost);
    }

private:
    struct Hit {
        float distance;
        std::size_t part;
        DocId doc;
    };

    void find(
        const Evaluation& evaluation,
        std::size_t part,
        const Matches& allowed,
        std::vector<Hit>& hits
    ) const {
        const auto& vectors = evaluation.segment(part).vectors;
        if (nearest_.field >= vectors.size() || vectors[nearest_.field] == nullptr) {
            return;
        }
        Bitmap bits(evaluation.segment(part).doc_count);
        set_bits(allowed, bits);
        evaluation.part(part).deleted.for_each([&bits](std::uint32_t doc) {
            if (doc < bits.size()) {
                bits.reset(doc);
            }
        });
        NearestRequest request;
        request.query = nearest_.vector.data();
        request.k = nearest_.k;
        request.ef = std::max(nearest_.candidates, nearest_.k);
        request.allowed = &bits;
        request.deadline = evaluation.deadline();
        for (const VectorHit& hit : vectors[nearest_.field]->nearest(request)) {
            hits.push_back({hit.distance, part, hit.doc});
        }
    }

    AllMatches collect(const Evaluation& evaluation, const std::vector<Hit>& hits, float boost)
        const {
        AllMatches out(evaluation.part_count());
        for (std::size_t p = 0; p < out.size(); ++p) {
            std::vector<std::pair<DocId, float>> found;
            for (const Hit& hit : hits) {
                const float score = nearest_.score ? nearest_.score(hit.distance) : 1;
                if (hit.part == p && (!nearest_.score_min || score >= *nearest_.score_min)) {
                    found.emplace_back(hit.doc, score * boost);
                }
            }
            std::sort(found.begin(), found.end());
            for (const auto& [doc, score] : found) {
                out[p].add(doc, score);
            }
        }
        return out;
    }

    Nearest nearest_;
};

}  // namespace

NodePtr codes(std::size_t field, std::vector<std::int64_t> values) {
    return std::make_shared<const CodesNode>(field, std::move(values));
}

NodePtr code_term(std::size_t field, std::int64_t value) {
    return std::make_shared<const CodeTermNode>(field, value);
}

NodePtr code_range(std::size_t field, std::int64_t low, std::int64_t high) {
    return std::make_shared<const CodeRangeNode>(field, low, high);
}

NodePtr exists(std::size_t field) {
    return std::make_shared<const ExistsNode>(field);
}

NodePtr ids(std::vector<std::string> ids) {
    return std::make_shared<const IdsNode>(std::move(ids));
}

NodePtr in_region(std::size_t field, std::shared_ptr<const GeoRegion> region) {
    return std::make_shared<const RegionNode>(field, std::move(region));
}

NodePtr in_box(std::size_t field, const GeoBox& box) {
    return std::make_shared<const BoxNode>(field, box);
}

NodePtr nearest(Nearest nearest) {
    return std::make_shared<const NearestNode>(std::move(nearest));
}

}  // namespace kumo::search::tree
