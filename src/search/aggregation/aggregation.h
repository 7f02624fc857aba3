#pragma once

#include "search/aggregation/values.h"
#include "search/geo/geo_point.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Aggregations over sets of documents (values.h), and what they answer. Functions of this header
/// make aggregations; an aggregation is immutable, any thread. Results are exact: documents of all
/// indices are looked at as one set.
namespace kumo::search::aggregation {

struct Output;

struct NamedOutput {
    std::string name;
    std::shared_ptr<Output> output;
};

struct Bucket {
    Key key{};
    std::vector<std::optional<Key>> keys{};  ///< Of composite ones; nothing: has no value.
    std::string name{};                      ///< Of ranges and filters.
    std::optional<double> from{};
    std::optional<double> to{};
    std::string from_text{};  ///< Of ranges of strings.
    std::string to_text{};
    std::uint64_t doc_count = 0;
    std::uint64_t background = 0;  ///< Of significant ones.
    double score = 0;
    std::vector<NamedOutput> children{};
};

struct Stats {
    std::uint64_t count = 0;
    double sum = 0;
    double min = std::numeric_limits<double>::infinity();
    double max = -std::numeric_limits<double>::infinity();
    double sum_of_squares = 0;

    double average() const { return sum / static_cast<double>(count); }

    /// Of the population.
    double variance() const;
};

/// What an aggregation answers: which members mean something follows from which one it is.
struct Output {
    std::optional<double> value{};
    Stats stats{};
    std::vector<std::pair<double, double>> percents{};  ///< Percent or value, and its opposite.
    std::optional<GeoPoint> top_left{};
    std::optional<GeoPoint> bottom_right{};
    std::optional<GeoPoint> center{};
    std::uint64_t count = 0;

    bool single = false;  ///< One bucket: doc_count and children are of it.
    std::uint64_t doc_count = 0;
    std::vector<NamedOutput> children{};

    bool many = false;  ///< It has buckets, if only none.
    std::vector<Bucket> buckets{};
    std::uint64_t other_count = 0;  ///< Documents in buckets that are not here.
    std::uint64_t background = 0;
    std::vector<std::optional<Key>> after{};
    std::string interval{};

    DocSet hits{};  ///< Of top_hits: the documents themselves.

    /// Of pipelines whose answer is one bucket's name and number.
    std::vector<std::string> bucket_names{};
};

class Aggregation {
public:
    Aggregation() = default;
    Aggregation(const Aggregation&) = delete;
    Aggregation& operator=(const Aggregation&) = delete;
    virtual ~Aggregation() = default;

    virtual Result<Output> run(Run& run, const DocSet& docs) const = 0;
};

using AggregationPtr = std::shared_ptr<const Aggregation>;

/// What is computed of other answers, after them.
class Pipeline {
public:
    Pipeline() = default;
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;
    virtual ~Pipeline() = default;

    /// Of one level's answers: adds its own.
    virtual Status beside(std::vector<NamedOutput>& level) const;

    /// Of a parent's buckets: adds its own to each, or changes which there are.
    virtual Status within(Output& parent) const;
};

/// The aggregations of one level.
struct Level {
    struct Named {
        std::string name;
        AggregationPtr aggregation;
    };

    std::vector<Named> aggregations;
    std::vector<std::shared_ptr<const Pipeline>> pipelines;  ///< In the order of their needs.

    bool empty() const { return aggregations.empty() && pipelines.empty(); }

    Result<std::vector<NamedOutput>> run(Run& run, const DocSet& docs) const;

