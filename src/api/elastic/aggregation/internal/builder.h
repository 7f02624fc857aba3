#pragma once

#include "api/elastic/aggregation/aggregation.h"
#include "api/elastic/fault.h"

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_elastic {

/// One aggregation while it is read.
struct Definition {
    const AggregationContext& context;
    std::string name;
    const Json& body;
    std::string parent;  ///< The type of the aggregation it is in; empty: none.
    Aggregations children{};
    Shape shape{};

    const Json* find(std::string_view option) const { return body.find(option); }

    /// x_content_parse_exception "[1:1] [type] unknown field [x] did you mean [y]?".
    Status check(std::initializer_list<std::string_view> known) const;

    Error bad(std::string reason) const { return illegal_argument(std::move(reason)); }
};

/// What an aggregation wants of its field.
enum class Wants : std::uint8_t {
    kNumbers,
    kPoints,
    kAny,
};

struct ReadValues {
    agg::Values values;
    ValueFormat format;
    std::optional<agg::Values> range_ends{};  ///< Of a field of ranges.
    bool text = false;                        ///< A field of text: no values but by analysis.
};

/// "field", "missing", "format", "time_zone", "value_type", "script".
Result<ReadValues> read_values(const Definition& of, const Json& body, Wants wants);

/// A value of a request as a key of such values.
Result<agg::Key> key_of(const ReadValues& values, const Json& value, const Definition& of);

/// The words of a text field's values, analysed again.
agg::Values analysed_words(
    const AggregationContext& context,
    const std::string& field,
    const Json* source_fields
);

/// Words without sequences of six that stood in a document before: copies say nothing new.
using Words = std::function<
    Status(const agg::Run&, const agg::PartDocs&, search::DocId, std::vector<std::string>&)>;
Words without_repeats(Words words);

Result<std::int64_t>
integer_option(const Definition& of, std::string_view name, std::int64_t otherwise);

using AggregationResult = Result<agg::AggregationPtr>;

/// "order": one or several.
Result<std::vector<agg::Order>> read_order(const Definition& of, std::vector<agg::Order> otherwise);

// metric_aggregations.cc
AggregationResult read_metric(Definition& of);
AggregationResult read_percentiles(Definition& of);
AggregationResult read_weighted_avg(Definition& of);
AggregationResult read_geo_metric(Definition& of);
AggregationResult read_top_hits(Definition& of);

// bucket_aggregations.cc
AggregationResult read_filter(Definition& of);
AggregationResult read_filters(Definition& of);
AggregationResult read_adjacency_matrix(Definition& of);
AggregationResult read_global(Definition& of);
AggregationResult read_missing(Definition& of);
AggregationResult read_sampler(Definition& of);
AggregationResult read_range(Definition& of);
AggregationResult read_ip_range(Definition& of);
AggregationResult read_geo_distance(Definition& of);
AggregationResult read_geo_grid(Definition& of);

// terms_aggregations.cc
AggregationResult read_terms(Definition& of);
AggregationResult read_rare_terms(Definition& of);
AggregationResult read_significant_terms(Definition& of);
AggregationResult read_significant_text(Definition& of);
AggregationResult read_multi_terms(Definition& of);

// histogram_aggregations.cc
AggregationResult read_histogram(Definition& of);
AggregationResult read_date_histogram(Definition& of);
AggregationResult read_auto_date_histogram(Definition& of);
AggregationResult read_variable_width_histogram(Definition& of);

// composite_aggregation.cc
AggregationResult read_composite(Definition& of);

/// Calendar and fixed intervals, with zone and offset. `options`: of a date_histogram.
Result<agg::Rounding>
read_rounding(const Definition& of, const Json& options, const TimeZone& zone);
agg::Rounding calendar_rounding(char unit, std::int64_t count, const TimeZone& zone);
agg::Rounding fixed_rounding(std::int64_t millis, const TimeZone& zone);

/// A cell's name: "u09tv", "6/32/21".
std::string geohash_of(search::GeoPoint point, unsigned digits);
std::string tile_of(search::GeoPoint point, unsigned zoom);

// pipeline_aggregations.cc
bool is_pipeline(std::string_view type);

/// `beside`: it stands next to what it looks at.
struct ReadPipeline {
    std::shared_ptr<const agg::Pipeline> pipeline;
};

Result<ReadPipeline> read_pipeline(Definition& of, const std::string& type);

}  // namespace kumo::api_elastic
