#include "search/aggregation/aggregation.h"
#include "search/aggregation/internal/bucket_maker.h"
#include "search/aggregation/internal/key_counts.h"

#include <algorithm>
#include <utility>

namespace kumo::search::aggregation {

namespace {

/// Documents by which of several ranges their values are in.
class RangesAggregation : public Aggregation {
public:
    RangesAggregation(std::vector<RangeOf> ranges, Level level)
        : ranges_(std::move(ranges)), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        BucketDocs gathered(ranges_.size());
        KUMO_TRY(gather(run, docs, gathered));
        Output out;
        out.many = true;
        for (std::size_t i = 0; i < ranges_.size(); ++i) {
            Bucket bucket;
            bucket.name = ranges_[i].name;
            bucket.from = ranges_[i].from;
            bucket.to = ranges_[i].to;
            bucket.from_text = ranges_[i].from_text;
            bucket.to_text = ranges_[i].to_text;
            bucket.doc_count = run.weight_of(gathered.of(i));
            out.buckets.push_back(std::move(bucket));
        }
        KUMO_TRY(run_children(run, level_, gathered, out.buckets));
        KUMO_TRY(level_.finish(out));
        return out;
    }

protected:
    virtual Status gather(Run& run, const DocSet& docs, BucketDocs& out) const = 0;

    void add(double number, const PartDocs& part, std::size_t at, BucketDocs& out) const {
        for (std::size_t i = 0; i < ranges_.size(); ++i) {
            const RangeOf& range = ranges_[i];
            if ((!range.from || number >= *range.from) && (!range.to || number < *range.to)) {
                out.add(i, part, at);
            }
        }
    }

    void add(const std::string& text, const PartDocs& part, std::size_t at, BucketDocs& out) const {
        for (std::size_t i = 0; i < ranges_.size(); ++i) {
            const RangeOf& range = ranges_[i];
            if ((range.from_text.empty() || text >= range.from_text)
                && (range.to_text.empty() || text < range.to_text)) {
                out.add(i, part, at);
            }
        }
    }

private:
    std::vector<RangeOf> ranges_;
    Level level_;
};

class ValueRanges : public RangesAggregation {
public:
    ValueRanges(Values values, std::vector<RangeOf> ranges, Level level)
        : RangesAggregation(std::move(ranges), std::move(level)), values_(std::move(values)) {}

protected:
    Status gather(Run& run, const DocSet& docs, BucketDocs& out) const override {
        ValuesReader reader(run, values_);
        std::vector<double> numbers;
        std::vector<Key> keys;
        for (const PartDocs& part : docs) {
            reader.open(part);
            for (std::size_t i = 0; i < part.docs.size(); ++i) {
                KUMO_TRY(run.check());
                if (values_.kind == ValueKind::kString) {
                    KUMO_TRY(reader.keys(part.docs[i], keys));
                    for (const Key& key : keys) {
                        add(std::get<std::string>(key), part, i, out);
                    }
                    continue;
                }
                KUMO_TRY(reader.numbers(part.docs[i], numbers));
                for (const double number : numbers) {
                    add(number, part, i, out);
                }
            }
        }
        return {};
    }

private:
    Values values_;
};

class DistanceRanges : public RangesAggregation {
public:
    DistanceRanges(
        Values values,
        GeoPoint origin,
        double unit,
        std::vector<RangeOf> ranges,
        Level level
    )
        : RangesAggregation(std::move(ranges), std::move(level)),
          values_(std::move(values)),
          origin_(origin),
          unit_(unit) {}

protected:
    Status gather(Run& run, const DocSet& docs, BucketDocs& out) const override {
        ValuesReader reader(run, values_);
        std::vector<GeoPoint> points;
        for (const PartDocs& part : docs) {
            reader.open(part);
            for (std::size_t i = 0; i < part.docs.size(); ++i) {
                KUMO_TRY(run.check());
                reader.points(part.docs[i], points);
                for (const GeoPoint point : points) {
                    add(distance_meters(origin_, point) / unit_, part, i, out);
                }
            }
        }
        return {};
    }

private:
    Values values_;
    GeoPoint origin_;
    double unit_;
};

class GridAggregation : public Aggregation {
public:
    GridAggregation(Values values, CellOf cell, std::size_t size, Level level)
        : values_(std::move(values)),
          cell_(std::move(cell)),
          size_(size),
          level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        // Cells are keys as any other.
        Values named;
        named.kind = ValueKind::kString;
        named.words =
            [this](const Run& of, const PartDocs& part, DocId doc, std::vector<std::string>& out)
            -> Status {
            ValuesReader reader(of, values_);
            reader.open(part);
            std::vector<GeoPoint> points;
            reader.points(doc, points);
            for (const GeoPoint point : points) {
                out.push_back(cell_(point));
            }
            return {};
        };
        Terms all;
        all.values = std::move(named);
        all.size = size_;
        return terms(std::move(all), level_)->run(run, docs);
    }

private:
    Values values_;
    CellOf cell_;
    std::size_t size_;
    Level level_;
};

}  // namespace

AggregationPtr ranges(Values values, std::vector<RangeOf> ranges, Level level) {
    return std::make_shared<const ValueRanges>(
        std::move(values),
        std::move(ranges),
        std::move(level)
    );
}

AggregationPtr
distances(Values values, GeoPoint origin, double unit, std::vector<RangeOf> ranges, Level level) {
    return std::make_shared<const DistanceRanges>(
        std::move(values),
        origin,
        unit,
        std::move(ranges),
        std::move(level)
    );
}

AggregationPtr geo_grid(Values values, CellOf cell, std::size_t size, Level level) {
    return std::make_shared<const GridAggregation>(
        std::move(values),
        std::move(cell),
        size,
        std::move(level)
    );
}

}  // namespace kumo::search::aggregation
