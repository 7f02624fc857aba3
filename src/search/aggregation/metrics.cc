#include "search/aggregation/aggregation.h"
#include "search/aggregation/internal/quantiles.h"
#include "search/geo/vector3.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

namespace kumo::search::aggregation {

double Stats::variance() const {
    const auto n = static_cast<double>(count);
    const double out = (sum_of_squares - sum * sum / n) / n;
    return out < 0 ? 0 : out;
}

namespace {

/// A sum that keeps what additions round away (Kahan).
class Sum {
public:
    void add(double value) {
        if (!std::isfinite(value)) {
            value_ += value;
            return;
        }
        const double corrected = value - lost_;
        const double next = value_ + corrected;
        lost_ = next - value_ - corrected;
        value_ = next;
    }

    double value() const { return value_; }

private:
    double value_ = 0;
    double lost_ = 0;
};

/// Calls `visit` with each document's numbers.
template <typename Visit>
Status for_each_numbers(Run& run, const Values& values, const DocSet& docs, Visit visit) {
    ValuesReader reader(run, values);
    std::vector<double> numbers;
    for (const PartDocs& part : docs) {
        reader.open(part);
        for (const DocId doc : part.docs) {
            KUMO_TRY(run.check());
            KUMO_TRY(reader.numbers(doc, numbers));
            visit(part, doc, numbers);
        }
    }
    return {};
}

class MetricAggregation : public Aggregation {
public:
    MetricAggregation(Metric metric, Values values) : metric_(metric), values_(std::move(values)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        Output out;
        if (metric_ == Metric::kCount && !values_.is_number()) {
            return count(run, docs);
        }
        Sum sum;
        Sum squares;
        Stats& stats = out.stats;
        KUMO_TRY(for_each_numbers(run, values_, docs, [&](const auto&, DocId, const auto& numbers) {
            for (const double number : numbers) {
                ++stats.count;
                sum.add(number);
                squares.add(number * number);
                stats.min = std::min(stats.min, number);
                stats.max = std::max(stats.max, number);
            }
        }));
        stats.sum = sum.value();
        stats.sum_of_squares = squares.value();
        out.value = value_of(stats);
        return out;
    }

private:
    Result<Output> count(Run& run, const DocSet& docs) const {
        Output out;
        ValuesReader reader(run, values_);
        std::vector<Key> keys;
        for (const PartDocs& part : docs) {
            reader.open(part);
            for (const DocId doc : part.docs) {
                KUMO_TRY(run.check());
                if (reader.column() != nullptr && reader.column()->values_of(doc).size() > 0) {
                    out.stats.count += reader.column()->values_of(doc).size();
                    continue;
                }
                KUMO_TRY(reader.keys(doc, keys));
                out.stats.count += keys.size();
            }
        }
        out.value = static_cast<double>(out.stats.count);
        return out;
    }

    std::optional<double> value_of(const Stats& stats) const {
        const bool none = stats.count == 0;
        switch (metric_) {
            case Metric::kAvg: return none ? std::nullopt : std::optional<double>(stats.average());
            case Metric::kSum: return stats.sum;
            case Metric::kMin: return none ? std::nullopt : std::optional<double>(stats.min);
            case Metric::kMax: return none ? std::nullopt : std::optional<double>(stats.max);
            case Metric::kCount: return static_cast<double>(stats.count);
            case Metric::kStats: return std::nullopt;
        }
        return std::nullopt;
    }