    /// Pipelines of this level that look at the buckets they are in.
    Status finish(Output& parent) const;
};

// ---- metrics

enum class Metric : std::uint8_t {
    kAvg,
    kSum,
    kMin,
    kMax,
    kCount,
    kStats
};

AggregationPtr metric(Metric metric, Values values);

/// Distinct values.
AggregationPtr cardinality(Values values);

/// `percents`, or with `ranks` values, of which the percent is asked.
struct Percentiles {
    std::vector<double> wanted;
    bool ranks = false;
    bool hdr = false;  ///< As a histogram with `digits` significant digits counts.
    unsigned digits = 3;
};

AggregationPtr percentiles(Percentiles options, Values values);
AggregationPtr median_absolute_deviation(Values values);
AggregationPtr weighted_average(Values values, Values weights);
AggregationPtr geo_bounds(Values values, bool wrap);
AggregationPtr geo_centroid(Values values);

/// The documents themselves.
AggregationPtr hits();

// ---- one bucket

/// Of each index, what its segments match.
using IndexMatches = std::vector<tree::AllMatches>;
/// Made when it is first needed; may be asked for more than once.
using Filter = std::function<Result<IndexMatches>(Run&)>;

/// A node for each index, evaluated.
Filter filter_of(std::vector<tree::NodePtr> nodes);

AggregationPtr filter(Filter filter, Level level);
AggregationPtr global(Level level);
AggregationPtr missing(Values values, Level level);
/// The best documents of each part of an index.
AggregationPtr sampler(std::size_t size, Level level);
/// Other documents in the place of these (nested objects, or back to what they are in).
using Mapped = std::function<Result<DocSet>(Run&, const DocSet&)>;
AggregationPtr mapped(Mapped mapped, Level level);

// ---- many buckets

enum class OrderBy : std::uint8_t {
    kCount,
    kKey,
    kChild
};

struct Order {
    OrderBy by = OrderBy::kCount;
    bool ascending = false;
    std::string path{};  ///< Of a child: "max_price", "stats.avg", "filtered>avg".
};

struct Terms {
    Values values;
    std::vector<Order> order{{OrderBy::kCount, false, {}}, {OrderBy::kKey, true, {}}};
    std::size_t size = 10;
    std::uint64_t min_doc_count = 1;
    std::function<bool(const Key&)> accepts{};  ///< Null: every one.
};

AggregationPtr terms(Terms terms, Level level);
AggregationPtr multi_terms(std::vector<Values> values, Terms terms, Level level);

/// Terms in at most so many documents.
AggregationPtr rare_terms(
    Values values,
    std::uint64_t doc_count_max,
    std::function<bool(const Key&)> accepts,
    Level level
);

/// How much more frequent a term is in the documents than behind them.
struct Frequencies {
    double subset = 0;
    double subset_size = 0;
    double superset = 0;
    double superset_size = 0;
};

struct Significant {
    Terms terms;
    std::function<double(const Frequencies&)> score;
    Filter background{};  ///< Null: every document.
};

AggregationPtr significant_terms(Significant significant, Level level);

/// Significance by the difference and the quotient of both frequencies (JLH).
double jlh(const Frequencies& f);

struct Histogram {
    Values values;
    double interval = 1;
    double offset = 0;
    std::uint64_t min_doc_count = 0;
    std::optional<double> extended_min{};
    std::optional<double> extended_max{};
    std::optional<double> hard_min{};
    std::optional<double> hard_max{};
    std::vector<Order> order{{OrderBy::kKey, true, {}}};
    /// Both ends of documents that have ranges.
    std::optional<Values> range_ends{};
};

AggregationPtr histogram(Histogram histogram, Level level);

/// Where the bucket of a moment begins, and the one after it.
struct Rounding {
    std::function<std::int64_t(std::int64_t)> floor;
    std::function<std::int64_t(std::int64_t)> next;
};

struct DateHistogram {
    Values values;
    Rounding rounding;
    std::uint64_t min_doc_count = 0;
    std::optional<std::int64_t> extended_min{};
    std::optional<std::int64_t> extended_max{};
    std::optional<std::int64_t> hard_min{};
    std::optional<std::int64_t> hard_max{};
    std::vector<Order> order{{OrderBy::kKey, true, {}}};
    std::optional<Values> range_ends{};
};

AggregationPtr date_histogram(DateHistogram histogram, Level level);

/// The finest of several intervals that makes no more than so many buckets.
struct AutoHistogram {
    struct Interval {
        std::string name;  ///< "7d"
        Rounding rounding;
        std::size_t together = 1;  ///< So many of the rounding's buckets, from the first one on.
    };

    Values values;
    std::vector<Interval> intervals;  ///< Finest first.
    std::size_t buckets = 10;
};

AggregationPtr auto_date_histogram(AutoHistogram histogram, Level level);

/// Values that are near each other together.
AggregationPtr variable_width_histogram(Values values, std::size_t buckets, Level level);

struct RangeOf {
    std::string name;
    std::optional<double> from{};
    std::optional<double> to{};
    std::string from_text{};  ///< Of strings; empty: none.
    std::string to_text{};
};

AggregationPtr ranges(Values values, std::vector<RangeOf> ranges, Level level);
/// The same of meters from a point.
AggregationPtr
distances(Values values, GeoPoint origin, double unit, std::vector<RangeOf> ranges, Level level);

struct NamedFilter {
    std::string name;
    Filter filter;
};

/// `other`: the name of the bucket for what none matches; empty: none.
AggregationPtr filters(std::vector<NamedFilter> filters, std::string other, Level level);
AggregationPtr
adjacency_matrix(std::vector<NamedFilter> filters, std::string separator, Level level);

/// Cells of points, by their names.
using CellOf = std::function<std::string(GeoPoint)>;
AggregationPtr geo_grid(Values values, CellOf cell, std::size_t size, Level level);

struct CompositeSource {
    Values values;
    bool ascending = true;
    bool with_missing = false;
    bool missing_last = false;
    std::function<Key(const Key&)> bucket{};  ///< Of a value; null: the value itself.
    CellOf cell{};                            ///< Of points.
};

AggregationPtr composite(
    std::vector<CompositeSource> sources,
    std::size_t size,
    std::vector<std::optional<Key>> after,
    Level level
);

// ---- what orders and pipelines look at

/// A number in answers: "avg", "stats.max", "percentiles.99", "filter>avg", "_count"; NaN for what
/// has none. kNotFound if there is no such thing.
Result<double> value_at(const std::vector<NamedOutput>& level, const std::string& path);
/// The same of one bucket: "_count" and "_key" too.
Result<double> value_at(const Bucket& bucket, const std::string& path);
/// A number of one answer: "value", "avg", "99.0", ...; empty: its only one.
Result<double> value_of(const Output& output, const std::string& name);

}  // namespace kumo::search::aggregation