    Metric metric_;
    Values values_;
};

class CardinalityAggregation : public Aggregation {
public:
    explicit CardinalityAggregation(Values values) : values_(std::move(values)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        std::unordered_set<std::size_t> seen;
        ValuesReader reader(run, values_);
        std::vector<Key> keys;
        for (const PartDocs& part : docs) {
            reader.open(part);
            std::vector<bool> ordinals;
            for (const DocId doc : part.docs) {
                KUMO_TRY(run.check());
                if (mark_ordinals(reader, doc, ordinals)) {
                    continue;
                }
                KUMO_TRY(reader.keys(doc, keys));
                for (const Key& key : keys) {
                    seen.insert(hash_of(key));
                }
            }
            for (std::uint32_t i = 0; i < ordinals.size(); ++i) {
                if (ordinals[i]) {
                    seen.insert(std::hash<std::string_view>()(reader.column()->string(i)));
                }
            }
        }
        Output out;
        out.value = static_cast<double>(seen.size());
        return out;
    }

private:
    static std::size_t hash_of(const Key& key) {
        if (const auto* text = std::get_if<std::string>(&key)) {
            return std::hash<std::string_view>()(*text);
        }
        std::uint64_t x = 0;
        if (const auto* integer = std::get_if<std::int64_t>(&key)) {
            x = static_cast<std::uint64_t>(*integer);
        } else if (const auto* natural = std::get_if<std::uint64_t>(&key)) {
            x = *natural;
        } else {
            const double number = std::get<double>(key) + 0.0;
            x = std::bit_cast<std::uint64_t>(number);
        }
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
        return x ^ (x >> 31);
    }

    /// Strings are counted by what they are numbered in their segment.
    bool mark_ordinals(const ValuesReader& reader, DocId doc, std::vector<bool>& ordinals) const {
        const ColumnReader* column = reader.column();
        if (values_.computed || values_.words || column == nullptr
            || reader.source().kind != ValueKind::kString) {
            return false;
        }
        const auto range = column->values_of(doc);
        if (range.size() == 0) {
            return false;
        }
        ordinals.resize(column->string_count());
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            ordinals[static_cast<std::size_t>(column->value(i))] = true;
        }
        return true;
    }

    Values values_;
};

class PercentilesAggregation : public Aggregation {
public:
    PercentilesAggregation(Percentiles options, Values values)
        : options_(std::move(options)), values_(std::move(values)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        Quantiles quantiles;
        KUMO_TRY(for_each_numbers(run, values_, docs, [&](const auto&, DocId, const auto& numbers) {
            for (const double number : numbers) {
                quantiles.add(number);
            }
        }));
        Output out;
        out.stats.count = quantiles.count();
        for (const double wanted : options_.wanted) {
            double found = 0;
            if (options_.ranks) {
                found = 100 * quantiles.below(wanted);
            } else if (options_.hdr) {
                found = quantiles.ranked(wanted / 100, options_.digits);
            } else {
                found = quantiles.at(wanted / 100);
            }
            out.percents.emplace_back(wanted, found);
        }
        return out;
    }

private:
    Percentiles options_;
    Values values_;
};

class DeviationAggregation : public Aggregation {
public:
    explicit DeviationAggregation(Values values) : values_(std::move(values)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        std::vector<double> all;
        Quantiles quantiles;
        KUMO_TRY(for_each_numbers(run, values_, docs, [&](const auto&, DocId, const auto& numbers) {
            for (const double number : numbers) {
                quantiles.add(number);
                all.push_back(number);
            }
        }));
        Output out;
        if (all.empty()) {
            return out;
        }
        const double median = quantiles.at(0.5);
        Quantiles differences;
        for (const double number : all) {
            differences.add(std::fabs(number - median));
        }
        out.value = differences.at(0.5);
        return out;
    }

private:
    Values values_;
};

class WeightedAggregation : public Aggregation {
public:
    WeightedAggregation(Values values, Values weights)
        : values_(std::move(values)), weights_(std::move(weights)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        Sum sum;
        Sum total;
        ValuesReader weights(run, weights_);
        const PartDocs* open = nullptr;
        std::vector<double> own;
        Status status;
        KUMO_TRY(for_each_numbers(
            run,
            values_,
            docs,
            [&](const PartDocs& part, DocId doc, const auto& numbers) {
                if (open != &part) {
                    weights.open(part);
                    open = &part;
                }
                if (Status read = weights.numbers(doc, own); !read.ok()) {
                    status = std::move(read);
                    return;
                }
                if (own.size() > 1) {
                    status = invalid_argument(
                        "Encountered more than one weight for a single document. Use a script to "
                        "combine multiple weights-per-doc into a single value."
                    );
                    return;
                }
                for (const double number : numbers) {
                    if (!own.empty()) {
                        sum.add(number * own.front());
                        total.add(own.front());
                    }
                }
            }
        ));
        KUMO_TRY(std::move(status));
        Output out;
        if (total.value() != 0) {
            out.value = sum.value() / total.value();
        }
        return out;
    }

private:
    Values values_;
    Values weights_;
};

template <typename Visit>
Status for_each_point(Run& run, const Values& values, const DocSet& docs, Visit visit) {
    ValuesReader reader(run, values);
    std::vector<GeoPoint> points;
    for (const PartDocs& part : docs) {
        reader.open(part);
        for (const DocId doc : part.docs) {
            KUMO_TRY(run.check());
            if (reader.points(doc, points)) {
                std::for_each(points.begin(), points.end(), visit);
            }
        }
    }
    return {};
}

class GeoBoundsAggregation : public Aggregation {
public:
    GeoBoundsAggregation(Values values, bool wrap) : values_(std::move(values)), wrap_(wrap) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        Output out;
        double top = -90;
        double bottom = 90;
        // West and east of Greenwich apart: the box that goes over the antimeridian may be smaller.
        double west_min = 180;
        double west_max = -180;
        double east_min = 180;
        double east_max = -180;
        KUMO_TRY(for_each_point(run, values_, docs, [&](GeoPoint point) {
            ++out.count;
            top = std::max(top, point.lat);
            bottom = std::min(bottom, point.lat);
            double& low = point.lng < 0 ? west_min : east_min;
            double& high = point.lng < 0 ? west_max : east_max;
            low = std::min(low, point.lng);
            high = std::max(high, point.lng);
        }));
        if (out.count == 0) {
            return out;
        }
        double left = std::min(west_min, east_min);
        double right = std::max(west_max, east_max);
        const bool both = west_min <= west_max && east_min <= east_max;
        if (wrap_ && both && 360 - (east_min - west_max) < right - left) {
            left = east_min;
            right = west_max;
        }
        out.top_left = GeoPoint{top, left};
        out.bottom_right = GeoPoint{bottom, right};
        return out;
    }

private:
    Values values_;
    bool wrap_;
};

class GeoCentroidAggregation : public Aggregation {
public:
    explicit GeoCentroidAggregation(Values values) : values_(std::move(values)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        Output out;
        Sum lat;
        Sum lng;
        KUMO_TRY(for_each_point(run, values_, docs, [&](GeoPoint point) {
            ++out.count;
            lat.add(point.lat);
            lng.add(point.lng);
        }));
        if (out.count > 0) {
            const auto n = static_cast<double>(out.count);
            out.center = GeoPoint{lat.value() / n, lng.value() / n};
        }
        return out;
    }

private:
    Values values_;
};

class HitsAggregation : public Aggregation {
public:
    Result<Output> run(Run& /*run*/, const DocSet& docs) const override {
        Output out;
        out.hits = docs;
        return out;
    }
};

}  // namespace

AggregationPtr metric(Metric metric, Values values) {
    return std::make_shared<const MetricAggregation>(metric, std::move(values));
}

AggregationPtr cardinality(Values values) {
    return std::make_shared<const CardinalityAggregation>(std::move(values));
}

AggregationPtr percentiles(Percentiles options, Values values) {
    return std::make_shared<const PercentilesAggregation>(std::move(options), std::move(values));
}

AggregationPtr median_absolute_deviation(Values values) {
    return std::make_shared<const DeviationAggregation>(std::move(values));
}

AggregationPtr weighted_average(Values values, Values weights) {
    return std::make_shared<const WeightedAggregation>(std::move(values), std::move(weights));
}

AggregationPtr geo_bounds(Values values, bool wrap) {
    return std::make_shared<const GeoBoundsAggregation>(std::move(values), wrap);
}

AggregationPtr geo_centroid(Values values) {
    return std::make_shared<const GeoCentroidAggregation>(std::move(values));
}

AggregationPtr hits() {
    return std::make_shared<const HitsAggregation>();
}

}  // namespace kumo::search::aggregation
